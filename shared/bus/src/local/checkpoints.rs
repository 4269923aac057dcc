//! Checkpoints of the log in files of their own, one for each topic, which only grow.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, BufReader, Read, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::files::{CHECKSUM_BYTES, FileError, blocking, checksum, make_folder, sync_folder};
use crate::checkpoints::{CheckpointError, Checkpoints, ENTRY_BYTES_MAX, Entry};

/// Bytes before an entry: its length and its checksum.
const HEAD_BYTES: usize = 4 + CHECKSUM_BYTES;

/// The checkpoints in a folder of this machine. One process uses it, which holds the data folder.
#[derive(Debug, Clone)]
pub struct FileCheckpoints {
    folder: PathBuf,
    /// What is known of the files; held while one is read or written.
    topics: Arc<Mutex<HashMap<String, Ends>>>,
}

/// Where the entries of a file end; the first of them begins at 0.
type Ends = Vec<u64>;

impl FileCheckpoints {
    /// The checkpoints in a folder, which need not be there yet.
    pub fn new(folder: impl AsRef<Path>) -> Self {
        Self { folder: folder.as_ref().to_owned(), topics: Arc::default() }
    }

    async fn locked<T: Send + 'static>(
        &self,
        topic: &str,
        work: impl FnOnce(&Path, &mut Ends) -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, CheckpointError> {
        let (path, topic, topics) = (self.folder.join(topic), topic.to_owned(), Arc::clone(&self.topics));
        let work = move || {
            let mut topics = topics.lock().unwrap_or_else(PoisonError::into_inner);
            let mut ends = match topics.remove(&topic) {
                Some(ends) => ends,
                None => scan(&path)?,
            };
            // After a failure the file is looked through again.
            let done = work(&path, &mut ends)?;
            topics.insert(topic, ends);
            Ok(done)
        };
        blocking(&self.folder, work).await.map_err(|error| CheckpointError(error.into()))
    }
}

#[async_trait]
impl Checkpoints for FileCheckpoints {
    async fn last(&self, topic: &str) -> Result<Option<Entry>, CheckpointError> {
        self.locked(topic, |path, ends| Ok(entries(path, ends, ends.len().saturating_sub(1), 1)?.pop())).await
    }

    async fn read(&self, topic: &str, after: u64, limit: usize) -> Result<Vec<Entry>, CheckpointError> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        self.locked(topic, move |path, ends| entries(path, ends, after, limit)).await
    }

    async fn publish(
        &self,
        topic: &str,
        value: Bytes,
        expected: u64,
    ) -> Result<Option<u64>, CheckpointError> {
        let add = move |path: &Path, ends: &mut Ends| {
            if ends.len() as u64 != expected {
                return Ok(None);
            }
            let end = append(path, ends.last().copied().unwrap_or_default(), &value)?;
            ends.push(end);
            Ok(Some(expected + 1))
        };
        self.locked(topic, add).await
    }
}

/// Looks through a file. What a crash left behind the last whole entry was told to nobody, and is written over.
fn scan(path: &Path) -> Result<Ends, FileError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ends::new()),
        Err(error) => return Err(FileError::io(path)(error)),
    };
    let bytes = file.metadata().map_err(FileError::io(path))?.len();
    let (mut reader, mut ends, mut at) = (BufReader::new(file), Ends::new(), 0_u64);
    while bytes - at >= HEAD_BYTES as u64 {
        let mut head = [0; HEAD_BYTES];
        reader.read_exact(&mut head).map_err(FileError::io(path))?;
        let (length, sum) = taken_apart(&head);
        let end = at + HEAD_BYTES as u64 + length as u64;
        if end > bytes {
            break;
        }
        let mut value = vec![0; length];
        reader.read_exact(&mut value).map_err(FileError::io(path))?;
        if checksum(&[&value]) != sum {
            // Only the last entry can have been torn.
            if end == bytes {
                break;
            }
            return Err(FileError::Damaged { path: path.to_owned() });
        }
        ends.push(end);
        at = end;
    }
    Ok(ends)
}

/// The length of an entry and its checksum.
fn taken_apart(head: &[u8; HEAD_BYTES]) -> (usize, [u8; CHECKSUM_BYTES]) {
    let [l0, l1, l2, l3, sum @ ..] = *head;
    (u32::from_be_bytes([l0, l1, l2, l3]) as usize, sum)
}

/// Entries after the first `skipped` ones.
fn entries(path: &Path, ends: &Ends, skipped: usize, limit: usize) -> Result<Vec<Entry>, FileError> {
    let places = ends.iter().enumerate().skip(skipped).take(limit);
    let begin = skipped.checked_sub(1).and_then(|last| ends.get(last)).copied().unwrap_or_default();
    if ends.len() <= skipped || limit == 0 {
        return Ok(Vec::new());
    }
    let file = File::open(path).map_err(FileError::io(path))?;
    let (mut found, mut at) = (Vec::new(), begin);
    for (place, &end) in places {
        let mut head = [0; HEAD_BYTES];
        file.read_exact_at(&mut head, at).map_err(FileError::io(path))?;
        let (length, sum) = taken_apart(&head);
        let mut value = vec![0; length.min(ENTRY_BYTES_MAX)];
        file.read_exact_at(&mut value, at + HEAD_BYTES as u64).map_err(FileError::io(path))?;
        if checksum(&[&value]) != sum {
            return Err(FileError::Damaged { path: path.to_owned() });
        }
        found.push(Entry { number: place as u64 + 1, value: value.into() });
        at = end;
    }
    Ok(found)
}

/// Adds an entry where the last one ends; gives where it ends itself.
fn append(path: &Path, at: u64, value: &[u8]) -> Result<u64, FileError> {
    if value.len() > ENTRY_BYTES_MAX {
        return Err(FileError::TooLong { bytes_max: ENTRY_BYTES_MAX });
    }
    let folder = path.parent().unwrap_or(path);
    make_folder(folder)?;
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes();
    let entry = [length.as_slice(), &checksum(&[value]), value].concat();
    let written = || -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(at)?;
        file.write_all(&entry)?;
        file.sync_all()
    };
    written().map_err(FileError::io(path))?;
    sync_folder(folder)?;
    Ok(at + entry.len() as u64)
}
