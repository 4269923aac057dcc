//! `PATCH /api/v2/business/{businessId}/instance/move-whatsapp`

use crate::dialects::codechat::{call::OnBusiness, error::CodeChatError};

/// A device belongs to the instance that linked it: its history would be untrue if it moved.
pub(super) async fn handler(_on: OnBusiness) -> Result<(), CodeChatError> {
    Err(CodeChatError::NotImplemented("A linked device cannot be moved to another instance"))
}
