//! `POST /v1/instances/{i}/logout`

use std::time::Duration;

use axum::{extract::State, http::StatusCode, response::Response};
use berth_proto::command::LogoutV1;
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::{
    app::App,
    native::{
        ORDER,
        body::Json,
        call::{Caller, Key},
        problem::Problem,
        render::{InstanceBody, answer},
    },
};

/// How long an answer waits for the unlink at most.
const UNLINK_WAIT_MAX: Duration = Duration::from_secs(30);

/// How long the answer waits.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"wait": "unlinked"})))]
pub(super) struct LogoutRequest {
    /// `committed` (default): until the logout is durable. `unlinked`: until WhatsApp confirmed that the device
    /// is unlinked or that was given up, at most 30 s; `unlinks` in the answer tells.
    #[serde(default)]
    wait: Wait,
}

/// What a logout waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wait {
    #[default]
    Committed,
    Unlinked,
}

/// Ends the session. The instance is kept for the next connect. A repeat succeeds and changes nothing.
#[utoipa::path(
    post, operation_id = "logout_instance", path = "/v1/instances/{i}/logout", tag = "lifecycle", request_body = LogoutRequest,
    params(("i" = String, Path, description = "Id, name or number"), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = InstanceBody), (status = 410, body = Problem))
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    body: Json<LogoutRequest>,
) -> Result<Response, Problem> {
    let call = caller.call("POST /v1/instances/{i}/logout", &body.bytes);
    let answered = app.finder.decide_on(&call, &key.0, &ORDER, LogoutV1 {}).await?;
    let mut record = answered.record;
    if body.value.wait == Wait::Unlinked {
        let deadline = Instant::now() + UNLINK_WAIT_MAX;
        app.records.wait_unlinked(record.id, deadline).await?;
        record = app.records.read_again(&call.principal, record.id).await?;
    }
    Ok(answer(StatusCode::OK, InstanceBody::of(&record), answered.replayed))
}
