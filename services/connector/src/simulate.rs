//! Playing with the simulated driver over the bus.
//!
//! A request on [`berth_proto::subject::simulate_subject`] is a JSON object with an `action` and its arguments;
//! the reply is `{"ok": true}` or `{"ok": false, "code", "message"}`. The owner of an instance's partition serves it.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use berth_bus::{Requests, Tenure};
use berth_proto::{InstanceId, subject::simulate_filter};
use bytes::Bytes;
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::time::sleep;
use tracing::warn;

use crate::Ports;

/// Requests that are played at once.
const PLAYS_AT_ONCE: usize = 64;
/// Pause before the subjects are served again after the bus gave them up.
const SERVE_RETRY: Duration = Duration::from_secs(1);

/// A play that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// A stable code: `invalid_request`, `no_live_code`, `not_linked`, `not_connected`.
    pub code: &'static str,
    /// A sentence.
    pub message: String,
}

/// What a simulated driver can be told.
#[async_trait]
pub trait Controls: fmt::Debug + Send + Sync + 'static {
    /// Plays something on an instance's link.
    async fn play(&self, instance: InstanceId, request: &Value) -> Result<(), Refused>;
}

/// Serves requests about links of a partition for as long as it is held; at once done without a simulated driver.
pub(crate) async fn serve(ports: &Ports, controls: Option<Arc<dyn Controls>>, held: &Tenure) {
    let Some(controls) = controls else { return };
    let filter = simulate_filter(held.partition());
    while !held.is_over() {
        match ports.bus.serve_until(&filter, "connector", held.token().clone()).await {
            Ok(requests) => play_all(requests, &controls).await,
            Err(error) => warn!(%error, "the simulation cannot be played with yet"),
        }
        let _over = held.run(sleep(SERVE_RETRY)).await;
    }
}

async fn play_all(requests: Requests, controls: &Arc<dyn Controls>) {
    requests
        .for_each_concurrent(PLAYS_AT_ONCE, |request| {
            let controls = Arc::clone(controls);
            async move {
                let reply = match answer(&*controls, &request.subject, &request.payload).await {
                    Ok(()) => json!({"ok": true}),
                    Err(refused) => json!({"ok": false, "code": refused.code, "message": refused.message}),
                };
                request.reply.send(Bytes::from(reply.to_string()));
            }
        })
        .await;
}

async fn answer(controls: &dyn Controls, subject: &str, payload: &[u8]) -> Result<(), Refused> {
    let invalid = |message: &str| Refused { code: "invalid_request", message: message.to_owned() };
    let id =
        subject.rsplit('.').next().and_then(|id| id.parse().ok()).ok_or_else(|| invalid("no instance"))?;
    let request: Value = serde_json::from_slice(payload).map_err(|_| invalid("the request is not JSON"))?;
    controls.play(id, &request).await
}
