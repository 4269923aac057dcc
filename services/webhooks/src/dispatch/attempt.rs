//! One attempt: read the instance at the log, ask the gate, make the body, connect, ask the gate again, send, judge the
//! answer.

use std::{fmt, sync::Arc, time::Duration};

use berth_bus::{Bus, Holds, KeyRing, Volatile};
use berth_domain::instance::{NoticeClass, Verdict};
use berth_log::{LogRead, Writer};
use berth_notices::formats::RetryRule;
use berth_proto::{
    AccountId, Timestamp,
    attempt::{AfterAttemptV1, AttemptEndV1, AttemptResultV1, DeliveryAttemptV1},
    delivery::SettlementV1,
    instance::WebhookV1,
};
use berth_runtime::{Clock, Entropy};
use berth_views::ViewReader;
use tokio::time::timeout;

use super::{
    failing::Failing,
    heads::Room,
    lane::Pending,
    paces::Bounds,
    permit::{Fault, Owner, Permit, Reach, ask, read},
    prepare::{Prepared, Readiness, endpoint_of, prepare},
    report,
    send::{Reached, conclude, connect, end, send},
    shares::{Destination, Place},
    together::Together,
};
use crate::{
    attempts::Attempts,
    letters::Flights,
    schedule::{Schedule, plus},
    transport::{Pass, SendError, Transport},
};

/// How long a notice waits after a fault of ours: it uses up no attempt.
const FAULT_DELAY: Duration = Duration::from_secs(1);
/// How long a notice waits whose instance cannot be read and never will be by itself.
const UNREADABLE_DELAY: Duration = Duration::from_mins(5);
/// How long a notice waits whose address has as many attempts as it may have, or while the egress proxy does not work, up to
/// twice as long: it uses up no attempt.
const BUSY_DELAY: Duration = Duration::from_secs(5);

/// How long an attempt that nobody answered keeps its place: a port where nobody listens refuses at once, and thousands of
/// notices that lead there would have the processor to themselves.
const UNANSWERED_REST: Duration = Duration::from_millis(20);

/// How long a notice waits whose permission ended before it could be sent: it uses up no attempt.
const LATE_DELAY: Duration = Duration::from_millis(250);

/// What attempts need.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) log: Arc<dyn LogRead>,
    /// Nothing is appended but through it.
    pub(crate) writer: Writer,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) volatile: Arc<dyn Volatile>,
    pub(crate) keys: KeyRing,
    /// Keys that last words are sealed under.
    pub(crate) delivery_keys: KeyRing,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) attempts: Arc<Attempts>,
    pub(crate) transport: Transport,
    pub(crate) schedule: Arc<Schedule>,
    pub(crate) server_url: Arc<str>,
    pub(crate) outbox: Arc<dyn ViewReader>,
    /// Letters that are being sent, which the end of a session waits for.
    pub(crate) flights: Arc<Flights>,
    pub(crate) failing: Arc<Failing>,
    /// How much of what is owed is in memory.
    pub(crate) room: Room,
    /// Whether accounts are told how their endpoints fare: once every release of the deployment reads such a report.
    pub(crate) reports: bool,
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tools").finish_non_exhaustive()
    }
}

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The notice is settled.
    Settle(SettlementV1),
    /// It waits until then.
    Wait(Timestamp),
    /// It has nowhere to be sent to and waits to be fetched, until then.
    Hold(Timestamp),
    /// Nothing was sent: it leads somewhere else than its turn was for, or other bounds are asked for there.
    Found(Destination, Bounds),
}

/// How an attempt ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) pending: Pending,
    pub(crate) attempts: u16,
    /// Whether an answer came; none if nothing was sent.
    pub(crate) answered: Option<bool>,
    pub(crate) outcome: Outcome,
}

/// Tries a notice once, under a lease. Always says what comes next; a fault of ours makes it wait a little.
pub(super) async fn attempt(tools: Tools, pending: Pending, together: Arc<Together>, holds: Holds) -> Ended {
    let mut ended = Ended {
        attempts: pending.attempts,
        answered: None,
        outcome: Outcome::Wait(tools.clock.now()),
        pending,
    };
    let tried = run(&tools, &mut ended, &together, holds).await;
    if ended.answered == Some(false) {
        tokio::time::sleep(UNANSWERED_REST).await;
    }
    ended.outcome = match tried {
        Ok(outcome) => outcome,
        Err(fault) => {
            let key = &ended.pending.key;
            tracing::warn!(
                instance = %key.instance, version = key.version, error = &fault as &dyn std::error::Error,
                "a webhook notice cannot be tried now"
            );
            if fault.lasts() {
                Outcome::Wait(plus(tools.clock.now(), UNREADABLE_DELAY))
            } else {
                // Not a due time: this is about our stores, and the wall clock says nothing of them.
                tokio::time::sleep(FAULT_DELAY).await;
                Outcome::Wait(tools.clock.now())
            }
        }
    };
    ended
}

async fn run(tools: &Tools, ended: &mut Ended, together: &Together, holds: Holds) -> Result<Outcome, Fault> {
    let pending = ended.pending.clone();
    if pending.owed.class == NoticeClass::Operational {
        return report::run(tools, ended, &pending, holds).await;
    }
    let key = &pending.key;
    if pending.is_an_end() {
        // None that is permitted begins any more, and each that was is over by then.
        let life = tools.schedule.attempt_max(RetryRule::Standard) + FAULT_DELAY;
        let _landed = timeout(life, tools.flights.landed(key.instance, key.endpoint)).await;
    }
    let permit = together.permit(tools, key).await?;
    if let Verdict::Settle(outcome) = ask(tools, &permit, key, &pending.owed) {
        return Ok(Outcome::Settle(outcome));
    }
    let account = permit.step.state.account;
    if pending.slot.is_none()
        && let Some((endpoint, owner)) = endpoint_of(tools, &pending, &permit).await?
    {
        let leads_to = Destination { account, place: place(&endpoint.url) };
        return Ok(Outcome::Found(leads_to, Bounds::of(endpoint.pace, owner != Owner::Instance)));
    }
    let prepared = match prepare(tools, &pending, &permit, together).await {
        Ok(Readiness::Ready(prepared)) => prepared,
        Ok(Readiness::Settle(outcome)) => return Ok(Outcome::Settle(outcome)),
        Ok(Readiness::Held(until)) => return Ok(Outcome::Hold(until)),
        Err(fault) if fault.lasts() => return Ok(park(tools, &pending, account, &fault).await),
        Err(fault) => return Err(fault),
    };
    let leads_to = Destination { account, place: place(&prepared.endpoint.url) };
    let is_shared = permit.endpoint(key.endpoint).is_some_and(|(_, owner)| owner != Owner::Instance);
    let bounds = Bounds::of(prepared.endpoint.pace, is_shared);
    if pending.slot.map(|slot| slot.to) != Some(leads_to) || pending.bounds != bounds {
        return Ok(Outcome::Found(leads_to, bounds));
    }
    let begun = begun(tools, &pending, account);
    tools.attempts.note(&begun).await?;
    let reached = connect(tools, account, &pending, &prepared).await;
    match allowed(tools, &pending, permit).await {
        Ok((permit, Verdict::Send)) => {
            let pass = Pass { holds, begins_before: permit.fresh_until() };
            let endpoint = permit.endpoint(pending.key.endpoint);
            Ok(sent(tools, ended, (&prepared, reached), (endpoint, pass), begun).await)
        }
        Ok((_, Verdict::Settle(outcome))) => {
            note_end(tools, begun, not_sent(AfterAttemptV1::Settled { outcome })).await;
            Ok(Outcome::Settle(outcome))
        }
        Err(fault) => {
            note_end(tools, begun, not_sent(AfterAttemptV1::Waits { until: tools.clock.now() })).await;
            Err(fault)
        }
    }
}

/// A permit that is fresh, and what the gate says on it. Asked again even of one that is fresh already: a code may have
/// expired while the body was made and the connection opened.
async fn allowed(
    tools: &Tools,
    pending: &Pending,
    mut permit: Arc<Permit>,
) -> Result<(Arc<Permit>, Verdict), Fault> {
    while !permit.is_fresh() {
        let again = read(tools, pending.key.instance, Reach::Endpoint(pending.key.endpoint)).await?;
        permit = Arc::new(again);
    }
    let verdict = ask(tools, &permit, &pending.key, &pending.owed);
    Ok((permit, verdict))
}

/// Sends, and notes what came of it.
pub(super) async fn sent(
    tools: &Tools,
    ended: &mut Ended,
    (prepared, reached): (&Prepared, Reached),
    (endpoint, pass): (Option<(&WebhookV1, Owner)>, Pass),
    mut begun: DeliveryAttemptV1,
) -> Outcome {
    let pending = ended.pending.clone();
    let sent = send(tools, &pending, prepared, reached, pass).await;
    let again_at = match sent.answer {
        Err(SendError::Busy | SendError::Proxy) => Some(busy_until(tools)),
        Err(SendError::Unpermitted) => Some(plus(tools.clock.now(), LATE_DELAY)),
        _ => None,
    };
    if let Some(until) = again_at {
        note_end(tools, begun, not_sent(AfterAttemptV1::Waits { until })).await;
        return Outcome::Wait(until);
    }
    ended.answered = match &sent.answer {
        Err(SendError::Refused | SendError::Invalid) => None,
        answer => Some(answer.is_ok()),
    };
    let outcome = conclude(tools, &pending, endpoint, prepared, &sent).await;
    if outcome != Outcome::Settle(SettlementV1::Delivered) {
        tools.failing.tell(&pending, &sent.answer, outcome);
    }
    if pending.probe && outcome != Outcome::Settle(SettlementV1::Delivered) {
        begun.number = pending.attempts;
    }
    ended.attempts = begun.number;
    let then = match outcome {
        Outcome::Settle(outcome) => AfterAttemptV1::Settled { outcome },
        Outcome::Wait(until) | Outcome::Hold(until) => AfterAttemptV1::Waits { until },
        Outcome::Found(..) => AfterAttemptV1::Waits { until: tools.clock.now() },
    };
    note_end(tools, begun, end(&pending, prepared, &sent, then)).await;
    outcome
}

/// Gives up a notice whose own commit cannot be read, which would be tried again for ever and hold up what is behind it.
/// It stands among the exhausted ones with its reason, and can be sent again once a release reads it.
pub(super) async fn park(tools: &Tools, pending: &Pending, account: AccountId, fault: &Fault) -> Outcome {
    tracing::error!(
        instance = %pending.key.instance, version = pending.key.version, endpoint = %pending.key.endpoint,
        error = fault as &dyn std::error::Error,
        "a webhook notice is given up: what it is made from cannot be read"
    );
    let outcome = SettlementV1::Exhausted;
    let result = AttemptResultV1::Unreadable;
    let then = AfterAttemptV1::Settled { outcome };
    note_end(tools, begun(tools, pending, account), AttemptEndV1 { took_ms: 0, result, answer: None, then })
        .await;
    Outcome::Settle(outcome)
}

/// The next attempt of a notice, as it begins now.
pub(super) fn begun(tools: &Tools, pending: &Pending, account: AccountId) -> DeliveryAttemptV1 {
    DeliveryAttemptV1 {
        notice: pending.key,
        account,
        class: pending.owed.class,
        event: pending.owed.event.clone(),
        occurred_at: pending.owed.occurred_at,
        number: pending.attempts.saturating_add(1),
        started_at: tools.clock.now(),
        end: None,
    }
}

pub(super) const fn not_sent(then: AfterAttemptV1) -> AttemptEndV1 {
    AttemptEndV1 { took_ms: 0, result: AttemptResultV1::NotSent, answer: None, then }
}

/// Notes how an attempt ended. What was sent was sent: a store that does not answer makes it one of unknown fate for
/// whoever takes over, and changes nothing here.
pub(super) async fn note_end(tools: &Tools, begun: DeliveryAttemptV1, end: AttemptEndV1) {
    let attempt = DeliveryAttemptV1 { end: Some(end), ..begun };
    if let Err(error) = tools.attempts.note(&attempt).await {
        tracing::warn!(
            instance = %attempt.notice.instance, error = &error as &dyn std::error::Error,
            "the end of an attempt cannot be noted"
        );
    }
}

/// Nothing was sent: the notice waits, and as many tries are left as before. Those that wait for one address come back
/// at moments of their own.
fn busy_until(tools: &Tools) -> Timestamp {
    let spread = u64::try_from(BUSY_DELAY.as_micros()).unwrap_or(u64::MAX);
    plus(tools.clock.now(), BUSY_DELAY + Duration::from_micros(tools.entropy.below(spread)))
}

/// The place that a URL leads to. What is not a URL is refused before anything is sent.
pub(super) fn place(url: &str) -> Place {
    let origin = url::Url::parse(url).map(|url| url.origin().ascii_serialization());
    Place::of(&origin.unwrap_or_default())
}
