//! Telling what happens to an instance as it happens: the same notices as webhooks, in the same words and under
//! the same silence, and nothing of the past.

use std::time::Duration;

use berth_bus::Subscription;
use berth_log::decode_commit;
use berth_notices::{
    derive::Step,
    formats::{self, Format},
    gate::{Asked, Gate, gate},
    open::{Listener, Opener},
};
use berth_proto::{
    EndpointId, InstanceId, Sealed, StreamKey, Timestamp, instance::WebhookV1, subject::tail_subject,
};
use futures::StreamExt;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout};

use super::{App, failure::Failure, principal::Principal, record::Record};

/// The longest pause between two looks at the log, should a hint be lost.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// What was allowed is told within this time of the read that allowed it, or the log is read again.
const GATE_FRESH_MAX: Duration = Duration::from_secs(1);

/// Names of the events that a listener wants, by how the instance is configured now: an empty list is all, none
/// is that it is told nothing.
pub type Filter = fn(&Record) -> Option<Vec<String>>;

/// Somebody who is told what happens to an instance from now on.
pub struct Live {
    teller: Teller,
    hints: Subscription,
    /// The version up to which everything was told.
    after: u64,
}

/// Who is told of which instance, and in whose words.
struct Teller {
    app: App,
    principal: Principal,
    instance: InstanceId,
    format: &'static dyn Format,
    options: Map<String, Value>,
    filter: Filter,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live")
            .field("instance", &self.teller.instance)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

impl App {
    /// Listens to an instance, in the words of a format and with its options.
    pub async fn listen(
        &self,
        principal: Principal,
        record: &Record,
        format: &'static str,
        options: Map<String, Value>,
        filter: Filter,
    ) -> Result<Live, Failure> {
        let format = formats::by_name(format)
            .ok_or(Failure::Invalid { field: "format", problem: "there is no such format" })?;
        let hints = self.inner.bus.subscribe(&tail_subject(record.id)).await;
        let hints = hints.map_err(|error| Failure::unavailable("the bus", error))?;
        let (app, instance) = (self.clone(), record.id);
        let teller = Teller { app, principal, instance, format, options, filter };
        Ok(Live { teller, hints, after: record.version })
    }
}

impl Live {
    /// Waits for the next commit and gives the bodies of what it says; often there are none. It ends with
    /// [`Failure::NotFound`] or [`Failure::Unauthorized`] when the instance or the token is no more; after
    /// [`Failure::Unavailable`] it may be asked again and misses nothing.
    pub async fn next(&mut self) -> Result<Vec<String>, Failure> {
        let stream = StreamKey::instance(self.teller.instance);
        loop {
            let stored = self.teller.app.inner.log.read(&stream, self.after, 1).await?;
            let Some(first) = stored.first() else {
                // A hint or the next look: whatever comes first.
                let _hint = timeout(LOOK_AGAIN, self.hints.next()).await;
                continue;
            };
            // A commit that cannot be read says nothing here; the chain check of the history tells of it.
            let step = decode_commit(first).ok().and_then(|commit| Step::of(&commit).ok().flatten());
            let bodies = match step {
                Some(step) => self.teller.tell(&step).await?,
                None => Vec::new(),
            };
            self.after += 1;
            return Ok(bodies);
        }
    }
}

impl Teller {
    /// The bodies of a commit that may be told at this moment.
    async fn tell(&self, step: &Step) -> Result<Vec<String>, Failure> {
        loop {
            // Taken before the read: the answer is at most as old as this.
            let read_at = Instant::now();
            let record = self.app.read(&self.principal, self.instance).await?;
            let Some(events) = (self.filter)(&record) else {
                return Ok(Vec::new());
            };
            let bodies = self.bodies(step, &record, &self.endpoint(events)).await?;
            if read_at.elapsed() < GATE_FRESH_MAX {
                return Ok(bodies);
            }
        }
    }

    async fn bodies(
        &self,
        step: &Step,
        record: &Record,
        endpoint: &WebhookV1,
    ) -> Result<Vec<String>, Failure> {
        let key = record.key.as_ref().ok_or(Failure::NotFound)?;
        let opener = Opener { key, instance: self.instance, master: self.app.inner.keys.master() };
        let settings = self.app.settings();
        let listener = Listener { options: &self.options, url: "", server_url: &settings.public_url };
        let mut bodies = Vec::new();
        for notice in step.notices_for(endpoint) {
            let now = self.app.now();
            let asked =
                Asked { class: notice.class, session: notice.session, code: notice.happening.code(), now };
            if gate(&record.state, Some(endpoint), &asked) != Gate::Send {
                continue;
            }
            let volatile = self.app.inner.volatile.as_ref();
            let body = opener.body(volatile, (step, &notice), self.format, listener, now).await?;
            bodies.extend(body.and_then(|rendered| String::from_utf8(rendered.body).ok()));
        }
        Ok(bodies)
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
