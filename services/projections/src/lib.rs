//! Views of the log that answer lists, and the public event feed.
//!
//! Every replica folds the whole log into a record view of its own folder and answers queries in one queue
//! group, so that any of them may be thrown away. Lists are range scans of indexes; texts are found through
//! an index in memory, since they are sealed wherever they are stored. The owner of a partition publishes its events.

mod census;
mod class;
mod counts;
mod feed;
mod metrics;
mod page;
mod records;
mod server;
mod text_index;
mod texts;
mod waits;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use berth_bus::{Bus, EventFeed, KeyRing, Leases};
use berth_log::LogRead;
use berth_runtime::{Clock, Lifecycle};
use berth_views::{StoreKind, ViewOptions, ViewReader, ViewState};
use thiserror::Error;

use crate::{
    records::{Records, Touched},
    server::Answers,
    texts::Texts,
    waits::Waits,
};

/// What the service needs of the outside.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The log.
    pub log: Arc<dyn LogRead>,
    /// Queries.
    pub bus: Arc<dyn Bus>,
    /// Where public events are kept; none where there is nobody to tell.
    pub feed: Option<Arc<dyn EventFeed>>,
    /// Data keys, to find instances by sealed texts.
    pub keys: KeyRing,
    /// Which partitions' events this replica publishes.
    pub leases: Arc<dyn Leases>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The folder of this replica's views.
    pub data: PathBuf,
}

/// What can be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bound of the page cache of the record view in bytes.
    pub cache_bytes: u64,
    /// Where the rows of the record view are.
    pub rows: StoreKind,
}

impl Default for Settings {
    fn default() -> Self {
        Self { cache_bytes: berth_views::CACHE_BYTES_DEFAULT, rows: StoreKind::default() }
    }
}

/// The service could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// The record view cannot be opened; its source says whether a retry helps.
    #[error("the record view cannot be opened")]
    View(#[source] berth_views::OpenError),
}

/// The running service.
#[derive(Debug, Clone)]
pub struct Handle {
    view: Arc<dyn ViewReader>,
    serving: Arc<AtomicBool>,
}

impl Handle {
    /// Whether lists are answered.
    pub fn ready(&self) -> bool {
        self.serving.load(Ordering::SeqCst) && self.view.state() == ViewState::Live
    }

    /// The record view.
    pub fn view(&self) -> Arc<dyn ViewReader> {
        Arc::clone(&self.view)
    }

    /// How the service stands, in words.
    pub fn status(&self) -> String {
        match self.view.state() {
            ViewState::Live if !self.serving.load(Ordering::SeqCst) => "not serving queries".to_owned(),
            ViewState::Live => "serving queries".to_owned(),
            ViewState::Rebuilding => "building the record view from the log".to_owned(),
            ViewState::Halted(sentence) => sentence,
        }
    }
}

/// Starts the service. It takes queries once the record view has read the whole log; until then other replicas are asked.
pub async fn start(ports: Ports, settings: Settings, lifecycle: &Lifecycle) -> Result<Handle, StartError> {
    metrics::describe();
    let Ports { log, bus, feed: events, keys, leases, clock, data } = ports;
    let touched = Touched::default();
    let records = Records { touched: Some(Arc::clone(&touched)) };
    let options = ViewOptions {
        cache_bytes: settings.cache_bytes,
        store: settings.rows,
        ..ViewOptions::new(Arc::clone(&clock))
    };
    let view = berth_views::open(Arc::clone(&log), &data, Arc::new(records), options, lifecycle)
        .await
        .map_err(StartError::View)?;
    let texts = Texts::start(Arc::clone(&view), keys, touched, lifecycle);
    census::start(Arc::clone(&view), Arc::clone(&clock), lifecycle);
    let waits = Waits::start(Arc::clone(&view), lifecycle);
    let answers = Arc::new(Answers::new(Arc::clone(&view), texts, waits, Arc::clone(&clock)));
    let serving = server::start(bus, answers, lifecycle);
    feed::start(log, events, leases, clock, lifecycle);
    Ok(Handle { view, serving })
}
