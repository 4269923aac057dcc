//! Device links over two connectors: each runs about half of them, and when one is killed the other resumes its links.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Run, progress, seconds};
use crate::{
    Outcome, closed_loop,
    deployment::Deployment,
    results::{PER_SECOND, Place, Table},
    scrape::Scrape,
    topology::Topology,
    workload::{
        creates::{self, Kind},
        links::Links,
        lists,
    },
};

/// How long instances may take to be created and linked.
const LINK_MAX: Duration = Duration::from_mins(10);
/// How long the links may take to stand where they are to, and to be resumed.
const SETTLE_MAX: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(50);
/// The role that runs links, of which the last one is killed.
const CONNECTOR: &str = "connector";

/// Names that targets ask for.
pub(crate) const SMALLER_HALF: &str = "at the connector with fewer, %";
pub(crate) const RESUMED_SECONDS: &str = "all at the other after s";
pub(crate) const NOT_LINKED: &str = "not linked any more";

/// So many links.
pub(crate) fn work(links: usize) -> String {
    format!("{links} links, one connector killed")
}

/// Once, on a topology with two connectors.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(super) async fn measure(run: &mut Run<'_>, topology: Topology) -> Outcome<()> {
    let (clients, count) = (run.profile.clients, run.profile.links);
    let mut deployment = run.deployment(topology).await?;
    let place = Place::new(Table::Links, &topology, work(count), 1);
    let kind = Kind::default();
    let (_, instances) = creates::create(&deployment, clients, 0..count, &kind, LINK_MAX).await?;
    let linking = closed_loop::to_the_end(Links::clients(&deployment, instances, clients), LINK_MAX);
    let (linked, clients) = linking.await?;
    let count = clients.iter().map(|client| client.linked.len()).sum::<usize>();
    run.results.note(&place, "linked", count as f64);
    run.results.note(&place, PER_SECOND, linked.per_second);
    // No more than there are: none is at both.
    let halves = at_each(&deployment, 2, count as f64).await?;
    let smaller = halves.iter().copied().fold(f64::INFINITY, f64::min);
    run.results.note(&place, SMALLER_HALF, 100.0 * smaller / count as f64);
    progress("  a connector is killed");
    deployment.kill9(CONNECTOR)?;
    let killed = Instant::now();
    let resumed = at_each(&deployment, 1, count as f64).await;
    run.results.note(&place, RESUMED_SECONDS, seconds(killed.elapsed()));
    let still = lists::count_of_state(&deployment, "linked").await?;
    run.results.note(&place, NOT_LINKED, count as f64 - still);
    resumed.map(drop)
}

/// Waits until so many connectors have so many links together, and gives how many each has.
async fn at_each(deployment: &Deployment, connectors: usize, links: f64) -> Outcome<Vec<f64>> {
    let deadline = Instant::now() + SETTLE_MAX;
    loop {
        let at: Vec<f64> = deployment.scrapes().await.iter().filter_map(Scrape::links).collect();
        if at.len() == connectors && (at.iter().sum::<f64>() - links).abs() < 0.5 {
            return Ok(at);
        }
        if Instant::now() > deadline {
            return Err(format!("the connectors have {at:?} links").into());
        }
        sleep(PAUSE).await;
    }
}
