//! What every door of the gateway uses: who asks, which instance, commands, reads, codes, lists.
//!
//! The native API and the dialects translate between HTTP and [`App`]; none of them touches a port. An
//! operation takes a [`Call`] (who asks, through which door, under which idempotency key) and answers with
//! a [`Record`] (an instance as it is, opened for rendering) or a [`Failure`].

mod account_life;
mod account_webhooks;
mod accounts;
mod as_of;
mod call;
mod coalesce;
mod codes;
mod commands;
mod create;
mod directory;
mod failure;
mod find;
mod follow;
mod guesses;
mod history;
mod jwt;
mod lists;
mod live;
mod moves;
mod names;
mod notifications;
mod principal;
mod quota;
mod rate;
mod record;
mod resolve;
mod settings;
mod simulate;
mod tokens;
mod webhooks;

use std::sync::Arc;

use berth_bus::{Bus, KeyRing, Presence, Volatile};
use berth_log::LogRead;
use berth_runtime::{Clock, Entropy};
use tokio_util::sync::CancellationToken;

pub use account_life::{AccountChange, Closing};
pub use accounts::{AccountRecord, ChangedAccount, NewAccount};
pub use call::{Call, Client, Idempotency};
pub use codes::{Connected, LiveCode, LiveCodes};
pub use commands::Answer;
pub use create::{Created, NewInstance};
pub(crate) use failure::UPGRADE_NEEDED;
pub use failure::{Failure, RETRY_AFTER_SECONDS};
pub use follow::{Follow, Permission, Turn};
pub use history::{Entry, HistoryPage};
pub use lists::{ListQuery, Page};
pub use live::{Filter, Live};
pub use names::{InvalidName, check_foreign_id, check_name, check_phone, check_token};
pub use notifications::Notification;
pub use principal::Principal;
pub use quota::{Left, Quotas, Spending};
pub use rate::{Allowance, Rate};
pub use record::{Device, Erasure, Record};
pub use resolve::KeyKind;
pub use settings::merge_part;
pub use simulate::Simulation;
pub use webhooks::{NewWebhook, Webhook, WebhookSecret, is_reserved_header};

use crate::Settings;

/// The gateway's side of every operation. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    log: Arc<dyn LogRead>,
    bus: Arc<dyn Bus>,
    volatile: Arc<dyn Volatile>,
    keys: KeyRing,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    presence: Presence,
    stop: CancellationToken,
    settings: Settings,
    directory: directory::Directory,
    shares: quota::Shares,
    guesses: guesses::Guesses,
    request_ids: call::RequestIds,
}

/// What the gateway needs of its surroundings.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The log, for reading only.
    pub log: Arc<dyn LogRead>,
    /// Commands, queries, live tails.
    pub bus: Arc<dyn Bus>,
    /// QR texts and pairing codes.
    pub volatile: Arc<dyn Volatile>,
    /// Data keys.
    pub keys: KeyRing,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Which roles nobody does the work of: nobody waits for those.
    pub presence: Presence,
    /// Cancelled when the process stops: what waits then answers at once.
    pub stop: CancellationToken,
}

impl App {
    /// An app over these ports.
    pub fn new(ports: Ports, settings: Settings) -> Self {
        let Ports { log, bus, volatile, keys, clock, entropy, presence, stop } = ports;
        let directory = directory::Directory::new(Arc::clone(&log));
        let request_ids = call::RequestIds::new(&*entropy);
        Self {
            inner: Arc::new(Inner {
                log,
                bus,
                volatile,
                keys,
                clock,
                entropy,
                presence,
                stop,
                settings,
                directory,
                shares: quota::Shares::new(),
                guesses: guesses::Guesses::new(),
                request_ids,
            }),
        }
    }

    /// The settings that the gateway was started with.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Whether the process stops, so that streams end and their clients come back elsewhere.
    pub fn is_stopping(&self) -> bool {
        self.inner.stop.is_cancelled()
    }

    /// The present moment.
    pub fn now(&self) -> berth_proto::Timestamp {
        self.inner.clock.now()
    }
}
