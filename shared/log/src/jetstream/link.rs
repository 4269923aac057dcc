//! The connection of a log, and another one in its place when it is gone.
//!
//! A client connects again by itself. But anybody who may publish can send what its task does not survive (a lone carriage
//! return in a header), and a client without its task never answers again.

use std::{
    error::Error,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use async_nats::{
    Client,
    client::FlushErrorKind,
    connection::State,
    jetstream::{Context, context::ContextBuilder},
};
use futures::{FutureExt, future::BoxFuture};
use tokio::sync::Mutex;

use super::{JetStreamLog, REQUEST_WAIT_MAX};

/// Why no other connection could be made.
pub type DialError = Box<dyn Error + Send + Sync>;
/// Makes another connection with the same rights.
pub type Dial = Arc<dyn Fn() -> BoxFuture<'static, Result<Client, DialError>> + Send + Sync>;

/// A connection.
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) context: Context,
}

/// The connection of a log as it is now.
pub(super) struct Links {
    current: RwLock<Arc<Link>>,
    /// None if one that is gone stays gone.
    dial: Option<Dial>,
    /// Held while another one is made: once for all followers.
    dialling: Mutex<()>,
}

impl JetStreamLog {
    pub(super) fn link(&self) -> Arc<Link> {
        self.links.current()
    }
}

// === impl Link ===

impl Link {
    fn new(client: Client) -> Arc<Self> {
        let context = ContextBuilder::new().timeout(REQUEST_WAIT_MAX).build(client.clone());
        Arc::new(Self { client, context })
    }

    /// Whether nothing drives the connection any more. What is only disconnected comes back, and is asked nothing: the
    /// question would wait among the client's commands.
    fn is_gone(&self) -> bool {
        if self.client.connection_state() != State::Connected {
            return false;
        }
        let refused = self.client.flush().now_or_never();
        matches!(refused, Some(Err(error)) if error.kind() == FlushErrorKind::SendError)
    }
}

// === impl Links ===

impl Links {
    pub(super) fn new(client: Client) -> Self {
        Self { current: RwLock::new(Link::new(client)), dial: None, dialling: Mutex::default() }
    }

    pub(super) fn redialled(&self, dial: Dial) -> Self {
        let current = RwLock::new(self.current());
        Self { current, dial: Some(dial), dialling: Mutex::default() }
    }

    pub(super) fn current(&self) -> Arc<Link> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes another connection if this one is gone. If that fails, requests go on failing.
    pub(super) async fn renew(&self) {
        let Some(dial) = self.dial.as_ref().filter(|_| self.current().is_gone()) else { return };
        let _alone = self.dialling.lock().await;
        if !self.current().is_gone() {
            return;
        }
        match dial().await {
            Ok(client) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Link::new(client);
                tracing::warn!(
                    "the connection on which the log is followed was gone for good, and was made anew"
                );
            }
            Err(error) => tracing::debug!(error = &*error as &dyn Error, "no other connection was made"),
        }
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").finish_non_exhaustive()
    }
}
