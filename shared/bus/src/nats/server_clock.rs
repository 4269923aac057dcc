//! By how much the clock of this process is ahead of that of the NATS servers. All processes of a deployment ask the same
//! servers, so that two whose clocks differ cannot both agree with them.

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::{context::ContextBuilder, response::Response},
};
use berth_runtime::Clock;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::KEY_STREAM;

/// How long an answer may take: what took longer says little.
const ANSWER_MAX: Duration = Duration::from_secs(1);
const MICROSECONDS: i64 = 1_000_000;

/// What the leader of a stream says of it; only when it says so counts.
#[derive(Deserialize)]
struct Told {
    ts: Timestamp,
}

/// The seconds, negative if the clock is behind; none if no server says how late it is.
pub async fn ahead_of_servers(client: &Client, clock: &dyn Clock) -> Option<i64> {
    let context = ContextBuilder::new().timeout(ANSWER_MAX).build(client.clone());
    let before = clock.now();
    let asked = context.request(format!("STREAM.INFO.{KEY_STREAM}"), &json!({})).await;
    let after = clock.now();
    let Response::Ok(Told { ts }) = asked.ok()? else { return None };
    let server = ts.as_microsecond();
    // It was said at some moment between: only what lies outside is apart.
    Some((before.0.saturating_sub(server).max(0) - server.saturating_sub(after.0).max(0)) / MICROSECONDS)
}
