//! A deployment that is filled without requests, and how its views follow.

use tokio::time::Instant;

use super::{Run, population, progress, seconds};
use crate::{
    Outcome,
    closed_loop::per_second,
    deployment::Deployment,
    make,
    options::Section,
    results::{PER_SECOND, Place, Table},
    workload::Instance,
};

/// Names of figures.
pub(crate) const COMMITS_PER_SECOND: &str = "commits per second";
pub(crate) const MEMORY_FOLDED_MIB: &str = "MiB after all views were built";

/// What is made until there are so many instances.
pub(crate) fn work(from: usize, to: usize) -> String {
    format!("{}, made through the log", population::growth_work(from, to))
}

/// Fills a deployment until it has so many instances and as many commits as the profile asks for, starts it again, and
/// waits until every view has folded them. Gives how many commits the log has.
#[expect(clippy::cast_precision_loss, reason = "commits stay far below 2^53")]
pub(super) async fn fill(
    run: &mut Run<'_>,
    deployment: &mut Deployment,
    instances: &mut Vec<Instance>,
    size: usize,
    round: u32,
) -> Outcome<f64> {
    let topology = deployment.topology;
    deployment.stop().await?;
    let wanted = instances.len()..size;
    let made = make::make(&deployment.data(), wanted.clone(), run.profile.commits).await?;
    let place = Place::new(Table::Creates, &topology, work(wanted.start, wanted.end), round);
    let results = &mut run.results;
    results.note(&place, PER_SECOND, per_second(made.instances.len() as u64, made.took));
    results.note(&place, population::CREATED, made.instances.len() as f64);
    results.note(&place, "commits", made.written as f64);
    results.note(&place, COMMITS_PER_SECOND, per_second(made.written, made.took));
    results.note(&place, "took s", seconds(made.took));
    instances.extend(made.instances);
    progress("  the views follow");
    let started = Instant::now();
    deployment.launch().await?;
    let (commits, took) = population::rebuilt(deployment, started).await?;
    let place = Place::new(Table::Restart, &topology, population::work(instances.len()), round);
    run.results.note(&place, "commits", commits);
    run.results.note(&place, population::REBUILT_SECONDS, seconds(took));
    run.results.note(&place, population::REBUILT_PER_SECOND, commits / seconds(took));
    deployment.idle().await?;
    if run.options.wants(Section::Memory) {
        let place = Place { table: Table::Memory, ..place };
        run.results.note(&place, MEMORY_FOLDED_MIB, population::mib(deployment)?);
    }
    Ok(made.commits as f64)
}
