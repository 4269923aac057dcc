//! Makes a notice ready to be sent: its body from its own commit, for the endpoint as it is now.

use std::{borrow::Cow, time::Duration};

use berth_bus::KeyRingError;
use berth_domain::instance::NoticeClass;
use berth_notices::{
    derive::Happening,
    formats::{self, Format, Rendered},
    open::{Listener, Opener},
};
use berth_proto::{
    InstanceId, Timestamp,
    delivery::{NoticeKeyV1, SettlementV1},
    instance::{InstanceStateV1, WebhookV1},
};
use berth_runtime::{DataKey, sealing::field};

use super::{
    attempt::Tools,
    lane::Pending,
    open::{Endpoint, Keyhole},
    permit::{Fault, Owner, Permit},
    together::Together,
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
    /// What it tells of; none if that is no commit of an instance.
    pub(super) happening: Option<Happening>,
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
pub(super) async fn prepare(
    tools: &Tools,
    pending: &Pending,
    permit: &Permit,
    together: &Together,
) -> Result<Readiness, Fault> {
    let (key, now) = (&pending.key, &permit.step);
    let gone = Ok(Readiness::Settle(SettlementV1::CancelledByEndpoint));
    let (Some(format), Some((webhook, owner))) =
        (formats::by_name(&pending.owed.format), permit.endpoint(key.endpoint))
    else {
        return gone;
    };
    let Some(Source { data_key, kept }) = source(tools, pending).await? else {
        return Ok(Readiness::Settle(SettlementV1::CancelledByDelete));
    };
    let own;
    let mut step = Cow::Borrowed(if now.version == key.version {
        now
    } else {
        own = together.step(tools, key, pending.owed.commit).await?;
        &*own
    });
    let (webhook, owner) = match kept {
        // Whosever it was, what was kept is sealed for the instance.
        Some(state) => {
            step.to_mut().state = state;
            let kept = step.state.webhooks.iter().find(|webhook| webhook.id == key.endpoint).cloned();
            (kept, Owner::Instance)
        }
        None => (Some(webhook.clone()), owner),
    };
    let Some(webhook) = webhook else { return gone };
    // One of the instance's own is told what its format of then said.
    let notice = match owner {
        Owner::Instance => step.notice(key),
        Owner::Account(_) => step.notice_to(&webhook, key),
    };
    let Some(notice) = notice else { return gone };
    let Some(endpoint) = opened(tools, key.instance, &data_key, (&webhook, owner)).await? else {
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
    let opener = Opener { key: &data_key, instance: key.instance, master: tools.keys.master() };
    let listener = Listener { options: &endpoint.options, url: &endpoint.url, server_url: &tools.server_url };
    let now = tools.clock.now();
    match opener.body(tools.volatile.as_ref(), (&*step, &notice), format, listener, now).await? {
        Some(rendered) => {
            let happening = Some(notice.happening);
            let token = opener.text(field::TOKEN, &step.state.token).ok();
            let traceparent = step.traceparent.clone();
            let prepared = Prepared { happening, format, endpoint, rendered, data_key, token, traceparent };
            Ok(Readiness::Ready(Box::new(prepared)))
        }
        None if notice.happening.code().is_some() => Ok(Readiness::Settle(SettlementV1::Expired)),
        None => gone,
    }
}

/// The endpoint of a notice, opened, and whose it is: all that has to be known to find out where it leads. None where more
/// has to be, and where nothing is sent.
pub(super) async fn endpoint_of(
    tools: &Tools,
    pending: &Pending,
    permit: &Permit,
) -> Result<Option<(Endpoint, Owner)>, Fault> {
    let NoticeKeyV1 { instance, endpoint, .. } = pending.key;
    let Some((webhook, owner)) = permit.endpoint(endpoint) else { return Ok(None) };
    // The last words of a deleted instance have a key of their own.
    if pending.owed.class == NoticeClass::Deletion {
        return Ok(None);
    }
    let Some(data_key) = tools.keys.key(instance.as_bytes()).await? else { return Ok(None) };
    let endpoint = opened(tools, instance, &data_key, (webhook, owner)).await?;
    Ok(endpoint.filter(|endpoint| !endpoint.url.is_empty()).map(|endpoint| (endpoint, owner)))
}

/// An endpoint, opened with the key of whoever has it; none if that is destroyed or does not open it.
pub(super) async fn opened(
    tools: &Tools,
    instance: InstanceId,
    data_key: &DataKey,
    (webhook, owner): (&WebhookV1, Owner),
) -> Result<Option<Endpoint>, Fault> {
    let now = tools.clock.now();
    let opened = match owner {
        Owner::Instance => {
            Endpoint::open(Keyhole { key: data_key, owner: instance.as_bytes() }, webhook, now)
        }
        Owner::Account(account) => {
            let Some(key) = tools.keys.key(account.as_bytes()).await? else { return Ok(None) };
            Endpoint::open(Keyhole { key: &key, owner: account.as_bytes() }, webhook, now)
        }
    };
    Ok(opened.ok())
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
