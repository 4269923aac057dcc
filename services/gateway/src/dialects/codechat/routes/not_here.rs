//! Routes of the product whose work this service does not do: they say so instead of pretending.

use axum::Json;
use serde_json::Value;

use crate::dialects::codechat::{
    call::{OnAdmin, OnBusiness},
    error::CodeChatError,
};

/// `POST` and `PUT /api/v2/business/{businessId}/webhook`: endpoints belong to instances.
pub(super) async fn set_business_webhook(_on: OnBusiness) -> Result<(), CodeChatError> {
    Err(CodeChatError::NotImplemented("A business has no webhook: configure the webhooks of its instances"))
}

/// `GET /api/v2/business/{businessId}/webhook`: there is none.
pub(super) async fn business_webhook(_on: OnBusiness) -> Json<Value> {
    Json(Value::Null)
}

/// `PATCH /api/v2/admin/business/move-instance`: an instance's values are sealed for its business.
pub(super) async fn move_instance(_on: OnAdmin) -> Result<(), CodeChatError> {
    Err(CodeChatError::NotImplemented("An instance cannot be moved to another business"))
}

/// `PUT` and `DELETE /api/v2/admin/business/{businessId}`: accounts are for good.
pub(super) async fn change_business(_on: OnAdmin) -> Result<(), CodeChatError> {
    Err(CodeChatError::NotImplemented("A business cannot be changed or deleted"))
}
