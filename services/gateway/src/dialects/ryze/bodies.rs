//! Bodies of requests, as the document of this dialect describes them.
//!
//! They are read field by field: a create takes what it can use of a webhook, and the other blocks are kept as they are
//! given. Fields that are not named here are ignored or, in such a block, kept.

#![expect(dead_code, reason = "nothing but the schemas of these types is used")]

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

/// A new instance. A webhook that is refused does not fail the create: the answer shows it as not enabled.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewInstance {
    /// Its name, unique in the account: 1 to 128 characters.
    #[schema(min_length = 1)]
    name: String,
    /// Its token, unique in the deployment; made up if it is left out or empty.
    token: Option<String>,
    #[serde(flatten)]
    settings: SetSettings,
    webhook_enabled: Option<bool>,
    #[serde(rename = "webhookURL")]
    webhook_url: Option<String>,
    webhook_authorization: Option<String>,
    webhook_by_events: Option<bool>,
    webhook_events: Option<Vec<EventName>>,
    webhook_media_base64: Option<bool>,
    websocket_enabled: Option<bool>,
    websocket_events: Option<Vec<EventName>>,
    websocket_media_base64: Option<bool>,
    proxy_enabled: Option<bool>,
    proxy_host: Option<String>,
    proxy_port: Option<String>,
    proxy_protocol: Option<String>,
    proxy_username: Option<String>,
    proxy_password: Option<String>,
    chatwoot_enabled: Option<bool>,
    chatwoot_base_url: Option<String>,
    chatwoot_account_id: Option<u64>,
    chatwoot_api_token: Option<String>,
    chatwoot_inbox_name: Option<String>,
    chatwoot_sign_messages: Option<bool>,
    chatwoot_ignore_groups: Option<bool>,
    chatwoot_start_as_pending: Option<bool>,
    chatwoot_reopen_resolved: Option<bool>,
    s3_enabled: Option<bool>,
    s3_region: Option<String>,
    s3_bucket: Option<String>,
    s3_access_key: Option<String>,
    s3_secret_key: Option<String>,
    s3_endpoint: Option<String>,
    s3_path_prefix: Option<String>,
}

/// Settings; those that are left out stay as they are, and one at least is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SetSettings {
    #[schema(nullable = false)]
    auto_reject_calls: Option<bool>,
    #[schema(nullable = false)]
    call_reject_message: Option<String>,
    #[schema(nullable = false)]
    ignore_group_messages: Option<bool>,
    #[schema(nullable = false)]
    keep_online_status: Option<bool>,
    #[schema(nullable = false)]
    auto_read_messages: Option<bool>,
    #[schema(nullable = false)]
    disable_history_sync: Option<bool>,
    #[schema(nullable = false)]
    ignore_status: Option<bool>,
}

/// A webhook as it shall be. One that is disabled keeps its label and nothing else.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SetWebhook {
    /// `default` if it is left out or empty. Three webhooks of an instance may be enabled.
    label: Option<String>,
    enabled: bool,
    /// https, and a public address unless the operator allows others; wanted if it is enabled.
    #[schema(examples("https://example.com/hook"))]
    url: Option<String>,
    /// The value of the header `Authorization` of its requests.
    authorization: Option<String>,
    /// Whether the name of the event is added to the URL.
    by_events: Option<bool>,
    /// All events if it is empty or left out.
    events: Option<Vec<EventName>>,
    media_base64: Option<bool>,
}

/// The webhook to disable.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct RemoveWebhook {
    /// `default` if it is left out or empty.
    label: Option<String>,
}

/// The WebSocket as it shall be. One that is disabled keeps nothing else.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SetWebsocket {
    enabled: bool,
    /// All events if it is empty or left out.
    events: Option<Vec<EventName>>,
    media_base64: Option<bool>,
}

/// A proxy; what is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct SetProxy {
    enabled: Option<bool>,
    host: Option<String>,
    port: Option<String>,
    protocol: Option<String>,
    username: Option<String>,
    /// Never shown again.
    password: Option<String>,
}

/// An S3 storage; what is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SetS3 {
    enabled: Option<bool>,
    region: Option<String>,
    bucket: Option<String>,
    /// Never shown again, like the next.
    access_key: Option<String>,
    secret_key: Option<String>,
    endpoint: Option<String>,
    path_prefix: Option<String>,
}
