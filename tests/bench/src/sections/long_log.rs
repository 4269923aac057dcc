//! The rebuild of all views from a log in which each instance has many commits. Most of them only answer commands: what they cost
//! is to be read, and to change no row.

use super::{Run, population, progress};
use crate::{
    Outcome, make,
    results::{Place, Table},
    topology::Topology,
};

/// The rebuild from such a log.
pub(crate) fn work(instances: usize, commits_each: u64) -> String {
    format!("{}, {commits_each} commits each", population::work(instances))
}

/// Makes such a log without requests. The first start with it makes the evidence too, which a rebuild does not: so what counts
/// comes after.
pub(super) async fn measure(run: &mut Run<'_>, topology: Topology) -> Outcome<()> {
    let (instances, commits_each) = run.profile.long;
    let mut deployment = run.deployment(topology).await?;
    deployment.stop().await?;
    let made = make::make(&deployment.data(), 0..instances, instances as u64 * commits_each).await?;
    progress(&format!("  {} commits of {instances} instances", made.commits));
    deployment.launch().await?;
    deployment.idle().await?;
    deployment.stop().await?;
    population::rebuild(
        run,
        &mut deployment,
        &Place::new(Table::Restart, &topology, work(instances, commits_each), 1),
    )
    .await
}
