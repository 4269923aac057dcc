//! The console over many instances: how long its pages take, alone and while the instances change a thousand times in a second,
//! and how soon an open list shows a change.

use std::time::Duration;

use super::Run;
use crate::{
    Outcome,
    closed_loop::per_second,
    latency::Latencies,
    open_loop,
    results::{LATENCIES, Place, Results, Table},
    sink::Sink,
    topology::Topology,
    watch::Watch,
    workload::{
        Instance,
        console::{self, Changes, Pages, Seen},
        creates::{self, Kind},
    },
};

/// Changes in a second.
const CHANGES_PER_SECOND: f64 = 1_000.0;
/// Instances that change: among them those of the first page.
const CHANGING: usize = 1_000;
/// The pause of somebody who opens a page while everything changes: a reader, and no load.
const PAUSE: Duration = Duration::from_millis(100);
/// The pages: the list as it opens, filtered by a state, searched, and further on.
const PAGES: [(&str, &str); 3] =
    [(FIRST, ""), ("filtered by a state", "?state=created"), ("searched by a text", "?q=bench-7")];

/// Names that targets ask for.
pub(crate) const FIRST: &str = "first page";
pub(crate) const LOOKS: &str = "looks of an open list";
pub(crate) const SHOWN: &str = "from a change to the list";
pub(crate) const WORDS_PER_SECOND: &str = "words per second";
pub(crate) const CHANGED_PER_SECOND: &str = "changes per second";

/// Pages of a list of so many instances.
pub(crate) fn work(instances: usize, what: &str) -> String {
    format!("{instances} instances, {what}")
}

/// The same while it changes.
pub(crate) fn changing_work(instances: usize, what: &str) -> String {
    format!("{}, 1,000 changes a second", work(instances, what))
}

/// One round on one topology.
pub(super) async fn measure(run: &mut Run<'_>, topology: Topology, round: u32) -> Outcome<()> {
    let (clients, size, window) =
        (run.profile.clients, run.profile.console_instances, run.profile.console_window);
    let sink = Sink::start()?;
    let deployment = run.deployment(topology).await?;
    let kind = Kind::with_endpoints(&sink, 1);
    let mut instances = creates::population(&deployment, clients, 0..size, &kind).await?.to_vec();
    // As a list has them.
    instances.sort_by(|one, other| one.id.cmp(&other.id));
    deployment.idle().await?;
    let session = console::sign_in(&deployment).await?;
    for (what, query) in PAGES {
        let place = Place::new(Table::Console, &topology, work(size, what), round);
        let page = Pages::client(&deployment, &session, &format!("/console/{query}"))?;
        run.closed(&deployment, &place, vec![page]).await?;
    }
    let changing = instances.get(..CHANGING.min(size)).unwrap_or_default();
    let mut changers = Changes::clients(&deployment, changing, clients).await?;
    let first: &Instance = instances.first().ok_or("there is no instance")?;
    let page = Pages::client(&deployment, &session, "/console/")?;
    let watch = Watch::start(&deployment).await?;
    let (load, seen, opened) = tokio::join!(
        open_loop::measure(&mut changers, CHANGES_PER_SECOND, window),
        console::watch(&deployment, &session, first, window),
        page.read(window, PAUSE),
    );
    let (load, seen, opened) = (load?, seen?, opened?);
    let watched = watch.end(&deployment).await?;
    let place = |what: &str| Place::new(Table::Console, &topology, changing_work(size, what), round);
    let results = &mut run.results;
    note_latencies(results, &place(FIRST), &opened);
    let Seen { words, looks, shown, took } = seen;
    note_latencies(results, &place(LOOKS), &looks);
    results.note(&place(LOOKS), WORDS_PER_SECOND, per_second(words, took));
    note_latencies(results, &place(SHOWN), &shown);
    let itself = place("the changes themselves");
    note_latencies(results, &itself, &load.latencies);
    results.note(&itself, CHANGED_PER_SECOND, per_second(load.answered, load.took));
    let missing = per_second(load.refusals.count() + load.broken + load.unanswered, load.took);
    results.note(&itself, "refused or unanswered per second", missing);
    results.note_seen(&itself, &watched, load.answered);
    Ok(())
}

fn note_latencies(results: &mut Results, place: &Place, latencies: &Latencies) {
    for (measure, share) in LATENCIES {
        results.note(place, measure, latencies.at(share));
    }
}
