//! Webhooks as this dialect configures and shows them: several, by name, each with its switches.

use std::collections::BTreeMap;

use berth_proto::frame::RejectionCodeV1;
use serde_json::{Map, Value, json};

use super::{
    FORMAT,
    answers::{WebhookEvents, WebhookShown},
    call::{flag, text},
    error::CodeChatError,
    find,
};
use crate::{
    app::{Failure, NewWebhook, Record, Webhook},
    http::time::iso_millis,
};

/// How often a change is made from what is there.
const CHANGE_TRIES_MAX: u32 = 8;

/// The switches, all on unless switched off; the last three came with later releases of the product.
pub(super) const FLAGS: [&str; 22] = [
    "qrcodeUpdate",
    "stateInstance",
    "messagesSet",
    "messagesUpsert",
    "messagesUpdate",
    "sendMessage",
    "contactsSet",
    "contactsUpsert",
    "contactsUpdate",
    "presenceUpdate",
    "chatsSet",
    "chatsUpdate",
    "chatsUpsert",
    "chatsDelete",
    "groupsUpsert",
    "groupUpdate",
    "groupParticipantsUpdate",
    "connectionUpdate",
    "newJwt",
    "callUpsert",
    "labelAssociation",
    "labelEdit",
];
/// The filter of an endpoint whose switches are all off: an empty one would mean all.
const NOTHING: &str = "none";

/// Whether somebody else was faster than a change that was made from what was there, after so many tries, so that it is made again
/// from what is there now: both hold then.
pub(super) fn is_to_be_made_again<T>(tries: u32, made: &Result<T, Failure>) -> bool {
    let is_changed = |failure: &Failure| failure.rejection() == Some(RejectionCodeV1::Changed);
    tries < CHANGE_TRIES_MAX && made.as_ref().is_err_and(is_changed)
}

/// The endpoint that a body asks for; what is absent stays as it was.
pub(super) fn endpoint(
    before: Option<&Webhook>,
    body: &Map<String, Value>,
    business: &str,
) -> Result<NewWebhook, CodeChatError> {
    let required = |name: &str| CodeChatError::Invalid(format!("{name} should not be empty"));
    let name =
        text(body, "name")?.or_else(|| before.map(|it| it.label.clone())).filter(|name| !name.is_empty());
    let url = text(body, "url")?.or_else(|| before.map(|it| it.url.clone())).filter(|url| !url.is_empty());
    let enabled = flag(body, "enabled")?.or_else(|| before.map(|it| it.enabled)).unwrap_or(false);
    let (headers, authorization) = headers(before, body)?;
    Ok(NewWebhook {
        id: before.map(|it| it.id),
        label: name.ok_or_else(|| required("name"))?,
        url: url.ok_or_else(|| required("url"))?,
        enabled,
        headers,
        authorization,
        ..switched(before, &Map::new(), business)
    })
}

type Headers = (BTreeMap<String, String>, Option<String>);

fn headers(before: Option<&Webhook>, body: &Map<String, Value>) -> Result<Headers, CodeChatError> {
    let Some(mut headers) = given_headers(body)? else {
        return Ok(before.map_or_else(Headers::default, |it| (it.headers.clone(), it.authorization.clone())));
    };
    let name = headers.keys().find(|name| name.eq_ignore_ascii_case("authorization")).cloned();
    let authorization = name.and_then(|name| headers.remove(&name));
    Ok((headers, authorization))
}

/// The headers of a body, if it has some.
pub(super) fn given_headers(
    body: &Map<String, Value>,
) -> Result<Option<BTreeMap<String, String>>, CodeChatError> {
    let given = body.get("headers").filter(|given| !given.is_null());
    let headers = given.map(|given| serde_json::from_value(given.clone())).transpose();
    headers.map_err(|_| CodeChatError::Invalid("headers must be an object of strings".to_owned()))
}

/// The endpoint with some switches changed.
pub(super) fn switched(before: Option<&Webhook>, changes: &Map<String, Value>, business: &str) -> NewWebhook {
    let flags: Map<String, Value> = FLAGS
        .iter()
        .map(|name| {
            let on = changes.get(*name).and_then(Value::as_bool).unwrap_or_else(|| is_on(before, name));
            ((*name).to_owned(), json!(on))
        })
        .collect();
    let on: Vec<String> = FLAGS
        .iter()
        .filter(|name| flags.get(**name) == Some(&json!(true)))
        .map(|name| (*name).to_owned())
        .collect();
    let events = match on.len() {
        0 => vec![NOTHING.to_owned()],
        all if all == FLAGS.len() => Vec::new(),
        _ => on,
    };
    NewWebhook {
        id: before.map(|it| it.id),
        format: FORMAT,
        label: before.map(|it| it.label.clone()).unwrap_or_default(),
        enabled: before.is_some_and(|it| it.enabled),
        url: before.map(|it| it.url.clone()).unwrap_or_default(),
        headers: before.map(|it| it.headers.clone()).unwrap_or_default(),
        authorization: before.and_then(|it| it.authorization.clone()),
        events,
        after_logout_all: before.is_some_and(|it| it.after_logout_all),
        options: Some(json!({"flags": flags, "business_name": business})),
        lenient_headers: true,
        ..NewWebhook::default()
    }
}

fn is_on(webhook: Option<&Webhook>, flag: &str) -> bool {
    let flags = webhook.and_then(|it| it.options.as_ref()).and_then(|options| options.get("flags"));
    flags.and_then(|flags| flags.get(flag)).and_then(Value::as_bool).unwrap_or(true)
}

/// The switches as this dialect shows them.
pub(super) fn shown_flags(record: &Record, webhook: &Webhook) -> WebhookEvents {
    let mut shown = Map::new();
    for name in FLAGS {
        shown.insert(name.to_owned(), json!(is_on(Some(webhook), name)));
    }
    shown.insert("webhookEventsId".to_owned(), json!(find::row_id(record, &webhook.id.to_string())));
    shown.insert("createdAt".to_owned(), json!(iso_millis(webhook.created_at)));
    shown.insert("updatedAt".to_owned(), json!(iso_millis(webhook.updated_at)));
    WebhookEvents(shown)
}

/// The headers of a webhook as they were given.
pub(super) fn shown_headers(webhook: &Webhook) -> BTreeMap<String, String> {
    let mut headers = webhook.headers.clone();
    headers.extend(webhook.authorization.clone().map(|value| ("authorization".to_owned(), value)));
    headers
}

/// A webhook as this dialect shows it.
pub(super) fn shown(record: &Record, webhook: &Webhook) -> WebhookShown {
    WebhookShown {
        name: webhook.label.clone(),
        url: webhook.url.clone(),
        enabled: webhook.enabled,
        headers: shown_headers(webhook),
        webhook_id: webhook.id,
        created_at: iso_millis(webhook.created_at),
        updated_at: iso_millis(webhook.updated_at),
        instance_instance_id: find::shown_id(record),
        webhook_events: shown_flags(record, webhook),
    }
}
