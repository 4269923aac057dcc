//! `POST` and `GET /v1/webhooks`

use axum::{extract::State, http::StatusCode, response::Response};
use berth_proto::{AccountId, EndpointId, frame::RejectionCodeV1};

use super::webhooks::{WebhookRequest, WebhooksBody, Whose, removed_since};
use crate::{
    app::{App, Failure, Principal},
    native::{
        body::Json,
        call::{Caller, Key},
        problem::Problem,
        render::{WebhookBody, answer},
    },
};

/// Adds an endpoint that hears every instance of the account, those to come included, each with its own order and silence.
/// The answer shows its secret once.
#[utoipa::path(
    post, operation_id = "create_account_webhook", path = "/v1/webhooks", tag = "webhooks",
    request_body = WebhookRequest, params(("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 201, body = WebhookBody), (status = 409, body = Problem), (status = 410, body = Problem)
    )
)]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    body: Json<WebhookRequest>,
) -> Result<Response, Problem> {
    let account = account_of(&caller.principal)?;
    let call = caller.call("POST /v1/webhooks", &body.bytes);
    let new = body.value.into_new(Whose::Account)?;
    if berth_notices::formats::is_pulled(new.format) {
        return Err(Problem::invalid(
            "`format`: the notices of `green` are fetched from an instance's own queue; an account's webhook can be in any other.",
        ));
    }
    let added = app.account_webhooks.add(&call, account, &new).await;
    let (added, secrets) = added.map_err(|failure| match failure.rejection() {
        // Nothing asked for an id: so this is a repeat of a request whose webhook is gone.
        Some(RejectionCodeV1::UnknownWebhook) => removed_since(),
        _ => failure.into(),
    })?;
    let webhook = WebhookBody::of(added.webhook, Some(secrets.secret));
    Ok(answer(StatusCode::CREATED, webhook, added.replayed))
}

/// Lists the endpoints of the account, whatever their format.
#[utoipa::path(
    get, operation_id = "list_account_webhooks", path = "/v1/webhooks", tag = "webhooks",
    responses((status = 200, body = WebhooksBody))
)]
pub(super) async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let account = app.accounts.read(account_of(&caller.principal)?).await?;
    let ids = account.webhooks.iter().map(|webhook| webhook.id).collect();
    let failing = app.deliveries.failing_of(account.id, ids).await;
    let shown = |webhook: &crate::app::Webhook| {
        WebhookBody::of(webhook.clone(), None).faring(failing.get(&webhook.id))
    };
    let webhooks = account.webhooks.iter().map(shown).collect();
    Ok(answer(StatusCode::OK, WebhooksBody { webhooks }, false))
}

/// The account whose endpoints a caller may see and change: its own, and never with an instance's token.
pub(super) fn account_of(principal: &Principal) -> Result<AccountId, Failure> {
    principal.account().filter(|_| principal.is_account()).ok_or(Failure::Forbidden)
}

/// The `{w}` of a path.
pub(super) fn endpoint_of(key: &Key) -> Result<EndpointId, Failure> {
    key.0.parse().map_err(|_| Failure::NotFound)
}
