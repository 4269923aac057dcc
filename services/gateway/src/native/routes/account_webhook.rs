//! `GET`, `PATCH` and `DELETE /v1/webhooks/{w}`

use axum::{extract::State, http::StatusCode, response::Response};
use berth_proto::{AccountId, EndpointId, frame::RejectionCodeV1};

use super::{
    account_webhooks::{account_of, endpoint_of},
    webhook::{PATCH_TRIES_MAX, WebhookPatch, patched},
    webhooks::{Whose, check_events, removed_since},
};
use crate::{
    app::{App, Call, Failure},
    native::{
        body::Json,
        call::{Caller, Key},
        problem::Problem,
        render::{WebhookBody, answer, removed},
    },
};

/// Shows an endpoint of the account.
#[utoipa::path(
    get, operation_id = "get_account_webhook", path = "/v1/webhooks/{w}", tag = "webhooks",
    params(("w" = String, Path, description = "Id")), responses((status = 200, body = WebhookBody))
)]
pub(super) async fn get(State(app): State<App>, caller: Caller, key: Key) -> Result<Response, Problem> {
    let account = app.accounts.read(account_of(&caller.principal)?).await?;
    let id = endpoint_of(&key)?;
    let webhook = WebhookBody::of(account.webhook(id).cloned().ok_or(Failure::NotFound)?, None);
    let failing = app.deliveries.failing_of(account.id, vec![id]).await;
    Ok(answer(StatusCode::OK, webhook.faring(failing.get(&id)), false))
}

/// Changes an endpoint of the account; its secret stays.
#[utoipa::path(
    patch, operation_id = "patch_account_webhook", path = "/v1/webhooks/{w}", tag = "webhooks",
    request_body = WebhookPatch,
    params(("w" = String, Path, description = "Id"), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 200, body = WebhookBody), (status = 409, body = Problem), (status = 410, body = Problem)
    )
)]
pub(super) async fn patch(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    body: Json<WebhookPatch>,
) -> Result<Response, Problem> {
    let (account, id) = (account_of(&caller.principal)?, endpoint_of(&key)?);
    // The key belongs to this endpoint: the same change of another one is another request.
    let sent = [id.as_bytes().as_slice(), &body.bytes].concat();
    let call = caller.call("PATCH /v1/webhooks/{w}", &sent);
    let mut tries = 0;
    loop {
        tries += 1;
        match try_to_patch(&app, &call, (account, id), &body.value).await? {
            Ok(response) => return Ok(response),
            // Made again from what it is now, so that both changes hold.
            Err(RejectionCodeV1::Changed) if tries < PATCH_TRIES_MAX => {}
            Err(RejectionCodeV1::UnknownWebhook) => return Err(removed_since()),
            Err(code) => return Err(Failure::Rejected(code).into()),
        }
    }
}

async fn try_to_patch(
    app: &App,
    call: &Call,
    (account, id): (AccountId, EndpointId),
    patch: &WebhookPatch,
) -> Result<Result<Response, RejectionCodeV1>, Problem> {
    let account = app.accounts.read(account).await?;
    let Some(webhook) = account.webhook(id).cloned() else {
        let removed = app.account_webhooks.was_decided(call, account.id, id).await?;
        return Err(if removed { removed_since() } else { Failure::NotFound.into() });
    };
    if let Some(events) = &patch.events {
        check_events(&webhook.format, Whose::Account, events)?;
    }
    let new = patched(webhook, patch.clone())?;
    let changed = match app.account_webhooks.replace(call, &account, id, &new).await {
        Err(Failure::Rejected(code)) => return Ok(Err(code)),
        changed => changed?,
    };
    let Some(webhook) = changed.account.webhook(id).cloned() else {
        return Ok(Err(RejectionCodeV1::UnknownWebhook));
    };
    Ok(Ok(answer(StatusCode::OK, WebhookBody::of(webhook, None), changed.replayed)))
}

/// Removes an endpoint of the account; notices that wait for it are cancelled.
#[utoipa::path(
    delete, operation_id = "delete_account_webhook", path = "/v1/webhooks/{w}", tag = "webhooks",
    params(("w" = String, Path, description = "Id"), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 204, description = "Removed"), (status = 409, body = Problem))
)]
pub(super) async fn delete(State(app): State<App>, caller: Caller, key: Key) -> Result<Response, Problem> {
    let (account, id) = (account_of(&caller.principal)?, endpoint_of(&key)?);
    let call = caller.call("DELETE /v1/webhooks/{w}", id.as_bytes());
    let answered = app.account_webhooks.remove(&call, account, id).await;
    let answered = answered.map_err(|failure| match failure.rejection() {
        Some(RejectionCodeV1::UnknownWebhook) => Failure::NotFound,
        _ => failure,
    })?;
    Ok(removed(answered.replayed))
}
