//! `GET` and `POST /v1/webhooks/{w}/secret`, `POST /v1/webhooks/{w}/test` and `GET /v1/webhooks/{w}/deliveries`

use axum::{extract::State, http::StatusCode, response::Response};
use berth_proto::frame::RejectionCodeV1;

use super::{
    account_webhooks::{account_of, endpoint_of},
    deliveries::{DeliveriesBody, DeliveriesQuery, asked, check_known},
    redelivery::{EmptyRequest, TestedBody, silent},
    webhook_secret::{RotateRequest, SecretsBody},
};
use crate::{
    app::{App, Failure},
    native::{
        body::{Json, QueryOf},
        call::{Caller, Key},
        problem::Problem,
        render::answer,
    },
};

/// Shows the signing secrets of an endpoint of the account.
#[utoipa::path(
    get, operation_id = "get_account_webhook_secret", path = "/v1/webhooks/{w}/secret", tag = "webhooks",
    params(("w" = String, Path, description = "Id")), responses((status = 200, body = SecretsBody))
)]
pub(super) async fn secret(State(app): State<App>, caller: Caller, key: Key) -> Result<Response, Problem> {
    let account = app.accounts.read(account_of(&caller.principal)?).await?;
    let secrets = app.account_webhooks.secrets(&account, endpoint_of(&key)?).await?;
    Ok(answer(StatusCode::OK, SecretsBody::of(secrets), false))
}

/// Changes the signing secret of an endpoint of the account; the former one signs beside it for a while.
#[utoipa::path(
    post, operation_id = "rotate_account_webhook_secret", path = "/v1/webhooks/{w}/secret", tag = "webhooks",
    request_body = RotateRequest,
    params(("w" = String, Path, description = "Id"), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = SecretsBody), (status = 409, body = Problem))
)]
pub(super) async fn rotate(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    body: Json<RotateRequest>,
) -> Result<Response, Problem> {
    let (account, id, hours) = (account_of(&caller.principal)?, endpoint_of(&key)?, body.value.hours()?);
    // The key belongs to this endpoint: the same change of another one is another request.
    let sent = [id.as_bytes().as_slice(), &body.bytes].concat();
    let call = caller.call("POST /v1/webhooks/{w}/secret", &sent);
    let rotated =
        app.account_webhooks.rotate_secret(&call, account, id, body.value.secret.as_deref(), hours).await;
    let (secrets, replayed) = rotated.map_err(|failure| match failure.rejection() {
        Some(RejectionCodeV1::UnknownWebhook) => Failure::NotFound,
        _ => failure,
    })?;
    Ok(answer(StatusCode::OK, SecretsBody::of(secrets), replayed))
}

/// Sends a notice of the type `webhook.test` once, which is about no instance, and says what came of it.
#[utoipa::path(
    post, operation_id = "test_account_webhook", path = "/v1/webhooks/{w}/test", tag = "webhooks",
    request_body = EmptyRequest, params(("w" = String, Path, description = "Id")),
    responses((status = 200, body = TestedBody), (status = 409, body = Problem))
)]
pub(super) async fn test(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    body: Json<EmptyRequest>,
) -> Result<Response, Problem> {
    let (account, id) = (account_of(&caller.principal)?, endpoint_of(&key)?);
    let call = caller.call("POST /v1/webhooks/{w}/test", &body.bytes);
    let tested = app.redelivery.test_of_account(&call, account, id).await?.map_err(silent)?;
    Ok(answer(StatusCode::OK, TestedBody::of(tested), false))
}

/// Lists what an endpoint of the account was sent about all instances, by when it was first tried, the newest first. What was
/// never tried is not among it. One of them is shown and sent again at its instance, `/v1/instances/{i}/webhooks/{w}/deliveries/{d}`.
#[utoipa::path(
    get, operation_id = "list_account_webhook_deliveries", path = "/v1/webhooks/{w}/deliveries",
    tag = "webhooks", params(("w" = String, Path, description = "Id"), DeliveriesQuery),
    responses((status = 200, body = DeliveriesBody))
)]
pub(super) async fn deliveries(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    query: QueryOf<DeliveriesQuery>,
) -> Result<Response, Problem> {
    let account = app.accounts.read(account_of(&caller.principal)?).await?;
    let id = endpoint_of(&key)?;
    let DeliveriesQuery { state, since, until, before, limit } = query.0;
    let asked = asked(account.id, state.as_deref(), (since, until), before.as_deref(), limit)?;
    let page = app.deliveries.of_endpoint(id, asked).await?;
    check_known(&page, &account.webhooks.iter().map(|webhook| webhook.id).collect::<Vec<_>>(), id)?;
    Ok(answer(StatusCode::OK, DeliveriesBody::of(&page), false))
}
