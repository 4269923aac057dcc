//! Reads of one instance.

use super::Population;
use crate::{
    Outcome,
    closed_loop::Operation,
    deployment::Deployment,
    http::{Ask, Connection},
    picks::Picks,
};

/// Reads one instance after the other with its own token.
#[derive(Debug)]
pub(crate) struct Reads {
    connection: Connection,
    population: Population,
    picks: Picks,
    /// Those that it has still to read.
    left: usize,
}

impl Reads {
    /// One client for each of the picks.
    pub(crate) fn clients(deployment: &Deployment, population: &Population, picks: Vec<Picks>) -> Vec<Self> {
        Self::that_end(deployment, population, picks, usize::MAX)
    }

    /// So many clients, which between them read each instance once.
    pub(crate) fn each_once(deployment: &Deployment, population: &Population, clients: usize) -> Vec<Self> {
        let each = population.len().div_ceil(clients);
        Self::that_end(deployment, population, Picks::cycles(clients), each)
    }

    fn that_end(
        deployment: &Deployment,
        population: &Population,
        picks: Vec<Picks>,
        left: usize,
    ) -> Vec<Self> {
        let connections = deployment.connections(picks.len());
        let client = |(connection, picks)| Self { connection, population: population.clone(), picks, left };
        connections.into_iter().zip(picks).map(client).collect()
    }
}

impl Operation for Reads {
    async fn once(&mut self) -> Outcome<()> {
        let at = self.picks.next(self.population.len());
        let instance = self.population.get(at).ok_or("there is no instance")?;
        let path = format!("/v1/instances/{}", instance.id);
        self.connection.ask(Ask::get(&path, &instance.token)).await?.expect(200)?;
        self.left -= 1;
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.left == 0
    }
}
