//! A client of the HTTP API that reads well in a story.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, header::HeaderMap};
use serde_json::Value;

/// How long one request may take.
const REQUEST_MAX: Duration = Duration::from_secs(70);

/// Sends requests to one gateway, with one token.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub bytes: Bytes,
    /// The body as JSON; null if it is none.
    pub body: Value,
    asked: String,
}

/// An HTTP client without a token.
pub(crate) fn http() -> reqwest::Client {
    // Only a second call in one process is an error, and harmless.
    let _set_before = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(REQUEST_MAX).build().expect("an HTTP client")
}

impl Client {
    /// A client of this base address (`http://host:port`) without a token.
    pub fn new(base: impl Into<String>) -> Self {
        Self { http: http(), base: base.into(), headers: Vec::new() }
    }

    /// The same with this bearer token, in the place of the one it had.
    #[must_use]
    pub fn token(&self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// The same with this `Idempotency-Key`.
    #[must_use]
    pub fn keyed(&self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// The same with this header, in the place of the one it had.
    #[must_use]
    pub fn header(&self, name: &str, value: &str) -> Self {
        let mut same = self.clone();
        same.headers.retain(|(known, _)| known != name);
        same.headers.push((name.to_owned(), value.to_owned()));
        same
    }

    /// The address that it asks.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// POST of a JSON body; null sends none.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    /// PUT of a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    /// PATCH of a JSON body.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// Any method.
    ///
    /// # Panics
    /// When no answer comes; [`Self::try_send`] is for stories in which that is right.
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let asked = format!("{method} {path}");
        self.try_send(method, path, body).await.unwrap_or_else(|error| panic!("{asked}: {error:?}"))
    }

    /// Any method; an error if no answer comes.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer, reqwest::Error> {
        let asked = format!("{method} {path}");
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = body.filter(|body| !body.is_null()) {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await?;
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Answer { status, headers, bytes, body, asked })
    }
}

impl Answer {
    /// The JSON body of an answer with this status.
    ///
    /// # Panics
    /// When it has another one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        self.body
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// A header as text, empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
