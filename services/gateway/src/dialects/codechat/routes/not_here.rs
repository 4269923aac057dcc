//! Routes of the product whose work this service does not do: they say so instead of pretending.

use axum::Json;
use serde_json::Value;

use crate::dialects::codechat::{
    call::{OnAdmin, OnBusiness},
    error::{CodeChatError, ErrorBody},
};

/// Why a business has no webhook.
const NO_WEBHOOK: CodeChatError =
    CodeChatError::NotImplemented("A business has no webhook: configure the webhooks of its instances");

/// There is no webhook of a business: endpoints belong to instances.
#[utoipa::path(
    post, operation_id = "set_business_webhook", path = "/api/v2/business/{businessId}/webhook", tag = "business",
    responses((status = 501, body = ErrorBody))
)]
pub(super) async fn set_business_webhook(_on: OnBusiness) -> Result<(), CodeChatError> {
    Err(NO_WEBHOOK)
}

/// There is no webhook of a business: endpoints belong to instances.
#[utoipa::path(
    put, operation_id = "replace_business_webhook", path = "/api/v2/business/{businessId}/webhook",
    tag = "business", responses((status = 501, body = ErrorBody))
)]
pub(super) async fn replace_business_webhook(_on: OnBusiness) -> Result<(), CodeChatError> {
    Err(NO_WEBHOOK)
}

/// There is none: always `null`.
#[utoipa::path(
    get, operation_id = "find_business_webhook", path = "/api/v2/business/{businessId}/webhook", tag = "business",
    responses((status = 200, body = Option<Value>, content_type = "application/json"))
)]
pub(super) async fn business_webhook(_on: OnBusiness) -> Json<Value> {
    Json(Value::Null)
}

/// An instance stays with its business, for whose directory its name and foreign id are hashed.
#[utoipa::path(
    patch, operation_id = "move_instance", path = "/api/v2/admin/business/move-instance", tag = "admin",
    responses((status = 501, body = ErrorBody))
)]
pub(super) async fn move_instance(_on: OnAdmin) -> Result<(), CodeChatError> {
    Err(CodeChatError::NotImplemented("An instance cannot be moved to another business"))
}

/// An account stays as it was made, but for its token.
#[utoipa::path(
    put, operation_id = "change_business", path = "/api/v2/admin/business/{businessId}", tag = "admin",
    responses((status = 501, body = ErrorBody))
)]
pub(super) async fn change_business(_on: OnAdmin) -> Result<(), CodeChatError> {
    Err(CodeChatError::NotImplemented("A business cannot be changed"))
}

/// An account is for good.
#[utoipa::path(
    delete, operation_id = "delete_business", path = "/api/v2/admin/business/{businessId}", tag = "admin",
    responses((status = 501, body = ErrorBody))
)]
pub(super) async fn delete_business(_on: OnAdmin) -> Result<(), CodeChatError> {
    Err(CodeChatError::NotImplemented("A business cannot be deleted"))
}
