//! One attempt over HTTP: guarded, bounded, without redirects, proxies or second thoughts.

mod headers;
mod resolver;

use std::{error::Error as _, sync::Arc, time::Duration};

use berth_runtime::{UrlPolicy, UrlRefused, check_url};
use bytes::Bytes;
use reqwest::{Client, StatusCode, header::HeaderMap, redirect};
use resolver::{AddressRefused, GuardedResolver, Reach};
use thiserror::Error;

pub(crate) use headers::{HeaderParts, build};

use crate::schedule::Answer;

/// How long connecting may take, name resolution and TLS included.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long an idle connection is kept for the next notice.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// Idle connections kept for one endpoint.
const IDLE_PER_HOST_MAX: usize = 2;
/// Bytes of an answer that are read before the connection is given up.
const ANSWER_READ_BYTES_MAX: usize = 64 * 1024;
/// The header by which an endpoint asks to be disabled.
const DELIVERY_HEADER: &str = "webhook-delivery";

/// The transport could not be set up.
#[derive(Debug, Error)]
pub enum TransportSetupError {
    /// The resolver.
    #[error("the resolver for webhooks cannot be set up")]
    Resolver(#[source] hickory_resolver::net::NetError),
    /// The HTTP client.
    #[error("the HTTP client for webhooks cannot be set up")]
    Client(#[source] reqwest::Error),
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
pub(crate) struct Parcel {
    /// Where.
    pub(crate) url: String,
    /// Every header.
    pub(crate) headers: HeaderMap,
    /// The exact bytes.
    pub(crate) body: Bytes,
    /// The time-out, the answer's body included.
    pub(crate) attempt_max: Duration,
}

/// Sends parcels.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    policy: Arc<UrlPolicy>,
    permitted: Client,
    listed: Client,
}

// === impl Transport ===

impl Transport {
    pub(crate) fn new(policy: UrlPolicy) -> Result<Self, TransportSetupError> {
        // Somebody else of this process may have installed the same provider already.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let policy = Arc::new(policy);
        let resolver = resolver::system_resolver().map_err(TransportSetupError::Resolver)?;
        let client = |reach| {
            Client::builder()
                .dns_resolver(Arc::new(GuardedResolver::new(resolver.clone(), policy.clone(), reach)))
                .redirect(redirect::Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .referer(false)
                .connect_timeout(CONNECT_MAX)
                .pool_idle_timeout(IDLE_MAX)
                .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
                .build()
                .map_err(TransportSetupError::Client)
        };
        Ok(Self { permitted: client(Reach::Permitted)?, listed: client(Reach::Listed)?, policy })
    }

    /// Sends a parcel once.
    pub(crate) async fn send(&self, parcel: Parcel) -> Result<Answer, SendError> {
        check_url(&parcel.url, &self.policy)?;
        let restricted =
            !self.policy.plain_http && parcel.url.get(..5).is_some_and(|s| s.eq_ignore_ascii_case("http:"));
        let client = if restricted { &self.listed } else { &self.permitted };
        let request = client.post(&parcel.url).headers(parcel.headers).body(parcel.body);
        match tokio::time::timeout(parcel.attempt_max, exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(SendError::TimedOut),
        }
    }
}

async fn exchange(request: reqwest::RequestBuilder) -> Result<Answer, SendError> {
    let mut response = request.send().await.map_err(|error| classify(&error))?;
    let text =
        |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let answer = Answer {
        status: response.status().as_u16(),
        retry_after: text("retry-after"),
        disable: text(DELIVERY_HEADER).is_some_and(|value| value.trim().eq_ignore_ascii_case("disable")),
    };
    // Read to the end so that the connection can be used again; an endpoint that talks on is cut off.
    let mut read_bytes = 0;
    while response.status() != StatusCode::NO_CONTENT && read_bytes <= ANSWER_READ_BYTES_MAX {
        match response.chunk().await {
            Ok(Some(chunk)) => read_bytes += chunk.len(),
            Ok(None) => break,
            Err(error) => return Err(classify(&error)),
        }
    }
    Ok(answer)
}

fn classify(error: &reqwest::Error) -> SendError {
    let mut source = error.source();
    while let Some(inner) = source {
        if inner.is::<AddressRefused>() {
            return SendError::Refused;
        }
        if inner.is::<hickory_resolver::net::NetError>() {
            return SendError::Name;
        }
        source = inner.source();
    }
    if error.is_timeout() {
        SendError::TimedOut
    } else if error.is_connect() {
        SendError::Connect
    } else if error.is_builder() {
        SendError::Invalid
    } else {
        SendError::Broken
    }
}
