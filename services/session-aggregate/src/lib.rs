//! Decides commands and appends their events.
//!
//! The way of a command, top down:
//! 1. [`server`] takes it from the bus and puts it into the [`mailbox`] of its stream;
//! 2. one task per busy stream drains its mailbox ([`aggregate`]);
//! 3. `instance::transaction` is the loop: load, decide, append, on a conflict again. What waits together is
//!    decided together and stored as one commit;
//! 4. the reply follows the append, never the other way round.
//!
//! `instance::create`, `instance::rotate` and [`account`] reserve unique keys in the [`directory`] first.
//! [`process`] finishes what a crash or a silent connector left behind.
//!
//! Any replica answers any command correctly: what keeps them apart is the version that an append expects.

mod account;
mod aggregate;
mod cache;
mod directory;
mod instance;
mod mailbox;
mod metrics;
mod server;
mod stream;
mod trouble;

use std::{path::PathBuf, sync::Arc};

use berth_bus::{Bus, DeviceKeys, KeyRing, Leases, TransportError};
use berth_log::EventLog;
use berth_runtime::{Clock, Entropy, Lifecycle};
use thiserror::Error;

use crate::{aggregate::Aggregate, server::Serving};

/// What the service works with.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The log: the only truth.
    pub log: Arc<dyn EventLog>,
    /// Where commands come from.
    pub bus: Arc<dyn Bus>,
    /// Data keys: names are opened to keep them apart from numbers, and keys of deleted instances destroyed.
    pub keys: KeyRing,
    /// Keys of linked devices, deleted when a device is gone for good.
    pub device_keys: Arc<dyn DeviceKeys>,
    /// Only one replica runs the process manager.
    pub leases: Arc<dyn Leases>,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The folder of the process manager's view.
    pub data: PathBuf,
}

/// How much the service may take.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Bytes of states that are kept in memory.
    pub state_cache_bytes_max: usize,
}

/// Bytes of states that are kept in memory unless told otherwise: some hundred thousand idle instances.
pub const STATE_CACHE_BYTES_MAX: usize = 128 * 1024 * 1024;

impl Default for Settings {
    fn default() -> Self {
        Self { state_cache_bytes_max: STATE_CACHE_BYTES_MAX }
    }
}

/// The service could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// Commands cannot be served now; a retry helps when the bus works.
    #[error("commands cannot be served")]
    Serve(#[source] TransportError),
}

/// The running service.
#[derive(Debug, Clone)]
pub struct Handle {
    serving: Serving,
}

impl Handle {
    /// Whether commands are taken.
    pub fn ready(&self) -> bool {
        self.serving.is_on()
    }

    /// How the service stands, in words.
    pub fn status(&self) -> String {
        if self.ready() { "serving commands" } else { "not serving commands" }.to_owned()
    }
}

/// Starts the service; returns once it takes commands. It ends with the life cycle: no new command is taken
/// then, and those that were taken are answered.
pub async fn start(ports: Ports, settings: Settings, lifecycle: &Lifecycle) -> Result<Handle, StartError> {
    let aggregate = Arc::new(Aggregate::new(ports, settings, lifecycle.clone()));
    let serving = server::start(&aggregate).await.map_err(StartError::Serve)?;
    Ok(Handle { serving })
}
