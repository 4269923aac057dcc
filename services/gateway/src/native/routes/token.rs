//! `POST /v1/instances/{i}/token`

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::{accounts::TokenRequest, get::find_to_change};
use crate::{
    app::App,
    native::{
        body::Json,
        call::{Caller, Key},
        problem::Problem,
        render::{InstanceBody, answer},
    },
};

/// An instance with its token.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RotatedBody {
    #[serde(flatten)]
    instance: InstanceBody,
    /// Its new token: shown here and never again, but to a repeat with the same Idempotency-Key.
    token: String,
}

/// Gives an instance another token; the old one ends at once, and what it had opened within seconds.
#[utoipa::path(
    post, operation_id = "rotate_instance_token", path = "/v1/instances/{i}/token", tag = "instances",
    request_body = TokenRequest,
    params(("i" = String, Path, description = "Id, name or number"), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 200, body = RotatedBody), (status = 409, body = Problem), (status = 410, body = Problem)
    )
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    body: Json<TokenRequest>,
) -> Result<Response, Problem> {
    let record = find_to_change(&app, &caller.principal, &key.0).await?;
    let call = caller.call("POST /v1/instances/{i}/token", &body.bytes);
    let answered = app.tokens.rotate(&call, &record, body.value.token).await?;
    let body = RotatedBody { instance: InstanceBody::of(&answered.record), token: answered.record.token() };
    Ok(answer(StatusCode::OK, body, answered.replayed))
}
