//! The record view: for each instance its last state, and the indexes that lists are read from.
//!
//! | key | value |
//! | --- | --- |
//! | `a` account | version, state; accounts that are not closed |
//! | `i` instance | version, class, account, state |
//! | `o` account instance | nothing; instances that are not deleted |
//! | `s` account class instance | nothing |
//!
//! Every row depends on one stream only: an index row is written with the record that it points to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use berth_log::Stored;
use berth_proto::{
    AccountId, CommitV2, DecodeError, InstanceId, Kind, RecordV1,
    account::AccountStateV2,
    commit::{CarriedState, CarriedV1},
    instance::InstanceStateV1,
};
use berth_views::{ApplyError, Rows, View, ViewError};

use crate::class::Class;

/// Raised whenever the rows change shape or meaning.
const SCHEMA: u32 = 1;
/// Bytes of an id.
const ID: usize = 16;

/// Instances whose records changed, with the version that the record has at least then. Filled by the fold,
/// emptied by the index of texts; an instance stands in it once, whatever happens to it.
pub(crate) type Touched = Arc<Mutex<HashMap<[u8; ID], u64>>>;

/// The fold.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) touched: Touched,
}

impl View for Records {
    fn name(&self) -> &'static str {
        "records"
    }

    fn schema(&self) -> u32 {
        SCHEMA
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Instance, Kind::Account]
    }

    fn apply(&self, stored: &Stored, commit: &CommitV2, rows: &mut dyn Rows) -> Result<(), ApplyError> {
        match stored.stream.kind() {
            Kind::Instance => self.instance(InstanceId::from_bytes(*stored.stream.id()), commit, rows),
            Kind::Account => account(stored.stream.id(), commit, rows),
            Kind::Directory | Kind::Delivery => Ok(()),
        }
    }
}

impl Records {
    fn instance(&self, id: InstanceId, commit: &CommitV2, rows: &mut dyn Rows) -> Result<(), ApplyError> {
        let key = record_key(id);
        let before = rows.get(&key).map_err(|error| unavailable(&error))?.as_deref().and_then(Record::decode);
        let Some((record, state)) = carried(commit, before.as_ref()).map_err(|error| unreadable(&error))?
        else {
            return Ok(());
        };
        if berth_domain::instance::never_was(&state) {
            // A create that was given up left a tombstone.
            return Ok(());
        }
        let record = Record {
            version: commit.version,
            class: Class::of(&state.phase),
            account: state.account,
            state: record,
        };
        let (old, new) = (before.map(|before| index_keys(id, &before)), index_keys(id, &record));
        for gone in old.iter().flatten().filter(|key| !new.contains(key)) {
            rows.remove(gone);
        }
        for fresh in new.iter().filter(|key| old.as_ref().is_none_or(|old| !old.contains(key))) {
            rows.put(fresh, Vec::new());
        }
        rows.put(&key, record.encode());
        let mut touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        touched.insert(*id.as_bytes(), commit.version);
        Ok(())
    }
}

/// The state after a commit, as it is kept and opened. One that carries none follows from the record before it; none
/// if there is no such record, since an instance that never was has none.
fn carried(
    commit: &CommitV2,
    before: Option<&Record>,
) -> Result<Option<(RecordV1, InstanceStateV1)>, DecodeError> {
    match (&commit.state, before) {
        (CarriedV1::Full(record), _) => Ok(Some((record.clone(), record.open()?))),
        (CarriedV1::Since(_), None) => Ok(None),
        (CarriedV1::Since(since), Some(before)) => {
            let mut state: InstanceStateV1 = before.state.open()?;
            // Only what was remembered by the commits since the one that the record is of is news.
            let mut news = since.clone();
            news.keyed.retain(|one| one.version > before.version);
            news.unkeyed.retain(|one| one.version > before.version);
            state.remember_since(&news);
            let record = RecordV1::of(&state).unwrap_or_else(|_| before.state.clone());
            Ok(Some((record, state)))
        }
    }
}

fn account(id: &[u8; ID], commit: &CommitV2, rows: &mut dyn Rows) -> Result<(), ApplyError> {
    let Some(record) = commit.full_state() else { return Ok(()) };
    let state: AccountStateV2 = record.open().map_err(|error| unreadable(&error))?;
    let key = [b"a", &id[..]].concat();
    if state.closed_at.is_some() {
        rows.remove(&key);
        return Ok(());
    }
    let row = [&commit.version.to_be_bytes()[..], &encode_state(record)].concat();
    rows.put(&key, row);
    Ok(())
}

fn index_keys(id: InstanceId, record: &Record) -> Vec<Vec<u8>> {
    let id = id.as_bytes();
    let mut keys = vec![[&state_prefix(record.account, record.class)[..], id].concat()];
    if record.class != Class::Deleted {
        keys.push([&owned_prefix(record.account)[..], id].concat());
    }
    keys
}

/// The key of an instance's record.
pub(crate) fn record_key(id: InstanceId) -> Vec<u8> {
    [b"i", &id.as_bytes()[..]].concat()
}

/// What the keys of all records start with.
pub(crate) const RECORDS: &[u8] = b"i";
/// What the keys of the index of states start with.
pub(crate) const STATES: &[u8] = b"s";
/// What the keys of all accounts start with.
pub(crate) const ACCOUNTS: &[u8] = b"a";

/// What the index keys of an account's instances start with, deleted ones aside.
pub(crate) fn owned_prefix(account: AccountId) -> Vec<u8> {
    [b"o", &account.as_bytes()[..]].concat()
}

/// What the index keys of an account's instances of a class start with.
pub(crate) fn state_prefix(account: AccountId, class: Class) -> Vec<u8> {
    [STATES, account.as_bytes(), &[class.byte()]].concat()
}

/// The account in a key of the index of states.
pub(crate) fn account_of(key: &[u8]) -> Option<AccountId> {
    let (account, _) = key.strip_prefix(STATES)?.split_first_chunk::<ID>()?;
    Some(AccountId::from_bytes(*account))
}

/// A key after all of an account's in the index of states: a class is never 255.
pub(crate) fn after_account(account: AccountId) -> Vec<u8> {
    [STATES, account.as_bytes(), &[u8::MAX]].concat()
}

/// The id at the end of a key.
pub(crate) fn id_of(key: &[u8]) -> Option<InstanceId> {
    key.last_chunk::<ID>().map(|id| InstanceId::from_bytes(*id))
}

/// The record of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) version: u64,
    pub(crate) class: Class,
    pub(crate) account: AccountId,
    pub(crate) state: RecordV1,
}

impl Record {
    fn encode(&self) -> Vec<u8> {
        [
            &self.version.to_be_bytes()[..],
            &[self.class.byte()],
            self.account.as_bytes(),
            &encode_state(&self.state),
        ]
        .concat()
    }

    /// The record in a row; none if the row is not one, which its checksum makes sure of.
    pub(crate) fn decode(row: &[u8]) -> Option<Self> {
        let (version, rest) = row.split_first_chunk::<8>()?;
        let (class, rest) = rest.split_first()?;
        let (account, rest) = rest.split_first_chunk::<ID>()?;
        Some(Self {
            version: u64::from_be_bytes(*version),
            class: Class::from_byte(*class)?,
            account: AccountId::from_bytes(*account),
            state: decode_state(rest)?,
        })
    }
}

/// The version and state in the row of an account.
pub(crate) fn decode_account(row: &[u8]) -> Option<(u64, RecordV1)> {
    let (version, rest) = row.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*version), decode_state(rest)?))
}

fn encode_state(state: &RecordV1) -> Vec<u8> {
    [&state.type_id.to_be_bytes()[..], &[state.version], &state.body].concat()
}

fn decode_state(bytes: &[u8]) -> Option<RecordV1> {
    let (type_id, rest) = bytes.split_first_chunk::<2>()?;
    let (version, body) = rest.split_first()?;
    Some(RecordV1 { type_id: u16::from_be_bytes(*type_id), version: *version, body: body.to_vec() })
}

fn unreadable(error: &DecodeError) -> ApplyError {
    ApplyError { reason: format!("its state: {error}") }
}

fn unavailable(error: &ViewError) -> ApplyError {
    ApplyError { reason: error.to_string() }
}
