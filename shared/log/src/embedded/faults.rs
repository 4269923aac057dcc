//! Tests on a disk whose syncs fail: what the answers say must be what is there.

use std::{
    io,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use berth_proto::{InstanceId, StreamKey};
use berth_runtime::SystemEntropy;

use super::{EmbeddedLog, store::StoreError};
use crate::port::{AppendError, EventLog, Expected, LogRead, NewCommit};

/// What goes wrong, as the test sets it.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// So many batches are said to have failed although they are in the journal.
    failures: AtomicU64,
    /// Batches so far.
    batches: AtomicU64,
}

impl Faults {
    pub(super) fn after_batch(&self) -> Result<(), StoreError> {
        self.batches.fetch_add(1, Ordering::SeqCst);
        if self.failures.load(Ordering::SeqCst) > 0 {
            self.failures.fetch_sub(1, Ordering::SeqCst);
            return Err(io::Error::other("the sync failed").into());
        }
        Ok(())
    }
}

fn open(folder: &Path) -> EmbeddedLog {
    EmbeddedLog::open(folder, 4, &SystemEntropy).unwrap()
}

fn stream(number: u8) -> StreamKey {
    StreamKey::instance(InstanceId::from_bytes([number; 16]))
}

fn commit(stream: StreamKey, expected: Expected) -> NewCommit {
    let version = expected.next_version();
    let payload = vec![u8::try_from(version).unwrap(); 5000].into();
    NewCommit { stream, version, command_id: None, traceparent: None, payload }
}

async fn append(log: &EmbeddedLog, stream: StreamKey, expected: Expected) -> Result<Expected, AppendError> {
    let appended = log.append(commit(stream, expected), expected).await?;
    Ok(Expected::After(appended.tail))
}

#[tokio::test]
async fn what_is_there_after_a_failed_sync_is_written_anew_before_it_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let expected = append(&log, stream(1), Expected::Empty).await.unwrap();
    let tables_before = tables(folder.path());

    log.faults.failures.store(1, Ordering::SeqCst);
    let expected = append(&log, stream(1), expected).await.unwrap();
    assert_eq!(expected.next_version(), 3);
    assert!(tables(folder.path()) > tables_before, "the commit stands in a file of its own");
    assert_eq!(log.end().await.unwrap().0.values().map(|end| end.revision).sum::<u64>(), 2);
    assert_eq!(log.tail(&stream(1)).await.unwrap().unwrap().tail.version, 2);
}

/// Files of tables, which are written and synced apart from the journal.
fn tables(folder: &Path) -> usize {
    fn count(folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
        entries
            .map(|entry| {
                if entry.file_type().unwrap().is_dir() {
                    count(&entry.path())
                } else {
                    usize::from(entry.path().parent().unwrap().ends_with("tables"))
                }
            })
            .sum()
    }
    count(&folder.join("log"))
}

#[tokio::test]
async fn a_log_that_cannot_be_opened_again_acknowledges_and_shows_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let expected = append(&log, stream(1), Expected::Empty).await.unwrap();

    // The folder is gone when the engine wants to look what is there.
    let (here, away) = (folder.path().join("log"), folder.path().join("away"));
    std::fs::rename(&here, &away).unwrap();
    log.faults.failures.store(1, Ordering::SeqCst);
    let lost = append(&log, stream(1), expected).await;
    assert!(matches!(lost, Err(AppendError::Unknown { .. })), "{lost:?}");
    let refused = append(&log, stream(2), Expected::Empty).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    assert!(log.tail(&stream(1)).await.is_err());
    // The engine's own threads may miss the folder first: then it refused the batch, and nothing of it is there.
    let written = log.faults.batches.load(Ordering::SeqCst);
    drop(log);

    std::fs::rename(&away, &here).unwrap();
    let log = open(folder.path());
    assert_eq!(log.tail(&stream(1)).await.unwrap().unwrap().tail.version, written);
    assert!(log.tail(&stream(2)).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_that_wait_together_share_a_sync() {
    const WRITERS: u8 = 64;
    const COMMITS: u64 = 20;
    let folder = tempfile::tempdir().unwrap();
    let log = std::sync::Arc::new(open(folder.path()));
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..WRITERS {
        let log = std::sync::Arc::clone(&log);
        writers.spawn(async move {
            let mut expected = Expected::Empty;
            for _ in 0..COMMITS {
                expected = append(&log, stream(number), expected).await.unwrap();
            }
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer.unwrap();
    }
    let batches = log.faults.batches.load(Ordering::SeqCst);
    assert!(batches < u64::from(WRITERS) * COMMITS / 2, "{batches} batches");
}
