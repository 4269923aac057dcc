//! One attempt over HTTP: guarded, bounded, without redirects, proxies of the environment or second thoughts.
//!
//! It has two steps, since opening a connection may take seconds and permission to send lasts for one: [`Transport::connect`]
//! tells the endpoint nothing, [`Connected::send`] writes the request under a [`Pass`].
//!
//! A connection is driven by the attempt that uses it. One that was left whole, both sides having said everything, rests for
//! a moment for the next attempt of the same account at the same place (see `kept`), whose name is resolved and whose
//! addresses are checked as ever. The client is hyper's HTTP/1.1 alone, on top of a connection that is read in bounded
//! parts (see `meter`).

mod addresses;
mod connect;
mod dial;
mod headers;
mod kept;
mod line;
mod meter;
mod pass;
mod proxy;
mod resolver;

use std::{fmt, sync::Arc, time::Duration};

use addresses::Visit;
use berth_proto::AccountId;
use berth_runtime::{UrlPolicy, UrlRefused, check_url, config::EgressProxy};
use bytes::Bytes;
use connect::{CONNECT_MAX, Connector};
use hickory_resolver::TokioResolver;
use http_body_util::Full;
use hyper::{
    Request,
    header::{ACCEPT, HOST, HeaderMap, HeaderValue},
};
use kept::{Kept, Purpose};
use line::{Line, Unanswered};
use proxy::Proxy;
use resolver::{GuardedResolver, Reach};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use url::{Position, Url};

pub use dial::{Dial, Tcp, Wire};
pub(crate) use headers::{HeaderParts, build};
pub use pass::Pass;

use crate::{metrics, schedule::Answer};

/// The header by which an endpoint asks to be disabled.
const DELIVERY_HEADER: &str = "webhook-delivery";

/// The transport could not be set up.
#[derive(Debug, Error)]
pub enum TransportSetupError {
    /// The resolver.
    #[error("the resolver for webhooks cannot be set up")]
    Resolver(#[source] hickory_resolver::net::NetError),
    /// TLS.
    #[error("TLS for webhooks cannot be set up")]
    Tls(#[source] rustls::Error),
}

/// Why an attempt got no answer: the closed list that a customer may see (R16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SendError {
    /// The URL or what its name leads to is not allowed.
    #[error("address not allowed")]
    Refused,
    /// The configured URL or headers are not usable.
    #[error("invalid configuration")]
    Invalid,
    /// The name is not known.
    #[error("name not resolved")]
    Name,
    /// No connection.
    #[error("connection failed")]
    Connect,
    /// The address has as many attempts as it may have: nothing was sent.
    #[error("too many attempts at this address")]
    Busy,
    /// The egress proxy does not work: nothing was sent.
    #[error("the egress proxy does not work")]
    Proxy,
    /// The permission ended before the first byte: nothing was sent.
    #[error("no longer permitted")]
    Unpermitted,
    /// No answer in time.
    #[error("timed out")]
    TimedOut,
    /// The connection broke, or what came is not HTTP.
    #[error("no valid answer")]
    Broken,
}

impl SendError {
    /// Whether it says that the endpoint was told nothing.
    const fn tells_nothing(self) -> bool {
        match self {
            Self::Refused | Self::Invalid | Self::Name | Self::Busy | Self::Proxy | Self::Unpermitted => true,
            Self::Connect | Self::TimedOut | Self::Broken => false,
        }
    }
}

impl From<UrlRefused> for SendError {
    fn from(refused: UrlRefused) -> Self {
        if refused == UrlRefused::Invalid { Self::Invalid } else { Self::Refused }
    }
}

/// What is to be sent.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Every header.
    pub headers: HeaderMap,
    /// The exact bytes.
    pub body: Bytes,
}

/// A connection on which one parcel can be sent.
#[must_use]
pub struct Connected {
    transport: Transport,
    /// For whom it is kept afterwards; none if it is not.
    purpose: Option<Purpose>,
    reached: Reached,
    url: Url,
    deadline: Instant,
}

/// A connection, and the count of it at its address.
struct Reached {
    line: Line,
    visit: Visit,
    /// Whether an earlier attempt left it.
    is_kept: bool,
}

/// Sends parcels.
#[derive(Clone)]
pub struct Transport {
    policy: Arc<UrlPolicy>,
    connector: Connector,
    kept: Kept,
    permitted: GuardedResolver,
    listed: GuardedResolver,
}

// === impl Transport ===

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl Transport {
    /// A transport that reaches what the policy allows. An error is the machine's: its resolver or its certificates.
    pub fn new(policy: UrlPolicy) -> Result<Self, TransportSetupError> {
        let connector = Connector::new().map_err(TransportSetupError::Tls)?;
        let resolver = resolver::system_resolver().map_err(TransportSetupError::Resolver)?;
        Ok(Self::with(policy, connector, &resolver))
    }

    /// The same through an egress proxy.
    #[must_use]
    pub fn through(mut self, proxy: Option<&EgressProxy>) -> Self {
        self.connector = self.connector.through(proxy.map(Proxy::new));
        self
    }

    /// The same with connections that somebody else opens.
    #[must_use]
    pub fn dialing(mut self, dial: Arc<dyn Dial>) -> Self {
        self.connector = self.connector.dialing(dial);
        self
    }

    fn with(policy: UrlPolicy, connector: Connector, resolver: &Arc<TokioResolver>) -> Self {
        let policy = Arc::new(policy);
        let guarded = |reach| GuardedResolver::new(resolver.clone(), policy.clone(), reach);
        let (permitted, listed) = (guarded(Reach::Permitted), guarded(Reach::Listed));
        Self { policy, connector, kept: Kept::default(), permitted, listed }
    }

    /// The same whose connections rest for so long.
    #[cfg(test)]
    fn resting(self, rest_max: Duration) -> Self {
        Self { kept: Kept::resting(rest_max), ..self }
    }

    /// Closes connections that have rested for long enough, for ever.
    pub(crate) async fn sweep(&self) {
        self.kept.sweep().await;
    }

    /// Opens a connection for one attempt, which ends within this time whatever answers. It is nobody else's afterwards.
    pub async fn connect(&self, url: &str, attempt_max: Duration) -> Result<Connected, SendError> {
        self.reach(None, url, attempt_max).await
    }

    /// The same for an attempt of an account: on a connection that an earlier one left, if there is one, and left to later
    /// ones if it can be. Where that was closed meanwhile and nothing of an answer came, the request is sent once more, on
    /// a new one: the attempt is one, and its receiver may have heard it twice.
    pub async fn connect_for(
        &self,
        account: AccountId,
        url: &str,
        attempt_max: Duration,
    ) -> Result<Connected, SendError> {
        self.reach(Some(account), url, attempt_max).await
    }

    async fn reach(
        &self,
        of: Option<AccountId>,
        url: &str,
        attempt_max: Duration,
    ) -> Result<Connected, SendError> {
        check_url(url, &self.policy)?;
        let deadline = Instant::now() + attempt_max;
        let url = Url::parse(url).map_err(|_| SendError::Invalid)?;
        let purpose = of.map(|account| Purpose::new(account, &url));
        let reached = self.reached(&url, purpose.as_ref(), deadline).await?;
        Ok(Connected { transport: self.clone(), purpose, reached, url, deadline })
    }

    /// A connection for a URL that was checked: a new one, unless one is kept for this purpose.
    async fn reached(
        &self,
        url: &Url,
        purpose: Option<&Purpose>,
        deadline: Instant,
    ) -> Result<Reached, SendError> {
        let restricted = !self.policy.plain_http && url.scheme() == "http";
        let resolver = if restricted { &self.listed } else { &self.permitted };
        let connected_by = deadline.min(Instant::now() + CONNECT_MAX);
        let reaching = Box::pin(async {
            let route = Connector::route(url, resolver).await?;
            let kept = purpose.and_then(|purpose| self.kept.take(purpose, &route.addresses));
            if let Some(line) = kept
                && let Some(visit) = self.connector.visit(line.at)
            {
                metrics::connection("kept");
                return Ok(Reached { line, visit, is_kept: true });
            }
            let (line, visit) = self.connector.open(route, connected_by).await?;
            metrics::connection("opened");
            Ok(Reached { line, visit, is_kept: false })
        });
        timeout_at(connected_by, reaching).await.unwrap_or(Err(SendError::TimedOut))
    }
}

// === impl Connected ===

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected").finish_non_exhaustive()
    }
}

impl Connected {
    /// Sends a parcel once, as far as it may.
    pub async fn send(self, parcel: Parcel, pass: Pass) -> Result<Answer, SendError> {
        let Self { transport, purpose, reached: Reached { mut line, visit, is_kept }, url, deadline } = self;
        let first = request(&url, parcel.clone())?;
        let told = match line.send(first, pass.clone(), (&visit, deadline)).await {
            // It was about to be closed when it was taken up again.
            Err(Unanswered::Gone { told }) if is_kept => told,
            sent => return leave(&transport, purpose, (line, &visit), sent),
        };
        drop((line, visit));
        metrics::connection("lost");
        let again = Box::pin(async {
            let Reached { mut line, visit, .. } = transport.reached(&url, None, deadline).await?;
            let sent = line.send(request(&url, parcel)?, pass, (&visit, deadline)).await;
            leave(&transport, purpose, (line, &visit), sent)
        });
        match again.await {
            Err(error) if told && error.tells_nothing() => Err(SendError::Broken),
            sent => sent,
        }
    }
}

/// Keeps a connection for whoever it is for, if its answer came whole and nobody waits for what it holds at the other end.
fn leave(
    transport: &Transport,
    purpose: Option<Purpose>,
    (line, visit): (Line, &Visit),
    sent: Result<(Answer, bool), Unanswered>,
) -> Result<Answer, SendError> {
    match sent {
        Ok((answer, is_whole)) => {
            if let Some(purpose) = purpose.filter(|_| is_whole && !visit.holds_others_up()) {
                transport.kept.put(purpose, line);
            }
            Ok(answer)
        }
        Err(Unanswered::Gone { .. }) => Err(SendError::Broken),
        Err(Unanswered::For(error)) => Err(error),
    }
}

fn request(url: &Url, parcel: Parcel) -> Result<Request<Full<Bytes>>, SendError> {
    let Parcel { headers, body } = parcel;
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let mut request = Request::post(&url[Position::BeforePath..Position::AfterQuery])
        .body(Full::new(body))
        .map_err(|_| SendError::Invalid)?;
    *request.headers_mut() = headers;
    request.headers_mut().insert(HOST, HeaderValue::from_str(host).map_err(|_| SendError::Invalid)?);
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("*/*"));
    Ok(request)
}

#[cfg(test)]
mod keeping;
#[cfg(test)]
mod names;
#[cfg(test)]
mod tests;
