//! `receiveNotification`

use std::time::Duration;

use axum::{extract::Query, http::Uri};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    app::Failure,
    dialects::green::{
        call::OnInstance,
        error::{ErrorBody, GreenError},
        words::{StateInstance, StatusInstance},
    },
};

/// How long to wait for a notice, in seconds.
const WAIT_SECONDS: std::ops::RangeInclusive<u64> = 5..=60;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounds {
    receive_timeout: Option<String>,
}

/// A notice that was received.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Received {
    /// For `deleteNotification`.
    receipt_id: u64,
    #[schema(value_type = NoticeBody)]
    body: Value,
}

/// A notice, as it would be pushed to `webhookUrl`: one of the two states, as `typeWebhook` says.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it documents bodies that were rendered when their notice was due")]
#[schema(rename_all = "camelCase")]
struct NoticeBody {
    type_webhook: TypeWebhook,
    instance_data: InstanceData,
    /// Seconds since 1970.
    timestamp: i64,
    #[schema(required = false)]
    state_instance: StateInstance,
    #[schema(required = false)]
    status_instance: StatusInstance,
}

/// What changed.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "see NoticeBody")]
#[schema(rename_all = "camelCase")]
enum TypeWebhook {
    StateInstanceChanged,
    StatusInstanceChanged,
}

/// Whose notice it is.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "see NoticeBody")]
#[schema(rename_all = "camelCase")]
struct InstanceData {
    id_instance: u64,
    /// Empty unless an account is authorized.
    wid: String,
    /// `whatsapp`.
    type_instance: String,
}

/// The oldest notice that waits, or `null` when none comes in time: also while a URL is configured, since notices
/// are then pushed. It stays the oldest until it is deleted.
#[utoipa::path(
    get, operation_id = "receiveNotification", tag = "notifications",
    path = "/waInstance{idInstance}/receiveNotification/{apiTokenInstance}",
    params(("receiveTimeout" = Option<u64>, Query, minimum = 5, maximum = 60, description = "Seconds to wait; 5 if it is left out")),
    responses((status = 200, body = Option<Received>), (status = 400, body = ErrorBody))
)]
pub(super) async fn run(on: &OnInstance, uri: &Uri) -> Result<Option<Received>, GreenError> {
    let bounds = || GreenError::Validation("'receiveTimeout' must be a number from 5 to 60".to_owned());
    let asked = Query::<Bounds>::try_from_uri(uri).map_err(|_| bounds())?.0.receive_timeout;
    let seconds = match asked {
        None => *WAIT_SECONDS.start(),
        Some(text) => {
            text.parse().ok().filter(|seconds| WAIT_SECONDS.contains(seconds)).ok_or_else(bounds)?
        }
    };
    // The token may have been changed since it was last seen.
    on.read().await?;
    let wait = Duration::from_secs(seconds);
    let received = on.app.notifications.receive(&on.call.principal, on.instance, wait).await?;
    let Some(notification) = received else { return Ok(None) };
    let body = serde_json::from_str(&notification.body)
        .map_err(|error| Failure::unavailable("the body of a notice", error))?;
    Ok(Some(Received { receipt_id: notification.receipt, body }))
}
