//! Bodies of requests, as the document of this dialect describes them.
//!
//! They are read field by field; fields that are not named here are ignored.

#![expect(dead_code, reason = "nothing but the schemas of these types is used")]

use serde::Deserialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::webhook::{ALL, EVENTS};

/// The name of a group of events.
#[derive(Debug, Deserialize)]
pub(super) struct EventName(String);

impl PartialSchema for EventName {
    fn schema() -> RefOr<Schema> {
        let names = EVENTS.into_iter().chain([ALL]);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
    }
}

impl ToSchema for EventName {}

/// A new instance.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Create {
    /// Its name, unique in the account: 1 to 128 characters.
    #[schema(min_length = 1)]
    name: String,
    /// Its token, unique in the deployment; made up if it is left out, which the product does not.
    token: Option<String>,
    /// An id of the client's own, unique in the account: a UUID.
    #[schema(format = "uuid")]
    instance_id: Option<String>,
    advanced_settings: Option<GivenSettings>,
    /// The URL of its webhook, as the product's documentation has it.
    #[schema(examples("https://example.com/hook"))]
    webhook: Option<String>,
    /// The events of the webhook; `MESSAGE` if it is empty or left out.
    webhook_events: Option<Vec<EventName>>,
}

/// Settings; those that are left out stay as they are. They belong to messaging: they are kept and shown, and do nothing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct GivenSettings {
    always_online: Option<bool>,
    reject_call: Option<bool>,
    msg_reject_call: Option<String>,
    read_messages: Option<bool>,
    ignore_groups: Option<bool>,
    ignore_status: Option<bool>,
}

/// What a connect sets; what is left out or empty stays as it is. `immediate` and `phone` are accepted and have no effect.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Connect {
    /// https, and a public address unless the operator allows others; `disabled` or `false` switches the webhook off.
    #[schema(examples("https://example.com/hook"))]
    webhook_url: Option<String>,
    /// What the webhook is told; `MESSAGE` if it was never given. Names that there are not are left out.
    subscribe: Option<Vec<EventName>>,
    immediate: Option<bool>,
    phone: Option<String>,
    /// Kept and shown, and without effect here. So are the next two.
    rabbitmq_enable: Option<String>,
    websocket_enable: Option<String>,
    nats_enable: Option<String>,
}

/// The phone to link. `subscribe` is accepted and has no effect.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Pair {
    /// With its country code; a JID, and other characters between the digits, are tolerated.
    #[schema(pattern = "^[1-9][0-9]{6,14}$")]
    phone: String,
    subscribe: Option<Vec<EventName>>,
}
