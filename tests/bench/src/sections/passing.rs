//! The gate beside the empty handler, messages that are passed on beside the same sent to their upstream itself, and many
//! large uploads at once, which must not be held.

use std::time::Duration;

use tokio::time::interval;

use super::{Run, progress};
use crate::{
    Outcome,
    bare::{handler::Handler, upstream::Upstream},
    closed_loop::{self, Closed},
    composite::{HANDLER, clients_text},
    deployment::Deployment,
    http::Ask,
    picks::Picks,
    results::{Place, Table},
    topology::Topology,
    workload::{
        Instance,
        creates::{self, Kind},
        passing::{self, Asks, Sends},
    },
};

/// The name of the upstream in the settings of Berth.
const UPSTREAM: &str = "bench";
/// Instances on it.
const INSTANCES: usize = 8;
/// How often the memory is looked at.
const LOOK: Duration = Duration::from_millis(20);
const MIB: f64 = 1024.0 * 1024.0;

/// Names that targets ask for.
pub(crate) const PASSED: &str = "messages passed on, 1 client";
pub(crate) const OVER_UPSTREAM: &str = "p50 µs over the upstream's own";
pub(crate) const MORE_MIB: &str = "MiB more than before, at most";

/// Questions of so many clients to the gate.
pub(crate) fn gate_work(clients: usize) -> String {
    format!("the gate, {}", clients_text(clients))
}

/// The handler that they are compared with.
pub(crate) fn handler_work(clients: usize) -> String {
    format!("{HANDLER} with such an answer, {}", clients_text(clients))
}

/// So many uploads of so many bytes at once.
pub(crate) fn uploads_work(at_once: usize, bytes: usize) -> String {
    format!("{at_once} uploads of {} MB at once", bytes / 1_000_000)
}

/// One round on one topology.
pub(super) async fn measure(run: &mut Run<'_>, topology: Topology, round: u32) -> Outcome<()> {
    let many = run.profile.clients;
    let upstream = Upstream::start().await?;
    let deployment = Deployment::start_with(run.binary, topology, upstream.settings()).await?;
    let population = creates::population(&deployment, 1, 0..INSTANCES, &Kind::on(UPSTREAM)).await?;
    passing::until_open(&deployment, &population).await?;
    deployment.idle().await?;
    let place = |work: String| Place::new(Table::Passing, &topology, work, round);
    for clients in [1, many] {
        let asks = Asks::clients(&deployment, &population, Picks::uniform(clients));
        run.closed(&deployment, &place(gate_work(clients)), asks).await?;
    }
    let instance = population.first().ok_or("there is no instance")?;
    let mut connection = deployment.connections(1).pop().ok_or("there is no gateway")?;
    let path = format!("/v1/gate/{}", instance.id);
    let handler = Handler::start(&connection.ask(Ask::get(&path, &instance.token)).await?).await?;
    let (closed, _) = closed_loop::measure(handler.clients(many), run.profile.window).await?;
    run.results.note_closed(&place(handler_work(many)), &closed);
    drop(handler);

    let port = *deployment.gateways().first().ok_or("there is no gateway")?;
    let alone = vec![Sends::direct(&upstream, instance)];
    let (direct, _) = closed_loop::measure(alone, run.profile.window).await?;
    run.results.note_closed(&place("the same to the upstream itself, 1 client".to_owned()), &direct);
    let passed = vec![Sends::passed(port, instance)];
    let measuring = closed_loop::measure(passed, run.profile.window);
    let (_, passed, _) = run.watched(&deployment, &place(PASSED.to_owned()), measuring).await?;
    let p50 = |closed: &Closed| closed.latencies.at(0.5);
    run.results.note(&place(PASSED.to_owned()), OVER_UPSTREAM, p50(&passed) - p50(&direct));
    uploads(run, &deployment, port, instance, &place).await
}

/// Large uploads at once: what they hold of the memory while they run.
#[expect(clippy::cast_precision_loss, reason = "memory and sizes stay far below 2^53")]
async fn uploads(
    run: &mut Run<'_>,
    deployment: &Deployment,
    port: u16,
    instance: &Instance,
    place: impl Fn(String) -> Place,
) -> Outcome<()> {
    let (at_once, bytes) = run.profile.uploads;
    let place = place(uploads_work(at_once, bytes));
    progress(&format!("  {}", place.work));
    let before = deployment.memory_bytes()?;
    let (mut most, mut looks) = (before, interval(LOOK));
    let uploading = passing::upload(port, instance, at_once, bytes);
    tokio::pin!(uploading);
    let took = loop {
        tokio::select! {
            took = &mut uploading => break took?,
            _ = looks.tick() => most = most.max(deployment.memory_bytes()?),
        }
    };
    run.results.note(&place, "MiB before", before as f64 / MIB);
    run.results.note(&place, MORE_MIB, most.saturating_sub(before) as f64 / MIB);
    run.results.note(&place, "MB per second", (at_once * bytes) as f64 / 1e6 / took.as_secs_f64());
    Ok(())
}
