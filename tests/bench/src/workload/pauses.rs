//! Stops sessions and begins them again, which their endpoints are told of.

use super::Instance;
use crate::{
    Outcome,
    closed_loop::Operation,
    deployment::Deployment,
    http::{Ask, Connection},
};

/// Stops its instances and has them go on, one after the other.
#[derive(Debug)]
pub(crate) struct Pauses {
    connection: Connection,
    waiting: Vec<Instance>,
}

impl Pauses {
    /// Clients that divide the instances between them, and go through theirs so many times.
    pub(crate) fn clients(
        deployment: &Deployment,
        instances: &[Instance],
        clients: usize,
        times: usize,
    ) -> Vec<Self> {
        let clients = clients.min(instances.len()).max(1);
        let mut pauses: Vec<Self> = deployment
            .connections(clients)
            .into_iter()
            .map(|connection| Self { connection, waiting: Vec::new() })
            .collect();
        for (at, instance) in instances.iter().enumerate() {
            if let Some(client) = pauses.get_mut(at % clients) {
                client.waiting.push(instance.clone());
            }
        }
        for client in &mut pauses {
            client.waiting = vec![client.waiting.clone(); times].concat();
        }
        pauses
    }
}

impl Operation for Pauses {
    async fn once(&mut self) -> Outcome<()> {
        let Some(instance) = self.waiting.pop() else { return Ok(()) };
        for verb in ["disconnect", "reconnect"] {
            let path = format!("/v1/instances/{}/{verb}", instance.id);
            self.connection.ask(Ask::post(&path, &instance.token, "{}")).await?.expect(200)?;
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.waiting.is_empty()
    }
}
