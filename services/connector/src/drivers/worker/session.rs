//! One worker's connection, from its hello to its end.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use berth_proto::worker::{
    Answer, CONTRACT, FromWorker, Hello, MessageError, Next, Place, Refusal, RefusalCode, ToWorker, Welcome,
};
use tokio::time::{Instant, interval, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::pool::{Admitted, Passed, Pool, Worker};
use crate::metrics;

/// How long the hello may take.
const HELLO_MAX: Duration = Duration::from_secs(10);
/// Heartbeats of the other side that may be missed.
const MISSED_MAX: u32 = 3;
/// How long a link may stay open at a worker when nobody asks for it.
const UNOWNED_MAX: Duration = Duration::from_mins(1);
/// How long a worker may take to take a message.
pub(super) const SEND_MAX: Duration = Duration::from_secs(10);
/// Bytes of a worker between two heartbeats, whatever they are.
const HEARD_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What carries messages between a connector and a worker, in their order.
#[async_trait]
pub(super) trait Wire: Send {
    /// How often each side says that it is alive.
    fn heartbeat(&self) -> Duration;

    /// So many bytes may be heard from now on.
    fn allow(&mut self, bytes: u64);

    /// The next message. Nothing is lost if this is dropped.
    async fn hear(&mut self) -> Result<FromWorker, End>;

    /// Sends a message; false if the worker does not take it within [`SEND_MAX`].
    async fn say(&mut self, said: &ToWorker) -> bool;

    /// Nothing more is said.
    async fn close(&mut self);
}

/// Why a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The worker went away.
    Left,
    /// It is sent away.
    Sent(RefusalCode, &'static str),
}

/// A connection, before and after the hello.
pub(super) struct Session<W>(pub(super) W);

impl<W: Wire> Session<W> {
    /// Serves a worker until it leaves, breaks the contract, or the process stops.
    pub(super) async fn serve(mut self, pool: Arc<Pool>, stop: CancellationToken) {
        self.0.allow(HEARD_BYTES_MAX);
        let end = match self.hello(&stop).await {
            Ok(hello) => match pool.admit(hello) {
                Ok(admitted) => self.work(admitted, &stop).await,
                Err(code) => End::Sent(code, sentence(code)),
            },
            Err(end) => end,
        };
        if let End::Sent(code, message) = end {
            warn!(?code, message, "a worker is sent away");
            metrics::worker_refused(code);
            let refused = ToWorker::Refused(Refusal { code, message: message.to_owned() });
            self.0.say(&refused).await;
        }
        self.0.close().await;
    }

    async fn hello(&mut self, stop: &CancellationToken) -> Result<Hello, End> {
        let first = stop.run_until_cancelled(timeout(HELLO_MAX, self.0.hear()));
        match first.await {
            None => Err(stopping()),
            Some(Err(_elapsed)) => Err(End::Sent(RefusalCode::Silent, sentence(RefusalCode::Silent))),
            Some(Ok(heard)) => match heard? {
                FromWorker::Hello(hello) => Ok(hello),
                FromWorker::Heartbeat {} | FromWorker::Report(_) => {
                    Err(End::Sent(RefusalCode::InvalidMessage, "the first message is `hello`"))
                }
            },
        }
    }

    async fn work(&mut self, admitted: Admitted, stop: &CancellationToken) -> End {
        let mut admitted = admitted;
        let worker = Arc::clone(&admitted.worker);
        let Hello { worker: name, library, version, capacity, .. } = &worker.hello;
        info!(worker = name, library, version, capacity, "a worker is connected");
        let _counted = metrics::worker();
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (heartbeat_ms, unowned_ms) = (millis(self.0.heartbeat()), millis(UNOWNED_MAX));
        let welcome = Welcome { contract: CONTRACT, heartbeat_ms, unowned_ms };
        if !self.0.say(&ToWorker::Welcome(welcome)).await {
            return End::Left;
        }
        let end = self.talk(&mut admitted, &worker, stop).await;
        info!(worker = name, "a worker is not connected any more");
        end
    }

    async fn talk(&mut self, admitted: &mut Admitted, worker: &Worker, stop: &CancellationToken) -> End {
        let heartbeat = self.0.heartbeat();
        let mut beat = interval(heartbeat);
        let mut heard_at = Instant::now();
        loop {
            let order = tokio::select! {
                biased;
                () = stop.cancelled() => return stopping(),
                () = worker.over.cancelled() => {
                    let code = worker.why().unwrap_or(RefusalCode::Replaced);
                    return End::Sent(code, sentence(code));
                }
                () = sleep_until(heard_at + MISSED_MAX * heartbeat) => {
                    return End::Sent(RefusalCode::Silent, sentence(RefusalCode::Silent));
                }
                // Before any order: what a run of a device was told must not be heard after what the next one is.
                () = worker.has_last_words.notified() => None,
                _ = beat.tick() => {
                    self.0.allow(HEARD_BYTES_MAX);
                    Some(ToWorker::Heartbeat {})
                }
                // Before orders: what a worker says is bounded by what it runs, and it waits for answers.
                heard = self.0.hear() => {
                    heard_at = Instant::now();
                    worker.heard();
                    match heard.and_then(|message| taken(message, worker)) {
                        Ok(answer) => answer,
                        Err(end) => return end,
                    }
                }
                Some(order) = admitted.orders.recv() => is_wanted(&order, worker).then_some(order),
            };
            for last_word in worker.take_last_words() {
                if !self.0.say(&last_word).await {
                    return End::Left;
                }
            }
            match order {
                Some(order) if !self.0.say(&order).await => return End::Left,
                Some(_) | None => {}
            }
        }
    }
}

/// Takes what a worker says, and gives what is answered at once.
fn taken(message: FromWorker, worker: &Worker) -> Result<Option<ToWorker>, End> {
    match message {
        FromWorker::Heartbeat {} => Ok(None),
        FromWorker::Hello(_) => Err(End::Sent(RefusalCode::InvalidMessage, "`hello` is said once")),
        FromWorker::Report(said) => {
            let (place, number) = (said.place, said.number);
            match worker.pass(said) {
                Passed::On => Ok(None),
                Passed::Unwanted => Ok(Some(ToWorker::Answer(Answer { place, number, next: Next::Stop }))),
                Passed::TooSoon => {
                    let code = RefusalCode::UnansweredReport;
                    Err(End::Sent(code, sentence(code)))
                }
            }
        }
    }
}

/// Whether anybody still listens to what an order asks for: a run that ended meanwhile must not begin.
fn is_wanted(order: &ToWorker, worker: &Worker) -> bool {
    let place: Place = match order {
        ToWorker::Run(run) => run.place,
        ToWorker::Unlink(place) => *place,
        ToWorker::Welcome(_)
        | ToWorker::Refused(_)
        | ToWorker::Heartbeat {}
        | ToWorker::Stop(_)
        | ToWorker::Answer(_) => return true,
    };
    worker.wants(place)
}

const fn stopping() -> End {
    End::Sent(RefusalCode::Stopping, sentence(RefusalCode::Stopping))
}

pub(super) const fn invalid(error: MessageError) -> End {
    let sentence = match error {
        MessageError::TooLong => "a message has too many bytes",
        MessageError::Malformed => "a message is a JSON object with a `kind`",
        MessageError::UnknownKind => "this contract has no such kind of message or report",
        MessageError::Invalid => "a field of a message is missing or out of its bounds",
    };
    End::Sent(RefusalCode::InvalidMessage, sentence)
}

pub(super) const fn sentence(code: RefusalCode) -> &'static str {
    match code {
        RefusalCode::ContractUnsupported => "only contract 1 is spoken here",
        RefusalCode::LibraryUnknown => "the setting `workers` does not name this library",
        RefusalCode::NameTaken => "another process with this name is connected",
        RefusalCode::TooManyWorkers => "there are too many workers",
        RefusalCode::InvalidMessage => "a message is not as the contract says",
        RefusalCode::UnansweredReport => "a report was sent before the one before it was answered",
        RefusalCode::Replaced => "the same process has opened a newer connection",
        RefusalCode::Silent => "nothing was heard for too long",
        RefusalCode::Stopping => "the connector stops",
    }
}
