//! The log of one process, in a folder of its data folder that fjall keeps: no server to install.
//!
//! `open` takes the process lock and the folder, `writer` is the thread that stores appends in batches, answers
//! after the sync and hands the batch to the `window` that followers read first, `reader` looks up and follows, and
//! `pages` are what followers that are behind the window share.

mod ends;
#[cfg(test)]
mod faults;
mod keys;
mod open;
mod pages;
mod reader;
mod store;
mod tables;
mod writer;

use std::{fmt, io, path::Path, sync::Arc, thread::JoinHandle};

use async_trait::async_trait;
use berth_runtime::Entropy;
use thiserror::Error;
use tokio::{
    sync::{Semaphore, mpsc, oneshot, watch},
    time::Instant,
};

pub use self::open::OpenError;
use self::{
    open::Opened,
    reader::Source,
    writer::{QUEUE_COMMITS_MAX, QUEUE_KIB_MAX, Request, Writer},
};
use crate::{
    local::{self, Ends},
    metrics,
    port::{AppendError, Appended, EventLog, Expected, NewCommit},
    unreadable::Unreadable,
};

/// The log in a folder of this machine, for one process.
///
/// Dropping it stores what is queued, closes the engine and frees its lock; that takes as long as two syncs.
pub struct EmbeddedLog {
    source: Source,
    incarnation: u64,
    shards: u8,
    /// The writer tells it, followers listen.
    ends: watch::Receiver<Ends>,
    /// The way to the writer; taken when the log is dropped, which ends it.
    queue: Option<mpsc::Sender<Request>>,
    /// KiB of commits that may still wait for it.
    room: Arc<Semaphore>,
    writer: Option<JoinHandle<()>>,
    #[cfg(test)]
    faults: Arc<faults::Faults>,
}

/// The writer's thread has ended.
#[derive(Debug, Error)]
#[error("the writer of the log has ended")]
struct WriterGone;

impl EmbeddedLog {
    /// Opens the log of a folder, or creates it with that many shards and a random incarnation. Blocks
    /// for some milliseconds, after a crash as long as it takes to replay the journal.
    pub fn open(folder: &Path, shards: u8, entropy: &dyn Entropy) -> Result<Self, OpenError> {
        metrics::describe(shards);
        Self::start(folder, shards, open::open(folder, shards, entropy)?)
    }

    /// Whether a folder has a log, not looking at what is in it. An empty file is none.
    pub fn is_there(folder: &Path) -> io::Result<bool> {
        open::is_there(folder)
    }

    fn start(folder: &Path, shards: u8, opened: Opened) -> Result<Self, OpenError> {
        let Opened { store, incarnation, ends } = opened;
        let (queue, requests) = mpsc::channel(QUEUE_COMMITS_MAX);
        let (ends_sender, ends) = watch::channel(ends);
        let source = Source {
            store,
            window: Arc::default(),
            pages: Arc::default(),
            unreadable: Unreadable::default(),
        };
        #[cfg(test)]
        let faults = Arc::<faults::Faults>::default();
        let writer = Writer {
            store: Arc::clone(&source.store),
            window: Arc::clone(&source.window),
            ends: ends_sender,
            #[cfg(test)]
            fault: Arc::clone(&faults),
        };
        let writer = std::thread::Builder::new()
            .name("berth-log-writer".to_owned())
            .spawn(move || writer.run(requests))
            .map_err(|source| OpenError::Folder { folder: folder.to_owned(), source })?;
        Ok(Self {
            source,
            incarnation,
            shards,
            ends,
            queue: Some(queue),
            room: Arc::new(Semaphore::new(QUEUE_KIB_MAX)),
            writer: Some(writer),
            #[cfg(test)]
            faults,
        })
    }
}

impl fmt::Debug for EmbeddedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedLog").field("shards", &self.shards).finish_non_exhaustive()
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the writer of the log has panicked");
        }
    }
}

#[async_trait]
impl EventLog for EmbeddedLog {
    async fn append(&self, commit: NewCommit, expected: Expected) -> Result<Appended, AppendError> {
        let (bytes, begun) = (commit.payload.len(), Instant::now());
        let outcome = self.append_one(commit, expected).await;
        metrics::appended(&outcome, bytes, begun);
        outcome
    }
}

impl EmbeddedLog {
    async fn append_one(&self, commit: NewCommit, expected: Expected) -> Result<Appended, AppendError> {
        local::check_size(&commit)?;
        let stream = commit.stream;
        let shard = stream.partition().shard(self.shards);
        let gone = || AppendError::Unavailable(Box::new(WriterGone));
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        // Its size was checked.
        let kib = u32::try_from(commit.payload.len().div_ceil(1024)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(kib).await.map_err(|_closed| gone())?;
        queue.send(Request { commit, expected, shard, answer, _room: room }).await.map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(AppendError::Unknown { stream, source: Box::new(WriterGone) }))
    }
}
