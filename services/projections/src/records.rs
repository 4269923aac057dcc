//! The record view: for each instance its last state, and the indexes that lists are read from.
//!
//! | key | value |
//! | --- | --- |
//! | `a` account | version, state; accounts that are not closed |
//! | `i` instance | version, class, account, mark of its texts, state |
//! | `o` account instance | nothing; instances that are not deleted |
//! | `s` account class instance | nothing |
//! | `v` instance | version |
//!
//! Every row depends on one stream only: an index row is written with the record that it points to. The state is that
//! of the last commit with events: what an instance remembers of commands that changed nothing is shown to nobody. So is the
//! version in its row; that of a later commit without events has a row of its own, since most commits have none, and
//! nothing but that number is written for them. Whoever reads both reads the number first, which is written last: see [`record`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use berth_log::SharedCommit;
use berth_proto::{
    AccountId, CommitV2, DecodeError, Hash, InstanceId, Kind, RecordV1, Sealed, StreamId,
    account::AccountStateV3,
    instance::{DeviceV1, InstanceStateV1},
};
use berth_views::{ApplyError, Rows, View, ViewError, ViewReader};

use crate::class::Class;

/// Raised whenever the rows change shape or meaning.
const SCHEMA: u32 = 3;
/// Bytes of an id.
const ID: usize = 16;
/// Bytes of a mark of texts.
const MARK: usize = 16;

/// Instances whose texts changed, with the version that the record has at least then. Filled by the fold,
/// emptied by the index of texts; an instance stands in it once, whatever happens to it.
pub(crate) type Touched = Arc<Mutex<HashMap<[u8; ID], u64>>>;

/// The fold.
#[derive(Debug, Default)]
pub(crate) struct Records {
    /// Who is told of texts that changed; none if nobody is.
    pub(crate) touched: Option<Touched>,
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

    fn apply(&self, shared: &SharedCommit, commit: &CommitV2, rows: &mut dyn Rows) -> Result<(), ApplyError> {
        let id = commit.stream.id();
        match commit.stream.kind() {
            Kind::Instance => self.instance(InstanceId::from_bytes(*id), shared, commit, rows),
            Kind::Account => account(id, commit, rows),
            Kind::Directory | Kind::Delivery => Ok(()),
        }
    }

    fn quiet(&self) -> Arc<dyn View> {
        Arc::new(Self { touched: None })
    }
}

impl Records {
    fn instance(
        &self,
        id: InstanceId,
        shared: &SharedCommit,
        commit: &CommitV2,
        rows: &mut dyn Rows,
    ) -> Result<(), ApplyError> {
        let (key, version_key) = (record_key(id), version_key(id));
        // It is there with the record.
        let version = rows.get(&version_key).map_err(|error| unavailable(&error))?;
        if let (true, Some(version)) = (commit.events.is_empty(), &version) {
            let now = commit.version.to_be_bytes();
            if version.as_slice() != now {
                rows.put(&version_key, now.to_vec());
            }
            return Ok(());
        }
        let row = rows.get(&key).map_err(|error| unavailable(&error))?;
        let before = row.as_deref().and_then(Head::decode).map(|(head, _)| head);
        let (record, state) = match (commit.full_state(), shared.instance_state().map_err(unreadable)?) {
            // A create that was given up left a tombstone of an instance that never was.
            (Some(record), Some(state)) if !berth_domain::instance::never_was(state) => (record, state),
            _ => return Ok(()),
        };
        let head = Head {
            version: commit.version,
            class: Class::of(&state.phase),
            account: state.account,
            texts: mark_of_texts(state),
        };
        let (old, new) = (before.map(|before| index_keys(id, &before)), index_keys(id, &head));
        for gone in old.iter().flatten().filter(|key| !new.contains(key)) {
            rows.remove(gone);
        }
        for fresh in new.iter().filter(|key| old.as_ref().is_none_or(|old| !old.contains(key))) {
            rows.put(fresh, Vec::new());
        }
        rows.put(&key, head.encode_with(record));
        if version.is_none() {
            rows.put(&version_key, head.version.to_be_bytes().to_vec());
        }
        let found_by = |head: &Head| (head.class == Class::Deleted, head.texts);
        if let Some(touched) = &self.touched
            && before.as_ref().map(found_by) != Some(found_by(&head))
        {
            let mut touched = touched.lock().unwrap_or_else(PoisonError::into_inner);
            touched.insert(*id.as_bytes(), commit.version);
        }
        Ok(())
    }
}

/// Another value whenever something changes that an instance is found by: see the index of texts.
fn mark_of_texts(state: &InstanceStateV1) -> [u8; MARK] {
    fn bytes(sealed: Option<&Sealed>) -> &[u8] {
        sealed.map_or(&[], |sealed| &sealed.0)
    }
    let device: Option<&DeviceV1> = state.last_device.as_ref();
    let parts = [
        bytes(device.map(|device| &device.phone)),
        &state.number.to_be_bytes(),
        bytes(Some(&state.name)),
        bytes(device.and_then(|device| device.push_name.as_ref())),
        bytes(device.and_then(|device| device.business_name.as_ref())),
    ];
    let Hash(hash) = Hash::over(b"berth.v1.texts", &parts);
    hash.first_chunk().copied().unwrap_or_default()
}

fn account(id: &[u8; ID], commit: &CommitV2, rows: &mut dyn Rows) -> Result<(), ApplyError> {
    let Some(record) = commit.full_state() else { return Ok(()) };
    let state: AccountStateV3 = record.open().map_err(|error| unreadable(&error))?;
    let key = [b"a", &id[..]].concat();
    if state.closed_at.is_some() {
        rows.remove(&key);
        return Ok(());
    }
    let row = [&commit.version.to_be_bytes()[..], &encode_state(record)].concat();
    rows.put(&key, row);
    Ok(())
}

fn index_keys(id: InstanceId, head: &Head) -> Vec<Vec<u8>> {
    let id = id.as_bytes();
    let mut keys = vec![[&state_prefix(head.account, head.class)[..], id].concat()];
    if head.class != Class::Deleted {
        keys.push([&owned_prefix(head.account)[..], id].concat());
    }
    keys
}

/// The key of an instance's record.
fn record_key(id: InstanceId) -> Vec<u8> {
    [b"i", &id.as_bytes()[..]].concat()
}

/// The key of the version of an instance.
fn version_key(id: InstanceId) -> Vec<u8> {
    [b"v", &id.as_bytes()[..]].concat()
}

/// The record of an instance, if there is one: it is there once its version is, which is written behind all other rows of it, so
/// that whoever finds it finds it in lists. Blocking.
pub(crate) fn record(view: &dyn ViewReader, id: InstanceId) -> Result<Option<Row>, ViewError> {
    // In this order: between a version that is read first and the record that is read then no event is missed.
    let version = view.get(&version_key(id))?.and_then(|row| row.try_into().ok());
    let Some(version) = version.map(u64::from_be_bytes) else { return Ok(None) };
    let record = view.get(&record_key(id))?;
    let record = record.as_deref().and_then(Row::decode);
    Ok(record.map(|record| Row { version: record.version.max(version), ..record }))
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
pub(crate) fn id_of(key: &[u8]) -> Option<StreamId> {
    key.last_chunk::<ID>().map(|id| StreamId::from_bytes(*id))
}

/// What stands before the state in the row of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    version: u64,
    class: Class,
    account: AccountId,
    texts: [u8; MARK],
}

impl Head {
    fn encode(&self) -> Vec<u8> {
        [&self.version.to_be_bytes()[..], &[self.class.byte()], self.account.as_bytes(), &self.texts].concat()
    }

    fn encode_with(&self, state: &RecordV1) -> Vec<u8> {
        [self.encode(), encode_state(state)].concat()
    }

    /// The head of a row, and the state behind it.
    fn decode(row: &[u8]) -> Option<(Self, &[u8])> {
        let (version, rest) = row.split_first_chunk::<8>()?;
        let (class, rest) = rest.split_first()?;
        let (account, rest) = rest.split_first_chunk::<ID>()?;
        let (texts, state) = rest.split_first_chunk::<MARK>()?;
        let head = Self {
            version: u64::from_be_bytes(*version),
            class: Class::from_byte(*class)?,
            account: AccountId::from_bytes(*account),
            texts: *texts,
        };
        Some((head, state))
    }
}

/// The record of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Of its last commit; as it stands in the row, of the last one with events.
    pub(crate) version: u64,
    pub(crate) class: Class,
    pub(crate) account: AccountId,
    pub(crate) state: RecordV1,
}

impl Row {
    /// The record in a row; none if the row is not one, which its checksum makes sure of.
    pub(crate) fn decode(row: &[u8]) -> Option<Self> {
        let (Head { version, class, account, .. }, state) = Head::decode(row)?;
        Some(Self { version, class, account, state: decode_state(state)? })
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

#[cfg(test)]
mod tests;
