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
}

impl Reads {
    /// One client for each of the picks.
    pub(crate) fn clients(deployment: &Deployment, population: &Population, picks: Vec<Picks>) -> Vec<Self> {
        let connections = deployment.connections(picks.len());
        let client = |(connection, picks)| Self { connection, population: population.clone(), picks };
        connections.into_iter().zip(picks).map(client).collect()
    }
}

impl Operation for Reads {
    async fn once(&mut self) -> Outcome<()> {
        let at = self.picks.next(self.population.len());
        let instance = self.population.get(at).ok_or("there is no instance")?;
        let path = format!("/v1/instances/{}", instance.id);
        self.connection.ask(Ask::get(&path, &instance.token)).await?.expect(200)?;
        Ok(())
    }
}
