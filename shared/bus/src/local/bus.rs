//! Request and reply between the services of one process, through bounded queues.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{future::select_ok, stream};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::{
    port::{
        Bus, REQUESTS_WAITING_MAX, Replier, Request, RequestError, Requests, Subscription, TransportError,
    },
    subject::matches,
};

use super::routes::Routes;

/// Messages that wait for a subscriber; one that lets more wait misses messages.
const MESSAGES_WAITING_MAX: usize = 1_024;

/// The bus of one process. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct LocalBus {
    /// Written by every server and subscriber, read by every asker and publisher.
    listeners: Arc<Mutex<Listeners>>,
}

#[derive(Debug, Default)]
struct Listeners {
    groups: Vec<Group>,
    subscribers: Vec<Subscriber>,
}

/// The servers with one queue name: one of them gets each request.
#[derive(Debug)]
struct Group {
    queue: String,
    members: Routes<mpsc::Sender<Request>>,
    /// Counts requests, so that members take turns.
    turn: usize,
}

#[derive(Debug)]
struct Subscriber {
    filter: String,
    messages: mpsc::Sender<(String, Bytes)>,
}

/// What became of a request in one group.
enum Offer {
    /// A member has it.
    Taken(oneshot::Receiver<Bytes>),
    /// Every member that serves the subject has a full queue.
    Full,
    /// No member serves the subject.
    Nobody,
}

// === impl LocalBus ===

impl LocalBus {
    /// A bus that nobody listens on.
    pub fn new() -> Self {
        Self::default()
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a request to one member of each group that serves the subject.
    fn offer(&self, subject: &str, payload: &Bytes) -> Result<Vec<oneshot::Receiver<Bytes>>, RequestError> {
        let mut listeners = self.listeners();
        let mut replies = Vec::new();
        let mut full = false;
        for group in &mut listeners.groups {
            match group.offer(subject, payload) {
                Offer::Taken(reply) => replies.push(reply),
                Offer::Full => full = true,
                Offer::Nobody => {}
            }
        }
        match (replies.is_empty(), full) {
            (false, _) => Ok(replies),
            (true, true) => Err(RequestError::Overloaded { subject: subject.to_owned() }),
            (true, false) => Err(RequestError::NoResponder { subject: subject.to_owned() }),
        }
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn request(&self, subject: &str, payload: Bytes, timeout: Duration) -> Result<Bytes, RequestError> {
        let replies = self.offer(subject, &payload)?;
        let answered = async {
            match select_ok(replies).await {
                Ok((reply, _others)) => reply,
                // Every replier was dropped. Whether something was done is not known, so the asker shall not
                // take it for a quick refusal and hurry into a retry.
                Err(_dropped) => std::future::pending().await,
            }
        };
        tokio::time::timeout(timeout, answered)
            .await
            .map_err(|_| RequestError::TimedOut { subject: subject.to_owned() })
    }

    async fn serve_until(
        &self,
        filter: &str,
        queue: &str,
        until: CancellationToken,
    ) -> Result<Requests, TransportError> {
        let (requests, waiting) = mpsc::channel(REQUESTS_WAITING_MAX);
        let mut listeners = self.listeners();
        listeners.forget_gone_servers();
        let known = listeners.groups.iter().position(|group| group.queue == queue);
        let at = known.unwrap_or_else(|| {
            listeners.groups.push(Group { queue: queue.to_owned(), members: Routes::default(), turn: 0 });
            listeners.groups.len() - 1
        });
        if let Some(group) = listeners.groups.get_mut(at) {
            group.members.insert(filter, requests);
        }
        Ok(Box::pin(stream::unfold((waiting, Some(until)), next_until)))
    }

    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), TransportError> {
        let mut listeners = self.listeners();
        listeners.subscribers.retain(|subscriber| !subscriber.messages.is_closed());
        for subscriber in &listeners.subscribers {
            if matches(&subscriber.filter, subject) {
                let _missed_if_full = subscriber.messages.try_send((subject.to_owned(), payload.clone()));
            }
        }
        Ok(())
    }

    async fn subscribe(&self, filter: &str) -> Result<Subscription, TransportError> {
        let (messages, waiting) = mpsc::channel(MESSAGES_WAITING_MAX);
        let mut listeners = self.listeners();
        listeners.subscribers.retain(|subscriber| !subscriber.messages.is_closed());
        listeners.subscribers.push(Subscriber { filter: filter.to_owned(), messages });
        Ok(Box::pin(ReceiverStream::new(waiting)))
    }
}

/// The next request; once the token is cancelled the last ones that wait, then none.
async fn next_until(
    (mut waiting, mut until): (mpsc::Receiver<Request>, Option<CancellationToken>),
) -> Option<(Request, (mpsc::Receiver<Request>, Option<CancellationToken>))> {
    let request = match &until {
        Some(token) => token.run_until_cancelled(waiting.recv()).await,
        None => Some(waiting.recv().await),
    };
    let request = match request {
        Some(request) => request,
        None => {
            until = None;
            waiting.close();
            waiting.recv().await
        }
    };
    request.map(|request| (request, (waiting, until)))
}

// === impl Listeners ===

impl Listeners {
    fn forget_gone_servers(&mut self) {
        for group in &mut self.groups {
            group.members.retain(&|requests| !requests.is_closed());
        }
        self.groups.retain(|group| !group.members.is_empty());
    }
}

// === impl Group ===

impl Group {
    /// Offers a request to the members in turn, until one has room for it.
    fn offer(&mut self, subject: &str, payload: &Bytes) -> Offer {
        let serving = self.members.of(subject);
        self.turn = self.turn.wrapping_add(1);
        let first = self.turn % serving.len().max(1);
        let mut offer = Offer::Nobody;
        for requests in serving.iter().cycle().skip(first).take(serving.len()) {
            let (reply, answer) = oneshot::channel();
            let request =
                Request { subject: subject.to_owned(), payload: payload.clone(), reply: Replier(reply) };
            match requests.try_send(request) {
                Ok(()) => return Offer::Taken(answer),
                Err(TrySendError::Full(_)) => offer = Offer::Full,
                // It is gone, and forgotten when the next one comes.
                Err(TrySendError::Closed(_)) => {}
            }
        }
        offer
    }
}
