//! Waiting for an instance to become as it is wanted.

use std::time::Duration;

use berth_proto::InstanceId;
use berth_runtime::Pauses;
use futures::StreamExt;
use tokio::time::{Instant, sleep, timeout};

use super::{
    failure::Failure,
    record::{Record, Records},
};

/// The first pause between two looks at an instance that is waited for, should a hint be lost; it is doubled up to
/// [`LOOK_AGAIN_MAX`], so that many who wait long do not keep the log busy.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// The longest pause between two looks.
const LOOK_AGAIN_MAX: Duration = Duration::from_secs(4);

impl Records {
    /// Waits until the instance is as wanted; none when the deadline came first or the process stops.
    pub async fn wait_for(
        &self,
        instance: InstanceId,
        deadline: Instant,
        wanted: impl Fn(&Record) -> bool + Send,
    ) -> Result<Option<Record>, Failure> {
        let subject = berth_proto::subject::tail_subject(instance);
        let mut hints =
            self.bus.subscribe(&subject).await.map_err(|error| Failure::unavailable("the bus", error))?;
        let mut pauses = Pauses::new(LOOK_AGAIN, LOOK_AGAIN_MAX);
        loop {
            let now = self.read_any(instance).await?.ok_or(Failure::NotFound)?;
            if wanted(&now) {
                return Ok(Some(now));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.stop.is_cancelled() {
                return Ok(None);
            }
            // A hint, the next look or the deadline: whatever comes first.
            let pause = left.min(self.spread(pauses.take()));
            let hint = async {
                // Who gets no hints any more still looks.
                if timeout(pause, hints.next()).await.is_ok_and(|hint| hint.is_none()) {
                    sleep(pause).await;
                }
            };
            let _hint = self.stop.run_until_cancelled(hint).await;
        }
    }

    /// A pause that is up to a quarter longer, so that those who began to wait together do not look in step.
    fn spread(&self, pause: Duration) -> Duration {
        let quarter = u64::try_from(pause.as_micros() / 4).unwrap_or(u64::MAX);
        pause + Duration::from_micros(self.entropy.below(quarter))
    }

    /// Waits until no unlink of the instance is pending; none when the deadline came first.
    pub async fn wait_unlinked(
        &self,
        instance: InstanceId,
        deadline: Instant,
    ) -> Result<Option<Record>, Failure> {
        self.wait_for(instance, deadline, |now| !now.is_unlinking()).await
    }
}
