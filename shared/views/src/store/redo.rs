//! A batch that is to be made update by update, written down in full before, so that a crash leaves all of it or nothing.
//!
//! sled recovers to a prefix of what was written. The updates are written down first, then made, and then what was written down
//! is taken back: so whatever prefix is left has nothing of the batch, or all that it takes to make it. Updates are new values and
//! no steps, so that making them again does no harm.

use super::{Batch, Update};

/// Bytes of a part. A page of sled is one message, and one of more than 128 KiB goes into a file of its own: so a part has a tree
/// for itself.
const PART_BYTES: usize = 64 * 1024;
/// The trees are named after this and the number of their part.
const TREE: &str = "redo-";
/// Where the part stands in its tree.
const KEY: &[u8] = b"part";
/// Bytes of a length: of all in front of the first part, and of each key and value.
const LENGTH: usize = size_of::<usize>();

/// Writes a batch down; gives the number of its parts.
pub(super) fn begin(db: &sled::Db, batch: &[Update]) -> sled::Result<usize> {
    let written = encode(batch);
    let parts = written.chunks(PART_BYTES);
    let count = parts.len();
    // The first part comes last: with it all are there.
    for (at, part) in parts.enumerate().rev() {
        tree(db, at)?.insert(KEY, part)?;
    }
    Ok(count)
}

/// The batch is made: so many parts are taken back. Without the first one, which goes first, the others are nothing.
pub(super) fn end(db: &sled::Db, parts: usize) -> sled::Result<()> {
    for at in 0..parts {
        tree(db, at)?.remove(KEY)?;
    }
    Ok(())
}

/// What is written down of a batch that was not ended, if there is one, and in how many parts: see [`decode`].
pub(super) fn unfinished(db: &sled::Db) -> sled::Result<Option<(Vec<u8>, usize)>> {
    let Some(first) = tree(db, 0)?.get(KEY)? else { return Ok(None) };
    let (mut written, mut parts) = (first.to_vec(), 1);
    let length = take_length(&written).map_or(0, |(length, _)| length);
    while parts < length.div_ceil(PART_BYTES)
        && let Some(part) = tree(db, parts)?.get(KEY)?
    {
        written.extend_from_slice(&part);
        parts += 1;
    }
    Ok(Some((written, parts)))
}

fn tree(db: &sled::Db, part: usize) -> sled::Result<sled::Tree> {
    db.open_tree(format!("{TREE}{part}"))
}

fn encode(batch: &[Update]) -> Vec<u8> {
    let mut written = vec![0; LENGTH];
    for (key, value) in batch {
        put_bytes(&mut written, key);
        written.push(u8::from(value.is_some()));
        if let Some(value) = value {
            put_bytes(&mut written, value);
        }
    }
    let length = written.len().to_be_bytes();
    if let Some(front) = written.first_chunk_mut() {
        *front = length;
    }
    written
}

fn put_bytes(written: &mut Vec<u8>, bytes: &[u8]) {
    written.extend_from_slice(&bytes.len().to_be_bytes());
    written.extend_from_slice(bytes);
}

/// The batch in what was written down; none if that is damaged.
pub(super) fn decode(written: &[u8]) -> Option<Batch> {
    let (_, mut rest) = take_length(written).filter(|(length, _)| *length == written.len())?;
    let mut batch = Batch::new();
    while !rest.is_empty() {
        let (key, behind) = take_bytes(rest)?;
        let (has_value, behind) = behind.split_first()?;
        let (value, behind) = match has_value {
            0 => (None, behind),
            _ => take_bytes(behind).map(|(value, behind)| (Some(value.to_vec()), behind))?,
        };
        batch.push((key.to_vec(), value));
        rest = behind;
    }
    Some(batch)
}

fn take_length(written: &[u8]) -> Option<(usize, &[u8])> {
    let (length, rest) = written.split_first_chunk::<LENGTH>()?;
    Some((usize::from_be_bytes(*length), rest))
}

fn take_bytes(written: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = take_length(written)?;
    rest.split_at_checked(length)
}
