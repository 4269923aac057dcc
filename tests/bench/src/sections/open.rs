//! Latencies at fixed rates, from the intended moment.

use super::{Run, seconds};
use crate::{
    Outcome,
    closed_loop::{self, per_second},
    open_loop,
    picks::Picks,
    profile::RATES,
    results::{LATENCIES, PER_SECOND, Place, Table},
    topology::Topology,
    watch::Watch,
    workload::{
        commands::{By, Commands},
        creates::{self, Kind},
    },
};

/// One round on one topology: the capacity, then parts of it, then three times as much.
pub(super) async fn measure(run: &mut Run<'_>, topology: Topology, round: u32) -> Outcome<()> {
    let (clients, window) = (run.profile.clients, run.profile.window);
    let deployment = run.deployment(topology).await?;
    let population =
        creates::population(&deployment, clients, 0..run.profile.instances, &Kind::default()).await?;
    deployment.idle().await?;
    let closed = Commands::clients(&deployment, &population, By::Id, Picks::cycles(clients));
    let (capacity, _) = closed_loop::measure(closed, window).await?;
    deployment.idle().await?;
    for part in RATES {
        let work = format!("no-op logouts at {:.0} % of the capacity", part * 100.0);
        let place = Place::new(Table::Open, &topology, work, round);
        let picks = Picks::uniform(run.profile.open_clients);
        let open = Commands::clients(&deployment, &population, By::Id, picks);
        let rate = capacity.per_second * part;
        let watch = Watch::start(&deployment).await?;
        let seen = open_loop::measure(open, rate, window).await?;
        let watched = watch.end(&deployment).await?;
        let results = &mut run.results;
        results.note(&place, "offered per second", rate);
        results.note(&place, PER_SECOND, per_second(seen.answered, seen.took));
        for (measure, share) in LATENCIES {
            results.note(&place, measure, seen.latencies.at(share));
        }
        results.note(&place, "refused per second", per_second(seen.failed, seen.took));
        results.note(&place, "unanswered per second", per_second(seen.unanswered, seen.took));
        results.note_seen(&place, &watched, seen.answered);
    }
    let place = Place::new(Table::Open, &topology, "capacity (closed loop)", round);
    run.results.note(&place, PER_SECOND, capacity.per_second);
    run.results.note(&place, "window s", seconds(window));
    Ok(())
}
