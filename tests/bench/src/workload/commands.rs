//! Keyed logouts of instances that have no session: each commits its receipt and the state, but no event. They
//! are the cheapest durable command, and what the composite is compared with.

use super::{Instance, Population, next_key};
use crate::{
    Outcome,
    closed_loop::Operation,
    deployment::{ACCOUNT_TOKEN, Deployment},
    http::{Ask, Connection},
    picks::Picks,
};

/// How the instance is named, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// Its id, with its own token.
    Id,
    /// Its name, with its own token.
    Name,
    /// Its id, with the account's token, which is read for each request.
    Account,
}

/// Sends one command after the other, each under a new key.
#[derive(Debug)]
pub(crate) struct Commands {
    connection: Connection,
    population: Population,
    by: By,
    picks: Picks,
    /// How many it still sends; none if there is no end.
    left: Option<u64>,
}

impl Commands {
    /// One client for each of the picks.
    pub(crate) fn clients(
        deployment: &Deployment,
        population: &Population,
        by: By,
        picks: Vec<Picks>,
    ) -> Vec<Self> {
        let connections = deployment.connections(picks.len());
        let client =
            |(connection, picks)| Self { connection, population: population.clone(), by, picks, left: None };
        connections.into_iter().zip(picks).map(client).collect()
    }

    /// The same client, which sends no more than so many.
    pub(crate) fn times(self, times: u64) -> Self {
        Self { left: Some(times), ..self }
    }
}

impl Operation for Commands {
    async fn once(&mut self) -> Outcome<()> {
        let at = self.picks.next(self.population.len());
        let Instance { id, name, token } = self.population.get(at).ok_or("there is no instance")?;
        let (named, token) = match self.by {
            By::Id => (id, token.as_str()),
            By::Name => (name, token.as_str()),
            By::Account => (id, ACCOUNT_TOKEN),
        };
        let path = format!("/v1/instances/{named}/logout");
        let key = next_key();
        self.connection.ask(Ask::post(&path, token, "{}").keyed(&key)).await?.expect(200)?;
        self.left = self.left.map(|left| left.saturating_sub(1));
        Ok(())
    }

    async fn open(&mut self) -> Outcome<()> {
        self.connection.open().await
    }

    fn is_done(&self) -> bool {
        self.left == Some(0)
    }
}
