//! Keyed logouts without a session: the cheapest durable command, on one topology, beside the bare parts.

use super::{Run, bare};
use crate::{
    Outcome,
    composite::clients_text,
    deployment::Deployment,
    http::Ask,
    picks::Picks,
    profile::LARGE_STATE_BYTES,
    results::{Place, Table},
    topology::{Shape, Topology},
    workload::{
        Population,
        commands::{By, Commands},
        creates::{self, Kind},
        next_key,
    },
};

/// The work that targets ask for.
pub(crate) const BY_ID: &str = "by id";
pub(crate) const HOT: &str = "one hot instance";

/// The work with so many clients.
pub(crate) fn work(name: &str, clients: usize) -> String {
    format!("{name}, {}", clients_text(clients))
}

/// One round on one topology.
pub(super) async fn measure(run: &mut Run<'_>, topology: Topology, round: u32) -> Outcome<()> {
    let clients = run.profile.clients;
    let deployment = run.deployment(topology).await?;
    let population =
        creates::population(&deployment, clients, 0..run.profile.instances, &Kind::default()).await?;
    deployment.idle().await?;
    let serves = topology.shape == Shape::Serve;
    let mut bytes = None;
    let works = [
        (BY_ID, By::Id, 1, Picks::cycles(1), true),
        (BY_ID, By::Id, clients, Picks::cycles(clients), true),
        (HOT, By::Id, clients, Picks::hot(clients), serves || run.profile.thorough),
        ("by name", By::Name, clients, Picks::cycles(clients), serves),
        ("account token", By::Account, clients, Picks::cycles(clients), run.profile.thorough),
    ];
    for (name, by, clients, picks, wanted) in works {
        if wanted {
            let place = Place::new(Table::Commands, &topology, work(name, clients), round);
            let clients = Commands::clients(&deployment, &population, by, picks);
            let seen = run.closed(&deployment, &place, clients).await?;
            if name == BY_ID {
                bytes = bytes.max(seen.commit_bytes.map(f64::ceil).map(size));
            }
        }
    }
    if serves && run.profile.thorough {
        large(run, &deployment, round).await?;
    }
    let answer = answer(&deployment, &population).await?;
    if serves {
        drop(deployment);
        bare::measure(run, topology.engine, bytes.unwrap_or(1_024), &answer, round).await?;
    }
    Ok(())
}

/// The same with a state that is as large as settings may make it.
async fn large(run: &mut Run<'_>, deployment: &Deployment, round: u32) -> Outcome<()> {
    let clients = run.profile.clients;
    let kind = Kind::with_settings(LARGE_STATE_BYTES);
    let count = run.profile.instances.min(clients);
    let numbers = run.profile.instances..run.profile.instances + count;
    let population = creates::population(deployment, clients, numbers, &kind).await?;
    deployment.idle().await?;
    let place = Place::new(Table::Commands, &deployment.topology, work("state of 40 KB", clients), round);
    let clients = Commands::clients(deployment, &population, By::Id, Picks::cycles(clients));
    run.closed(deployment, &place, clients).await?;
    Ok(())
}

/// One answer of Berth to such a command, for the handler that is to answer the same.
async fn answer(deployment: &Deployment, population: &Population) -> Outcome<crate::http::Answer> {
    let mut connection = deployment.connections(1).pop().ok_or("there is no gateway")?;
    let instance = population.first().ok_or("there is no instance")?;
    let path = format!("/v1/instances/{}/logout", instance.id);
    let key = next_key();
    connection.ask(Ask::post(&path, &instance.token, "{}").keyed(&key)).await
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the size of a commit is positive and bounded by what a server accepts"
)]
fn size(bytes: f64) -> usize {
    bytes as usize
}
