//! An instance in one sentence.

use serde_json::Value;

use crate::json::Fields;

use super::text::{clean, moment};

/// How an instance stands, for a person.
pub(crate) fn sentence(instance: &Value) -> String {
    let text = |value: &Value| clean(value.as_str().unwrap_or_default());
    let state = text(instance.at("state"));
    let stands = match state.as_str() {
        "created" => "Created, and never linked".to_owned(),
        "connecting" => format!("Attempt {} to link a device runs; no code yet", instance.at("attempt")),
        "pairing" => format!("Attempt {} waits for its code to be scanned", instance.at("attempt")),
        "linked" => {
            format!("Linked to {}; its connection is {}", device(instance), text(instance.at("connection")))
        }
        "paused" => paused(instance.at("pause")),
        "logged_out" => logged_out(instance),
        "deleted" => format!("Deleted; its personal data: erasure {}", text(instance.at("erasure"))),
        // A release that this one does not know yet.
        other => format!("State {other}"),
    };
    let told = match instance.at("webhooks").as_str() {
        Some("open") => "webhooks are told everything",
        Some("silent") => "webhooks are silent",
        Some("qr_only") => "webhooks are told of codes only",
        _ => return format!("{stands}."),
    };
    format!("{stands}; {told}.")
}

/// Whose device is or was linked.
fn device(instance: &Value) -> String {
    let device = instance.at("device");
    let phone = device.at("phone").as_str().map(|phone| format!("+{}", clean(phone))).unwrap_or_default();
    let names = [device.at("push_name"), device.at("business_name")];
    match names.into_iter().find_map(Value::as_str).filter(|name| !name.is_empty()) {
        Some(name) => format!("{}, {phone}", clean(name)),
        None => phone,
    }
}

fn paused(pause: &Value) -> String {
    let reason = match pause.at("reason").as_str() {
        Some("asked") => "as it was asked",
        Some("replaced") => "since another program took the link over",
        Some("banned") => "since the number is banned",
        Some("outdated") => "since WhatsApp wants a newer program",
        Some("refused") => "since WhatsApp refuses it",
        _ => "",
    };
    let until = match pause.at("until") {
        Value::Null => String::new(),
        until => format!(", until {}", moment(until)),
    };
    format!("Paused {reason}{until}")
}

fn logged_out(instance: &Value) -> String {
    let end = instance.at("last_end");
    let cause = match end.at("cause").as_str() {
        Some("phone") => " on the phone",
        Some("server") => " by WhatsApp",
        Some("command") => " by a command",
        _ => "",
    };
    let unlinks = instance.list("unlinks");
    let unlink = match unlinks.last().and_then(|unlink| unlink.at("status").as_str()) {
        Some("pending") => "; its device is still to be unlinked",
        Some("abandoned") => "; its device could not be unlinked: remove it on the phone",
        _ => "",
    };
    let at = if end.at("at").is_null() { String::new() } else { format!(" at {}", moment(end.at("at"))) };
    format!("Logged out{cause}{at}{unlink}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_state_has_its_sentence() {
        let linked = json!({"state": "linked", "connection": "open", "webhooks": "open",
            "device": {"phone": "5511987654321", "push_name": "Ana\u{1b}[1m"}});
        assert_eq!(
            sentence(&linked),
            "Linked to Ana\u{FFFD}[1m, +5511987654321; its connection is open; webhooks are told everything."
        );
        let out = json!({"state": "logged_out", "webhooks": "silent", "unlinks": [{"status": "abandoned"}],
            "last_end": {"cause": "phone", "at": "2026-11-21T10:07:36.001314Z"}});
        assert_eq!(
            sentence(&out),
            "Logged out on the phone at 2026-11-21 10:07:36; its device could not be unlinked: remove it on the \
             phone; webhooks are silent."
        );
        let banned =
            json!({"state": "paused", "pause": {"reason": "banned", "until": "2026-11-22T00:00:00Z"}});
        assert_eq!(sentence(&banned), "Paused since the number is banned, until 2026-11-22 00:00:00.");
        assert_eq!(sentence(&json!({"state": "new_one"})), "State new_one.");
    }
}
