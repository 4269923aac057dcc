//! What a process tells its operator: log lines on the standard error, and metrics.
//!
//! Log lines never hold a secret: the types of secrets hide themselves in `Debug`, and the hook for panics
//! leaves out messages that were formatted at run time, since those may quote the data at hand.

mod handles;
mod metrics;
mod panics;
mod process;
pub mod traces;

pub use handles::Handles;
pub use metrics::Metrics;

use thiserror::Error;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogFormat, LogSettings};

/// Telemetry cannot be set up: it was before, in this process.
#[derive(Debug, Error)]
#[error("telemetry is set up already")]
pub struct TelemetryError;

/// Sets up logging, the hook for panics, and metrics, once in a process.
pub fn init(settings: &LogSettings) -> Result<Metrics, TelemetryError> {
    // The filter was checked with the settings; `info` is what is left if a caller did not. The NATS client's own
    // lines say again what ours say, so they are heard only if the filter names it.
    let filter = EnvFilter::try_new(format!("async_nats=warn,{}", settings.filter));
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().with_writer(std::io::stderr);
    match settings.format {
        LogFormat::Text => {
            let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
            registry.with(layer.with_ansi(colours)).try_init()
        }
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    }
    .map_err(|_| TelemetryError)?;
    panics::install();
    Metrics::install()
}
