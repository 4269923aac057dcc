//! `GET /instance/connectionState/{instance}`

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::Record,
    dialects::evolution::{call::OnInstance, error::EvolutionError, words},
};

/// The state of an instance's connection.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StateAnswer {
    instance: InstanceState,
}

/// An instance and its state.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct InstanceState {
    instance_name: String,
    /// `open`, `connecting` or `close`.
    state: &'static str,
}

impl StateAnswer {
    pub(super) fn of(record: &Record) -> Self {
        let state = words::state(&record.state.phase);
        Self { instance: InstanceState { instance_name: record.name.clone(), state } }
    }
}

/// Shows the state of the connection.
#[utoipa::path(
    get, operation_id = "connection_state", path = "/instance/connectionState/{instance}", tag = "instance",
    params(("instance" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = StateAnswer))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<StateAnswer>, EvolutionError> {
    Ok(Json(StateAnswer::of(&on.read().await?)))
}
