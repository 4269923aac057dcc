//! Wrapped data keys in a file of this machine (see `key_slots`).
//!
//! A store that copies on write (redb, sled, an ordinary append-only log) leaves the old bytes behind; a slot that is written
//! over does not. One thread writes the slots, so that keys which are made at the same time share a sync; reading needs
//! neither the thread nor the disk.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
};

use async_trait::async_trait;
use berth_runtime::WrappedKey;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use super::{
    files::{FileError, blocking, make_folder, sync_folder},
    key_slots::{Change, Index, Slots},
};
use crate::port::{KeptKey, KeyStore, KeyStoreError};

/// The name of the file in its folder.
const FILE_NAME: &str = "keys.slots";
/// Changes that wait for the writer.
const CHANGES_WAITING_MAX: usize = 1_024;
/// Changes that share a sync.
const CHANGES_AT_ONCE_MAX: usize = 256;

/// Wrapped data keys in a file of this machine. Dropping the last clone waits for the writer, which frees the file.
#[derive(Debug, Clone)]
pub struct FileKeyStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    index: Index,
    /// The way to the writer; taken when the store is dropped, which ends it.
    changes: Option<mpsc::Sender<Waiting>>,
    writer: Option<JoinHandle<()>>,
}

type Outcome = Result<Option<WrappedKey>, Arc<FileError>>;

/// A change on its way to the writer.
#[derive(Debug)]
struct Waiting {
    owner: [u8; 16],
    change: Change,
    done: oneshot::Sender<Outcome>,
}

/// The writer of the keys has ended. A retry does not help.
#[derive(Debug, Error)]
#[error("the writer of the keys has ended")]
struct WriterGone;

// === impl FileKeyStore ===

impl FileKeyStore {
    /// Opens the store in a folder, which is made if it is not there. A second process is refused.
    pub async fn open(folder: impl AsRef<Path>) -> Result<Self, FileError> {
        let folder = folder.as_ref().to_owned();
        let path = folder.join(FILE_NAME);
        let inner = blocking(&path, {
            let path = path.clone();
            move || {
                make_folder(&folder)?;
                let slots = Slots::open(path.clone())?;
                sync_folder(&folder)?;
                let index = slots.index();
                let (changes, waiting) = mpsc::channel(CHANGES_WAITING_MAX);
                let writer = std::thread::Builder::new()
                    .name("berth-keys-writer".to_owned())
                    .spawn(move || write(slots, waiting))
                    .map_err(FileError::io(&path))?;
                Ok(Inner { path, index, changes: Some(changes), writer: Some(writer) })
            }
        })
        .await?;
        Ok(Self { inner: Arc::new(inner) })
    }

    async fn change(&self, owner: &[u8; 16], change: Change) -> Result<Option<WrappedKey>, KeyStoreError> {
        let (done, outcome) = oneshot::channel();
        let waiting = Waiting { owner: *owner, change, done };
        let gone = || KeyStoreError(WriterGone.into());
        let changes = self.inner.changes.as_ref().ok_or_else(gone)?;
        changes.send(waiting).await.map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?.map_err(|error| KeyStoreError(error.into()))
    }
}

#[async_trait]
impl KeyStore for FileKeyStore {
    async fn put_if_absent(
        &self,
        owner: &[u8; 16],
        key: WrappedKey,
    ) -> Result<Option<WrappedKey>, KeyStoreError> {
        self.change(owner, Change::PutIfAbsent(key)).await
    }

    async fn get(&self, owner: &[u8; 16]) -> Result<KeptKey, KeyStoreError> {
        Ok(self.inner.index.get(owner, &self.inner.path)?)
    }

    async fn destroy(&self, owner: &[u8; 16]) -> Result<(), KeyStoreError> {
        self.change(owner, Change::Destroy).await.map(|_none| ())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.changes.take());
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the writer of the keys has panicked");
        }
    }
}

/// Writes what waits until nobody can send any more.
fn write(mut slots: Slots, mut waiting: mpsc::Receiver<Waiting>) {
    while let Some(first) = waiting.blocking_recv() {
        let (mut changes, mut askers) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(Waiting { owner, change, done }) = next {
            changes.push((owner, change));
            askers.push(done);
            next = if changes.len() < CHANGES_AT_ONCE_MAX { waiting.try_recv().ok() } else { None };
        }
        let outcomes = match slots.change(&changes) {
            Ok(outcomes) => outcomes.into_iter().map(|outcome| outcome.map_err(Arc::new)).collect(),
            Err(error) => vec![Err(Arc::new(error)); askers.len()],
        };
        for (done, outcome) in askers.into_iter().zip::<Vec<Outcome>>(outcomes) {
            // Whoever asked may be gone; what became of the key is durable all the same.
            let _gone = done.send(outcome);
        }
    }
}
