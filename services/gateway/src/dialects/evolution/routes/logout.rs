//! `DELETE /instance/logout/{instance}`

use axum::Json;
use berth_proto::command::LogoutV1;
use serde_json::{Value, json};

use crate::{
    EvolutionLogout,
    dialects::evolution::{call::OnInstance, error::EvolutionError},
};

/// Ends the session. Without one, the stable releases answer 400 and release 2.4 answers 200.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, EvolutionError> {
    let answer = on.command(LogoutV1 {}).await?;
    let message = match (answer.changed(), on.app.settings().evolution_logout) {
        (true, _) => "Instance logged out",
        (false, EvolutionLogout::Idempotent) => "Instance was already disconnected",
        (false, EvolutionLogout::Strict) => return Err(EvolutionError::not_connected(&on.name)),
    };
    Ok(Json(json!({"status": "SUCCESS", "error": false, "response": {"message": message}})))
}
