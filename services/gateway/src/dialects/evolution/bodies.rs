//! Bodies of requests, as the document of this dialect describes them.
//!
//! They are read field by field, since the texts about a wrong field are a part of the contract; fields that are
//! not named here are ignored.

#![expect(dead_code, reason = "nothing but the schemas of these types is used")]

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::webhook::EVENTS;

/// The name of an event.
#[derive(Debug, Deserialize)]
pub(super) struct EventName(String);

impl PartialSchema for EventName {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(EVENTS)).into()
    }
}

impl ToSchema for EventName {}

/// Where the link of an instance shall be: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct CreateLink {
    /// On the upstream with this name.
    upstream: Option<String>,
    /// With workers of this library.
    worker: Option<String>,
}

/// A new instance.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Create {
    /// Its name, unique in the account: 1 to 128 characters.
    #[schema(min_length = 1)]
    instance_name: String,
    /// `WHATSAPP-BAILEYS` if it is left out.
    integration: Option<Integration>,
    /// Its token, unique in the deployment; made up if it is left out.
    token: Option<String>,
    /// Whether to connect at once and to answer with the code.
    qrcode: Option<bool>,
    /// The phone to link by pairing code; an empty one is none.
    #[schema(pattern = r"^$|^\d+[\.@\w-]+")]
    number: Option<String>,
    business_id: Option<String>,
    /// Where its link shall be, which the product does not know; where the account's instances are made if it is left out.
    link: Option<CreateLink>,
    webhook: Option<CreateWebhook>,
    websocket: Option<CreateTransport>,
    rabbitmq: Option<CreateTransport>,
    nats: Option<CreateTransport>,
    pusher: Option<CreateTransport>,
    sqs: Option<CreateTransport>,
    kafka: Option<CreateTransport>,
    proxy_host: Option<String>,
    proxy_port: Option<String>,
    proxy_protocol: Option<String>,
    proxy_username: Option<String>,
    proxy_password: Option<String>,
    reject_call: Option<bool>,
    msg_call: Option<String>,
    groups_ignore: Option<bool>,
    always_online: Option<bool>,
    read_messages: Option<bool>,
    read_status: Option<bool>,
    sync_full_history: Option<bool>,
    wavoip_token: Option<String>,
}

/// The channels; all work alike here.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub(super) enum Integration {
    WhatsappBaileys,
    WhatsappBusiness,
    Evolution,
}

/// A webhook, or its URL alone with `webhook_by_events`, `webhook_base64` and `events` beside it, as release 1 has it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(super) enum CreateWebhook {
    Url(String),
    Webhook(NewWebhook),
}

/// A webhook of a create, which is switched on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewWebhook {
    /// https, and a public address unless the operator allows others.
    url: Option<String>,
    by_events: Option<bool>,
    base64: Option<bool>,
    headers: Option<BTreeMap<String, String>>,
    /// All events if it is empty or left out; names of other releases are kept.
    events: Option<Vec<String>>,
}

/// The webhook of an instance, as release 2 or as release 1 and the product's documentation write it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(super) enum SetWebhook {
    Nested { webhook: Webhook },
    Flat(FlatWebhook),
}

/// A webhook as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Webhook {
    enabled: bool,
    /// https, and a public address unless the operator allows others.
    #[schema(examples("https://example.com/hook"))]
    url: String,
    by_events: Option<bool>,
    base64: Option<bool>,
    /// `authorization` and `jwt_key` have a meaning of their own.
    headers: Option<BTreeMap<String, String>>,
    /// All events if it is empty or left out.
    events: Option<Vec<EventName>>,
}

/// The same, flat. The snake-case names may be written in camel case.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct FlatWebhook {
    enabled: Option<bool>,
    #[schema(examples("https://example.com/hook"))]
    url: String,
    webhook_by_events: Option<bool>,
    webhook_base64: Option<bool>,
    headers: Option<BTreeMap<String, String>>,
    /// All events if it is empty or left out; names of other releases are kept.
    events: Option<Vec<String>>,
}

/// Settings; those that are left out stay as they are. Names may be written in snake case.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SetSettings {
    reject_call: Option<bool>,
    msg_call: Option<String>,
    groups_ignore: Option<bool>,
    always_online: Option<bool>,
    read_messages: Option<bool>,
    read_status: Option<bool>,
    sync_full_history: Option<bool>,
    wavoip_token: Option<String>,
}

/// A way to send events, which is switched on by being there.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct CreateTransport {
    /// True, whatever is given.
    enabled: Option<bool>,
    events: Option<Vec<EventName>>,
}

/// A way to send events. The body may also name it: `{"websocket": {…}}`.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct SetTransport {
    enabled: bool,
    events: Option<Vec<EventName>>,
}

/// A proxy.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct SetProxy {
    enabled: bool,
    host: Option<String>,
    port: Option<String>,
    protocol: Option<String>,
    username: Option<String>,
    /// Never shown again.
    password: Option<String>,
}
