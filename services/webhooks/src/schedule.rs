//! When a failed attempt is repeated, and what an answer means (R6, R17, R18).

use std::time::Duration;

use berth_notices::formats::RetryRule;
use berth_proto::Timestamp;
use berth_runtime::Entropy;

/// Delays before the second, third … attempt of a notice: 75 h 35 min in all.
const STANDARD_DELAYS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];
/// Delays before the second, third and fourth attempt of a code: at 1, 3 and 8 s after the first.
const QR_DELAYS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(5)];
/// GREEN-API repeats a notice every minute …
const GREEN_DELAY: Duration = Duration::from_mins(1);
/// … until it is a day old.
const GREEN_AGE_MAX: Duration = Duration::from_hours(24);
/// The latest that an endpoint may put us off with `Retry-After`.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);
/// What is added to how far ahead an attempt can be due: a time service may correct the clock by as much.
const AHEAD_MARGIN: Duration = Duration::from_mins(1);
/// The time-out of an attempt, the answer's body included.
const ATTEMPT_MAX: Duration = Duration::from_secs(15);
/// How long a message event of an upstream waits before the log is asked again whether it may still be told.
const LETTER_LOOK: Duration = Duration::from_secs(30);
/// Failures in a row after which an endpoint is left alone for a while …
const BREAKER_FAILURES: u32 = 5;
/// … at first for so long, then twice as long each time …
const BREAKER_OPEN_MIN: Duration = Duration::from_secs(30);
/// … up to this.
const BREAKER_OPEN_MAX: Duration = Duration::from_mins(30);
/// An endpoint that took nothing for so long is disabled.
const DISABLED_AFTER: Duration = Duration::from_hours(5 * 24);
/// GREEN-API endpoints have longer to answer.
const GREEN_ATTEMPT_MAX: Duration = Duration::from_mins(3);

/// When failed attempts are repeated. The default is the documented schedule; tests use shorter ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Delays after the first, second … failed attempt of a notice; after the last it is exhausted.
    pub delays: Vec<Duration>,
    /// The same for codes.
    pub qr_delays: Vec<Duration>,
    /// Between attempts at a GREEN-API endpoint.
    pub green_delay: Duration,
    /// The age at which GREEN-API gives a notice up.
    pub green_age_max: Duration,
    /// Each delay is lengthened by a random part of up to this many percent.
    pub jitter_percent: u32,
    /// The time-out of an attempt.
    pub attempt_max: Duration,
    /// The time-out of an attempt at a GREEN-API endpoint.
    pub green_attempt_max: Duration,
    /// How long a message event of an upstream that waits is left before the log is asked whether it may still be told.
    pub letter_look: Duration,
    /// When an endpoint that fails is left alone for a while.
    pub breaker: BreakerRule,
    /// For how long an endpoint takes nothing before it is disabled.
    pub disabled_after: Duration,
}

/// When the breaker of an endpoint opens, and for how long (R19).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerRule {
    /// Failures in a row, if at least half of the attempts of the last five minutes failed too.
    pub failures: u32,
    /// For how long it opens at first; twice as long after each probe that fails.
    pub open_min: Duration,
    /// For how long at most.
    pub open_max: Duration,
}

/// How an endpoint received a notice, by its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reception {
    /// Accepted.
    Delivered,
    /// Not accepted; the endpoint asks to wait at least that long.
    Failed {
        /// What it asks for.
        retry_after: Option<Duration>,
    },
    /// The endpoint wants nothing more, ever.
    Disable,
}

/// An answer of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The value of `Retry-After`.
    pub retry_after: Option<String>,
    /// Whether `webhook-delivery: disable` was said.
    pub disable: bool,
    /// The beginning of the body.
    pub body: Vec<u8>,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            delays: STANDARD_DELAYS.to_vec(),
            qr_delays: QR_DELAYS.to_vec(),
            green_delay: GREEN_DELAY,
            green_age_max: GREEN_AGE_MAX,
            jitter_percent: 20,
            attempt_max: ATTEMPT_MAX,
            green_attempt_max: GREEN_ATTEMPT_MAX,
            letter_look: LETTER_LOOK,
            breaker: BreakerRule {
                failures: BREAKER_FAILURES,
                open_min: BREAKER_OPEN_MIN,
                open_max: BREAKER_OPEN_MAX,
            },
            disabled_after: DISABLED_AFTER,
        }
    }
}

// === impl Schedule ===

impl Schedule {
    /// When the next attempt is due after `attempts` failed ones; none if the notice is exhausted.
    pub fn next(&self, failed: &Failed<'_>, entropy: &dyn Entropy) -> Option<Timestamp> {
        let made = usize::from(failed.attempts).saturating_sub(1);
        let delay = match failed.rule {
            _ if failed.is_code => *self.qr_delays.get(made)?,
            RetryRule::Standard => *failed.own_delays.unwrap_or(&self.delays).get(made)?,
            RetryRule::GreenApi => {
                let next = plus(failed.now, self.green_delay);
                // Counted too: one that is dated ahead, by a clock that had jumped, is not repeated for longer.
                let is_in_time = next <= plus(failed.occurred_at, self.green_age_max)
                    && self.green_delay * u32::from(failed.attempts) <= self.green_age_max;
                return is_in_time.then_some(next);
            }
        };
        let spread =
            u64::try_from(delay.as_micros()).unwrap_or(u64::MAX) / 100 * u64::from(self.jitter_percent);
        let delay = delay + Duration::from_micros(entropy.below(spread.saturating_add(1)));
        let asked = failed.retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
        Some(plus(failed.now, delay.max(asked)))
    }

    /// How far ahead an attempt can be due.
    pub(crate) fn ahead_max(&self) -> Duration {
        let delays = self.delays.iter().chain(&self.qr_delays).chain([&self.green_delay]);
        let longest = delays.max().copied().unwrap_or_default();
        (longest + longest * self.jitter_percent / 100).max(RETRY_AFTER_MAX) + AHEAD_MARGIN
    }

    /// How long a notice is tried, from its first attempt on, by an endpoint that may have delays of its own.
    pub(crate) fn lifetime(&self, is_code: bool, own_delays: Option<&[Duration]>) -> Duration {
        let delays = if is_code { &self.qr_delays } else { own_delays.unwrap_or(&self.delays) };
        delays.iter().sum()
    }

    /// How long an attempt may take.
    pub const fn attempt_max(&self, rule: RetryRule) -> Duration {
        match rule {
            RetryRule::Standard => self.attempt_max,
            RetryRule::GreenApi => self.green_attempt_max,
        }
    }
}

/// A failed attempt.
#[derive(Debug, Clone, Copy)]
pub struct Failed<'a> {
    /// The rule of its format.
    pub rule: RetryRule,
    /// Delays that its endpoint asks for instead of the usual ones.
    pub own_delays: Option<&'a [Duration]>,
    /// Whether it showed a code.
    pub is_code: bool,
    /// Attempts made so far, this one included.
    pub attempts: u16,
    /// When the notice came into being.
    pub occurred_at: Timestamp,
    /// When the attempt ended.
    pub now: Timestamp,
    /// What the endpoint asks for.
    pub retry_after: Option<Duration>,
}

/// What an answer means under a rule.
pub fn judge(rule: RetryRule, answer: &Answer, now: Timestamp) -> Reception {
    let accepted = match rule {
        RetryRule::Standard => (200..300).contains(&answer.status),
        RetryRule::GreenApi => answer.status == 200,
    };
    if rule == RetryRule::Standard && (answer.status == 410 || answer.disable) {
        return Reception::Disable;
    }
    if accepted {
        return Reception::Delivered;
    }
    let heard = matches!(answer.status, 429 | 503);
    let retry_after = answer.retry_after.as_deref().filter(|_| heard).and_then(|text| retry_after(text, now));
    Reception::Failed { retry_after }
}

/// `Retry-After`: seconds, or an HTTP date.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text.trim()).ok()?;
    let at_seconds = date.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    Some(Duration::from_secs(at_seconds.saturating_sub(u64::try_from(now.seconds()).unwrap_or_default())))
}

/// The moment `by` later.
pub(crate) fn plus(at: Timestamp, by: Duration) -> Timestamp {
    Timestamp(at.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
}

/// A moment so long before another one.
pub(crate) fn minus(at: Timestamp, by: Duration) -> Timestamp {
    Timestamp(at.0.saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use berth_runtime::SeededEntropy;

    use super::*;
    use berth_notices::fixtures::at;

    fn failed(attempts: u16) -> Failed<'static> {
        Failed {
            rule: RetryRule::Standard,
            own_delays: None,
            is_code: false,
            attempts,
            occurred_at: at(0),
            now: at(0),
            retry_after: None,
        }
    }

    #[test]
    fn ten_attempts_over_three_days_and_never_early() {
        let schedule = Schedule::default();
        let entropy = SeededEntropy::new(7);
        let mut total = Duration::ZERO;
        for (attempts, delay) in (1..).zip(&schedule.delays) {
            let next = schedule.next(&failed(attempts), &entropy).unwrap();
            assert!(next >= plus(at(0), *delay) && next <= plus(at(0), *delay * 6 / 5), "{attempts}");
            total += *delay;
        }
        assert_eq!(total, Duration::from_secs((75 * 60 + 35) * 60 + 5));
        assert_eq!(schedule.next(&failed(10), &entropy), None);
    }

    #[test]
    fn an_endpoint_is_tried_again_when_it_asks_for_it_and_codes_as_ever() {
        let schedule = Schedule { jitter_percent: 0, ..Schedule::default() };
        let own = [Duration::from_secs(7), Duration::from_secs(70)];
        let next = |attempts, is_code| {
            let failed = Failed { own_delays: Some(&own), is_code, ..failed(attempts) };
            schedule.next(&failed, &SeededEntropy::new(7))
        };
        assert_eq!([1, 2, 3].map(|made| next(made, false)), [Some(at(7)), Some(at(70)), None]);
        assert_eq!(next(3, true), Some(at(5)));
        assert_eq!(schedule.lifetime(false, Some(&own)), Duration::from_secs(77));
        assert_eq!(schedule.lifetime(true, Some(&own)), Duration::from_secs(8));
    }

    #[test]
    fn a_code_is_repeated_three_times_within_eight_seconds() {
        let schedule = Schedule { jitter_percent: 0, ..Schedule::default() };
        let entropy = SeededEntropy::new(7);
        let next = |attempts, now| {
            schedule.next(&Failed { is_code: true, now: at(now), ..failed(attempts) }, &entropy)
        };
        assert_eq!(
            [next(1, 0), next(2, 1), next(3, 3), next(4, 8)],
            [Some(at(1)), Some(at(3)), Some(at(8)), None]
        );
    }

    #[test]
    fn green_api_repeats_every_minute_for_a_day() {
        let schedule = Schedule::default();
        let next = |now| {
            let failed = Failed { rule: RetryRule::GreenApi, now: at(now), ..failed(900) };
            schedule.next(&failed, &SeededEntropy::new(7))
        };
        assert_eq!(next(0), Some(at(60)));
        assert_eq!(next(24 * 3600 - 60), Some(at(24 * 3600)));
        assert_eq!(next(24 * 3600), None);
    }

    #[test]
    fn the_later_of_schedule_and_retry_after_up_to_a_day() {
        let schedule = Schedule { jitter_percent: 0, ..Schedule::default() };
        let next = |seconds| {
            let retry_after = Some(Duration::from_secs(seconds));
            schedule.next(&Failed { retry_after, ..failed(1) }, &SeededEntropy::new(7))
        };
        assert_eq!(next(1), Some(at(5)));
        assert_eq!(next(90), Some(at(90)));
        assert_eq!(next(u64::MAX), Some(at(24 * 3600)));
    }

    #[test]
    fn what_answers_mean() {
        let judge = |rule, status, retry_after: Option<&str>, disable| {
            judge(
                rule,
                &Answer {
                    status,
                    retry_after: retry_after.map(ToOwned::to_owned),
                    disable,
                    body: Vec::new(),
                },
                at(0),
            )
        };
        let seconds = |seconds| Reception::Failed { retry_after: Some(Duration::from_secs(seconds)) };
        let plain = Reception::Failed { retry_after: None };
        assert_eq!(judge(RetryRule::Standard, 204, None, false), Reception::Delivered);
        assert_eq!(judge(RetryRule::GreenApi, 204, None, false), plain);
        assert_eq!(judge(RetryRule::GreenApi, 200, None, false), Reception::Delivered);
        assert_eq!(judge(RetryRule::Standard, 302, None, false), plain);
        assert_eq!(judge(RetryRule::Standard, 410, None, false), Reception::Disable);
        assert_eq!(judge(RetryRule::Standard, 200, None, true), Reception::Disable);
        assert_eq!(judge(RetryRule::Standard, 503, Some("120"), false), seconds(120));
        assert_eq!(
            judge(RetryRule::Standard, 429, Some("Tue, 14 Nov 2023 22:15:20 GMT"), false),
            seconds(120)
        );
        assert_eq!(judge(RetryRule::Standard, 500, Some("120"), false), plain);
        assert_eq!(judge(RetryRule::Standard, 503, Some("soon"), false), plain);
    }
}
