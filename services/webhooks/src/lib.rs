//! Derives webhook notices from the log and delivers them.
//!
//! ```text
//! log ── Outbox (a view) ──▶ what is owed ── Dispatcher (owns partitions) ──▶ endpoints
//!  ▲                                            │ before every attempt: the gate, on the instance's tail
//!  └────────── NoticesSettled ──────────────────┘
//! ```
//!
//! - [`berth_notices`] makes notices of commits, says them in the words of each dialect and knows the silence.
//! - [`schedule`] is when to repeat; [`signing`] the Standard Webhooks headers.
//! - [`outbox`] is the view of what is owed; `attempts` remembers what was tried, for this replica and the others.
//! - `letters` hands on what an upstream says of messages, under the same permission.
//! - The dispatcher sends what instances of the partitions are owed that this replica owns, and settles notices with
//!   commits on their delivery streams, whose epoch fences off a former owner.
//!
//! Every notice is delivered at least once, in order for each (instance, endpoint), codes in a lane of their
//! own; its `webhook-id` is the same for every attempt.

mod attempts;
mod deliveries;
mod dispatch;
mod health;
pub mod last_words;
mod letters;
mod metrics;
pub mod outbox;
pub mod schedule;
pub mod signing;
pub mod transport;

use std::{path::PathBuf, sync::Arc, time::Duration};

use berth_bus::{Bus, KeyRing, Leases, Postbag, Relay, TransportError, Volatile};
use berth_log::{EventLog, LogRead, Writer};
use berth_proto::{
    WriteVersion,
    subject::{DELIVERIES_FILTER, LAST_WORDS_FILTER},
};
use berth_runtime::{Clock, Entropy, Lifecycle, UrlPolicy, config::EgressProxy};
use berth_views::{ViewOptions, ViewReader, ViewState};
use thiserror::Error;

pub use attempts::AttemptsError;

use attempts::Attempts;
pub use dispatch::Room;
use dispatch::{Dispatcher, Tools};
use letters::{Flights, Letters};
use outbox::{Outbox, Touched};
use schedule::Schedule;
use transport::{Dial, Tcp, Transport, TransportSetupError};

/// The time between two batches of the outbox: what happens to an instance right after something else is told no later by more.
const OUTBOX_REST: Duration = Duration::from_millis(5);
/// What of the outbox is in memory besides: what waits is there anyway, and rows are looked up when they are new.
const OUTBOX_CACHE_BYTES: u64 = 24 * 1024 * 1024;
/// The queue group of the replicas of this service.
const QUEUE: &str = "webhooks";

/// What the service works with.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The log: followed, read before every attempt, and appended to on the delivery streams.
    pub log: Arc<dyn EventLog>,
    /// For the command that disables an endpoint.
    pub bus: Arc<dyn Bus>,
    /// Where the texts of codes are.
    pub volatile: Arc<dyn Volatile>,
    /// Opens URLs, secrets and personal data when a notice is sent.
    pub keys: KeyRing,
    /// Keys that the last notices of deleted instances are sealed under: only this service makes and destroys them.
    pub delivery_keys: KeyRing,
    /// Each partition is dispatched by one replica at a time.
    pub leases: Arc<dyn Leases>,
    /// Wall clock.
    pub clock: Arc<dyn Clock>,
    /// For the jitter of the schedule.
    pub entropy: Arc<dyn Entropy>,
    /// Tells attempts to the other replicas; none where there are no others.
    pub relay: Option<Arc<dyn Relay>>,
    /// Where message events of upstreams wait to be handed on; without it none is taken.
    pub postbag: Option<Arc<dyn Postbag>>,
    /// A folder of this replica for the outbox and the store of attempts.
    pub data: PathBuf,
}

/// How the service behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where webhooks may go.
    pub urls: UrlPolicy,
    /// Where this deployment is reached: some dialects say it in their bodies.
    pub public_url: Option<String>,
    /// Whoever opens the connections to endpoints in our place; none if we do.
    pub proxy: Option<EgressProxy>,
    /// Who opens the connections to endpoints.
    pub dial: Arc<dyn Dial>,
    /// When failed attempts are repeated.
    pub schedule: Schedule,
    /// How the outbox is kept.
    pub view: ViewOptions,
    /// How much of what is owed is in memory.
    pub room: Room,
    /// Which formats may be written: those that every replica of the deployment reads.
    pub write_version: WriteVersion,
}

/// The service could not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The outbox.
    #[error("the outbox cannot be opened")]
    View(#[from] berth_views::OpenError),
    /// The store of attempts.
    #[error(transparent)]
    Attempts(#[from] AttemptsError),
    /// The bus; a retry helps when it works.
    #[error("requests cannot be served")]
    Bus(#[source] TransportError),
    /// The transport.
    #[error(transparent)]
    Transport(#[from] TransportSetupError),
}

/// A running service.
#[derive(Debug, Clone)]
pub struct Handle {
    outbox: Arc<dyn ViewReader>,
}

// === impl Settings ===

impl Settings {
    /// The documented behaviour.
    pub fn new(clock: Arc<dyn Clock>, urls: UrlPolicy, public_url: Option<String>) -> Self {
        Self {
            urls,
            public_url,
            proxy: None,
            dial: Arc::new(Tcp),
            schedule: Schedule::default(),
            view: ViewOptions::new(clock),
            room: Room::default(),
            write_version: WriteVersion::NEWEST,
        }
    }
}

// === impl Handle ===

impl Handle {
    /// Whether the outbox follows the log.
    pub fn ready(&self) -> bool {
        self.outbox.state() == ViewState::Live
    }

    /// The view that it works from.
    pub fn view(&self) -> Arc<dyn ViewReader> {
        Arc::clone(&self.outbox)
    }

    /// How it stands, in a word or a sentence.
    pub fn status(&self) -> String {
        match self.outbox.state() {
            ViewState::Live => "live".to_owned(),
            ViewState::Rebuilding => "the outbox is being rebuilt".to_owned(),
            ViewState::Halted(reason) => reason,
        }
    }
}

/// Starts following the log, and dispatching whatever partitions this replica owns.
pub async fn start(ports: Ports, settings: Settings, lifecycle: &Lifecycle) -> Result<Handle, StartError> {
    metrics::describe();
    let folder = ports.data.join("webhooks");
    let transport = Transport::new(settings.urls)?.through(settings.proxy.as_ref()).dialing(settings.dial);
    let attempts =
        Arc::new(Attempts::open(&folder.join("attempts"), ports.relay, settings.schedule.breaker)?);
    let touched = Arc::new(Touched::default());
    let reader: Arc<dyn LogRead> = ports.log.clone();
    let view = Arc::new(Outbox::new(touched.clone()));
    let options = ViewOptions { rest: OUTBOX_REST, cache_bytes: OUTBOX_CACHE_BYTES, ..settings.view };
    let outbox = berth_views::open(reader, &folder, view, options, lifecycle).await?;
    let requests = ports.bus.serve(LAST_WORDS_FILTER, QUEUE).await.map_err(StartError::Bus)?;
    let questions = ports.bus.serve(DELIVERIES_FILTER, QUEUE).await.map_err(StartError::Bus)?;
    let tools = Tools {
        log: Arc::clone(&ports.log) as Arc<dyn LogRead>,
        writer: Writer::new(
            ports.log,
            Arc::clone(&ports.clock),
            Arc::clone(&ports.entropy),
            settings.write_version,
        ),
        bus: ports.bus,
        volatile: ports.volatile,
        keys: ports.keys,
        delivery_keys: ports.delivery_keys,
        clock: ports.clock,
        entropy: ports.entropy,
        attempts: attempts.clone(),
        transport,
        schedule: Arc::new(settings.schedule),
        server_url: settings.public_url.unwrap_or_default().into(),
        outbox: outbox.clone(),
        flights: Arc::new(Flights::default()),
        failing: Arc::default(),
        room: settings.room,
        reports: settings.write_version.account_wide(),
    };
    let letters = Letters::new(ports.postbag);
    let (transport, stop) = (tools.transport.clone(), lifecycle.stop().clone());
    lifecycle.spawn(async move { stop.run_until_cancelled(transport.sweep()).await });
    lifecycle.spawn(attempts.run(tools.clock.clone(), lifecycle.stop().clone()));
    lifecycle.spawn(deliveries::serve(tools.clone(), questions, lifecycle.stop().clone()));
    lifecycle.spawn(last_words::serve(tools.clone(), requests, lifecycle.stop().clone()));
    let dispatcher =
        Dispatcher { tools, leases: ports.leases, touched, letters, lifecycle: lifecycle.clone() };
    lifecycle.spawn(dispatcher.run(lifecycle.stop().clone()));
    Ok(Handle { outbox })
}
