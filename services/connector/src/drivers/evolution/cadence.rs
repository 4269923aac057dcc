//! When an instance is looked at again: after a pause that is fair to all, or sooner for a hint.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use berth_proto::InstanceId;
use tokio::time::{Instant, sleep, sleep_until};

use super::hints::Hints;

/// Looks at one upstream for each second at most, over all its instances.
const LOOKS_PER_SECOND: u32 = 50;
/// How soon after a look a hint can bring the next one.
const HINTED_AFTER: Duration = Duration::from_millis(200);
/// How much rarer looks are at an open link whose upstream tells of it on its socket, as long as it does.
const RARER: u32 = 5;
/// The longest pause that comes of that.
const RARE_MAX: Duration = Duration::from_secs(30);

/// The pauses between looks at one upstream.
#[derive(Debug)]
pub(super) struct Cadence {
    /// The pause between two looks at an instance, if there are few.
    poll: Duration,
    hints: Arc<Hints>,
    /// When the next hint may bring a look, over all instances.
    next_hinted: Mutex<Instant>,
}

impl Cadence {
    pub(super) fn new(poll: Duration, hints: Arc<Hints>) -> Self {
        Self { poll, hints, next_hinted: Mutex::new(Instant::now()) }
    }

    /// Waits until the instance is to be looked at again: longer if there are many.
    pub(super) async fn pause(&self) {
        self.pause_of(self.poll).await;
    }

    /// The same, or until there is a hint, but a moment at least. Only where one look does not count beside others: what must be
    /// seen several times in a row must stand for a while, however often the upstream says that it has news.
    pub(super) async fn pause_unless_hinted(&self, instance: InstanceId) {
        self.unless_hinted(instance, self.pause()).await;
    }

    /// The same at a link that is open, and was told to be so: longer while the upstream tells what becomes of it.
    pub(super) async fn rest_unless_hinted(&self, instance: InstanceId) {
        let is_told_of = self.hints.is_told_of(instance);
        self.unless_hinted(instance, self.pause_of(rest(self.poll, is_told_of))).await;
    }

    async fn pause_of(&self, pause: Duration) {
        let links = u32::try_from(self.hints.runs()).unwrap_or(u32::MAX);
        let fair = Duration::from_secs(1).saturating_mul(links) / LOOKS_PER_SECOND;
        sleep(pause.max(fair)).await;
    }

    async fn unless_hinted(&self, instance: InstanceId, pause: impl Future<Output = ()>) {
        let news = async {
            sleep(HINTED_AFTER).await;
            self.hints.news(instance).await;
            self.turn().await;
        };
        tokio::select! {
            () = pause => {}
            () = news => {}
        }
    }

    /// Waits for a turn among all that were hinted at: an upstream that has news of every instance at once is looked at no
    /// faster for it than it stands.
    async fn turn(&self) {
        let turn = {
            let mut next = self.next_hinted.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = Instant::now().max(*next);
            *next = turn + Duration::from_secs(1) / LOOKS_PER_SECOND;
            turn
        };
        sleep_until(turn).await;
    }
}

/// The pause between two looks at an open link.
fn rest(poll: Duration, is_told_of: bool) -> Duration {
    if is_told_of { poll.max(RARE_MAX.min(poll * RARER)) } else { poll }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_rarer_where_an_upstream_tells_of_a_link_and_never_rarer_than_the_floor_or_oftener_than_asked_for()
     {
        let of = |poll_ms, is_told_of| rest(Duration::from_millis(poll_ms), is_told_of).as_millis();
        assert_eq!((of(2_000, false), of(2_000, true)), (2_000, 10_000));
        assert_eq!((of(20, true), of(10_000, true), of(60_000, true)), (100, 30_000, 60_000));
    }
}
