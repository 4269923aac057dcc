//! Real logouts: each ends the session of a linked instance, has its device unlinked and its endpoints told.

use tokio::time::Instant;

use super::{Instance, links::Links, next_key};
use crate::{
    Outcome,
    closed_loop::Operation,
    deployment::Deployment,
    http::{Ask, Connection},
};

/// Logs out its instances, one after the other.
#[derive(Debug)]
pub(crate) struct Logouts {
    connection: Connection,
    linked: Vec<Instance>,
    by_name: bool,
    /// Each with the moment of its answer.
    pub(crate) ended: Vec<(Instance, Instant)>,
}

impl Logouts {
    /// Clients that go on with what others linked.
    pub(crate) fn clients(deployment: &Deployment, links: Vec<Links>, by_name: bool) -> Vec<Self> {
        let connections = deployment.connections(links.len());
        let client = |(connection, links): (Connection, Links)| Self {
            connection,
            linked: links.linked,
            by_name,
            ended: Vec::new(),
        };
        connections.into_iter().zip(links).map(client).collect()
    }

    /// Clients that divide linked instances between them.
    pub(crate) fn of(deployment: &Deployment, linked: Vec<Instance>, clients: usize) -> Vec<Self> {
        let new = |connection| Self { connection, linked: Vec::new(), by_name: false, ended: Vec::new() };
        let mut logouts: Vec<Self> = deployment.connections(clients).into_iter().map(new).collect();
        for (at, instance) in linked.into_iter().enumerate() {
            if let Some(client) = logouts.get_mut(at % clients) {
                client.linked.push(instance);
            }
        }
        logouts
    }
}

impl Operation for Logouts {
    async fn once(&mut self) -> Outcome<()> {
        let Some(instance) = self.linked.pop() else { return Ok(()) };
        let named = if self.by_name { &instance.name } else { &instance.id };
        let path = format!("/v1/instances/{named}/logout");
        let key = next_key();
        let ask = Ask::post(&path, &instance.token, "{}").keyed(&key);
        self.connection.ask(ask).await?.expect(200)?;
        self.ended.push((instance, Instant::now()));
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.linked.is_empty()
    }
}
