//! Reviews: the gate is asked about what waits of an instance, without waiting for it to be due.
//!
//! A commit may cancel what waits for hours, and what is cancelled holds up what comes after it in its lane: the
//! end of a session above all. So a review is owed after every commit that finds something waiting, and after every attempt
//! that failed and during which there was such a commit; and it is owed until the instance was read. A commit that the
//! outbox does not know yet when an attempt ends finds its notice waiting.
//!
//! What waits for nothing but its turn is mostly sent in a moment, and its attempt asks the gate by itself: such an instance is only
//! reviewed if something still waits a moment later.
//!
//! A review asks about all that waits only if something changed that the gate looks at. Else what was asked about before
//! has the same answer, however much it is, and only what came back since is asked about.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::Duration,
};

use berth_proto::{
    EndpointId, Hash, InstanceId,
    delivery::NoticeKeyV1,
    instance::{InstanceStateV1, PhaseV1},
};

use tokio::time::Instant;

use super::{
    attempt::Tools,
    permit::{OfAccount, Permit, Reach, read},
};

/// Instances that are read at once.
const REVIEWS_MAX: usize = 64;
/// How long one read of an instance may take before it is given up and repeated.
const READ_MAX: Duration = Duration::from_secs(1);
/// Instances of which is remembered what the gate looked at; beyond that all of them are looked at anew.
const SEEN_MAX: usize = 65_536;
/// How long a review waits of an instance of which nothing waits for more than its turn.
const LATER: Duration = Duration::from_millis(250);
/// How long to wait after a read that failed.
const PAUSE: Duration = Duration::from_millis(250);

/// Which instances are to be reviewed; at most once at a time each. Pure.
#[derive(Debug, Default)]
pub(super) struct Reviews {
    /// In the order in which they were asked for.
    queue: VecDeque<InstanceId>,
    /// What is in the queue, and which notices came back since their instance was read.
    asked: BTreeMap<InstanceId, BTreeSet<NoticeKeyV1>>,
    /// What is to be asked for if it still waits then, in that order.
    later: VecDeque<(Instant, InstanceId)>,
    /// The same, without an order.
    asked_later: BTreeSet<InstanceId>,
    /// Instances to which something happened while one of their notices was tried: it is asked about if it comes back.
    missed: BTreeSet<InstanceId>,
    /// What is being read, and what came back before that.
    running: BTreeMap<InstanceId, BTreeSet<NoticeKeyV1>>,
    /// What the gate looked at when all that waited was asked about.
    seen: HashMap<InstanceId, Hash>,
}

/// What is to be asked about on a state.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum About {
    /// All that waits.
    All,
    /// These.
    These(BTreeSet<NoticeKeyV1>),
}

// === impl Reviews ===

impl Reviews {
    /// An instance is to be read from now on: a read that runs already may be older than what asks.
    pub(super) fn ask(&mut self, instance: InstanceId) {
        self.ask_about(instance, None);
    }

    /// An instance is to be read since one of its notices waits again.
    pub(super) fn ask_about(&mut self, instance: InstanceId, notice: Option<NoticeKeyV1>) {
        let asked = self.asked.entry(instance).or_insert_with(|| {
            self.queue.push_back(instance);
            BTreeSet::new()
        });
        asked.extend(notice);
    }

    /// An instance is to be read in a moment, if something of it still waits then.
    pub(super) fn ask_later(&mut self, instance: InstanceId, now: Instant) {
        if !self.asked.contains_key(&instance) && self.asked_later.insert(instance) {
            self.later.push_back((now + LATER, instance));
        }
    }

    /// Something happened to an instance while some of its notices are tried, which is to be asked about them if they come back.
    pub(super) fn missed_by_what_is_tried(&mut self, instance: InstanceId) {
        self.missed.insert(instance);
    }

    /// A notice that was tried waits again: it is asked about if something happened meanwhile.
    pub(super) fn came_back(&mut self, notice: NoticeKeyV1) {
        if self.missed.contains(&notice.instance) {
            self.ask_about(notice.instance, Some(notice));
        }
    }

    /// Nothing of an instance is tried any more.
    pub(super) fn none_is_tried(&mut self, instance: InstanceId) {
        self.missed.remove(&instance);
    }

    /// Forgets what may have been missed of other instances than these.
    pub(super) fn keep_missed(&mut self, is_kept: impl Fn(InstanceId) -> bool) {
        self.missed.retain(|instance| is_kept(*instance));
    }

    /// Whether something may have been missed by what is tried of an instance.
    pub(super) fn has_missed(&self, instance: InstanceId) -> bool {
        self.missed.contains(&instance)
    }

    /// Whether an instance is to be read, or is being read.
    pub(super) fn owes(&self, instance: InstanceId) -> bool {
        self.asked.contains_key(&instance)
            || self.asked_later.contains(&instance)
            || self.missed.contains(&instance)
            || self.running.contains_key(&instance)
    }

    /// Asks for what was to be asked for by now, as far as it still waits.
    pub(super) fn ripen(&mut self, now: Instant, still_waits: impl Fn(InstanceId) -> bool) {
        while let Some((_, instance)) = self.later.pop_front_if(|(at, _)| *at <= now) {
            self.asked_later.remove(&instance);
            if still_waits(instance) {
                self.ask(instance);
            }
        }
    }

    /// When something is to be asked for that is not yet.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.later.front().map(|(at, _)| *at)
    }

    /// What waits of an instance was read anew: all of it is to be asked about.
    pub(super) fn forget(&mut self, instance: InstanceId) {
        self.seen.remove(&instance);
    }

    /// The next instance to read; none while as many are being read as may be.
    pub(super) fn start(&mut self) -> Option<InstanceId> {
        if self.running.len() >= REVIEWS_MAX {
            return None;
        }
        // At most as many are passed over as are running.
        let at = self.queue.iter().position(|instance| !self.running.contains_key(instance))?;
        let instance = self.queue.remove(at)?;
        let notices = self.asked.remove(&instance).unwrap_or_default();
        self.running.insert(instance, notices);
        Some(instance)
    }

    /// An instance was read, if that worked: says what is to be asked about.
    pub(super) fn end(
        &mut self,
        instance: InstanceId,
        read: Option<(&InstanceStateV1, Option<&OfAccount>)>,
    ) -> About {
        let notices = self.running.remove(&instance).unwrap_or_default();
        let Some(looked_at) = read.and_then(|(state, of_account)| looked_at(state, of_account)) else {
            self.seen.remove(&instance);
            return About::All;
        };
        if self.seen.len() >= SEEN_MAX {
            self.seen.clear();
        }
        if self.seen.insert(instance, looked_at) == Some(looked_at) {
            About::These(notices)
        } else {
            About::All
        }
    }
}

/// Whether a state that was read may judge a notice. One of a later commit is not for it: the link that let it be made, and
/// the endpoint that it is for, may be missing in it. It is asked about once that commit was read, or before it is sent.
pub(super) const fn judges(read_version: u64, notice: &NoticeKeyV1) -> bool {
    notice.version <= read_version
}

/// A digest of all that the gate looks at but for the clock, which is asked before each attempt.
fn looked_at(state: &InstanceStateV1, of_account: Option<&OfAccount>) -> Option<Hash> {
    let codes = match &state.phase {
        PhaseV1::Pairing(attempt) => Some((
            attempt.number,
            attempt.qr.as_ref().map(|shown| shown.index),
            attempt.pairing_code.as_ref().map(|shown| shown.index),
        )),
        _ => None,
    };
    let is_deleted = matches!(state.phase, PhaseV1::Deleted { .. });
    let parts = (&state.permission, state.session, is_deleted, codes, &state.webhooks, of_account);
    let bytes = postcard::to_allocvec(&parts).ok()?;
    Some(Hash::over(b"berth.webhooks.looked_at", &[&bytes]))
}

/// Reads the instance as it is now, with what its account says of these endpoints, again and again while the log does not answer. None if it will not be read
/// whatever the log does: what waits is then only asked about before it is sent.
pub(super) async fn state_now(
    tools: &Tools,
    instance: InstanceId,
    endpoints: &[EndpointId],
) -> Option<Permit> {
    loop {
        match tokio::time::timeout(READ_MAX, read(tools, instance, Reach::Endpoints(endpoints))).await {
            Ok(Ok(permit)) => return Some(permit),
            Ok(Err(fault)) if fault.lasts() => {
                tracing::warn!(%instance, %fault, "what an instance owes cannot be reviewed");
                return None;
            }
            Ok(Err(fault)) => tracing::warn!(%instance, %fault, "what an instance owes is reviewed later"),
            Err(_) => tracing::warn!(%instance, "the log is slow: what an instance owes is reviewed later"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use berth_notices::fixtures::{INSTANCE, linked, logged_out, state, webhook};
    use berth_proto::instance::{PermissionV1, WebhookV1};

    use super::*;

    fn instance(number: u8) -> InstanceId {
        InstanceId::from_bytes([number; 16])
    }

    #[test]
    fn each_is_read_once_at_a_time_and_again_if_asked_meanwhile() {
        let mut reviews = Reviews::default();
        reviews.ask(instance(1));
        reviews.ask(instance(1));
        reviews.ask(instance(2));
        assert_eq!(reviews.start(), Some(instance(1)));
        reviews.ask(instance(1));
        assert_eq!((reviews.start(), reviews.start()), (Some(instance(2)), None));
        reviews.end(instance(1), None);
        assert_eq!((reviews.start(), reviews.start()), (Some(instance(1)), None));
    }

    fn notice(version: u64) -> NoticeKeyV1 {
        NoticeKeyV1 { instance: INSTANCE, version, endpoint: EndpointId::from_bytes([2; 16]), ordinal: 0 }
    }

    #[test]
    fn what_comes_back_is_asked_about_if_something_happened_meanwhile() {
        let mut reviews = Reviews::default();
        reviews.came_back(notice(1));
        assert_eq!(reviews.start(), None);
        reviews.missed_by_what_is_tried(INSTANCE);
        for version in [2, 3] {
            reviews.came_back(notice(version));
            assert_eq!(reviews.start(), Some(INSTANCE), "each that was tried");
            reviews.end(INSTANCE, None);
        }
        reviews.none_is_tried(INSTANCE);
        assert!(!reviews.has_missed(INSTANCE));
        reviews.came_back(notice(4));
        assert_eq!(reviews.start(), None);
    }

    #[test]
    fn what_only_waits_for_its_turn_is_asked_about_if_it_still_waits_a_moment_later() {
        let (mut reviews, now) = (Reviews::default(), Instant::now());
        for number in [1, 2, 1] {
            reviews.ask_later(instance(number), now);
        }
        assert_eq!((reviews.start(), reviews.wake_at()), (None, Some(now + LATER)));
        reviews.ripen(now, |_| true);
        assert_eq!(reviews.start(), None);
        reviews.ripen(now + LATER, |waits| waits == instance(2));
        assert_eq!((reviews.start(), reviews.start()), (Some(instance(2)), None));
        assert_eq!(reviews.wake_at(), None);
        // What is asked for already is not asked for once more.
        reviews.ask(instance(1));
        reviews.ask_later(instance(1), now);
        assert_eq!(reviews.wake_at(), None);
    }

    #[test]
    fn all_is_asked_about_once_for_each_change_and_else_what_came_back() {
        let mut reviews = Reviews::default();
        let read = |reviews: &mut Reviews, notice, state: &InstanceStateV1| {
            reviews.ask_about(INSTANCE, notice);
            assert_eq!(reviews.start(), Some(INSTANCE));
            reviews.end(INSTANCE, Some((state, Some(&OfAccount::default()))))
        };
        let open = state(linked(), PermissionV1::Open, 1);
        let silent = state(logged_out(), PermissionV1::Silent, 2);
        assert_eq!(read(&mut reviews, None, &open), About::All);
        assert_eq!(read(&mut reviews, Some(notice(3)), &open), About::These([notice(3)].into()));
        let renamed = InstanceStateV1 { credential_version: 7, ..open };
        assert_eq!(
            read(&mut reviews, None, &renamed),
            About::These([].into()),
            "it says nothing to the gate"
        );
        assert_eq!(read(&mut reviews, Some(notice(3)), &silent), About::All);
        let mut disabled = silent;
        disabled.webhooks = vec![WebhookV1 { enabled: false, ..webhook("native") }];
        assert_eq!(read(&mut reviews, None, &disabled), About::All);
        reviews.forget(INSTANCE);
        assert_eq!(read(&mut reviews, None, &disabled), About::All);
        // Nor is it the same when an endpoint of its account is another one.
        let more = OfAccount { webhooks: vec![webhook("native")], is_closed: false };
        reviews.ask(INSTANCE);
        reviews.start();
        assert_eq!(reviews.end(INSTANCE, Some((&disabled, Some(&more)))), About::All);
        assert_eq!(read(&mut reviews, None, &disabled), About::All);
        // Nor when the account was not read: what was said of its endpoints is not known by that.
        reviews.ask(INSTANCE);
        reviews.start();
        assert_eq!(reviews.end(INSTANCE, Some((&disabled, None))), About::All);
        assert_eq!(read(&mut reviews, None, &disabled), About::All);

        // What comes back while the instance is read is asked about with the next read.
        reviews.ask(INSTANCE);
        reviews.start();
        reviews.ask_about(INSTANCE, Some(notice(4)));
        assert_eq!(
            reviews.end(INSTANCE, Some((&disabled, Some(&OfAccount::default())))),
            About::These([].into())
        );
        reviews.start();
        assert_eq!(
            reviews.end(INSTANCE, Some((&disabled, Some(&OfAccount::default())))),
            About::These([notice(4)].into())
        );
    }

    #[test]
    fn a_state_judges_no_notice_of_a_later_commit() {
        let judged = [4, 5, 6].map(|version| judges(5, &notice(version)));
        assert_eq!(judged, [true, true, false]);
    }

    #[test]
    fn no_more_at_once_than_may_be() {
        let mut reviews = Reviews::default();
        for number in 0..=u8::MAX {
            reviews.ask(instance(number));
        }
        assert_eq!(std::iter::from_fn(|| reviews.start()).count(), REVIEWS_MAX);
        reviews.end(instance(0), None);
        assert!(reviews.start().is_some());
    }
}
