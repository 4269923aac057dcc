//! Asking for the leader of a stream.

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::{ErrorCode, context::ContextBuilder, response::Response},
};
use serde::de::IgnoredAny;
use serde_json::json;

/// How long an answer may take: a leader needs milliseconds.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// No stream has it: whoever leads one says so without reading anything.
const NO_SUBJECT: &str = "berth.v1.none";

/// Whether a stream has a leader; none if nobody says. A server that keeps the stream and has heard of no leader for longer
/// than an election takes says so in the leader's place; nobody answers before that.
pub async fn has_leader(client: &Client, stream: &str) -> Option<bool> {
    let context = ContextBuilder::new().timeout(ANSWER_MAX).build(client.clone());
    let question = json!({ "last_by_subj": NO_SUBJECT });
    let asked = context.request(format!("STREAM.MSG.GET.{stream}"), &question).await;
    match asked.ok()? {
        Response::Err { error } => Some(error.error_code() != ErrorCode::CLUSTER_NOT_AVAILABLE),
        Response::Ok(IgnoredAny) => Some(true),
    }
}
