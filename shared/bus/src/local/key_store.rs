//! Wrapped data keys in fixed slots of one file, overwritten in place when a key is destroyed.
//!
//! A store that copies on write (redb, sled, an ordinary append-only log) leaves the old bytes behind; a slot
//! does not. A slot never leaves a disk sector, and carries a checksum. Slots are never reused: a destroyed
//! owner's slot stays as its tombstone.

use std::{
    collections::{HashMap, hash_map::Entry},
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use berth_proto::InstanceId;
use berth_runtime::WrappedKey;
use zeroize::Zeroize;

use super::files::{CHECKSUM_BYTES, FileError, blocking, checksum, make_folder, open_locked, sync_folder};
use crate::port::{KeptKey, KeyStore, KeyStoreError};

/// The name of the file in its folder.
const FILE_NAME: &str = "keys.slots";
/// The first bytes of the file; the rest of the first slot is zeros.
const MAGIC: &[u8; 16] = b"berth keys v1\0\0\0";
/// Bytes of a slot: divides a disk sector of 512 bytes.
const SLOT_BYTES: usize = 128;
/// Bytes of the longest wrapped key that a slot takes. AES-SIV makes 48 of a data key.
const KEY_BYTES_MAX: usize = SLOT_BYTES - KEY_AT - CHECKSUM_BYTES;
/// Slots that are read at once when the file is opened.
const SLOTS_READ_AT_ONCE: usize = 512;

// A slot: what it holds (1), the key's length (1), the owner (16), the key, the checksum (8).
const OWNER_AT: usize = 2;
const KEY_AT: usize = OWNER_AT + 16;
const CHECKSUM_AT: usize = SLOT_BYTES - CHECKSUM_BYTES;

const FREE: u8 = 0;
const KEY: u8 = 1;
const TOMBSTONE: u8 = 2;

/// Wrapped data keys in a file of this machine.
#[derive(Debug, Clone)]
pub struct FileKeyStore {
    path: PathBuf,
    /// Written by puts and destroys, read by gets; held across a sync only on a blocking thread.
    slots: Arc<Mutex<Slots>>,
}

#[derive(Debug)]
struct Slots {
    path: PathBuf,
    file: File,
    index: HashMap<[u8; 16], Indexed>,
    /// The number of the next slot that was never written; the header is slot 0.
    next: u64,
}

/// What is known of an owner, and in which slot.
#[derive(Debug)]
struct Indexed {
    slot: u64,
    held: Held,
}

#[derive(Debug)]
enum Held {
    Key(WrappedKey),
    Tombstone,
    /// The slot's checksum is wrong: a destroy that a power loss tore, or damage.
    Damaged,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Self::Key(key) = self {
            key.0.zeroize();
        }
    }
}

// === impl FileKeyStore ===

impl FileKeyStore {
    /// Opens the store in a folder, which is made if it is not there. A second process is refused.
    pub async fn open(folder: impl AsRef<Path>) -> Result<Self, FileError> {
        let folder = folder.as_ref().to_owned();
        let path = folder.join(FILE_NAME);
        let slots = blocking(&path, {
            let path = path.clone();
            move || {
                make_folder(&folder)?;
                let slots = Slots::open(path)?;
                sync_folder(&folder)?;
                Ok(slots)
            }
        })
        .await?;
        Ok(Self { path, slots: Arc::new(Mutex::new(slots)) })
    }

    async fn with_slots<T, F>(&self, work: F) -> Result<T, KeyStoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Slots) -> Result<T, FileError> + Send + 'static,
    {
        let slots = Arc::clone(&self.slots);
        let work = move || work(&mut slots.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(blocking(&self.path, work).await?)
    }
}

#[async_trait]
impl KeyStore for FileKeyStore {
    async fn put_if_absent(
        &self,
        owner: &[u8; 16],
        key: WrappedKey,
    ) -> Result<Option<WrappedKey>, KeyStoreError> {
        let owner = *owner;
        self.with_slots(move |slots| slots.put_if_absent(owner, key)).await
    }

    async fn get(&self, owner: &[u8; 16]) -> Result<KeptKey, KeyStoreError> {
        let owner = *owner;
        self.with_slots(move |slots| slots.get(&owner)).await
    }

    async fn destroy(&self, owner: &[u8; 16]) -> Result<(), KeyStoreError> {
        let owner = *owner;
        self.with_slots(move |slots| slots.destroy(owner)).await
    }
}

// === impl Slots ===

impl Slots {
    fn open(path: PathBuf) -> Result<Self, FileError> {
        let file = open_locked(&path)?;
        let length = file.metadata().map_err(FileError::io(&path))?.len();
        let mut slots = Self { path, file, index: HashMap::new(), next: 1 };
        if length < SLOT_BYTES as u64 {
            // New, or a crash came before the first sync.
            let mut header = [0; SLOT_BYTES];
            header.iter_mut().zip(MAGIC).for_each(|(to, from)| *to = *from);
            slots.write(0, &header)?;
        } else {
            slots.read_all()?;
        }
        Ok(slots)
    }

    fn read_all(&mut self) -> Result<(), FileError> {
        let mut reader = io::BufReader::with_capacity(
            SLOTS_READ_AT_ONCE * SLOT_BYTES,
            self.file.try_clone().map_err(FileError::io(&self.path))?,
        );
        let mut slot = [0; SLOT_BYTES];
        reader.read_exact(&mut slot).map_err(FileError::io(&self.path))?;
        if !slot.starts_with(MAGIC) {
            return Err(FileError::Damaged { path: self.path.clone() });
        }
        for number in 1.. {
            match reader.read_exact(&mut slot) {
                Ok(()) => self.index_slot(number, &slot),
                // The last slot was never written whole, so nobody was told of it: it is written over.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(FileError::io(&self.path)(error)),
            }
        }
        slot.zeroize();
        Ok(())
    }

    fn index_slot(&mut self, number: u64, slot: &[u8; SLOT_BYTES]) {
        let Some((owner, held)) = decode(slot) else {
            return;
        };
        self.next = number + 1;
        if matches!(held, Held::Damaged) {
            tracing::error!(
                slot = number, owner = %InstanceId::from_bytes(owner),
                "a slot of the key store is damaged; what its owner sealed cannot be opened"
            );
        }
        self.index.insert(owner, Indexed { slot: number, held });
    }

    fn get(&self, owner: &[u8; 16]) -> Result<KeptKey, FileError> {
        match self.index.get(owner).map(|indexed| &indexed.held) {
            None => Ok(KeptKey::Missing),
            Some(Held::Tombstone) => Ok(KeptKey::Destroyed),
            Some(Held::Key(key)) => Ok(KeptKey::Present(key.clone())),
            Some(Held::Damaged) => Err(FileError::Damaged { path: self.path.clone() }),
        }
    }

    fn put_if_absent(&mut self, owner: [u8; 16], key: WrappedKey) -> Result<Option<WrappedKey>, FileError> {
        match self.get(&owner)? {
            KeptKey::Present(key) => return Ok(Some(key)),
            KeptKey::Destroyed => return Ok(None),
            KeptKey::Missing => (),
        }
        let slot = encode_key(&owner, &key)?;
        self.append(owner, Held::Key(key.clone()), &slot)?;
        Ok(Some(key))
    }

    fn destroy(&mut self, owner: [u8; 16]) -> Result<(), FileError> {
        let slot = encode(TOMBSTONE, &owner, &[]);
        let number = match self.index.entry(owner) {
            Entry::Vacant(_) => return self.append(owner, Held::Tombstone, &slot),
            Entry::Occupied(indexed) if matches!(indexed.get().held, Held::Tombstone) => return Ok(()),
            Entry::Occupied(indexed) => indexed.get().slot,
        };
        // Should the write fail, the key stays in the index, and the next try overwrites the slot again.
        self.write(number, &slot)?;
        self.index.insert(owner, Indexed { slot: number, held: Held::Tombstone });
        Ok(())
    }

    fn append(&mut self, owner: [u8; 16], held: Held, slot: &[u8; SLOT_BYTES]) -> Result<(), FileError> {
        // A slot whose write failed is written over by the next one.
        self.write(self.next, slot)?;
        self.index.insert(owner, Indexed { slot: self.next, held });
        self.next += 1;
        Ok(())
    }

    /// Writes a slot in its place and waits until the disk has it.
    fn write(&self, number: u64, slot: &[u8; SLOT_BYTES]) -> Result<(), FileError> {
        self.file
            .write_all_at(slot, number * SLOT_BYTES as u64)
            .and_then(|()| self.file.sync_data())
            .map_err(FileError::io(&self.path))
    }
}

// === a slot ===

fn encode_key(owner: &[u8; 16], key: &WrappedKey) -> Result<[u8; SLOT_BYTES], FileError> {
    if key.0.len() > KEY_BYTES_MAX {
        return Err(FileError::TooLong { bytes_max: KEY_BYTES_MAX });
    }
    Ok(encode(KEY, owner, &key.0))
}

/// A slot; `key` has at most [`KEY_BYTES_MAX`] bytes.
fn encode(kind: u8, owner: &[u8; 16], key: &[u8]) -> [u8; SLOT_BYTES] {
    let mut slot = [0; SLOT_BYTES];
    let length = u8::try_from(key.len()).unwrap_or(u8::MAX);
    let body = [kind, length].into_iter().chain(*owner).chain(key.iter().copied());
    slot.iter_mut().take(CHECKSUM_AT).zip(body).for_each(|(to, from)| *to = from);
    let (body, sum) = slot.split_at_mut(CHECKSUM_AT);
    sum.copy_from_slice(&checksum(&[body]));
    slot
}

/// The owner of a slot and what it holds; none for a slot that was never written.
fn decode(slot: &[u8; SLOT_BYTES]) -> Option<([u8; 16], Held)> {
    if slot.iter().all(|byte| *byte == FREE) {
        return None;
    }
    let (body, sum) = slot.split_at(CHECKSUM_AT);
    let owner = body.get(OWNER_AT..KEY_AT)?.try_into().ok()?;
    let key = |length: u8| body.get(KEY_AT..KEY_AT + usize::from(length));
    let held = match body {
        _ if sum != checksum(&[body]) => Held::Damaged,
        [KEY, length, ..] => key(*length).map_or(Held::Damaged, |key| Held::Key(WrappedKey(key.to_vec()))),
        [TOMBSTONE, ..] => Held::Tombstone,
        _ => Held::Damaged,
    };
    Some((owner, held))
}
