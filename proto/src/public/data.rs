//! The public fields of each event. Written out one by one, so that a new field stays private until
//! somebody decides otherwise.

use serde_json::{Map, Value, json};

use crate::{
    account::AccountEvent,
    directory::DirectoryEvent,
    event::Event,
    instance::{DeviceV1, MethodV1, WebhookV1},
    time::Timestamp,
};

/// The fields of an event without anything sealed.
pub(super) fn of(event: &Event) -> Map<String, Value> {
    let data = match event {
        Event::InstanceCreated(e) => json!({ "number": e.number.to_string() }),
        Event::ConnectRequested(e) => {
            json!({ "attempt": e.attempt, "method": method(&e.method), "deadline": time(e.deadline) })
        }
        Event::QrIssued(e) => {
            json!({ "attempt": e.attempt, "index": e.index, "expires_at": time(e.expires_at) })
        }
        Event::PairingCodeIssued(e) => {
            json!({ "attempt": e.attempt, "index": e.index, "expires_at": time(e.expires_at) })
        }
        Event::PairingCodeRefused(e) => {
            json!({ "attempt": e.attempt, "code": e.code, "backoff_seconds": e.backoff_seconds })
        }
        Event::ConnectEnded(e) => json!({ "attempt": e.attempt, "reason": e.reason, "code": e.code }),
        Event::DeviceLinked(e) => json!({ "attempt": e.attempt, "platform": platform(&e.device) }),
        Event::ResumeRequested(e) => json!({ "attempt": e.attempt, "cause": e.cause }),
        Event::StopRequested(e) => json!({ "attempt": e.attempt }),
        Event::ConnectionOpened(e) => json!({ "attempt": e.attempt }),
        Event::ConnectionLost(e) => {
            json!({ "attempt": e.attempt, "code": e.code, "source_code": e.source_code })
        }
        Event::LinkPaused(e) => json!({
            "attempt": e.attempt, "reason": e.reason, "code": e.code, "until": e.until.map(time),
        }),
        Event::LoggedOut(e) => json!({
            "session": e.session,
            "origin": e.origin,
            "code": e.code,
            "unlink": e.unlink.as_ref().map(|unlink| {
                json!({ "attempt": unlink.attempt, "deadline": time(unlink.deadline) })
            }),
        }),
        Event::DeviceUnlinked(e) => json!({ "attempt": e.attempt }),
        Event::UnlinkAbandoned(e) => json!({ "attempt": e.attempt, "reason": e.reason }),
        Event::WebhooksSuspended(e) => json!({ "session": e.session }),
        Event::QrWebhooksAllowed(e) => json!({ "session": e.session }),
        Event::WebhooksResumed(e) => json!({ "session": e.session }),
        Event::WebhookConfigured(e) => webhook(&e.webhook),
        Event::WebhookRemoved(e) => json!({ "webhook": e.id }),
        Event::WebhookSecretRotated(e) => json!({ "webhook": e.id }),
        Event::TokenRotated(e) => json!({
            "credential_version": e.credential_version,
            "jwt_version": e.jwt_version,
            "token_changed": e.token.is_some(),
        }),
        Event::SettingsChanged(e) => json!({ "owner": e.block.owner }),
        Event::Switched(e) => json!({ "on": e.on }),
        Event::InstanceMoved(e) => json!({ "account": e.account, "jwt_version": e.jwt_version }),
        Event::LinkBound(e) => json!({ "kind": e.kind, "upstream": e.upstream }),
        Event::InstanceDeleted(e) => json!({ "session": e.session }),
        // A name is personal: it is asked for where the instance is.
        Event::InstanceRenamed(_) | Event::Abandoned(_) => json!({}),
    };
    fields(data)
}

/// The fields of an event of an account without anything sealed.
pub(super) fn of_account(event: &AccountEvent) -> Map<String, Value> {
    fields(match event {
        AccountEvent::AccountTokenRotated(e) => json!({ "credential_version": e.credential_version }),
        AccountEvent::AccountUpstreamChosen(e) => json!({ "upstream": e.upstream }),
        AccountEvent::AccountAttributesChanged(e) => json!({ "has_attributes": e.attributes.is_some() }),
        AccountEvent::AccountWebhookConfigured(e) => webhook(&e.webhook),
        AccountEvent::AccountWebhookRemoved(e) => json!({ "webhook": e.webhook }),
        AccountEvent::AccountSettled(e) => json!({ "account_version": e.version }),
        AccountEvent::AccountCreated(_)
        | AccountEvent::AccountRenamed(_)
        | AccountEvent::AccountClosed(_) => {
            json!({})
        }
    })
}

/// The fields of an event of a directory entry without anything sealed.
pub(super) fn of_directory(event: &DirectoryEvent) -> Map<String, Value> {
    fields(match event {
        DirectoryEvent::Reserved(e) => json!({
            "purpose": e.hold.purpose, "account": e.hold.account, "instance": e.hold.instance,
        }),
        DirectoryEvent::Released(e) => json!({ "instance": e.former.instance }),
    })
}

/// What an arm that is an object has; every one is.
fn fields(data: Value) -> Map<String, Value> {
    match data {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn time(moment: Timestamp) -> String {
    moment.to_rfc3339()
}

fn method(method: &MethodV1) -> &'static str {
    match method {
        MethodV1::Qr => "qr",
        MethodV1::PairingCode { .. } => "pairing_code",
    }
}

fn platform(device: &DeviceV1) -> &str {
    &device.platform
}

fn webhook(webhook: &WebhookV1) -> Value {
    json!({
        "webhook": webhook.id,
        "format": webhook.format,
        "enabled": webhook.enabled,
        "events": webhook.events,
        "after_logout": if webhook.after_logout_all { "all" } else { "silent" },
    })
}
