//! Public events: complete, stable, and without anything sealed.

use std::collections::BTreeSet;

use berth_proto::{
    AccountId, CommitV2, Timestamp,
    codec::PRELUDE_BYTES,
    event::Event,
    public::{cloud_event, event_type},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{catalogue::catalogue, vectors::commit_of_a_logout};

/// Every event, as invented from a number.
fn events(seed: u64) -> Vec<Event> {
    let known = |type_id| Event::TABLE.iter().any(|(_, id)| *id == type_id);
    let entries = catalogue().into_iter().filter(|entry| known(entry.type_id));
    entries
        .map(|entry| {
            let body = (entry.example)(seed).split_off(PRELUDE_BYTES);
            let record = berth_proto::RecordV1 { type_id: entry.type_id, version: entry.version, body };
            Event::from_record(&record).unwrap()
        })
        .collect()
}

#[test]
fn a_logout_in_public() {
    let commit = CommitV2::from(commit_of_a_logout());
    let event = Event::from_record(&commit.events[0]).unwrap();
    let account = AccountId::from_bytes([0xA; 16]);
    let stream = commit.stream.as_instance().unwrap().to_string();
    let rendered = cloud_event(&commit, 0, &event, account);
    let command = commit.receipts[0].command_id.to_string();
    assert_eq!(
        rendered,
        json!({
            "specversion": "1.0",
            "id": format!("{stream}-9-0"),
            "source": format!("/v1/accounts/{account}"),
            "type": "berth.instance.logged_out",
            "subject": stream,
            "time": "2026-02-02T02:40:00.000000Z",
            "recordedtime": "2026-02-02T02:40:00.000000Z",
            "datacontenttype": "application/json",
            "sequence": "00000000000000000009.00000",
            "partitionkey": stream,
            "causationid": command,
            "correlationid": command,
            "data": {
                "session": 2,
                "origin": "command",
                "code": 401,
                "unlink": { "attempt": 3, "deadline": "2026-02-03T02:40:00.000000Z" },
                "version": 9,
            },
        })
    );
}

#[test]
fn an_event_that_answers_no_command_names_none() {
    let mut commit = CommitV2::from(commit_of_a_logout());
    commit.receipts.clear();
    let event = Event::from_record(&commit.events[1]).unwrap();
    let rendered = cloud_event(&commit, 1, &event, AccountId::from_bytes([0xA; 16]));
    assert_eq!(rendered.get("causationid"), None);
    assert_eq!(rendered["type"], "berth.instance.webhooks_suspended");
}

/// All texts of a JSON value.
#[test]
fn a_webhook_is_silent_or_hears_all_as_in_the_native_api() {
    let commit = CommitV2::from(commit_of_a_logout());
    let mut heard = BTreeSet::new();
    for event in (0..32).flat_map(events) {
        let rendered = cloud_event(&commit, 0, &event, AccountId::from_bytes([0xA; 16]));
        heard.extend(rendered["data"]["after_logout"].as_str().map(str::to_owned));
    }
    assert_eq!(heard, ["all", "silent"].map(str::to_owned).into());
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => vec![],
    }
}

proptest! {
    #[test]
    fn nothing_sealed_stands_in_public(seed: u64) {
        let commit = CommitV2::from(commit_of_a_logout());
        for event in events(seed) {
            let rendered = cloud_event(&commit, 0, &event, AccountId::from_bytes([0xA; 16]));
            prop_assert!(rendered["data"].is_object());
            prop_assert!(event_type(&event).bytes().all(|byte| byte.is_ascii_lowercase() || b"._".contains(&byte)));
            for text in texts(&rendered["data"]) {
                let sealed = text.len() > 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                let number = text.bytes().all(|byte| byte.is_ascii_digit());
                prop_assert!(!sealed || number, "{} shows {text}", event.name());
            }
        }
    }

    #[test]
    fn any_moment_is_text(moment: i64) {
        prop_assert!(Timestamp(moment).to_rfc3339().ends_with('Z'));
    }
}
