//! One attempt: read the instance at the log, ask whether it may be told, make the request, connect, ask again, send, judge the
//! answer.

use std::time::Duration;

use berth_bus::{Holds, Postbag};
use berth_domain::instance::{Unusable, may_message};
use berth_notices::{
    derive::Happening,
    formats::{self, RELAYING_FORMAT, Rendered, RetryRule},
};
use berth_proto::{
    CommandId, Hash, InstanceId, Timestamp, codec,
    delivery::NoticeKeyV1,
    instance::{InstanceStateV1, PermissionV1, PhaseV1, WebhookV1},
    letter::LetterV1,
};
use berth_runtime::sealing::field;
use bytes::Bytes;

use super::flights::Flight;
use crate::{
    dispatch::{Because, Endpoint, Fault, Keyhole, Owner, Permit, Reach, Tools, disable, read},
    metrics,
    schedule::{Answer, Failed, Reception, judge, plus},
    signing::signatures,
    transport::{HeaderParts, Parcel, Pass, SendError, build},
};

/// How long a letter waits after a fault of ours, and while its instance is paused: it uses up no attempt.
const PAUSE: Duration = Duration::from_secs(1);
/// The same while an address has as many attempts as it may have.
const BUSY_PAUSE: Duration = Duration::from_secs(5);

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It is delivered, given up, or nobody is to be told.
    Done,
    /// Nothing that came so far may be told any more.
    Silence,
    /// It is tried again later.
    Again { attempts: u16, after: Duration },
    /// It is tried again now.
    Due,
}

/// Whether a letter may be told now, to whom.
enum Verdict {
    Send(Box<WebhookV1>),
    Drop(&'static str),
    Silence,
    Hold,
}

/// Tries a letter once. A fault of ours makes it wait.
pub(super) async fn deliver(
    tools: &Tools,
    postbag: &dyn Postbag,
    (holds, flight): (Holds, Flight),
    (instance, place): (InstanceId, u64),
    attempts: u16,
) -> Next {
    let again = Next::Again { attempts, after: PAUSE };
    let letter = match postbag.get(instance, place).await {
        Ok(Some(letter)) => letter,
        Ok(None) => return Next::Done,
        Err(error) => {
            tracing::warn!(%instance, error = &error as &dyn std::error::Error, "a message cannot be read now");
            return again;
        }
    };
    let Ok(letter) = codec::decode::<LetterV1>(&letter) else {
        tracing::error!(%instance, "a message that waited cannot be read: it is not handed on");
        metrics::letter("unreadable");
        return Next::Done;
    };
    match attempt(tools, (holds, &flight), (instance, place), &letter, attempts).await {
        Ok(next) => next,
        // It never was, or it is gone.
        Err(Fault::Missing) => Next::Silence,
        Err(fault) => {
            tracing::warn!(%instance, error = &fault as &dyn std::error::Error, "a message cannot be handed on now");
            again
        }
    }
}

async fn attempt(
    tools: &Tools,
    (holds, flight): (Holds, &Flight),
    (instance, place): (InstanceId, u64),
    letter: &LetterV1,
    attempts: u16,
) -> Result<Next, Fault> {
    let mut permit = read(tools, instance, Reach::Own).await?;
    let webhook = match verdict(tools, &permit.step.state, letter) {
        Verdict::Send(webhook) => webhook,
        other => return Ok(not_sent(&other, attempts)),
    };
    flight.leads_to(webhook.id);
    let Some(prepared) = prepare(tools, instance, letter, &webhook).await? else { return Ok(Next::Silence) };
    let Prepared { endpoint, rendered } = &prepared;
    let url = rendered.suffix.on(&endpoint.url);
    let connected = tools.transport.connect(&url, tools.schedule.attempt_max(RetryRule::Standard)).await;
    while !permit.is_fresh() {
        permit = read(tools, instance, Reach::Own).await?;
    }
    // Asked again even of one that is fresh: it is the last moment.
    match verdict(tools, &permit.step.state, letter) {
        Verdict::Send(now) if now == webhook => {}
        // Changed meanwhile: it is tried at once with what it is now.
        Verdict::Send(_) => return Ok(Next::Again { attempts, after: Duration::ZERO }),
        other => return Ok(not_sent(&other, attempts)),
    }
    let answer = match connected {
        Ok(connected) => {
            let pass = Pass { holds, begins_before: permit.fresh_until() };
            connected.send(parcel(tools, (instance, place), letter, &prepared), pass).await
        }
        Err(error) => Err(error),
    };
    Ok(judged(tools, &permit, &webhook, letter, answer, attempts).await)
}

fn not_sent(verdict: &Verdict, attempts: u16) -> Next {
    match verdict {
        Verdict::Send(_) => Next::Due,
        Verdict::Drop(outcome) => {
            metrics::letter(outcome);
            Next::Done
        }
        Verdict::Silence => {
            metrics::letter("silenced");
            Next::Silence
        }
        Verdict::Hold => Next::Again { attempts, after: PAUSE },
    }
}

/// A letter is told while a device is linked, in the session in which it came, to the endpoint that clients of the upstream's
/// vocabulary have here. While the device is paused it waits.
fn verdict(tools: &Tools, state: &InstanceStateV1, letter: &LetterV1) -> Verdict {
    if state.permission != PermissionV1::Open || matches!(state.phase, PhaseV1::Deleted { .. }) {
        return Verdict::Silence;
    }
    if letter.session != state.session {
        return Verdict::Drop("silenced");
    }
    match may_message(state) {
        Ok(_) => {}
        Err(Unusable::Paused(_)) => return Verdict::Hold,
        Err(Unusable::NoSession { .. }) => return Verdict::Silence,
    }
    if plus(letter.received_at, berth_bus::postbag::LETTER_AGE_MAX) <= tools.clock.now() {
        return Verdict::Drop("expired");
    }
    let filter = formats::relayed_filter(&letter.event);
    let wanted = |one: &&WebhookV1| {
        one.format == RELAYING_FORMAT
            && one.label == formats::RELAYING_LABEL
            && one.enabled
            && (one.events.is_empty() || one.events.contains(&filter))
    };
    state
        .webhooks
        .iter()
        .find(wanted)
        .map_or(Verdict::Drop("unwanted"), |one| Verdict::Send(Box::new(one.clone())))
}

struct Prepared {
    endpoint: Endpoint,
    rendered: Rendered,
}

/// The request; none if its key is destroyed or the endpoint cannot be opened.
async fn prepare(
    tools: &Tools,
    instance: InstanceId,
    letter: &LetterV1,
    webhook: &WebhookV1,
) -> Result<Option<Prepared>, Fault> {
    let Some(data_key) = tools.keys.key(instance.as_bytes()).await? else { return Ok(None) };
    let now = tools.clock.now();
    let keyhole = Keyhole { key: &data_key, owner: instance.as_bytes() };
    let body = data_key.open(instance.as_bytes(), field::LETTER, &letter.body);
    let (Ok(endpoint), Ok(body)) = (Endpoint::open(keyhole, webhook, now), body) else { return Ok(None) };
    let rendered = formats::relayed(body, &letter.event, &endpoint.options, now);
    Ok(Some(Prepared { endpoint, rendered }))
}

fn parcel(
    tools: &Tools,
    (instance, place): (InstanceId, u64),
    letter: &LetterV1,
    Prepared { endpoint, rendered }: &Prepared,
) -> Parcel {
    let (id, timestamp_seconds) =
        (message_id(instance, place, letter.received_at), tools.clock.now().seconds());
    let signature =
        signatures(&endpoint.secrets, endpoint.asymmetric, &id, timestamp_seconds, &rendered.body);
    let headers = build(&HeaderParts {
        id: &id,
        timestamp_seconds,
        signature: &signature,
        format: &rendered.headers,
        custom: &endpoint.headers,
        authorization: rendered.authorization.as_deref().or(endpoint.authorization.as_deref()),
    });
    Parcel { headers, body: Bytes::copy_from_slice(&rendered.body) }
}

/// The same for each attempt of a letter, and for no other letter: places of a postbag that was lost begin anew, moments do not.
fn message_id(instance: InstanceId, place: u64, received_at: Timestamp) -> String {
    let parts: [&[u8]; 3] = [instance.as_bytes(), &place.to_be_bytes(), &received_at.0.to_be_bytes()];
    let Hash(hash) = Hash::over(b"berth.v1.letter", &parts);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(hash.split_at(16).0);
    format!("msg_{}", CommandId::from_bytes(bytes))
}

async fn judged(
    tools: &Tools,
    permit: &Permit,
    webhook: &WebhookV1,
    letter: &LetterV1,
    answer: Result<Answer, SendError>,
    attempts: u16,
) -> Next {
    let now = tools.clock.now();
    let retry_after = match answer.as_ref().map(|answer| judge(RetryRule::Standard, answer, now)) {
        Ok(Reception::Delivered) => {
            metrics::letter("delivered");
            return Next::Done;
        }
        Ok(Reception::Disable) => {
            let step = &permit.step;
            let notice = NoticeKeyV1 {
                instance: step.instance,
                version: step.version,
                endpoint: webhook.id,
                ordinal: u16::MAX,
            };
            let account = step.state.account;
            let endpoint = (webhook, Owner::Instance);
            disable(tools, account, endpoint, &notice, &Happening::Open, Because::Asked).await;
            None
        }
        Ok(Reception::Failed { retry_after }) => retry_after,
        Err(SendError::Busy | SendError::Proxy) => return Next::Again { attempts, after: BUSY_PAUSE },
        Err(SendError::Unpermitted) => return Next::Again { attempts, after: Duration::ZERO },
        Err(_) => None,
    };
    let attempts = attempts.saturating_add(1);
    let failed = Failed {
        rule: RetryRule::Standard,
        is_code: false,
        attempts,
        occurred_at: letter.received_at,
        now,
        retry_after,
    };
    match tools.schedule.next(&failed, tools.entropy.as_ref()) {
        Some(due) => {
            metrics::letter("failed");
            let after = Duration::from_micros(u64::try_from(due.0 - now.0).unwrap_or_default());
            Next::Again { attempts, after }
        }
        None => {
            metrics::letter("exhausted");
            Next::Done
        }
    }
}
