//! Notices that wait for endpoints which take nothing: what they hold of the memory, and what a commit takes beside them.

use std::{collections::HashMap, net::TcpListener, time::Duration};

use tokio::time::{Instant, sleep};

use super::{Run, progress};
use crate::{
    Outcome, closed_loop,
    deployment::Deployment,
    picks::Picks,
    results::{Place, Table},
    scrape::Scrape,
    sink::Sink,
    topology::Topology,
    workload::{
        commands::{By, Commands},
        creates::{self, Kind},
        links::Links,
    },
};

/// Endpoints of each instance, as many as there may be.
const ENDPOINTS: usize = 20;
/// Notices that a link makes for each endpoint: that it is linked, and that it is open.
const OF_A_LINK: usize = 2;
/// How long creating, linking and deriving may take.
const PHASE_MAX: Duration = Duration::from_mins(10);
/// How often it is looked how many notices wait, and how many times in a row it must be as many.
const PAUSE: Duration = Duration::from_millis(100);
const QUIET_LOOKS: u32 = 20;
const MIB: f64 = 1024.0 * 1024.0;

/// Names that targets ask for.
pub(crate) const MEMORY_MIB: &str = "MiB";
pub(crate) const RESTARTED_MIB: &str = "MiB after a restart";

/// From the end of a restart to the notice of an instance that is new then.
pub(crate) const NEW_SECONDS: &str = "a new instance's notice after a restart s";

/// The work with so many notices.
pub(crate) fn work(notices: usize) -> String {
    format!("{notices} notices wait")
}

/// Commits beside so many.
pub(crate) fn commits_work(notices: usize) -> String {
    format!("{}, commits beside them, 1 client", work(notices))
}

/// On one topology, once.
#[expect(clippy::cast_precision_loss, reason = "memory and counts stay far below 2^53")]
pub(super) async fn measure(run: &mut Run<'_>, topology: Topology) -> Outcome<()> {
    let (clients, wanted) = (run.profile.clients, run.profile.waiting);
    let mut deployment = run.deployment(topology).await?;
    let idle = creates::population(&deployment, clients, 0..run.profile.instances, &Kind::default()).await?;
    let instances = wanted.div_ceil(ENDPOINTS * OF_A_LINK);
    let numbers = run.profile.instances..run.profile.instances + instances;
    // Nobody listens there any more.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let kind = Kind::with_dead_endpoints(port, ENDPOINTS);
    let (_, created) = creates::create(&deployment, clients, numbers, &kind, PHASE_MAX).await?;
    let place = Place::new(Table::Memory, &topology, work(wanted), 1);
    run.results.note(&place, "MiB before they are linked", deployment.memory_bytes()? as f64 / MIB);
    progress(&format!("  {} instances with {ENDPOINTS} endpoints", created.len()));
    closed_loop::to_the_end(Links::clients(&deployment, created, clients), PHASE_MAX).await?;
    let waiting = settled(&deployment).await?;
    run.results.note(&place, "notices that wait", waiting);
    run.results.note(&place, MEMORY_MIB, deployment.memory_bytes()? as f64 / MIB);
    let beside = Place { work: commits_work(wanted), ..place.clone() };
    run.closed(&deployment, &beside, Commands::clients(&deployment, &idle, By::Id, Picks::cycles(1))).await?;
    // What is still needed after a restart is what the notices hold; before, caches of what linked them are full, too.
    let sink = Sink::start()?;
    deployment.stop().await?;
    deployment.launch().await?;
    let ready = Instant::now();
    // Something new is told at once, however much waits.
    let (first, kind) = (profile_end(run), Kind::told(vec![sink.url(0)], &["instance.linked"]));
    let new = creates::population(&deployment, 1, first..first + 1, &kind).await?.to_vec();
    closed_loop::to_the_end(Links::clients(&deployment, new, 1), PHASE_MAX).await?;
    let told = sink.delivered(1, &HashMap::new(), PHASE_MAX).await?.last;
    if let Some(told) = told {
        run.results.note(&place, NEW_SECONDS, (told - ready).as_secs_f64());
    }
    run.results.note(&place, "notices that wait after a restart", settled(&deployment).await?);
    run.results.note(&place, RESTARTED_MIB, deployment.memory_bytes()? as f64 / MIB);
    Ok(())
}

/// The number of the first instance that the section did not make.
fn profile_end(run: &Run<'_>) -> usize {
    run.profile.instances + run.profile.waiting.div_ceil(ENDPOINTS * OF_A_LINK)
}

/// Waits until it stays as it is how many wait, and gives how many there are.
pub(super) async fn settled(deployment: &Deployment) -> Outcome<f64> {
    let deadline = Instant::now() + PHASE_MAX;
    let (mut before, mut quiet) = (0.0, 0);
    while quiet < QUIET_LOOKS {
        if Instant::now() > deadline {
            return Err("the number of notices that wait does not settle".into());
        }
        let waiting: f64 = deployment.scrapes().await.iter().map(Scrape::owed).sum();
        // Codes that nobody shows any more wait no longer, so the number falls, too.
        quiet = if (waiting - before).abs() < 0.5 { quiet + 1 } else { 0 };
        before = waiting;
        sleep(PAUSE).await;
    }
    Ok(before)
}
