//! Instances whose host takes connections and answers nothing, beside as many whose host answers at once: what the notices of the
//! ones take while the others wait, and how many connections the host has that hangs.

use std::{collections::HashMap, ops::Range, time::Duration};

use super::{Run, logouts::NOTICES_MISSING};
use crate::{
    Outcome, closed_loop,
    deployment::Deployment,
    hanging::Hanging,
    results::{LATENCIES, Place, Table},
    sink::Sink,
    topology::Topology,
    workload::{
        creates::{self, Kind},
        links::Links,
        logouts::Logouts,
    },
};

/// How long linking, ending and telling may take.
const PHASE_MAX: Duration = Duration::from_mins(1);
/// Clients that log out those whose host answers: what counts is how long a notice takes, not how many there are.
const FEW: usize = 4;

/// Names that targets ask for.
pub(crate) const CONNECTIONS: &str = "connections to the host that hangs";

/// The work beside so many instances.
pub(crate) fn work(instances: usize) -> String {
    format!("logouts of {FEW} clients beside {instances} instances at a host that hangs")
}

/// One round on one topology.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(super) async fn measure(run: &mut Run<'_>, topology: Topology, round: u32) -> Outcome<()> {
    let (clients, stuck) = (run.profile.clients, run.profile.stuck);
    let (sink, hanging) = (Sink::start()?, Hanging::start().await?);
    let deployment = run.deployment(topology).await?;
    let kind = |url| Kind::told(vec![url], &["instance.logged_out"]);
    let (at_hanging, at_sink) = (kind(hanging.url()), kind(sink.url(0)));
    logged_out(&deployment, (0..stuck, &at_hanging), (clients, clients)).await?;
    let ended = logged_out(&deployment, (stuck..2 * stuck, &at_sink), (clients, FEW)).await?;
    let moments: HashMap<_, _> =
        ended.iter().flat_map(|client| &client.ended).map(|(one, at)| (one.id.clone(), *at)).collect();
    let told = sink.delivered(moments.len(), &moments, PHASE_MAX).await?;
    let place = Place::new(Table::Notices, &topology, work(stuck), round);
    for (measure, share) in LATENCIES {
        run.results.note(&place, measure, told.lag.at(share));
    }
    run.results.note(&place, NOTICES_MISSING, moments.len().saturating_sub(told.count) as f64);
    run.results.note(&place, CONNECTIONS, hanging.most() as f64);
    Ok(())
}

/// Creates, links and logs out instances, the latter by so many clients.
async fn logged_out(
    deployment: &Deployment,
    (numbers, kind): (Range<usize>, &Kind),
    (clients, clients_that_end): (usize, usize),
) -> Outcome<Vec<Logouts>> {
    let instances = creates::population(deployment, clients, numbers, kind).await?.to_vec();
    let links = Links::clients(deployment, instances, clients);
    let (_, links) = closed_loop::to_the_end(links, PHASE_MAX).await?;
    deployment.idle().await?;
    let linked = links.into_iter().flat_map(|client| client.linked).collect();
    let logouts = Logouts::of(deployment, linked, clients_that_end);
    let (_, logouts) = closed_loop::to_the_end(logouts, PHASE_MAX).await?;
    Ok(logouts)
}
