//! `deleteNotification`

use axum::extract::Request;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    dialects::green::{
        call::OnInstance,
        error::{ErrorBody, GreenError},
    },
    http::body,
};

/// Whether there was such a notice.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeletedNotification {
    /// False if nobody has this receipt, or it was deleted before.
    result: bool,
}

/// Deletes a notice that was received.
#[utoipa::path(
    delete, operation_id = "deleteNotification", tag = "notifications",
    path = "/waInstance{idInstance}/deleteNotification/{apiTokenInstance}/{receiptId}",
    params(("receiptId" = u64, Path, description = "From `receiveNotification`")),
    responses((status = 200, body = DeletedNotification), (status = 400, body = ErrorBody))
)]
pub(super) async fn by_path(on: &OnInstance, receipt: &str) -> Result<DeletedNotification, GreenError> {
    delete(on, receipt.parse().ok()).await
}

/// Deletes a notice that was received; its receipt is the whole body, as one SDK sends it.
#[utoipa::path(
    delete, operation_id = "deleteNotificationByBody", tag = "notifications",
    path = "/waInstance{idInstance}/deleteNotification/{apiTokenInstance}",
    request_body(content = u64, content_type = "application/json"),
    responses((status = 200, body = DeletedNotification), (status = 400, body = ErrorBody), (status = 413, body = ErrorBody))
)]
pub(super) async fn by_body(on: &OnInstance, request: Request) -> Result<DeletedNotification, GreenError> {
    delete(on, serde_json::from_slice(&body::read(request).await?).ok()).await
}

async fn delete(on: &OnInstance, receipt: Option<u64>) -> Result<DeletedNotification, GreenError> {
    let receipt =
        receipt.ok_or_else(|| GreenError::Validation("Parameter receiptId must be a Number".to_owned()))?;
    on.read().await?;
    Ok(DeletedNotification { result: on.app.notifications.delete(on.instance, receipt).await? })
}
