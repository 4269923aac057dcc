//! The workers that are connected, and which of them a link goes to.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use berth_proto::{
    Timestamp,
    worker::{CONTRACT, Hello, Place, RefusalCode, Said, Stands, ToWorker},
};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::run::Seat;

/// Workers that are connected at once.
pub(super) const WORKERS_MAX: usize = 256;
/// Orders that wait for a worker to take them; whoever gives more waits.
const ORDERS_MAX: usize = 256;

/// The workers that are connected to this connector.
pub(super) struct Pool {
    /// Those that a worker may have.
    libraries: Vec<String>,
    /// By their names; sorted, so that of two with the same room it is always the same one.
    workers: Mutex<Connected>,
    /// Counts whatever may let a link go on that waits for a worker.
    changes: watch::Sender<u64>,
}

/// A worker that is connected.
pub(super) struct Worker {
    pub(super) hello: Hello,
    /// To its session.
    pub(super) orders: mpsc::Sender<ToWorker>,
    /// What it is still told of runs that ended here, before any order. One for each run at most.
    last_words: Mutex<Vec<ToWorker>>,
    pub(super) has_last_words: Notify,
    /// What it runs, by the number of the run.
    runs: Mutex<HashMap<u64, Running>>,
    last_run: AtomicU64,
    /// Links that it runs or was chosen for.
    pub(super) load: AtomicU32,
    /// Cancelled when the connection is over, or must be.
    pub(super) over: CancellationToken,
    /// Why it must be.
    why: Mutex<Option<RefusalCode>>,
    /// When it was connected.
    connected_at: Instant,
    /// When something was last heard of it.
    heard_at: Mutex<Instant>,
    /// A link that ends here makes room for one that waits.
    changes: watch::Sender<u64>,
}

/// A run, as its worker's session knows it.
#[derive(Debug)]
struct Running {
    place: Place,
    said: mpsc::Sender<Said>,
    /// Whether a report of it was not answered yet.
    asks: bool,
}

/// What becomes of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passed {
    /// Whoever runs the link has it.
    On,
    /// The worker has no such run: it is told to stop it.
    Unwanted,
    /// The report before it was not answered yet.
    TooSoon,
}

/// A worker's place in the pool, until it is dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    pool: Arc<Pool>,
    pub(super) worker: Arc<Worker>,
    pub(super) orders: mpsc::Receiver<ToWorker>,
}

/// Workers by their names.
type Connected = BTreeMap<String, Arc<Worker>>;

fn connected(workers: &Connected, name: &str) -> Option<Arc<Worker>> {
    workers.get(name).filter(|worker| !worker.over.is_cancelled()).cloned()
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Pool ===

impl Pool {
    pub(super) fn new(libraries: Vec<String>) -> Self {
        Self { libraries, workers: Mutex::default(), changes: watch::Sender::new(0) }
    }

    /// Takes a worker in. The same process that comes back takes its own place; another one with its name does not.
    pub(super) fn admit(self: &Arc<Self>, hello: Hello) -> Result<Admitted, RefusalCode> {
        if !hello.contracts.contains(&CONTRACT) {
            return Err(RefusalCode::ContractUnsupported);
        }
        if !self.libraries.contains(&hello.library) {
            return Err(RefusalCode::LibraryUnknown);
        }
        let mut workers = lock(&self.workers);
        match workers.get(&hello.worker) {
            Some(former) if former.hello.process == hello.process => former.end(RefusalCode::Replaced),
            Some(other) if !other.over.is_cancelled() => return Err(RefusalCode::NameTaken),
            None if workers.len() >= WORKERS_MAX => return Err(RefusalCode::TooManyWorkers),
            Some(_) | None => {}
        }
        let (sender, orders) = mpsc::channel(ORDERS_MAX);
        let worker = Arc::new(Worker::new(hello, sender, self.changes.clone()));
        workers.insert(worker.hello.worker.clone(), Arc::clone(&worker));
        drop(workers);
        self.changes.send_modify(|count| *count += 1);
        Ok(Admitted { pool: Arc::clone(self), worker, orders })
    }

    /// How they stand at this moment.
    pub(super) fn stand(&self, now: Timestamp) -> Vec<Stands> {
        let workers = lock(&self.workers);
        let connected = workers.values().filter(|worker| !worker.over.is_cancelled());
        connected.map(|worker| worker.stands(now)).collect()
    }

    /// A seat at the worker with the most room, among those with the library; waits until there is one.
    pub(super) async fn seat(&self, library: Option<&str>) -> Seat {
        self.wait(|workers| {
            let fits = |worker: &&Arc<Worker>| {
                let is_it = library.is_none_or(|library| worker.hello.library == library);
                is_it && !worker.over.is_cancelled() && worker.room() > 0
            };
            let roomy = workers.values().filter(fits).max_by_key(|worker| worker.room());
            roomy.map(|worker| Seat::at(Arc::clone(worker)))
        })
        .await
    }

    /// A seat at the worker with this name, whatever its room; waits until it is connected.
    pub(super) async fn seat_at(&self, name: &str) -> Seat {
        self.wait(|workers| connected(workers, name).map(Seat::at)).await
    }

    /// The same for what is over in a moment.
    pub(super) async fn seat_beside(&self, name: &str) -> Seat {
        self.wait(|workers| connected(workers, name).map(Seat::beside)).await
    }

    async fn wait(&self, find: impl Fn(&Connected) -> Option<Seat>) -> Seat {
        let mut changes = self.changes.subscribe();
        loop {
            // Chosen under the lock, so that two do not take the last seat.
            let found = find(&lock(&self.workers));
            match found {
                Some(seat) => return seat,
                // The sender is ours: it cannot end.
                None => drop(changes.changed().await),
            }
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("libraries", &self.libraries).finish_non_exhaustive()
    }
}

// === impl Admitted ===

impl Drop for Admitted {
    fn drop(&mut self) {
        self.worker.over.cancel();
        let mut workers = lock(&self.pool.workers);
        let name = &self.worker.hello.worker;
        if workers.get(name).is_some_and(|present| Arc::ptr_eq(present, &self.worker)) {
            workers.remove(name);
        }
        drop(workers);
        self.worker.abandon();
        self.pool.changes.send_modify(|count| *count += 1);
    }
}

// === impl Worker ===

impl Worker {
    fn new(hello: Hello, orders: mpsc::Sender<ToWorker>, changes: watch::Sender<u64>) -> Self {
        Self {
            hello,
            orders,
            last_words: Mutex::default(),
            has_last_words: Notify::new(),
            runs: Mutex::default(),
            last_run: AtomicU64::new(0),
            load: AtomicU32::new(0),
            over: CancellationToken::new(),
            why: Mutex::default(),
            connected_at: Instant::now(),
            heard_at: Mutex::new(Instant::now()),
            changes,
        }
    }

    fn room(&self) -> u32 {
        self.hello.capacity.saturating_sub(self.load.load(Ordering::Relaxed))
    }

    fn stands(&self, now: Timestamp) -> Stands {
        let before = |moment: Instant| {
            let ago = i64::try_from(moment.elapsed().as_millis()).unwrap_or(i64::MAX);
            now.plus_millis(-ago)
        };
        Stands {
            worker: self.hello.worker.clone(),
            library: self.hello.library.clone(),
            version: self.hello.version.clone(),
            capacity: self.hello.capacity,
            links: self.load.load(Ordering::Relaxed),
            epoch: lock(&self.runs).values().map(|running| running.place.epoch).max(),
            connected_at: before(self.connected_at),
            heard_at: before(*lock(&self.heard_at)),
        }
    }

    /// Something was heard of it.
    pub(super) fn heard(&self) {
        *lock(&self.heard_at) = Instant::now();
    }

    /// A link that it had is another's, or nobody's, now.
    pub(super) fn leave(&self) {
        self.load.fetch_sub(1, Ordering::Relaxed);
        self.changes.send_modify(|count| *count += 1);
    }

    /// The number of the next run.
    pub(super) fn next_run(&self) -> u64 {
        self.last_run.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Ends the connection, and says why.
    pub(super) fn end(&self, why: RefusalCode) {
        lock(&self.why).get_or_insert(why);
        self.over.cancel();
    }

    /// Why the connection must end, if somebody said so.
    pub(super) fn why(&self) -> Option<RefusalCode> {
        *lock(&self.why)
    }

    /// From now on reports on a run go here. What is heard of it ends with the connection.
    pub(super) fn listen(&self, place: Place) -> mpsc::Receiver<Said> {
        let (said, heard) = mpsc::channel(1);
        lock(&self.runs).insert(place.run, Running { place, said, asks: false });
        if self.over.is_cancelled() {
            // The end of the connection may have been before.
            self.abandon();
        }
        heard
    }

    /// Nobody listens to a run any more, and the worker is told this, if it does not know yet.
    pub(super) fn forget(&self, place: Place, last_word: Option<ToWorker>) {
        lock(&self.runs).remove(&place.run);
        if let Some(last_word) = last_word.filter(|_| !self.over.is_cancelled()) {
            lock(&self.last_words).push(last_word);
            self.has_last_words.notify_one();
        }
    }

    /// What it is still told of runs that ended.
    pub(super) fn take_last_words(&self) -> Vec<ToWorker> {
        std::mem::take(&mut lock(&self.last_words))
    }

    /// Whether somebody listens to a run.
    pub(super) fn wants(&self, place: Place) -> bool {
        lock(&self.runs).get(&place.run).is_some_and(|running| running.place == place)
    }

    /// Passes a report on to whoever runs the link.
    pub(super) fn pass(&self, said: Said) -> Passed {
        let mut runs = lock(&self.runs);
        let Some(running) = runs.get_mut(&said.place.run).filter(|it| it.place == said.place) else {
            return Passed::Unwanted;
        };
        if std::mem::replace(&mut running.asks, true) {
            return Passed::TooSoon;
        }
        if running.said.try_send(said).is_ok() { Passed::On } else { Passed::Unwanted }
    }

    /// A report was answered: the next one may come.
    pub(super) fn answered(&self, run: u64) {
        if let Some(running) = lock(&self.runs).get_mut(&run) {
            running.asks = false;
        }
    }

    /// Everybody who listens hears that the connection is over.
    fn abandon(&self) {
        lock(&self.runs).clear();
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("hello", &self.hello).finish_non_exhaustive()
    }
}
