//! What all processes of a run have around them: time, chance, the network, and what is stored.

use std::{
    collections::BTreeMap,
    fmt,
    future::pending,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use berth_bus::local::{LocalFeed, LocalVolatile};
use berth_log::{AppendError, Appended, EventLog, Expected, NewCommit, memory::MemoryLog};
use berth_proto::{InstanceId, StreamKey, Timestamp};
use berth_runtime::{Lifecycle, MasterKey, SeededEntropy, Suspension};
use bytes::Bytes;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    ambush::Ambush,
    chance::Chance,
    mutant::Mutant,
    odds::Odds,
    ports::{bucket::Values, bus::Network, device::Running, endpoint::Ears, keys::Kept, relay::Told},
    trace::Trace,
};

/// When every run begins.
pub(crate) const BEGIN: Timestamp = Timestamp(1_796_083_200_000_000);
/// Shards of the log.
const SHARDS: u8 = 4;
/// How long a process that was suspended has to end what it does not own any more: no message to anybody is needed for that.
const WAKES_UP: Duration = Duration::from_millis(100);

/// See the module.
pub(crate) struct World {
    pub(crate) chance: Chance,
    pub(crate) trace: Trace,
    odds: Mutex<Odds>,
    /// What is broken on purpose.
    pub(crate) mutant: Option<Mutant>,
    pub(crate) start: Instant,
    /// When everything that failed worked again.
    well_from: OnceLock<Instant>,
    /// Messages on their way, which belong to no process.
    pub(crate) under_way: Lifecycle,
    pub(crate) log: MemoryLog,
    /// When each commit was stored, by its stream.
    stored: Mutex<BTreeMap<String, Vec<Instant>>>,
    pub(crate) network: Network,
    /// What endpoints of webhooks heard.
    pub(crate) ears: Ears,
    /// What dispatchers told each other.
    pub(crate) told: Arc<Told>,
    /// What was published of instances.
    pub(crate) feed: LocalFeed,
    pub(crate) values: Values,
    pub(crate) keys: Kept,
    pub(crate) devices: Mutex<BTreeMap<(InstanceId, u32), Bytes>>,
    /// Which devices are run by whom.
    pub(crate) running: Running,
    pub(crate) volatile: LocalVolatile,
    pub(crate) master: MasterKey,
    /// What was found to be wrong while the run went on.
    faults: Mutex<Vec<String>>,
}

/// One life of a process: from its start to its end.
#[derive(Debug)]
pub(crate) struct Life {
    /// Its name and which start this is.
    pub(crate) name: String,
    pub(crate) lifecycle: Lifecycle,
    /// Cancelled when it is killed: from then on nothing leaves it.
    pub(crate) dead: CancellationToken,
    /// Stands still while this says so: its timers end unnoticed, and what is sent to it waits.
    pub(crate) suspension: Suspension,
    /// When it has had time to find out that it was suspended.
    awake_from: Mutex<Instant>,
    /// Until when it reaches nobody.
    cut_until: Mutex<Instant>,
    /// Faults that are to befall it amid a call.
    pub(crate) ambush: Ambush,
    /// How far its wall clock is from the true time.
    skew_micros: AtomicI64,
}

/// A process in the world: what each of its ports has.
#[derive(Clone)]
pub(crate) struct At {
    pub(crate) world: Arc<World>,
    pub(crate) life: Arc<Life>,
}

/// What does not answer does so for this reason.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CutOff;

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the network of the simulation")
    }
}

impl std::error::Error for CutOff {}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl World ===

impl World {
    pub(crate) fn new(seed: u64, mutant: Option<Mutant>, trace: Trace) -> Arc<Self> {
        let chance = Chance::new(seed);
        let master = MasterKey::generate(&SeededEntropy::new(chance.seed()));
        Arc::new(Self {
            trace,
            odds: Mutex::new(Odds::CALM),
            mutant,
            start: Instant::now(),
            well_from: OnceLock::new(),
            under_way: Lifecycle::new(),
            log: MemoryLog::new(SHARDS),
            stored: Mutex::default(),
            network: Network::default(),
            ears: Ears::default(),
            told: Arc::default(),
            feed: LocalFeed::default(),
            values: Values::default(),
            keys: Kept::default(),
            devices: Mutex::default(),
            running: Running::default(),
            volatile: LocalVolatile::new(),
            master,
            faults: Mutex::default(),
            chance,
        })
    }

    pub(crate) fn odds(&self) -> Odds {
        *locked(&self.odds)
    }

    pub(crate) fn set_odds(&self, odds: Odds) {
        *locked(&self.odds) = odds;
    }

    /// From now on nothing fails but what is killed for good.
    pub(crate) fn gets_well(&self) {
        self.well_from.get_or_init(Instant::now);
    }

    /// When everything that failed worked again; none if it has not.
    pub(crate) fn well_from(&self) -> Option<Instant> {
        self.well_from.get().copied()
    }

    /// Notes what must not be.
    pub(crate) fn fault(&self, what: String) {
        self.trace.step("CHECK", format_args!("{what}"));
        locked(&self.faults).push(what);
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        locked(&self.faults).clone()
    }

    /// Stores a commit, if it is as expected.
    pub(crate) async fn store(&self, commit: NewCommit, expected: Expected) -> Result<Appended, AppendError> {
        let stream = commit.stream;
        let appended = self.log.append(commit, expected).await;
        if let Ok(appended) = &appended {
            let mut stored = locked(&self.stored);
            let times = stored.entry(stream.subject()).or_default();
            // One that was stored before is answered in the same way.
            if times.len() as u64 + 1 == appended.tail.version {
                times.push(Instant::now());
            }
        }
        appended
    }

    /// When the commits of a stream were stored.
    pub(crate) fn stored_of(&self, stream: &StreamKey) -> Vec<Instant> {
        locked(&self.stored).get(&stream.subject()).cloned().unwrap_or_default()
    }

    /// The version of a stream at this moment.
    pub(crate) fn version_of(&self, stream: &StreamKey) -> u64 {
        locked(&self.stored).get(&stream.subject()).map_or(0, |times| times.len() as u64)
    }

    /// Lets something go on that belongs to no process.
    pub(crate) fn go_on(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.under_way.spawn(task);
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

// === impl Life ===

impl Life {
    pub(crate) fn new(name: String, skew_micros: i64) -> Arc<Self> {
        let suspension = Suspension::default();
        Arc::new(Self {
            name,
            lifecycle: Lifecycle::new().suspended_by(suspension.clone()),
            suspension,
            dead: CancellationToken::new(),
            awake_from: Mutex::new(Instant::now()),
            cut_until: Mutex::new(Instant::now()),
            ambush: Ambush::default(),
            skew_micros: AtomicI64::new(skew_micros),
        })
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.is_cancelled()
    }

    /// Whether it does anything at this moment that is not a sign of its having been suspended.
    pub(crate) fn goes_on(&self) -> bool {
        !self.is_dead() && !self.suspension.is_suspended() && Instant::now() >= *locked(&self.awake_from)
    }

    /// It goes on after it was suspended; gives when it must have found out.
    pub(crate) fn wake(&self) -> Instant {
        let awake_from = Instant::now() + WAKES_UP;
        *locked(&self.awake_from) = awake_from;
        self.suspension.resume();
        awake_from
    }

    /// How far its wall clock is from the true time.
    pub(crate) fn skew_micros(&self) -> i64 {
        self.skew_micros.load(Ordering::SeqCst)
    }

    /// Its wall clock is set.
    pub(crate) fn set_clock(&self, skew_micros: i64) {
        self.skew_micros.store(skew_micros, Ordering::SeqCst);
    }

    /// It reaches nobody for so long.
    pub(crate) fn cut(&self, time: Duration) {
        *locked(&self.cut_until) = Instant::now() + time;
    }

    pub(crate) fn heal(&self) {
        *locked(&self.cut_until) = Instant::now();
    }

    pub(crate) fn is_cut(&self) -> bool {
        Instant::now() < *locked(&self.cut_until)
    }

    /// `kill -9`: nothing leaves it any more, and its tasks end where they are.
    pub(crate) async fn kill(&self) {
        self.dead.cancel();
        self.lifecycle.abort().cancel();
        self.lifecycle.shut_down().await;
    }
}

// === impl At ===

impl fmt::Debug for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.life.name)
    }
}

impl At {
    /// Goes on only while the process lives.
    pub(crate) async fn alive(&self) {
        if self.life.is_dead() {
            pending::<()>().await;
        }
    }

    /// A moment amid a call, at which a fault may befall the process.
    pub(crate) async fn moment(&self) {
        self.life.ambush.pass().await;
        self.alive().await;
    }

    /// A step of this process.
    pub(crate) fn step(&self, what: fmt::Arguments<'_>) {
        self.world.trace.step(&self.life.name, what);
    }

    /// The way of a message from here or to here.
    pub(crate) async fn way(&self) {
        sleep(self.world.odds().way(&self.world.chance)).await;
        self.alive().await;
    }

    /// The way of a call to a store, which fails if the store does not work, or cannot be reached. Then nothing was done.
    pub(crate) async fn reach(&self) -> Result<(), CutOff> {
        self.alive().await;
        self.way().await;
        if self.life.is_cut() {
            sleep(self.world.chance.millis(500, 2_000)).await;
            self.alive().await;
            return Err(CutOff);
        }
        if self.world.chance.permille(self.world.odds().unavailable) {
            return Err(CutOff);
        }
        Ok(())
    }

    /// The way of a call to a store that writes: whatever the second part of the answer says, if the first is true the
    /// write is done.
    pub(crate) async fn reach_to_write(&self) -> Result<Answered, CutOff> {
        self.reach().await?;
        self.moment().await;
        let lost = self.world.chance.permille(self.world.odds().answer_lost);
        Ok(if lost { Answered::Lost } else { Answered::Heard })
    }
}

/// Whether the answer to a write comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answered {
    Heard,
    Lost,
}

impl Answered {
    /// Brings the answer back.
    pub(crate) async fn back<T>(self, at: &At, answer: T) -> Result<T, CutOff> {
        at.moment().await;
        at.way().await;
        match self {
            Self::Heard if !at.life.is_cut() => Ok(answer),
            _ => Err(CutOff),
        }
    }
}
