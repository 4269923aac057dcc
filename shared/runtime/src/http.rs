//! The HTTP listener of a process, and what every role serves on it: `/healthz`, `/readyz`, `/metrics`.

mod allowance;
mod connections;
mod doors;
mod ops;
mod probes;
mod proxies;
mod readiness;
mod tls;

pub use allowance::Allowance;
pub use connections::{ConnectionLimits, FILES_RESERVED};
pub use doors::Doors;
pub use ops::Ops;
pub use proxies::Proxies;
pub use readiness::{Check, Readiness};
pub use tls::{Tls, TlsError};

use connections::{Client, Connections};

use std::{io::ErrorKind, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    extract::ConnectInfo,
    http::{
        HeaderMap, Request, StatusCode,
        header::{CONNECTION, TRANSFER_ENCODING},
    },
    response::{IntoResponse, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket},
    task::{JoinError, JoinSet},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::lifecycle::Lifecycle;

/// How long a client may take for the head of a request, and leave a connection idle between two.
const HEAD_MAX: Duration = Duration::from_secs(75);
/// Bytes of a connection that are read ahead, and of a head: more is refused with 431. Four times what most proxies
/// let through, and with as many connections as there may be it is not more than a quarter of a GiB.
pub(crate) const READ_AHEAD_BYTES_MAX: usize = 32 * 1024;
/// How long running requests may take to end when the process stops: less than the process drains in all, so
/// that a client that never ends its request does not make the stop an abort.
const DRAIN_MAX: Duration = Duration::from_secs(4);
/// How long a client may take to agree on TLS.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Connections that wait to be accepted, if the kernel lets so many wait (`net.core.somaxconn`). One more is tried again by its
/// client, after a second: a thousand clients that come at once, to a process that is busy, shall not meet that.
const UNACCEPTED_MAX: u32 = 4096;
/// The pause after a connection that could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// The listener cannot be had.
#[derive(Debug, Error)]
#[error(
    "`{setting}` ({}): cannot listen on {address}{}",
    crate::config::keys::variable(setting),
    advice(source)
)]
pub struct BindError {
    /// The setting with the address.
    pub setting: &'static str,
    /// The address.
    pub address: SocketAddr,
    /// Why not.
    #[source]
    pub source: std::io::Error,
}

/// What the operator can do about an address that cannot be had.
fn advice(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::AddrInUse => "; end the process that uses it, or set another port (0 takes a free one)",
        ErrorKind::AddrNotAvailable => "; this machine has no such address",
        ErrorKind::PermissionDenied => "; ports below 1024 need a privilege, set a higher one",
        _ => "",
    }
}

/// A listener and the address that it got, which differs from the asked one for port 0.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

/// How connections are served.
#[derive(Debug, Clone)]
pub struct Serving {
    /// How many there may be.
    pub limits: ConnectionLimits,
    /// With which certificate; none for plain HTTP.
    pub tls: Option<Tls>,
    /// Whose word counts for whom they ask. Such a connection has no bound for its address.
    pub proxies: Proxies,
}

/// Plain HTTP to whoever connects.
impl From<ConnectionLimits> for Serving {
    fn from(limits: ConnectionLimits) -> Self {
        Self { limits, tls: None, proxies: Proxies::default() }
    }
}

/// Listens on the address of a setting, within a runtime; nothing is answered before [`Bound::serve`].
pub fn bind(setting: &'static str, address: SocketAddr) -> Result<Bound, BindError> {
    let failed = |source| BindError { setting, address, source };
    let listener = listener(address).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Bound { listener, address })
}

fn listener(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart need not wait until the connections of the process before are forgotten.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(UNACCEPTED_MAX)
}

impl Bound {
    /// The address that it got.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the process is asked to stop, then lets running requests end, and cuts what is left after
    /// `DRAIN_MAX`. Connections over the limits are closed at once, but for
    /// a few that may ask for `/healthz`, `/readyz` and `/metrics`. A handler finds the client's address as `ConnectInfo<SocketAddr>`.
    pub fn serve(self, doors: impl Into<Doors>, lifecycle: &Lifecycle, serving: impl Into<Serving>) {
        let Serving { limits, tls, proxies } = serving.into();
        let open = Connections::new(limits, proxies.clone());
        let stop = lifecycle.stop().clone();
        let server = Server { doors: doors.into(), open: open.clone(), tls, proxies, stop: stop.clone() };
        let server = Arc::new(server);
        lifecycle.spawn(async move {
            // Connections end with this task: a request that panics ends its connection and nothing else.
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    () = stop.cancelled() => break,
                    Some(ended) = connections.join_next() => note(ended),
                    accepted = self.listener.accept() => match accepted {
                        Ok((stream, peer)) => {
                            // One over a bound ends here, where it is dropped.
                            if let Some(counted) = open.admit(peer.ip()) {
                                let client = Client::new(stream, counted);
                                connections.spawn(Arc::clone(&server).connection(client, peer));
                            }
                        }
                        Err(error) => {
                            // Most often no file is free; connections that end free some.
                            tracing::warn!(%error, "a connection cannot be accepted");
                            tokio::time::sleep(ACCEPT_PAUSE).await;
                        }
                    },
                }
            }
            drop(self.listener);
            let drained = async {
                while let Some(ended) = connections.join_next().await {
                    note(ended);
                }
            };
            if tokio::time::timeout(DRAIN_MAX, drained).await.is_err() {
                tracing::warn!(
                    open = connections.len(),
                    "connections whose requests did not end in time are cut"
                );
            }
        });
    }
}

/// What every connection of a listener is served with.
struct Server {
    doors: Doors,
    open: Connections,
    tls: Option<Tls>,
    proxies: Proxies,
    stop: CancellationToken,
}

// === impl Server ===

impl Server {
    /// Serves one connection to its end: after the stop, that of the request that runs.
    async fn connection(self: Arc<Self>, client: Client, peer: SocketAddr) -> Result<(), hyper::Error> {
        // Small pieces, such as the events of a stream, shall not wait for the client's next acknowledgement.
        if let Err(error) = client.without_delay() {
            tracing::debug!(%error, "a connection keeps its delay of small packets");
        }
        let (allowance, is_probe) = (client.allowance().clone(), client.is_probe());
        let Some(tls) = &self.tls else { return self.talk(client, peer, allowance, is_probe).await };
        match timeout(HANDSHAKE_MAX, tls.acceptor().accept(client)).await {
            Ok(Ok(client)) => self.talk(client, peer, allowance, is_probe).await,
            Ok(Err(error)) => {
                tracing::debug!(%error, "a client did not agree on TLS");
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    async fn talk<C>(
        &self,
        client: C,
        peer: SocketAddr,
        allowance: Allowance,
        is_probe: bool,
    ) -> Result<(), hyper::Error>
    where
        C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        if is_probe {
            let serving = probes::serve(client, self.doors.router(), || self.open.refuse("probe"));
            self.stop.run_until_cancelled(serving).await;
            return Ok(());
        }
        let service = service_fn(move |mut request: Request<Incoming>| {
            let (router, allowance) = (self.doors.router(), allowance.clone());
            let from = self.proxies.client(peer, request.headers());
            async move {
                if head_bytes(&request) > READ_AHEAD_BYTES_MAX {
                    return Ok(refused(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_LARGE));
                }
                if is_coded(request.headers()) {
                    return Ok(refused(StatusCode::NOT_IMPLEMENTED, NOT_UNDERSTOOD));
                }
                request.extensions_mut().insert(ConnectInfo(from));
                request.extensions_mut().insert(allowance);
                router.oneshot(request).await
            }
        });
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_MAX)
            .max_buf_size(READ_AHEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(client), service)
            .with_upgrades();
        let mut serving = pin!(serving);
        if let Some(ended) = self.stop.run_until_cancelled(serving.as_mut()).await {
            return ended;
        }
        serving.as_mut().graceful_shutdown();
        serving.await
    }
}

/// Whether a body comes in another transfer coding than `chunked`, which a server that does not understand it must not
/// take for the body itself (RFC 9112, section 6.1).
fn is_coded(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let chunked = |only: &[u8]| only.trim_ascii().eq_ignore_ascii_case(b"chunked");
    codings.next().is_some_and(|first| codings.next().is_some() || !chunked(first.as_bytes()))
}

/// What is said of that.
const NOT_UNDERSTOOD: &str = "This transfer coding is not understood: send the body as it is, or chunked.";
/// What is said of a head over the bound.
const TOO_LARGE: &str = "The head of this request is larger than 32 KiB.";

/// A refusal with which the connection ends: nobody knows where the body does.
fn refused(status: StatusCode, said: &'static str) -> Response {
    (status, [(CONNECTION, "close")], said).into_response()
}

/// Bytes of the head of a request, near enough. What is read ahead bounds heads that are not whole; one that came whole
/// with the last read may be larger.
fn head_bytes(request: &Request<Incoming>) -> usize {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let headers = request.headers().iter();
    headers.fold(target, |bytes, (name, value)| bytes + name.as_str().len() + value.len() + ": \r\n".len())
}

/// How a connection ended. Clients that go away are their business; a panic is ours.
fn note(ended: Result<Result<(), hyper::Error>, JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection ended early"),
        Err(error) => tracing::error!(%error, "a request failed in a way that it must not"),
    }
}
