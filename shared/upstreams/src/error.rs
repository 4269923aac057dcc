//! Why an upstream gave no answer that can be used.

use thiserror::Error;

/// An upstream was asked in vain. No text holds what it sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UpstreamError {
    /// The client could not be made.
    #[error("this machine cannot make connections with TLS")]
    Setup,
    /// No connection, or it broke.
    #[error("it cannot be reached")]
    Unreachable,
    /// No whole answer in time.
    #[error("it did not answer in time")]
    TimedOut,
    /// It does not take the key.
    #[error("it refuses the key")]
    KeyRefused,
    /// It says that there is no such instance.
    #[error("it has no such instance")]
    NotFound,
    /// Its Socket.IO is not on.
    #[error("its Socket.IO is not on (WEBSOCKET_ENABLED)")]
    NoSocket,
    /// It answered with another error.
    #[error("it answered with the status {0}")]
    Status(u16),
    /// It sends elsewhere; nobody follows, since the key would go there.
    #[error("it redirects to another address, which is not followed")]
    Redirected,
    /// The answer is larger than any right one.
    #[error("its answer is too large")]
    TooLarge,
    /// The answer is not what its contract says.
    #[error("its answer is not what was expected")]
    Unexpected,
    /// The answer is about another instance.
    #[error("its answer is about another instance")]
    OtherInstance,
    /// It is this deployment.
    #[error("it is this deployment itself: Berth cannot be its own upstream")]
    Loop,
}
