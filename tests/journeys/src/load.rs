//! Commands that go on while something breaks, and whether the history has each of them once.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};

use crate::{client::Client, steps::event_types, wait::eventually};

/// Instances that are worked on at once.
const WORKERS: usize = 12;
/// Rounds that each step of a story waits for, of all workers together.
const ROUNDS: usize = 4 * WORKERS;
/// How long a command may be asked for again before the story fails.
const GIVE_UP: Duration = Duration::from_secs(40);
/// The pause before it is.
const PAUSE: Duration = Duration::from_millis(100);

/// Connects instances and logs them out, again and again, until somebody ends it.
#[derive(Debug)]
pub struct Load {
    workers: JoinSet<usize>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    over: AtomicBool,
    rounds: AtomicUsize,
    asked_again: AtomicUsize,
    /// Statuses other than 200, with how often they came.
    refused: Mutex<BTreeMap<u16, usize>>,
    /// When a command was answered last, and the longest time between two answers.
    answered: Mutex<Option<(Instant, Duration)>>,
}

/// What was done.
#[derive(Debug)]
pub struct Done {
    /// Connects, and as many logouts, that were answered with 200.
    pub rounds: usize,
    /// Requests that were answered otherwise, or not at all, and sent again under the same key.
    pub asked_again: usize,
    /// The statuses of those that were answered otherwise, with how often they came.
    pub refused: BTreeMap<u16, usize>,
    /// The longest time without any answer.
    pub longest_gap: Duration,
}

impl Load {
    /// Makes the instances.
    pub async fn prepare(client: &Client) {
        for worker in 0..WORKERS {
            client.post("/v1/instances", json!({ "name": name(worker) })).await.expect(201);
        }
    }

    /// Begins.
    pub fn start(client: &Client) -> Self {
        Self::start_paced(client, Duration::ZERO)
    }

    /// Begins, with a pause after each round of a worker: for stories in which processes read the log anew meanwhile.
    pub fn start_paced(client: &Client, pause: Duration) -> Self {
        let shared = Arc::<Shared>::default();
        let mut workers = JoinSet::new();
        for worker in 0..WORKERS {
            workers.spawn(work(client.clone(), worker, pause, Arc::clone(&shared)));
        }
        Self { workers, shared }
    }

    /// Waits until every instance was worked on a few times more.
    pub async fn goes_on(&self) {
        let wanted = self.shared.rounds.load(Ordering::Relaxed) + ROUNDS;
        eventually("commands are decided", async || {
            let done = self.shared.rounds.load(Ordering::Relaxed);
            if done >= wanted { Ok(()) } else { Err(done) }
        })
        .await;
    }

    /// Lets every worker end its round.
    pub async fn end(self) -> Done {
        self.shared.over.store(true, Ordering::Relaxed);
        let rounds = self.workers.join_all().await.into_iter().sum();
        let gap = self.shared.answered.lock().unwrap_or_else(PoisonError::into_inner);
        Done {
            rounds,
            asked_again: self.shared.asked_again.load(Ordering::Relaxed),
            refused: self.shared.refused.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            longest_gap: gap.map_or(Duration::ZERO, |(_, gap)| gap),
        }
    }
}

impl Done {
    /// Every command that was answered is in the history once, and the histories are whole.
    ///
    /// # Panics
    /// When that is not so.
    pub async fn is_in_the_log_once(&self, client: &Client) {
        let mut connects = 0;
        for worker in 0..WORKERS {
            let types = event_types(client, &name(worker)).await;
            let count = |wanted: &str| types.iter().filter(|of| *of == wanted).count();
            assert_eq!(
                count("ConnectRequested"),
                count("ConnectEnded"),
                "each attempt ended, once: {types:?}"
            );
            connects += count("ConnectRequested");
            let verified = client.get(&format!("/v1/instances/{}/verify", name(worker))).await.expect(200);
            assert_eq!(verified["ok"], true, "{verified}");
        }
        assert_eq!(connects, self.rounds, "every command that was answered once, none twice");
    }
}

impl Shared {
    fn answered(&self) {
        let now = Instant::now();
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let longest = answered.map_or(Duration::ZERO, |(last, gap)| gap.max(now - last));
        *answered = Some((now, longest));
    }

    async fn is_done(&self, client: &Client, path: &str, body: &Value) -> bool {
        let answer = client.try_send(reqwest::Method::POST, path, Some(body.clone())).await;
        let Ok(status) = answer.map(|answer| answer.status) else { return false };
        if status != 200 {
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner).entry(status).or_default() += 1;
        }
        status == 200
    }
}

fn name(worker: usize) -> String {
    format!("i{worker}")
}

async fn work(client: Client, worker: usize, pause: Duration, shared: Arc<Shared>) -> usize {
    let mut done = 0;
    while !shared.over.load(Ordering::Relaxed) {
        // A connect waits for no code, which nobody shows while the connector is away.
        for (verb, body) in [("connect", json!({ "wait_ms": 0 })), ("logout", json!({}))] {
            let keyed = client.keyed(&format!("{verb}-{worker}-{done}"));
            let path = format!("/v1/instances/{}/{verb}", name(worker));
            let began = Instant::now();
            // What had no answer is sent again under its key, as a client does.
            while !shared.is_done(&keyed, &path, &body).await {
                assert!(began.elapsed() < GIVE_UP, "{verb} of {} is not decided", name(worker));
                shared.asked_again.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(PAUSE).await;
            }
            shared.answered();
        }
        done += 1;
        shared.rounds.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(pause).await;
    }
    done
}
