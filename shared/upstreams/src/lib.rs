//! Gateways that somebody runs already, with instances of ours on them.
//!
//! A folder or file for each product knows its wire contract ([`evolution`]); [`http`] asks, and believes nothing: an
//! answer has a bound in time and size, a redirect is never followed, and the key goes nowhere else. [`pass`] hands on
//! what clients ask of an upstream themselves, and [`socketio`] hears what one tells by itself. What an upstream
//! says is a claim about a link. It never changes what was decided here.

pub mod error;
pub mod evolution;
mod headers;
pub mod http;
pub mod pass;
pub mod socketio;
pub mod webhook;
mod websocket;

use std::sync::Arc;

use berth_runtime::config::{UpstreamMode, UpstreamSettings};

pub use error::UpstreamError;
pub use evolution::Evolution;
pub use pass::{PassError, Passing};
pub use socketio::{Ear, Heard};
pub use webhook::{Callback, Webhook};

/// Tells an upstream which deployment asks, so that one that is its own upstream notices.
pub const DEPLOYMENT_HEADER: &str = "x-berth-deployment";

/// Every upstream of a deployment.
#[derive(Debug, Clone, Default)]
pub struct Upstreams {
    /// The id of the deployment.
    pub deployment: String,
    all: Vec<Arc<Upstream>>,
}

/// One upstream.
#[derive(Debug)]
pub struct Upstream {
    /// How it was configured.
    pub settings: UpstreamSettings,
    /// The client of it.
    pub client: Evolution,
    /// Passes requests of clients on to it.
    pub passing: Passing,
}

impl Upstreams {
    /// Clients for these; none is asked yet. An error is the machine's: its certificates cannot be read.
    pub fn new(settings: &[UpstreamSettings], deployment: &str) -> Result<Self, UpstreamError> {
        let one = |settings: &UpstreamSettings| {
            let client = Evolution::new(http::Http::new(settings, deployment)?);
            let passing = Passing::new(settings, deployment)?;
            Ok(Arc::new(Upstream { settings: settings.clone(), client, passing }))
        };
        let all = settings.iter().map(one).collect::<Result<_, UpstreamError>>()?;
        Ok(Self { deployment: deployment.to_owned(), all })
    }

    /// All of them, by name.
    pub fn all(&self) -> &[Arc<Upstream>] {
        &self.all
    }

    /// The one with this name.
    pub fn named(&self, name: &str) -> Option<&Arc<Upstream>> {
        self.all.iter().find(|upstream| upstream.settings.name == name)
    }

    /// Whether any is only looked at.
    pub fn any_observed(&self) -> bool {
        self.all.iter().any(|upstream| !upstream.is_driven())
    }
}

impl Upstream {
    /// Whether it does what is decided here; if not, it is only looked at.
    pub fn is_driven(&self) -> bool {
        self.settings.mode == UpstreamMode::Drive
    }
}
