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
