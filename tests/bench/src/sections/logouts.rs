//! Real logouts: instances are linked, all sessions are ended at once, and the notices are waited for. Then the
//! same instances are linked again.

use std::{collections::HashMap, time::Duration};

use super::{Run, seconds};
use crate::{
    Outcome, closed_loop,
    deployment::Deployment,
    profile::ENDPOINTS,
    results::{LATENCIES, PER_SECOND, Place, Table},
    sink::Sink,
    topology::Topology,
    workload::{
        Instance,
        creates::{self, Kind},
        links::Links,
        logouts::Logouts,
    },
};

/// Endpoints of each instance where sending notices is nearly all that there is to do: as many as an instance may have.
pub(crate) const MANY_ENDPOINTS: usize = 20;
/// How many times fewer instances are logged out there.
const FEWER: usize = 8;

/// How long linking, ending and telling may take; what is done by then counts.
const PHASE_MAX: Duration = Duration::from_mins(1);
/// Figures of the notices.
pub(crate) const NOTICES_PER_SECOND: &str = "notices per second";
pub(crate) const NOTICES_MISSING: &str = "notices missing";

/// The work with so many endpoints.
pub(crate) fn work(endpoints: usize) -> String {
    format!("logouts, {}", endpoints_text(endpoints))
}

fn endpoints_text(endpoints: usize) -> String {
    if endpoints == 1 { "1 endpoint".to_owned() } else { format!("{endpoints} endpoints") }
}

/// One round on one topology.
pub(super) async fn measure(run: &mut Run<'_>, topology: Topology, round: u32) -> Outcome<()> {
    let (clients, sessions) = (run.profile.clients, run.profile.sessions);
    let sink = Sink::start()?;
    let deployment = run.deployment(topology).await?;
    for endpoints in ENDPOINTS {
        let kind = Kind::with_endpoints(&sink, endpoints);
        let numbers = endpoints * sessions..(endpoints + 1) * sessions;
        let instances = creates::population(&deployment, clients, numbers, &kind).await?.to_vec();
        let instances = cycle(run, &deployment, &sink, instances, (endpoints, false), round).await?;
        if endpoints == 1 {
            cycle(run, &deployment, &sink, instances, (endpoints, true), round).await?;
        }
    }
    let (first, kind) = (MANY_ENDPOINTS * sessions, Kind::with_endpoints(&sink, MANY_ENDPOINTS));
    let numbers = first..first + sessions.div_ceil(FEWER);
    let instances = creates::population(&deployment, clients, numbers, &kind).await?.to_vec();
    cycle(run, &deployment, &sink, instances, (MANY_ENDPOINTS, false), round).await?;
    Ok(())
}

/// Links all instances, ends all sessions, and waits for the notices; gives the instances back.
async fn cycle(
    run: &mut Run<'_>,
    deployment: &Deployment,
    sink: &Sink,
    instances: Vec<Instance>,
    (endpoints, by_name): (usize, bool),
    round: u32,
) -> Outcome<Vec<Instance>> {
    let suffix = if by_name { " (by name)" } else { "" };
    let place = |work: String| Place::new(Table::Logouts, &deployment.topology, work + suffix, round);
    let links = Links::clients(deployment, instances, run.profile.clients);
    let linking = place(format!("connect and scan, {}", endpoints_text(endpoints)));
    let (_, linked, links) =
        run.watched(deployment, &linking, closed_loop::to_the_end(links, PHASE_MAX)).await?;
    let logouts = Logouts::clients(deployment, links, by_name);
    let ending = place(work(endpoints));
    let (_, ended, logouts) =
        run.watched(deployment, &ending, closed_loop::to_the_end(logouts, PHASE_MAX)).await?;
    let (instances, moments): (Vec<Instance>, HashMap<_, _>) = logouts
        .into_iter()
        .flat_map(|client| client.ended)
        .map(|(instance, at)| (instance.clone(), (instance.id, at)))
        .unzip();
    let cycles = place(format!("connect, scan and logout, {}", endpoints_text(endpoints)));
    run.results.note(&cycles, PER_SECOND, closed_loop::per_second(ended.answers, linked.took + ended.took));
    let expected = moments.len() * endpoints;
    let told = sink.delivered(expected, &moments, PHASE_MAX).await?;
    if let (Some(first), Some(last)) = (moments.values().min(), told.last) {
        let rate = closed_loop::per_second(told.count as u64, last - *first);
        run.results.note(&ending, NOTICES_PER_SECOND, rate);
        for (measure, share) in LATENCIES {
            run.results.note(&ending, &format!("notice after {measure}"), told.lag.at(share));
        }
    }
    let missing = u32::try_from(expected.saturating_sub(told.count))?;
    run.results.note(&ending, NOTICES_MISSING, f64::from(missing));
    run.results.note(&ending, "took s", seconds(ended.took));
    Ok(instances)
}
