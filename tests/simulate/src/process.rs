//! Processes that start, are killed, are cut off, and start again.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, http::Request};
use berth_bus::member::Seat;
use berth_runtime::{Entropy, Role, SeededEntropy, chain};
use futures::future::join;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::time::{sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{
    chance::Chance,
    ports::device,
    roles::Starting,
    world::{At, Life, World},
};

/// How long a client waits for an answer.
const CLIENT_PATIENCE: Duration = Duration::from_secs(40);
/// How far the wall clocks of two processes are apart at most, in each direction.
const SKEW_MICROS_MAX: u64 = 2_000_000;
/// The pause of whoever supervises a process that does not start.
const START_AGAIN: Duration = Duration::from_secs(1);

/// A process of the deployment, over all its lives.
#[derive(Debug)]
pub(crate) struct Process {
    world: Arc<World>,
    pub(crate) seat: Seat,
    folder: PathBuf,
    /// Whether it was killed for good.
    is_lost: AtomicBool,
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    life: Option<Arc<Life>>,
    router: Option<Router>,
    starts: u32,
    /// The name of the last start.
    start: Option<String>,
}

/// What a client is answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// How far a clock is from the true time.
fn skew(chance: &Chance) -> i64 {
    i64::try_from(chance.below(2 * SKEW_MICROS_MAX)).unwrap_or_default()
        - i64::try_from(SKEW_MICROS_MAX).unwrap_or_default()
}

// === impl Process ===

impl Process {
    pub(crate) fn new(world: &Arc<World>, role: Role, number: u32, folder: &std::path::Path) -> Arc<Self> {
        let name = format!("{}-{number}", &role.as_str()[..3]);
        let seat = Seat { role, id: name.parse().expect("a name of a member") };
        let folder = folder.join(&name);
        Arc::new(Self {
            world: Arc::clone(world),
            seat,
            folder,
            is_lost: AtomicBool::new(false),
            now: Mutex::default(),
        })
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    pub(crate) fn life(&self) -> Option<Arc<Life>> {
        self.now().life.clone()
    }

    /// Starts it, again and again if need be, as whoever supervises it does.
    pub(crate) async fn start(&self) {
        while !self.try_start().await {
            sleep(START_AGAIN).await;
        }
    }

    /// The same, and it may be killed while it starts.
    pub(crate) async fn start_in_trouble(&self) {
        join(self.start(), self.may_be_killed(200)).await;
        if self.life().is_none() {
            self.start().await;
        }
    }

    /// Asks it to stop, and it may be killed before it has.
    pub(crate) async fn stop_in_trouble(&self) {
        join(self.stop(), self.may_be_killed(300)).await;
    }

    async fn may_be_killed(&self, permille: u64) {
        let chance = &self.world.chance;
        if chance.permille(permille) {
            sleep(chance.millis(0, 3_000)).await;
            self.kill().await;
        }
    }

    async fn try_start(&self) -> bool {
        let world = &self.world;
        let start = {
            let mut bytes = [0; 8];
            SeededEntropy::new(world.chance.seed()).fill(&mut bytes);
            format!("{:016x}", u64::from_le_bytes(bytes))
        };
        let skew = skew(&world.chance);
        let (life, former) = {
            let mut now = self.now();
            now.starts += 1;
            let life = Life::new(format!("{}#{}", self.seat.id, now.starts), skew);
            now.life = Some(Arc::clone(&life));
            (life, now.start.replace(start.clone()))
        };
        let at = At { world: Arc::clone(world), life: Arc::clone(&life) };
        at.step(format_args!("starts"));
        let starting =
            Starting { at: at.clone(), seat: self.seat.clone(), start, former, folder: &self.folder };
        match life.dead.run_until_cancelled(Box::pin(starting.run())).await {
            Some(Ok(router)) => {
                self.now().router = router;
                at.step(format_args!("is ready"));
                true
            }
            Some(Err(error)) => {
                at.world.trace.aside(&format!("{} does not start: {}", life.name, chain(&*error)));
                at.step(format_args!("does not start"));
                self.end(&life).await;
                false
            }
            None => false,
        }
    }

    /// `kill -9`. The network notices after a while.
    pub(crate) async fn kill(&self) {
        let Some(life) = self.life() else { return };
        self.world.trace.step(&life.name, format_args!("is killed"));
        self.end(&life).await;
    }

    /// It is killed, and starts again some time later.
    pub(crate) async fn kill_for_a_while(&self) {
        self.kill().await;
        sleep(self.world.chance.millis(0, 12_000)).await;
        self.start_in_trouble().await;
    }

    /// It is killed and never starts again.
    pub(crate) async fn lose(&self) {
        self.is_lost.store(true, Ordering::SeqCst);
        self.kill().await;
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::SeqCst)
    }

    /// It stands still for this time, or until told otherwise, and goes on then.
    pub(crate) async fn suspend(&self, time: Duration, until: &CancellationToken) {
        let Some(life) = self.life() else { return };
        self.world.trace.step(&life.name, format_args!("is suspended for {time:?}"));
        life.suspension.suspend();
        until.run_until_cancelled(sleep(time)).await;
        self.world.trace.step(&life.name, format_args!("goes on"));
        let (world, awake_from) = (Arc::clone(&self.world), life.wake());
        self.world.go_on(async move {
            sleep_until(awake_from).await;
            device::look(&world, &life);
        });
    }

    /// Its wall clock is set.
    pub(crate) fn set_clock(&self) {
        let Some(life) = self.life() else { return };
        let skew = skew(&self.world.chance);
        self.world.trace.step(&life.name, format_args!("has its clock set to {skew} µs from the true time"));
        life.set_clock(skew);
    }

    async fn end(&self, life: &Arc<Life>) {
        {
            let mut now = self.now();
            (now.life, now.router) = (None, None);
        }
        life.kill().await;
        let (world, life) = (Arc::clone(&self.world), Arc::clone(life));
        let noticed = world.chance.millis(0, 2_000);
        self.world.go_on(async move {
            sleep(noticed).await;
            world.network.forget(&life);
        });
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(&self) {
        let Some(life) = self.life() else { return };
        self.world.trace.step(&life.name, format_args!("is asked to stop"));
        life.lifecycle.shut_down().await;
        // Whoever stops in order says so to the network.
        self.world.network.forget(&life);
        self.end(&life).await;
    }

    /// Asks a gateway; none if no answer comes, so that it is not known what was done.
    pub(crate) async fn ask(&self, request: Request<Body>) -> Option<Answer> {
        let (life, router) = {
            let now = self.now();
            (now.life.clone()?, now.router.clone()?)
        };
        sleep(self.world.odds().way(&self.world.chance)).await;
        let asked = async move {
            let response = router.oneshot(request).await.ok()?;
            let status = response.status().as_u16();
            let bytes = response.into_body().collect().await.ok()?.to_bytes();
            Some(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or_default() })
        };
        let answered = timeout(CLIENT_PATIENCE, life.lifecycle.spawn(asked)).await.ok()?.ok()??;
        sleep(self.world.odds().way(&self.world.chance)).await;
        if life.is_dead() { None } else { answered }
    }
}
