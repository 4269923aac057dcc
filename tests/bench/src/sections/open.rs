//! Latencies at fixed rates, from the intended moment; and what becomes of a deployment that is asked for too much.

use std::time::Duration;

use tokio::time::Instant;

use super::{Run, progress, seconds};
use crate::{
    Outcome,
    closed_loop::{self, per_second},
    deployment::Deployment,
    open_loop::{self, Open},
    picks::Picks,
    profile::RATES,
    results::{LATENCIES, P50, PER_SECOND, Place, Results, Table},
    topology::Topology,
    watch::Watch,
    workload::{
        commands::{By, Commands},
        creates::{self, Kind},
    },
};

/// What is offered after too much, as a part of the capacity, and for how long at once.
const CALM_PART: f64 = 0.75;
const CALM_SLICE: Duration = Duration::from_millis(250);
/// How long a deployment may take to recover; one that has not by then counts with this.
const RECOVER_MAX: Duration = Duration::from_secs(15);

/// Names that targets ask for.
pub(crate) const CAPACITY: &str = "capacity (closed loop)";
pub(crate) const REFUSAL_P99: &str = "refusal p99 µs";
pub(crate) const WITHOUT_WHEN: &str = "refused without Retry-After";
pub(crate) const RECOVERED_SECONDS: &str = "recovered after s";

/// The commands at a rate, as a part of the capacity.
pub(crate) fn work(part: f64) -> String {
    format!("no-op logouts at {:.0} % of the capacity", part * 100.0)
}

/// One round on one topology: the capacity, then parts of it, then three times as much.
pub(super) async fn measure(run: &mut Run<'_>, topology: Topology, round: u32) -> Outcome<()> {
    let (clients, window) = (run.profile.clients, run.profile.window);
    // One account sends everything, and may have half of the room: with as much of it as there are clients it meets the end.
    let room = ("BERTH_COMMANDS_AT_ONCE", run.profile.open_clients.to_string());
    let deployment = Deployment::start_with(run.binary, topology, vec![room]).await?;
    let population =
        creates::population(&deployment, clients, 0..run.profile.instances, &Kind::default()).await?;
    deployment.idle().await?;
    let closed = Commands::clients(&deployment, &population, By::Id, Picks::cycles(clients));
    let (capacity, _) = closed_loop::measure(closed, window).await?;
    deployment.idle().await?;
    let picks = Picks::uniform(run.profile.open_clients);
    let mut clients = Commands::clients(&deployment, &population, By::Id, picks);
    for part in RATES {
        let place = Place::new(Table::Open, &topology, work(part), round);
        let rate = capacity.per_second * part;
        let watch = Watch::start(&deployment).await?;
        let end = Instant::now() + window;
        let seen = open_loop::measure(&mut clients, rate, window).await?;
        let mut answers = seen.answered;
        if part > 1.0 {
            let calm = capacity.per_second * CALM_PART;
            let (recovered, more) = recovery(&mut clients, calm, end).await?;
            run.results.note(&place, RECOVERED_SECONDS, seconds(recovered));
            answers += more;
        }
        let watched = watch.end(&deployment).await?;
        note(&mut run.results, &place, rate, &seen);
        run.results.note_seen(&place, &watched, answers);
    }
    let place = Place::new(Table::Open, &topology, CAPACITY, round);
    run.results.note(&place, PER_SECOND, capacity.per_second);
    run.results.note(&place, "window s", seconds(window));
    Ok(())
}

/// Offers a rate that was no trouble before, a little at a time, until all of it is answered with success. Gives how long
/// after the last moment of too much that began, and what was answered meanwhile.
async fn recovery(clients: &mut Vec<Commands>, rate: f64, end: Instant) -> Outcome<(Duration, u64)> {
    let mut answered = 0;
    loop {
        let after = end.elapsed();
        let slice = open_loop::measure(clients, rate, CALM_SLICE).await?;
        answered += slice.answered;
        if slice.is_whole() {
            return Ok((after, answered));
        }
        if after >= RECOVER_MAX {
            progress("  it has not recovered");
            return Ok((RECOVER_MAX, answered));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn note(results: &mut Results, place: &Place, rate: f64, seen: &Open) {
    let refused = seen.refusals.count();
    let all = seen.answered + refused + seen.broken + seen.unanswered;
    results.note(place, "offered per second", rate);
    results.note(place, PER_SECOND, per_second(seen.answered, seen.took));
    for (measure, share) in LATENCIES {
        results.note(place, measure, seen.latencies.at(share));
    }
    results.note(place, "refused %", 100.0 * refused as f64 / all.max(1) as f64);
    results.note(place, "unanswered per second", per_second(seen.unanswered, seen.took));
    results.note(place, "broken per second", per_second(seen.broken, seen.took));
    if refused > 0 {
        results.note(place, &format!("refusal {P50}"), seen.refusals.at(0.5));
        results.note(place, REFUSAL_P99, seen.refusals.at(0.99));
        results.note(place, WITHOUT_WHEN, seen.without_when as f64);
    }
}
