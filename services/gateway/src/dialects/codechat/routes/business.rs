//! `GET` and `PUT /api/v2/business/{businessId}` and its token: a business about itself, with its own token.

use axum::{Json, extract::Request, http::StatusCode};

use super::admin::change_of;
use crate::dialects::codechat::{
    answers::{BusinessRegenerated, BusinessShown},
    bodies,
    business::{self, shown},
    call::{OnBusiness, object},
    error::{CodeChatError, ErrorBody},
};

/// Shows the business.
#[utoipa::path(
    get, operation_id = "find_own_business", path = "/api/v2/business/{businessId}", tag = "business",
    responses((status = 200, body = BusinessShown))
)]
pub(super) async fn find(on: OnBusiness) -> Result<Json<BusinessShown>, CodeChatError> {
    let account = on.app.accounts.read(on.account).await.map_err(CodeChatError::of_business)?;
    Ok(Json(shown(&account)))
}

/// Gives the business another name or other attributes.
#[utoipa::path(
    put, operation_id = "change_own_business", path = "/api/v2/business/{businessId}", tag = "business",
    request_body = bodies::ChangedBusiness,
    responses((status = 200, body = BusinessShown), (status = 400, body = ErrorBody))
)]
pub(super) async fn change(on: OnBusiness, request: Request) -> Result<Json<BusinessShown>, CodeChatError> {
    let change = change_of(&object(request).await?)?;
    let changed = on.app.accounts.change(&on.call, on.account, change).await;
    Ok(Json(shown(&changed.map_err(CodeChatError::of_business)?.account)))
}

/// Gives the business another token; the old one ends at once.
#[utoipa::path(
    post, operation_id = "regenerate_own_token", path = "/api/v2/business/{businessId}/token/regenerate", tag = "business",
    responses((status = 201, body = BusinessRegenerated))
)]
pub(super) async fn regenerate_token(
    on: OnBusiness,
) -> Result<(StatusCode, Json<BusinessRegenerated>), CodeChatError> {
    business::regenerate_token(&on.app, &on.call, on.account).await
}
