//! Decides commands and appends their events.
//!
//! The way of a command, top down:
//! 1. `server` takes it from the bus, sees that its sender may ask for it (`admission`) and puts it into the
//!    `mailbox` of its stream;
//! 2. one task per busy stream drains its mailbox (`aggregate`);
//! 3. [`berth_log::Writer`] has the loop: load, decide, append, on a conflict again. What waits together is decided
//!    together (`instance::round`) and stored as one commit;
//! 4. the reply follows the append, never the other way round.
//!
//! `instance::create`, `instance::rotate` and `account` reserve unique keys in the `directory` first.
//! `process` finishes what a crash or a silent connector left behind.
//!
//! Any replica answers any command correctly: what keeps them apart is the version that an append expects.

mod account;
mod admission;
mod aggregate;
mod asker;
mod cache;
mod directory;
mod flag;
mod instance;
mod mailbox;
mod metrics;
mod process;
mod server;
mod trouble;

use std::{path::PathBuf, sync::Arc};

use berth_bus::{Bus, DeviceKeys, KeyRing, Leases, TransportError};
use berth_log::{EventLog, LogRead};
use berth_proto::WriteVersion;
use berth_runtime::{Clock, Entropy, Lifecycle};
use berth_views::{ViewOptions, ViewReader, ViewState};
use thiserror::Error;

use crate::{
    aggregate::Aggregate,
    flag::Flag,
    process::{agenda::Agenda, sweeper},
};

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
    /// Which formats may be written: those that every replica of the deployment reads.
    pub write_version: WriteVersion,
}

/// Bytes of states that are kept in memory unless told otherwise: some hundred thousand idle instances.
pub const STATE_CACHE_BYTES_MAX: usize = 128 * 1024 * 1024;

impl Default for Settings {
    fn default() -> Self {
        Self { state_cache_bytes_max: STATE_CACHE_BYTES_MAX, write_version: WriteVersion::NEWEST }
    }
}

/// The service could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// Commands cannot be served now; a retry helps when the bus works.
    #[error("commands cannot be served")]
    Serve(#[source] TransportError),
    /// The process manager's view cannot be opened.
    #[error("the view of open work cannot be opened")]
    View(#[source] berth_views::OpenError),
}

/// The page cache of the process manager's view, in bytes: besides open work, it has two short rows for each
/// instance.
const AGENDA_CACHE_BYTES: u64 = 8 * 1024 * 1024;

/// The running service.
#[derive(Debug, Clone)]
pub struct Handle {
    serving: Flag,
    sweeping: Flag,
    agenda: Arc<dyn ViewReader>,
}

impl Handle {
    /// Whether commands are taken.
    pub fn ready(&self) -> bool {
        self.serving.is_on() && !matches!(self.agenda.state(), ViewState::Halted(_))
    }

    /// Whether this replica runs the process manager.
    pub fn sweeps(&self) -> bool {
        self.sweeping.is_on()
    }

    /// How the service stands, in words.
    pub fn status(&self) -> String {
        let commands = if self.ready() { "serving commands" } else { "not serving commands" };
        match self.agenda.state() {
            ViewState::Live if self.sweeps() => format!("{commands}; finishing open work"),
            ViewState::Live => commands.to_owned(),
            ViewState::Rebuilding => format!("{commands}; reading up on open work"),
            ViewState::Halted(reason) => format!("{commands}: {reason}"),
        }
    }
}

/// Starts the service; returns once it takes commands. It ends with the life cycle: no new command is taken
/// then, and those that were taken are answered.
pub async fn start(ports: Ports, settings: Settings, lifecycle: &Lifecycle) -> Result<Handle, StartError> {
    metrics::describe();
    let agenda = open_agenda(&ports, lifecycle).await.map_err(StartError::View)?;
    let aggregate = Arc::new(Aggregate::new(ports, settings, lifecycle.clone()));
    let serving = server::start(&aggregate, &agenda).await.map_err(StartError::Serve)?;
    let sweeping = Flag::default();
    lifecycle.spawn(sweeper::run(aggregate, Arc::clone(&agenda), sweeping.clone()));
    Ok(Handle { serving, sweeping, agenda })
}

async fn open_agenda(
    ports: &Ports,
    lifecycle: &Lifecycle,
) -> Result<Arc<dyn ViewReader>, berth_views::OpenError> {
    let log: Arc<dyn LogRead> = Arc::clone(&ports.log) as Arc<dyn LogRead>;
    let options =
        ViewOptions { cache_bytes: AGENDA_CACHE_BYTES, ..ViewOptions::new(Arc::clone(&ports.clock)) };
    berth_views::open(log, &ports.data, Arc::new(Agenda), options, lifecycle).await
}
