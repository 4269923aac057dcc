//! `/api/v2/business/{businessId}/webhook`: one endpoint, which every instance of the business has.

use axum::{Json, extract::Request, http::StatusCode};

use crate::{
    app::{AccountRecord, ChangedAccount, Failure, NewWebhook},
    dialects::codechat::{
        BUSINESS_FORMAT,
        answers::BusinessWebhook,
        bodies,
        business::{self, webhook_of},
        call::{OnBusiness, object},
        error::{CodeChatError, ErrorBody},
        webhook,
    },
};

/// Sets the webhook of the business; one that is there already is replaced and keeps its id.
#[utoipa::path(
    post, operation_id = "set_business_webhook", path = "/api/v2/business/{businessId}/webhook", tag = "business",
    request_body = bodies::NewWebhook,
    responses((status = 201, body = BusinessWebhook), (status = 400, body = ErrorBody))
)]
pub(super) async fn set(
    on: OnBusiness,
    request: Request,
) -> Result<(StatusCode, Json<BusinessWebhook>), CodeChatError> {
    let body = object(request).await?;
    let account = account(&on).await?;
    configure(&on, webhook::endpoint(None, &body, &account.name)?).await
}

/// Changes the webhook of the business; the product answers 201. What a body leaves out is as it was, so the change is decided
/// on what it was made from, and made again from what is there if somebody else was faster: both hold then.
#[utoipa::path(
    put, operation_id = "change_business_webhook", path = "/api/v2/business/{businessId}/webhook",
    tag = "business", request_body = bodies::ChangedWebhook,
    responses(
        (status = 201, body = BusinessWebhook), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)
    )
)]
pub(super) async fn change(
    on: OnBusiness,
    request: Request,
) -> Result<(StatusCode, Json<BusinessWebhook>), CodeChatError> {
    let body = object(request).await?;
    let mut tries = 0;
    loop {
        tries += 1;
        let account = account(&on).await?;
        let before = webhook_of(&account).ok_or(CodeChatError::WebhookNotFound)?;
        let wanted = webhook::endpoint(Some(before), &body, &account.name)?;
        let wanted = NewWebhook { format: BUSINESS_FORMAT, ..wanted };
        let changed = on.app.account_webhooks.replace(&on.call, &account, before.id, &wanted).await;
        if !webhook::is_to_be_made_again(tries, &changed) {
            return shown(changed);
        }
    }
}

/// Shows the webhook of the business: `null` if there is none.
#[utoipa::path(
    get, operation_id = "find_business_webhook", path = "/api/v2/business/{businessId}/webhook", tag = "business",
    responses((status = 200, body = Option<BusinessWebhook>, content_type = "application/json"))
)]
pub(super) async fn find(on: OnBusiness) -> Result<Json<Option<BusinessWebhook>>, CodeChatError> {
    Ok(Json(business::shown_webhook(&account(&on).await?)))
}

/// Takes the webhook from the business and shows what it was. Not a route of the product, which can only switch
/// one off.
#[utoipa::path(
    delete, operation_id = "remove_business_webhook", path = "/api/v2/business/{businessId}/webhook",
    tag = "business", responses((status = 200, body = BusinessWebhook), (status = 404, body = ErrorBody))
)]
pub(super) async fn remove(on: OnBusiness) -> Result<Json<BusinessWebhook>, CodeChatError> {
    let account = account(&on).await?;
    let (Some(webhook), Some(shown)) = (webhook_of(&account), business::shown_webhook(&account)) else {
        return Err(CodeChatError::WebhookNotFound);
    };
    let removed = on.app.account_webhooks.remove(&on.call, on.account, webhook.id).await;
    removed.map_err(CodeChatError::of_business)?;
    Ok(Json(shown))
}

async fn account(on: &OnBusiness) -> Result<AccountRecord, CodeChatError> {
    on.app.accounts.read(on.account).await.map_err(CodeChatError::of_business)
}

async fn configure(
    on: &OnBusiness,
    wanted: NewWebhook,
) -> Result<(StatusCode, Json<BusinessWebhook>), CodeChatError> {
    let wanted = NewWebhook { format: BUSINESS_FORMAT, ..wanted };
    shown(on.app.account_webhooks.configure(&on.call, on.account, &wanted).await)
}

fn shown(
    changed: Result<ChangedAccount, Failure>,
) -> Result<(StatusCode, Json<BusinessWebhook>), CodeChatError> {
    let changed = changed.map_err(CodeChatError::of_business)?;
    let shown = business::shown_webhook(&changed.account).ok_or(CodeChatError::WebhookNotFound)?;
    Ok((StatusCode::CREATED, Json(shown)))
}
