//! How far a view is behind the log while nothing is folded.
//!
//! The follower tells the lag after each batch. A view that stands still has no batches: so it is compared with the end of
//! the log now and then, by whoever does not depend on the follower.

use std::{sync::Arc, time::Duration};

use berth_log::{LogRead, Position, commits_between};
use berth_runtime::Clock;
use tokio::time::sleep;

use crate::{
    metrics,
    port::{Change, ViewState},
    reader::Core,
};

/// How often is looked: often enough for an alarm, and a request for each shard.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What is known of a view that is behind, or may be.
#[derive(Debug)]
struct Lag {
    /// When it was last seen to stand for the whole log; before that, when it was opened.
    whole_at: i64,
    /// Whether it ever was.
    was_whole: bool,
    /// Whether it was behind at the last look.
    is_behind: bool,
}

/// Tells the lag of a view for as long as it is polled.
pub(crate) async fn watch(log: Arc<dyn LogRead>, core: Arc<Core>, clock: Arc<dyn Clock>) {
    let mut lag = Lag { whole_at: clock.now().0, was_whole: false, is_behind: true };
    loop {
        sleep(LOOK_EVERY).await;
        let end = log.end().await.ok();
        if let Some(end) = &end {
            tell_left(&core, end);
        }
        let (change, halted) =
            (core.change.borrow().clone(), matches!(*core.state.borrow(), ViewState::Halted(_)));
        metrics::lag(core.view, lag.look(&change, halted, end.as_ref(), clock.now().0));
    }
}

/// Tells how many commits are before the end of the log that the rows do not stand for, and those that are built beside.
fn tell_left(core: &Core, end: &Position) {
    let last = commits_before(end);
    metrics::left(core.view, commits_between(&core.change.borrow().position, end));
    core.tell_rebuild(|rebuild| {
        rebuild.of = last;
        metrics::rebuild_left(core.view, last.saturating_sub(rebuild.folded));
    });
}

/// How many commits there are up to a position: the revisions of a shard have no gap.
pub(crate) fn commits_before(position: &Position) -> u64 {
    position.0.values().map(|at| at.revision).sum()
}

impl Lag {
    /// Microseconds that the view is behind; 0 if it is not. An end that is not known changes nothing: what was behind is so
    /// still.
    fn look(&mut self, change: &Change, halted: bool, end: Option<&Position>, now: i64) -> i64 {
        self.is_behind = halted || end.map_or(self.is_behind, |end| !change.position.covers(end));
        if !self.is_behind {
            (self.whole_at, self.was_whole) = (now, true);
            return 0;
        }
        // A commit that came after a quiet hour is not an hour late.
        let since = match change.occurred_at {
            folded if self.was_whole => folded.max(self.whole_at),
            0 => self.whole_at,
            folded => folded,
        };
        now - since
    }
}

#[cfg(test)]
mod tests {
    use berth_log::ShardPosition;

    use super::*;

    fn at(revision: u64) -> Position {
        Position([(0, ShardPosition { incarnation: 1, revision })].into())
    }

    fn change(revision: u64, occurred_at: i64) -> Change {
        Change { position: at(revision), occurred_at, caught_up: true, ..Change::default() }
    }

    #[test]
    fn a_view_that_stands_still_falls_behind_as_soon_as_the_log_goes_on() {
        let mut lag = Lag { whole_at: 100, was_whole: false, is_behind: true };
        let still = change(7, 1_000);
        assert_eq!(lag.look(&still, false, Some(&at(7)), 5_000), 0, "there is no more");
        assert_eq!(lag.look(&still, false, Some(&at(8)), 6_000), 1_000, "since it was last whole");
        assert_eq!(lag.look(&still, false, None, 7_000), 2_000, "nobody knows better");
        assert_eq!(lag.look(&still, false, Some(&at(9)), 9_000), 4_000);
        assert_eq!(lag.look(&change(9, 8_500), false, Some(&at(9)), 9_500), 0);
        assert_eq!(lag.look(&change(9, 8_500), false, None, 9_900), 0);
    }

    #[test]
    fn a_halted_view_is_behind_whatever_the_log_is_now() {
        let mut lag = Lag { whole_at: 100, was_whole: false, is_behind: true };
        for now in [6_000, 7_000] {
            assert_eq!(lag.look(&change(7, 1_000), true, Some(&at(2)), now), now - 1_000);
        }
    }

    #[test]
    fn a_view_that_is_built_anew_is_as_old_as_what_it_folded_last() {
        let mut lag = Lag { whole_at: 5_000, was_whole: false, is_behind: true };
        assert_eq!(lag.look(&change(0, 0), false, Some(&at(9)), 5_500), 500, "nothing yet");
        assert_eq!(lag.look(&change(2, 1_000), false, Some(&at(9)), 6_000), 5_000);
    }
}
