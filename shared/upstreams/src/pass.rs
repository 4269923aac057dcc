//! Passing a request on as it came, and its answer back, without holding either.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use berth_runtime::config::UpstreamSettings;
use bytes::Bytes;
use futures::{
    StreamExt as _,
    stream::{BoxStream, try_unfold},
};
use reqwest::{
    Body, Client, Method, Response, StatusCode,
    header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, VIA},
};
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout, timeout_at},
};

use crate::{DEPLOYMENT_HEADER, UpstreamError, headers, http};

/// Requests that are passed to one upstream at once, from the question whether there is room to the end of the answer.
/// Each takes two connections and what their sockets buffer.
const AT_ONCE_MAX: usize = 1_024;
/// How long a connection is kept for the next request: less than the five seconds after which Node.js closes it, since
/// a request that meets the closing is lost and cannot be sent again.
const IDLE_MAX: Duration = Duration::from_secs(4);
/// How long the next piece of an answer may take.
const PIECE_MAX: Duration = Duration::from_mins(1);
/// How long an answer may take from its head to its end.
const ANSWER_BODY_MAX: Duration = Duration::from_mins(10);

const API_KEY: HeaderName = HeaderName::from_static("apikey");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Why a request was not passed on, or why there is no answer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PassError {
    /// As many are under way as may be: nothing was sent, and a retry helps.
    #[error("as many requests are passed on to it as may be")]
    Busy,
    /// The upstream gave no answer that can be passed back.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

/// A body as it comes.
pub type Pieces<E> = BoxStream<'static, Result<Bytes, E>>;

/// A request to pass on.
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// The path and query, beginning with a slash.
    pub target: String,
    /// The headers of the client.
    pub headers: HeaderMap,
    /// The id of the request.
    pub request_id: String,
    /// The body; none if the request has none.
    pub body: Option<Pieces<Box<dyn Error + Send + Sync>>>,
}

/// The head of an answer, and its body.
pub struct Incoming {
    /// The status: any but a redirect.
    pub status: StatusCode,
    /// The headers that a client may see.
    pub headers: HeaderMap,
    /// The body.
    pub body: Pieces<UpstreamError>,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("method", &self.method).finish_non_exhaustive()
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Passes requests on to one upstream.
#[derive(Clone)]
pub struct Passing {
    client: Client,
    base: String,
    key: SecretString,
    deployment: String,
    body_bytes_max: u64,
    room: Arc<Semaphore>,
}

impl fmt::Debug for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passing").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Passing {
    /// Passes on to this upstream, for the deployment with this id.
    pub(crate) fn new(settings: &UpstreamSettings, deployment: &str) -> Result<Self, UpstreamError> {
        let client = http::client().pool_idle_timeout(IDLE_MAX).build().map_err(|_| UpstreamError::Setup)?;
        Ok(Self {
            client,
            base: settings.url.as_str().trim_end_matches('/').to_owned(),
            key: settings.key.clone(),
            deployment: deployment.to_owned(),
            body_bytes_max: settings.body_bytes_max,
            room: Arc::new(Semaphore::new(AT_ONCE_MAX)),
        })
    }

    /// Sends a request with the upstream's key in the place of the client's, and gives the head of the answer. It waits
    /// for that as long as the caller does; the body of the answer is bounded in size and time. Nothing is sent twice.
    pub async fn pass(&self, request: Outgoing) -> Result<Incoming, PassError> {
        let permit = Arc::clone(&self.room).try_acquire_owned().map_err(|_| PassError::Busy)?;
        let Outgoing { method, target, mut headers, request_id, body } = request;
        headers::of_request(&mut headers);
        if body.is_none() {
            headers.remove(CONTENT_LENGTH);
        }
        self.sign(&mut headers, &request_id)?;
        let mut out = self.client.request(method, format!("{}{target}", self.base)).headers(headers);
        if let Some(body) = body {
            out = out.body(Body::wrap_stream(body));
        }
        let response = out.send().await.map_err(|error| {
            let timed_out = error.is_timeout() && !error.is_connect();
            if timed_out { UpstreamError::TimedOut } else { UpstreamError::Unreachable }
        })?;
        self.taken(response, permit).map_err(PassError::Upstream)
    }

    /// Puts the key in, and what tells the upstream who passes this on.
    fn sign(&self, headers: &mut HeaderMap, request_id: &str) -> Result<(), UpstreamError> {
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| UpstreamError::Setup);
        let mut key = value(self.key.expose_secret())?;
        key.set_sensitive(true);
        headers.insert(API_KEY, key);
        headers.insert(HeaderName::from_static(DEPLOYMENT_HEADER), value(&self.deployment)?);
        headers.insert(REQUEST_ID, value(request_id)?);
        headers.append(VIA, HeaderValue::from_static("1.1 berth"));
        Ok(())
    }

    /// The answer, if it is one of those that are passed back.
    fn taken(&self, response: Response, permit: OwnedSemaphorePermit) -> Result<Incoming, UpstreamError> {
        let status = response.status();
        match status.as_u16() {
            300..=399 => return Err(UpstreamError::Redirected),
            // It is Berth's key that is refused: the client's was right.
            401 => return Err(UpstreamError::KeyRefused),
            508 => return Err(UpstreamError::Loop),
            _ => {}
        }
        let mut headers = response.headers().clone();
        headers::of_answer(&mut headers);
        // Of the answer to a HEAD the length is that of a body which does not come.
        if response.content_length().is_some_and(|length| length > self.body_bytes_max) {
            return Err(UpstreamError::TooLarge);
        }
        let reading = Reading {
            response,
            left: self.body_bytes_max,
            deadline: Instant::now() + ANSWER_BODY_MAX,
            _permit: permit,
        };
        Ok(Incoming { status, headers, body: try_unfold(reading, Reading::next).boxed() })
    }
}

/// The body of an answer that is being read.
struct Reading {
    response: Response,
    /// Bytes that may follow.
    left: u64,
    deadline: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, UpstreamError> {
        let chunk = timeout(PIECE_MAX, self.response.chunk());
        let chunk = timeout_at(self.deadline, chunk).await.map_err(|_| UpstreamError::TimedOut)?;
        let chunk = chunk.map_err(|_| UpstreamError::TimedOut)?.map_err(|_| UpstreamError::Unreachable)?;
        let Some(piece) = chunk else { return Ok(None) };
        self.left = self.left.checked_sub(piece.len() as u64).ok_or(UpstreamError::TooLarge)?;
        Ok(Some((piece, self)))
    }
}
