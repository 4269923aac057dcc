//! One attempt: read the instance at the log, ask whether it may be told, make the request, connect, ask again, send, judge the
//! answer.

use std::time::Duration;

use berth_bus::Holds;
use berth_domain::instance::{Unusable, may_message};
use berth_notices::{
    derive::Happening,
    formats::{self, RELAYING_FORMAT, Rendered, RetryRule},
};
use berth_proto::{
    AccountId, CommandId, Hash, InstanceId, Timestamp,
    delivery::NoticeKeyV1,
    instance::{InstanceStateV1, PermissionV1, PhaseV1, WebhookV1},
    letter::LetterV1,
};
use berth_runtime::sealing::field;
use bytes::Bytes;

use super::{flights::Flight, passage::End};
use crate::{
    dispatch::{Because, Endpoint, Fault, Keyhole, Owner, Permit, Reach, Tools, disable, read},
    metrics,
    schedule::{Answer, Failed, Reception, judge},
    signing::signatures,
    transport::{HeaderParts, Parcel, Pass, SendError, build},
};

/// How long a letter waits while an address has as many attempts as it may have: it uses up no attempt.
const BUSY_PAUSE: Duration = Duration::from_secs(5);

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing.
    End(End),
    /// It is tried again later.
    Again { attempts: u16, after: Duration },
}

/// What of a letter decides whether it may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    session: u32,
    pub(super) received_at: Timestamp,
    event: String,
}

impl Head {
    pub(super) fn of(letter: &LetterV1) -> Self {
        Self { session: letter.session, received_at: letter.received_at, event: letter.event.clone() }
    }
}

/// What the log says of a letter that is not being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// It may be told, as far as is known; whose instance it is.
    Wanted(AccountId),
    /// Not while the device is paused.
    Hold,
    /// It is not told.
    Over(End),
}

/// What becomes of a letter now: whom it is told to, or why it is not.
enum Course {
    Send(Box<WebhookV1>),
    Drop(&'static str),
    Silence,
    Hold,
}

/// Asks the log about a letter, whose head may not be known yet.
pub(super) async fn look(tools: &Tools, instance: InstanceId, head: Option<&Head>) -> Result<Look, Fault> {
    let permit = read(tools, instance, Reach::Own).await?;
    let state = &permit.step.state;
    let course = match head {
        Some(head) => course(tools, state, head),
        None if is_silent(state) => Course::Silence,
        None => return Ok(Look::Wanted(state.account)),
    };
    Ok(match course {
        Course::Send(_) => Look::Wanted(state.account),
        Course::Hold => Look::Hold,
        Course::Drop(outcome) => {
            metrics::letter(outcome);
            Look::Over(End::Done)
        }
        Course::Silence => {
            metrics::letter("silenced");
            Look::Over(End::Silence)
        }
    })
}

/// Tries a letter once.
pub(super) async fn deliver(
    tools: &Tools,
    (holds, flight): (Holds, &Flight),
    (instance, place): (InstanceId, u64),
    letter: &LetterV1,
    attempts: u16,
) -> Result<Next, Fault> {
    let head = Head::of(letter);
    let mut permit = read(tools, instance, Reach::Own).await?;
    let webhook = match course(tools, &permit.step.state, &head) {
        Course::Send(webhook) => webhook,
        other => return Ok(not_sent(tools, &other, attempts)),
    };
    flight.leads_to(webhook.id);
    let prepared = match prepare(tools, instance, letter, &webhook).await? {
        Ok(prepared) => prepared,
        Err(course) => return Ok(not_sent(tools, &course, attempts)),
    };
    let Prepared { endpoint, rendered } = &prepared;
    let url = rendered.suffix.on(&endpoint.url);
    let attempt_max = tools.schedule.attempt_max(RetryRule::Standard);
    let connected = tools.transport.connect_for(permit.step.state.account, &url, attempt_max).await;
    while !permit.is_fresh() {
        permit = read(tools, instance, Reach::Own).await?;
    }
    // Asked again even of one that is fresh: it is the last moment.
    match course(tools, &permit.step.state, &head) {
        Course::Send(now) if now == webhook => {}
        // Changed meanwhile: it is tried at once with what it is now.
        other => return Ok(not_sent(tools, &other, attempts)),
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

fn not_sent(tools: &Tools, course: &Course, attempts: u16) -> Next {
    match course {
        Course::Send(_) => Next::Again { attempts, after: Duration::ZERO },
        Course::Drop(outcome) => {
            metrics::letter(outcome);
            Next::End(End::Done)
        }
        Course::Silence => {
            metrics::letter("silenced");
            Next::End(End::Silence)
        }
        Course::Hold => Next::Again { attempts, after: tools.schedule.letter_look },
    }
}

/// Whether nothing that came so far may be told any more: the instance has no device that is linked.
fn is_silent(state: &InstanceStateV1) -> bool {
    state.permission != PermissionV1::Open
        || matches!(state.phase, PhaseV1::Deleted { .. })
        || matches!(may_message(state), Err(Unusable::NoSession { .. }))
}

/// A letter is told while a device is linked, in the session in which it came, to the endpoint that clients of the upstream's
/// vocabulary have here. While the device is paused it waits, as long as a letter may.
fn course(tools: &Tools, state: &InstanceStateV1, head: &Head) -> Course {
    if is_silent(state) {
        return Course::Silence;
    }
    if head.session != state.session {
        return Course::Drop("silenced");
    }
    if head.is_expired(tools.clock.now()) {
        return Course::Drop("expired");
    }
    if may_message(state).is_err() {
        return Course::Hold;
    }
    let filter = formats::relayed_filter(&head.event);
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
        .map_or(Course::Drop("unwanted"), |one| Course::Send(Box::new(one.clone())))
}

struct Prepared {
    endpoint: Endpoint,
    rendered: Rendered,
}

/// The request. Without the key of the instance nothing of it may be told; what cannot be opened with it holds up nothing else.
async fn prepare(
    tools: &Tools,
    instance: InstanceId,
    letter: &LetterV1,
    webhook: &WebhookV1,
) -> Result<Result<Prepared, Course>, Fault> {
    let Some(data_key) = tools.keys.key(instance.as_bytes()).await? else { return Ok(Err(Course::Silence)) };
    let now = tools.clock.now();
    let keyhole = Keyhole { key: &data_key, owner: instance.as_bytes() };
    let opened = Endpoint::open(keyhole, webhook, now).and_then(|endpoint| {
        let body = data_key.open(instance.as_bytes(), field::LETTER, &letter.body)?;
        Ok((endpoint, body))
    });
    let (endpoint, body) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            tracing::error!(%instance, %error,
                "a message that waited, or its endpoint, cannot be opened: it is not handed on");
            return Ok(Err(Course::Drop("unreadable")));
        }
    };
    let rendered = formats::relayed(body, &letter.event, &endpoint.options, now);
    Ok(Ok(Prepared { endpoint, rendered }))
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
            return Next::End(End::Done);
        }
        Ok(Reception::Disable) => {
            let step = &permit.step;
            let notice = NoticeKeyV1 {
                instance: step.instance,
                version: step.version,
                endpoint: webhook.id,
                ordinal: u16::MAX,
            };
            let endpoint = (webhook, Owner::Instance);
            disable(tools, endpoint, &notice, Some(&Happening::Open), Because::Asked).await;
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
        own_delays: None,
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
            Next::End(End::Done)
        }
    }
}
