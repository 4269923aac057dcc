//! A worker that is connected to every connector and does as the contract says, with a WhatsApp behind it where all goes well. It
//! keeps what each connector has asked it for and has not stopped: two connectors that have the same device would be two
//! connections of it, of which WhatsApp ends one, again and again.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{interval, sleep},
};
use tokio_tungstenite::tungstenite::Message;

use crate::{Worker, welcomed};

/// Links that it takes.
const CAPACITY: u32 = 100;
/// How often it says that it is there: often enough for who waits three times ten seconds.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// The pause before it knocks again.
const AGAIN: Duration = Duration::from_millis(100);

/// See the module.
pub(crate) struct Edge {
    kept: Arc<Mutex<Kept>>,
    _sessions: JoinSet<()>,
}

/// What it keeps.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Which connectors have each device, and as which run of theirs.
    pub(crate) devices: BTreeMap<String, Vec<(usize, u64)>>,
    /// The highest epoch under which each was asked for.
    epochs: BTreeMap<String, u64>,
    /// What no connector may do.
    pub(crate) faults: Vec<String>,
}

/// What is said of a run, one report after the other.
struct Script {
    order: Value,
    number: u64,
    left: VecDeque<Value>,
}

// === impl Edge ===

impl Edge {
    /// Connects to each of these, and again whenever one is gone.
    pub(crate) fn of(connectors: &[String]) -> Self {
        let (kept, mut sessions) = (Arc::<Mutex<Kept>>::default(), JoinSet::new());
        for (which, connector) in connectors.iter().cloned().enumerate() {
            let kept = Arc::clone(&kept);
            sessions.spawn(async move {
                loop {
                    if let Some(worker) = welcomed(&connector, "edge", CAPACITY).await {
                        session(&kept, which, worker).await;
                        locked(&kept).left(which);
                    }
                    sleep(AGAIN).await;
                }
            });
        }
        Self { kept, _sessions: sessions }
    }

    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        locked(&self.kept)
    }
}

fn locked(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does what a connector asks until it is gone.
async fn session(kept: &Mutex<Kept>, which: usize, mut worker: Worker) {
    let (mut beat, mut scripts) = (interval(HEARTBEAT), BTreeMap::new());
    loop {
        let said = tokio::select! {
            _ = beat.tick() => Some(json!({"kind": "heartbeat"})),
            heard = worker.next() => match heard {
                Some(Ok(Message::Text(text))) => {
                    let told = serde_json::from_str(&text).expect("an object");
                    hear(kept, which, told, &mut scripts)
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => None,
                _ => return,
            },
        };
        if let Some(said) = said
            && worker.send(Message::text(said.to_string())).await.is_err()
        {
            return;
        }
    }
}

/// Takes an order or an answer; gives what is said next.
fn hear(kept: &Mutex<Kept>, which: usize, told: Value, scripts: &mut BTreeMap<u64, Script>) -> Option<Value> {
    let run = told["run"].as_u64()?;
    match told["kind"].as_str()? {
        "run" => {
            let devices = locked(kept).begin(which, run, &told)?;
            scripts.insert(run, Script::of(told, devices));
            scripts.get_mut(&run)?.next()
        }
        "answer" if told["next"] == "continue" => scripts.get_mut(&run)?.next(),
        "answer" | "stop" => {
            scripts.remove(&run);
            locked(kept).end(which, run);
            None
        }
        _ => None,
    }
}

// === impl Kept ===

impl Kept {
    /// A connector asks for a device; none if nothing is to be done. Gives how many devices there are.
    fn begin(&mut self, which: usize, run: u64, order: &Value) -> Option<usize> {
        let device = format!("{}-{}", order["instance"], order["attempt"]);
        let (epoch, known) = (order["epoch"].as_u64()?, self.epochs.entry(device.clone()).or_default());
        if epoch < *known {
            self.faults.push(format!("connector {which} asks for what another one has taken over: {order}"));
            return None;
        }
        *known = epoch;
        let owners = self.devices.entry(device).or_default();
        if owners.iter().any(|(owner, _)| *owner == which) {
            self.faults.push(format!("connector {which} asks for what it has: {order}"));
        }
        owners.push((which, run));
        Some(self.devices.len())
    }

    fn end(&mut self, which: usize, run: u64) {
        self.devices.values_mut().for_each(|owners| owners.retain(|one| *one != (which, run)));
    }

    /// The session with a connector is over.
    fn left(&mut self, which: usize) {
        self.devices.values_mut().for_each(|owners| owners.retain(|(owner, _)| *owner != which));
    }

    /// How many devices this connector has.
    pub(crate) fn of(&self, which: usize) -> usize {
        self.devices.values().filter(|owners| owners.iter().any(|(owner, _)| *owner == which)).count()
    }

    /// Whether each of so many devices is one connector's, and both have some.
    pub(crate) fn is_spread(&self, devices: usize) -> bool {
        let once = self.devices.values().filter(|owners| owners.len() == 1).count();
        once == devices && self.of(0) > 0 && self.of(1) > 0
    }
}

// === impl Script ===

impl Script {
    /// What happens on a run of one of so many devices.
    fn of(order: Value, devices: usize) -> Self {
        let open = json!({"report": "open"});
        let jid = format!("55119{devices:08}:1@s.whatsapp.net");
        let left = if order["start"] == "qr" {
            let code = json!({"report": "qr", "text": format!("2@{devices}"), "valid_ms": 60_000});
            let linked = json!({"report": "linked", "device": {"jid": jid, "platform": "android"}});
            vec![code, linked, open]
        } else {
            vec![open]
        };
        Self { order, number: 0, left: left.into() }
    }

    fn next(&mut self) -> Option<Value> {
        let mut said = self.left.pop_front()?;
        self.number += 1;
        for field in ["run", "instance", "attempt", "epoch"] {
            said[field] = self.order[field].clone();
        }
        (said["kind"], said["number"]) = (json!("report"), json!(self.number));
        Some(said)
    }
}
