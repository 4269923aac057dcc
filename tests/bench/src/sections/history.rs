//! The length of the log: no-op logouts until it has as many commits as the profile asks for, and the disk that they take.

use tokio::time::Instant;

use super::{Run, progress};
use crate::{
    Outcome, closed_loop,
    deployment::Deployment,
    disk,
    picks::Picks,
    results::Place,
    workload::{
        Population,
        commands::{By, Commands},
    },
};

/// Names of figures.
pub(crate) const COMMITS: &str = "commits";
const MIB: f64 = 1024.0 * 1024.0;

/// Lengthens the log until it has so many commits, `before` of them by processes that have ended since. Commands that
/// share a commit make fewer of them, so that this is asked for again.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a counter of commits is whole, and stays far below 2^53"
)]
pub(super) async fn lengthen(
    run: &Run<'_>,
    deployment: &Deployment,
    population: &Population,
    before: f64,
) -> Outcome<()> {
    let (clients, wanted) = (run.profile.clients, run.profile.commits);
    let started = Instant::now();
    loop {
        let missing = wanted.saturating_sub((before + deployment.commits().await) as u64);
        let left = run.profile.growth_max.saturating_sub(started.elapsed());
        if missing == 0 || left.is_zero() {
            return Ok(());
        }
        progress(&format!("  {missing} commits more"));
        let picks = Picks::uniform(clients);
        let senders = Commands::clients(deployment, population, By::Id, picks);
        let senders =
            senders.into_iter().map(|client| client.times(missing.div_ceil(clients as u64))).collect();
        closed_loop::to_the_end::<Commands>(senders, left).await?;
    }
}

/// Notes the commits of the log, and what the folders of the deployment take on the disk.
#[expect(clippy::cast_precision_loss, reason = "bytes stay far below 2^53")]
pub(super) fn note(run: &mut Run<'_>, deployment: &Deployment, commits: f64, place: &Place) -> Outcome<()> {
    run.results.note(place, COMMITS, commits);
    for (folder, bytes) in disk::folders_in(&deployment.data())? {
        run.results.note(place, &format!("{folder} MiB"), bytes as f64 / MIB);
        run.results.note(place, &format!("{folder}, bytes per commit"), bytes as f64 / commits.max(1.0));
    }
    Ok(())
}
