//! Sealed key material of devices, one file each, overwritten before it is unlinked.
//!
//! A file is named `<instance>.<attempt>.<generation>`. A put writes the next generation, syncs it, and only
//! then erases the one before, so that a crash at any moment leaves one whole file. Opening the folder
//! erases what a crash left over.
//!
//! A delete waits until the bytes are overwritten, and not until the folder has let go of the name: a name that comes back after a
//! power loss is one of zeros, which counts as none. The commit that says that a device is gone waits for it, after each logout.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use berth_proto::InstanceId;
use bytes::Bytes;

use super::files::{
    CHECKSUM_BYTES, FileError, blocking, checksum, erase, make_folder, open_locked, sync_folder,
};
use crate::port::{DEVICE_KEYS_BYTES_MAX, DeviceKeys, KeyStoreError};

/// The first bytes of every file; the checksum and the material follow.
const MAGIC: &[u8; 16] = b"berth device v1\0";
/// The file that keeps a second process off the folder.
const LOCK_NAME: &str = "lock";
/// The extension of a file that is being written.
const UNFINISHED: &str = "unfinished";

/// Locks for the files of all instances. A sync takes as long as the disk does, and threads that wait for one another's would
/// keep views and others from theirs.
const LANES: usize = 16;

/// Key material of devices in a folder of this machine.
#[derive(Debug, Clone)]
pub struct FileDeviceKeys {
    folder: Arc<Folder>,
}

type Device = (InstanceId, u32);

/// What a file holds.
enum Material {
    Whole(Bytes),
    /// It was deleted, and its name came back.
    Erased,
    Damaged,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// The generation of each device's file. Locked for a look or a change, never across a sync.
    generations: Mutex<HashMap<Device, u64>>,
    /// Each is locked, on a blocking thread, while files of an instance are worked with.
    lanes: [Mutex<()>; LANES],
    /// Locked for as long as the folder is open.
    _lock: File,
}

// === impl FileDeviceKeys ===

impl FileDeviceKeys {
    /// Opens the store in a folder, which is made if it is not there. A second process is refused.
    pub async fn open(folder: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = folder.as_ref().to_owned();
        let folder = blocking(&path.clone(), move || Folder::open(path)).await?;
        Ok(Self { folder: Arc::new(folder) })
    }

    /// Works with the files of an instance, alone.
    async fn with_files<T, F>(&self, instance: InstanceId, work: F) -> Result<T, KeyStoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Folder) -> Result<T, FileError> + Send + 'static,
    {
        let folder = Arc::clone(&self.folder);
        let work = move || {
            let _alone = folder.lane(instance);
            work(&folder)
        };
        Ok(blocking(&self.folder.path, work).await?)
    }
}

#[async_trait]
impl DeviceKeys for FileDeviceKeys {
    async fn put(&self, instance: InstanceId, attempt: u32, sealed: Bytes) -> Result<(), KeyStoreError> {
        self.with_files(instance, move |folder| folder.put((instance, attempt), &sealed)).await
    }

    async fn get(&self, instance: InstanceId, attempt: u32) -> Result<Option<Bytes>, KeyStoreError> {
        self.with_files(instance, move |folder| folder.get((instance, attempt))).await
    }

    async fn delete(&self, instance: InstanceId, attempt: u32) -> Result<(), KeyStoreError> {
        self.with_files(instance, move |folder| folder.delete((instance, attempt))).await
    }

    async fn all(&self) -> Result<Vec<(InstanceId, u32)>, KeyStoreError> {
        let mut all: Vec<Device> = lock(&self.folder.generations).keys().copied().collect();
        all.sort_unstable();
        Ok(all)
    }
}

// === impl Folder ===

impl Folder {
    fn open(path: PathBuf) -> Result<Self, FileError> {
        make_folder(&path)?;
        let lock = open_locked(&path.join(LOCK_NAME))?;
        let (generations, lanes) = (Mutex::default(), <[Mutex<()>; LANES]>::default());
        let folder = Self { path, generations, lanes, _lock: lock };
        for entry in fs::read_dir(&folder.path).map_err(FileError::io(&folder.path))? {
            let path = entry.map_err(FileError::io(&folder.path))?.path();
            if path.extension().is_some_and(|extension| extension == UNFINISHED) {
                erase(&path)?;
            } else if let Some((device, generation)) = path.file_name().and_then(parse_name) {
                folder.adopt(device, generation)?;
            }
        }
        Ok(folder)
    }

    /// Takes a file that was found into the index; of two generations, the later one stays.
    fn adopt(&self, device: Device, found: u64) -> Result<(), FileError> {
        let Some(known) = self.generation(device) else {
            self.note(device, found);
            return Ok(());
        };
        self.note(device, known.max(found));
        erase(&self.file(device, known.min(found)))
    }

    fn generation(&self, device: Device) -> Option<u64> {
        lock(&self.generations).get(&device).copied()
    }

    fn note(&self, device: Device, generation: u64) {
        lock(&self.generations).insert(device, generation);
    }

    fn lane(&self, instance: InstanceId) -> Option<MutexGuard<'_, ()>> {
        let [.., last] = *instance.as_bytes();
        self.lanes.get(usize::from(last) % LANES).map(lock)
    }

    fn put(&self, device: Device, sealed: &[u8]) -> Result<(), FileError> {
        if sealed.len() > DEVICE_KEYS_BYTES_MAX {
            return Err(FileError::TooLong { bytes_max: DEVICE_KEYS_BYTES_MAX });
        }
        let earlier = self.generation(device);
        let generation = earlier.map_or(0, |earlier| earlier + 1);
        let path = self.file(device, generation);
        let unfinished = self.path.join(format!("{}.{UNFINISHED}", device.0));
        write_file(&unfinished, sealed).map_err(FileError::io(&unfinished))?;
        fs::rename(&unfinished, &path).map_err(FileError::io(&path))?;
        sync_folder(&self.path)?;
        self.note(device, generation);
        match earlier {
            Some(earlier) => erase(&self.file(device, earlier)),
            None => Ok(()),
        }
    }

    fn get(&self, device: Device) -> Result<Option<Bytes>, FileError> {
        let Some(generation) = self.generation(device) else { return Ok(None) };
        match self.read(device, generation)? {
            Material::Whole(sealed) => Ok(Some(sealed)),
            Material::Erased => Ok(None),
            Material::Damaged => Err(FileError::Damaged { path: self.file(device, generation) }),
        }
    }

    fn delete(&self, device: Device) -> Result<(), FileError> {
        if let Some(generation) = self.generation(device) {
            erase(&self.file(device, generation))?;
            lock(&self.generations).remove(&device);
        }
        Ok(())
    }

    fn read(&self, device: Device, generation: u64) -> Result<Material, FileError> {
        let path = self.file(device, generation);
        let file = Bytes::from(fs::read(&path).map_err(FileError::io(&path))?);
        if !file.is_empty() && file.iter().all(|byte| *byte == 0) {
            return Ok(Material::Erased);
        }
        let start = MAGIC.len() + CHECKSUM_BYTES;
        let whole = file.starts_with(MAGIC)
            && file
                .get(MAGIC.len()..start)
                .zip(file.get(start..))
                .is_some_and(|(sum, sealed)| sum == checksum(&[sealed]));
        Ok(if whole { Material::Whole(file.slice(start..)) } else { Material::Damaged })
    }

    fn file(&self, (instance, attempt): Device, generation: u64) -> PathBuf {
        self.path.join(format!("{instance}.{attempt}.{generation}"))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn parse_name(name: &OsStr) -> Option<(Device, u64)> {
    let (instance, rest) = name.to_str()?.split_once('.')?;
    let (attempt, generation) = rest.split_once('.')?;
    Some(((instance.parse().ok()?, attempt.parse().ok()?), generation.parse().ok()?))
}

fn write_file(path: &Path, sealed: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    file.write_all(&[MAGIC.as_slice(), &checksum(&[sealed]), sealed].concat())?;
    file.sync_all()
}
