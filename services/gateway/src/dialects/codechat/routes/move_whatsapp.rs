//! `PATCH /api/v2/business/{businessId}/instance/move-whatsapp`

use crate::dialects::codechat::{
    call::OnBusiness,
    error::{CodeChatError, ErrorBody},
};

/// A device belongs to the instance that linked it: its history would be untrue if it moved.
#[utoipa::path(
    patch, operation_id = "move_whatsapp", path = "/api/v2/business/{businessId}/instance/move-whatsapp", tag = "business",
    responses((status = 501, body = ErrorBody))
)]
pub(super) async fn handler(_on: OnBusiness) -> Result<(), CodeChatError> {
    Err(CodeChatError::NotImplemented("A linked device cannot be moved to another instance"))
}
