//! Connects an instance and scans its code, so that there is a session to end.

use super::Instance;
use crate::{
    Outcome,
    closed_loop::Operation,
    deployment::Deployment,
    http::{Ask, Connection},
};

/// The connect waits for the first code; then the simulated phone scans it, which answers when it is committed.
const CONNECT: &str = "{}";
const SCAN: &str = r#"{"action":"scan","phone":"5511987654321","push_name":"Bench"}"#;

/// Links its instances, one after the other.
#[derive(Debug)]
pub(crate) struct Links {
    connection: Connection,
    waiting: Vec<Instance>,
    pub(crate) linked: Vec<Instance>,
}

impl Links {
    /// Clients that divide the instances between them.
    pub(crate) fn clients(deployment: &Deployment, instances: Vec<Instance>, clients: usize) -> Vec<Self> {
        let mut links: Vec<Self> = deployment
            .connections(clients)
            .into_iter()
            .map(|connection| Self { connection, waiting: Vec::new(), linked: Vec::new() })
            .collect();
        for (at, instance) in instances.into_iter().enumerate() {
            if let Some(client) = links.get_mut(at % clients) {
                client.waiting.push(instance);
            }
        }
        links
    }
}

impl Operation for Links {
    async fn once(&mut self) -> Outcome<()> {
        let Some(instance) = self.waiting.pop() else { return Ok(()) };
        let path = |verb| format!("/v1/instances/{}/{verb}", instance.id);
        let (connect, scan) = (path("connect"), path("simulate"));
        self.connection.ask(Ask::post(&connect, &instance.token, CONNECT)).await?.expect(200)?;
        self.connection.ask(Ask::post(&scan, &instance.token, SCAN)).await?.expect(200)?;
        self.linked.push(instance);
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.waiting.is_empty()
    }
}
