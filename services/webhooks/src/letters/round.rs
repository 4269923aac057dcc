//! The loop of one partition: what comes is kept, what waits is sent, what is done is erased.

use std::{collections::HashMap, sync::Arc, time::Duration};

use berth_bus::{Kept, Postbag, PostbagError, Request, Tenure};
use berth_proto::{
    InstanceId, Partition, codec,
    letter::{LetterReplyV1, LetterV1},
    subject::letter_filter,
};
use bytes::Bytes;
use futures::StreamExt;
use tokio::{
    task::{JoinError, JoinSet},
    time::{MissedTickBehavior, interval, sleep},
};

use super::{
    PAUSE,
    lanes::Lanes,
    passage::{End, Passage},
    slots::Slots,
};
use crate::{QUEUE, dispatch::Tools, metrics};

/// How often the postbag is looked at besides: a former owner may have kept a letter at its last moment.
const LOOK_EACH: Duration = Duration::from_mins(1);

/// What came to an end.
enum Done {
    /// The way of a letter.
    Passed { instance: InstanceId, place: u64, end: End },
    /// What is done was erased up to a place, or could not be.
    Erased { instance: InstanceId, up_to: u64, is_erased: bool },
    /// A look at what is kept; nothing if it could not be seen.
    Looked(Vec<Kept>),
}

/// See the module.
pub(super) struct Round {
    tools: Tools,
    postbag: Arc<dyn Postbag>,
    tenure: Tenure,
    slots: Arc<Slots>,
    lanes: Lanes,
    /// Tasks, since a letter that is being sent does not wait for a postbag that is slow; they end with the round.
    work: JoinSet<Done>,
    looking: bool,
}

impl Round {
    pub(super) fn new(tools: Tools, postbag: Arc<dyn Postbag>, tenure: Tenure, slots: &Arc<Slots>) -> Self {
        let (lanes, work) = (Lanes::default(), JoinSet::new());
        Self { tools, postbag, tenure, slots: Arc::clone(slots), lanes, work, looking: false }
    }

    /// With what a former owner left.
    pub(super) fn beginning_with(mut self, kept: Vec<Kept>) -> Self {
        self.add(kept);
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
                Some(done) = self.work.join_next() => self.finish(done),
                request = requests.next() => match request {
                    Some(request) => self.take(request).await,
                    None => return,
                },
                _ = looks.tick() => self.look(),
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
        if !self.lanes.has_room(instance, bytes) {
            metrics::letter("full");
            return LetterReplyV1::Full;
        }
        match self.postbag.put(instance, letter).await {
            Ok(place) => {
                self.lanes.add(Kept { instance, place, bytes });
                LetterReplyV1::Taken
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(%instance, error, "a message of an upstream cannot be kept");
                LetterReplyV1::Unavailable
            }
        }
    }

    /// Looks what is kept, so that nothing of it is forgotten, and erases again what could not be erased.
    fn look(&mut self) {
        for instance in self.lanes.instances() {
            self.erase(instance);
        }
        if self.looking {
            return;
        }
        self.looking = true;
        let (postbag, partition, known) =
            (Arc::clone(&self.postbag), self.tenure.partition(), self.lanes.counts());
        self.work.spawn(async move {
            let kept = unknown(&*postbag, partition, &known).await.unwrap_or_else(|error| {
                tracing::debug!(%error, "the messages that wait cannot be listed");
                Vec::new()
            });
            Done::Looked(kept)
        });
    }

    fn add(&mut self, kept: Vec<Kept>) {
        for one in kept {
            self.lanes.add(one);
        }
    }

    fn start_all(&mut self) {
        for instance in self.lanes.instances() {
            self.start(instance);
        }
    }

    /// Sends the first letter of an instance on its way, unless one is.
    fn start(&mut self, instance: InstanceId) {
        let Some(place) = self.lanes.set_out(instance) else { return };
        let passage = Passage {
            tools: self.tools.clone(),
            postbag: Arc::clone(&self.postbag),
            slots: Arc::clone(&self.slots),
            holds: self.tenure.holds(),
            instance,
            place,
            head: None,
        };
        self.work.spawn(async move { Done::Passed { instance, place, end: passage.run().await } });
    }

    /// Erases what is done, unless it is being erased.
    fn erase(&mut self, instance: InstanceId) {
        let Some(up_to) = self.lanes.erase(instance) else { return };
        let postbag = Arc::clone(&self.postbag);
        self.work.spawn(async move {
            let erased = postbag.erase(instance, up_to).await;
            if let Err(error) = &erased {
                let error = error as &dyn std::error::Error;
                tracing::warn!(%instance, error, "a message that was handed on cannot be erased yet");
            }
            Done::Erased { instance, up_to, is_erased: erased.is_ok() }
        });
    }

    fn finish(&mut self, done: Result<Done, JoinError>) {
        let done = match done {
            Ok(done) => done,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Nobody cancels one.
                Err(_) => return,
            },
        };
        match done {
            Done::Passed { instance, place, end } => {
                self.lanes.settle(instance, place, end == End::Silence);
                self.erase(instance);
            }
            Done::Erased { instance, up_to, is_erased } => {
                self.lanes.erased(instance, up_to, is_erased);
                if is_erased {
                    // What was done meanwhile.
                    self.erase(instance);
                }
                self.start(instance);
            }
            Done::Looked(kept) => {
                self.looking = false;
                self.add(kept);
                self.start_all();
            }
        }
    }
}

/// What is kept for the instances of which as many letters are not known already.
async fn unknown(
    postbag: &dyn Postbag,
    partition: Partition,
    known: &HashMap<InstanceId, usize>,
) -> Result<Vec<Kept>, PostbagError> {
    let mut all = Vec::new();
    for (instance, letters) in postbag.holders(partition).await? {
        if known.get(&instance) != Some(&letters) {
            all.extend(postbag.list(instance).await?);
        }
    }
    Ok(all)
}
