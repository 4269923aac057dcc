//! How an endpoint fares: a fold of the ends of its attempts, from which its breaker follows (R19); pure.
//!
//! Every replica folds the attempts of all of them, in the order of the store of attempts. So each knows of an endpoint what
//! the others know, and neither a restart nor another owner of a partition makes a breaker forget.

use std::time::Duration;

use berth_proto::{
    AccountId, InstanceId, Timestamp,
    attempt::{AfterAttemptV1, AttemptEndV1, AttemptResultV1, DeliveryAttemptV1},
    delivery::{EndpointStandingV1, SettlementV1},
};
use serde::{Deserialize, Serialize};

use crate::{
    outbox::read_row,
    schedule::{BreakerRule, plus},
};

/// Minutes over which at least half of the attempts have to fail.
const RECENT_MINUTES: usize = 5;
/// Failures in a row from which on an endpoint counts as failing.
const FAILING_FROM: u32 = 4;
/// Microseconds of a minute.
const MINUTE: i64 = 60 * 1_000_000;

/// How an endpoint fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Health {
    /// The place of the last record of it: an earlier one changes nothing.
    sequence: u64,
    /// The account of its instance.
    pub(crate) account: AccountId,
    /// Attempts that failed since the last that did not.
    pub(crate) failures: u32,
    /// When the first of these ended.
    pub(crate) failing_since: Option<Timestamp>,
    /// When its last attempt ended.
    pub(crate) tried_at: Timestamp,
    recent: Recent,
    /// Its breaker, while that is open.
    pub(crate) open: Option<Open>,
    /// The instance that it was last told of.
    pub(crate) instance: InstanceId,
    /// What came of the last attempt.
    last: Fate,
    /// Whether something was given up since it last took something.
    given_up: bool,
}

/// The same as a former release wrote it, before accounts were told how their endpoints fare.
#[derive(Serialize, Deserialize)]
struct FormerHealth {
    sequence: u64,
    account: AccountId,
    failures: u32,
    failing_since: Option<Timestamp>,
    tried_at: Timestamp,
    recent: Recent,
    open: Option<Open>,
}

/// A breaker that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Open {
    /// How often in a row it was opened or stayed open.
    pub(crate) times: u32,
    /// When the attempt began that did so: a change of the endpoint since then may have mended it.
    pub(crate) tried_at: Timestamp,
    /// When one notice may try whether the endpoint takes something again.
    pub(crate) until: Timestamp,
}

/// What came of an attempt, as far as it says something of the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Fate {
    Taken,
    Failed,
    /// It was disabled for what it answered: it begins anew if it is ever enabled again.
    Disabled,
}

/// Attempts of the last minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Recent {
    /// The last minute in which something ended, since 1970.
    minute: i64,
    /// Attempts and failures of that minute and of those before it.
    counts: [(u32, u32); RECENT_MINUTES],
}

// === impl Health ===

impl Health {
    /// The value of a row, as this release writes it or a former one did; none if it is damaged.
    pub(crate) fn read(row: &[u8]) -> Option<Self> {
        read_row(row).or_else(|| read_row(row).map(FormerHealth::into))
    }

    /// What it is after a record, if the record is news and says something of the endpoint.
    pub(crate) fn after(
        before: Option<&Self>,
        sequence: u64,
        attempt: &DeliveryAttemptV1,
        rule: &BreakerRule,
    ) -> Option<Self> {
        let end = attempt.end.as_ref()?;
        let fate = Fate::of(end)?;
        if before.is_some_and(|before| before.sequence >= sequence) {
            return None;
        }
        let ended_at = plus(attempt.started_at, Duration::from_millis(end.took_ms.into()));
        let mut health = before.cloned().unwrap_or(Self {
            sequence,
            account: attempt.account,
            failures: 0,
            failing_since: None,
            tried_at: ended_at,
            recent: Recent::default(),
            open: None,
            instance: attempt.notice.instance,
            last: fate,
            given_up: false,
        });
        (health.sequence, health.account, health.tried_at) = (sequence, attempt.account, ended_at);
        (health.instance, health.last) = (attempt.notice.instance, fate);
        health.recent.count(ended_at, fate == Fate::Failed);
        if fate == Fate::Failed {
            health.failures = health.failures.saturating_add(1);
            health.failing_since.get_or_insert(ended_at);
            health.open = health.opened(attempt.started_at, ended_at, rule);
        } else {
            (health.failures, health.failing_since, health.open) = (0, None, None);
        }
        let exhausted = AfterAttemptV1::Settled { outcome: SettlementV1::Exhausted };
        health.given_up = fate == Fate::Failed && (health.given_up || end.then == exhausted);
        Some(health)
    }

    /// How it fares, as far as its owner is told; none if there is nothing to tell yet.
    pub(crate) const fn standing(&self) -> Option<EndpointStandingV1> {
        match self.last {
            Fate::Disabled => Some(EndpointStandingV1::Disabled),
            Fate::Taken => Some(EndpointStandingV1::Recovered),
            Fate::Failed if self.given_up => Some(EndpointStandingV1::Exhausted),
            Fate::Failed if self.failures >= FAILING_FROM => Some(EndpointStandingV1::Failing),
            Fate::Failed => None,
        }
    }

    /// Its breaker after a failure. Attempts that were under way when it opened keep it open for no longer.
    fn opened(&self, started_at: Timestamp, ended_at: Timestamp, rule: &BreakerRule) -> Option<Open> {
        let times = match self.open {
            Some(open) if started_at < open.until => return Some(open),
            Some(open) => open.times.saturating_add(1),
            None if self.failures >= rule.failures && self.recent.is_mostly_failing() => 1,
            None => return None,
        };
        let pause = rule.open_min.saturating_mul(1_u32.checked_shl(times - 1).unwrap_or(u32::MAX));
        Some(Open { times, tried_at: started_at, until: plus(ended_at, pause.min(rule.open_max)) })
    }
}

// === impl FormerHealth ===

impl From<FormerHealth> for Health {
    fn from(former: FormerHealth) -> Self {
        let FormerHealth { sequence, account, failures, failing_since, tried_at, recent, open } = former;
        let last = if failures == 0 { Fate::Taken } else { Fate::Failed };
        Self {
            sequence,
            account,
            failures,
            failing_since,
            tried_at,
            recent,
            open,
            // Nobody noted it: the account stands in its place where there is none.
            instance: InstanceId::from_bytes(*account.as_bytes()),
            last,
            given_up: false,
        }
    }
}

// === impl Open ===

impl Open {
    /// The same, but over at that moment at the latest.
    pub(crate) fn until_at_most(self, latest: Timestamp) -> Self {
        Self { until: self.until.min(latest), ..self }
    }
}

// === impl Fate ===

impl Fate {
    /// None of an attempt of which the endpoint saw nothing for reasons of ours.
    fn of(end: &AttemptEndV1) -> Option<Self> {
        if matches!(end.result, AttemptResultV1::NotSent | AttemptResultV1::Unreadable) {
            return None;
        }
        Some(match end.then {
            AfterAttemptV1::Settled { outcome: SettlementV1::Delivered } => Self::Taken,
            AfterAttemptV1::Settled { outcome: SettlementV1::CancelledByEndpoint } => Self::Disabled,
            AfterAttemptV1::Settled { .. } | AfterAttemptV1::Waits { .. } => Self::Failed,
        })
    }
}

// === impl Recent ===

impl Recent {
    fn count(&mut self, at: Timestamp, failed: bool) {
        let minute = at.0.div_euclid(MINUTE);
        let later = minute.saturating_sub(self.minute);
        match usize::try_from(later.unsigned_abs()) {
            // Of a minute that is counted still, or one that follows.
            Ok(by) if by < RECENT_MINUTES && later >= 0 => {
                self.counts.rotate_right(by);
                self.counts.iter_mut().take(by).for_each(|count| *count = (0, 0));
                self.minute = minute;
                self.add(0, failed);
            }
            Ok(by) if by < RECENT_MINUTES => self.add(by, failed),
            // Long after, or by another clock.
            _ => {
                *self = Self { minute, ..Self::default() };
                self.add(0, failed);
            }
        }
    }

    fn add(&mut self, minutes_ago: usize, failed: bool) {
        if let Some((all, failures)) = self.counts.get_mut(minutes_ago) {
            *all = all.saturating_add(1);
            *failures = failures.saturating_add(u32::from(failed));
        }
    }

    fn is_mostly_failing(&self) -> bool {
        let sum =
            |of: fn(&(u32, u32)) -> u32| self.counts.iter().map(|count| u64::from(of(count))).sum::<u64>();
        sum(|(_, failures)| *failures) * 2 >= sum(|(all, _)| *all)
    }
}

#[cfg(test)]
mod tests {
    use berth_notices::fixtures::{INSTANCE, at};
    use berth_proto::{
        EndpointId,
        delivery::{NoticeClass, NoticeKeyV1},
    };

    use super::*;

    const RULE: BreakerRule =
        BreakerRule { failures: 5, open_min: Duration::from_secs(30), open_max: Duration::from_mins(30) };

    fn ended(started: i64, result: AttemptResultV1, then: AfterAttemptV1) -> DeliveryAttemptV1 {
        DeliveryAttemptV1 {
            notice: NoticeKeyV1 {
                instance: INSTANCE,
                version: 2,
                endpoint: EndpointId::from_bytes([2; 16]),
                ordinal: 0,
            },
            account: AccountId::from_bytes([1; 16]),
            class: NoticeClass::Lifecycle,
            event: "instance.open".to_owned(),
            occurred_at: at(0),
            number: 1,
            started_at: at(started),
            end: Some(AttemptEndV1 { took_ms: 1_000, result, answer: None, then }),
        }
    }

    fn failed(started: i64) -> DeliveryAttemptV1 {
        ended(started, AttemptResultV1::TimedOut, AfterAttemptV1::Waits { until: at(started + 9) })
    }

    fn taken(started: i64) -> DeliveryAttemptV1 {
        let then = AfterAttemptV1::Settled { outcome: SettlementV1::Delivered };
        ended(started, AttemptResultV1::Answered { status: 200 }, then)
    }

    fn folded(attempts: &[DeliveryAttemptV1]) -> Option<Health> {
        let mut health = None;
        for (sequence, attempt) in (1..).zip(attempts) {
            health = Health::after(health.as_ref(), sequence, attempt, &RULE).or(health);
        }
        health
    }

    fn until(attempts: &[DeliveryAttemptV1]) -> Option<Timestamp> {
        folded(attempts)?.open.map(|open| open.until)
    }

    #[test]
    fn it_opens_after_five_failures_in_a_row_and_longer_each_time() {
        let mut attempts: Vec<_> = (0..5).map(|n| failed(n * 10)).collect();
        assert_eq!(until(&attempts[..4]), None);
        assert_eq!(until(&attempts), Some(at(41 + 30)));
        attempts.push(failed(45));
        assert_eq!(until(&attempts), Some(at(71)), "that one was under way");
        attempts.push(failed(71));
        assert_eq!(until(&attempts), Some(at(72 + 60)));
        for _ in 0..40 {
            attempts.push(failed(until(&attempts).unwrap().seconds() - at(0).seconds()));
        }
        let last = folded(&attempts).unwrap();
        assert_eq!(last.open.unwrap().until, plus(last.tried_at, RULE.open_max));
        assert_eq!((last.failures, last.failing_since), (47, Some(at(1))));
        attempts.push(taken(9_999_999));
        let last = folded(&attempts).unwrap();
        assert_eq!((last.open, last.failures, last.failing_since), (None, 0, None));
    }

    #[test]
    fn an_endpoint_that_takes_more_than_it_refuses_is_not_left_alone() {
        let mut attempts: Vec<_> = (0..6).map(|n| taken(240 + n)).collect();
        attempts.extend((0..5).map(|n| failed(290 + n)));
        assert_eq!(until(&attempts), None);
        attempts.push(failed(296));
        assert_eq!(until(&attempts), Some(at(297 + 30)));
        // What was taken long ago does not count.
        let mut attempts: Vec<_> = (0..9).map(taken).collect();
        attempts.extend((0..5).map(|n| failed(400 + n)));
        assert_eq!(until(&attempts), Some(at(405 + 30)));
    }

    #[test]
    fn what_nobody_saw_says_nothing_and_a_record_counts_once() {
        let waits = AfterAttemptV1::Waits { until: at(9) };
        let before = folded(&[failed(0)]).unwrap();
        for result in [AttemptResultV1::NotSent, AttemptResultV1::Unreadable] {
            assert_eq!(Health::after(Some(&before), 2, &ended(1, result, waits), &RULE), None);
        }
        let running = DeliveryAttemptV1 { end: None, ..failed(1) };
        assert_eq!(Health::after(Some(&before), 2, &running, &RULE), None);
        assert_eq!(Health::after(Some(&before), 1, &failed(1), &RULE), None);
    }

    #[test]
    fn one_that_is_disabled_begins_anew() {
        let mut attempts: Vec<_> = (0..9).map(failed).collect();
        let then = AfterAttemptV1::Settled { outcome: SettlementV1::CancelledByEndpoint };
        attempts.push(ended(10, AttemptResultV1::Answered { status: 410 }, then));
        attempts.push(failed(11));
        let health = folded(&attempts).unwrap();
        assert_eq!((health.failures, health.failing_since, health.open), (1, Some(at(12)), None));
    }

    #[test]
    fn five_days_of_failures_go_on_over_a_release_that_writes_more() {
        let attempts: Vec<_> = (0..9).map(failed).collect();
        let health = folded(&attempts).unwrap();
        let Health { sequence, account, failures, failing_since, tried_at, recent, open, .. } = health;
        let former = FormerHealth { sequence, account, failures, failing_since, tried_at, recent, open };
        let read = Health::read(&postcard::to_allocvec(&former).unwrap()).unwrap();
        let of_nobody = InstanceId::from_bytes(*account.as_bytes());
        assert_eq!(read, Health { instance: of_nobody, ..health });
        assert_eq!(Health::read(&postcard::to_allocvec(&health).unwrap()), Some(health));
        assert_eq!(Health::read(&[]), None);
    }

    #[test]
    fn a_clock_that_jumps_leaves_counts_of_one_clock() {
        let month = 30 * 24 * 3_600;
        let mut attempts: Vec<_> = (0..9).map(|n| taken(month + n)).collect();
        attempts.extend((0..5).map(failed));
        assert!(until(&attempts).is_some());
    }
}
