//! Memory over time while nobody reads `/metrics`: what a process gathers for a reader that never comes.

use super::{Run, progress};
use crate::{
    Outcome, closed_loop,
    picks::Picks,
    results::{Place, Table},
    topology::Topology,
    workload::{
        commands::{By, Commands},
        creates::{self, Kind},
    },
};

/// Measurements after each of which the memory is looked at.
const LOOKS: u32 = 5;
/// How much longer each one is than a measurement elsewhere.
const TIMES_LONGER: u32 = 2;
const MIB: f64 = 1024.0 * 1024.0;

/// On one topology, once.
#[expect(clippy::cast_precision_loss, reason = "memory and counts stay far below 2^53")]
pub(super) async fn measure(run: &mut Run<'_>, topology: Topology) -> Outcome<()> {
    let clients = run.profile.clients;
    let deployment = run.deployment(topology).await?;
    let population =
        creates::population(&deployment, clients, 0..run.profile.instances, &Kind::default()).await?;
    let mut commands = Commands::clients(&deployment, &population, By::Id, Picks::cycles(clients));
    let mut answers = 0;
    for look in 1..=LOOKS {
        progress(&format!("  look {look} of {LOOKS}"));
        let (closed, back) = closed_loop::measure(commands, run.profile.window * TIMES_LONGER).await?;
        commands = back;
        answers += closed.answers;
        let place = Place::new(Table::Memory, &topology, format!("metrics unread, look {look}"), 1);
        run.results.note(&place, "MiB", deployment.memory_bytes()? as f64 / MIB);
        run.results.note(&place, "commands so far", answers as f64);
    }
    drop(deployment.scrapes().await);
    let place = Place::new(Table::Memory, &topology, "after the metrics were read", 1);
    run.results.note(&place, "MiB", deployment.memory_bytes()? as f64 / MIB);
    Ok(())
}
