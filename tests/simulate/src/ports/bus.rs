//! The network between processes: messages take their time, and not all arrive once.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use berth_bus::{
    Bus, Replier, Request, RequestError, Requests, Subscription, TransportError, port::REQUESTS_WAITING_MAX,
    subject::matches,
};
use bytes::Bytes;
use futures::stream;
use tokio::{
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::world::{At, CutOff, Life};

/// Messages that wait for a subscriber.
const MESSAGES_WAITING_MAX: usize = 1_024;

/// Who listens.
#[derive(Debug, Default)]
pub(crate) struct Network(Mutex<Listeners>);

#[derive(Debug, Default)]
struct Listeners {
    servers: Vec<Server>,
    subscribers: Vec<Subscriber>,
}

#[derive(Debug, Clone)]
struct Server {
    filter: String,
    /// How every subject begins that it serves: most servers are told from a request by that.
    begins: String,
    queue: String,
    life: Arc<Life>,
    until: CancellationToken,
    requests: mpsc::Sender<Request>,
}

#[derive(Debug, Clone)]
struct Subscriber {
    filter: String,
    life: Arc<Life>,
    messages: mpsc::Sender<(String, Bytes)>,
}

/// The network as one process has it.
#[derive(Debug)]
pub(crate) struct SharedBus(pub(crate) At);

// === impl Network ===

impl Network {
    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a process listened to that is gone is forgotten.
    pub(crate) fn forget(&self, life: &Arc<Life>) {
        let mut listeners = self.listeners();
        listeners.servers.retain(|server| !Arc::ptr_eq(&server.life, life));
        listeners.subscribers.retain(|subscriber| !Arc::ptr_eq(&subscriber.life, life));
    }

    /// The queue groups that serve a subject. A process that was killed a moment ago is still in them.
    fn groups(&self, subject: &str) -> Vec<Vec<Server>> {
        let listeners = self.listeners();
        let mut groups: Vec<Vec<Server>> = Vec::new();
        for server in listeners.servers.iter().filter(|server| server.serves(subject) && server.is_there()) {
            match groups.iter_mut().find(|group| group[0].queue == server.queue) {
                // A member that serves two filters of a subject is asked once.
                Some(group) => group.push(server.clone()),
                None => groups.push(vec![server.clone()]),
            }
        }
        groups
    }
}

// === impl Server ===

impl Server {
    fn serves(&self, subject: &str) -> bool {
        subject.starts_with(&self.begins) && matches(&self.filter, subject)
    }

    /// Whether it has not stopped; one that was killed has not been missed yet.
    fn is_there(&self) -> bool {
        self.life.is_dead() || !(self.until.is_cancelled() || self.requests.is_closed())
    }
}

// === impl SharedBus ===

impl SharedBus {
    /// Sends a request to one member of each group, once, twice or not at all. None if nobody serves the subject.
    fn send(&self, subject: &str, payload: &Bytes, replies: &mpsc::Sender<Bytes>) -> Option<()> {
        let world = &self.0.world;
        let groups = world.network.groups(subject);
        if groups.is_empty() {
            return None;
        }
        for group in groups {
            let odds = world.odds();
            let copies = match () {
                () if world.chance.permille(odds.lost) => 0,
                () if world.chance.permille(odds.doubled) => 2,
                () => 1,
            };
            for _ in 0..copies {
                let Some(server) = world.chance.one_of(&group).cloned() else { continue };
                let (to, asker) =
                    (At { world: Arc::clone(world), life: server.life.clone() }, self.0.clone());
                let (subject, payload, replies) = (subject.to_owned(), payload.clone(), replies.clone());
                world.go_on(async move { deliver(&to, &asker, server, subject, payload, replies).await });
            }
            if copies != 1 {
                self.0.step(format_args!("asks {subject}, {copies} times"));
            }
        }
        Some(())
    }
}

/// Brings a request to its server and the reply back.
async fn deliver(
    to: &At,
    asker: &At,
    server: Server,
    subject: String,
    payload: Bytes,
    replies: mpsc::Sender<Bytes>,
) {
    sleep(to.world.odds().way(&to.world.chance)).await;
    if to.life.is_dead() || to.life.is_cut() {
        return;
    }
    let (reply, answer) = oneshot::channel();
    to.step(format_args!("is asked {subject} by {}", asker.life.name));
    if server.requests.try_send(Request { subject, payload, reply: Replier(reply) }).is_err() {
        return;
    }
    let Ok(answer) = answer.await else { return };
    if to.life.is_dead() || to.life.is_cut() || to.world.chance.permille(to.world.odds().lost) {
        return;
    }
    sleep(to.world.odds().way(&to.world.chance)).await;
    if !asker.life.is_cut() {
        let _gone = replies.try_send(answer);
    }
}

#[async_trait]
impl Bus for SharedBus {
    async fn request(&self, subject: &str, payload: Bytes, within: Duration) -> Result<Bytes, RequestError> {
        self.0.moment().await;
        let (replies, mut answers) = mpsc::channel(8);
        let asked = async {
            self.0.way().await;
            if self.0.life.is_cut() {
                return std::future::pending().await;
            }
            self.send(subject, &payload, &replies)?;
            answers.recv().await
        };
        match timeout(within, asked).await {
            Ok(Some(answer)) => {
                self.0.moment().await;
                self.0.step(format_args!("is answered on {subject}"));
                Ok(answer)
            }
            Ok(None) => Err(RequestError::NoResponder { subject: subject.to_owned() }),
            Err(_) => Err(RequestError::TimedOut { subject: subject.to_owned() }),
        }
    }

    async fn serve_until(
        &self,
        filter: &str,
        queue: &str,
        until: CancellationToken,
    ) -> Result<Requests, TransportError> {
        self.0.alive().await;
        self.0.way().await;
        if self.0.life.is_cut() {
            return Err(TransportError(CutOff.into_boxed()));
        }
        let (requests, waiting) = mpsc::channel(REQUESTS_WAITING_MAX);
        let mut listeners = self.0.world.network.listeners();
        listeners.servers.retain(Server::is_there);
        listeners.servers.push(Server {
            filter: filter.to_owned(),
            begins: filter.split(['*', '>']).next().unwrap_or_default().to_owned(),
            queue: queue.to_owned(),
            life: Arc::clone(&self.0.life),
            until: until.clone(),
            requests,
        });
        drop(listeners);
        Ok(Box::pin(stream::unfold((waiting, Some(until)), next_until)))
    }

    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), TransportError> {
        self.0.moment().await;
        if self.0.life.is_cut() {
            self.0.way().await;
            return Err(TransportError(CutOff.into_boxed()));
        }
        let world = &self.0.world;
        let to: Vec<_> = {
            let mut listeners = world.network.listeners();
            listeners.subscribers.retain(|subscriber| !subscriber.messages.is_closed());
            listeners.subscribers.iter().filter(|one| matches(&one.filter, subject)).cloned().collect()
        };
        for subscriber in to {
            let odds = world.odds();
            let copies = 1 + u64::from(world.chance.permille(odds.doubled));
            for _ in 0..copies {
                if world.chance.permille(odds.lost) {
                    continue;
                }
                let (way, subscriber) = (odds.way(&world.chance), subscriber.clone());
                let message = (subject.to_owned(), payload.clone());
                world.go_on(async move {
                    sleep(way).await;
                    if !subscriber.life.is_dead() && !subscriber.life.is_cut() {
                        let _missed = subscriber.messages.try_send(message);
                    }
                });
            }
        }
        Ok(())
    }

    async fn subscribe(&self, filter: &str) -> Result<Subscription, TransportError> {
        self.0.alive().await;
        self.0.way().await;
        if self.0.life.is_cut() {
            return Err(TransportError(CutOff.into_boxed()));
        }
        let (messages, waiting) = mpsc::channel(MESSAGES_WAITING_MAX);
        self.0.world.network.listeners().subscribers.push(Subscriber {
            filter: filter.to_owned(),
            life: Arc::clone(&self.0.life),
            messages,
        });
        Ok(Box::pin(stream::unfold(waiting, |mut waiting| async move {
            let message = waiting.recv().await?;
            Some((message, waiting))
        })))
    }
}

/// The next request; once the token is cancelled those that have arrived, then none.
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
