//! The HTTP edge: the native API and the six dialects.
//!
//! [`app`] is what every door uses; [`native`] is our own API; each folder of [`dialects`] speaks one
//! gateway's wire contract and knows no other.

pub mod app;
pub mod dialects;
pub mod docs;
pub mod http;
pub mod native;
mod router;

use berth_proto::{Hash, WriteVersion};
use berth_runtime::{MasterKey, url_policy::UrlPolicy};
use berth_upstreams::Upstreams;

pub use app::{App, Ports};

/// What the gateway is configured with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The keyed digest of the root key: see [`root_key_digest`].
    pub root_key_digest: Hash,
    /// Which URLs webhooks may be sent to.
    pub url_policy: UrlPolicy,
    /// Whether the device driver is the simulated one, so that it can be told what to play.
    pub simulated_driver: bool,
    /// What a second logout answers in the Evolution dialect.
    pub evolution_logout: EvolutionLogout,
    /// What an instance's token and an account may do in a minute.
    pub quotas: app::Quotas,
    /// Commands that may be under way at once: an account may have half of them if it is alone, an instance an eighth.
    pub commands_at_once: usize,
    /// The address under which clients reach the gateway, for texts that show it.
    pub public_url: String,
    /// Gateways that instances may be on.
    pub upstreams: Upstreams,
    /// Libraries that instances may have workers with.
    pub workers: Vec<String>,
    /// Names or ids of the accounts that may have instances with workers; none if all may.
    pub worker_accounts: Option<Vec<String>>,
    /// The formats that every replica of the deployment reads.
    pub write_version: WriteVersion,
}

/// What a logout of a closed instance answers in the Evolution dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EvolutionLogout {
    /// 400, as the stable releases do.
    #[default]
    Strict,
    /// 200, as release 2.4 does.
    Idempotent,
}

/// The digest by which the root key is recognised.
pub fn root_key_digest(master: &MasterKey, root_key: &str) -> Hash {
    master.request_digest(&[b"root", root_key.as_bytes()])
}

/// All routes of the gateway.
pub fn router(ports: Ports, settings: &Settings) -> axum::Router {
    router_with(ports, settings, |_| axum::Router::new())
}

/// All routes of the gateway, and those of a door that another crate has.
pub fn router_with(
    ports: Ports,
    settings: &Settings,
    door: impl FnOnce(&App) -> axum::Router,
) -> axum::Router {
    let app = App::new(ports, settings, dialects::foreign_id);
    let door = door(&app);
    router::compose(app, door)
}
