//! The data folder of a process: one process at a time, and what is kept in it beside the engine's files.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use berth_runtime::{Entropy, MasterKey};
use thiserror::Error;

/// Where the folder of an embedded deployment keeps the master key.
pub(crate) const MASTER_KEY_FILE: &str = "master.key";
/// Where a folder beside NATS keeps whose it is: the id of its deployment.
const DEPLOYMENT_FILE: &str = "deployment";
/// Processes of one role that may keep their data in one folder.
const SLOTS_MAX: u32 = 64;

/// The data folder cannot be used.
#[derive(Debug, Error)]
pub(crate) enum FolderError {
    /// It cannot be made, read or written.
    #[error("`data` (BERTH_DATA): {} cannot be used", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process has it.
    #[error("`data` (BERTH_DATA): another berth process uses the folder {}", path.display())]
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// There is no such folder, where one must be.
    #[error(
        "`data` (BERTH_DATA): there is no folder {}; name the data folder of the deployment with --data or \
         BERTH_DATA",
        path.display()
    )]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// What is in it is of another deployment.
    #[error(
        "`data` (BERTH_DATA): what is in {} is of the deployment {has}, and the one at `nats_url` (BERTH_NATS_URL) is \
         {asked}: name another data folder, or the servers of {has}, or remove {}, which is built anew from the log",
        path.display(),
        path.display()
    )]
    OfAnother {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        has: String,
        /// Whose it was to be.
        asked: String,
    },
    /// The file with the master key does not hold one.
    #[error("`master_key`: {} does not hold a master key", path.display())]
    MasterKey {
        /// The file.
        path: PathBuf,
    },
}

/// A data folder that this process holds until it drops it.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Takes a folder, which is made if it is absent, for its owner's eyes only.
    pub(crate) fn take(path: &Path) -> Result<Self, FolderError> {
        Self::try_take(path)?.ok_or_else(|| FolderError::Taken { path: path.to_owned() })
    }

    /// Takes a folder that must be there.
    pub(crate) fn take_existing(path: &Path) -> Result<Self, FolderError> {
        if path.is_dir() { Self::take(path) } else { Err(FolderError::Missing { path: path.to_owned() }) }
    }

    /// Takes the first folder `<name>-<n>` below `parent` that no other process has: replicas of one role on
    /// one machine need no settings of their own.
    pub(crate) fn take_slot(parent: &Path, name: &str) -> Result<Self, FolderError> {
        for slot in 1..=SLOTS_MAX {
            if let Some(folder) = Self::try_take(&parent.join(format!("{name}-{slot}")))? {
                return Ok(folder);
            }
        }
        Err(FolderError::Taken { path: parent.join(name) })
    }

    fn try_take(path: &Path) -> Result<Option<Self>, FolderError> {
        let failed = |source| FolderError::Io { path: path.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let lock = File::create(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { path: path.to_owned(), _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses a folder with what is of another deployment, whose views would count as its own. One that has nothing becomes
    /// this one's.
    pub(crate) fn is_of(&self, deployment: &str) -> Result<(), FolderError> {
        match self.read(DEPLOYMENT_FILE)? {
            None => self.write_secret(DEPLOYMENT_FILE, deployment.as_bytes()),
            Some(has) if has == deployment.as_bytes() => Ok(()),
            Some(has) => Err(FolderError::OfAnother {
                path: self.path.clone(),
                has: String::from_utf8_lossy(&has).into_owned(),
                asked: deployment.to_owned(),
            }),
        }
    }

    /// The master key in `master.key`, which is made at the first start.
    pub(crate) fn master_key(&self, entropy: &dyn Entropy) -> Result<MasterKey, FolderError> {
        let path = self.master_key_file();
        match fs::read_to_string(&path) {
            Ok(text) => MasterKey::from_base64(&text).map_err(|_| FolderError::MasterKey { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = MasterKey::generate(entropy);
                self.write_secret(MASTER_KEY_FILE, format!("{}\n", key.to_base64()).as_bytes())?;
                Ok(key)
            }
            Err(source) => Err(FolderError::Io { path, source }),
        }
    }

    /// Where [`Self::master_key`] keeps it.
    pub(crate) fn master_key_file(&self) -> PathBuf {
        self.path.join(MASTER_KEY_FILE)
    }

    /// What is in a file, if it is there.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, FolderError> {
        let path = self.path.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(FolderError::Io { path, source }),
        }
    }

    /// Writes a file that only its owner may read, whole or not at all, and durably.
    pub(crate) fn write_secret(&self, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
        let path = self.path.join(name);
        let failed = |source| FolderError::Io { path: path.clone(), source };
        let half = self.path.join(format!("{name}.new"));
        // Made afresh, since the mode counts only then.
        match fs::remove_file(&half) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => (),
        }
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half).map_err(failed)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&half, &path).map_err(failed)?;
        File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use berth_runtime::SystemEntropy;

    use super::*;

    #[test]
    fn a_folder_belongs_to_one_process_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let folder = DataFolder::take(&path).unwrap();
        assert!(matches!(DataFolder::take(&path), Err(FolderError::Taken { .. })));
        drop(folder);
        DataFolder::take(&path).unwrap();
    }

    #[test]
    fn replicas_of_a_role_take_folders_of_their_own_and_find_them_again() {
        let parent = tempfile::tempdir().unwrap();
        let take = || DataFolder::take_slot(parent.path(), "projections").unwrap();
        let (first, second) = (take(), take());
        assert_ne!(first.path(), second.path());
        let path = first.path().to_owned();
        drop(first);
        assert_eq!(take().path(), path);
    }

    #[test]
    fn a_folder_is_of_the_first_deployment_that_it_was_used_for() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::take(parent.path()).unwrap();
        folder.is_of("first").unwrap();
        folder.is_of("first").unwrap();
        let said = folder.is_of("other").unwrap_err().to_string();
        assert!(said.contains("of the deployment first") && said.contains("is other"), "{said}");
    }

    #[test]
    fn the_master_key_is_made_once_for_its_owner_only() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::take(parent.path()).unwrap();
        let [first, second] = [(); 2].map(|()| folder.master_key(&SystemEntropy).unwrap().check_value());
        assert_eq!(first, second);
        let mode = fs::metadata(folder.master_key_file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_master_key_is_not_replaced() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::take(parent.path()).unwrap();
        fs::write(folder.master_key_file(), "damaged").unwrap();
        assert!(matches!(folder.master_key(&SystemEntropy), Err(FolderError::MasterKey { .. })));
        assert_eq!(fs::read(folder.master_key_file()).unwrap(), b"damaged");
    }

    #[test]
    fn a_folder_that_is_a_file_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(DataFolder::take(file.path()), Err(FolderError::Io { .. })));
    }
}
