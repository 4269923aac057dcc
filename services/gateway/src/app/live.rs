//! Telling what happens to an instance as it happens: the same notices as webhooks, in the same words and under
//! the same silence, and nothing of the past.

use std::sync::Arc;

use berth_bus::{KeyRing, Volatile};
use berth_domain::instance::Verdict;
use berth_log::{Place, decode_commit};
use berth_notices::{
    derive::{Notice, Step},
    formats::{self, Format},
    gate::{Occasion, gate},
    open::{Listener, Opener},
};
use berth_proto::{EndpointId, Sealed, Timestamp, instance::WebhookV1};
use berth_runtime::Clock;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    failure::Failure,
    follow::{FRESH_MAX, Follow, Follows, Permission, Turn},
    principal::Principal,
    record::Record,
};

/// Names of the events that a listener wants, by how the instance is configured now: an empty list is all, none
/// is that it is told nothing.
pub type Filter = fn(&Record) -> Option<Vec<String>>;

/// Somebody who is told what happens to an instance from now on.
#[derive(Debug)]
pub struct Live {
    follow: Follow,
    teller: Teller,
    /// The version up to which everything was told.
    after: u64,
    /// The commit after it, of which something may be told already.
    current: Option<Telling>,
}

/// A commit that is being told.
#[derive(Debug)]
struct Telling {
    step: Step,
    /// The place of the notice that was looked at last.
    past: Option<u16>,
}

/// Who is told of which instance, and in whose words.
#[derive(Debug)]
struct Teller {
    listeners: Arc<Listeners>,
    permission: Permission,
    format: &'static dyn Format,
    options: Map<String, Value>,
    filter: Filter,
}

/// Tells clients what happens.
#[derive(Debug)]
pub struct Listeners {
    pub(super) keys: KeyRing,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) volatile: Arc<dyn Volatile>,
    pub(super) public_url: String,
    pub(super) follows: Arc<Follows>,
}

impl Listeners {
    /// Listens to an instance, in the words of a format and with its options. No body shows a token: whoever listens
    /// has shown one, and not for long the present one.
    pub async fn listen(
        self: &Arc<Self>,
        principal: Principal,
        record: &Record,
        format: &'static str,
        options: Map<String, Value>,
        filter: Filter,
    ) -> Result<Live, Failure> {
        let format = formats::by_name(format)
            .ok_or(Failure::Invalid { field: "format", problem: "there is no such format" })?;
        let follow = self.follows.follow(principal, record.id).await?;
        let (listeners, permission) = (Arc::clone(self), follow.permission().clone());
        let teller = Teller { listeners, permission, format, options, filter };
        Ok(Live { follow, teller, after: record.version, current: None })
    }
}

impl Live {
    /// Waits for the next body and gives it; none when the process stops. It ends with [`Failure::NotFound`] or
    /// [`Failure::Unauthorized`] when the instance or the permission is no more; after [`Failure::Unavailable`] it
    /// may be asked again and misses nothing.
    ///
    /// A body is to be sent at once: each one is given under a permission and a silence that were read for it.
    pub async fn next(&mut self) -> Result<Option<String>, Failure> {
        loop {
            let Some(telling) = &mut self.current else {
                match self.follow.more(self.after).await? {
                    Turn::Stopping => return Ok(None),
                    Turn::More(place) => self.current = step_of(&place),
                }
                if self.current.is_none() {
                    self.after += 1;
                }
                continue;
            };
            match self.teller.next_body(&telling.step, telling.past).await? {
                Some((ordinal, body)) => {
                    telling.past = Some(ordinal);
                    if body.is_some() {
                        return Ok(body);
                    }
                }
                None => {
                    self.current = None;
                    self.after += 1;
                }
            }
        }
    }
}

/// What a commit says; nothing if it cannot be read: the chain check of the history tells of that.
fn step_of(place: &Place) -> Option<Telling> {
    let Place::Commit(stored) = place else { return None };
    let step = decode_commit(stored).ok().and_then(|commit| Step::of(&commit).ok().flatten())?;
    Some(Telling { step, past: None })
}

impl Teller {
    /// The next notice of a commit behind the one at `past`: its place, and its body if it may be told at this
    /// moment. None if there is no other one.
    async fn next_body(
        &self,
        step: &Step,
        past: Option<u16>,
    ) -> Result<Option<(u16, Option<String>)>, Failure> {
        loop {
            // Taken before the read: the answer is at most as old as this.
            let read_at = Instant::now();
            let record = self.permission.ask().await?;
            if record.is_deleted() {
                return Err(Failure::NotFound);
            }
            let Some(events) = (self.filter)(&record) else { return Ok(None) };
            let endpoint = self.endpoint(events);
            let notices = step.heard().notices_for(&endpoint);
            let next = notices.into_iter().find(|notice| past.is_none_or(|past| notice.key.ordinal > past));
            let Some(notice) = next else { return Ok(None) };
            let body = self.body((step, &notice), &record, &endpoint).await?;
            if read_at.elapsed() < FRESH_MAX {
                return Ok(Some((notice.key.ordinal, body)));
            }
        }
    }

    async fn body(
        &self,
        (step, notice): (&Step, &Notice),
        record: &Record,
        endpoint: &WebhookV1,
    ) -> Result<Option<String>, Failure> {
        let Listeners { keys, clock, volatile, public_url, .. } = &*self.listeners;
        let now = clock.now();
        let code = notice.happening.code();
        let asked = Occasion { class: notice.class, session: notice.session, code, now };
        if gate(&record.state, Some(endpoint), &asked) != Verdict::Send {
            return Ok(None);
        }
        let key = record.key.as_ref().ok_or(Failure::NotFound)?;
        let opener = Opener { key, instance: record.id, master: keys.master() };
        let listener = Listener { options: &self.options, url: "", server_url: public_url };
        let rendered = opener.body(&**volatile, (step, notice), self.format, listener, now).await?;
        Ok(rendered.and_then(|rendered| String::from_utf8(rendered.body).ok()))
    }

    /// The listener as an endpoint that is nowhere configured.
    fn endpoint(&self, events: Vec<String>) -> WebhookV1 {
        WebhookV1 {
            id: EndpointId::from_bytes([0; 16]),
            format: self.format.name().to_owned(),
            label: String::new(),
            enabled: true,
            url: Sealed(Vec::new()),
            headers: None,
            authorization: None,
            secret: Sealed(Vec::new()),
            old_secrets: Vec::new(),
            events,
            after_logout_all: false,
            options: None,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        }
    }
}
