//! The record of the deployment in a file beside the keys, replaced as a whole.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::files::{CHECKSUM_BYTES, FileError, blocking, checksum, make_folder, sync_folder};
use crate::port::{DeploymentStore, KeyStoreError, StoredDeployment};

/// The name of the file in the folder of keys.
const FILE_NAME: &str = "deployment";
/// What a new file is called until it is whole.
const HALF_NAME: &str = "deployment.new";

/// The record of the deployment in a file of this machine. One process uses it, which holds the data folder.
#[derive(Debug, Clone)]
pub struct FileDeployment {
    folder: PathBuf,
    /// Counts the writes of this process, from 1 for a file that was there; held across a write.
    writes: Arc<Mutex<u64>>,
}

impl FileDeployment {
    /// The record in the folder of keys, which need not be there yet.
    pub fn new(folder: impl AsRef<Path>) -> Self {
        Self { folder: folder.as_ref().to_owned(), writes: Arc::new(Mutex::new(1)) }
    }

    async fn locked<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path, &mut u64) -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, KeyStoreError> {
        let (folder, writes) = (self.folder.clone(), Arc::clone(&self.writes));
        let work = move || work(&folder, &mut writes.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(blocking(&self.folder, work).await?)
    }
}

#[async_trait]
impl DeploymentStore for FileDeployment {
    async fn read(&self) -> Result<Option<StoredDeployment>, KeyStoreError> {
        self.locked(|folder, writes| {
            Ok(read(folder)?.map(|value| StoredDeployment { revision: *writes, value: value.into() }))
        })
        .await
    }

    async fn write(&self, value: Bytes, expected: u64) -> Result<bool, KeyStoreError> {
        self.locked(move |folder, writes| {
            let revision = if read(folder)?.is_some() { *writes } else { 0 };
            if revision != expected {
                return Ok(false);
            }
            replace(folder, &value)?;
            *writes += 1;
            Ok(true)
        })
        .await
    }
}

/// What the file says. It begins with a checksum over the rest.
fn read(folder: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let path = folder.join(FILE_NAME);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(FileError::io(&path)(error)),
    };
    match bytes.split_first_chunk::<CHECKSUM_BYTES>() {
        Some((sum, value)) if *sum == checksum(&[value]) => Ok(Some(value.to_vec())),
        _ => Err(FileError::Damaged { path }),
    }
}

/// After a crash the file has the old content or the new one.
fn replace(folder: &Path, value: &[u8]) -> Result<(), FileError> {
    make_folder(folder)?;
    let half = folder.join(HALF_NAME);
    let written = || -> io::Result<()> {
        let mut file = File::create(&half)?;
        file.write_all(&checksum(&[value]))?;
        file.write_all(value)?;
        file.sync_all()?;
        fs::rename(&half, folder.join(FILE_NAME))
    };
    written().map_err(FileError::io(&half))?;
    sync_folder(folder)
}
