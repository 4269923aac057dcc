//! Owns the device links and reports what happens on them.
//!
//! The links of a partition are owned by one replica at a time, under a lease with a fencing epoch. A view of the log
//! (`wanted`) knows which instances want something of a link; the owner (`owner`) compares that with the links that run
//! and starts, stops and unlinks. What a [`driver`] reports becomes a command (`reports`) that the
//! session-aggregate decides; the connector itself decides nothing.

pub mod driver;
pub mod drivers;
pub mod hanging;
pub mod keys;
mod links;
mod metrics;
mod one;
mod owner;
mod reports;
pub mod simulate;
mod taken;
mod tenure;
mod unlink;
mod wanted;

use std::{
    panic::AssertUnwindSafe,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use berth_bus::{Bus, DeviceKeys, KeyRing, Leases, Volatile};
use berth_log::LogRead;
use berth_proto::{
    InstanceId,
    subject::{HINTS_FILTER, PARTITIONS},
};
use berth_runtime::{Clock, Entropy, Lifecycle, Pauses};
use berth_views::{StoreKind, ViewOptions, ViewReader, ViewState};
use futures::{FutureExt as _, StreamExt as _};
use thiserror::Error;
use tokio::time::sleep;

use crate::{
    driver::{Attendant, DeviceLink},
    simulate::Controls,
    wanted::WantedView,
};

/// All partitions.
const ALL: usize = PARTITIONS as usize;
/// The page cache of the view of wanted links, in bytes: it has rows for instances with a device only.
const VIEW_CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// Pause before hints are heard again after the bus gave them up: one that is missed costs a pause between two looks.
const HEAR_RETRY: Duration = Duration::from_secs(1);
/// The first pause before what a driver does beside its links begins anew after a panic; doubled up to [`ATTEND_PAUSE_MAX`].
const ATTEND_PAUSE_FIRST: Duration = Duration::from_secs(1);
/// The longest such pause.
const ATTEND_PAUSE_MAX: Duration = Duration::from_mins(1);

/// What the service works with.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The log, for reading only.
    pub log: Arc<dyn LogRead>,
    /// Where reports go.
    pub bus: Arc<dyn Bus>,
    /// Where texts of codes go.
    pub volatile: Arc<dyn Volatile>,
    /// Data keys of instances.
    pub keys: KeyRing,
    /// Keys of linked devices.
    pub device_keys: Arc<dyn DeviceKeys>,
    /// Each partition's links are owned by one replica.
    pub leases: Arc<dyn Leases>,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The folder of the view.
    pub data: PathBuf,
}

/// The driver that does the work, and how it is played with if it is the simulated one.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The driver.
    pub driver: Arc<dyn DeviceLink>,
    /// What the simulated driver can be told; none for a real one.
    pub controls: Option<Arc<dyn Controls>>,
    /// Where the rows of the view of wanted links are.
    pub rows: StoreKind,
}

// === impl Settings ===

impl Settings {
    /// As a process runs it: rows in its folder.
    pub fn new(driver: Arc<dyn DeviceLink>, controls: Option<Arc<dyn Controls>>) -> Self {
        Self { driver, controls, rows: StoreKind::default() }
    }
}

/// The service could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// The view of wanted links cannot be opened.
    #[error("the view of wanted links cannot be opened")]
    View(#[source] berth_views::OpenError),
}

/// The running service.
#[derive(Debug, Clone)]
pub struct Handle {
    view: Arc<dyn ViewReader>,
    /// How many partitions.
    owns: Arc<AtomicUsize>,
}

impl Handle {
    /// Whether the service does its part: it owns the links or stands by for them.
    pub fn ready(&self) -> bool {
        !matches!(self.view.state(), ViewState::Halted(_))
    }

    /// The view that it works from.
    pub fn view(&self) -> Arc<dyn ViewReader> {
        Arc::clone(&self.view)
    }

    /// How the service stands, in words.
    pub fn status(&self) -> String {
        match (self.view.state(), self.owns.load(Ordering::Relaxed)) {
            (ViewState::Halted(reason), _) => reason,
            (ViewState::Rebuilding, _) => "reads from the log which device links are wanted".to_owned(),
            (ViewState::Live, 0) => "stands by for the device links".to_owned(),
            (ViewState::Live, ALL) => "owns the device links".to_owned(),
            (ViewState::Live, owned) => format!("owns the device links of {owned} of {ALL} partitions"),
        }
    }
}

/// Starts the service: it takes the links of each partition as soon as that is to be this replica's.
pub async fn start(ports: Ports, settings: Settings, lifecycle: &Lifecycle) -> Result<Handle, StartError> {
    metrics::describe();
    let wanted = Arc::new(WantedView::default());
    let mut options = ViewOptions::new(Arc::clone(&ports.clock));
    options.cache_bytes = VIEW_CACHE_BYTES;
    options.store = settings.rows;
    let view = berth_views::open(
        Arc::clone(&ports.log),
        &ports.data,
        Arc::clone(&wanted) as Arc<dyn berth_views::View>,
        options,
        lifecycle,
    )
    .await
    .map_err(StartError::View)?;
    let (bus, driver, stop) =
        (Arc::clone(&ports.bus), Arc::clone(&settings.driver), lifecycle.stop().clone());
    lifecycle.spawn(async move { stop.run_until_cancelled(hear(&*bus, &*driver)).await });
    for attendant in Arc::clone(&settings.driver).attendants() {
        let stop = lifecycle.stop().clone();
        lifecycle.spawn(async move { stop.run_until_cancelled(attended(attendant)).await });
    }
    let owns = Arc::new(AtomicUsize::new(0));
    let owner = owner::Owner {
        ports,
        settings,
        view: Arc::clone(&view),
        wanted,
        owns: Arc::clone(&owns),
        lifecycle: lifecycle.clone(),
    };
    lifecycle.spawn(owner.run());
    Ok(Handle { view, owns })
}

/// Runs one of the things that a driver does beside its links. What somebody else's server says must not end this process, so what
/// panics begins anew.
async fn attended(attendant: Attendant) {
    let mut pauses = Pauses::new(ATTEND_PAUSE_FIRST, ATTEND_PAUSE_MAX);
    while AssertUnwindSafe(attendant()).catch_unwind().await.is_err() {
        tracing::error!("what a driver does beside its links panicked: it begins anew");
        pauses.wait().await;
    }
}

/// Tells the driver which instances an upstream has news of, whoever owns their links.
async fn hear(bus: &dyn Bus, driver: &dyn DeviceLink) {
    loop {
        match bus.subscribe(HINTS_FILTER).await {
            Ok(mut hints) => {
                while let Some((subject, _)) = hints.next().await {
                    if let Some(Ok(instance)) = subject.rsplit('.').next().map(str::parse::<InstanceId>) {
                        driver.hint(instance);
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "hints of upstreams cannot be heard"),
        }
        sleep(HEAR_RETRY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_panics_beside_the_links_begins_anew() {
        let begun = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&begun);
        attended(Box::new(move || {
            let number = counted.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move { assert!(number == 2, "as what an upstream says may make it") })
        }))
        .await;
        assert_eq!(begun.load(Ordering::SeqCst), 3);
    }
}
