//! What endpoints were sent, in the reader's words: how it stands, why, and what comes next.

use berth_gateway::app::{Attempt, Failure, Record};
use berth_proto::{
    attempt::{AfterAttemptV1, AttemptResultV1},
    deliveries::{DeliveryV1, StandingV1},
    delivery::{NoticeClass, SettlementV1},
    event::Event,
};

use crate::{moment::Moment, texts::Texts, visit::Visit};

/// Commits that are read at once, and how often: what was silenced longer before its logout names no version.
const COMMITS_PER_READ: usize = 100;
/// See [`COMMITS_PER_READ`].
const READS_MAX: usize = 10;

/// A delivery as a list shows it.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    /// The `webhook-id`.
    pub(crate) id: String,
    pub(crate) endpoint: String,
    /// The endpoint's URL, where it is known.
    pub(crate) address: String,
    /// The version of the history that it tells of.
    pub(crate) version: u64,
    pub(crate) event: String,
    /// The colour and the sign of its state.
    pub(crate) look: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) standing: String,
    /// What came of the last attempt, or why none is made any more.
    pub(crate) why: Option<String>,
    /// The version of the logout or the delete that silenced it.
    pub(crate) silenced_in: Option<u64>,
    pub(crate) attempts: u16,
    pub(crate) occurred: Moment,
    pub(crate) last: Option<Moment>,
    pub(crate) next: Option<Moment>,
    /// Whether it waits to be tried, so that a resend is a try at once.
    pub(crate) waits: bool,
    /// Whether a resend can bring it.
    pub(crate) repeatable: bool,
}

/// An attempt as a page shows it.
#[derive(Debug, Clone)]
pub(crate) struct Tried {
    pub(crate) number: u16,
    pub(crate) started: Moment,
    pub(crate) took: Option<String>,
    /// What came of it.
    pub(crate) result: String,
    pub(crate) is_good: bool,
    /// What becomes of the notice.
    pub(crate) then: Option<String>,
    pub(crate) until: Option<Moment>,
    /// The beginning of what the endpoint answered.
    pub(crate) answer: Option<String>,
}

/// Where an instance was logged out or deleted: versions of its history, the oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ends(Vec<u64>);

impl Ends {
    /// Looks for what silenced these deliveries. What cannot be found is left out: the page says then what happened and
    /// not where.
    pub(crate) async fn of(
        visit: &Visit,
        record: &Record,
        deliveries: &[DeliveryV1],
    ) -> Result<Self, Failure> {
        let silenced = deliveries.iter().filter(|it| is_silenced(it.standing));
        let Some(first) = silenced.map(|it| it.notice.version).min() else { return Ok(Self::default()) };
        let (mut found, mut after) = (Vec::new(), first);
        for _ in 0..READS_MAX {
            let page = visit.app.histories.page(record.id, after, COMMITS_PER_READ).await?;
            let ends = page.entries.iter().filter(|entry| {
                matches!(&entry.event, Some(Event::LoggedOut(_) | Event::InstanceDeleted(_)))
            });
            found.extend(ends.map(|entry| entry.commit.version));
            if !page.more {
                break;
            }
            after = page.last_version;
        }
        found.dedup();
        Ok(Self(found))
    }

    /// The first end after what a delivery tells of.
    fn after(&self, version: u64) -> Option<u64> {
        self.0.iter().copied().find(|end| *end > version)
    }
}

const fn is_silenced(standing: StandingV1) -> bool {
    let StandingV1::Settled { outcome } = standing else { return false };
    matches!(outcome, SettlementV1::CancelledByLogout | SettlementV1::CancelledByDelete)
}

impl Sent {
    pub(crate) fn of(delivery: &DeliveryV1, ends: &Ends, address: Option<String>, t: Texts) -> Self {
        let standing = delivery.standing;
        let (look, icon, key) = looks(standing);
        let silenced_in = is_silenced(standing).then(|| ends.after(delivery.notice.version)).flatten();
        Self {
            id: format!("msg_{}", delivery.id),
            endpoint: delivery.notice.endpoint.to_string(),
            address: address.unwrap_or_else(|| delivery.notice.endpoint.to_string()),
            version: delivery.notice.version,
            event: delivery.event.clone(),
            look,
            icon,
            standing: t.f(key, &[]),
            why: why(delivery, silenced_in, t),
            silenced_in,
            attempts: delivery.attempts,
            occurred: delivery.occurred_at.into(),
            last: delivery.last_at.map(Into::into),
            next: delivery.next_at.map(Into::into),
            waits: standing == StandingV1::Waiting,
            repeatable: delivery.class != NoticeClass::Qr && !is_silenced(standing),
        }
    }
}

impl Tried {
    pub(crate) fn of(tried: Attempt, t: Texts) -> Self {
        let Attempt { attempt, answer } = tried;
        let end = attempt.end.as_ref();
        let outcome = end.map(|end| end.then);
        let (then, until) = match outcome {
            Some(AfterAttemptV1::Waits { until }) => (Some(t.s("attempt-again")), Some(until.into())),
            Some(AfterAttemptV1::Settled { outcome }) => {
                (Some(t.f(looks(StandingV1::Settled { outcome }).2, &[])), None)
            }
            None => (None, None),
        };
        let delivered = AfterAttemptV1::Settled { outcome: SettlementV1::Delivered };
        Self {
            number: attempt.number,
            started: attempt.started_at.into(),
            took: end.map(|end| t.with("attempt-took", "ms", end.took_ms)),
            result: end.map_or_else(|| t.s("result-unknown"), |end| result(end.result, t)),
            is_good: outcome == Some(delivered),
            then,
            until,
            answer,
        }
    }
}

/// Colour, sign and word of a state.
const fn looks(standing: StandingV1) -> (&'static str, &'static str, &'static str) {
    let StandingV1::Settled { outcome } = standing else {
        return ("s-pairing", "connecting", "sent-waiting");
    };
    match outcome {
        SettlementV1::Delivered => ("s-linked", "linked", "sent-delivered"),
        SettlementV1::Exhausted => ("attention", "warning", "sent-exhausted"),
        SettlementV1::CancelledByLogout => ("s-created", "logged_out", "sent-cancelled-by-logout"),
        SettlementV1::CancelledByDelete => ("s-created", "deleted", "sent-cancelled-by-delete"),
        SettlementV1::CancelledByEndpoint => ("s-paused", "paused", "sent-cancelled-by-endpoint"),
        SettlementV1::Superseded => ("s-created", "created", "sent-superseded"),
        SettlementV1::Expired => ("s-created", "created", "sent-expired"),
    }
}

fn why(delivery: &DeliveryV1, silenced_in: Option<u64>, t: Texts) -> Option<String> {
    let last = delivery.last.map(|last| result(last, t));
    let StandingV1::Settled { outcome } = delivery.standing else { return last };
    let silenced = |known: &str, unknown: &str| match silenced_in {
        Some(version) => t.f(known, &[("version", version.to_string())]),
        None => t.f(unknown, &[]),
    };
    match outcome {
        SettlementV1::Delivered | SettlementV1::Exhausted => last,
        SettlementV1::CancelledByLogout => Some(silenced("why-silenced-logout", "why-silenced-logout-some")),
        SettlementV1::CancelledByDelete => Some(silenced("why-silenced-delete", "why-silenced-delete-some")),
        SettlementV1::CancelledByEndpoint => Some(t.s("why-silenced-endpoint")),
        SettlementV1::Superseded => Some(t.s("why-superseded")),
        SettlementV1::Expired => Some(t.s("why-expired")),
    }
}

/// What came of an attempt.
pub(crate) fn result(result: AttemptResultV1, t: Texts) -> String {
    match result {
        AttemptResultV1::Answered { status } => t.with("result-answered", "status", status),
        AttemptResultV1::Refused => t.s("result-refused"),
        AttemptResultV1::Invalid => t.s("result-invalid"),
        AttemptResultV1::Name => t.s("result-name"),
        AttemptResultV1::Connect => t.s("result-connect"),
        AttemptResultV1::TimedOut => t.s("result-timed-out"),
        AttemptResultV1::Broken => t.s("result-broken"),
        AttemptResultV1::NotSent => t.s("result-not-sent"),
        AttemptResultV1::Unreadable => t.s("result-unreadable"),
    }
}

/// Why an endpoint may be told nothing now.
pub(crate) fn silent(by: SettlementV1, t: Texts) -> String {
    match by {
        SettlementV1::CancelledByEndpoint => t.s("silent-endpoint"),
        SettlementV1::CancelledByDelete => t.s("problem-deleted"),
        SettlementV1::CancelledByLogout
        | SettlementV1::Superseded
        | SettlementV1::Expired
        | SettlementV1::Delivered
        | SettlementV1::Exhausted => t.s("silent-instance"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_silenced_names_the_first_end_after_it() {
        let ends = Ends(vec![6, 11]);
        assert_eq!(ends.after(4), Some(6));
        assert_eq!(ends.after(6), Some(11), "the notice of a logout itself is not silenced by it");
        assert_eq!(ends.after(11), None);
    }
}
