//! Routes of the product whose work this service does not do: they say so instead of pretending.

use crate::dialects::codechat::{
    call::OnAdmin,
    error::{CodeChatError, ErrorBody},
};

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
