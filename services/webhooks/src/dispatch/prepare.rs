//! Makes a notice ready to be sent: its body from its own commit, for the endpoint as it is now.

use std::time::Duration;

use berth_bus::KeyRingError;
use berth_domain::instance::NoticeClass;
use berth_notices::{
    derive::{Happening, Step},
    formats::{self, Format, Rendered},
    open::{Listener, Opener},
};
use berth_proto::{InstanceId, Timestamp, delivery::SettlementV1, instance::InstanceStateV1};
use berth_runtime::{DataKey, sealing::field};

use super::{
    attempt::Tools,
    lane::Pending,
    open::Endpoint,
    permit::{Fault, read_step, webhook},
};
use crate::{
    last_words,
    outbox::{Kept, Owed, kept_key, read_row},
    schedule::plus,
};

/// How long what is kept for the last notices of a deleted instance may take to reach the outbox.
const KEPT_LAG_MAX: Duration = Duration::from_secs(30);
/// How long one attempt waits for that.
const KEPT_REACHED_MAX: Duration = Duration::from_secs(2);

/// What is ready to be sent.
pub(super) struct Prepared {
    pub(super) happening: Happening,
    pub(super) format: &'static dyn Format,
    pub(super) endpoint: Endpoint,
    pub(super) rendered: Rendered,
    /// What the answer is sealed under.
    pub(super) data_key: DataKey,
    /// The instance's token, which an answer may repeat.
    pub(super) token: Option<String>,
    /// The trace that the notice's commit belongs to.
    pub(super) traceparent: Option<String>,
}

/// What there is to do with a notice.
pub(super) enum Readiness {
    Ready(Box<Prepared>),
    Settle(SettlementV1),
    Held(Timestamp),
}

/// Makes the body from the notice's own commit, for the endpoint as it is now.
pub(super) async fn prepare(tools: &Tools, pending: &Pending, now: &Step) -> Result<Readiness, Fault> {
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
            let token = opener.text(field::TOKEN, &step.state.token).ok();
            let traceparent = step.traceparent.clone();
            let prepared = Prepared { happening, format, endpoint, rendered, data_key, token, traceparent };
            Ok(Readiness::Ready(Box::new(prepared)))
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
    // The data key is destroyed after what was kept is in the log: the outbox only has to come up to that, which takes
    // it long when thousands of instances are deleted together.
    let end = tools.log.end().await?;
    if tools.outbox.reached(&end, KEPT_REACHED_MAX).await.is_err() {
        return Err(Fault::NotKeptYet);
    }
    if let Some(kept) = kept_of(tools, instance)? {
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
