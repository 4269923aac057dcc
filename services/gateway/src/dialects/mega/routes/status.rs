//! `GET /rest/instance/{key}`

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::dialects::mega::{call::OnInstance, error::MegaError, words};

/// The state of an instance.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StatusAnswer {
    /// `false`.
    error: bool,
    message: &'static str,
    instance: InstanceRow,
}

/// An instance.
#[derive(Debug, Serialize, ToSchema)]
struct InstanceRow {
    key: String,
    /// `connected`, `connecting` or `disconnected`.
    status: &'static str,
    /// Left out while it is not connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<User>,
}

/// The linked device.
#[derive(Debug, Serialize, ToSchema)]
struct User {
    /// Its JID.
    id: String,
    /// The name that it shows, empty if it is not known.
    name: String,
}

/// Shows the state of the connection; `user` stands there while it is open.
#[utoipa::path(
    get, operation_id = "status", path = "/rest/instance/{instance_key}", tag = "instance",
    params(("instance_key" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = StatusAnswer))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<StatusAnswer>, MegaError> {
    let record = on.read().await?;
    let status = words::status(&record.state.phase);
    let user = record.device().filter(|_| status == "connected").map(|device| User {
        id: device.jid,
        name: device.push_name.or(device.business_name).unwrap_or_default(),
    });
    let instance = InstanceRow { key: record.name, status, user };
    Ok(Json(StatusAnswer { error: false, message: "Instance data fetched", instance }))
}
