//! All processes of a run, and what a client reaches of them.

use std::{path::Path, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Method, Request},
};
use berth_runtime::Role;
use futures::future::join_all;
use serde_json::Value;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    ambush::Met,
    process::{Answer, Process},
    world::World,
};

/// See the module.
#[derive(Debug)]
pub(crate) struct Deployment {
    pub(crate) world: Arc<World>,
    pub(crate) processes: Vec<Arc<Process>>,
    /// Told when the power fails: whatever runs is killed.
    power: watch::Sender<()>,
}

/// What a client asks.
#[derive(Debug, Clone)]
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) token: &'a str,
    pub(crate) key: Option<&'a str>,
    pub(crate) body: Option<Value>,
}

/// How long is waited for a process to come to a moment amid a call.
const MEET_MAX: Duration = Duration::from_secs(10);

/// Holds a process at one of its next moments amid a call; none if it does not come to it, or does not run.
async fn meet(process: &Process) -> Option<Met> {
    let (life, chance) = (process.life()?, &process.world().chance);
    let moments = chance.below(1 << chance.below(7));
    let met = timeout(MEET_MAX, life.ambush.lie(moments)).await.ok().flatten()?;
    process.world().trace.step(&life.name, format_args!("is held amid a call"));
    Some(met)
}

// === impl Deployment ===

impl Deployment {
    /// Starts so many processes as chance has it: two of each role that owns something, or one.
    pub(crate) async fn start(world: &Arc<World>, folder: &Path) -> Arc<Self> {
        let mut processes = Vec::new();
        for (role, least) in [
            (Role::SessionAggregate, 2),
            (Role::Gateway, 1),
            (Role::Projections, 1),
            (Role::Connector, 1),
            (Role::Webhooks, 1),
        ] {
            for number in 1..=u32::try_from(world.chance.between(least, 2)).unwrap_or(1) {
                processes.push(Process::new(world, role, number, folder));
            }
        }
        join_all(processes.iter().map(|process| process.start())).await;
        Arc::new(Self { world: Arc::clone(world), processes, power: watch::Sender::default() })
    }

    /// The processes of a role that were not lost.
    pub(crate) fn of(&self, role: Role) -> impl Iterator<Item = &Arc<Process>> {
        self.processes.iter().filter(move |process| process.seat.role == role && !process.is_lost())
    }

    /// Lets things happen to a process, again and again, until told to stop. It runs in the end, if it was not lost while there
    /// was another one of its role.
    pub(crate) async fn trouble(self: Arc<Self>, process: Arc<Process>, stop: CancellationToken) {
        let (world, mut power) = (&self.world, self.power.subscribe());
        while !stop.is_cancelled() {
            let every = world.odds().process_fault_every;
            if every == 0 {
                return;
            }
            let pause = world.chance.millis(0, 2_000 * every * self.processes.len() as u64);
            power.mark_unchanged();
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(pause) => {}
                _failed = power.changed() => {
                    process.kill_for_a_while().await;
                    continue;
                }
            }
            // Half of the faults come amid a call.
            let mut met = if world.chance.permille(500) {
                let Some(met) = stop.run_until_cancelled(meet(&process)).await else { return };
                met
            } else {
                None
            };
            match world.chance.below(22) {
                0 if self.of(process.seat.role).count() > 1 => {
                    process.lose().await;
                    return;
                }
                0..=7 => {
                    process.kill_for_a_while().await;
                }
                8..=11 => {
                    let time = world.chance.millis(500, world.odds().cut_millis_max);
                    process.suspend(time, &stop).await;
                }
                12..=16 => {
                    let time = world.chance.millis(500, world.odds().cut_millis_max);
                    if let Some(life) = process.life() {
                        world.trace.step(&life.name, format_args!("is cut off for {time:?}"));
                        life.cut(time);
                    }
                }
                17 | 18 => process.set_clock(),
                _ => {
                    // It ends what it is at.
                    drop(met.take());
                    process.stop_in_trouble().await;
                    sleep(world.chance.millis(0, 3_000)).await;
                    process.start_in_trouble().await;
                }
            }
            drop(met);
        }
    }

    /// Every process is killed at once that nothing else has befallen at this moment.
    pub(crate) fn fail_power(&self) {
        self.world.trace.step("world", format_args!("has no power"));
        self.power.send_replace(());
    }

    /// Everybody reaches everybody again.
    pub(crate) fn heal(&self) {
        self.processes.iter().filter_map(|process| process.life()).for_each(|life| life.heal());
    }

    /// Asks any gateway once; none if no answer comes.
    pub(crate) async fn ask(&self, ask: &Ask<'_>) -> Option<Answer> {
        let gateways: Vec<_> = self.of(Role::Gateway).collect();
        let gateway = self.world.chance.one_of(&gateways)?;
        self.ask_at(gateway, ask).await
    }

    /// Asks one gateway once.
    pub(crate) async fn ask_at(&self, gateway: &Process, ask: &Ask<'_>) -> Option<Answer> {
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(&ask.path)
            .header("authorization", format!("Bearer {}", ask.token));
        if let Some(key) = ask.key {
            request = request.header("idempotency-key", key);
        }
        let body = match &ask.body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let answer = gateway.ask(request.body(body).ok()?).await;
        let said = answer.as_ref().map_or(0, |answer| answer.status);
        let key = ask.key.unwrap_or_default();
        let version = answer.as_ref().map(|answer| answer.body["version"].clone()).unwrap_or_default();
        self.world.trace.step(
            &format!("client@{}", gateway.seat.id),
            format_args!("{} {} {key} -> {said} {version}", ask.method, ask.path),
        );
        answer
    }

    /// Asks until there is an answer that says what became of the request; none if the patience ends.
    pub(crate) async fn insist(&self, ask: &Ask<'_>, tries: u32) -> Option<Answer> {
        for _ in 0..tries {
            match self.ask(ask).await {
                Some(answer) if !matches!(answer.status, 429 | 502 | 503 | 504) => return Some(answer),
                _ => sleep(self.world.chance.millis(50, 2_000)).await,
            }
        }
        None
    }

    pub(crate) async fn wait(&self, seconds: u64) {
        sleep(Duration::from_secs(seconds)).await;
    }
}
