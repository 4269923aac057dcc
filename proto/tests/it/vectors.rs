//! Golden vectors: bytes that some release has written, with what they mean.
//!
//! `vectors/v1/<type>.hex` has one example a line, `<type>.json` the same as JSON. Existing files are never
//! changed: a stored commit cannot be changed either. `BERTH_WRITE_VECTORS=1` adds missing ones.

use std::{env, fs, path::PathBuf};

use berth_proto::{
    AccountId, CommandId, CommitV1, Hash, InstanceId, RecordV1, Sealed, StreamKey, Timestamp,
    codec::{encode, peek},
    commit::{OriginV1, OutcomeCodeV1, OutcomeV1, PrincipalV1, ReceiptV1},
    event::{Event, LoggedOutV1, LogoutOriginV1, PendingUnlinkV1, WebhooksSuspendedV1},
    instance::{InstanceStateV1, PermissionV1, PhaseV1},
};
use data_encoding::HEXLOWER;
use serde_json::Value;

use crate::{arbitrary::arbitrary, catalogue::catalogue};

/// Examples of each type: enough that every variant of every enum stands in some file.
const EXAMPLES: u64 = 8;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/v1")
}

/// A commit as a service writes it: one logout.
pub(crate) fn commit_of_a_logout() -> CommitV1 {
    let account = AccountId::from_bytes([0xA; 16]);
    let stream = StreamKey::instance(InstanceId::from_bytes([0x1; 16]));
    let at = Timestamp(1_770_000_000_000_000);
    let unlink = PendingUnlinkV1 { attempt: 3, deadline: at.plus_seconds(86_400) };
    let events: [Event; 2] = [
        LoggedOutV1 { session: 2, origin: LogoutOriginV1::Command, code: 401, unlink: Some(unlink) }.into(),
        WebhooksSuspendedV1 { session: 3 }.into(),
    ];
    let state = InstanceStateV1 {
        account,
        updated_at: at,
        name: Sealed(b"sealed name".to_vec()),
        phase: PhaseV1::LoggedOut { at },
        session: 3,
        permission: PermissionV1::Silent,
        ..arbitrary(1)
    };
    CommitV1 {
        stream,
        version: 9,
        previous: Hash::genesis(&stream),
        occurred_at: at,
        receipts: vec![ReceiptV1 {
            command_id: CommandId::from_bytes([0xC; 16]),
            keyed: true,
            digest: Hash([0xD; 32]),
            principal: PrincipalV1::Account { account },
            origin: OriginV1 { via: "evolution".to_owned() },
            causation: None,
            outcome: OutcomeV1 { code: OutcomeCodeV1::Applied, attempt: 3, endpoint: None },
            first_event: 0,
            event_count: 2,
        }],
        events: events.iter().map(|event| event.to_record().unwrap()).collect(),
        state: RecordV1::of(&state).unwrap(),
    }
}

/// What every file holds if it is written now.
fn examples() -> Vec<(String, Vec<Vec<u8>>)> {
    let mut files: Vec<_> = catalogue()
        .into_iter()
        .map(|entry| {
            let seed = u64::from(entry.type_id) << 16;
            (entry.name.to_owned(), (0..EXAMPLES).map(|place| (entry.example)(seed + place)).collect())
        })
        .collect();
    files.push(("commit_of_a_logout".to_owned(), vec![encode(&commit_of_a_logout()).unwrap()]));
    files
}

/// Reads bytes as the type that their prelude names.
fn reread(bytes: &[u8]) -> (Value, Vec<u8>) {
    let (type_id, version) = peek(bytes).unwrap();
    let all = catalogue();
    let known = all.iter().find(|entry| (entry.type_id, entry.version) == (type_id, version));
    (known.unwrap_or_else(|| panic!("type {type_id} version {version} is gone")).reread)(bytes).unwrap()
}

#[test]
fn every_type_has_a_vector() {
    let write = env::var_os("BERTH_WRITE_VECTORS").is_some();
    for (name, examples) in examples() {
        let hex = folder().join(format!("{name}.hex"));
        let json = folder().join(format!("{name}.json"));
        if hex.exists() && json.exists() {
            continue;
        }
        assert!(write, "{name} has no vector: run this test with BERTH_WRITE_VECTORS=1 and check it in");
        let lines: String = examples.iter().map(|bytes| HEXLOWER.encode(bytes) + "\n").collect();
        let values: Vec<_> = examples.iter().map(|bytes| reread(bytes).0).collect();
        fs::create_dir_all(folder()).unwrap();
        fs::write(hex, lines).unwrap();
        fs::write(json, serde_json::to_string_pretty(&values).unwrap() + "\n").unwrap();
    }
}

#[test]
fn what_was_written_is_read_and_written_the_same() {
    let mut read = 0;
    for file in fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "hex") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        let json = fs::read_to_string(path.with_extension("json")).unwrap();
        let expected: Vec<Value> = serde_json::from_str(&json).unwrap();
        assert_eq!(lines.len(), expected.len(), "{}", path.display());
        for (line, expected) in lines.iter().zip(expected) {
            let bytes = HEXLOWER.decode(line.as_bytes()).unwrap();
            let (value, again) = reread(&bytes);
            assert_eq!(value, expected, "{}", path.display());
            assert_eq!(again, bytes, "{}", path.display());
            read += 1;
        }
    }
    assert!(read > 0);
}
