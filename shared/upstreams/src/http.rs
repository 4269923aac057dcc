//! Asking over HTTP, with a bound on everything.

use std::{fmt, sync::Arc, time::Duration};

use berth_runtime::config::UpstreamSettings;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, Response, StatusCode, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use crate::{DEPLOYMENT_HEADER, UpstreamError};

/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// How long an answer may take, its body included: a slow connect of Evolution API takes two seconds.
pub const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Bytes of an answer about one instance.
const ONE_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of an answer about all: about 1.5 KB each.
const ALL_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Questions to one upstream that are under way at once; others wait their turn.
const AT_ONCE_MAX: usize = 16;
/// What stands in a path as it is; all else is encoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Asks one upstream.
#[derive(Clone)]
pub struct Http {
    client: Client,
    base: String,
    key: SecretString,
    deployment: String,
    turns: Arc<Semaphore>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("base", &self.base).finish_non_exhaustive()
    }
}

/// How much may be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// One instance.
    One,
    /// All of them.
    All,
}

impl Http {
    /// A client of an upstream, for the deployment with this id.
    pub fn new(settings: &UpstreamSettings, deployment: &str) -> Result<Self, UpstreamError> {
        let client = client().user_agent(concat!("berth/", env!("CARGO_PKG_VERSION")));
        let client = client.build().map_err(|_| UpstreamError::Setup)?;
        Ok(Self {
            client,
            base: settings.url.as_str().trim_end_matches('/').to_owned(),
            key: settings.key.clone(),
            deployment: deployment.to_owned(),
            turns: Arc::new(Semaphore::new(AT_ONCE_MAX)),
        })
    }

    /// Asks, and gives the JSON of a 2xx.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        about: About,
    ) -> Result<Value, UpstreamError> {
        self.ask_for(method, path, body, about).await
    }

    /// The same of an answer of which only some is read.
    pub async fn ask_for<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        about: About,
    ) -> Result<T, UpstreamError> {
        let deadline = Instant::now() + ANSWER_MAX;
        timeout_at(deadline, self.asked(method, path, body, about))
            .await
            .unwrap_or(Err(UpstreamError::TimedOut))
    }

    /// A request with the key in a header: what stands in an address is in the logs of many.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.base))
            .header("apikey", self.key.expose_secret())
            .header(DEPLOYMENT_HEADER, &self.deployment)
    }

    async fn asked<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        about: About,
    ) -> Result<T, UpstreamError> {
        let _turn = self.turns.acquire().await.map_err(|_| UpstreamError::Unreachable)?;
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| unanswered(&error))?;
        let status = response.status();
        let bytes = read(response, about).await?;
        if let Some(error) = refusal(status) {
            return Err(error);
        }
        serde_json::from_slice(&bytes).map_err(|_| UpstreamError::Unexpected)
    }
}

/// A client that shows the key to the upstream alone.
pub(crate) fn client() -> ClientBuilder {
    // Only a second call in one process is an error, and harmless.
    let _set_before = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .connect_timeout(CONNECT_MAX)
        .redirect(redirect::Policy::none())
        // A proxy would be shown the key.
        .no_proxy()
}

/// An instance's name as it stands in a path or query.
pub fn segment(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}

pub(crate) fn unanswered(error: &reqwest::Error) -> UpstreamError {
    if error.is_timeout() { UpstreamError::TimedOut } else { UpstreamError::Unreachable }
}

pub(crate) fn refusal(status: StatusCode) -> Option<UpstreamError> {
    match status.as_u16() {
        200..=299 => None,
        300..=399 => Some(UpstreamError::Redirected),
        401 | 403 => Some(UpstreamError::KeyRefused),
        404 => Some(UpstreamError::NotFound),
        508 => Some(UpstreamError::Loop),
        other => Some(UpstreamError::Status(other)),
    }
}

/// The body, as far as it may be long.
async fn read(mut response: Response, about: About) -> Result<Vec<u8>, UpstreamError> {
    let max = match about {
        About::One => ONE_BYTES_MAX,
        About::All => ALL_BYTES_MAX,
    };
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| UpstreamError::Unreachable)? {
        if bytes.len() + chunk.len() > max {
            return Err(UpstreamError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
