//! Sends what is prepared once, keeps what came of it, and says what comes next.

use std::time::Duration;

use berth_domain::instance::NoticeClass;
use berth_notices::formats::RetryRule;
use berth_proto::{
    AccountId, Sealed,
    attempt::{AfterAttemptV1, AttemptEndV1, AttemptResultV1},
    delivery::SettlementV1,
    instance::WebhookV1,
};
use berth_runtime::{sealing::field, telemetry::traces::Span};
use bytes::Bytes;
use tokio::time::Instant;

use super::{
    attempt::{Outcome, Tools},
    disable::{Because, disable},
    lane::Pending,
    open::Endpoint,
    permit::Owner,
    prepare::Prepared,
    trace,
};
use crate::{
    health::Health,
    last_words, metrics,
    schedule::{Answer, Failed, Reception, judge, plus},
    signing::{message_id, signatures},
    transport::{Connected, HeaderParts, Parcel, Pass, SendError, build},
};

/// Bytes of an answer that are kept.
const ANSWER_BYTES_MAX: usize = 8 * 1024;
/// Bytes of the shortest text that is taken out of an answer: a shorter one is no secret.
const SECRET_BYTES_MIN: usize = 6;
/// What stands in an answer where a secret was.
const REDACTED: &str = "[redacted]";

/// What came of sending.
pub(super) struct Sent {
    pub(super) answer: Result<Answer, SendError>,
    pub(super) took: Duration,
}

/// A connection to where a notice leads, if there is one, and when it was asked for.
pub(super) struct Reached {
    connected: Result<Connected, SendError>,
    started: Instant,
    span: Option<Span>,
}

/// Opens the connection that a notice is to be sent on, or takes one that another notice of the account left. The endpoint
/// is told nothing yet.
pub(super) async fn connect(
    tools: &Tools,
    account: AccountId,
    pending: &Pending,
    prepared: &Prepared,
) -> Reached {
    let span = trace::begin(pending, prepared);
    let started = Instant::now();
    let url = prepared.rendered.suffix.on(&prepared.endpoint.url);
    let attempt_max = tools.schedule.attempt_max(prepared.format.retry_rule());
    Reached { connected: tools.transport.connect_for(account, &url, attempt_max).await, started, span }
}

/// Sends a notice, as far as it may.
pub(super) async fn send(
    tools: &Tools,
    pending: &Pending,
    prepared: &Prepared,
    reached: Reached,
    pass: Pass,
) -> Sent {
    let Reached { connected, started, mut span } = reached;
    let answer = match connected {
        Ok(connected) => {
            let late = tools.clock.now().0 - pending.due.0;
            metrics::lag(Duration::from_micros(u64::try_from(late).unwrap_or_default()));
            connected.send(parcel(tools, pending, prepared), pass).await
        }
        Err(error) => Err(error),
    };
    let took = started.elapsed();
    if let Some(span) = &mut span {
        trace::end(span, answer.as_ref().ok().map(|answer| answer.status));
    }
    drop(span);
    metrics::attempt(pending.owed.class, answer.as_ref(), took);
    if let Ok(answer) = &answer {
        tracing::debug!(
            instance = %pending.key.instance, version = pending.key.version, endpoint = %pending.key.endpoint,
            event = %pending.owed.event, status = answer.status,
            "a webhook notice was sent"
        );
    }
    Sent { answer, took }
}

fn parcel(tools: &Tools, pending: &Pending, prepared: &Prepared) -> Parcel {
    let Prepared { format, endpoint, rendered, .. } = prepared;
    let id = message_id(&pending.key);
    let timestamp_seconds = tools.clock.now().seconds();
    let configured = endpoint.authorization.as_deref().map(|value| format.authorization(value));
    let headers = build(&HeaderParts {
        id: &id,
        timestamp_seconds,
        signature: &signatures(
            &endpoint.secrets,
            endpoint.asymmetric,
            &id,
            timestamp_seconds,
            &rendered.body,
        ),
        format: &rendered.headers,
        custom: &endpoint.headers,
        authorization: rendered.authorization.as_deref().or(configured.as_deref()),
    });
    Parcel { headers, body: Bytes::copy_from_slice(&rendered.body) }
}

/// What becomes of the notice. A probe that fails uses up no try, but the notice is given up when its schedule would have
/// ended.
pub(super) async fn conclude(
    tools: &Tools,
    pending: &Pending,
    endpoint: Option<(&WebhookV1, Owner)>,
    prepared: &Prepared,
    sent: &Sent,
) -> Outcome {
    let rule = prepared.format.retry_rule();
    let retry_after = match sent.answer.as_ref().map(|answer| judge(rule, answer, tools.clock.now())) {
        Ok(Reception::Delivered) => return Outcome::Settle(SettlementV1::Delivered),
        Ok(Reception::Disable) => {
            if disabled(tools, pending, endpoint, prepared, Because::Asked).await {
                return Outcome::Settle(SettlementV1::CancelledByEndpoint);
            }
            None
        }
        Ok(Reception::Failed { retry_after }) => retry_after,
        Err(_) => None,
    };
    if rule == RetryRule::Standard && disabled(tools, pending, endpoint, prepared, Because::Failing).await {
        return Outcome::Settle(SettlementV1::CancelledByEndpoint);
    }
    let is_code = pending.owed.code.is_some();
    let own_delays = prepared.endpoint.retries.as_deref();
    if pending.probe && is_over(tools, pending, is_code, own_delays) {
        return Outcome::Settle(SettlementV1::Exhausted);
    }
    let failed = Failed {
        rule,
        own_delays,
        is_code,
        // That of the try before has passed: the same delay again.
        attempts: if pending.probe { pending.attempts.max(1) } else { pending.attempts.saturating_add(1) },
        occurred_at: pending.owed.occurred_at,
        now: tools.clock.now(),
        retry_after,
    };
    match tools.schedule.next(&failed, tools.entropy.as_ref()) {
        // A code that would be repeated after its end is not repeated.
        Some(due) if pending.owed.code.is_some_and(|code| due >= code.expires_at) => {
            Outcome::Settle(SettlementV1::Expired)
        }
        // What a deleted instance's notices need is erased after a day.
        Some(due)
            if pending.owed.class == NoticeClass::Deletion
                && due >= plus(pending.owed.occurred_at, last_words::LAST_WORDS_MAX) =>
        {
            Outcome::Settle(SettlementV1::Exhausted)
        }
        Some(due) => Outcome::Wait(due),
        None => Outcome::Settle(SettlementV1::Exhausted),
    }
}

/// Disables the endpoint that failed, if there is a cause to. Says whether it is.
async fn disabled(
    tools: &Tools,
    pending: &Pending,
    endpoint: Option<(&WebhookV1, Owner)>,
    prepared: &Prepared,
    because: Because,
) -> bool {
    let Some(endpoint) = endpoint else { return false };
    let is_due = because == Because::Asked || has_failed_for_days(tools, endpoint.0);
    is_due && disable(tools, endpoint, &pending.key, prepared.happening.as_ref(), because).await
}

/// Whether every attempt at an endpoint failed for as long as that is borne with, and since it was changed.
fn has_failed_for_days(tools: &Tools, webhook: &WebhookV1) -> bool {
    let health = tools.attempts.endpoints().of(webhook.id).ok().flatten();
    let Some(Health { failures, failing_since: Some(since), .. }) = health else { return false };
    let since = since.max(webhook.updated_at);
    // Not because of the one moment of a clock that was wrong.
    failures >= tools.schedule.breaker.failures
        && plus(since, tools.schedule.disabled_after) <= tools.clock.now()
}

/// Whether the schedule of a notice would have ended by now if each of its tries had counted.
fn is_over(tools: &Tools, pending: &Pending, is_code: bool, own_delays: Option<&[Duration]>) -> bool {
    let lifetime = tools.schedule.lifetime(is_code, own_delays);
    let since = tools.attempts.tried_since(&pending.key);
    since.is_some_and(|since| plus(since, lifetime) <= tools.clock.now())
}

/// How the attempt stands in the store.
pub(super) fn end(pending: &Pending, prepared: &Prepared, sent: &Sent, then: AfterAttemptV1) -> AttemptEndV1 {
    let answer = sent.answer.as_ref().ok().filter(|answer| !answer.body.is_empty());
    AttemptEndV1 {
        took_ms: u32::try_from(sent.took.as_millis()).unwrap_or(u32::MAX),
        result: result(&sent.answer),
        answer: answer.and_then(|answer| sealed_answer(pending, prepared, answer)),
        then,
    }
}

/// What came of an attempt.
pub(super) fn result(answer: &Result<Answer, SendError>) -> AttemptResultV1 {
    match answer {
        Ok(answer) => AttemptResultV1::Answered { status: answer.status },
        Err(SendError::Refused) => AttemptResultV1::Refused,
        Err(SendError::Invalid) => AttemptResultV1::Invalid,
        Err(SendError::Name) => AttemptResultV1::Name,
        Err(SendError::Connect) => AttemptResultV1::Connect,
        Err(SendError::Busy | SendError::Proxy | SendError::Unpermitted) => AttemptResultV1::NotSent,
        Err(SendError::TimedOut) => AttemptResultV1::TimedOut,
        Err(SendError::Broken) => AttemptResultV1::Broken,
    }
}

/// The beginning of an answer, without the secrets that an endpoint was sent and may repeat. Of a code nothing is kept,
/// since the answer may be the code, and of a deletion nothing can be: its key is about to go.
fn sealed_answer(pending: &Pending, prepared: &Prepared, answer: &Answer) -> Option<Sealed> {
    if matches!(pending.owed.class, NoticeClass::Qr | NoticeClass::Deletion) {
        return None;
    }
    let more = prepared.rendered.authorization.iter().chain(&prepared.token);
    let text = redacted(&answer.body, &prepared.endpoint, more);
    Some(prepared.data_key.seal(pending.key.instance.as_bytes(), field::ANSWER, text.as_bytes()))
}

/// The beginning of an answer's body without what the endpoint was sent as a secret.
pub(super) fn redacted<'a>(
    body: &[u8],
    endpoint: &'a Endpoint,
    more: impl Iterator<Item = &'a String>,
) -> String {
    let headers = endpoint.headers.iter().map(|(_, value)| value);
    let secrets =
        headers.chain(&endpoint.authorization).chain(more).filter(|secret| secret.len() >= SECRET_BYTES_MIN);
    let text = String::from_utf8_lossy(body).into_owned();
    let mut text = secrets.fold(text, |text, secret| text.replace(secret.as_str(), REDACTED));
    text.truncate(text.floor_char_boundary(ANSWER_BYTES_MAX));
    text
}
