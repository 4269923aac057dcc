//! A WebSocket whose client only listens: bounds, heartbeats, and how it ends.

use std::time::Duration;

use axum::{
    extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code},
    http::Extensions,
};
use berth_runtime::http::Allowance;
use bytes::Bytes;
use tokio::time::{Instant, Interval, interval_at, timeout};

use super::metrics::OpenStream;
use crate::app::Failure;

/// Bytes of a client's frame. Nothing is expected of a client, so that more than a ping is not needed.
const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Messages of a client between two heartbeats, pings and pongs among them; with more it is sent away. Each ping is
/// answered, and nothing of what it says is needed.
const HEARD_MAX: u32 = 120;
/// Bytes of a client between two heartbeats, whatever they are: frames that add nothing to a message are no messages.
const HEARD_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes that wait for a client that does not read, beside one frame.
const BUFFER_BYTES_MAX: usize = 256 * 1024;
/// How often an idle socket is pinged, so that nobody on the way takes it for dead.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How long a client may take to take a frame; then the socket ends.
const SEND_MAX: Duration = Duration::from_secs(10);

/// The upgrade with our bounds.
pub(crate) fn bounded(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .max_write_buffer_size(BUFFER_BYTES_MAX)
}

/// The allowance of the connection that a request came on.
pub(crate) fn allowance(of: &Extensions) -> Allowance {
    of.get::<Allowance>().cloned().unwrap_or_default()
}

/// An open socket.
pub(crate) struct Socket {
    inner: WebSocket,
    heartbeat: Interval,
    /// What the client said since the last heartbeat.
    heard: u32,
    /// What it may still send until the next one.
    allowance: Allowance,
    _open: OpenStream,
}

impl Socket {
    /// A socket of a door, on the connection with this allowance.
    pub(crate) fn new(inner: WebSocket, door: &'static str, allowance: Allowance) -> Self {
        let heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        allowance.set(HEARD_BYTES_MAX);
        Self { inner, heartbeat, heard: 0, allowance, _open: OpenStream::of(door) }
    }

    /// Sends a text; false if the client is gone or does not take it in time.
    pub(crate) async fn send_text(&mut self, text: String) -> bool {
        self.send(Message::text(text)).await
    }

    /// Until the client leaves, or is sent away. What it says means nothing; a ping is answered by reading it.
    pub(crate) async fn left(&mut self) {
        loop {
            tokio::select! {
                heard = self.inner.recv() => match heard {
                    Some(Ok(Message::Close(_))) | None => return,
                    Some(Err(_)) if !self.allowance.is_used_up() => return,
                    Some(Ok(_)) if self.heard < HEARD_MAX => self.heard += 1,
                    Some(Ok(_) | Err(_)) => {
                        self.say_goodbye(close_code::POLICY, "too many messages").await;
                        return;
                    }
                },
                _ = self.heartbeat.tick() => {
                    self.heard = 0;
                    self.allowance.set(HEARD_BYTES_MAX);
                    if !self.send(Message::Ping(Bytes::new())).await {
                        return;
                    }
                }
            }
        }
    }

    /// Ends the socket: it said everything, with code 1000.
    pub(crate) async fn end(self) {
        self.close(close_code::NORMAL, "").await;
    }

    /// Ends the socket because of a failure: 1008 with the reason if the permission ended, else 1011.
    pub(crate) async fn end_of(self, failure: &Failure) {
        match failure {
            Failure::Unauthorized | Failure::Forbidden => {
                self.close(close_code::POLICY, "the token is not valid any more").await;
            }
            Failure::NotFound => self.close(close_code::POLICY, "there is no such instance any more").await,
            _ => self.close(close_code::ERROR, "the service is not available").await,
        }
    }

    /// Ends the socket because the process stops: 1001, the client comes back elsewhere.
    pub(crate) async fn end_of_stop(self) {
        self.close(close_code::AWAY, "the service restarts").await;
    }

    async fn close(mut self, code: u16, reason: &'static str) {
        self.say_goodbye(code, reason).await;
    }

    async fn say_goodbye(&mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        self.send(Message::Close(Some(frame))).await;
    }

    async fn send(&mut self, message: Message) -> bool {
        matches!(timeout(SEND_MAX, self.inner.send(message)).await, Ok(Ok(())))
    }
}
