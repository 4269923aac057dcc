//! The one writer: a thread that drains the queue of appends and stores each batch with one sync, so that appends
//! that wait at the same time share it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use berth_proto::StreamKey;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot, watch},
    time::Instant,
};

use super::{
    keys::{commit_row, stream_key, tail_row, version_key},
    store::{Snapshot, Store, StoreError, wait_while},
    tables::Tables,
};
use crate::{
    local::Ends,
    port::{AppendError, Appended, Expected, NewCommit, Stored, Tail},
    window::Window,
};

/// Appends that wait for the writer.
pub(super) const QUEUE_COMMITS_MAX: usize = 1024;
/// KiB of the commits of appends that are not answered, each rounded up: what the queue and the batch before it keep in memory.
pub(super) const QUEUE_KIB_MAX: usize = 64 * 1024;
/// Commits in one batch.
const BATCH_COMMITS_MAX: usize = 1024;
/// Bytes after which a batch takes no more commits.
const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;
/// After a failed batch appends are refused for so long without another try, which would close and open the engine.
const REFUSE_FOR: Duration = Duration::from_secs(1);
/// Memory tables of one kind that wait to be written, at which the writer waits, too. The engine itself waits at
/// more, and for ever if it can write no more.
const SEALED_TABLES_MAX: usize = 2;
/// Files of one kind that wait to be merged, at which the writer waits, too; for the same reason.
const UNMERGED_FILES_MAX: usize = 18;

type Answer = Result<Appended, AppendError>;

/// An append on its way to the writer.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) commit: NewCommit,
    pub(super) expected: Expected,
    pub(super) shard: u8,
    pub(super) answer: oneshot::Sender<Answer>,
    /// Its bytes of those that may wait.
    pub(super) _room: OwnedSemaphorePermit,
}

/// What became of one append of a batch.
#[derive(Debug, Clone)]
enum Fate {
    /// Its commit is stored by this batch, or was before.
    Stored(Tail),
    /// Another commit was there first.
    Conflict,
    /// Nothing of it is stored. Only after a failed batch.
    Absent,
    /// What stands in its stream cannot be read. Nothing of it is stored.
    Damaged(Arc<StoreError>),
}

/// What a batch stores, as far as it is put together.
#[derive(Default)]
struct Draft {
    fates: Vec<Fate>,
    commits: Vec<Stored>,
    /// The index in `commits` of each version of a stream.
    versions: HashMap<(StreamKey, u64), usize>,
    tails: HashMap<StreamKey, Tail>,
    ends: Vec<u64>,
}

/// The writer's parts.
pub(super) struct Writer {
    pub(super) store: Arc<Store>,
    pub(super) window: Arc<Window>,
    pub(super) ends: watch::Sender<Ends>,
    #[cfg(test)]
    pub(super) fault: Arc<super::faults::Faults>,
}

/// The last failure, for those that are refused without another try.
struct Failure {
    error: Arc<StoreError>,
    at: Instant,
}

impl Writer {
    /// Drains the queue until every handle of the log is gone, then closes the engine.
    pub(super) fn run(self, mut queue: mpsc::Receiver<Request>) {
        let mut failure: Option<Failure> = None;
        while let Some(first) = queue.blocking_recv() {
            let batch = fill(first, &mut queue);
            if let Some(failed) = &failure
                && failed.at.elapsed() < REFUSE_FOR
            {
                refuse(batch, &failed.error);
                continue;
            }
            failure = self.settle(batch).err().map(|error| Failure { error, at: Instant::now() });
        }
        self.store.close();
    }

    /// Stores a batch and answers every append of it. An error if the engine failed.
    fn settle(&self, batch: Vec<Request>) -> Result<(), Arc<StoreError>> {
        let ends = self.ends.borrow().to_vec();
        let drafted = self.store.with(|tables| draft(tables, &batch, ends));
        let draft = match drafted {
            Ok(draft) => draft,
            Err(error) => {
                let error = Arc::new(error);
                refuse(batch, &error);
                return Err(error);
            }
        };
        if !draft.commits.is_empty()
            && let Err(error) = self.store.with(|tables| write(tables, &draft)).and_then(|()| self.lie())
        {
            let error = Arc::new(error);
            self.settle_failed(batch, &error);
            return Err(error);
        }
        self.window.push(draft.commits.into_iter().map(|stored| Arc::new(stored.into())));
        self.announce(&batch, &draft.fates);
        for (request, fate) in batch.into_iter().zip(draft.fates) {
            reply(request, fate, None);
        }
        Ok(())
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "a test lets it fail")]
    const fn lie(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Says that a batch failed which is there all the same, as a disk does whose sync fails.
    #[cfg(test)]
    fn lie(&self) -> Result<(), StoreError> {
        self.fault.after_batch()
    }

    /// Tells followers what is there now.
    fn announce(&self, batch: &[Request], fates: &[Fate]) {
        self.ends.send_if_modified(|ends| {
            let mut new = ends.to_vec();
            for (request, fate) in batch.iter().zip(fates) {
                if let (Fate::Stored(tail), Some(end)) = (fate, new.get_mut(usize::from(request.shard))) {
                    *end = tail.revision.max(*end);
                }
            }
            let modified = **ends != *new;
            *ends = new.into();
            modified
        });
    }

    /// A write failed: opens the engine again and looks what of it is there.
    ///
    /// The engine's batch is there as a whole or not at all, and what is there after a failed write is proved
    /// durable by the store before it is seen. So an absent commit is certainly not stored, and a present one is.
    fn settle_failed(&self, batch: Vec<Request>, error: &Arc<StoreError>) {
        tracing::error!(
            error = &**error as &dyn std::error::Error,
            commits = batch.len(),
            "a batch of commits could not be stored"
        );
        self.window.clear();
        let look = |tables: &Tables| {
            let snapshot = Snapshot::of(tables);
            batch.iter().map(|request| find(request, &snapshot)).collect::<Result<Vec<_>, _>>()
        };
        let in_doubt = |seen: &Vec<Fate>| seen.iter().any(|fate| !matches!(fate, Fate::Absent));
        match self.store.reopen(look, in_doubt) {
            Ok(fates) => {
                self.announce(&batch, &fates);
                for (request, fate) in batch.into_iter().zip(fates) {
                    reply(request, fate, Some(error));
                }
            }
            Err(failed) => {
                tracing::error!(error = &failed as &dyn std::error::Error, "the log cannot be opened again");
                for request in batch {
                    let (stream, source) = (request.commit.stream, Box::new(Arc::clone(error)));
                    answer(request.answer, Err(AppendError::Unknown { stream, source }));
                }
            }
        }
    }
}

/// Takes what waits besides the first append, within the bounds of a batch.
fn fill(first: Request, queue: &mut mpsc::Receiver<Request>) -> Vec<Request> {
    let mut bytes = first.commit.payload.len();
    let mut batch = vec![first];
    while batch.len() < BATCH_COMMITS_MAX
        && bytes < BATCH_BYTES_MAX
        && let Ok(next) = queue.try_recv()
    {
        bytes += next.commit.payload.len();
        batch.push(next);
    }
    batch
}

/// Decides what of a batch can be stored. Nothing is written.
fn draft(tables: &Tables, batch: &[Request], ends: Vec<u64>) -> Result<Draft, StoreError> {
    let snapshot = Snapshot::of(tables);
    let mut draft = Draft { ends, ..Draft::default() };
    for request in batch {
        let fate = match draft.take(request, &snapshot) {
            // A damaged stream stops nobody else's append.
            Err(error @ StoreError::Damaged(_)) => Fate::Damaged(Arc::new(error)),
            taken => taken?,
        };
        draft.fates.push(fate);
    }
    Ok(draft)
}

impl Draft {
    fn take(&mut self, request: &Request, snapshot: &Snapshot<'_>) -> Result<Fate, StoreError> {
        let Request { commit, expected, shard, .. } = request;
        let tail = match self.tails.get(&commit.stream) {
            Some(&tail) => Some(tail),
            None => snapshot.tail_of(&commit.stream)?,
        };
        let next = expected.next_version();
        if tail.map_or(Expected::Empty, Expected::After) != *expected || commit.version != next {
            if let Some(&at) = self.versions.get(&(commit.stream, next)) {
                let same = self.commits.get(at).filter(|stored| stored.payload == commit.payload);
                return Ok(same.map_or(Fate::Conflict, |stored| Fate::Stored(stored.tail)));
            }
            return Ok(match find(request, snapshot)? {
                Fate::Absent => Fate::Conflict,
                fate => fate,
            });
        }
        let no_shard = || super::store::Damage::Missing(format!("shard {shard}"));
        let end = self.ends.get_mut(usize::from(*shard)).ok_or_else(no_shard)?;
        *end += 1;
        let (stream, tail) = (commit.stream, Tail { version: next, revision: *end });
        self.versions.insert((stream, next), self.commits.len());
        self.tails.insert(stream, tail);
        self.commits.push(Stored {
            stream,
            tail,
            shard: *shard,
            payload: commit.payload.clone(),
            forged: false,
        });
        Ok(Fate::Stored(tail))
    }
}

/// Stores a draft in one batch with one sync.
fn write(tables: &Tables, draft: &Draft) -> Result<(), StoreError> {
    wait_while(tables, || {
        tables.all().any(|table| {
            table.sealed_memtable_count() >= SEALED_TABLES_MAX || table.l0_table_count() >= UNMERGED_FILES_MAX
        })
    })?;
    let mut batch = tables.batch()?;
    for Stored { stream, tail, shard, payload, .. } in &draft.commits {
        if let Some(commits) = tables.commits.get(usize::from(*shard)) {
            let row = commit_row(stream, tail.version, payload);
            batch.insert(commits, tail.revision.to_be_bytes(), row);
        }
        batch.insert(&tables.versions, version_key(stream, tail.version), tail.revision.to_be_bytes());
    }
    for (stream, tail) in &draft.tails {
        batch.insert(&tables.tails, stream_key(stream), tail_row(*tail));
    }
    batch.commit()?;
    tables.ends.moved(draft.tails.keys());
    Ok(())
}

/// What stands where an append wants to be.
fn find(request: &Request, snapshot: &Snapshot<'_>) -> Result<Fate, StoreError> {
    let commit = &request.commit;
    let at = (&commit.stream, request.shard, request.expected.next_version());
    Ok(match snapshot.compare(at, &commit.payload)? {
        Some((tail, true)) => Fate::Stored(tail),
        Some((_, false)) => Fate::Conflict,
        None => Fate::Absent,
    })
}

/// Answers appends of which nothing was tried.
fn refuse(batch: Vec<Request>, error: &Arc<StoreError>) {
    for request in batch {
        answer(request.answer, Err(refusal(error)));
    }
}

fn reply(request: Request, fate: Fate, error: Option<&Arc<StoreError>>) {
    let Request { commit, shard, answer: channel, .. } = request;
    let result = match (fate, error) {
        (Fate::Stored(tail), _) => Ok(Appended { tail, shard }),
        (Fate::Absent, Some(error)) => Err(refusal(error)),
        (Fate::Damaged(error), _) => Err(refusal(&error)),
        (Fate::Conflict | Fate::Absent, _) => Err(AppendError::Conflict { stream: commit.stream }),
    };
    answer(channel, result);
}

fn refusal(error: &Arc<StoreError>) -> AppendError {
    let source = Box::new(Arc::clone(error));
    match **error {
        StoreError::Full(_) => AppendError::Full(source),
        StoreError::Failed(_) | StoreError::Damaged(_) | StoreError::Closed => {
            AppendError::Unavailable(source)
        }
    }
}

/// Whoever asked may be gone; the commit is stored or not all the same.
fn answer(channel: oneshot::Sender<Answer>, answer: Answer) {
    let _ = channel.send(answer);
}
