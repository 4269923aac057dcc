//! The file of wrapped data keys: fixed slots, overwritten in place when a key is destroyed.
//!
//! A slot never leaves a disk sector, and carries a checksum. Slots are never reused: a destroyed owner's slot stays as its
//! tombstone.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use berth_proto::InstanceId;
use berth_runtime::WrappedKey;
use zeroize::Zeroize;

use super::files::{CHECKSUM_BYTES, FileError, checksum, open_locked};
use crate::port::KeptKey;

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

/// What is durable of each owner. Written by whoever writes the slots, read by everybody.
#[derive(Debug, Clone, Default)]
pub(super) struct Index(Arc<RwLock<HashMap<[u8; 16], Indexed>>>);

/// What is known of an owner, and in which slot.
#[derive(Debug, Clone)]
struct Indexed {
    slot: u64,
    held: Held,
}

#[derive(Debug, Clone)]
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

/// What is to become of an owner's key.
#[derive(Debug)]
pub(super) enum Change {
    /// This is its key, unless it has one or had one.
    PutIfAbsent(WrappedKey),
    /// It has none and never will.
    Destroy,
}

/// The slots, written by one thread.
#[derive(Debug)]
pub(super) struct Slots {
    path: PathBuf,
    file: File,
    index: Index,
    /// The number of the next slot that was never written; the header is slot 0.
    next: u64,
}

// === impl Index ===

impl Index {
    /// What is kept for an owner; `path` is the file, for an error.
    pub(super) fn get(&self, owner: &[u8; 16], path: &Path) -> Result<KeptKey, FileError> {
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept(index.get(owner), path)
    }
}

fn kept(indexed: Option<&Indexed>, path: &Path) -> Result<KeptKey, FileError> {
    match indexed.map(|indexed| &indexed.held) {
        None => Ok(KeptKey::Missing),
        Some(Held::Tombstone) => Ok(KeptKey::Destroyed),
        Some(Held::Key(key)) => Ok(KeptKey::Present(key.clone())),
        Some(Held::Damaged) => Err(FileError::Damaged { path: path.to_owned() }),
    }
}

// === impl Slots ===

impl Slots {
    /// Opens the file, or makes it, and reads what is in it.
    pub(super) fn open(path: PathBuf) -> Result<Self, FileError> {
        let file = open_locked(&path)?;
        let length = file.metadata().map_err(FileError::io(&path))?.len();
        let mut slots = Self { path, file, index: Index::default(), next: 1 };
        if length < SLOT_BYTES as u64 {
            // New, or a crash came before the first sync.
            let mut header = [0; SLOT_BYTES];
            header.iter_mut().zip(MAGIC).for_each(|(to, from)| *to = *from);
            slots.write(0, &header)?;
            slots.sync()?;
        } else {
            slots.read_all()?;
        }
        Ok(slots)
    }

    /// What is durable, for readers.
    pub(super) fn index(&self) -> Index {
        self.index.clone()
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
        self.index
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(owner, Indexed { slot: number, held });
    }

    /// Makes changes durable with one sync, in their order, and says what each came to: the owner's key, none if it was
    /// destroyed. One that cannot be written fails alone; if the sync fails, nobody knows of any, and all fail.
    pub(super) fn change(
        &mut self,
        changes: &[([u8; 16], Change)],
    ) -> Result<Vec<Result<Option<WrappedKey>, FileError>>, FileError> {
        let mut fresh = HashMap::new();
        let outcomes = changes.iter().map(|(owner, change)| self.one(owner, change, &mut fresh)).collect();
        if fresh.is_empty() {
            return Ok(outcomes);
        }
        // If it fails, what was written may be there all the same, and stays: of two slots of an owner the later one counts,
        // which is that of a later try.
        self.sync()?;
        self.index.0.write().unwrap_or_else(PoisonError::into_inner).extend(fresh);
        Ok(outcomes)
    }

    /// Writes one change, if it is one. `fresh` is what the changes before it came to.
    fn one(
        &mut self,
        owner: &[u8; 16],
        change: &Change,
        fresh: &mut HashMap<[u8; 16], Indexed>,
    ) -> Result<Option<WrappedKey>, FileError> {
        let known = match fresh.get(owner) {
            Some(fresh) => Some(fresh.clone()),
            None => self.index.0.read().unwrap_or_else(PoisonError::into_inner).get(owner).cloned(),
        };
        let (held, slot) = match change {
            Change::PutIfAbsent(key) => match kept(known.as_ref(), &self.path)? {
                KeptKey::Present(key) => return Ok(Some(key)),
                KeptKey::Destroyed => return Ok(None),
                KeptKey::Missing => (Held::Key(key.clone()), encode_key(owner, key)?),
            },
            Change::Destroy if matches!(known, Some(Indexed { held: Held::Tombstone, .. })) => {
                return Ok(None);
            }
            Change::Destroy => (Held::Tombstone, encode(TOMBSTONE, owner, &[])),
        };
        // Should the write fail, the key stays in the index, and the next try overwrites the slot again.
        let number = known.map_or(self.next, |known| known.slot);
        self.write(number, &slot)?;
        self.next = self.next.max(number + 1);
        fresh.insert(*owner, Indexed { slot: number, held });
        Ok(match change {
            Change::PutIfAbsent(key) => Some(key.clone()),
            Change::Destroy => None,
        })
    }

    /// Writes a slot in its place.
    fn write(&self, number: u64, slot: &[u8; SLOT_BYTES]) -> Result<(), FileError> {
        self.file.write_all_at(slot, number * SLOT_BYTES as u64).map_err(FileError::io(&self.path))
    }

    /// Waits until the disk has what was written.
    fn sync(&self) -> Result<(), FileError> {
        self.file.sync_data().map_err(FileError::io(&self.path))
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

#[cfg(test)]
mod tests {
    use super::*;

    const OWNERS: [[u8; 16]; 2] = [[1; 16], [2; 16]];

    fn put(owner: [u8; 16], byte: u8) -> ([u8; 16], Change) {
        (owner, Change::PutIfAbsent(WrappedKey(vec![byte; 48])))
    }

    fn kept(slots: &Slots, owner: &[u8; 16]) -> KeptKey {
        slots.index().get(owner, &slots.path).unwrap()
    }

    #[test]
    fn what_a_failed_sync_left_never_takes_the_place_of_a_later_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.slots");
        let mut slots = Slots::open(path.clone()).unwrap();
        // Both are written, and nobody is told that they are durable.
        for (owner, change) in [put(OWNERS[0], 1), put(OWNERS[1], 1)] {
            slots.one(&owner, &change, &mut HashMap::new()).unwrap();
        }
        // The second owner comes back first.
        slots.change(&[put(OWNERS[1], 2)]).unwrap().remove(0).unwrap();
        drop(slots);
        let slots = Slots::open(path).unwrap();
        assert!(matches!(kept(&slots, &OWNERS[1]), KeptKey::Present(key) if key.0 == [2; 48]));
    }

    #[test]
    fn slots_of_a_failed_sync_are_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut slots = Slots::open(folder.path().join("keys.slots")).unwrap();
        // It takes every write and knows of no sync.
        slots.file = File::options().read(true).write(true).open("/dev/null").unwrap();
        let next = slots.next;
        assert!(slots.change(&[put(OWNERS[0], 1), put(OWNERS[1], 1)]).is_err());
        assert_eq!(slots.next, next + 2);
        assert!(matches!(kept(&slots, &OWNERS[0]), KeptKey::Missing));
    }
}
