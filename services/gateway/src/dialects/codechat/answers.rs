//! What this dialect answers, as its document describes it.

use std::collections::BTreeMap;

use berth_proto::{AccountId, EndpointId, InstanceId};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::webhook::FLAGS;

/// The token of an instance that clients show.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Auth {
    #[serde(rename = "authId")]
    pub(super) id: String,
    /// HS256; it ends when it is refreshed and when the instance's token changes.
    pub(super) jwt: String,
    pub(super) created_at: String,
    pub(super) updated_at: String,
}

/// The linked device, or the last one; empty texts before the first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WhatsApp {
    #[schema(value_type = String)]
    pub(super) whatsapp_id: InstanceId,
    pub(super) remote_jid: String,
    pub(super) picture_url: String,
    pub(super) push_name: String,
    pub(super) created_at: String,
}

/// The business that an instance belongs to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BusinessName {
    #[schema(value_type = String)]
    pub(super) business_id: AccountId,
    pub(super) name: String,
}

/// A new instance.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct InstanceCreated {
    /// The `externalId` if there is one.
    pub(super) instance_id: String,
    pub(super) name: String,
    /// `active` or `inactive`.
    pub(super) state: &'static str,
    /// `open`, `close` or `refused`.
    pub(super) connection: &'static str,
    pub(super) created_at: String,
    pub(super) deleted_at: Option<String>,
    #[schema(value_type = String)]
    pub(super) business_business_id: AccountId,
    #[serde(rename = "Auth")]
    pub(super) auth: Auth,
}

/// An instance, with every key always.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct InstanceFound {
    /// The `externalId` if there is one.
    pub(super) instance_id: String,
    pub(super) name: String,
    /// `active` or `inactive`.
    pub(super) state: &'static str,
    /// `open`, `close` or `refused`.
    pub(super) connection: &'static str,
    pub(super) created_at: String,
    /// When it was deleted; `null` but in the answer to the delete.
    #[schema(required = true)]
    pub(super) deleted_at: Option<String>,
    #[serde(rename = "Auth")]
    pub(super) auth: Auth,
    #[serde(rename = "WhatsApp")]
    pub(super) whats_app: WhatsApp,
    #[serde(rename = "Webhook")]
    pub(super) webhook: Vec<WebhookShown>,
    #[serde(rename = "Business")]
    pub(super) business: BusinessName,
}

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebhookShown {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) enabled: bool,
    pub(super) headers: BTreeMap<String, String>,
    #[schema(value_type = String)]
    pub(super) webhook_id: EndpointId,
    pub(super) created_at: String,
    pub(super) updated_at: String,
    pub(super) instance_instance_id: String,
    #[serde(rename = "WebhookEvents")]
    pub(super) webhook_events: WebhookEvents,
}

/// The switches of a webhook, and when they were last changed.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct WebhookEvents(pub(super) Map<String, Value>);

impl PartialSchema for WebhookEvents {
    fn schema() -> RefOr<Schema> {
        let mut object = ObjectBuilder::new();
        for flag in FLAGS {
            object = object.property(flag, ObjectBuilder::new().schema_type(Type::Boolean)).required(flag);
        }
        for text in ["webhookEventsId", "createdAt", "updatedAt"] {
            object = object.property(text, ObjectBuilder::new().schema_type(Type::String)).required(text);
        }
        object.into()
    }
}

impl ToSchema for WebhookEvents {}

/// A business.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BusinessShown {
    #[schema(value_type = String)]
    pub(super) business_id: AccountId,
    pub(super) name: String,
    pub(super) business_token: String,
    /// What was sent with the business.
    #[schema(required = true, value_type = Value)]
    pub(super) attributes: Option<Value>,
    pub(super) created_at: String,
    pub(super) updated_at: String,
    /// Only in the answer that deletes it.
    #[schema(required = true)]
    pub(super) deleted_at: Option<String>,
    #[serde(rename = "BusinessWebhook")]
    #[schema(required = true)]
    pub(super) business_webhook: Option<BusinessWebhook>,
}

/// The webhook of a business: all its instances have it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BusinessWebhook {
    #[schema(value_type = String)]
    pub(super) webhook_id: EndpointId,
    pub(super) url: String,
    pub(super) enabled: bool,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) created_at: String,
    pub(super) updated_at: String,
    #[schema(value_type = String)]
    pub(super) business_business_id: AccountId,
}

/// A business with its new token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BusinessRefreshed {
    #[serde(flatten)]
    pub(super) business: BusinessShown,
    pub(super) new_token: String,
}

/// A business with a new token that was asked for without the old one.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BusinessRegenerated {
    #[serde(flatten)]
    pub(super) refreshed: BusinessRefreshed,
    /// The new token again.
    pub(super) business_token: String,
    pub(super) message: &'static str,
}

/// The business that an instance was moved to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MovedInstance {
    #[serde(flatten)]
    pub(super) business: BusinessShown,
    /// The instance, with a new JWT.
    #[serde(rename = "Instance")]
    pub(super) instance: Vec<InstanceCreated>,
}

/// A business with a page of its instances.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SearchAnswer {
    #[serde(flatten)]
    pub(super) business: BusinessShown,
    #[serde(rename = "BusinessPage")]
    pub(super) business_page: BusinessPage,
}

/// A page of instances, fifty at most.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BusinessPage {
    pub(super) total_records: usize,
    pub(super) total_pages: usize,
    pub(super) current_page: usize,
    pub(super) records: Vec<InstanceFound>,
}

/// The connected instances of a business.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConnectedAnswer {
    #[schema(value_type = String)]
    pub(super) business_id: AccountId,
    pub(super) name: String,
    #[serde(rename = "Instances")]
    pub(super) instances: Vec<InstanceFound>,
}

/// The live state of a connection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConnectionState {
    /// `open`, `connecting` or `close`.
    pub(super) state: &'static str,
    pub(super) status_reason: u16,
}

/// A code to scan: only `count`, 0, if there was none in time.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CodeAnswer {
    pub(super) count: u32,
    /// Opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<String>,
    /// A PNG as a data URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) base64: Option<String>,
}

/// A code to scan, or the state of an instance that is linked already.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum ConnectAnswer {
    /// It is linked.
    Linked(ConnectionState),
    /// It is not.
    Code(CodeAnswer),
}

/// The JWT after a refresh.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewToken {
    pub(super) new_token: String,
}

/// A registration for the socket.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SocketShown {
    pub(super) socket_id: String,
    pub(super) enabled: bool,
    #[serde(rename = "SocketEvents")]
    pub(super) socket_events: SocketEvents,
    pub(super) created_at: String,
    pub(super) updated_at: String,
    /// When it was removed; `null` but in the answer to the removal.
    #[schema(required = true)]
    pub(super) deleted_at: Option<String>,
    pub(super) instance_instance_id: String,
}

/// The switches of a registration for the socket.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct SocketEvents(pub(super) Map<String, Value>);

impl PartialSchema for SocketEvents {
    fn schema() -> RefOr<Schema> {
        let flag = || ObjectBuilder::new().schema_type(Type::Boolean);
        let all = ObjectBuilder::new();
        FLAGS.into_iter().fold(all, |object, name| object.property(name, flag()).required(name)).into()
    }
}

impl ToSchema for SocketEvents {}
