//! The certificate of the listener, and the signal by which it is read again.

use berth_runtime::{Clock, Lifecycle, SystemClock, config::HttpSettings, http::Tls};
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

/// Reads the certificate, if there shall be one, and reads it again whenever the process gets SIGHUP.
pub(crate) fn start(settings: &HttpSettings, lifecycle: &Lifecycle) -> Result<Option<Tls>, Failure> {
    let Some(files) = &settings.tls else { return Ok(None) };
    let tls = Tls::load(files, settings.public_url.as_deref(), SystemClock.now())?;
    let mut hangups =
        signal(SignalKind::hangup()).map_err(|source| Failure::System { what: "to hear signals", source })?;
    let (read, stop) = (tls.clone(), lifecycle.stop().clone());
    lifecycle.spawn(async move {
        while let Some(Some(())) = stop.run_until_cancelled(hangups.recv()).await {
            // The files are small, and nothing waits for them but this task.
            match read.reload(SystemClock.now()) {
                Ok(()) => tracing::info!("the certificate of the listener was read again"),
                Err(error) => tracing::error!(
                    error = berth_runtime::chain(&error),
                    "the certificate of the listener cannot be used: the former one is served on"
                ),
            }
        }
    });
    Ok(Some(tls))
}
