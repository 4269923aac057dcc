//! Sealed key material of devices, one file each, overwritten before it is unlinked.
//!
//! A file is named `<instance>.<attempt>.<generation>`. A put writes the next generation, syncs it, and only
//! then erases the one before, so that a crash at any moment leaves one whole file. Opening the folder
//! erases what a crash left over.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
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

/// Key material of devices in a folder of this machine.
#[derive(Debug, Clone)]
pub struct FileDeviceKeys {
    path: PathBuf,
    /// Written by puts and deletes, read by gets; held across a sync only on a blocking thread.
    folder: Arc<Mutex<Folder>>,
}

type Device = (InstanceId, u32);

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// The generation of each device's file.
    generations: HashMap<Device, u64>,
    /// Locked for as long as the folder is open.
    _lock: File,
}

// === impl FileDeviceKeys ===

impl FileDeviceKeys {
    /// Opens the store in a folder, which is made if it is not there. A second process is refused.
    pub async fn open(folder: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = folder.as_ref().to_owned();
        let folder = blocking(&path, {
            let path = path.clone();
            move || Folder::open(path)
        })
        .await?;
        Ok(Self { path, folder: Arc::new(Mutex::new(folder)) })
    }

    async fn with_folder<T, F>(&self, work: F) -> Result<T, KeyStoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Folder) -> Result<T, FileError> + Send + 'static,
    {
        let folder = Arc::clone(&self.folder);
        let work = move || work(&mut folder.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(blocking(&self.path, work).await?)
    }
}

#[async_trait]
impl DeviceKeys for FileDeviceKeys {
    async fn put(&self, instance: InstanceId, attempt: u32, sealed: Bytes) -> Result<(), KeyStoreError> {
        self.with_folder(move |folder| folder.put((instance, attempt), &sealed)).await
    }

    async fn get(&self, instance: InstanceId, attempt: u32) -> Result<Option<Bytes>, KeyStoreError> {
        self.with_folder(move |folder| folder.get((instance, attempt))).await
    }

    async fn delete(&self, instance: InstanceId, attempt: u32) -> Result<(), KeyStoreError> {
        self.with_folder(move |folder| folder.delete((instance, attempt))).await
    }

    async fn all(&self) -> Result<Vec<(InstanceId, u32)>, KeyStoreError> {
        let mut all: Vec<Device> =
            self.with_folder(|folder| Ok(folder.generations.keys().copied().collect())).await?;
        all.sort_unstable();
        Ok(all)
    }
}

// === impl Folder ===

impl Folder {
    fn open(path: PathBuf) -> Result<Self, FileError> {
        make_folder(&path)?;
        let lock = open_locked(&path.join(LOCK_NAME))?;
        let mut folder = Self { path, generations: HashMap::new(), _lock: lock };
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
    fn adopt(&mut self, device: Device, generation: u64) -> Result<(), FileError> {
        match self.generations.insert(device, generation) {
            Some(known) if known > generation => {
                self.generations.insert(device, known);
                erase(&self.file(device, generation))
            }
            Some(known) => erase(&self.file(device, known)),
            None => Ok(()),
        }
    }

    fn put(&mut self, device: Device, sealed: &[u8]) -> Result<(), FileError> {
        if sealed.len() > DEVICE_KEYS_BYTES_MAX {
            return Err(FileError::TooLong { bytes_max: DEVICE_KEYS_BYTES_MAX });
        }
        let earlier = self.generations.get(&device).copied();
        let generation = earlier.map_or(0, |earlier| earlier + 1);
        let path = self.file(device, generation);
        let unfinished = self.path.join(format!("{}.{UNFINISHED}", device.0));
        write_file(&unfinished, sealed).map_err(FileError::io(&unfinished))?;
        fs::rename(&unfinished, &path).map_err(FileError::io(&path))?;
        sync_folder(&self.path)?;
        self.generations.insert(device, generation);
        match earlier {
            Some(earlier) => erase(&self.file(device, earlier)),
            None => Ok(()),
        }
    }

    fn get(&self, device: Device) -> Result<Option<Bytes>, FileError> {
        match self.generations.get(&device) {
            Some(generation) => match self.read(device, *generation)? {
                Some(sealed) => Ok(Some(sealed)),
                None => Err(FileError::Damaged { path: self.file(device, *generation) }),
            },
            None => Ok(None),
        }
    }

    fn delete(&mut self, device: Device) -> Result<(), FileError> {
        if let Some(generation) = self.generations.get(&device) {
            erase(&self.file(device, *generation))?;
            sync_folder(&self.path)?;
            self.generations.remove(&device);
        }
        Ok(())
    }

    /// The material in a file; none if it is damaged.
    fn read(&self, device: Device, generation: u64) -> Result<Option<Bytes>, FileError> {
        let path = self.file(device, generation);
        let file = Bytes::from(fs::read(&path).map_err(FileError::io(&path))?);
        let start = MAGIC.len() + CHECKSUM_BYTES;
        let whole = file.starts_with(MAGIC)
            && file
                .get(MAGIC.len()..start)
                .zip(file.get(start..))
                .is_some_and(|(sum, sealed)| sum == checksum(&[sealed]));
        Ok(whole.then(|| file.slice(start..)))
    }

    fn file(&self, (instance, attempt): Device, generation: u64) -> PathBuf {
        self.path.join(format!("{instance}.{attempt}.{generation}"))
    }
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
