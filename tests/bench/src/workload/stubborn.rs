//! Keyed logouts that are sent again under the same key until they are answered, as a client should.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::{Instance, next_key};
use crate::{
    Outcome,
    closed_loop::Operation,
    deployment::Deployment,
    http::{Ask, Connection},
};

/// How long one command is pursued, and one try of it waits.
const PURSUED_MAX: Duration = Duration::from_mins(1);
const TRY_MAX: Duration = Duration::from_secs(12);
const PAUSE: Duration = Duration::from_millis(20);
/// Keys that are kept of an instance: those that it remembers itself.
const KEYS_MAX: usize = 32;

/// Commands one instance that nobody else commands.
#[derive(Debug)]
pub(crate) struct Stubborn {
    connections: Vec<Connection>,
    pub(crate) instance: Instance,
    /// The last ones that were answered, oldest first.
    pub(crate) acknowledged: Vec<String>,
    pub(crate) count: u64,
}

impl Stubborn {
    /// A client for each instance, which knows all gateways.
    pub(crate) fn clients(deployment: &Deployment, instances: &[Instance]) -> Vec<Self> {
        let connections = || deployment.gateways().into_iter().map(Connection::to).collect();
        let client = |instance: &Instance| Self {
            connections: connections(),
            instance: instance.clone(),
            acknowledged: Vec::new(),
            count: 0,
        };
        instances.iter().map(client).collect()
    }

    /// Sends the command of a key once, and says whether the answer is that of an earlier time.
    pub(crate) async fn send(&mut self, key: &str, gateway: usize) -> Outcome<bool> {
        let gateways = self.connections.len();
        let connection = self.connections.get_mut(gateway % gateways).ok_or("there is no gateway")?;
        let path = format!("/v1/instances/{}/logout", self.instance.id);
        let ask = Ask::post(&path, &self.instance.token, "{}").keyed(key);
        let answer = timeout(TRY_MAX, connection.ask(ask)).await??;
        let replayed = answer.head.to_ascii_lowercase().contains("idempotency-replayed: true");
        answer.expect(200)?;
        Ok(replayed)
    }

    /// Whether the instance's history verifies.
    pub(crate) async fn verifies(&mut self) -> Outcome<bool> {
        let path = format!("/v1/instances/{}/verify", self.instance.id);
        let connection = self.connections.first_mut().ok_or("there is no gateway")?;
        let verified = connection.ask(Ask::get(&path, &self.instance.token)).await?.json(200)?;
        Ok(verified.get("ok").and_then(serde_json::Value::as_bool) == Some(true))
    }
}

impl Operation for Stubborn {
    async fn once(&mut self) -> Outcome<()> {
        let key = next_key();
        let deadline = Instant::now() + PURSUED_MAX;
        let mut tries = 0;
        while let Err(error) = self.send(&key, tries).await {
            if Instant::now() > deadline {
                return Err(error);
            }
            tries += 1;
            sleep(PAUSE).await;
        }
        self.count += 1;
        if self.acknowledged.len() == KEYS_MAX {
            self.acknowledged.remove(0);
        }
        self.acknowledged.push(key);
        Ok(())
    }
}
