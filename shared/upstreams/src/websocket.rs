//! A WebSocket to an upstream, opened by the same means as every question: the key is shown to nobody else, a redirect is not
//! followed, and what comes has a bound.

use std::fmt;

use futures::{SinkExt as _, StreamExt as _};
use reqwest::{
    Method, StatusCode, Upgraded,
    header::{
        CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, Utf8Bytes,
        handshake::{client::generate_key, derive_accept_key},
        protocol::{Role, WebSocketConfig},
    },
};

use crate::{
    UpstreamError,
    http::{Http, refusal, unanswered},
};

/// Bytes that are read at once.
const READ_BYTES: usize = 16 * 1024;
/// Bytes that wait for an upstream that does not read.
const UNSENT_BYTES_MAX: usize = 256 * 1024;

/// An open socket.
pub(crate) struct WebSocket(WebSocketStream<Upgraded>);

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebSocket")
    }
}

impl WebSocket {
    /// Opens one at this path, whose messages have at most so many bytes.
    pub(crate) async fn open(http: &Http, path: &str, bytes_max: usize) -> Result<Self, UpstreamError> {
        let key = generate_key();
        let request = http
            .request(Method::GET, path)
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key);
        let response = request.send().await.map_err(|error| unanswered(&error))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(refusal(response.status()).unwrap_or(UpstreamError::Unexpected));
        }
        let accepted = response.headers().get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
        if accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            return Err(UpstreamError::Unexpected);
        }
        let upgraded = response.upgrade().await.map_err(|_| UpstreamError::Unreachable)?;
        let bounds = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(UNSENT_BYTES_MAX)
            .max_message_size(Some(bytes_max))
            .max_frame_size(Some(bytes_max));
        Ok(Self(WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(bounds)).await))
    }

    /// The next text. What is no text is passed over. Nothing is lost if this is dropped.
    pub(crate) async fn next(&mut self) -> Result<Utf8Bytes, UpstreamError> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Close(_))) | None => return Err(UpstreamError::Unreachable),
                Some(Ok(_)) => {}
                Some(Err(Error::Capacity(_))) => return Err(UpstreamError::TooLarge),
                Some(Err(_)) => return Err(UpstreamError::Unreachable),
            }
        }
    }

    /// Sends a text.
    pub(crate) async fn send(&mut self, text: String) -> Result<(), UpstreamError> {
        self.0.send(Message::text(text)).await.map_err(|_| UpstreamError::Unreachable)
    }
}
