//! The table of attempts of this replica: an embedded store, written in batches that hold together.
//!
//! Rows survive the death of the process. They need not survive the loss of power.

use std::{
    fs, io,
    ops::Bound,
    path::{Path, PathBuf},
    sync::Mutex,
};

use berth_bus::{RelayEnd, relay::RELAY_BYTES_MAX};
use berth_proto::{
    AccountId, CommandId, EndpointId, InstanceId, Timestamp,
    attempt::{AttemptResultV1, DeliveryAttemptV1},
    codec,
    delivery::NoticeKeyV1,
};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{lock, rows, rows::Delivery};
use crate::signing::delivery_id;

/// Bytes of blocks that the engine keeps in memory.
const CACHE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Bytes of a table's newest rows in memory.
const MEMTABLE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Bytes of the engine's journals.
const JOURNALS_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Files that the engine holds open.
const OPEN_FILES_MAX: usize = 32;
/// Notices that are dropped at once.
const PRUNED_AT_ONCE_MAX: usize = 5_000;
/// The one row of the facts.
const METER: &[u8] = b"meter";

/// The table failed. A retry helps when the disk works again.
#[derive(Debug, Error)]
pub enum TableError {
    /// The engine.
    #[error("the store of attempts failed")]
    Engine(#[from] fjall::Error),
    /// Its folder.
    #[error("the store of attempts cannot be opened at {path}")]
    Folder {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A row cannot be written.
    #[error("a row of the store of attempts cannot be written")]
    Row(#[from] postcard::Error),
    /// An attempt cannot be written.
    #[error("an attempt cannot be written")]
    Attempt(#[from] berth_proto::EncodeError),
}

/// Numbers that are kept with the rows.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Meter {
    /// The place of the last record of this replica's own, where there is no relay.
    sequence: u64,
    /// The relay that is followed, and how far.
    incarnation: u64,
    followed: u64,
    /// Bytes of all attempts.
    bytes: u64,
}

/// Where a page is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Places {
    /// What one endpoint was sent, by what it is about.
    Endpoint(InstanceId, EndpointId),
    /// What the endpoints of an account's instances were sent, by when that was first tried.
    Account(AccountId),
    /// The same, as far as an attempt failed.
    Failures(AccountId),
}

/// A part of what is at a place, the newest first.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) deliveries: Vec<(NoticeKeyV1, Delivery)>,
    /// Where the next page begins; none if there is none.
    pub(crate) next: Option<Vec<u8>>,
}

/// See the module.
pub(crate) struct Table {
    database: Database,
    attempts: Keyspace,
    deliveries: Keyspace,
    accounts: Keyspace,
    failures: Keyspace,
    ids: Keyspace,
    ages: Keyspace,
    facts: Keyspace,
    /// Held while a batch is made and written.
    meter: Mutex<Meter>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("meter", &self.meter).finish_non_exhaustive()
    }
}

// === impl Table ===

impl Table {
    /// Opens or makes the table.
    pub(crate) fn open(folder: &Path) -> Result<Self, TableError> {
        let failed = |source| TableError::Folder { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        match Self::open_engine(folder) {
            Err(error @ (fjall::Error::Locked | fjall::Error::Io(_))) => Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "the store of attempts is damaged and put aside: their log begins anew");
                let aside = folder.with_extension("damaged");
                let _absent = fs::remove_dir_all(&aside);
                fs::rename(folder, &aside).map_err(failed)?;
                fs::create_dir_all(folder).map_err(failed)?;
                Ok(Self::open_engine(folder)?)
            }
            Ok(table) => Ok(table),
        }
    }

    fn open_engine(folder: &Path) -> Result<Self, fjall::Error> {
        let database = Database::builder(folder)
            .cache_size(CACHE_BYTES_MAX)
            .max_journaling_size(JOURNALS_BYTES_MAX)
            .worker_threads(1)
            .max_cached_files(Some(OPEN_FILES_MAX))
            .open()?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES_MAX);
        let facts = database.keyspace("facts", options)?;
        let meter = facts.get(METER)?.and_then(|row| read(&row)).unwrap_or_default();
        Ok(Self {
            attempts: database.keyspace("attempts", options)?,
            deliveries: database.keyspace("deliveries", options)?,
            accounts: database.keyspace("accounts", options)?,
            failures: database.keyspace("failures", options)?,
            ids: database.keyspace("ids", options)?,
            ages: database.keyspace("ages", options)?,
            facts,
            meter: Mutex::new(meter),
            database,
        })
    }

    /// The place of this replica's next record, where there is no relay.
    pub(crate) fn next_sequence(&self) -> u64 {
        let mut meter = lock(&self.meter);
        meter.sequence += 1;
        meter.sequence
    }

    /// The table of how endpoints fare.
    pub(super) fn endpoints(&self) -> Result<Keyspace, TableError> {
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES_MAX);
        Ok(self.database.keyspace("endpoints", options)?)
    }

    /// Begins to follow a relay that goes this far; gives the place after which, and whether it is another relay than the one
    /// before: of that nothing is kept, since its places would be taken for those of the new one.
    pub(crate) fn begin(&self, end: RelayEnd) -> Result<(u64, bool), TableError> {
        let mut meter = lock(&self.meter);
        let is_another = meter.incarnation != end.incarnation || meter.followed > end.last;
        if is_another {
            for table in
                [&self.attempts, &self.deliveries, &self.accounts, &self.failures, &self.ids, &self.ages]
            {
                table.clear()?;
            }
            *meter = Meter { incarnation: end.incarnation, ..Meter::default() };
        }
        // What is not kept any more will not come.
        meter.followed = meter.followed.max(end.first.saturating_sub(1));
        self.facts.insert(METER, postcard::to_allocvec(&*meter)?)?;
        Ok((meter.followed, is_another))
    }

    /// The relay was followed this far. Written with the next record.
    pub(crate) fn followed(&self, sequence: u64) {
        lock(&self.meter).followed = sequence;
    }

    /// Takes a record. One that was taken before changes nothing.
    pub(crate) fn apply(&self, sequence: u64, attempt: &DeliveryAttemptV1) -> Result<(), TableError> {
        let mut meter = lock(&self.meter);
        let notice = rows::notice(&attempt.notice);
        let before = self.deliveries.get(&notice)?.and_then(|row| read::<Delivery>(&row));
        let Some(mut delivery) = Delivery::after(before.as_ref(), sequence, attempt) else { return Ok(()) };
        let mut batch = self.batch();
        let key = rows::attempt(&attempt.notice, attempt.started_at);
        let old_bytes = self.attempts.get(&key)?.map_or(0, |row| row.len() as u64);
        let is_none = attempt.end.as_ref().is_some_and(|end| end.result == AttemptResultV1::NotSent);
        let new_bytes = if is_none {
            batch.remove(&self.attempts, key);
            0
        } else {
            let row = codec::encode(attempt)?;
            let bytes = row.len() as u64;
            batch.insert(&self.attempts, key, row);
            bytes
        };
        delivery.bytes = (delivery.bytes + new_bytes).saturating_sub(old_bytes);
        meter.bytes = (meter.bytes + new_bytes).saturating_sub(old_bytes);
        if before.is_none() {
            batch.insert(&self.ages, rows::by_time(None, delivery.first_at, &attempt.notice), []);
            batch.insert(&self.ids, id_of(&attempt.notice), notice.clone());
        }
        let place = || rows::by_time(Some(delivery.account), delivery.first_at, &attempt.notice);
        if before.is_none() {
            batch.insert(&self.accounts, place(), []);
        }
        if delivery.failed && !before.is_some_and(|before| before.failed) {
            batch.insert(&self.failures, place(), []);
        }
        batch.insert(&self.deliveries, notice, postcard::to_allocvec(&delivery)?);
        batch.insert(&self.facts, METER, postcard::to_allocvec(&*meter)?);
        Ok(batch.commit()?)
    }

    /// How far a notice is.
    pub(crate) fn delivery(&self, notice: &NoticeKeyV1) -> Result<Option<Delivery>, TableError> {
        Ok(self.deliveries.get(rows::notice(notice))?.and_then(|row| read(&row)))
    }

    /// The notice that was sent under an id.
    pub(crate) fn named(&self, id: CommandId) -> Result<Option<NoticeKeyV1>, TableError> {
        Ok(self.ids.get(id.as_bytes())?.and_then(|row| rows::read_notice(&row)))
    }

    /// The attempts of a notice, the oldest first.
    pub(crate) fn attempts(&self, notice: &NoticeKeyV1) -> Result<Vec<DeliveryAttemptV1>, TableError> {
        let mut attempts = Vec::new();
        for row in self.attempts.prefix(rows::notice(notice)) {
            attempts.extend(codec::decode::<DeliveryAttemptV1>(&row.value()?).ok());
        }
        Ok(attempts)
    }

    /// What is at a place before `before`, as far as it is `wanted`, the newest first. At most `looked_at_max` are looked
    /// at, so that a page may have fewer than `limit` and another one after it.
    pub(crate) fn page(
        &self,
        places: Places,
        before: Option<&[u8]>,
        (limit, looked_at_max): (usize, usize),
        mut wanted: impl FnMut(&NoticeKeyV1, &Delivery) -> bool,
    ) -> Result<Page, TableError> {
        let (table, prefix) = match places {
            Places::Endpoint(instance, endpoint) => (&self.deliveries, rows::endpoint(instance, endpoint)),
            Places::Account(account) => (&self.accounts, account.as_bytes().to_vec()),
            Places::Failures(account) => (&self.failures, account.as_bytes().to_vec()),
        };
        let mut end = prefix.clone();
        end.resize(prefix.len() + 8 + rows::NOTICE_BYTES + 1, u8::MAX);
        let upper = before.filter(|key| key.starts_with(&prefix)).unwrap_or(&end);
        let range = (Bound::Included(prefix.as_slice()), Bound::Excluded(upper));
        let mut page = Page { deliveries: Vec::new(), next: None };
        for (looked_at, row) in table.range::<&[u8], _>(range).rev().enumerate() {
            let (key, value) = row.into_inner()?;
            if page.deliveries.len() == limit || looked_at == looked_at_max {
                return Ok(page);
            }
            page.next = Some(key.to_vec());
            let Some(notice) = read_place(places, &key) else { continue };
            let delivery = match places {
                Places::Endpoint(..) => read(&value),
                Places::Account(_) | Places::Failures(_) => self.delivery(&notice)?,
            };
            if let Some(delivery) = delivery.filter(|delivery| wanted(&notice, delivery)) {
                page.deliveries.push((notice, delivery));
            }
        }
        page.next = None;
        Ok(page)
    }

    /// Drops what was first tried before a moment, and the oldest beyond the bound on bytes; a little at a time.
    pub(crate) fn prune(&self, oldest: Timestamp) -> Result<(), TableError> {
        let until = rows::moment(oldest);
        let mut pruned = Vec::new();
        let mut bytes = lock(&self.meter).bytes;
        for row in self.ages.iter().take(PRUNED_AT_ONCE_MAX) {
            let key = row.key()?;
            let Some(notice) = rows::read_notice(&key) else { continue };
            if !(key.as_ref() < until.as_slice() || bytes > RELAY_BYTES_MAX) {
                break;
            }
            let delivery = self.delivery(&notice)?;
            bytes = bytes.saturating_sub(delivery.as_ref().map_or(0, |delivery| delivery.bytes));
            pruned.push((key.to_vec(), notice, delivery));
        }
        for (age, notice, delivery) in pruned {
            self.drop_one(age, &notice, delivery.as_ref())?;
        }
        Ok(())
    }

    fn drop_one(
        &self,
        age: Vec<u8>,
        notice: &NoticeKeyV1,
        delivery: Option<&Delivery>,
    ) -> Result<(), TableError> {
        let mut meter = lock(&self.meter);
        let mut batch = self.batch();
        batch.remove(&self.ages, age);
        for row in self.attempts.prefix(rows::notice(notice)) {
            batch.remove(&self.attempts, row.key()?);
        }
        if let Some(delivery) = delivery {
            meter.bytes = meter.bytes.saturating_sub(delivery.bytes);
            let place = rows::by_time(Some(delivery.account), delivery.first_at, notice);
            batch.remove(&self.accounts, place.clone());
            batch.remove(&self.failures, place);
            batch.remove(&self.ids, id_of(notice));
            batch.remove(&self.deliveries, rows::notice(notice));
        }
        batch.insert(&self.facts, METER, postcard::to_allocvec(&*meter)?);
        Ok(batch.commit()?)
    }

    fn batch(&self) -> OwnedWriteBatch {
        self.database.batch().durability(Some(PersistMode::Buffer))
    }
}

/// The id that every attempt of a notice is sent under.
fn id_of(notice: &NoticeKeyV1) -> [u8; 16] {
    *delivery_id(notice).as_bytes()
}

fn read_place(places: Places, key: &[u8]) -> Option<NoticeKeyV1> {
    let expected = match places {
        Places::Endpoint(..) => rows::NOTICE_BYTES,
        Places::Account(_) | Places::Failures(_) => 16 + 8 + rows::NOTICE_BYTES,
    };
    (key.len() == expected).then(|| rows::read_notice(key)).flatten()
}

/// The value of a row; none if it is damaged.
pub(super) fn read<T: serde::de::DeserializeOwned>(row: &[u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(row).ok()?;
    rest.is_empty().then_some(value)
}

#[cfg(test)]
mod tests;
