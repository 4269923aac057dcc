//! The door that workers come in by on NATS. Each message is a request, in both directions, and whoever takes it answers
//! with nothing: so each side knows at once that the other is gone, and nothing is lost unnoticed. An answer that says
//! something ends the session.
//!
//! A worker says hello to all connectors, again and again: those that it has no session with open one, so that it need not know
//! where they are. Which worker it is, NATS has told by the subject.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use berth_bus::{
    Bus, TransportError,
    door::{Answered, Door, Visit},
};
use berth_proto::{
    CommandId,
    subject::{WORKER_HELLOS, WorkerSession, worker_of_hello, worker_said_filter},
    worker::{FromWorker, Hello, MessageError, Refusal, RefusalCode, ToWorker},
};
use berth_runtime::{Entropy, Lifecycle};
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::{sync::mpsc, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    Workers,
    pool::{Pool, WORKERS_MAX},
    session::{End, SEND_MAX, Session, Wire, invalid, sentence},
};

/// How often each side says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Sessions that are open at once, those that are about to be refused among them.
const SESSIONS_MAX: usize = 2 * WORKERS_MAX;
/// Sessions of one worker: a process that takes the place of another one has one beside it for a moment.
const SESSIONS_OF_WORKER_MAX: usize = 2;
/// Bytes of a worker that wait to be looked at: a report of each of its links, which may all come at once.
const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Pause before workers are heard again when that failed.
const SERVE_AGAIN: Duration = Duration::from_millis(500);

/// What came of a message: it was taken, or the session that it belongs to is over.
type Taken = Result<(), (RefusalCode, &'static str)>;

/// The sessions of this connector, by their numbers.
type Sessions = Arc<Mutex<HashMap<u64, Open>>>;

/// A session that is open.
struct Open {
    worker: String,
    process: String,
    said: mpsc::UnboundedSender<Bytes>,
    /// Bytes that wait.
    waiting: Arc<AtomicUsize>,
}

/// The door of a connector.
struct Desk {
    pool: Arc<Pool>,
    bus: Arc<dyn Bus>,
    /// The word by which workers know this connector.
    connector: String,
    sessions: Sessions,
    last_session: AtomicU64,
    lifecycle: Lifecycle,
}

/// A session, as what is said in it is carried.
struct Line {
    bus: Arc<dyn Bus>,
    told: String,
    said: mpsc::UnboundedReceiver<Bytes>,
    waiting: Arc<AtomicUsize>,
    /// Bytes that the worker may still send until the next heartbeat.
    allowed: u64,
    number: u64,
    sessions: Sessions,
}

fn lock(sessions: &Sessions) -> MutexGuard<'_, HashMap<u64, Open>> {
    sessions.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Workers {
    /// Workers come in by the door, and are told by the bus, until the process stops.
    pub fn hear(
        self: &Arc<Self>,
        door: &Arc<dyn Door>,
        bus: Arc<dyn Bus>,
        entropy: &dyn Entropy,
        lifecycle: &Lifecycle,
    ) {
        let desk = Arc::new(Desk {
            pool: Arc::clone(&self.pool),
            bus,
            connector: CommandId::from_bytes(entropy.bytes16()).to_string(),
            sessions: Sessions::default(),
            last_session: AtomicU64::new(0),
            lifecycle: lifecycle.clone(),
        });
        let filters = [WORKER_HELLOS.to_owned(), worker_said_filter(&desk.connector)];
        for filter in filters {
            let (desk, door) = (Arc::clone(&desk), Arc::clone(door));
            let stop = lifecycle.stop().clone();
            lifecycle.spawn(async move { desk.serve(&*door, &filter, &stop).await });
        }
    }
}

impl Desk {
    async fn serve(&self, door: &dyn Door, filter: &str, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            // Every connector hears all of it: the queue is its own.
            match door.serve_until(filter, &self.connector, stop.clone()).await {
                Ok(mut visits) => {
                    while let Some(visit) = visits.next().await {
                        self.take(visit);
                    }
                }
                Err(TransportError(error)) => warn!(%error, "workers cannot be heard on the bus now"),
            }
            stop.run_until_cancelled(sleep(SERVE_AGAIN)).await;
        }
    }

    fn take(&self, visit: Visit) {
        let Visit { subject, payload, answer, .. } = visit;
        let taken = match (worker_of_hello(&subject), WorkerSession::of_said(&subject)) {
            (Some(worker), _) => self.greet(worker, payload),
            (None, Some(session)) => self.pass(&session, payload),
            (None, None) => return,
        };
        let said = match taken {
            Ok(()) => String::new(),
            Err((code, message)) => ToWorker::Refused(Refusal { code, message: message.to_owned() }).write(),
        };
        // Whoever asked may be gone.
        let _gone = answer.send(Answered { headers: Vec::new(), payload: Bytes::from(said) });
    }

    /// Opens a session, if the process has none here.
    fn greet(&self, worker: &str, payload: Bytes) -> Taken {
        let Ok(FromWorker::Hello(Hello { worker: name, process, .. })) = FromWorker::read(&payload) else {
            return Err((RefusalCode::InvalidMessage, "the first message is `hello`"));
        };
        if name != worker {
            return Err((RefusalCode::InvalidMessage, "the subject names another worker than the message"));
        }
        if process.contains('.') {
            return Err((RefusalCode::InvalidMessage, "on NATS the name of a process has no dots"));
        }
        let mut sessions = lock(&self.sessions);
        let own: Vec<_> = sessions.values().filter(|open| open.worker == name).collect();
        if own.iter().any(|open| open.process == process) {
            return Ok(());
        }
        if own.len() >= SESSIONS_OF_WORKER_MAX {
            return Err((RefusalCode::NameTaken, sentence(RefusalCode::NameTaken)));
        }
        if sessions.len() >= SESSIONS_MAX {
            return Err((RefusalCode::TooManyWorkers, sentence(RefusalCode::TooManyWorkers)));
        }
        let number = self.last_session.fetch_add(1, Ordering::Relaxed) + 1;
        let (said, heard) = mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(payload.len()));
        let _first = said.send(payload);
        let open =
            Open { worker: name.clone(), process: process.clone(), said, waiting: Arc::clone(&waiting) };
        sessions.insert(number, open);
        drop(sessions);
        let session = WorkerSession { worker: name, connector: self.connector.clone(), number };
        let line = Line {
            bus: Arc::clone(&self.bus),
            told: session.told(&process),
            said: heard,
            waiting,
            allowed: 0,
            number,
            sessions: Arc::clone(&self.sessions),
        };
        let (pool, stop) = (Arc::clone(&self.pool), self.lifecycle.stop().clone());
        self.lifecycle.spawn(Session(line).serve(pool, stop));
        Ok(())
    }

    /// Passes a message on to its session.
    fn pass(&self, session: &WorkerSession, payload: Bytes) -> Taken {
        let sessions = lock(&self.sessions);
        let open = sessions.get(&session.number).filter(|open| open.worker == session.worker);
        let open = open.ok_or((RefusalCode::Silent, "this session is over"))?;
        let bytes = payload.len();
        if open.waiting.fetch_add(bytes, Ordering::Relaxed) + bytes > WAITING_BYTES_MAX {
            open.waiting.fetch_sub(bytes, Ordering::Relaxed);
            return Err((RefusalCode::InvalidMessage, "too much at once"));
        }
        open.said.send(payload).map_err(|_over| (RefusalCode::Silent, "this session is over"))
    }
}

#[async_trait]
impl Wire for Line {
    fn heartbeat(&self) -> Duration {
        HEARTBEAT
    }

    fn allow(&mut self, bytes: u64) {
        self.allowed = bytes;
    }

    async fn hear(&mut self) -> Result<FromWorker, End> {
        let Some(said) = self.said.recv().await else { return Err(End::Left) };
        self.waiting.fetch_sub(said.len(), Ordering::Relaxed);
        let bytes = u64::try_from(said.len()).unwrap_or(u64::MAX);
        self.allowed = self.allowed.checked_sub(bytes).ok_or_else(|| invalid(MessageError::TooLong))?;
        FromWorker::read(&said).map_err(invalid)
    }

    async fn say(&mut self, said: &ToWorker) -> bool {
        let answer = self.bus.request(&self.told, Bytes::from(said.write()), SEND_MAX).await;
        answer.is_ok_and(|answer| answer.is_empty())
    }

    async fn close(&mut self) {}
}

impl Drop for Line {
    fn drop(&mut self) {
        lock(&self.sessions).remove(&self.number);
    }
}
