//! Letters in a folder of this machine: a folder for each instance, a file for each letter, synced before it counts as kept and
//! overwritten once it is delivered.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use berth_proto::{InstanceId, Partition, subject::PARTITIONS};
use bytes::Bytes;

use super::files::{FileError, blocking, checksum, erase, make_folder, sync_folder};
use crate::postbag::{Kept, Postbag, PostbagError};

/// Bytes of a checksum, which a file begins with.
const CHECKSUM_BYTES: usize = super::files::CHECKSUM_BYTES;
/// What the name of a file ends with while it is written: one that is left by a crash was never kept.
const UNFINISHED: &str = "new";

/// The postbag of one process.
#[derive(Debug, Clone)]
pub struct FilePostbag {
    folder: PathBuf,
    /// The last place that was given.
    places: Arc<AtomicU64>,
    /// One for each partition: whoever puts a letter into the folder of an instance finds it there until the letter is in it.
    homes: Arc<[RwLock<()>]>,
}

impl FilePostbag {
    /// Opens the postbag in a folder, which is made if it is not there.
    pub async fn open(folder: impl AsRef<Path>) -> Result<Self, FileError> {
        let folder = folder.as_ref().to_owned();
        let last = blocking(&folder.clone(), {
            let folder = folder.clone();
            move || {
                make_folder(&folder)?;
                let mut last = 0;
                for (_, path) in instances(&folder)? {
                    erase_unfinished(&path)?;
                    last = last.max(letters(&path)?.last().map_or(0, |(place, _)| *place));
                }
                Ok(last)
            }
        })
        .await?;
        let homes = (0..PARTITIONS).map(|_| RwLock::new(())).collect();
        Ok(Self { folder, places: Arc::new(AtomicU64::new(last)), homes })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, PostbagError> {
        let folder = self.folder.clone();
        blocking(&self.folder, move || work(&folder)).await.map_err(|error| PostbagError(error.into()))
    }
}

#[async_trait]
impl Postbag for FilePostbag {
    async fn put(&self, instance: InstanceId, letter: Bytes) -> Result<u64, PostbagError> {
        let place = self.places.fetch_add(1, Ordering::Relaxed) + 1;
        let homes = Arc::clone(&self.homes);
        self.blocking(move |folder| {
            let _stays =
                home_of(&homes, instance).map(|home| home.read().unwrap_or_else(PoisonError::into_inner));
            let home = folder.join(instance.to_string());
            let is_new = !home.is_dir();
            make_folder(&home)?;
            if is_new {
                sync_folder(folder)?;
            }
            let path = home.join(name(place));
            let unfinished = path.with_extension(UNFINISHED);
            let written = || -> io::Result<()> {
                let mut file = File::create(&unfinished)?;
                file.write_all(&checksum(&[&letter]))?;
                file.write_all(&letter)?;
                file.sync_data()?;
                fs::rename(&unfinished, &path)
            };
            if let Err(error) = written() {
                // It was not kept, and whoever sent it sends it again under another name.
                let _left = erase(&unfinished);
                return Err(FileError::io(&path)(error));
            }
            sync_folder(&home)
        })
        .await?;
        Ok(place)
    }

    async fn holders(&self, partition: Partition) -> Result<Vec<(InstanceId, usize)>, PostbagError> {
        self.blocking(move |folder| {
            let mut all = Vec::new();
            for (instance, path) in instances(folder)? {
                if Partition::of(instance.as_bytes()) == partition {
                    all.push((instance, letters(&path)?.len()));
                }
            }
            all.retain(|(_, letters)| *letters > 0);
            Ok(all)
        })
        .await
    }

    async fn list(&self, instance: InstanceId) -> Result<Vec<Kept>, PostbagError> {
        self.blocking(move |folder| {
            let letters = letters(&folder.join(instance.to_string()))?;
            Ok(letters.into_iter().map(|(place, bytes)| Kept { instance, place, bytes }).collect())
        })
        .await
    }

    async fn get(&self, instance: InstanceId, place: u64) -> Result<Option<Bytes>, PostbagError> {
        self.blocking(move |folder| {
            let path = folder.join(instance.to_string()).join(name(place));
            let Some(bytes) = unless_gone(fs::read(&path)).map_err(FileError::io(&path))? else {
                return Ok(None);
            };
            match bytes.split_first_chunk::<CHECKSUM_BYTES>() {
                Some((sum, letter)) if *sum == checksum(&[letter]) => {
                    Ok(Some(Bytes::copy_from_slice(letter)))
                }
                // Nothing that could be handed on: whoever asks goes on with the next one.
                _ => Ok(Some(Bytes::new())),
            }
        })
        .await
    }

    async fn erase(&self, instance: InstanceId, up_to: u64) -> Result<(), PostbagError> {
        let homes = Arc::clone(&self.homes);
        self.blocking(move |folder| {
            let home = folder.join(instance.to_string());
            for (place, _) in letters(&home)?.into_iter().take_while(|(place, _)| *place <= up_to) {
                erase(&home.join(name(place)))?;
            }
            let _nobody =
                home_of(&homes, instance).map(|home| home.write().unwrap_or_else(PoisonError::into_inner));
            // Refused while there is another letter in it.
            let _kept = fs::remove_dir(&home);
            Ok(())
        })
        .await
    }
}

/// What the folder of an instance is held by.
fn home_of(homes: &[RwLock<()>], instance: InstanceId) -> Option<&RwLock<()>> {
    homes.get(usize::from(Partition::of(instance.as_bytes()).number()))
}

fn name(place: u64) -> String {
    format!("{place:020}")
}

/// Erases what was being written when the process ended: it was never kept.
fn erase_unfinished(home: &Path) -> Result<(), FileError> {
    for entry in fs::read_dir(home).map_err(FileError::io(home))? {
        let path = entry.map_err(FileError::io(home))?.path();
        if path.extension().is_some_and(|extension| extension == UNFINISHED) {
            erase(&path)?;
        }
    }
    Ok(())
}

/// The instances that have a folder, and it.
fn instances(folder: &Path) -> Result<Vec<(InstanceId, PathBuf)>, FileError> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(FileError::io(folder))? {
        let entry = entry.map_err(FileError::io(folder))?;
        let instance = entry.file_name().to_str().and_then(|name| name.parse::<InstanceId>().ok());
        all.extend(instance.map(|instance| (instance, entry.path())));
    }
    Ok(all)
}

/// The places in the folder of an instance, in order, and how many bytes the letters there have: none if there is no folder.
fn letters(home: &Path) -> Result<Vec<(u64, usize)>, FileError> {
    let mut all = Vec::new();
    let Some(entries) = unless_gone(fs::read_dir(home)).map_err(FileError::io(home))? else { return Ok(all) };
    for entry in entries {
        let entry = entry.map_err(FileError::io(home))?;
        let Some(place) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // It may be erased while this reads.
        let Some(metadata) = unless_gone(entry.metadata()).map_err(FileError::io(home))? else { continue };
        let bytes = metadata.len();
        all.push((place, usize::try_from(bytes).unwrap_or(usize::MAX).saturating_sub(CHECKSUM_BYTES)));
    }
    all.sort_unstable();
    Ok(all)
}

/// What was found; none if there is no such file or folder any more.
fn unless_gone<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
