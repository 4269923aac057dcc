//! Watching, on NATS, whether the clock of this machine is that of the servers, and so of the other replicas.
//!
//! A clock that is wrong and steady is noticed by nobody who looks at that clock alone. Nothing stops because of it: who is
//! right is not known here, and what has a deadline is decided by the replica that comes first.

use std::{sync::Arc, time::Duration};

use async_nats::Client;
use berth_bus::nats::ahead_of_servers;
use berth_runtime::{Check, Clock, Lifecycle, Readiness};
use metrics::{Unit, describe_gauge, gauge};
use tokio::{sync::watch, time::sleep};

/// The pause between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How far the clocks may be apart without harm.
const APART_MAX_SECONDS: i64 = 5;

const AHEAD: &str = "berth_clock_ahead_seconds";

/// Watches the clock until the process stops, and tells `/readyz`. The process stays ready.
pub(crate) fn watch(client: Client, clock: Arc<dyn Clock>, readiness: &Readiness, lifecycle: &Lifecycle) {
    describe();
    let (sender, receiver) = watch::channel(0_i64);
    readiness.register("nats_clock", move || Check::ready(told(*receiver.borrow())));
    let stop = lifecycle.stop().clone();
    let watched = look(client, clock, sender);
    lifecycle.spawn(async move { stop.run_until_cancelled(watched).await.unwrap_or_default() });
}

/// Looks again and again.
async fn look(client: Client, clock: Arc<dyn Clock>, seen: watch::Sender<i64>) {
    loop {
        // A server that says nothing is told of under `nats`: what was seen last stands.
        if let Some(ahead) = ahead_of_servers(&client, &*clock).await {
            #[expect(clippy::cast_precision_loss, reason = "nobody counts so many seconds")]
            gauge!(AHEAD).set(ahead as f64);
            if is_apart(seen.send_replace(ahead)) != is_apart(ahead) {
                tracing::warn!(ahead_seconds = ahead, "{}", told(ahead));
            }
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Says what the metric is, and that the clock is nobody's but its own.
pub(crate) fn describe() {
    describe_gauge!(AHEAD, Unit::Seconds, "By how much the clock is ahead of that of the NATS servers");
    gauge!(AHEAD).set(0.0);
}

const fn is_apart(ahead: i64) -> bool {
    ahead.abs() > APART_MAX_SECONDS
}

fn told(ahead: i64) -> String {
    if !is_apart(ahead) {
        return "as that of the NATS servers".to_owned();
    }
    let (by, where_to) = (ahead.unsigned_abs(), if ahead > 0 { "ahead of" } else { "behind" });
    format!("{by} s {where_to} that of the NATS servers: look at the time services of the machines")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clocks_that_are_far_apart_are_told_of() {
        assert_eq!(told(5), "as that of the NATS servers");
        assert!(told(12).starts_with("12 s ahead of that of the NATS servers"), "{}", told(12));
        assert!(told(-3_600).starts_with("3600 s behind that of the NATS servers"), "{}", told(-3_600));
    }
}
