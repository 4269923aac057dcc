//! Pursues an unlink until WhatsApp confirms it or it is given up.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use berth_proto::{Timestamp, event::AbandonReasonV1};
use berth_runtime::Pauses;
use futures::FutureExt;
use tokio::time::timeout;
use tracing::{error, info, warn};

use crate::{
    driver::{Link, UnlinkError},
    metrics,
    reports::LinkReports,
    tenure::Tenure,
};

/// The first pause between tries; doubled up to what the driver says.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// The longest pause between two tries to delete keys.
const PAUSE_MAX: Duration = Duration::from_mins(5);

/// Tries until the device is unlinked, its keys are lost, or the deadline passes; then deletes the keys.
pub(crate) async fn pursue(tenure: &Tenure, link: &Link, deadline: Timestamp, reports: &Arc<LinkReports>) {
    let mut pauses = Pauses::new(PAUSE_FIRST, tenure.driver.unlink_pause_max(link));
    let outcome = loop {
        if tenure.ports.clock.now() >= deadline {
            break Some(AbandonReasonV1::Deadline);
        }
        match try_once(tenure, link, reports).await {
            Ok(()) => break None,
            Err(UnlinkError::KeysLost) => break Some(AbandonReasonV1::KeysLost),
            Err(UnlinkError::Unreachable) => {
                metrics::unlink_tried("failed");
                warn!(instance = %link.instance, attempt = link.attempt,
                    "a device is not unlinked yet: trying again");
            }
        }
        pauses.wait().await;
    };
    match outcome {
        None => {
            metrics::unlink_tried("confirmed");
            info!(instance = %link.instance, attempt = link.attempt, "a device is unlinked");
        }
        Some(reason) => {
            metrics::unlink_tried("abandoned");
            warn!(instance = %link.instance, attempt = link.attempt, ?reason,
                "an unlink is given up: the person must remove the device on the phone");
            reports.abandoned(reason).await;
        }
    }
    delete_keys(link).await;
}

/// Tries once. A try that panics is one that failed.
pub(crate) async fn try_once(
    tenure: &Tenure,
    link: &Link,
    reports: &Arc<LinkReports>,
) -> Result<(), UnlinkError> {
    let unlinking = AssertUnwindSafe(tenure.driver.unlink(link.clone(), Arc::clone(reports) as _));
    match timeout(tenure.driver.unlink_max(link), unlinking.catch_unwind()).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(_panic)) => {
            error!(instance = %link.instance, attempt = link.attempt, "a driver panicked while it unlinked");
            Err(UnlinkError::Unreachable)
        }
        Err(_elapsed) => Err(UnlinkError::Unreachable),
    }
}

/// Deletes the keys of a device, however long the store takes.
pub(crate) async fn delete_keys(link: &Link) {
    let mut pauses = Pauses::new(PAUSE_FIRST, PAUSE_MAX);
    while let Err(error) = link.keys.delete().await {
        warn!(instance = %link.instance, attempt = link.attempt, %error,
            "the keys of a device are not deleted yet");
        pauses.wait().await;
    }
}
