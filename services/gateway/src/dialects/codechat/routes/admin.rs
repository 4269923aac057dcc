//! `/api/v2/admin/business…`: businesses are accounts, and the admin token is the root key.

use axum::{Json, extract::Request, http::StatusCode};
use berth_proto::AccountId;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    app::{AccountChange, AccountRecord, Closing, NewAccount},
    dialects::codechat::{
        answers::{BusinessRefreshed, BusinessRegenerated, BusinessShown},
        bodies,
        business::{self, refreshed, shown},
        call::{OnAdmin, object, text},
        error::{CodeChatError, ErrorBody},
    },
    http::query::LenientQuery,
};

/// Businesses in one answer, since this dialect has no pages here.
const BUSINESSES_MAX: usize = 10_000;
/// Businesses that are asked for at once.
const PAGE: u16 = 500;

/// Creates a business.
#[utoipa::path(
    post, operation_id = "create_business", path = "/api/v2/admin/business", tag = "admin",
    request_body = bodies::NewBusiness,
    responses((status = 201, body = BusinessShown), (status = 400, body = ErrorBody))
)]
pub(super) async fn create(
    on: OnAdmin,
    request: Request,
) -> Result<(StatusCode, Json<BusinessShown>), CodeChatError> {
    let body = object(request).await?;
    let name = text(&body, "name")?.filter(|name| !name.is_empty());
    let new = NewAccount { name, token: None, attributes: attributes(&body) };
    let created = on.app.accounts.create(&on.call, new).await.map_err(CodeChatError::of_business)?;
    Ok((StatusCode::CREATED, Json(shown(&created.account))))
}

/// Lists the businesses.
#[utoipa::path(
    get, operation_id = "list_businesses", path = "/api/v2/admin/business", tag = "admin",
    responses((status = 200, body = Vec<BusinessShown>))
)]
pub(super) async fn list(on: OnAdmin) -> Result<Json<Vec<BusinessShown>>, CodeChatError> {
    let mut accounts: Vec<AccountRecord> = Vec::new();
    loop {
        let after = accounts.last().map(|last| last.id);
        let (page, more) = on.app.accounts.page(&on.call.principal, after, PAGE).await?;
        accounts.extend(page);
        if !more || accounts.len() >= BUSINESSES_MAX {
            return Ok(Json(accounts.iter().map(shown).collect()));
        }
    }
}

/// Shows a business.
#[utoipa::path(
    get, operation_id = "find_business", path = "/api/v2/admin/business/{businessId}", tag = "admin",
    responses((status = 200, body = BusinessShown))
)]
pub(super) async fn find(on: OnAdmin) -> Result<Json<BusinessShown>, CodeChatError> {
    let account = on.app.accounts.read(business(&on)?).await.map_err(CodeChatError::of_business)?;
    Ok(Json(shown(&account)))
}

/// Gives a business another name or other attributes.
#[utoipa::path(
    put, operation_id = "change_business", path = "/api/v2/admin/business/{businessId}", tag = "admin",
    request_body = bodies::ChangedBusiness,
    responses((status = 200, body = BusinessShown), (status = 400, body = ErrorBody))
)]
pub(super) async fn change(on: OnAdmin, request: Request) -> Result<Json<BusinessShown>, CodeChatError> {
    let change = change_of(&object(request).await?)?;
    let changed = on.app.accounts.change(&on.call, business(&on)?, change).await;
    let changed = changed.map_err(CodeChatError::of_business)?;
    Ok(Json(shown(&changed.account)))
}

/// The query of a delete.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Query {
    force: Option<String>,
}

/// Closes a business: its token ends, its instances are deleted. One that has instances wants `force`.
#[utoipa::path(
    delete, operation_id = "delete_business", path = "/api/v2/admin/business/{businessId}", tag = "admin",
    params(("force" = Option<bool>, Query, description = "Whether its instances may be deleted with it")),
    responses((status = 200, body = BusinessShown), (status = 400, body = ErrorBody))
)]
pub(super) async fn delete(
    on: OnAdmin,
    LenientQuery(query): LenientQuery<Query>,
) -> Result<Json<BusinessShown>, CodeChatError> {
    let force = query.force.as_deref() == Some("true");
    let closing = on.app.accounts.close(&on.call, business(&on)?, force).await;
    match closing.map_err(CodeChatError::of_business)? {
        Closing::Closed(closed) => Ok(Json(shown(&closed.account))),
        Closing::HasInstances => Err(CodeChatError::Conflict(
            "The business has instances: delete them first, or send \"force\" as true",
        )),
    }
}

/// Gives a business another token; the old one ends at once. `oldToken` is checked if it is sent.
#[utoipa::path(
    patch, operation_id = "refresh_business_token", path = "/api/v2/admin/business/{businessId}/refresh-token", tag = "admin",
    request_body = Option<bodies::RefreshBusiness>,
    responses((status = 200, body = BusinessRefreshed), (status = 400, body = ErrorBody))
)]
pub(super) async fn refresh_token(
    on: OnAdmin,
    request: Request,
) -> Result<Json<BusinessRefreshed>, CodeChatError> {
    let old = text(&object(request).await?, "oldToken")?;
    let id = business(&on)?;
    let present = on.app.accounts.read(id).await.map_err(CodeChatError::of_business)?;
    if old.is_some_and(|old| old != present.token) {
        return Err(CodeChatError::Invalid("Invalid \"oldToken\"".to_owned()));
    }
    let changed = on.app.accounts.rotate_token(&on.call, id, None).await;
    let changed = changed.map_err(CodeChatError::of_business)?;
    Ok(Json(refreshed(&changed.account)))
}

/// The same without the old token.
#[utoipa::path(
    post, operation_id = "regenerate_business_token", path = "/api/v2/admin/business/{businessId}/token", tag = "admin",
    responses((status = 201, body = BusinessRegenerated))
)]
pub(super) async fn regenerate_token(
    on: OnAdmin,
) -> Result<(StatusCode, Json<BusinessRegenerated>), CodeChatError> {
    business::regenerate_token(&on.app, &on.call, business(&on)?).await
}

/// What a body says that shall be another of a business.
pub(super) fn change_of(body: &Map<String, Value>) -> Result<AccountChange, CodeChatError> {
    Ok(AccountChange { name: text(body, "name")?, attributes: attributes(body) })
}

/// Any JSON; `null` is as good as none.
fn attributes(body: &Map<String, Value>) -> Option<Value> {
    body.get("attributes").filter(|attributes| !attributes.is_null()).cloned()
}

fn business(on: &OnAdmin) -> Result<AccountId, CodeChatError> {
    on.rest.as_deref().and_then(|id| id.parse().ok()).ok_or(CodeChatError::BusinessNotFound)
}
