//! `/api/v2/admin/business…`: businesses are accounts, and the admin token is the root key.

use axum::{Json, extract::Request, http::StatusCode};
use berth_proto::AccountId;

use crate::{
    app::{AccountRecord, NewAccount},
    dialects::codechat::{
        answers::BusinessShown,
        bodies,
        business::shown,
        call::{OnAdmin, object, text},
        error::{CodeChatError, ErrorBody},
    },
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
    let new = NewAccount { name: text(&body, "name")?.filter(|name| !name.is_empty()), token: None };
    let created = on.app.create_account(&on.call, new).await.map_err(CodeChatError::of_business)?;
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
        let (page, more) = on.app.accounts(&on.call.principal, after, PAGE).await?;
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
    let account = on.app.account(business(&on)?).await.map_err(CodeChatError::of_business)?;
    Ok(Json(shown(&account)))
}

/// Gives a business another token; the old one ends at once.
#[utoipa::path(
    patch, operation_id = "refresh_business_token", path = "/api/v2/admin/business/{businessId}/refresh-token", tag = "admin",
    responses((status = 200, body = BusinessShown))
)]
pub(super) async fn refresh_token(on: OnAdmin) -> Result<Json<BusinessShown>, CodeChatError> {
    let changed = on.app.rotate_account_token(&on.call, business(&on)?, None).await;
    let changed = changed.map_err(CodeChatError::of_business)?;
    Ok(Json(shown(&changed.account)))
}

fn business(on: &OnAdmin) -> Result<AccountId, CodeChatError> {
    on.rest.as_deref().and_then(|id| id.parse().ok()).ok_or(CodeChatError::BusinessNotFound)
}
