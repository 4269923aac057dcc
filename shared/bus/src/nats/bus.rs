//! Request and reply over core NATS.

use std::{fmt, time::Duration};

use async_nats::{Client, Message, RequestErrorKind, Subscriber, connection::State};
use async_trait::async_trait;
use berth_runtime::Lifecycle;
use bytes::Bytes;
use futures::{Stream, StreamExt, future::ready, stream};
use thiserror::Error;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::connect::INBOXES;
use crate::port::{Bus, Replier, Request, RequestError, Requests, Subscription, TransportError};

/// How long a new subscription may take until the server knows of it.
const SUBSCRIBE_MAX: Duration = Duration::from_secs(2);

/// The client has no connection at this moment.
#[derive(Debug, Error)]
#[error("there is no connection to NATS")]
struct NotConnected;

/// The bus of a deployment. Clones share the connection.
#[derive(Clone)]
pub struct NatsBus {
    client: Client,
    lifecycle: Lifecycle,
}

impl fmt::Debug for NatsBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NatsBus")
    }
}

impl NatsBus {
    /// A bus on a connection. Replies that are under way are tasks of the life, so a drain waits for them.
    pub fn new(client: Client, lifecycle: &Lifecycle) -> Self {
        Self { client, lifecycle: lifecycle.clone() }
    }

    /// The messages of a filter, as a member of a queue group, until the token is cancelled and the last that the server had
    /// sent are there.
    pub(super) async fn messages(
        &self,
        filter: &str,
        queue: &str,
        until: CancellationToken,
    ) -> Result<impl Stream<Item = Message> + Send + use<>, TransportError> {
        let messages =
            self.client.queue_subscribe(filter.to_owned(), queue.to_owned()).await.map_err(transport)?;
        self.settle().await?;
        Ok(stream::unfold((messages, Some(until)), next_until))
    }

    /// Sends a reply once there is one, in a task that a drain waits for.
    pub(super) fn reply<F>(&self, send: impl FnOnce(Client) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let _task = self.lifecycle.spawn(send(self.client.clone()));
    }

    /// Waits until the server has seen what was sent before, such as a subscription: flushing only hands it
    /// to the operating system. A message to our own inbox comes back after all of it.
    async fn settle(&self) -> Result<(), TransportError> {
        let inbox = self.client.new_inbox();
        let mut echo = self.client.subscribe(inbox.clone()).await.map_err(transport)?;
        self.client.publish(inbox, Bytes::new()).await.map_err(transport)?;
        if tokio::time::timeout(SUBSCRIBE_MAX, echo.next()).await.is_err() {
            // The subscription is made as soon as there is a connection, or this service may not publish to
            // its own inbox. Neither is a reason to refuse it, and that the connection is lost is told once, by whoever opened it.
            if self.client.connection_state() == State::Connected {
                tracing::warn!("the NATS server did not confirm a new subscription in time");
            }
        }
        Ok(())
    }
}

fn transport<E: std::error::Error + Send + Sync + 'static>(error: E) -> TransportError {
    TransportError(error.into())
}

#[async_trait]
impl Bus for NatsBus {
    async fn request(&self, subject: &str, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        if self.client.connection_state() != State::Connected {
            // Sent now, it would wait in the client and could still be done long after the asker gave up.
            return Err(RequestError::Unavailable(NotConnected.into()));
        }
        let request = async_nats::Request::new().payload(payload).timeout(Some(timeout));
        match self.client.send_request(subject.to_owned(), request).await {
            Ok(reply) => Ok(reply.payload),
            Err(error) => Err(match error.kind() {
                RequestErrorKind::NoResponders => RequestError::NoResponder { subject: subject.to_owned() },
                RequestErrorKind::TimedOut => RequestError::TimedOut { subject: subject.to_owned() },
                RequestErrorKind::InvalidSubject
                | RequestErrorKind::MaxPayloadExceeded
                | RequestErrorKind::Other => RequestError::Unavailable(error.into()),
            }),
        }
    }

    async fn serve_until(
        &self,
        filter: &str,
        queue: &str,
        until: CancellationToken,
    ) -> Result<Requests, TransportError> {
        let messages = self.messages(filter, queue, until).await?;
        let bus = self.clone();
        Ok(Box::pin(messages.filter_map(move |message| ready(bus.take(message)))))
    }

    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), TransportError> {
        if self.client.connection_state() != State::Connected {
            return Err(transport(NotConnected));
        }
        self.client.publish(subject.to_owned(), payload).await.map_err(transport)
    }

    async fn subscribe(&self, filter: &str) -> Result<Subscription, TransportError> {
        let messages = self.client.subscribe(filter.to_owned()).await.map_err(transport)?;
        self.settle().await?;
        Ok(Box::pin(messages.map(|message| (message.subject.into_string(), message.payload))))
    }
}

/// The next message; once the token is cancelled the last ones that the server had sent, then none.
async fn next_until(
    (mut messages, mut until): (Subscriber, Option<CancellationToken>),
) -> Option<(Message, (Subscriber, Option<CancellationToken>))> {
    let message = match &until {
        Some(token) => token.run_until_cancelled(messages.next()).await,
        None => Some(messages.next().await),
    };
    let message = match message {
        Some(message) => message,
        None => {
            until = None;
            messages.drain().await.ok()?;
            messages.next().await
        }
    };
    message.map(|message| (message, (messages, until)))
}

impl NatsBus {
    /// Turns a message into a request, and sends its reply when there is one. Whoever serves may publish where an
    /// asker may not, so a reply goes to an inbox and nowhere else: it could be made a message of the log.
    fn take(&self, message: Message) -> Option<Request> {
        if message.reply.as_ref().is_some_and(|reply| !reply.starts_with(INBOXES)) {
            tracing::error!(
                subject = %message.subject,
                reply = ?message.reply,
                "a request whose answer should go to something else than an inbox was dropped"
            );
            return None;
        }
        let (replier, reply) = oneshot::channel();
        if let Some(inbox) = message.reply {
            self.reply(|client| async move {
                if let Ok(payload) = reply.await
                    && let Err(error) = client.publish(inbox, payload).await
                {
                    tracing::warn!(%error, "a reply could not be sent");
                }
            });
        }
        let subject = message.subject.into_string();
        Some(Request { subject, payload: message.payload, reply: Replier(replier) })
    }
}
