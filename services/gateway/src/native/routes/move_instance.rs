//! `POST /v1/accounts/{a}/move-instance`: the operator's, with the root key.

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    app::{App, Failure},
    native::{
        body::Json,
        call::{Caller, Key},
        problem::Problem,
        render::{InstanceBody, answer},
    },
};

/// Which instance is moved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"instance": "06gvptn6stt118p4mhs3rj6adk"})))]
pub(super) struct MoveRequest {
    /// Its id.
    instance: String,
}

/// Gives an instance to this account, with its token, its number and its session. The former account does not see it
/// any more.
#[utoipa::path(
    post, operation_id = "move_instance", path = "/v1/accounts/{a}/move-instance", tag = "accounts", request_body = MoveRequest,
    params(("a" = String, Path, description = "Id of the new account"), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = InstanceBody), (status = 409, body = Problem), (status = 410, body = Problem))
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    body: Json<MoveRequest>,
) -> Result<Response, Problem> {
    let account = key.0.parse().map_err(|_| Failure::NotFound)?;
    // The account is a part of what is asked for: a key means one of them.
    let asked = [key.0.as_bytes(), &body.bytes].concat();
    let call = caller.call("POST /v1/accounts/{a}/move-instance", &asked);
    let instance = body.value.instance.parse().map_err(|_| Failure::NotFound)?;
    let moved = app.moves.run(&call, instance, account).await?;
    Ok(answer(StatusCode::OK, InstanceBody::of(&moved.record), moved.replayed))
}
