//! The HTTP listener of a process, and what every role serves on it: `/healthz`, `/readyz`, `/metrics`.

mod ops;
mod readiness;

pub use ops::ops_router;
pub use readiness::{Check, Readiness};

use std::net::SocketAddr;

use axum::{Router, serve::ListenerExt};
use thiserror::Error;
use tokio::net::TcpListener;

use crate::lifecycle::Lifecycle;

/// The listener cannot be had.
#[derive(Debug, Error)]
#[error("cannot listen on {address}")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// Why not.
    #[source]
    pub source: std::io::Error,
}

/// A listener and the address that it got, which differs from the asked one for port 0.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

/// Listens on an address; nothing is answered before [`Bound::serve`].
pub async fn bind(address: SocketAddr) -> Result<Bound, BindError> {
    let failed = |source| BindError { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Bound { listener, address })
}

impl Bound {
    /// The address that it got.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the process is asked to stop, then lets running requests end. A handler finds the
    /// client's address as `ConnectInfo<SocketAddr>`.
    pub fn serve(self, router: Router, lifecycle: &Lifecycle) {
        let stop = lifecycle.stop().clone().cancelled_owned();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        // Small pieces, such as the events of a stream, shall not wait for the client's next acknowledgement.
        let listener = self.listener.tap_io(|connection| {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "a connection keeps its delay of small packets");
            }
        });
        lifecycle.spawn(async move {
            if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(stop).await {
                tracing::error!(%error, "the HTTP listener failed");
            }
        });
    }
}
