//! Leases within one process. Nobody else can take them, so they are lost only when they are given back.
//!
//! One process is the only member, and owns all. The epoch is a counter in a file, raised and synced at each start, and
//! again before a partition is held once more: every grant of a partition has a higher one than all before it, over process
//! starts too, and a start costs one sync however many partitions there are.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::Read,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::{oneshot, watch};

use super::files::{CHECKSUM_BYTES, FileError, blocking, checksum, make_folder, open_locked, sync_folder};
use crate::{
    lease::Lease,
    metrics::{self, CountedPartition},
    port::{Grant, Holds, LeaseError, LeaseGuard, Leases},
};

/// The name of the file in its folder.
const FILE_NAME: &str = "epoch";
/// Bytes of one copy: the counter and its checksum.
const COPY_BYTES: usize = 8 + CHECKSUM_BYTES;
/// Where the copies stand: in different disk sectors, written in turn, so that a torn write spares one.
const COPIES_AT: [u64; 2] = [0, 4_096];

/// The leases of one process. Clones share them.
#[derive(Debug, Clone)]
pub struct LocalLeases {
    path: PathBuf,
    /// The epoch of this start.
    start: u64,
    /// Raised when a lease is granted again, on a blocking thread.
    epoch: Arc<Mutex<EpochFile>>,
    /// The last holder of each lease, which the next one waits for.
    holders: Arc<Mutex<HashMap<Lease, Holder>>>,
    /// The epoch of each lease that was granted.
    granted: Arc<Mutex<BTreeMap<Lease, u64>>>,
}

/// The holder of one lease. Whoever waits for it to end keeps this locked, so that they come in turn.
type Holder = Arc<tokio::sync::Mutex<Last>>;

/// What became of one lease in this process.
#[derive(Debug, Default)]
enum Last {
    /// It was not asked for yet: the epoch of the start is its own.
    #[default]
    Fresh,
    Granted(Held),
    GivenBack,
}

/// A grant that was given out.
#[derive(Debug)]
struct Held {
    /// Ends when the guard is dropped.
    given_back: oneshot::Receiver<()>,
    lost: watch::Sender<bool>,
    _counted: CountedPartition,
}

#[derive(Debug)]
struct EpochFile {
    path: PathBuf,
    file: File,
    epoch: u64,
}

// === impl LocalLeases ===

impl LocalLeases {
    /// Opens the counter in a folder, which is made if it is not there. A second process is refused.
    pub async fn open(folder: impl AsRef<Path>) -> Result<Self, FileError> {
        metrics::describe();
        let folder = folder.as_ref().to_owned();
        let path = folder.join(FILE_NAME);
        let (epoch, start) = blocking(&path, {
            let path = path.clone();
            move || {
                make_folder(&folder)?;
                let mut epoch = EpochFile::open(path)?;
                sync_folder(&folder)?;
                let start = epoch.raise()?;
                Ok((epoch, start))
            }
        })
        .await?;
        metrics::member(true);
        Ok(Self {
            path,
            start,
            epoch: Arc::new(Mutex::new(epoch)),
            holders: Arc::default(),
            granted: Arc::default(),
        })
    }

    /// Raises the counter in a folder to at least this: whoever takes a deployment over that was another engine's needs higher
    /// epochs than that ever granted.
    pub async fn raise(folder: impl AsRef<Path>, at_least: u64) -> Result<(), FileError> {
        let folder = folder.as_ref().to_owned();
        let path = folder.join(FILE_NAME);
        blocking(&path, {
            let path = path.clone();
            move || {
                make_folder(&folder)?;
                let mut epoch = EpochFile::open(path)?;
                sync_folder(&folder)?;
                if epoch.epoch < at_least {
                    // Both copies, one after the other: the former one must not count if the latter is torn.
                    epoch.epoch = at_least;
                    epoch.raise()?;
                    epoch.raise()?;
                }
                Ok(())
            }
        })
        .await
    }

    /// What was ever held, and under which epoch last.
    pub(super) fn granted(&self) -> BTreeMap<Lease, u64> {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn next_epoch(&self) -> Result<u64, LeaseError> {
        let epoch = Arc::clone(&self.epoch);
        blocking(&self.path, move || epoch.lock().unwrap_or_else(PoisonError::into_inner).raise())
            .await
            .map_err(|error| LeaseError(error.into()))
    }
}

#[async_trait]
impl Leases for LocalLeases {
    async fn hold(&self, lease: Lease) -> Result<Grant, LeaseError> {
        let holder =
            Arc::clone(self.holders.lock().unwrap_or_else(PoisonError::into_inner).entry(lease).or_default());
        let mut holder = holder.lock().await;
        if let Last::Granted(before) = &mut *holder {
            // The guard's drop closes the channel, which is an error here and all we wait for.
            let _closed = (&mut before.given_back).await;
            before.lost.send_replace(true);
            *holder = Last::GivenBack;
        }
        let epoch = match &*holder {
            Last::Fresh => self.start,
            Last::Granted(_) | Last::GivenBack => self.next_epoch().await?,
        };
        let (guard, given_back) = oneshot::channel();
        let (lost, told) = watch::channel(false);
        *holder = Last::Granted(Held { given_back, lost, _counted: CountedPartition::of(lease.role) });
        self.granted.lock().unwrap_or_else(PoisonError::into_inner).insert(lease, epoch);
        Ok(Grant { epoch, holds: Holds::until(told.clone()), lost: told, guard: LeaseGuard(guard) })
    }
}

// === impl EpochFile ===

impl EpochFile {
    fn open(path: PathBuf) -> Result<Self, FileError> {
        let mut file = open_locked(&path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(FileError::io(&path))?;
        let copies = COPIES_AT.map(|at| {
            let start = usize::try_from(at).unwrap_or(usize::MAX);
            bytes.get(start..).and_then(decode)
        });
        match copies.into_iter().flatten().max() {
            Some(epoch) => Ok(Self { path, file, epoch }),
            None if bytes.iter().all(|byte| *byte == 0) => Ok(Self { path, file, epoch: 0 }),
            None => Err(FileError::Damaged { path }),
        }
    }

    fn raise(&mut self) -> Result<u64, FileError> {
        let epoch = self.epoch + 1;
        let number = epoch.to_be_bytes();
        let copy = [number.as_slice(), &checksum(&[&number])].concat();
        let [even, odd] = COPIES_AT;
        let at = if epoch.is_multiple_of(2) { even } else { odd };
        self.file
            .write_all_at(&copy, at)
            .and_then(|()| self.file.sync_data())
            .map_err(FileError::io(&self.path))?;
        self.epoch = epoch;
        Ok(epoch)
    }
}

fn decode(bytes: &[u8]) -> Option<u64> {
    let (number, sum) = bytes.get(..COPY_BYTES)?.split_first_chunk()?;
    (sum == checksum(&[number])).then(|| u64::from_be_bytes(*number))
}
