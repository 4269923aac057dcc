//! What the sweeper knows of its former looks: what rests is not read again and again. Thousands of jobs may rest for a day, each
//! because its upstream is away, and stand before all that is due now.

use std::{collections::HashMap, time::Duration};

use berth_proto::Timestamp;
use berth_views::{Change, ViewError};
use tokio::time::Instant;

use super::{
    job::Job,
    open_work::{OpenWork, SWEEP_JOBS_MAX},
};

/// How often the whole agenda is looked through for what came to stand before the place that was reached, which hardly happens.
const LOOK_WHOLE_EVERY: Duration = Duration::from_mins(1);
/// How far before that place a look begins: clocks differ, and some work is due a moment before it is asked for.
const BEHIND_SECONDS: i64 = 10;

/// When a job that was looked at is looked at again.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rest {
    /// It was done; the view follows until then.
    Done(Instant),
    /// It failed, or goes on.
    Until(Instant),
    /// It waits until the clock says so.
    Moment(Timestamp),
}

/// A job that is due, and since when.
type Due = (Timestamp, Job);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// The jobs that rest. One whose moment changed meanwhile does not: something new is to be done for it.
    resting: HashMap<Due, Rest>,
    reached: Option<Reached>,
}

/// How far looks have come.
#[derive(Debug, Clone)]
struct Reached {
    /// Everything that was due by then is worked on or rests.
    until: Timestamp,
    /// When the whole agenda was looked through last.
    whole: Instant,
    /// What of the log these rows of the view stood for.
    change: Change,
}

// === impl Looks ===

impl Looks {
    /// What is due and does not rest, in the order of its moments. Each has to rest before the next look.
    pub(super) async fn due(&mut self, open_work: &OpenWork) -> Result<Vec<Due>, ViewError> {
        let (now, moment) = (Instant::now(), open_work.clock.now());
        let change = open_work.agenda.changes().borrow().clone();
        // What fails leaves none, so that the next look is a whole one.
        let reached = self.reached.take();
        let reached = reached.filter(|reached| {
            reached.change.rows == change.rows && reached.whole.elapsed() < LOOK_WHOLE_EVERY
        });
        let from = reached.as_ref().map(|reached| {
            let folded_since = folded_since(&reached.change, &change).unwrap_or(moment);
            reached.until.min(moment).min(folded_since).plus_seconds(-BEHIND_SECONDS)
        });
        let from = from.unwrap_or_default();
        let rested = self.take_rested(now, moment).into_iter();
        let (mut due, is_whole) = open_work.due(from, |due| self.rests(due)).await?;
        let before = rested.filter(|(due, _)| *due < from).map(|(_, job)| job).collect();
        // Each may stand elsewhere by now: what is due next for it may have been so before it was done.
        let before = open_work.stand(before).await?;
        due.extend(before.into_iter().filter(|due| due.0 < from && !self.rests(due)));
        due.sort_unstable_by_key(|(due, _)| *due);
        self.reached = is_whole.then(|| Reached {
            until: moment,
            whole: reached.map_or(now, |reached| reached.whole),
            change,
        });
        Ok(due)
    }

    /// A job rests.
    pub(super) fn rest(&mut self, due: Due, rest: Rest) {
        self.resting.insert(due, rest);
    }

    pub(super) fn rests(&self, due: &Due) -> bool {
        self.resting.contains_key(due)
    }

    /// The next look is a whole one.
    pub(super) fn look_whole(&mut self) {
        self.reached = None;
    }

    /// How many are still to be done.
    pub(super) fn resting(&self) -> usize {
        self.resting.values().filter(|rest| !matches!(rest, Rest::Done(_))).count()
    }

    /// Takes those off that have rested, as many as a sweep works on; the next one takes the others.
    fn take_rested(&mut self, now: Instant, moment: Timestamp) -> Vec<Due> {
        let is_over = |rest: &Rest| match rest {
            Rest::Done(until) | Rest::Until(until) => *until <= now,
            Rest::Moment(at) => *at <= moment,
        };
        let over = self.resting.iter().filter(|(_, rest)| is_over(rest)).map(|(due, _)| *due);
        let rested: Vec<_> = over.take(SWEEP_JOBS_MAX).collect();
        for due in &rested {
            self.resting.remove(due);
        }
        rested
    }
}

/// Since when the commits were decided that a view folded between two changes; none if it folded none. A view may be behind: what these
/// put down can be due long before it was put there. A shard has its commits in the order in which they were decided.
fn folded_since(before: &Change, after: &Change) -> Option<Timestamp> {
    let grown = after.last.iter().filter(|(shard, last)| before.last.get(shard) != Some(last));
    grown.map(|(shard, _)| before.last.get(shard).map_or(Timestamp(0), |last| last.occurred_at)).min()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, atomic::Ordering};

    use berth_runtime::{Clock as _, ManualClock};
    use tokio::time::advance;

    use super::*;
    use crate::{
        ownership::Owned,
        process::{job::Work, table::Table},
    };

    /// When the jobs of a story are due: long ago.
    const DUE: Timestamp = Timestamp(1_700_000_000_000_000);

    struct World {
        table: Arc<Table>,
        clock: Arc<ManualClock>,
        open_work: OpenWork,
        looks: Looks,
    }

    impl World {
        /// An hour after the jobs are due.
        fn new() -> Self {
            let (table, clock) = (Arc::new(Table::default()), Arc::new(ManualClock::new(DUE)));
            clock.advance_seconds(60 * 60);
            let open_work =
                OpenWork { agenda: table.clone(), owned: Owned::everything(), clock: clock.clone() };
            Self { table, clock, open_work, looks: Looks::default() }
        }

        /// What a look finds, and how many rows it read for that.
        async fn look(&mut self) -> (Vec<Due>, usize) {
            let before = self.table.read.load(Ordering::SeqCst);
            let due = self.looks.due(&self.open_work).await.unwrap();
            (due, self.table.read.load(Ordering::SeqCst) - before)
        }

        async fn seconds_pass(&self, seconds: u32) {
            self.clock.advance_seconds(seconds.into());
            advance(Duration::from_secs(seconds.into())).await;
        }
    }

    fn job(number: u16) -> Job {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        Job { work: Work::Erasure, id }
    }

    fn after(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn what_rests_is_read_again_when_it_has_rested() {
        let mut world = World::new();
        for number in 0..1_000 {
            world.table.put(job(number), Some(DUE));
        }
        let (due, _) = world.look().await;
        assert_eq!(due.len(), 1_000);
        for due in due {
            world.looks.rest(due, Rest::Until(after(10)));
        }
        world.table.put(job(2_000), Some(world.clock.now()));
        let (due, read) = world.look().await;
        assert_eq!(due, [(world.clock.now(), job(2_000))]);
        assert!(read < 10, "{read} rows were read");
        world.looks.rest(due[0], Rest::Done(after(3)));
        world.table.put(job(2_000), None);
        assert_eq!(world.looks.resting(), 1_000);
        // One is gone meanwhile, one waits for the clock.
        world.table.put(job(7), None);
        world.looks.rest((DUE, job(8)), Rest::Moment(world.clock.now().plus_seconds(60 * 60)));
        world.seconds_pass(10).await;
        assert_eq!(world.look().await.0.len(), 998);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_due_next_for_a_job_is_found_also_if_it_was_so_before() {
        let mut world = World::new();
        world.table.put(job(1), Some(DUE));
        let (due, _) = world.look().await;
        world.looks.rest(due[0], Rest::Done(after(3)));
        world.table.put(job(1), Some(DUE.plus_seconds(1)));
        assert_eq!(world.look().await.0, []);
        world.seconds_pass(3).await;
        assert_eq!(world.look().await.0, [(DUE.plus_seconds(1), job(1))]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_view_that_is_behind_puts_down_is_found_as_it_comes() {
        let mut world = World::new();
        let begun = world.clock.now();
        for shard in 0..2 {
            world.table.folded(shard, 1, begun);
        }
        assert_eq!(world.look().await.0, []);
        world.seconds_pass(30).await;
        // The first shard is not late, and a commit of the second one is.
        world.table.folded(0, 2, world.clock.now());
        assert_eq!(world.look().await.0, []);
        let due = begun.plus_seconds(5);
        world.table.put(job(1), Some(due));
        world.table.folded(1, 2, begun.plus_seconds(1));
        assert_eq!(world.look().await.0, [(due, job(1))]);
        world.looks.rest((due, job(1)), Rest::Until(after(1_000)));
        world.table.put(job(2), Some(due));
        world.table.folded(1, 3, begun.plus_seconds(2));
        assert_eq!(world.look().await.0, [(due, job(2))]);
        world.looks.rest((due, job(2)), Rest::Until(after(1_000)));
        // Of what is behind what was folded by then nothing is read again.
        world.table.folded(0, 3, world.clock.now());
        let (due, read) = world.look().await;
        assert_eq!((due, read), (vec![], 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_late_is_found_at_once_or_within_a_minute() {
        let mut world = World::new();
        assert_eq!(world.look().await.0, []);
        let a_moment_ago = world.clock.now().plus_seconds(-BEHIND_SECONDS / 2);
        world.table.put(job(1), Some(a_moment_ago));
        let (due, _) = world.look().await;
        assert_eq!(due, [(a_moment_ago, job(1))]);
        world.looks.rest(due[0], Rest::Moment(world.clock.now().plus_seconds(60 * 60)));
        world.table.put(job(2), Some(DUE));
        assert_eq!(world.look().await.0, []);
        world.seconds_pass(60).await;
        assert_eq!(world.look().await.0, [(DUE, job(2))]);
        // Whoever takes a partition looks at once.
        world.looks.look_whole();
        world.table.put(job(3), Some(DUE));
        assert_eq!(world.look().await.0, [(DUE, job(2)), (DUE, job(3))]);
    }
}
