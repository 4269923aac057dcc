//! One attempt: read the instance at the log, ask the gate, make the body, send, judge the answer.

use std::{fmt, sync::Arc, time::Duration};

use berth_bus::{Bus, KeyRing, KeyRingError, Volatile, VolatileError};
use berth_domain::{instance::NoticeClass, instance::Verdict};
use berth_log::{LogRead, ReadError, Rehydrated, StateError, Writer, decode_commit, rehydrate};
use berth_notices::{
    derive::{Happening, Step},
    formats::{self, Format, Rendered},
    gate::{Occasion, gate},
    open::{Listener, Opener},
};
use berth_proto::{
    DecodeError, InstanceId, StreamKey, Timestamp,
    delivery::{NoticeKeyV1, SettlementV1},
    instance::{InstanceStateV1, WebhookV1},
};
use berth_runtime::{Clock, DataKey, Entropy};
use berth_views::ViewReader;
use bytes::Bytes;
use thiserror::Error;
use tokio::time::Instant;

use super::{
    disable,
    lane::Pending,
    open::Endpoint,
    shares::{Destination, Place},
};
use crate::{
    journal::{Journal, JournalError, Tried},
    last_words,
    outbox::{Kept, Owed, kept_key, read_row},
    schedule::{Failed, Reception, Schedule, judge, plus},
    signing::{message_id, signatures},
    transport::{HeaderParts, Parcel, SendError, Transport, build},
};

/// Sending begins within this time of the read that allowed it, or the log is read again (R1).
const GATE_FRESH_MAX: Duration = Duration::from_secs(1);
/// How long what is kept for the last notices of a deleted instance may take to reach the outbox.
const KEPT_LAG_MAX: Duration = Duration::from_secs(30);
/// How long one attempt waits for that.
const KEPT_REACHED_MAX: Duration = Duration::from_secs(2);
/// How long a notice waits after a fault of ours: it uses up no attempt.
const FAULT_DELAY: Duration = Duration::from_secs(1);
/// How long a notice waits whose address has as many attempts as it may have, up to twice as long: it uses up no attempt.
const BUSY_DELAY: Duration = Duration::from_secs(5);

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
    pub(crate) journal: Arc<Journal>,
    pub(crate) transport: Transport,
    pub(crate) schedule: Arc<Schedule>,
    pub(crate) server_url: Arc<str>,
    pub(crate) outbox: Arc<dyn ViewReader>,
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
    /// Nothing was sent: it leads somewhere else than its turn was for.
    Found(Destination),
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

/// A fault of ours: nothing was sent, no attempt is used up.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    #[error("the log cannot be read")]
    Log(#[from] ReadError),
    #[error("a commit cannot be read")]
    Commit(#[from] berth_log::DecodeError),
    #[error("a value of a commit cannot be read")]
    Value(#[from] DecodeError),
    #[error("the data key cannot be had")]
    Key(#[from] KeyRingError),
    #[error("the volatile store does not answer")]
    Volatile(#[from] VolatileError),
    #[error("the attempt cannot be noted")]
    Journal(#[from] JournalError),
    #[error("the commit of the notice is not in the log")]
    Missing,
    #[error("what was kept for the last notices is not in the outbox yet")]
    NotKeptYet,
}

impl From<StateError> for Fault {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Decode(error) => Self::Commit(error),
            StateError::Read(error) => Self::Log(error),
        }
    }
}

/// What the gate is asked with: the instance's last commit as the log had it at that moment.
pub(crate) struct Permit {
    pub(crate) step: Step,
    read_at: Instant,
}

// === impl Permit ===

impl Permit {
    /// Whether what it allows may begin now.
    pub(crate) fn is_fresh(&self) -> bool {
        self.read_at.elapsed() < GATE_FRESH_MAX
    }
}

/// What is ready to be sent.
struct Prepared {
    happening: Happening,
    format: &'static dyn Format,
    endpoint: Endpoint,
    rendered: Rendered,
}

enum Readiness {
    Ready(Box<Prepared>),
    Settle(SettlementV1),
    Held(Timestamp),
}

/// Tries a notice once. Always says what comes next; a fault of ours makes it wait a little.
pub(crate) async fn attempt(tools: Tools, pending: Pending) -> Ended {
    let (mut attempts, mut answered) = (pending.attempts, None);
    let outcome = match run(&tools, &pending, &mut attempts, &mut answered).await {
        Ok(outcome) => outcome,
        Err(fault) => {
            tracing::warn!(
                instance = %pending.key.instance, version = pending.key.version, error = &fault as &dyn std::error::Error,
                "a webhook notice cannot be tried now"
            );
            // Not a due time: this is about our stores, and the wall clock says nothing of them.
            tokio::time::sleep(FAULT_DELAY).await;
            Outcome::Wait(tools.clock.now())
        }
    };
    Ended { pending, attempts, answered, outcome }
}

async fn run(
    tools: &Tools,
    pending: &Pending,
    attempts: &mut u16,
    answered: &mut Option<bool>,
) -> Result<Outcome, Fault> {
    let key = &pending.key;
    let mut permit = read(tools, key.instance).await?;
    if let Verdict::Settle(outcome) = ask(tools, &permit.step.state, key, &pending.owed) {
        return Ok(Outcome::Settle(outcome));
    }
    let prepared = match prepare(tools, pending, &permit.step).await? {
        Readiness::Ready(prepared) => prepared,
        Readiness::Settle(outcome) => return Ok(Outcome::Settle(outcome)),
        Readiness::Held(until) => return Ok(Outcome::Hold(until)),
    };
    let leads_to = Destination { account: permit.step.state.account, place: place(&prepared.endpoint.url) };
    if pending.slot.map(|slot| slot.to) != Some(leads_to) {
        return Ok(Outcome::Found(leads_to));
    }
    let number = attempts.saturating_add(1);
    tools.journal.put(*key, Tried { attempts: number, due: tools.clock.now(), running: true })?;
    while !permit.is_fresh() {
        permit = read(tools, key.instance).await?;
    }
    // Asked again even of a fresh read: a code may have expired while the body was made.
    if let Verdict::Settle(outcome) = ask(tools, &permit.step.state, key, &pending.owed) {
        return Ok(Outcome::Settle(outcome));
    }
    *attempts = number;
    let verdict = send(tools, pending, &prepared).await;
    if let Err(SendError::Busy) = verdict {
        *attempts = pending.attempts;
        return busy(tools, pending);
    }
    *answered = match &verdict {
        Err(SendError::Refused | SendError::Invalid) => None,
        verdict => Some(verdict.is_ok()),
    };
    let outcome = conclude(tools, pending, number, &permit.step, &prepared, verdict).await;
    if let Outcome::Wait(due) = outcome {
        tools.journal.put(*key, Tried { attempts: number, due, running: false })?;
    }
    Ok(outcome)
}

/// Nothing was sent: the notice waits, and as many tries are left as before. Those that wait for one address come back
/// at moments of their own.
fn busy(tools: &Tools, pending: &Pending) -> Result<Outcome, Fault> {
    let spread = u64::try_from(BUSY_DELAY.as_micros()).unwrap_or(u64::MAX);
    let spread = Duration::from_micros(tools.entropy.below(spread));
    let due = plus(tools.clock.now(), BUSY_DELAY + spread);
    tools.journal.put(pending.key, Tried { attempts: pending.attempts, due, running: false })?;
    Ok(Outcome::Wait(due))
}

/// The place that a URL leads to. What is not a URL is refused before anything is sent.
fn place(url: &str) -> Place {
    let origin = url::Url::parse(url).map(|url| url.origin().ascii_serialization());
    Place::of(&origin.unwrap_or_default())
}

/// Reads the instance's last commit where every acknowledged one is visible.
pub(crate) async fn read(tools: &Tools, instance: InstanceId) -> Result<Permit, Fault> {
    // Taken before the read: the answer is at most as old as this.
    let read_at = Instant::now();
    let stored = tools.log.tail(&StreamKey::instance(instance)).await?.ok_or(Fault::Missing)?;
    let Rehydrated { commit, state, .. } = rehydrate(&*tools.log, &stored).await?;
    let step = Step::with(&commit, state)?.ok_or(Fault::Missing)?;
    Ok(Permit { step, read_at })
}

/// Asks the gate about a notice on a state.
pub(crate) fn ask(tools: &Tools, state: &InstanceStateV1, key: &NoticeKeyV1, owed: &Owed) -> Verdict {
    let asked = Occasion {
        class: owed.class,
        session: owed.session,
        code: owed.code.as_ref(),
        now: tools.clock.now(),
    };
    // An endpoint that changed its format is another one: what the old format said is nothing to it.
    gate(state, webhook(state, key).filter(|webhook| webhook.format == owed.format), &asked)
}

fn webhook<'a>(state: &'a InstanceStateV1, key: &NoticeKeyV1) -> Option<&'a WebhookV1> {
    state.webhooks.iter().find(|webhook| webhook.id == key.endpoint)
}

/// Makes the body from the notice's own commit, for the endpoint as it is now.
async fn prepare(tools: &Tools, pending: &Pending, now: &Step) -> Result<Readiness, Fault> {
    let key = &pending.key;
    let gone = Ok(Readiness::Settle(SettlementV1::CancelledByEndpoint));
    let (Some(format), Some(webhook)) = (formats::by_name(&pending.owed.format), webhook(&now.state, key))
    else {
        return gone;
    };
    let Some(Source { data_key, kept }) = source(tools, pending).await? else {
        return Ok(Readiness::Settle(SettlementV1::CancelledByDelete));
    };
    let webhook = match &kept {
        Some(state) => state.webhooks.iter().find(|webhook| webhook.id == key.endpoint).cloned(),
        None => Some(webhook.clone()),
    };
    let mut step = if now.version == key.version { now.clone() } else { read_step(tools, key).await? };
    if let Some(state) = kept {
        step.state = state;
    }
    let (Some(webhook), Some(notice)) = (webhook, step.notice(key)) else {
        return gone;
    };
    let opener = Opener { key: &data_key, instance: key.instance, master: tools.keys.master() };
    let Ok(endpoint) = Endpoint::open(opener, &webhook, tools.clock.now()) else {
        return gone;
    };
    if format.muted(&endpoint.options) {
        return gone;
    }
    if endpoint.url.is_empty() && format.pulled() {
        let until = kept_until(tools, &pending.owed);
        let expired = until <= tools.clock.now();
        let settled = Readiness::Settle(SettlementV1::Expired);
        return Ok(if expired { settled } else { Readiness::Held(until) });
    }
    let listener = Listener { options: &endpoint.options, url: &endpoint.url, server_url: &tools.server_url };
    let now = tools.clock.now();
    match opener.body(tools.volatile.as_ref(), (&step, &notice), format, listener, now).await? {
        Some(rendered) => {
            let happening = notice.happening;
            Ok(Readiness::Ready(Box::new(Prepared { happening, format, endpoint, rendered })))
        }
        None if notice.happening.code().is_some() => Ok(Readiness::Settle(SettlementV1::Expired)),
        None => gone,
    }
}

/// How long a notice that has nowhere to be sent to waits to be fetched.
pub(crate) fn kept_until(tools: &Tools, owed: &Owed) -> Timestamp {
    plus(owed.occurred_at, tools.schedule.green_age_max)
}

/// What a notice is made with.
struct Source {
    data_key: DataKey,
    /// Of a deleted instance: what was kept for its last notices.
    kept: Option<InstanceStateV1>,
}

/// The key that opens what a notice needs; none if it is destroyed.
async fn source(tools: &Tools, pending: &Pending) -> Result<Option<Source>, Fault> {
    let instance = pending.key.instance;
    if pending.owed.class != NoticeClass::Deletion {
        let key = tools.keys.key(instance.as_bytes()).await?;
        return Ok(key.map(|data_key| Source { data_key, kept: None }));
    }
    // It may have been destroyed by another process: ask the store.
    tools.keys.forget(instance.as_bytes());
    let owner = last_words::key_owner(instance);
    let mut own = own_key(tools, &owner).await?;
    if own.is_none() {
        if let Some(data_key) = data_key_of(tools, instance).await? {
            return Ok(Some(Source { data_key, kept: None }));
        }
        // Whoever destroyed that one meanwhile had this one made before.
        own = own_key(tools, &owner).await?;
    }
    let Some(own) = own else { return Ok(None) };
    if let Some(kept) = kept_of(tools, instance)? {
        return Ok(Some(Source { data_key: own, kept: Some(kept) }));
    }
    if let Some(data_key) = data_key_of(tools, instance).await? {
        return Ok(Some(Source { data_key, kept: None }));
    }
    // The data key is destroyed after what was kept is in the log: the outbox only has to come up to that.
    if let Ok(end) = tools.log.end().await
        && tools.outbox.reached(&end, KEPT_REACHED_MAX).await.is_ok()
        && let Some(kept) = kept_of(tools, instance)?
    {
        return Ok(Some(Source { data_key: own, kept: Some(kept) }));
    }
    // The answer to the deletion may have been given up before what was kept was in the log.
    // One that is dated ahead is of a clock that has come back since: that was long ago, or is a lie.
    let age = (tools.clock.now().0 - pending.owed.occurred_at.0).abs();
    if age < i64::try_from(KEPT_LAG_MAX.as_micros()).unwrap_or(i64::MAX) {
        return Err(Fault::NotKeptYet);
    }
    Ok(None)
}

/// The key of what is kept of a deleted instance; none before it is made and after it is destroyed.
async fn own_key(tools: &Tools, owner: &[u8; 16]) -> Result<Option<DataKey>, Fault> {
    match tools.delivery_keys.key(owner).await {
        Err(KeyRingError::Missing) => Ok(None),
        result => Ok(result?),
    }
}

/// The data key of a deleted instance, while it is there; not remembered.
async fn data_key_of(tools: &Tools, instance: InstanceId) -> Result<Option<DataKey>, Fault> {
    let data_key = tools.keys.key(instance.as_bytes()).await?;
    tools.keys.forget(instance.as_bytes());
    Ok(data_key)
}

/// What the outbox has for the last notices of a deleted instance.
fn kept_of(tools: &Tools, instance: InstanceId) -> Result<Option<InstanceStateV1>, Fault> {
    let row = tools.outbox.get(&kept_key(instance)).ok().flatten();
    let kept = row.and_then(|row| read_row::<Kept>(&row));
    Ok(kept.map(|kept| kept.state.open()).transpose()?)
}

pub(crate) async fn read_step(tools: &Tools, key: &NoticeKeyV1) -> Result<Step, Fault> {
    let stream = StreamKey::instance(key.instance);
    let stored = tools.log.read(&stream, key.version.saturating_sub(1), 1).await?;
    let commit = decode_commit(stored.first().ok_or(Fault::Missing)?)?;
    Step::of(&commit)?.filter(|step| step.version == key.version).ok_or(Fault::Missing)
}

async fn send(tools: &Tools, pending: &Pending, prepared: &Prepared) -> Result<Reception, SendError> {
    let Prepared { format, endpoint, rendered, .. } = prepared;
    let id = message_id(&pending.key);
    let timestamp_seconds = tools.clock.now().seconds();
    let configured = endpoint.authorization.as_deref().map(|value| format.authorization(value));
    let headers = build(&HeaderParts {
        id: &id,
        timestamp_seconds,
        signature: &signatures(&endpoint.secrets, &id, timestamp_seconds, &rendered.body),
        format: &rendered.headers,
        custom: &endpoint.headers,
        authorization: rendered.authorization.as_deref().or(configured.as_deref()),
    });
    let parcel = Parcel {
        url: rendered.suffix.on(&endpoint.url),
        headers,
        body: Bytes::copy_from_slice(&rendered.body),
        attempt_max: tools.schedule.attempt_max(format.retry_rule()),
    };
    let started = Instant::now();
    let answer = tools.transport.send(parcel).await;
    crate::metrics::attempt(pending.owed.class, answer.as_ref(), started.elapsed());
    tracing::debug!(
        instance = %pending.key.instance, version = pending.key.version, endpoint = %pending.key.endpoint,
        event = %pending.owed.event, status = answer.as_ref().map(|answer| answer.status).unwrap_or_default(),
        error = answer.as_ref().err().map(tracing::field::display),
        "a webhook notice was sent"
    );
    Ok(judge(format.retry_rule(), &answer?, tools.clock.now()))
}

async fn conclude(
    tools: &Tools,
    pending: &Pending,
    attempts: u16,
    step: &Step,
    sent: &Prepared,
    reception: Result<Reception, SendError>,
) -> Outcome {
    let retry_after = match reception {
        Ok(Reception::Delivered) => return Outcome::Settle(SettlementV1::Delivered),
        Ok(Reception::Disable) => {
            if let Some(webhook) = webhook(&step.state, &pending.key)
                && disable::disable(tools, webhook, &pending.key, &sent.happening).await
            {
                return Outcome::Settle(SettlementV1::CancelledByEndpoint);
            }
            None
        }
        Ok(Reception::Failed { retry_after }) => retry_after,
        Err(_) => None,
    };
    let failed = Failed {
        rule: sent.format.retry_rule(),
        is_code: pending.owed.code.is_some(),
        attempts,
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
