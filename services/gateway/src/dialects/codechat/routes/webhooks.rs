//! `/api/v2/instance/{instanceId}/webhook`, `…/{webhookId}` and `…/{webhookId}/events`

use axum::{Json, extract::Request, http::StatusCode};
use berth_proto::EndpointId;
use serde_json::{Map, Value};

use crate::{
    app::{NewWebhook, Record, Webhook},
    dialects::codechat::{
        FORMAT,
        answers::{WebhookEvents, WebhookShown},
        bodies,
        call::{OnInstance, flag, object},
        error::{CodeChatError, ErrorBody},
        webhook,
    },
};

/// Adds a webhook; one that is only named and located sends nothing, since `enabled` is false by default.
#[utoipa::path(
    post, operation_id = "create_webhook", path = "/api/v2/instance/{instanceId}/webhook", tag = "webhook",
    request_body = bodies::NewWebhook,
    responses((status = 201, body = WebhookShown), (status = 400, body = ErrorBody))
)]
pub(super) async fn create(
    on: OnInstance,
    request: Request,
) -> Result<(StatusCode, Json<WebhookShown>), CodeChatError> {
    let record = on.read().await?;
    let business = on.app.accounts.read(record.state.account).await?.name;
    let wanted = webhook::endpoint(None, &object(request).await?, &business)?;
    let (record, stored) = configure(&on, &record, &wanted).await?;
    Ok((StatusCode::CREATED, Json(webhook::shown(&record, &stored))))
}

/// Lists the webhooks.
#[utoipa::path(
    get, operation_id = "list_webhooks", path = "/api/v2/instance/{instanceId}/webhook", tag = "webhook",
    responses((status = 200, body = Vec<WebhookShown>))
)]
pub(super) async fn list(on: OnInstance) -> Result<Json<Vec<WebhookShown>>, CodeChatError> {
    let record = on.read().await?;
    Ok(Json(record.open_webhooks_of(FORMAT).iter().map(|it| webhook::shown(&record, it)).collect()))
}

/// Changes a webhook; the product answers 201.
#[utoipa::path(
    put, operation_id = "change_webhook", path = "/api/v2/instance/{instanceId}/webhook/{webhookId}", tag = "webhook",
    request_body = bodies::ChangedWebhook,
    responses((status = 201, body = WebhookShown), (status = 400, body = ErrorBody))
)]
pub(super) async fn update(
    on: OnInstance,
    request: Request,
) -> Result<(StatusCode, Json<WebhookShown>), CodeChatError> {
    present(&on, &on.read().await?)?;
    let body = object(request).await?;
    let wanted = |before: &Webhook, business: &str| webhook::endpoint(Some(before), &body, business);
    let (record, stored) = change(&on, wanted).await?;
    Ok((StatusCode::CREATED, Json(webhook::shown(&record, &stored))))
}

/// Shows a webhook.
#[utoipa::path(
    get, operation_id = "find_webhook", path = "/api/v2/instance/{instanceId}/webhook/{webhookId}", tag = "webhook",
    responses((status = 200, body = WebhookShown))
)]
pub(super) async fn find(on: OnInstance) -> Result<Json<WebhookShown>, CodeChatError> {
    let record = on.read().await?;
    Ok(Json(webhook::shown(&record, &present(&on, &record)?)))
}

/// Removes a webhook and shows what it was.
#[utoipa::path(
    delete, operation_id = "remove_webhook", path = "/api/v2/instance/{instanceId}/webhook/{webhookId}", tag = "webhook",
    responses((status = 200, body = WebhookShown), (status = 400, body = ErrorBody))
)]
pub(super) async fn remove(on: OnInstance) -> Result<Json<WebhookShown>, CodeChatError> {
    let record = on.read().await?;
    let before = present(&on, &record)?;
    on.map(on.app.webhooks.remove(&on.call, record.id, before.id).await)?;
    Ok(Json(webhook::shown(&record, &before)))
}

/// Changes some switches of a webhook and shows them all.
#[utoipa::path(
    patch, operation_id = "change_webhook_events", path = "/api/v2/instance/{instanceId}/webhook/{webhookId}/events", tag = "webhook",
    request_body = bodies::Flags,
    responses((status = 200, body = WebhookEvents), (status = 400, body = ErrorBody))
)]
pub(super) async fn update_events(
    on: OnInstance,
    request: Request,
) -> Result<Json<WebhookEvents>, CodeChatError> {
    present(&on, &on.read().await?)?;
    let body = object(request).await?;
    let mut changes = Map::new();
    for name in webhook::FLAGS {
        if let Some(on) = flag(&body, name)? {
            changes.insert(name.to_owned(), Value::Bool(on));
        }
    }
    let wanted = |before: &Webhook, business: &str| Ok(webhook::switched(Some(before), &changes, business));
    let (record, stored) = change(&on, wanted).await?;
    Ok(Json(webhook::shown_flags(&record, &stored)))
}

async fn configure(
    on: &OnInstance,
    record: &Record,
    wanted: &NewWebhook,
) -> Result<(Record, Webhook), CodeChatError> {
    let (answer, stored, _) = on.map(on.app.webhooks.configure(&on.call, record, wanted, false, 0).await)?;
    Ok((answer.record, stored))
}

/// Changes the webhook that the path names. What a body leaves out is as it was, so the change is decided on what it was made
/// from, and made again from what is there if somebody else was faster: both hold then.
async fn change(
    on: &OnInstance,
    wanted: impl Fn(&Webhook, &str) -> Result<NewWebhook, CodeChatError> + Send,
) -> Result<(Record, Webhook), CodeChatError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let record = on.read().await?;
        let before = present(on, &record)?;
        let business = on.app.accounts.read(record.state.account).await?.name;
        let wanted = wanted(&before, &business)?;
        let seen = record.state.webhooks.iter().find(|one| one.id == before.id);
        let seen = seen.ok_or(CodeChatError::WebhookNotFound)?;
        let replaced = on.app.webhooks.replace(&on.call, &record, seen, &wanted).await;
        if webhook::is_to_be_made_again(tries, &replaced) {
            continue;
        }
        let (answer, stored) = on.map(replaced)?;
        return Ok((answer.record, stored));
    }
}

/// The webhook that the path names.
fn present(on: &OnInstance, record: &Record) -> Result<Webhook, CodeChatError> {
    let id: EndpointId =
        on.rest.as_deref().and_then(|id| id.parse().ok()).ok_or(CodeChatError::WebhookNotFound)?;
    record.open_webhooks_of(FORMAT).into_iter().find(|it| it.id == id).ok_or(CodeChatError::WebhookNotFound)
}
