//! Steps that many stories take.

use std::path::Path;

use serde_json::{Value, json};

use crate::{client::Client, wait::eventually};

/// The phone that scans in the stories.
pub const PHONE: &str = "5511987654321";
/// The name of its person.
pub const PUSH_NAME: &str = "Ana Beatriz Quiterio";

/// Links a device to an instance and waits until its connection is open; gives the text of the QR code.
///
/// # Panics
/// When a step is refused.
pub async fn link(client: &Client, instance: &str) -> String {
    let path = format!("/v1/instances/{instance}");
    let connected = client.post(&format!("{path}/connect"), json!({})).await.expect(200);
    let text = connected["qr"]["text"].as_str().expect("a code").to_owned();
    scan(client, instance).await;
    text
}

/// Scans the live code of an instance and waits until its connection is open.
///
/// # Panics
/// When a step is refused.
pub async fn scan(client: &Client, instance: &str) {
    let scan = json!({"action": "scan", "phone": PHONE, "push_name": PUSH_NAME});
    client.post(&format!("/v1/instances/{instance}/simulate"), scan).await.expect(200);
    until(client, instance, "its connection is open", |now| now["connection"] == "open").await;
}

/// Waits until an instance is as wanted, and gives it.
pub async fn until(client: &Client, instance: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually(what, async || {
        let now = client.get(&format!("/v1/instances/{instance}")).await.expect(200);
        if wanted(&now) { Ok(now) } else { Err(now) }
    })
    .await
}

/// All events of an instance, oldest first.
pub async fn events(client: &Client, instance: &str) -> Vec<Value> {
    let mut events = Vec::new();
    let mut after = Value::from(0);
    while !after.is_null() {
        let page = client.get(&format!("/v1/instances/{instance}/events?after={after}")).await.expect(200);
        events.extend(page["events"].as_array().expect("events").iter().cloned());
        after = page["next_after"].clone();
    }
    events
}

/// The types of all events of an instance.
pub async fn event_types(client: &Client, instance: &str) -> Vec<String> {
    let events = events(client, instance).await;
    events.iter().map(|event| event["type"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Files below a folder that contain these bytes.
///
/// # Panics
/// When a file cannot be read.
pub fn files_with(folder: &Path, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_with(&path, needle));
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}
