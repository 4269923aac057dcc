//! Tests on a disk that fills up or fails under the log.

use std::{
    io,
    ops::Bound,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use berth_proto::{InstanceId, StreamKey};
use berth_runtime::SystemEntropy;
use redb::{BackendError, StorageBackend, backends::FileBackend};

use super::{
    EmbeddedLog,
    open::{open_with, redb_builder},
};
use crate::port::{AppendError, EventLog, Expected, LogRead, NewCommit};

/// What the disk does, as the test sets it.
#[derive(Debug, Default)]
struct Disk {
    /// Writes are refused as on a full disk.
    full: AtomicBool,
    /// Every use fails as on a broken disk.
    broken: AtomicBool,
    /// So many syncs succeed, then one fails; 0 for all.
    syncs_until_failure: AtomicU64,
    /// Syncs so far.
    syncs: AtomicU64,
}

#[derive(Debug)]
struct FailingBackend {
    file: FileBackend,
    disk: Arc<Disk>,
}

impl FailingBackend {
    fn usable(&self) -> io::Result<()> {
        if self.disk.broken.load(Ordering::SeqCst) { Err(io::Error::other("broken")) } else { Ok(()) }
    }
}

impl StorageBackend for FailingBackend {
    fn len(&self) -> io::Result<u64> {
        self.usable()?;
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.usable()?;
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.usable()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.usable()?;
        let left = self.disk.syncs_until_failure.load(Ordering::SeqCst);
        if left > 0 && self.disk.syncs_until_failure.fetch_sub(1, Ordering::SeqCst) == 1 {
            return Err(io::Error::other("the sync failed"));
        }
        self.disk.syncs.fetch_add(1, Ordering::SeqCst);
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.usable()?;
        // Rewriting the header takes no room; every other page may be in a hole of the file.
        if self.disk.full.load(Ordering::SeqCst) && offset > 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

fn open(folder: &Path, disk: &Arc<Disk>) -> EmbeddedLog {
    let (path, disk): (PathBuf, _) = (folder.join("log.redb"), Arc::clone(disk));
    let opener = move || {
        let file =
            std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        redb_builder()
            .create_with_backend(FailingBackend { file: FileBackend::new(file)?, disk: Arc::clone(&disk) })
    };
    let ready = open_with(folder, 4, &SystemEntropy, Box::new(opener)).unwrap();
    EmbeddedLog::start(folder, 4, ready).unwrap()
}

fn stream(number: u8) -> StreamKey {
    StreamKey::instance(InstanceId::from_bytes([number; 16]))
}

fn commit(stream: StreamKey, expected: Expected) -> NewCommit {
    let version = expected.next_version();
    NewCommit {
        stream,
        version,
        command_id: None,
        traceparent: None,
        payload: vec![u8::try_from(version).unwrap(); 5000].into(),
    }
}

async fn append(log: &EmbeddedLog, stream: StreamKey, expected: Expected) -> Result<Expected, AppendError> {
    let appended = log.append(commit(stream, expected), expected).await?;
    Ok(Expected::After(appended.tail))
}

#[tokio::test]
async fn a_full_disk_refuses_appends_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let log = open(folder.path(), &disk);
    let mut expected = Expected::Empty;
    for _ in 0..20 {
        expected = append(&log, stream(1), expected).await.unwrap();
    }
    let end = log.end().await.unwrap();

    disk.full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let refused = append(&log, stream(1), expected).await;
        assert!(matches!(refused, Err(AppendError::Full(_))), "{refused:?}");
        let refused = append(&log, stream(2), Expected::Empty).await;
        assert!(matches!(refused, Err(AppendError::Full(_))), "{refused:?}");
        // What was stored can be read, and nothing of the refused appends is there.
        assert_eq!(
            log.tail(&stream(1)).await.unwrap().map(|tail| Expected::After(tail.tail)),
            Some(expected)
        );
        assert!(log.tail(&stream(2)).await.unwrap().is_none());
        assert_eq!(log.end().await.unwrap(), end);
    }

    disk.full.store(false, Ordering::SeqCst);
    expected = append(&log, stream(1), expected).await.unwrap();
    append(&log, stream(2), Expected::Empty).await.unwrap();
    assert_eq!(expected.next_version(), 22);
    drop(log);

    let log = open(folder.path(), &disk);
    assert_eq!(log.read(&stream(1), 0, 100).await.unwrap().len(), 21);
    assert_eq!(log.read(&stream(2), 0, 100).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_disk_that_comes_back_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let log = open(folder.path(), &disk);
    let expected = append(&log, stream(1), Expected::Empty).await.unwrap();

    disk.broken.store(true, Ordering::SeqCst);
    let lost = append(&log, stream(1), expected).await;
    assert!(matches!(lost, Err(AppendError::Unknown { .. } | AppendError::Unavailable(_))), "{lost:?}");
    assert!(log.tail(&stream(1)).await.is_err());

    disk.broken.store(false, Ordering::SeqCst);
    assert_eq!(log.tail(&stream(1)).await.unwrap().unwrap().tail.version, 1);
    assert_eq!(append(&log, stream(1), expected).await.unwrap().next_version(), 3);
}

#[tokio::test]
async fn after_a_failed_sync_the_answer_is_what_the_file_says() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let log = open(folder.path(), &disk);
    let mut expected = append(&log, stream(1), Expected::Empty).await.unwrap();
    let mut stored = 1;
    // A commit syncs more than once; each of the syncs fails once.
    for syncs in [1, 2, 1, 2, 3] {
        disk.syncs_until_failure.store(syncs, Ordering::SeqCst);
        let answer = append(&log, stream(1), expected).await;
        disk.syncs_until_failure.store(0, Ordering::SeqCst);
        if let Ok(next) = answer {
            expected = next;
            stored += 1;
        }
        let tail = log.tail(&stream(1)).await.unwrap().unwrap().tail;
        assert_eq!(tail.version, stored, "the answer was {answer:?}");
    }
    drop(log);
    let log = open(folder.path(), &disk);
    assert_eq!(log.tail(&stream(1)).await.unwrap().unwrap().tail.version, stored);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_that_wait_together_share_a_sync() {
    const WRITERS: u8 = 64;
    const COMMITS: u64 = 20;
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let log = Arc::new(open(folder.path(), &disk));
    let before = disk.syncs.load(Ordering::SeqCst);
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..WRITERS {
        let log = Arc::clone(&log);
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
    let syncs = disk.syncs.load(Ordering::SeqCst) - before;
    // Each on its own would need two syncs.
    assert!(syncs < u64::from(WRITERS) * COMMITS / 2, "{syncs} syncs");
}
