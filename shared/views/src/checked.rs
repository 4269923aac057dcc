//! Rows that notice damage, over any engine.
//!
//! Each row carries a checksum over its key and value. The checkpoint, written in the same batch as
//! the rows, carries the sum of all those checksums: a multiset digest, which does not depend on the order
//! of the rows and is brought up to date with each batch. At every open all rows are read and summed up
//! again, so that a row that is lost, older or foreign shows.

use std::collections::{BTreeMap, HashMap};

use berth_log::{Position, ShardPosition};
use berth_proto::Hash;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{
    damage::Damage,
    port::Row,
    store::{Batch, Store, StoreError},
};

/// Where the checkpoint stands. Rows begin with another byte.
const CHECKPOINT_KEY: &[u8] = &[0];
/// Where stands which commits the rows lack, if they lack any: beside the checkpoint, whose form stays that of all releases.
const DAMAGE_KEY: &[u8] = &[2];
/// The first byte of every row's key in the engine.
const ROW: u8 = 1;
/// Bytes of a row's checksum: the first of a SHA-256.
const CHECKSUM_BYTES: usize = 16;
/// Rows that are read at once when all are verified.
const VERIFY_ROWS_AT_ONCE: usize = 1_024;

/// The last commit that a view folded in a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastCommit {
    /// Where it stands.
    pub(crate) at: ShardPosition,
    /// The hash of its stream, subject and payload.
    pub(crate) hash: Hash,
}

/// What the rows stand for; written with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub(crate) struct Checkpoint {
    /// The name of the view, so that a folder that was moved is noticed.
    pub(crate) view: String,
    /// The schema of the rows.
    pub(crate) schema: u32,
    /// How far the log is folded.
    pub(crate) position: Position,
    /// The last commit of each shard that is folded.
    pub(crate) last: BTreeMap<u8, LastCommit>,
    /// When the last commit was decided, in microseconds; 0 before the first.
    pub(crate) occurred_at: i64,
    /// Whether the end of the log was reached once: before, readers would see only a part of the rows.
    pub(crate) complete: bool,
    /// Commits that could not be folded.
    pub(crate) skipped: u64,
    /// Which ones; none if that is not known, since a release that only counts them wrote the rows, or if there are none.
    #[serde(skip)]
    pub(crate) damage: Option<Damage>,
    /// How many rows there are: with none, the store is asked for none.
    pub(crate) rows: u64,
    /// The sum of their checksums.
    pub(crate) digest: u128,
}

impl Checkpoint {
    /// Notes commits of a life of a shard that the rows lack, from the first to the last.
    pub(crate) fn skip(&mut self, shard: u8, incarnation: u64, (first, last): (u64, u64)) {
        if self.skipped == 0 {
            self.damage = Some(Damage::default());
        }
        if let Some(damage) = &mut self.damage {
            damage.add(&self.view, shard, incarnation, (first, last));
        }
        self.skipped += last - first + 1;
    }

    /// Whether these rows lack nothing but what others lack too; not, if it is not known what these lack.
    pub(crate) fn lacks_no_more_than(&self, other: &Self) -> bool {
        match (&self.damage, &other.damage) {
            _ if self.skipped == 0 => true,
            (Some(ours), Some(theirs)) => ours.is_within(theirs),
            (None, _) | (_, None) => false,
        }
    }
}

/// Checksums of stored rows by key; none where there is no row.
pub(crate) type Sums = HashMap<Vec<u8>, Option<u128>>;

/// Checked rows over an engine.
#[derive(Debug)]
pub(crate) struct Checked {
    store: Box<dyn Store>,
}

impl Checked {
    /// Verifies every row of a store. An empty one gets a checkpoint at the beginning of the log.
    pub(crate) fn open(
        store: Box<dyn Store>,
        view: &str,
        schema: u32,
    ) -> Result<(Self, Checkpoint), StoreError> {
        let checked = Self { store };
        let (rows, digest) = checked.sum()?;
        let Some(stored) = checked.store.get(CHECKPOINT_KEY)? else {
            if rows != 0 {
                return Err(StoreError::Damaged("there are rows without a checkpoint"));
            }
            return Ok((checked, Checkpoint { view: view.to_owned(), schema, ..Checkpoint::default() }));
        };
        let mut checkpoint = decode_checkpoint(&stored)?;
        checkpoint.damage = checked.lacking(checkpoint.skipped)?;
        if checkpoint.view != view || checkpoint.schema != schema {
            return Err(StoreError::Damaged("the checkpoint is another view's"));
        }
        if checkpoint.rows != rows || checkpoint.digest != digest {
            return Err(StoreError::Damaged("the digest is not that of the rows"));
        }
        Ok((checked, checkpoint))
    }

    /// A row.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.get_with_sum(key)?.map(|(_, value)| value))
    }

    /// A row and its checksum.
    pub(crate) fn get_with_sum(&self, key: &[u8]) -> Result<Option<(u128, Vec<u8>)>, StoreError> {
        let Some(stored) = self.store.get(&row_key(key))? else {
            return Ok(None);
        };
        Ok(Some((stored_sum(&stored)?, unwrap_row(key, stored)?)))
    }

    /// Rows whose keys start with `prefix` and come after `after`, in order, at most `limit`.
    pub(crate) fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let after = after.map(row_key);
        let stored = self.store.scan(&row_key(prefix), after.as_deref(), limit)?;
        stored.into_iter().map(unwrap_entry).collect()
    }

    /// Writes changed rows, in this order, and the checkpoint that they bring about, in one batch. `read` has the
    /// checksums of those stored rows that were read since the last batch.
    pub(crate) fn write(
        &self,
        changes: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>,
        read: &Sums,
        checkpoint: &mut Checkpoint,
    ) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        let had_rows = checkpoint.rows != 0;
        for (key, value) in changes {
            let stored_key = row_key(&key);
            let before = match read.get(&key) {
                Some(before) => *before,
                None if !had_rows => None,
                None => self.store.get(&stored_key)?.map(|stored| stored_sum(&stored)).transpose()?,
            };
            let after = value.map(|value| wrap_row(&key, &value));
            if let Some(sum) = before {
                checkpoint.rows = checkpoint.rows.wrapping_sub(1);
                checkpoint.digest = checkpoint.digest.wrapping_sub(sum);
            }
            if let Some((sum, _)) = &after {
                checkpoint.rows = checkpoint.rows.wrapping_add(1);
                checkpoint.digest = checkpoint.digest.wrapping_add(*sum);
            }
            if before != after.as_ref().map(|(sum, _)| *sum) {
                batch.push((stored_key, after.map(|(_, stored)| stored)));
            }
        }
        batch.push((CHECKPOINT_KEY.to_vec(), Some(encode(CHECKPOINT_KEY, checkpoint)?)));
        if let Some(damage) = &checkpoint.damage {
            batch.push((DAMAGE_KEY.to_vec(), Some(encode(DAMAGE_KEY, damage)?)));
        }
        self.store.apply(batch)
    }

    /// Brings everything that was written to the disk.
    pub(crate) fn flush(&self) -> Result<(), StoreError> {
        self.store.flush()
    }

    /// The checkpoint that is stored.
    #[cfg(test)]
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        decode_checkpoint(&self.store.get(CHECKPOINT_KEY).unwrap().unwrap()).unwrap()
    }

    /// Writes past the checksums, as damage does.
    #[cfg(test)]
    pub(crate) fn damage(&self, key: &[u8], stored: Vec<u8>) {
        self.store.apply(vec![(row_key(key), Some(stored))]).expect("a store that works");
    }

    /// Which commits rows lack that lack so many; none if a release that only counts them wrote since.
    fn lacking(&self, skipped: u64) -> Result<Option<Damage>, StoreError> {
        let Some(stored) = self.store.get(DAMAGE_KEY)? else { return Ok(None) };
        let damage: Damage = decode(DAMAGE_KEY, stored, "what the rows lack cannot be read")?;
        Ok(Some(damage).filter(|damage| damage.commits() == skipped))
    }

    /// Reads and checks every row: how many there are, and the sum of their checksums.
    fn sum(&self) -> Result<(u64, u128), StoreError> {
        let (mut rows, mut digest) = (0_u64, 0_u128);
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.store.scan(&[ROW], after.as_deref(), VERIFY_ROWS_AT_ONCE)?;
            let Some((last, _)) = page.last() else {
                return Ok((rows, digest));
            };
            if after.as_ref().is_some_and(|after| last <= after) {
                return Err(StoreError::Damaged("the rows are out of order"));
            }
            after = Some(last.clone());
            for entry in page {
                digest = digest.wrapping_add(stored_sum(&entry.1)?);
                unwrap_entry(entry)?;
                rows += 1;
            }
        }
    }
}

fn row_key(key: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(key.len() + 1);
    stored.push(ROW);
    stored.extend_from_slice(key);
    stored
}

fn wrap_row(key: &[u8], value: &[u8]) -> (u128, Vec<u8>) {
    let checksum = checksum(key, value);
    let mut stored = Vec::with_capacity(CHECKSUM_BYTES + value.len());
    stored.extend_from_slice(&checksum);
    stored.extend_from_slice(value);
    (u128::from_be_bytes(checksum), stored)
}

fn unwrap_row(key: &[u8], mut stored: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    let Some((sum, value)) = stored.split_first_chunk::<CHECKSUM_BYTES>() else {
        return Err(StoreError::Damaged("a row is too short"));
    };
    if *sum != checksum(key, value) {
        return Err(StoreError::Damaged("a row does not match its checksum"));
    }
    stored.drain(..CHECKSUM_BYTES);
    Ok(stored)
}

fn unwrap_entry((mut key, stored): Row) -> Result<Row, StoreError> {
    if key.first() != Some(&ROW) {
        return Err(StoreError::Damaged("a key is not a row's"));
    }
    key.remove(0);
    let value = unwrap_row(&key, stored)?;
    Ok((key, value))
}

fn stored_sum(stored: &[u8]) -> Result<u128, StoreError> {
    let (sum, _) =
        stored.split_first_chunk::<CHECKSUM_BYTES>().ok_or(StoreError::Damaged("a row is too short"))?;
    Ok(u128::from_be_bytes(*sum))
}

fn checksum(key: &[u8], value: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = Sha256::new();
    hasher.update((key.len() as u64).to_be_bytes());
    hasher.update(key);
    hasher.update(value);
    let hash: [u8; 32] = hasher.finalize().into();
    let [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, ..] = hash;
    [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15]
}

/// What stands beside the rows, with its checksum.
fn encode(key: &[u8], value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let bytes = postcard::to_allocvec(value)
        .map_err(|_| StoreError::Damaged("what stands beside the rows cannot be written"))?;
    Ok(wrap_row(key, &bytes).1)
}

fn decode_checkpoint(stored: &[u8]) -> Result<Checkpoint, StoreError> {
    decode(CHECKPOINT_KEY, stored.to_vec(), "the checkpoint cannot be read")
}

/// What stands beside the rows; damage, in the words given, if it does not match its checksum or is something else.
fn decode<T: DeserializeOwned>(key: &[u8], stored: Vec<u8>, damaged: &'static str) -> Result<T, StoreError> {
    let bytes = unwrap_row(key, stored).map_err(|_| StoreError::Damaged(damaged))?;
    match postcard::take_from_bytes(&bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) | Err(_) => Err(StoreError::Damaged(damaged)),
    }
}
