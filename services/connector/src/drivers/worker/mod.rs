//! Links that workers run: processes with a WhatsApp library that connect to the connector and speak the contract of
//! [`berth_proto::worker`].
//!
//! A new device goes to the worker with the most room, and stays with it, since its keys are there and nowhere else. What
//! is kept here in the place of keys is the name of the worker; it is written before the worker is asked for anything, so
//! that a device that was linked without anybody having been told is found, and unlinked.
//!
//! A worker says what WhatsApp said. What that comes to, for how long a connection may be away unnoticed, and what becomes
//! of the keys is decided here, so that it is the same for every library.

mod attempt;
mod conduct;
mod keep;
mod material;
mod pool;
mod run;
mod session;
mod socket;
mod subjects;
mod told;
mod unlink;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::Router;
use berth_proto::worker;
use berth_runtime::{Clock, Lifecycle};
use secrecy::SecretString;

use self::pool::Pool;
use crate::driver::{DeviceLink, Link, Reports, Start, UnlinkError};

/// The kind of a binding to workers, which names the library in the place of an upstream.
pub const KIND: &str = berth_domain::instance::WORKER;

/// The driver, and the door that workers come in by.
pub struct Workers {
    pool: Arc<Pool>,
    clock: Arc<dyn Clock>,
    token: Arc<SecretString>,
}

impl Workers {
    /// Workers with one of these libraries may come in, by showing the token.
    pub fn new(libraries: Vec<String>, token: SecretString, clock: Arc<dyn Clock>) -> Self {
        Self { pool: Arc::new(Pool::new(libraries)), clock, token: Arc::new(token) }
    }

    /// The route that workers connect to, until the process stops.
    pub fn router(&self, lifecycle: &Lifecycle) -> Router {
        socket::router(&self.pool, &self.token, lifecycle.stop().clone())
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("pool", &self.pool).finish_non_exhaustive()
    }
}

/// The library that an instance asked for; none if any will do.
fn library(link: &Link) -> Option<&str> {
    link.upstream.as_ref().map(|at| at.upstream.as_str())
}

#[async_trait]
impl DeviceLink for Workers {
    async fn run(&self, link: Link, start: Start, reports: Arc<dyn Reports>) {
        match start {
            Start::PairByQr => self.pair(&link, worker::Start::Qr {}, &*reports).await,
            Start::PairByCode { phone } => {
                self.pair(&link, worker::Start::Code { phone }, &*reports).await;
            }
            Start::Resume => self.keep(&link, worker::Start::Resume {}, &*reports).await,
            Start::Reopen => self.keep(&link, worker::Start::Reopen {}, &*reports).await,
            // Nobody but us asks a worker for a device.
            Start::Watch => std::future::pending().await,
        }
    }

    fn unlink_max(&self, _link: &Link) -> Duration {
        unlink::TRY_MAX
    }

    async fn unlink(&self, link: Link, reports: Arc<dyn Reports>) -> Result<(), UnlinkError> {
        self.unlinked(&link, &*reports).await
    }
}
