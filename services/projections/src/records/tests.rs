//! Which rows a commit touches, and which instances the index of texts has to look at again.

use std::collections::BTreeMap;

use berth_log::{Stored, Tail};
use berth_proto::{
    CommitV1, DirectoryId, StreamKey, Timestamp, WriteVersion,
    event::{DeviceLinkedV1, Event, InstanceCreatedV1, LoggedOutV1, LogoutOriginV1, ReportedV1},
    instance::EntriesV1,
};

use super::*;

#[derive(Debug, Default, Clone, PartialEq)]
struct Table {
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Keys that were written or removed since somebody looked.
    written: Vec<Vec<u8>>,
}

impl Rows for Table {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, ViewError> {
        Ok(self.rows.get(key).cloned())
    }

    fn put(&mut self, key: &[u8], value: Vec<u8>) {
        self.rows.insert(key.to_vec(), value);
        self.written.push(key.to_vec());
    }

    fn remove(&mut self, key: &[u8]) {
        self.rows.remove(key);
        self.written.push(key.to_vec());
    }
}

/// One instance and the view of it.
#[derive(Debug, Default)]
struct Life {
    records: Records,
    table: Table,
    state: Option<InstanceStateV1>,
    version: u64,
}

const ID: InstanceId = InstanceId::from_bytes([7; 16]);
const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

impl Life {
    /// Folds a commit; says which kinds of rows were written and whether the texts are to be looked at.
    fn happens(&mut self, events: &[Event]) -> (String, bool) {
        self.version += 1;
        let touched = self.records.touched.get_or_insert_default().clone();
        for event in events {
            self.state = berth_domain::instance::evolve(self.state.take(), event, NOW);
        }
        let stream = StreamKey::instance(ID);
        let commit = CommitV2::from(CommitV1 {
            stream,
            version: self.version,
            previous: Hash::genesis(&stream),
            occurred_at: NOW,
            receipts: Vec::new(),
            events: events.iter().map(|event| event.to_record().unwrap()).collect(),
            state: RecordV1::of(self.state.as_ref().unwrap()).unwrap(),
        });
        let tail = Tail { version: self.version, revision: self.version };
        let payload = commit.encode_for(WriteVersion::NEWEST).unwrap().unwrap().into();
        let shared = Stored { stream, tail, shard: 0, payload, forged: false }.into();
        self.records.apply(&shared, &commit, &mut self.table).unwrap();
        let written = std::mem::take(&mut self.table.written);
        let touched = std::mem::take(&mut *touched.lock().unwrap());
        (written.iter().map(|key| char::from(key[0])).collect(), !touched.is_empty())
    }

    fn record(&self) -> Row {
        let record = Row::decode(&self.table.rows[&record_key(ID)]).unwrap();
        let version = self.table.rows[&version_key(ID)].as_slice().try_into().map(u64::from_be_bytes);
        Row { version: record.version.max(version.unwrap()), ..record }
    }
}

fn created() -> Event {
    let entry = DirectoryId::from_bytes([3; 16]);
    let entries = EntriesV1 { name: entry, token: entry, number: entry, alias: None, creation: None };
    let (name, token) = (Sealed(vec![1; 40]), Sealed(vec![2; 40]));
    let account = AccountId::from_bytes([2; 16]);
    InstanceCreatedV1 { account, number: 1_234_567_890, name, token, entries, settings: Vec::new() }.into()
}

fn connect(attempt: u32) -> Event {
    let deadline = NOW.plus_seconds(120);
    let method = berth_proto::instance::MethodV1::Qr;
    berth_proto::event::ConnectRequestedV1 { attempt, method, deadline }.into()
}

fn linked(attempt: u32, phone: u8) -> Event {
    let device = DeviceV1 {
        jid: Sealed(vec![4; 40]),
        lid: None,
        phone: Sealed(vec![phone; 40]),
        push_name: None,
        business_name: None,
        picture_url: None,
        platform: "android".into(),
    };
    DeviceLinkedV1 { attempt, device, reported: ReportedV1 { epoch: 1, number: u64::from(attempt) } }.into()
}

fn logged_out(session: u32) -> Event {
    LoggedOutV1 { session, origin: LogoutOriginV1::Command, code: 401, unlink: None }.into()
}

#[test]
fn the_version_of_an_instance_is_written_behind_its_other_rows() {
    let mut life = Life::default();
    life.happens(&[created()]);
    let last = life.table.rows.keys().next_back();
    assert_eq!(last, Some(&version_key(ID)), "whoever finds it finds the record, and the instance in lists");
}

#[test]
fn the_texts_are_looked_at_only_if_one_changed() {
    let mut life = Life::default();
    assert_eq!(life.happens(&[created()]), ("soiv".to_owned(), true));
    assert!(!life.happens(&[connect(1)]).1);
    assert!(life.happens(&[linked(1, 5)]).1, "a phone");
    assert!(!life.happens(&[logged_out(1)]).1);
    assert!(!life.happens(&[connect(2)]).1);
    assert!(!life.happens(&[linked(2, 5)]).1, "the same phone");
    assert!(!life.happens(&[logged_out(2)]).1);
    assert!(!life.happens(&[connect(3)]).1);
    assert!(life.happens(&[linked(3, 6)]).1, "another phone");
    assert!(!life.happens(&[logged_out(3)]).1);
    assert!(life.happens(&[berth_proto::event::InstanceDeletedV1 { session: 3 }.into()]).1);
}

#[test]
fn a_commit_without_events_shows_its_version_and_nothing_else() {
    let mut life = Life::default();
    life.happens(&[created()]);
    let before = life.record();
    assert_eq!(life.happens(&[]), ("v".to_owned(), false), "nothing but a number is written");
    assert_eq!(life.record(), Row { version: 2, ..before });
    // Folded again, it touches no row.
    life.version = 1;
    assert_eq!(life.happens(&[]), (String::new(), false));
    let shown = life.happens(&[connect(1)]).0;
    assert!(shown.contains('i') && !shown.contains('v'), "the record says its version itself: {shown}");
    assert_eq!(life.record().version, 3);
}
