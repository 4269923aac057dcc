//! Control of the simulated device driver.

use std::{sync::Arc, time::Duration};

use berth_bus::Bus;
use berth_proto::{InstanceId, subject::simulate_subject};
use bytes::Bytes;
use serde_json::{Value, json};

use super::failure::Failure;

/// How long the driver may take to do what it is told.
const SIMULATE_MAX: Duration = Duration::from_secs(10);

/// What the driver said.
#[derive(Debug, Clone)]
pub enum Simulation {
    /// Done.
    Done,
    /// Refused.
    Refused {
        /// A stable code.
        code: String,
        /// A sentence.
        message: String,
    },
}

/// Tells the simulated driver what to play.
#[derive(Debug)]
pub struct Simulator {
    pub(super) bus: Arc<dyn Bus>,
}

impl Simulator {
    /// Has the simulated driver play something on the instance's link.
    pub async fn play(&self, instance: InstanceId, request: &Value) -> Result<Simulation, Failure> {
        let payload = Bytes::from(request.to_string());
        let reply = self
            .bus
            .request(&simulate_subject(instance), payload, SIMULATE_MAX)
            .await
            .map_err(|error| Failure::unavailable("the connector", error))?;
        let reply: Value =
            serde_json::from_slice(&reply).map_err(|error| Failure::unavailable("the connector", error))?;
        if reply.get("ok") == Some(&json!(true)) {
            return Ok(Simulation::Done);
        }
        let text = |name: &str| reply.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Simulation::Refused { code: text("code"), message: text("message") })
    }
}
