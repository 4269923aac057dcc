//! Connections to endpoints: names are resolved by the guarded resolver, and nothing else is connected to.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use rustls::{ClientConfig, ConfigBuilder, WantsVerifier, client::Resumption, pki_types::ServerName};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::{
    SendError,
    addresses::{Addresses, Visit},
    dial::{Dial, Tcp, Wire, at_once},
    line::Line,
    meter::{Allowance, Metered},
    pass::Barrier,
    proxy::Proxy,
    resolver::{AddressRefused, GuardedResolver},
};

/// How long connecting may take, name resolution and TLS included.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Hosts whose TLS sessions are remembered, so that the next connection to one takes neither a certificate nor a
/// signature.
const TLS_SESSIONS_MAX: usize = 1_024;

/// Opens connections.
#[derive(Clone)]
pub(super) struct Connector {
    tls: TlsConnector,
    addresses: Addresses,
    dial: Arc<dyn Dial>,
    /// Opens the connections in our place.
    proxy: Option<Proxy>,
}

/// Where a URL leads, as far as it may be gone to.
pub(super) struct Route {
    pub(super) addresses: Vec<IpAddr>,
    port: u16,
    /// The name that is to be proven over TLS.
    name: ServerName<'static>,
    tls: bool,
}

// === impl Connector ===

impl Connector {
    /// With the roots of this machine.
    pub(super) fn new() -> Result<Self, rustls::Error> {
        Ok(Self::with(tls()?.with_platform_verifier()?.with_no_client_auth()))
    }

    /// With these roots and no others: a story has an authority of its own.
    #[cfg(test)]
    pub(super) fn trusting(roots: rustls::RootCertStore) -> Result<Self, rustls::Error> {
        Ok(Self::with(tls()?.with_root_certificates(roots).with_no_client_auth()))
    }

    fn with(mut config: ClientConfig) -> Self {
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::in_memory_sessions(TLS_SESSIONS_MAX);
        Self {
            tls: TlsConnector::from(Arc::new(config)),
            addresses: Addresses::default(),
            dial: Arc::new(Tcp),
            proxy: None,
        }
    }

    /// The same with connections that somebody else opens.
    pub(super) fn dialing(self, dial: Arc<dyn Dial>) -> Self {
        Self { dial, ..self }
    }

    /// The same through a proxy.
    pub(super) fn through(self, proxy: Option<Proxy>) -> Self {
        Self { proxy, ..self }
    }

    /// Where a URL leads that was checked: the guard is asked about every address that its name has now.
    pub(super) async fn route(url: &Url, resolver: &GuardedResolver) -> Result<Route, SendError> {
        let port = url.port_or_known_default().ok_or(SendError::Invalid)?;
        let (addresses, name) = match url.host().ok_or(SendError::Invalid)? {
            Host::Ipv4(address) => (vec![IpAddr::V4(address)], ServerName::from(IpAddr::V4(address))),
            Host::Ipv6(address) => (vec![IpAddr::V6(address)], ServerName::from(IpAddr::V6(address))),
            Host::Domain(name) => {
                let found = resolver.lookup(name).await.map_err(|error| {
                    if error.is::<AddressRefused>() { SendError::Refused } else { SendError::Name }
                })?;
                let name = ServerName::try_from(name.to_owned()).map_err(|_| SendError::Invalid)?;
                (found, name)
            }
        };
        Ok(Route { addresses, port, name, tls: url.scheme() == "https" })
    }

    /// Counts a connection that was opened before, if there is room for it at its address.
    pub(super) fn visit(&self, at: SocketAddr) -> Option<Visit> {
        self.addresses.enter_now(at)
    }

    /// A new connection, and the count of it: to be kept as long as it is used.
    pub(super) async fn open(&self, route: Route, deadline: Instant) -> Result<(Line, Visit), SendError> {
        let Route { addresses, port, name, tls } = route;
        let (stream, visit, at) = self.first_of(&addresses, port, deadline).await?;
        let (barrier, allowance) = (Barrier::default(), Allowance::new());
        let stream: Box<dyn Wire> = Box::new(Metered::new(stream, allowance.clone(), barrier.clone()));
        let stream: Box<dyn Wire> = if tls {
            Box::new(self.tls.connect(name, stream).await.map_err(|_| SendError::Connect)?)
        } else {
            stream
        };
        Ok((Line::begin(stream, (barrier, allowance), at).await?, visit))
    }

    /// The first address that has room and takes a connection; each has an equal part of what is left of the time.
    async fn first_of(
        &self,
        addresses: &[IpAddr],
        port: u16,
        deadline: Instant,
    ) -> Result<(Box<dyn Wire>, Visit, SocketAddr), SendError> {
        let mut failed = SendError::Connect;
        for (left, address) in (1..=addresses.len()).rev().zip(addresses) {
            let at = SocketAddr::new(*address, port);
            let Some(visit) = self.addresses.enter(at).await else {
                failed = SendError::Busy;
                continue;
            };
            let now = Instant::now();
            let share = deadline.saturating_duration_since(now) / u32::try_from(left).unwrap_or(u32::MAX);
            match timeout_at(now + share, self.reach(at)).await {
                Ok(Ok(stream)) => return Ok((stream, visit, at)),
                Ok(Err(error)) => failed = error,
                Err(_) => failed = SendError::TimedOut,
            }
        }
        Err(failed)
    }

    async fn reach(&self, at: SocketAddr) -> Result<Box<dyn Wire>, SendError> {
        match &self.proxy {
            Some(proxy) => Ok(Box::new(at_once(proxy.connect(at).await?))),
            None => self.dial.dial(at).await.map_err(|_| SendError::Connect),
        }
    }
}

/// The beginning of every configuration of TLS here.
fn tls() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}
