//! Noticing that the wall clock moved against the monotonic one: somebody set it, a time service stepped it, or the
//! machine slept.
//!
//! Nothing stops because of it, since what is due rests on the present clock and outlives its return. But all that is
//! written meanwhile is dated by it, so an operator has to know.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::Clock;
use crate::{
    http::{Check, Readiness},
    lifecycle::Lifecycle,
};

/// How often the clocks are compared.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How far they may have moved apart since they were last set against each other.
const APART_MAX: Duration = Duration::from_mins(1);
/// How long `/readyz` tells of a jump.
const TOLD_FOR: Duration = Duration::from_hours(1);
/// How often the wall clock jumped.
const JUMPS: &str = "berth_clock_jumps_total";

/// A jump that was seen.
#[derive(Debug, Clone, Copy)]
struct Jump {
    seconds: i64,
    at: Instant,
}

/// Watches the clock until the process stops. A jump is a warning in the log, counts, and is told in `/readyz` for an
/// hour; the process stays ready, since another one has no better clock for certain and the gateway's work goes on.
pub fn watch(clock: Arc<dyn Clock>, readiness: &Readiness, lifecycle: &Lifecycle) {
    metrics::describe_counter!(JUMPS, "Times that the wall clock jumped by more than a minute.");
    metrics::counter!(JUMPS).increment(0);
    let (sender, receiver) = watch::channel(None::<Jump>);
    readiness.register("clock", move || {
        let jump = receiver.borrow().filter(|jump| jump.at.elapsed() < TOLD_FOR);
        Check::ready(jump.map_or_else(|| "steady".to_owned(), told))
    });
    let stop = lifecycle.stop().clone();
    let mut set = (clock.now(), Instant::now());
    lifecycle.spawn(async move {
        while stop.run_until_cancelled(sleep(LOOK_EVERY)).await.is_some() {
            let now = (clock.now(), Instant::now());
            let passed = i64::try_from(now.1.duration_since(set.1).as_micros()).unwrap_or(i64::MAX);
            let apart = now.0.0.saturating_sub(set.0.0).saturating_sub(passed);
            if u128::from(apart.unsigned_abs()) <= APART_MAX.as_micros() {
                continue;
            }
            set = now;
            let jump = Jump { seconds: apart / 1_000_000, at: now.1 };
            tracing::warn!(
                seconds = jump.seconds,
                "the wall clock jumped: look at the machine's time service"
            );
            metrics::counter!(JUMPS).increment(1);
            sender.send_replace(Some(jump));
        }
    });
}

fn told(jump: Jump) -> String {
    let (seconds, ago) = (jump.seconds, jump.at.elapsed().as_secs());
    format!("the wall clock jumped by {seconds} s, {ago} s ago: look at the machine's time service")
}

#[cfg(test)]
mod tests {
    use berth_proto::Timestamp;

    use super::*;
    use crate::clock::ManualClock;

    #[tokio::test(start_paused = true)]
    async fn a_jump_in_either_direction_is_told_and_a_steady_clock_is_not() {
        let clock = Arc::new(ManualClock::new(Timestamp(1_000_000_000)));
        let (readiness, lifecycle) = (Readiness::new(), Lifecycle::new());
        watch(Arc::clone(&clock) as _, &readiness, &lifecycle);
        let told = || readiness.ask().remove(0).1;
        let look = async |seconds: i64| {
            clock.advance_seconds(seconds);
            sleep(LOOK_EVERY).await;
            sleep(Duration::from_millis(1)).await;
        };
        for _ in 0..100 {
            look(1).await;
        }
        assert_eq!(told(), Check::ready("steady"));
        look(2_592_001).await;
        assert!(told().ready && told().detail.contains("jumped by 2592000 s"), "{:?}", told());
        look(-2_591_999).await;
        assert!(told().detail.contains("jumped by -2592000 s"), "{:?}", told());
        for _ in 0..=120 {
            clock.advance_seconds(30);
            sleep(LOOK_EVERY * 30).await;
        }
        assert_eq!(told(), Check::ready("steady"));
        assert!(lifecycle.shut_down().await);
    }
}
