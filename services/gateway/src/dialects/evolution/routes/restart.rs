//! `POST` and `PUT /instance/restart/{instance}`

use axum::Json;
use berth_proto::{command::RestartV1, frame::RejectionCodeV1};
use serde_json::{Value, json};

use crate::{
    app::Failure,
    dialects::evolution::{ORDER, call::OnInstance, error::EvolutionError, words},
};

/// Closes the connection and opens it again. A closed instance gets the product's 200 with `error`, and a text
/// that says why.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, EvolutionError> {
    let result = on.app.command_on(&on.call, &on.name, &ORDER, RestartV1 {}).await;
    if let Err(Failure::Rejected { code: RejectionCodeV1::NoSession, .. }) = &result {
        let message = format!("The \"{}\" instance is not connected", on.name);
        return Ok(Json(json!({"error": true, "message": message})));
    }
    let record = on.map(result)?.record;
    let state = words::state(&record.state.phase);
    Ok(Json(json!({"instance": {"instanceName": record.name, "state": state, "status": state}})))
}
