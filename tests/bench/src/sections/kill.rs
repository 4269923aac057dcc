//! A session-aggregate and the leader of a shard of the log are killed under load; then the log is checked: what was
//! answered must be there once, and every history must verify.

use std::time::Duration;

use async_nats::jetstream;
use tokio::time::sleep;

use super::{Run, progress};
use crate::{
    Outcome, closed_loop,
    deployment::Deployment,
    results::{LATENCIES, PER_SECOND, Place, Table},
    topology::Topology,
    workload::{
        creates::{self, Kind},
        stubborn::Stubborn,
    },
};

/// The shard whose leader is killed.
const STREAM: &str = "BERTH_LOG_0";
/// Of the keys that an instance remembers, those that are surely among them still.
const CHECKED_KEYS: usize = 20;

/// What is killed after a third and two thirds of the time.
const AGGREGATE: &str = "session-aggregate";
const WORK: &str = "an aggregate, then a leader of the log";

/// Once, on a topology with two of each role and three servers.
pub(super) async fn measure(run: &mut Run<'_>, topology: Topology, time: Duration) -> Outcome<()> {
    let clients = run.profile.clients;
    let mut deployment = run.deployment(topology).await?;
    let population = creates::population(&deployment, clients, 0..clients, &Kind::default()).await?;
    // To the last answer: a command that waits for a new leader at the end of the time is what this is about.
    let load = closed_loop::to_the_end(Stubborn::clients(&deployment, &population), time);
    let (load, killed) = tokio::join!(load, kill(&mut deployment, time / 3));
    killed?;
    let (closed, mut clients) = load?;
    progress("  both are started again, and the log is checked");
    deployment.servers.as_mut().ok_or("there are no servers")?.restart().await?;
    deployment.launch().await?;
    let (mut missing, mut damaged) = (0_u32, 0_u32);
    for client in &mut clients {
        let keys: Vec<String> = client.acknowledged.iter().rev().take(CHECKED_KEYS).cloned().collect();
        for key in keys {
            missing += u32::from(!client.send(&key, 0).await?);
        }
        damaged += u32::from(!client.verifies().await?);
    }
    let place = Place::new(Table::Kill, &topology, WORK, 1);
    let acknowledged: u64 = clients.iter().map(|client| client.count).sum();
    let results = &mut run.results;
    results.note(&place, PER_SECOND, closed.per_second);
    for (measure, share) in LATENCIES {
        results.note(&place, measure, closed.latencies.at(share));
    }
    results.note(&place, "slowest command µs", closed.latencies.at(1.0));
    results.note(&place, "acknowledged", f64::from(u32::try_from(acknowledged)?));
    results.note(&place, "of the last ones missing", f64::from(missing));
    results.note(&place, "damaged histories", f64::from(damaged));
    Ok(())
}

async fn kill(deployment: &mut Deployment, pause: Duration) -> Outcome<()> {
    sleep(pause).await;
    progress("  an aggregate is killed");
    deployment.kill9(AGGREGATE)?;
    sleep(pause).await;
    let servers = deployment.servers.as_mut().ok_or("there are no servers")?;
    let context = jetstream::new(servers.connect().await?);
    let stream = context.get_stream(STREAM).await?;
    let cluster = stream.cached_info().cluster.clone();
    let leader = cluster.and_then(|cluster| cluster.leader).ok_or("the log has no leader")?;
    progress("  the leader of a shard is killed");
    servers.kill9(&leader)
}
