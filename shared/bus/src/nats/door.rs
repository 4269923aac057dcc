//! Requests of other people's programs over core NATS.

use async_nats::{HeaderMap, Message};
use async_trait::async_trait;
use futures::{StreamExt, future::ready};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::bus::NatsBus;
use crate::{
    door::{Answered, Door, Headers, Visit, Visits},
    port::TransportError,
};

/// What the subject of an answer may begin with: the inboxes of clients, and what the server puts in their place for a request
/// that comes from another account of NATS.
const ANSWERED_TO: [&str; 3] = ["_INBOX.", "_INBOX_", "_R_."];

#[async_trait]
impl Door for NatsBus {
    async fn serve_until(
        &self,
        filter: &str,
        queue: &str,
        until: CancellationToken,
    ) -> Result<Visits, TransportError> {
        let messages = self.messages(filter, queue, until).await?;
        let bus = self.clone();
        Ok(Box::pin(messages.filter_map(move |message| ready(visit(&bus, message)))))
    }
}

/// A message as a request; none if nobody waits for its answer in an inbox.
fn visit(bus: &NatsBus, message: Message) -> Option<Visit> {
    let Message { subject, reply, payload, headers, .. } = message;
    let reply = reply?;
    if !ANSWERED_TO.iter().any(|begin| reply.starts_with(begin)) {
        tracing::warn!(%subject, "a request whose answer should go to something else than an inbox was dropped");
        return None;
    }
    let (answer, answered) = oneshot::channel::<Answered>();
    bus.reply(|client| async move {
        let Ok(Answered { headers, payload }) = answered.await else { return };
        if let Err(error) = client.publish_with_headers(reply, written(headers), payload).await {
            tracing::warn!(%error, "an answer could not be sent");
        }
    });
    Some(Visit { subject: subject.into_string(), headers: read(headers), payload, answer })
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
