//! Public events: what other languages subscribe to.
//!
//! Each event of an instance is published on [`crate::subject::public_event_subject`] as a `CloudEvents` 1.0
//! event in structured mode (`application/cloudevents+json`):
//!
//! | attribute | value |
//! | --- | --- |
//! | `id` | `<instance>-<version>-<index>`: the same on every replay |
//! | `source` | `/v1/accounts/<account>` |
//! | `type` | `berth.instance.<event>`, the event's name in snake case: `berth.instance.logged_out` |
//! | `subject` | the instance |
//! | `time`, `recordedtime` | the commit's moment, RFC 3339 in UTC |
//! | `sequence` | version and index, zero-padded: sorts as text, per `partitionkey` |
//! | `partitionkey` | the instance |
//! | `causationid` | the command that the event answers |
//! | `correlationid` | the command that caused that one, else the same |
//! | `data` | the event's fields and `version` |
//!
//! The rendering is lossy on purpose: a sealed value (name, token, phone, JID, URL, secret …), the digest of a
//! code and the hashes of the directory never stand in it. New fields and new types may appear at any
//! time; those that are there keep their meaning.

mod data;

use serde_json::{Map, Value, json};

use crate::{
    account::AccountEvent,
    commit::{CommitV2, ReceiptV2},
    directory::DirectoryEvent,
    event::Event,
    ids::{AccountId, InstanceId},
};

/// The type of an event in public: `berth.instance.` and its name in snake case.
pub fn event_type(event: &Event) -> String {
    let mut text = String::from("berth.instance.");
    for (place, letter) in event.name().chars().enumerate() {
        if letter.is_ascii_uppercase() && place > 0 {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// Renders the event at `index` of an instance's commit.
///
/// A commit of another kind has no instance; its stream's id stands in that place.
pub fn cloud_event(commit: &CommitV2, index: usize, event: &Event, account: AccountId) -> Value {
    let instance = InstanceId::from_bytes(*commit.stream.id());
    let time = commit.occurred_at.to_rfc3339();
    let mut data = data::of(event);
    data.insert("version".to_owned(), json!(commit.version));
    let mut rendered = Map::new();
    let mut put = |name: &str, value: Value| rendered.insert(name.to_owned(), value);
    put("specversion", json!("1.0"));
    put("id", json!(format!("{instance}-{}-{index}", commit.version)));
    put("source", json!(format!("/v1/accounts/{account}")));
    put("type", json!(event_type(event)));
    put("subject", json!(instance));
    put("time", json!(time));
    put("recordedtime", json!(time));
    put("datacontenttype", json!("application/json"));
    put("sequence", json!(format!("{:020}.{index:05}", commit.version)));
    put("partitionkey", json!(instance));
    if let Some(receipt) = receipt_of(commit, index) {
        put("causationid", json!(receipt.command_id));
        put("correlationid", json!(receipt.causation.unwrap_or(receipt.command_id)));
    }
    put("data", Value::Object(data));
    Value::Object(rendered)
}

/// What an event says in public: its fields without sealed values, digests of codes and directory hashes.
pub fn event_data(event: &Event) -> Map<String, Value> {
    data::of(event)
}

/// What an event of an account says in public.
pub fn account_event_data(event: &AccountEvent) -> Map<String, Value> {
    data::of_account(event)
}

/// What an event of a directory entry says in public.
pub fn directory_event_data(event: &DirectoryEvent) -> Map<String, Value> {
    data::of_directory(event)
}

/// The command that the event answers: several commands may share a commit.
pub fn receipt_of(commit: &CommitV2, index: usize) -> Option<&ReceiptV2> {
    commit.receipts.iter().find(|receipt| {
        let first = usize::from(receipt.first_event);
        (first..first + usize::from(receipt.event_count)).contains(&index)
    })
}
