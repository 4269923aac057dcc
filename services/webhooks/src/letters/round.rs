//! The loop of one partition: what comes is kept, what waits is sent, what is done is erased.

use std::{collections::HashMap, future::Future, pin::Pin, sync::Arc, time::Duration};

use berth_bus::{Kept, Postbag, Request, Tenure};
use berth_notices::formats::RetryRule;
use berth_proto::{
    InstanceId, codec,
    letter::{LetterReplyV1, LetterV1},
    subject::letter_filter,
};
use bytes::Bytes;
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::{
    sync::Semaphore,
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};

use super::{
    Flights, PAUSE,
    deliver::{Next, deliver},
    flights::Flight,
    lane::Lane,
};
use crate::{QUEUE, dispatch::Tools, metrics};

/// How often the postbag is looked at besides: a former owner may have kept a letter at its last moment.
const LOOK_EACH: Duration = Duration::from_mins(1);

/// What came to an end.
enum Done {
    /// An attempt, or the wait before the next one.
    Tried { instance: InstanceId, place: u64, next: Next },
    /// What a former owner may have been sending is over.
    Landed,
}

type Work = Pin<Box<dyn Future<Output = Done> + Send>>;

/// See the module.
pub(super) struct Round {
    tools: Tools,
    postbag: Arc<dyn Postbag>,
    tenure: Tenure,
    room: Arc<Semaphore>,
    flights: Arc<Flights>,
    lanes: HashMap<InstanceId, Lane>,
    work: FuturesUnordered<Work>,
}

impl Round {
    pub(super) fn new(
        tools: Tools,
        postbag: Arc<dyn Postbag>,
        tenure: Tenure,
        room: Arc<Semaphore>,
        flights: &Arc<Flights>,
    ) -> Self {
        let flights = Arc::clone(flights);
        Self { tools, postbag, tenure, room, flights, lanes: HashMap::new(), work: FuturesUnordered::new() }
    }

    /// With what a former owner left. It may be sending the first one of an instance at this moment: nobody can stop it, and it
    /// lives for as long as an attempt may.
    pub(super) fn beginning_with(mut self, kept: Vec<Kept>) -> Self {
        self.add(kept);
        let life = self.tools.schedule.attempt_max(RetryRule::Standard);
        for instance in self.lanes.keys() {
            let flight: Flight = self.flights.begin(*instance);
            self.work.push(Box::pin(async move {
                sleep(life).await;
                drop(flight);
                Done::Landed
            }));
        }
        self
    }

    /// Takes and hands on until it is dropped, or the bus serves no more.
    pub(super) async fn run(mut self) {
        let filter = letter_filter(self.tenure.partition());
        let mut requests = loop {
            match self.tools.bus.serve_until(&filter, QUEUE, self.tenure.token().clone()).await {
                Ok(requests) => break requests,
                Err(error) => tracing::warn!(%error, "messages of upstreams cannot be taken"),
            }
            sleep(PAUSE).await;
        };
        let mut looks = interval(LOOK_EACH);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        looks.tick().await;
        self.start_all();
        loop {
            tokio::select! {
                biased;
                Some(done) = self.work.next() => self.finish(done).await,
                request = requests.next() => match request {
                    Some(request) => self.take(request).await,
                    None => return,
                },
                _ = looks.tick() => self.look().await,
            }
        }
    }

    /// Keeps a letter, and says so once it is kept.
    async fn take(&mut self, request: Request) {
        let id = request.subject.rsplit('.').next().and_then(|id| id.parse::<InstanceId>().ok());
        let (Some(instance), Ok(_)) = (id, codec::decode::<LetterV1>(&request.payload)) else {
            tracing::warn!("a message of an upstream cannot be read");
            return;
        };
        let reply = self.keep(instance, request.payload.clone()).await;
        if let Ok(payload) = codec::encode(&reply) {
            request.reply.send(Bytes::from(payload));
        }
        self.start(instance);
    }

    async fn keep(&mut self, instance: InstanceId, letter: Bytes) -> LetterReplyV1 {
        let bytes = letter.len();
        if !self.lanes.entry(instance).or_default().has_room(bytes) {
            metrics::letter("full");
            return LetterReplyV1::Full;
        }
        match self.postbag.put(instance, letter).await {
            Ok(place) => {
                self.add(vec![Kept { instance, place, bytes }]);
                LetterReplyV1::Taken
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(%instance, error, "a message of an upstream cannot be kept");
                LetterReplyV1::Unavailable
            }
        }
    }

    /// Looks what is kept: nothing that was kept is forgotten.
    async fn look(&mut self) {
        match self.postbag.list(self.tenure.partition()).await {
            Ok(kept) => self.add(kept),
            Err(error) => tracing::debug!(%error, "the messages that wait cannot be listed"),
        }
        self.start_all();
    }

    fn add(&mut self, kept: Vec<Kept>) {
        for one in kept {
            let lane = self.lanes.entry(one.instance).or_default();
            let before = lane.len();
            lane.add(one);
            metrics::letters_wait(lane.len() - before);
        }
    }

    fn start_all(&mut self) {
        let instances: Vec<_> = self.lanes.keys().copied().collect();
        for instance in instances {
            self.start(instance);
        }
    }

    /// Sends the first letter of an instance, unless one is under way.
    fn start(&mut self, instance: InstanceId) {
        let Some(lane) = self.lanes.get_mut(&instance) else { return };
        let Some(place) = lane.first().filter(|_| !lane.busy) else {
            if lane.is_idle() {
                self.lanes.remove(&instance);
            }
            return;
        };
        lane.busy = true;
        let (tools, postbag, room) = (self.tools.clone(), Arc::clone(&self.postbag), Arc::clone(&self.room));
        let (flights, holds, attempts) = (Arc::clone(&self.flights), self.tenure.holds(), lane.attempts);
        self.work.push(Box::pin(async move {
            let _room = room.acquire().await;
            let flight = flights.begin(instance);
            let next = deliver(&tools, &*postbag, (holds, flight), (instance, place), attempts).await;
            Done::Tried { instance, place, next }
        }));
    }

    async fn finish(&mut self, done: Done) {
        let Done::Tried { instance, place, next } = done else { return };
        let Some(lane) = self.lanes.get_mut(&instance) else { return };
        let up_to = match next {
            Next::Done => place,
            Next::Silence => lane.last().unwrap_or(place),
            Next::Again { attempts, after } => {
                lane.attempts = attempts;
                let due = Instant::now() + after;
                self.work.push(Box::pin(async move {
                    sleep_until(due).await;
                    Done::Tried { instance, place, next: Next::Due }
                }));
                return;
            }
            Next::Due => {
                lane.busy = false;
                return self.start(instance);
            }
        };
        let before = lane.len();
        lane.settle(up_to);
        lane.busy = false;
        metrics::letters_gone(before - lane.len());
        // What cannot be erased now goes with what is erased next, or when it is too old.
        if let Err(error) = self.postbag.erase(instance, up_to).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(%instance, error, "a message that was handed on cannot be erased yet");
        }
        self.start(instance);
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        metrics::letters_gone(self.lanes.values().map(Lane::len).sum());
    }
}
