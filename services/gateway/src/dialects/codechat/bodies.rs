//! Bodies of requests, as the document of this dialect describes them.
//!
//! They are read field by field, since the texts about a wrong field are a part of the answer; fields that are not
//! named here are ignored.

#![expect(dead_code, reason = "nothing but the schemas of these types is used")]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::webhook::FLAGS;

/// A new instance.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Create {
    /// Made up if it is left out.
    instance_name: Option<String>,
    /// Shown everywhere in the place of our id.
    external_id: Option<String>,
}

/// Which instance goes where.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MoveInstance {
    /// Its id, or its `externalId` if only one business has an instance of it.
    source_instance_id: String,
    business_id_target: String,
}

/// What the instances have to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Search {
    instance_id: Option<String>,
    /// A part of the name.
    name: Option<String>,
    /// `active` or `inactive`.
    state: Option<String>,
    /// `open`, `close` or `refused`.
    connection: Option<String>,
}

/// Whether a session may end with the instance.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Delete {
    force: Option<bool>,
}

/// The JWT that ends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Refresh {
    old_token: String,
}

/// Whether the instance is switched on.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Toggle {
    action: Action,
}

/// On or off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    Activate,
    Deactivate,
}

/// A new webhook.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewWebhook {
    /// Unique among the webhooks of the instance.
    #[schema(min_length = 1, max_length = 128)]
    name: String,
    #[schema(min_length = 1, max_length = 2048)]
    url: String,
    /// `false` if it is left out.
    enabled: Option<bool>,
    headers: Option<BTreeMap<String, String>>,
}

/// A webhook; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ChangedWebhook {
    #[schema(max_length = 128)]
    name: Option<String>,
    #[schema(max_length = 2048)]
    url: Option<String>,
    enabled: Option<bool>,
    headers: Option<BTreeMap<String, String>>,
}

/// The switches that change.
#[derive(Debug, Deserialize)]
pub(super) struct Flags;

impl PartialSchema for Flags {
    fn schema() -> RefOr<Schema> {
        let flag = || ObjectBuilder::new().schema_type(Type::Boolean);
        FLAGS.into_iter().fold(ObjectBuilder::new(), |object, name| object.property(name, flag())).into()
    }
}

impl ToSchema for Flags {}

/// A new business.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewBusiness {
    /// Unique in the deployment; made up if it is left out.
    #[schema(max_length = 128)]
    name: Option<String>,
    /// Any JSON of at most 16 KiB.
    #[schema(required = false, value_type = Value)]
    attributes: Option<Value>,
}

/// A business; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ChangedBusiness {
    /// Unique in the deployment.
    #[schema(max_length = 128)]
    name: Option<String>,
    /// Any JSON of at most 16 KiB.
    #[schema(required = false, value_type = Value)]
    attributes: Option<Value>,
}

/// The business token that ends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RefreshBusiness {
    /// The present one, if it is to be checked.
    old_token: Option<String>,
}

/// A proxy.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Proxy {
    #[schema(min_length = 1, max_length = 2048)]
    url: String,
    /// At most 4 KiB.
    headers: Option<BTreeMap<String, String>>,
}

/// A registration for the socket; the switches may also stand beside `enabled`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Socket {
    /// `true` if it is left out of the first one.
    #[serde(rename = "enabled")]
    enabled: Option<bool>,
    socket_events: Option<Flags>,
}
