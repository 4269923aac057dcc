//! What it costs that the log is signed: the same commands with an evidence key and without one, one after the other in each
//! round. Only on NATS is nothing signed without a key.

use super::{Run, progress};
use crate::{
    Outcome,
    deployment::Deployment,
    picks::Picks,
    results::{Place, Table},
    topology::Topology,
    workload::{
        commands::{By, Commands},
        creates::{self, Kind},
    },
};

/// The work that the target compares.
pub(crate) const SIGNED: &str = "with signed checkpoints";
/// See [`SIGNED`].
pub(crate) const UNSIGNED: &str = "with nothing signed";

/// Only for the benchmark's own throw-away data.
const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
/// How much longer a measurement is than elsewhere: the difference is small.
const TIMES_LONGER: u32 = 2;

/// One round on one topology. Which of the two comes first changes with the rounds.
pub(super) async fn measure(run: &mut Run<'_>, topology: Topology, round: u32) -> Outcome<()> {
    let mut works = [(SIGNED, vec![("BERTH_EVIDENCE_KEY", KEY.to_owned())]), (UNSIGNED, Vec::new())];
    if round.is_multiple_of(2) {
        works.reverse();
    }
    for (work, settings) in works {
        progress(&format!("  {work}"));
        let clients = run.profile.clients;
        let deployment = Deployment::start_with(run.binary, topology, settings).await?;
        let population =
            creates::population(&deployment, clients, 0..run.profile.instances, &Kind::default()).await?;
        deployment.idle().await?;
        let place = Place::new(Table::Commands, &topology, work, round);
        let commands = Commands::clients(&deployment, &population, By::Id, Picks::cycles(clients));
        let window = run.profile.window * TIMES_LONGER;
        run.watched(&deployment, &place, crate::closed_loop::measure(commands, window)).await?;
    }
    Ok(())
}
