//! Decides commands and appends their events.
//!
//! The way of a command, top down:
//! 1. `server` takes it from the bus, sees that its sender may ask for it (`admission`) and gives it to `commands`,
//!    which puts it into the `mailbox` of its stream; whoever put the first into it empties it, in the task of the partition;
//! 2. `instances` decides what waits together for an instance, as one commit (`instances::round`); `accounts` decides
//!    for an account; what spans streams is one of the `sagas`;
//! 3. each of them appends with [`berth_log::Writer`], which has the loop: load, decide, append, on a conflict again;
//! 4. the reply follows the append, never the other way round.
//!
//! What is decided is pure and in [`berth_domain`]. Unique keys are reserved in the `directory` first, `names_there` at upstreams
//! too. `process`
//! finishes what a crash or a silent connector left behind.
//!
//! Any replica answers any command correctly: what keeps them apart is the version that an append expects. The owner of a
//! partition (`ownership`) takes its commands while there is one, since it has the states in memory.

mod account_versions;
mod accounts;
mod admission;
mod asker;
mod cache;
mod cause;
mod commands;
mod compose;
mod directory;
mod entries;
mod flag;
mod instances;
mod mailbox;
mod metrics;
mod names_there;
mod ownership;
mod process;
mod reseal;
mod sagas;
mod server;
mod trouble;

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use berth_bus::{Bus, DeviceKeys, KeyRing, Leases, TransportError};
use berth_log::{EventLog, LogRead};
use berth_proto::{Partition, WriteVersion, subject::PARTITIONS};
use berth_runtime::{Clock, Entropy, Lifecycle};
use berth_views::{StoreKind, ViewOptions, ViewReader, ViewState};
use thiserror::Error;
use tokio::sync::watch;

use crate::{
    compose::compose,
    flag::Flag,
    ownership::{Owned, Ownership},
    process::agenda::Agenda,
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
    /// Which partitions this replica owns.
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
    /// Where the rows of the process manager's view are.
    pub rows: StoreKind,
}

/// Bytes of states that are kept in memory unless told otherwise: more than a hundred thousand instances.
pub const STATE_CACHE_BYTES_MAX: usize = 128 * 1024 * 1024;

impl Default for Settings {
    fn default() -> Self {
        Self {
            state_cache_bytes_max: STATE_CACHE_BYTES_MAX,
            write_version: WriteVersion::NEWEST,
            rows: StoreKind::default(),
        }
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
    owned: Owned,
    agenda: Arc<dyn ViewReader>,
}

impl Handle {
    /// Whether commands are taken.
    pub fn ready(&self) -> bool {
        self.serving.is_on() && !matches!(self.agenda.state(), ViewState::Halted(_))
    }

    /// Whether this replica owns partitions, so that it finishes their open work.
    pub fn sweeps(&self) -> bool {
        self.owned.is_any()
    }

    /// The partitions that this replica owns, from now on.
    pub fn owned(&self) -> watch::Receiver<BTreeSet<Partition>> {
        self.owned.watch()
    }

    /// The view that it works from.
    pub fn view(&self) -> Arc<dyn ViewReader> {
        Arc::clone(&self.agenda)
    }

    /// How the service stands, in words.
    pub fn status(&self) -> String {
        let commands = if self.ready() { "serving commands" } else { "not serving commands" };
        match self.agenda.state() {
            ViewState::Live if self.sweeps() => {
                format!("{commands}; owning {} of {PARTITIONS} partitions", self.owned.now().len())
            }
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
    let agenda = open_agenda(&ports, &settings, lifecycle).await.map_err(StartError::View)?;
    let bus = Arc::clone(&ports.bus);
    let (owned, leases) = (Owned::default(), Arc::clone(&ports.leases));
    let (commands, manager) = compose(ports, &settings, Arc::clone(&agenda), owned.clone(), lifecycle);
    let (server, serving) = server::start(&commands, &bus, &agenda).await.map_err(StartError::Serve)?;
    let stop = lifecycle.stop().clone();
    Ownership { leases, server, owned: owned.clone(), stop: stop.clone() }.start(lifecycle);
    lifecycle.spawn(manager.run(stop));
    Ok(Handle { serving, owned, agenda })
}

async fn open_agenda(
    ports: &Ports,
    settings: &Settings,
    lifecycle: &Lifecycle,
) -> Result<Arc<dyn ViewReader>, berth_views::OpenError> {
    let log: Arc<dyn LogRead> = Arc::clone(&ports.log) as Arc<dyn LogRead>;
    let options = ViewOptions {
        cache_bytes: AGENDA_CACHE_BYTES,
        store: settings.rows,
        ..ViewOptions::new(Arc::clone(&ports.clock))
    };
    berth_views::open(
        log,
        &ports.data,
        Arc::new(Agenda { write_version: settings.write_version }),
        options,
        lifecycle,
    )
    .await
}
