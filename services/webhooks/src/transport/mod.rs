//! One attempt over HTTP: guarded, bounded, without redirects, proxies of the environment or second thoughts.
//!
//! It has two steps, since opening a connection may take seconds and permission to send lasts for one: [`Transport::connect`]
//! tells the endpoint nothing, [`Connected::send`] writes the request under a [`Pass`].
//!
//! Each attempt has a connection of its own, driven by the attempt itself: when that ends, so does the connection, and
//! what runs at a host is what the dispatcher started there. The client is hyper's HTTP/1.1 alone, on top of a
//! connection that is read in bounded parts (see `meter`).

mod addresses;
mod connect;
mod dial;
mod headers;
mod meter;
mod pass;
mod proxy;
mod resolver;

use std::{fmt, sync::Arc, time::Duration};

use berth_runtime::{UrlPolicy, UrlRefused, check_url, config::EgressProxy};
use bytes::Bytes;
use connect::{Connector, Opened};
use hickory_resolver::TokioResolver;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, StatusCode,
    body::Incoming,
    client::conn::http1,
    header::{ACCEPT, HOST, HeaderMap, HeaderValue},
};
use hyper_util::rt::TokioIo;
use meter::Allowance;
use proxy::Proxy;
use resolver::{GuardedResolver, Reach};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use url::{Position, Url};

pub use dial::{Dial, Tcp, Wire};
pub(crate) use headers::{HeaderParts, build};
pub use pass::Pass;

use crate::schedule::Answer;

/// Bytes of an answer's body that are read before the connection is given up.
const ANSWER_READ_BYTES_MAX: usize = 64 * 1024;
/// How long the body of an answer may take once its head is there: the head says what the endpoint decided, and the
/// body is only kept for whoever looks at the attempt later.
const ANSWER_BODY_MAX: Duration = Duration::from_secs(2);
/// What is left of an attempt's time when its answer's body is given up: whatever the head said is still told.
const ANSWER_MARGIN: Duration = Duration::from_millis(10);
/// Bytes of an answer's body that are kept.
const ANSWER_KEPT_BYTES_MAX: usize = 8 * 1024;
/// Bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 64 * 1024;
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
    opened: Opened,
    url: Url,
    deadline: Instant,
}

/// Sends parcels.
#[derive(Clone)]
pub struct Transport {
    policy: Arc<UrlPolicy>,
    connector: Connector,
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
        Self { policy, connector, permitted, listed }
    }

    /// Opens a connection for one attempt, which ends within this time whatever answers.
    pub async fn connect(&self, url: &str, attempt_max: Duration) -> Result<Connected, SendError> {
        check_url(url, &self.policy)?;
        let deadline = Instant::now() + attempt_max;
        let url = Url::parse(url).map_err(|_| SendError::Invalid)?;
        let restricted = !self.policy.plain_http && url.scheme() == "http";
        let resolver = if restricted { &self.listed } else { &self.permitted };
        let opening = Box::pin(self.connector.open(&url, resolver, Allowance::new()));
        let opened = timeout_at(deadline, opening).await.unwrap_or(Err(SendError::TimedOut))?;
        Ok(Connected { opened, url, deadline })
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
        let Self { opened, url, deadline } = self;
        let request = request(&url, parcel)?;
        let barrier = opened.barrier.clone();
        barrier.arm(pass);
        let exchange = Box::pin(exchange(opened, request, deadline - ANSWER_MARGIN));
        let answer = timeout_at(deadline, exchange).await.unwrap_or(Err(SendError::TimedOut));
        if barrier.kept_all() { Err(SendError::Unpermitted) } else { answer }
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

/// Sends the request and reads the answer, driving the connection meanwhile.
async fn exchange(
    opened: Opened,
    request: Request<Full<Bytes>>,
    deadline: Instant,
) -> Result<Answer, SendError> {
    let Opened { stream, visit, barrier: _ } = opened;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| SendError::Broken)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|_| SendError::Broken)?;
        visit.answered();
        let text = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let mut answer = Answer {
            status: response.status().as_u16(),
            retry_after: text("retry-after"),
            disable: text(DELIVERY_HEADER).is_some_and(|value| value.trim().eq_ignore_ascii_case("disable")),
            body: Vec::new(),
        };
        // The head has said it all: a body that drips, breaks off or goes on for ever changes nothing of it.
        if response.status() != StatusCode::NO_CONTENT {
            let until = deadline.min(Instant::now() + ANSWER_BODY_MAX);
            let _cut_off = timeout_at(until, read_body(response.into_body(), &mut answer.body)).await;
        }
        Ok(answer)
    };
    let (mut answer, mut connection) = (std::pin::pin!(answer), std::pin::pin!(connection));
    tokio::select! {
        biased;
        answer = &mut answer => return answer,
        // What it read before it ended is still there to be taken.
        _ = &mut connection => {}
    }
    answer.await
}

/// Reads an answer's body to its end or to the bound, and keeps its beginning.
async fn read_body(mut body: Incoming, kept: &mut Vec<u8>) {
    let mut read_bytes = 0;
    while read_bytes <= ANSWER_READ_BYTES_MAX {
        let Some(Ok(frame)) = body.frame().await else { return };
        let Some(data) = frame.data_ref() else { continue };
        read_bytes += data.len();
        kept.extend(data.iter().take(ANSWER_KEPT_BYTES_MAX.saturating_sub(kept.len())));
    }
}

#[cfg(test)]
mod names;
#[cfg(test)]
mod tests;
