//! The view behind the process manager: what is open, by the moment at which it is due.
//!
//! A row says only which stream to look at and when. What is to be done is read from the log at that time, so a
//! view that lags can make work late but never wrong.

use std::sync::Arc;

use berth_domain::instance::{WORKER, next_deadline};
use berth_log::SharedCommit;
use berth_proto::{
    AccountId, CommitV2, InstanceId, Kind, Timestamp, WriteVersion,
    account::AccountStateV3,
    codec::RecordV1,
    directory::{DirectoryEvent, HoldV1, PurposeV1},
    event::Event,
    instance::{InstanceStateV1, PhaseV1, WebhookV1},
};
use berth_views::{ApplyError, Rows, View};

use super::job::{ERASE_AFTER_SECONDS, Job, Work};
use crate::{
    cause::is_noted,
    names_there::RESERVED,
    sagas::{create::ABANDON_AFTER_SECONDS, delete::ERASURE},
};

/// First byte of the rows that name the instances of an account.
const BY_ACCOUNT: &[u8] = b"a";
/// First byte of the rows that say in which account an instance stands.
const BY_INSTANCE: &[u8] = b"i";
/// Microseconds before a change in which its duty becomes due, one for each version.
const DUTY_MOMENTS: u64 = 1 << 16;

/// Open work of instances, accounts and directory entries, and which instances an account has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Agenda {
    /// What is written. From a certain version on instances have to give back the copies of their account's endpoints that an earlier
    /// release gave them, and their names at upstreams are reserved. The rows are other ones then, so the view is built anew when it
    /// becomes so.
    pub(crate) write_version: WriteVersion,
}

impl View for Agenda {
    fn name(&self) -> &'static str {
        "agenda"
    }

    fn schema(&self) -> u32 {
        4 + u32::from(self.write_version.account_wide())
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Instance, Kind::Account, Kind::Directory]
    }

    fn apply(&self, shared: &SharedCommit, commit: &CommitV2, rows: &mut dyn Rows) -> Result<(), ApplyError> {
        let id = *commit.stream.id();
        match commit.stream.kind() {
            Kind::Instance => {
                let id = InstanceId::from_bytes(id);
                instance(id, shared, commit, rows)?;
                if self.write_version.names_at_upstreams() {
                    name_there(id, commit, rows)?;
                }
                if self.write_version.account_wide() { copies(id, shared, commit, rows) } else { Ok(()) }
            }
            Kind::Directory => directory(id, commit, rows),
            Kind::Account => account(id, commit, rows),
            Kind::Delivery => Ok(()),
        }
    }

    fn quiet(&self) -> Arc<dyn View> {
        Arc::new(*self)
    }
}

/// What the keys of an account's instances start with. Instances that are deleted are not among them.
pub(super) fn instances_of(account: AccountId) -> Vec<u8> {
    [BY_ACCOUNT, account.as_bytes()].concat()
}

/// The instance in such a key.
pub(super) fn instance_in(key: &[u8]) -> Option<InstanceId> {
    key.last_chunk().map(|id| InstanceId::from_bytes(*id))
}

/// When a duty is due: at once, and for each change at another moment, even if the clock stands still, so that a job
/// that waits for the end of its duty is not taken for that of a later change.
fn duty_moment(changed: Timestamp, since: u64) -> Timestamp {
    let place = i64::try_from(since % DUTY_MOMENTS).unwrap_or_default();
    Timestamp(changed.0.saturating_sub_unsigned(DUTY_MOMENTS).saturating_add(place))
}

fn account(id: [u8; 16], commit: &CommitV2, rows: &mut dyn Rows) -> Result<(), ApplyError> {
    let Some(record) = commit.full_state() else { return Ok(()) };
    let state: AccountStateV3 = record.open().map_err(|error| unreadable(&error))?;
    let due = state.unsettled.map(|since| duty_moment(state.updated_at, since));
    Job { work: Work::Duty, id }.set(rows, due)
}

/// Writes down in which account an instance stands: in one at most, and in none once it is deleted.
fn place(id: InstanceId, state: &InstanceStateV1, rows: &mut dyn Rows) -> Result<(), ApplyError> {
    let stands = [BY_INSTANCE, id.as_bytes()].concat();
    let before = rows.get(&stands).map_err(|error| ApplyError { reason: error.to_string() })?;
    let before = before.as_deref().and_then(|row| <[u8; 16]>::try_from(row).ok()).map(AccountId::from_bytes);
    let now = Some(state.account).filter(|_| !matches!(state.phase, PhaseV1::Deleted { .. }));
    if before == now {
        return Ok(());
    }
    let row = |account| [&instances_of(account)[..], id.as_bytes()].concat();
    if let Some(before) = before {
        rows.remove(&row(before));
    }
    match now {
        Some(now) => {
            rows.put(&row(now), Vec::new());
            rows.put(&stands, now.as_bytes().to_vec());
        }
        None => rows.remove(&stands),
    }
    Ok(())
}

fn instance(
    id: InstanceId,
    shared: &SharedCommit,
    commit: &CommitV2,
    rows: &mut dyn Rows,
) -> Result<(), ApplyError> {
    let erasure = Job { work: Work::Erasure, id: *id.as_bytes() };
    if commit.events.is_empty() {
        // Nothing but the end of a clean-up is news in a commit without events.
        return if is_noted(commit, ERASURE) { erasure.set(rows, None) } else { Ok(()) };
    }
    let Some(state) = shared.instance_state().map_err(unreadable)? else { return Ok(()) };
    place(id, state, rows)?;
    let due = next_deadline(state).map(|(moment, _)| moment);
    Job { work: Work::Deadline, id: *id.as_bytes() }.set(rows, due)?;
    if !matches!(state.phase, PhaseV1::Deleted { .. }) {
        return Ok(());
    }
    Job { work: Work::NameThere, id: *id.as_bytes() }.set(rows, None)?;
    if is_noted(commit, ERASURE) {
        erasure.set(rows, None)
    } else if commit.events.iter().any(is_deletion) {
        erasure.set(rows, Some(commit.occurred_at.plus_seconds(ERASE_AFTER_SECONDS)))
    } else {
        Ok(())
    }
}

/// Whether the name of an instance at its upstream is still to be reserved. Releases before this one, and deployments that wrote
/// their formats, made instances without; what is made now says in its first commit that it was.
fn name_there(id: InstanceId, commit: &CommitV2, rows: &mut dyn Rows) -> Result<(), ApplyError> {
    if commit.version > 1 && !commit.events.is_empty() {
        return Ok(());
    }
    let job = Job { work: Work::NameThere, id: *id.as_bytes() };
    if is_noted(commit, RESERVED) {
        return job.set(rows, None);
    }
    let is_bound = |record: &RecordV1| {
        let event = Event::from_record(record);
        matches!(event, Ok(Event::LinkBound(bound)) if bound.kind != WORKER)
    };
    if commit.events.iter().any(is_bound) { job.set(rows, Some(commit.occurred_at)) } else { Ok(()) }
}

/// Whether an instance has copies to give back.
fn copies(
    id: InstanceId,
    shared: &SharedCommit,
    commit: &CommitV2,
    rows: &mut dyn Rows,
) -> Result<(), ApplyError> {
    if commit.events.is_empty() {
        return Ok(());
    }
    let Some(state) = shared.instance_state().map_err(unreadable)? else { return Ok(()) };
    let is_deleted = matches!(state.phase, PhaseV1::Deleted { .. });
    let has_copies = !is_deleted && state.webhooks.iter().any(WebhookV1::is_of_account);
    Job { work: Work::Copies, id: *id.as_bytes() }.set(rows, has_copies.then_some(commit.occurred_at))
}

fn is_deletion(record: &RecordV1) -> bool {
    matches!(Event::from_record(record), Ok(Event::InstanceDeleted(_)))
}

fn directory(id: [u8; 16], commit: &CommitV2, rows: &mut dyn Rows) -> Result<(), ApplyError> {
    for record in &commit.events {
        let open = match DirectoryEvent::from_record(record).map_err(|error| unreadable(&error))? {
            DirectoryEvent::Reserved(reserved) => open_work(&reserved.hold, commit),
            DirectoryEvent::Released(_) => None,
        };
        for work in [Work::Create, Work::Rotation, Work::Account] {
            let due = open.filter(|(is, _)| *is == work).map(|(_, due)| due);
            Job { work, id }.set(rows, due)?;
        }
    }
    Ok(())
}

/// What is open behind a reservation. One that was written for another command's sake than its own says that
/// it is settled.
fn open_work(hold: &HoldV1, commit: &CommitV2) -> Option<(Work, Timestamp)> {
    if !commit.receipts.iter().any(|receipt| receipt.command_id == hold.command_id) {
        return None;
    }
    let work = match hold.purpose {
        _ if hold.blueprint.is_some() => Work::Create,
        PurposeV1::InstanceToken if hold.credential_version > 1 => Work::Rotation,
        PurposeV1::AccountName | PurposeV1::AccountToken => Work::Account,
        _ => return None,
    };
    Some((work, hold.at.plus_seconds(ABANDON_AFTER_SECONDS)))
}

fn unreadable(error: &berth_proto::DecodeError) -> ApplyError {
    ApplyError { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use berth_log::{EventLog, LogRead, Writer, memory::MemoryLog};
    use berth_proto::{AccountId, DirectoryId, Hash, StreamKey, directory::HoldV1};
    use berth_runtime::{ManualClock, SeededEntropy};
    use berth_views::ViewError;

    use super::*;
    use crate::directory::{Cause, Directory, Holder};

    const AGENDA: Agenda = Agenda { write_version: WriteVersion::NEWEST };

    #[derive(Debug, Default, Clone, PartialEq)]
    struct Table(BTreeMap<Vec<u8>, Vec<u8>>);

    impl Rows for Table {
        fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, ViewError> {
            Ok(self.0.get(key).cloned())
        }

        fn put(&mut self, key: &[u8], value: Vec<u8>) {
            self.0.insert(key.to_vec(), value);
        }

        fn remove(&mut self, key: &[u8]) {
            self.0.remove(key);
        }
    }

    /// Folds every commit of a stream, each one twice.
    async fn fold(log: &MemoryLog, stream: StreamKey, rows: &mut Table) {
        for stored in log.read(&stream, 0, 1_000).await.unwrap() {
            let commit = berth_log::decode_commit(&stored).unwrap();
            let shared = stored.into();
            AGENDA.apply(&shared, &commit, rows).unwrap();
            let once = rows.clone();
            AGENDA.apply(&shared, &commit, rows).unwrap();
            assert_eq!(*rows, once, "a commit that is folded again changes nothing");
        }
    }

    #[test]
    fn changes_of_one_moment_are_different_duties_and_due_at_once() {
        let changed = Timestamp(1_700_000_000_000_000);
        let (first, second) = (duty_moment(changed, 7), duty_moment(changed, 8));
        assert!(first < second && second < changed, "{first:?}, {second:?}");
    }

    #[tokio::test]
    async fn a_hold_is_open_until_it_is_settled_or_released() {
        let log = MemoryLog::new(1);
        let shared: Arc<dyn EventLog> = Arc::new(log.clone());
        let clock = Arc::new(ManualClock::new(Timestamp(1_000_000)));
        let entropy = Arc::new(SeededEntropy::new(7));
        let directory = Directory::new(Writer::new(shared, clock, entropy, WriteVersion::NEWEST));
        let account = AccountId::from_bytes([1; 16]);
        let instance = Some(InstanceId::from_bytes([2; 16]));
        let holder = Holder { account, instance };
        let former = berth_proto::directory::FormerV1 { instance, command_ids: Vec::new() };
        for (byte, settled) in [(3, true), (4, false)] {
            let entry = DirectoryId::from_bytes([byte; 16]);
            let cause = Cause::own("test", &[byte; 16]);
            let hold = HoldV1 {
                purpose: PurposeV1::InstanceToken,
                account,
                instance,
                credential_version: 2,
                command_id: cause.command_id,
                digest: Hash([0; 32]),
                at: Timestamp(1_000_000),
                blueprint: None,
            };
            directory.reserve(entry, hold, &cause).await.unwrap().unwrap();
            let mut rows = Table::default();
            fold(&log, StreamKey::directory(entry), &mut rows).await;
            let (first, _) = rows.0.first_key_value().unwrap();
            let job = Job { work: Work::Rotation, id: [byte; 16] };
            assert_eq!(Job::read(first), Some((Timestamp(61_000_000), job)));
            if settled {
                directory.settle(entry, holder).await.unwrap();
            } else {
                directory.release(entry, holder, &former, &cause).await.unwrap();
            }
            let mut rows = Table::default();
            fold(&log, StreamKey::directory(entry), &mut rows).await;
            assert_eq!(rows, Table::default(), "no row stays");
        }
    }
}
