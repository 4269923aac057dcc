//! One run: a deployment comes up, the world gets bad, the world gets well, and what is left is checked.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use axum::http::Method;
use berth_proto::AccountId;
use futures::future::join_all;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    checks::Checks,
    client::{Client, url},
    deployment::{Ask, Deployment},
    model::Model,
    mutant::Mutant,
    odds::Odds,
    roles::ROOT,
    trace::Trace,
    world::World,
};

/// The token of the account whose clients act.
const TOKEN: &str = "token-of-the-account";
/// How long the bad times last, in seconds.
const BAD_SECONDS: (u64, u64) = (30, 120);
/// How often the power fails amid the bad times.
const POWER_FAILS_PERMILLE: u64 = 250;
/// How long a run may take by its own clock: whatever takes longer hangs.
const RUN_MAX: Duration = Duration::from_hours(3);

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) steps: u64,
    pub(crate) digest: u64,
    pub(crate) commits: u64,
    pub(crate) faults: Vec<String>,
    pub(crate) trace: Vec<String>,
}

/// Panics of any task, in order.
static PANICS: OnceLock<Mutex<Vec<String>>> = OnceLock::new();

fn panics() -> &'static Mutex<Vec<String>> {
    PANICS.get_or_init(Mutex::default)
}

/// Runs a seed on this thread.
pub(crate) fn run(seed: u64, mutant: Option<Mutant>, is_traced: bool) -> Outcome {
    crate::randomness::seed(seed);
    berth_runtime::blocking::keep_on_this_thread();
    std::panic::set_hook(Box::new(|panic| {
        panics().lock().unwrap_or_else(PoisonError::into_inner).push(panic.to_string());
    }));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let world = World::new(seed, mutant, Trace::new(is_traced));
        if is_traced {
            crate::logs::into(&world);
        }
        let commits = match tokio::time::timeout(RUN_MAX, Box::pin(lives(&world))).await {
            Ok(commits) => commits,
            Err(_) => {
                world.fault(format!("P11: the run has not ended after {RUN_MAX:?}"));
                0
            }
        };
        let mut faults = world.faults();
        faults.extend(panics().lock().unwrap_or_else(PoisonError::into_inner).drain(..));
        let trace = &world.trace;
        Outcome { steps: trace.steps(), digest: trace.digest(), commits, faults, trace: trace.lines() }
    })
}

/// The whole story; gives how many commits there are in the end.
async fn lives(world: &Arc<World>) -> u64 {
    let folder = tempfile::tempdir_in(shared_memory()).expect("a folder");
    let deployment = Deployment::start(world, folder.path()).await;
    let model = Arc::new(Model::default());
    let Some((account, instances)) = populate(&deployment, &model).await else {
        world.fault("P11: a deployment in which nothing fails makes no instances".to_owned());
        return 0;
    };
    bad_times(&deployment, &model, &instances).await;
    let checks =
        Checks { deployment: &deployment, model: &model, token: TOKEN, account, instances: &instances };
    let history = checks.run().await;
    join_all(deployment.processes.iter().map(|process| process.kill())).await;
    history.commits
}

/// Folders in memory, where there are such: nothing of them is to outlive the run.
fn shared_memory() -> std::path::PathBuf {
    let shared = std::path::Path::new("/dev/shm");
    if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() }
}

/// An account and its instances.
async fn populate(deployment: &Deployment, model: &Model) -> Option<(AccountId, Vec<String>)> {
    let insist = async |path: &str, token, key: &str, body| {
        let (method, path) = (Method::POST, path.to_owned());
        deployment.insist(&Ask { method, path, token, key: Some(key), body: Some(body) }, 10).await
    };
    let account = json!({"name": "acme", "token": TOKEN});
    let made = insist("/v1/accounts", ROOT, "acme", account).await?;
    let account = made.body["id"].as_str()?.parse().ok()?;
    let mut instances = Vec::new();
    for number in 0..deployment.world.chance.between(1, 5) {
        let endpoints: Vec<_> =
            (0..deployment.world.chance.below(3)).map(|which| format!("shop-{number}-{which}")).collect();
        let webhooks: Vec<_> = endpoints.iter().map(|endpoint| json!({"url": url(endpoint)})).collect();
        let key = format!("instance-{number}");
        let body = json!({"name": format!("shop-{number}"), "webhooks": webhooks});
        let made = insist("/v1/instances", TOKEN, &key, body).await?;
        let id = made.body["id"].as_str()?.to_owned();
        model.give(&id, endpoints);
        instances.push(id);
    }
    Some((account, instances))
}

/// Clients do what they do while everything fails that can.
async fn bad_times(deployment: &Arc<Deployment>, model: &Arc<Model>, instances: &[String]) {
    let world = &deployment.world;
    let odds =
        world.mutant.map_or_else(|| Odds::of(&world.chance), |mutant| Odds::against(mutant, &world.chance));
    world.trace.step("world", format_args!("{odds:?}"));
    world.set_odds(odds);
    let stop = CancellationToken::new();
    let mut clients = Vec::new();
    for number in 1..=u32::try_from(world.chance.between(1, 4)).unwrap_or(1) {
        let client = Client {
            number,
            deployment: Arc::clone(deployment),
            model: Arc::clone(model),
            token: TOKEN.to_owned(),
            instances: instances.to_vec(),
        };
        clients.push(world.under_way.spawn(client.run(stop.clone())));
    }
    let troubled: Vec<_> = deployment
        .processes
        .iter()
        .map(|process| {
            let troubled = Arc::clone(deployment).trouble(Arc::clone(process), stop.clone());
            world.under_way.spawn(troubled)
        })
        .collect();
    let seconds = world.chance.between(BAD_SECONDS.0, BAD_SECONDS.1);
    let until_power_fails = world.chance.below(seconds);
    deployment.wait(until_power_fails).await;
    if odds.process_fault_every > 0 && world.chance.permille(POWER_FAILS_PERMILLE) {
        deployment.fail_power();
    }
    deployment.wait(seconds - until_power_fails).await;
    world.trace.step("world", format_args!("gets well"));
    stop.cancel();
    world.set_odds(Odds::CALM);
    deployment.heal();
    join_all(troubled).await;
    join_all(clients).await;
    world.gets_well();
}
