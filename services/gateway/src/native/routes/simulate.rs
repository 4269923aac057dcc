//! `POST /v1/instances/{i}/simulate`

use axum::{extract::State, http::StatusCode, response::Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::get::find_to_change;
use crate::{
    app::{App, Simulation},
    native::{
        body::Json,
        call::{Caller, Key},
        code::Code,
        problem::Problem,
        render::{InstanceBody, answer},
    },
};

/// What the simulated phone or network does.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(examples(json!({"action": "scan", "phone": "5511987654321", "push_name": "Ana"})))]
pub(super) struct SimulateRequest {
    /// `scan`, `enter_code`, `logout_from_phone`, `drop`, `return`, `ban`, `replace`, `fail_unlink` and others;
    /// see the documentation.
    action: String,
    /// The phone that scans.
    phone: Option<String>,
    /// The name of its person.
    push_name: Option<String>,
    /// Arguments of the other actions.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    rest: Map<String, Value>,
}

/// Plays something on the instance's link; only with the simulated driver.
#[utoipa::path(
    post, operation_id = "simulate", path = "/v1/instances/{i}/simulate", tag = "simulation", request_body = SimulateRequest,
    params(("i" = String, Path, description = "Id, name or number")),
    responses(
        (status = 200, body = InstanceBody), (status = 409, body = Problem), (status = 410, body = Problem)
    )
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    body: Json<SimulateRequest>,
) -> Result<Response, Problem> {
    if !app.settings().simulated_driver {
        return Err(Problem::new(
            Code::NotSimulated,
            "The devices of this deployment are real: start it with BERTH_DEVICE_DRIVER=simulated to play.",
        ));
    }
    let record = find_to_change(&app, &caller.principal, &key.0).await?;
    let request = serde_json::to_value(&body.value).map_err(|_| Problem::invalid("The body is not JSON."))?;
    match app.simulator.play(record.id, &request).await? {
        Simulation::Done => {
            let record = app.records.read(&caller.principal, record.id).await?;
            Ok(answer(StatusCode::OK, InstanceBody::of(&record), false))
        }
        Simulation::Refused { code, message } if code == "invalid_request" => Err(Problem::invalid(message)),
        Simulation::Refused { message, .. } => Err(Problem::new(Code::NotSimulatable, message)),
    }
}
