//! `/api/v2/admin/business…`: businesses are accounts, and the admin token is the root key.

use axum::{Json, extract::Request, http::StatusCode};
use berth_proto::AccountId;
use serde_json::{Value, json};

use crate::{
    app::{AccountRecord, NewAccount},
    dialects::codechat::{
        call::{OnAdmin, object, text},
        error::CodeChatError,
    },
    http::time::iso_millis,
};

/// Businesses in one answer, since this dialect has no pages here.
const BUSINESSES_MAX: usize = 10_000;
/// Businesses that are asked for at once.
const PAGE: u16 = 500;

/// Creates a business.
pub(super) async fn create(
    on: OnAdmin,
    request: Request,
) -> Result<(StatusCode, Json<Value>), CodeChatError> {
    let body = object(request).await?;
    let new = NewAccount { name: text(&body, "name")?.filter(|name| !name.is_empty()), token: None };
    let created = on.app.create_account(&on.call, new).await.map_err(CodeChatError::of_business)?;
    Ok((StatusCode::CREATED, Json(shown(&created.account))))
}

/// Lists the businesses.
pub(super) async fn list(on: OnAdmin) -> Result<Json<Value>, CodeChatError> {
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
pub(super) async fn find(on: OnAdmin) -> Result<Json<Value>, CodeChatError> {
    let account = on.app.account(business(&on)?).await.map_err(CodeChatError::of_business)?;
    Ok(Json(shown(&account)))
}

/// Gives a business another token; the old one ends at once.
pub(super) async fn refresh_token(on: OnAdmin) -> Result<Json<Value>, CodeChatError> {
    let changed = on.app.rotate_account_token(&on.call, business(&on)?, None).await;
    let changed = changed.map_err(CodeChatError::of_business)?;
    Ok(Json(shown(&changed.account)))
}

fn business(on: &OnAdmin) -> Result<AccountId, CodeChatError> {
    on.rest.as_deref().and_then(|id| id.parse().ok()).ok_or(CodeChatError::BusinessNotFound)
}

fn shown(account: &AccountRecord) -> Value {
    json!({
        "businessId": account.id,
        "name": account.name,
        "businessToken": account.token,
        "attributes": null,
        "createdAt": iso_millis(account.state.created_at),
        "updatedAt": iso_millis(account.state.updated_at),
        "deletedAt": null,
    })
}
