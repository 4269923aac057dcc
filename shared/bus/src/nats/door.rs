//! Requests of other people's programs over core NATS.
//!
//! They come on a connection of their own. A NATS server hands a customer's headers on as they are, and the client reads them in
//! the task that drives the connection: what is not well formed ends the connection, and a lone carriage return in a value ends
//! the task with a panic, after which it never connects again. So nothing else may depend on that task, and whoever serves has to
//! notice that it is gone: its subscriptions end with it, since it has the only senders of their messages.

use std::{fmt, sync::Arc};

use async_nats::{Client, HeaderMap, Message, PublishErrorKind, Subject};
use async_trait::async_trait;
use berth_runtime::{Lifecycle, config::NatsSettings};
use futures::{StreamExt, future::ready, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    bus::NatsBus,
    connect::{Until, connect_for_strangers},
};
use crate::{
    door::{Answered, Door, Headers, Visit, Visits},
    port::TransportError,
};

/// What the subject of an answer may begin with: the inboxes of clients, and what the server puts in their place for a request
/// that comes from another account of NATS.
const ANSWERED_TO: [&str; 3] = ["_INBOX.", "_INBOX_", "_R_."];
/// Requests that wait for their answer, or whose answer is being sent. What comes beyond is dropped.
const ANSWERS_MAX: usize = 1_024;

/// The door of a deployment. It connects anew each time that it is asked to serve, so that no harm that a request does to the
/// connection lasts, nor reaches another one.
pub struct NatsDoor {
    settings: NatsSettings,
    /// That of the process's other connections, whose inboxes are allowed to it.
    name: String,
    lifecycle: Lifecycle,
    answers: Arc<Semaphore>,
}

/// One connection of the door.
struct Served {
    bus: NatsBus,
    /// Cancelled when the connection is gone.
    lost: CancellationToken,
    answers: Arc<Semaphore>,
}

impl fmt::Debug for NatsDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NatsDoor")
    }
}

impl NatsDoor {
    /// A door for the process whose connections are made by these settings and have this name. Answers that are under way are
    /// tasks of the life, so a drain waits for them.
    pub fn new(settings: NatsSettings, name: String, lifecycle: &Lifecycle) -> Self {
        let answers = Arc::new(Semaphore::new(ANSWERS_MAX));
        Self { settings, name, lifecycle: lifecycle.clone(), answers }
    }

    async fn open(
        &self,
        filter: &str,
        queue: &str,
        until: CancellationToken,
    ) -> Result<Visits, TransportError> {
        let Until { lost, gone } = Until::default();
        let ends = Until { lost: lost.clone(), gone: gone.clone() };
        let client = connect_for_strangers(&self.settings, &self.name, ends)
            .await
            .map_err(|error| TransportError(error.into()))?;
        let bus = NatsBus::new(client, &self.lifecycle);
        let messages = bus.messages(filter, queue, until.clone()).await?;
        let served = Served { bus, lost: lost.clone(), answers: Arc::clone(&self.answers) };
        let visits = messages.filter_map(move |message| ready(served.visit(message)));
        // The client would connect again by itself, but may not answer on another connection what was asked on this one.
        let visits = visits.take_until(lost.cancelled_owned());
        // Whoever serves again at once would share the requests with what is left of this one.
        let end = async move { until.run_until_cancelled(gone.cancelled()).await.and(None) };
        Ok(Box::pin(visits.chain(stream::once(end).filter_map(ready))))
    }
}

#[async_trait]
impl Door for NatsDoor {
    async fn serve_until(
        &self,
        filter: &str,
        queue: &str,
        until: CancellationToken,
    ) -> Result<Visits, TransportError> {
        let stopped = until.clone();
        let served = stopped.run_until_cancelled(self.open(filter, queue, until)).await;
        served.unwrap_or_else(|| Ok(Box::pin(stream::empty())))
    }
}

impl Served {
    /// A message as a request; none if nobody waits for its answer in an inbox, or too many others wait.
    fn visit(&self, message: Message) -> Option<Visit> {
        let Message { subject, reply, payload, headers, .. } = message;
        let reply = reply?;
        if !ANSWERED_TO.iter().any(|begin| reply.starts_with(begin)) {
            tracing::warn!(%subject, "a request whose answer should go to something else than an inbox was dropped");
            return None;
        }
        let waits: OwnedSemaphorePermit = Arc::clone(&self.answers).try_acquire_owned().ok()?;
        let (answer, answered) = oneshot::channel::<Answered>();
        let lost = self.lost.clone();
        self.bus.reply(|client| async move {
            let _waits = waits;
            // There is nobody to answer on a connection that is gone.
            lost.run_until_cancelled(answer_to(client, reply, answered)).await;
        });
        Some(Visit { subject: subject.into_string(), headers: read(headers), payload, answer })
    }
}

async fn answer_to(client: Client, inbox: Subject, answered: oneshot::Receiver<Answered>) {
    let Ok(Answered { headers, payload }) = answered.await else { return };
    let sent = client.publish_with_headers(inbox, written(headers), payload).await;
    match sent {
        // A connection whose last client is dropped writes nothing any more.
        Ok(()) => {
            let _gone = client.flush().await;
        }
        Err(error) if error.kind() == PublishErrorKind::Send => {}
        Err(error) => tracing::warn!(%error, "an answer could not be sent"),
    }
}

fn read(headers: Option<HeaderMap>) -> Headers {
    let headers = headers.unwrap_or_default();
    let named = headers.iter().flat_map(|(name, values)| {
        values.iter().map(move |value| (name.to_string(), value.as_str().to_owned()))
    });
    named.collect()
}

fn written(headers: Headers) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name.as_str(), value.as_str());
    }
    map
}
