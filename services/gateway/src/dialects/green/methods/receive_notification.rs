//! `receiveNotification`

use std::time::Duration;

use axum::{extract::Query, http::Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    app::Failure,
    dialects::green::{call::OnInstance, error::GreenError},
};

/// How long to wait for a notice, in seconds.
const WAIT_SECONDS: std::ops::RangeInclusive<u64> = 5..=60;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    receive_timeout: Option<String>,
}

/// The oldest notice that waits, or `null` when none comes in time: also while a URL is configured, since notices
/// are then pushed.
pub(super) async fn run(on: &OnInstance, uri: &Uri) -> Result<Value, GreenError> {
    let asked = Query::<Asked>::try_from_uri(uri).map(|query| query.0).unwrap_or_default();
    let seconds = match asked.receive_timeout {
        None => *WAIT_SECONDS.start(),
        Some(text) => {
            text.parse().ok().filter(|seconds| WAIT_SECONDS.contains(seconds)).ok_or_else(|| {
                GreenError::Validation("'receiveTimeout' must be a number from 5 to 60".to_owned())
            })?
        }
    };
    // The token may have been changed since it was last seen.
    on.read().await?;
    let received = on.app.receive_notification(on.instance, Duration::from_secs(seconds)).await?;
    let Some(notification) = received else { return Ok(Value::Null) };
    let body: Value = serde_json::from_str(&notification.body)
        .map_err(|error| Failure::unavailable("the body of a notice", error))?;
    Ok(json!({"receiptId": notification.receipt, "body": body}))
}
