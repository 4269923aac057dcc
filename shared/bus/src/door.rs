//! Requests of programs that are no service of this deployment: with headers, in both directions.

use std::{fmt, pin::Pin};

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::port::TransportError;

/// Headers of a request or an answer, by name.
pub type Headers = Vec<(String, String)>;

/// A request that waits for its answer. Dropped without one, the asker runs into its time-out.
#[derive(Debug)]
pub struct Visit {
    /// The subject that it came on: who may ask on it is decided by the bus.
    pub subject: String,
    /// Its headers.
    pub headers: Headers,
    /// What is asked.
    pub payload: Bytes,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Answered>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its headers.
    pub headers: Headers,
    /// What is answered.
    pub payload: Bytes,
}

/// Requests that reach a server, for as long as it holds on to this.
pub type Visits = Pin<Box<dyn Stream<Item = Visit> + Send>>;

/// See the module.
#[async_trait]
pub trait Door: fmt::Debug + Send + Sync + 'static {
    /// Serves a subject filter as a member of a queue group until the token is cancelled; then the requests end with those
    /// that have already arrived here. They also end when what they come on is lost: then it is asked to serve again, after a
    /// pause, and requests that were not answered yet get no answer.
    async fn serve_until(
        &self,
        filter: &str,
        queue: &str,
        until: CancellationToken,
    ) -> Result<Visits, TransportError>;
}
