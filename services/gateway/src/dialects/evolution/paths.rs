//! The words of this dialect's paths: whose a path is, and what of it may be echoed.

use crate::http::first_segment;

/// The words: those that a path begins with, and then the others.
pub(super) const WORDS: [&str; 23] = [
    "instance",
    "webhook",
    "settings",
    "proxy",
    "websocket",
    "rabbitmq",
    "nats",
    "pusher",
    "sqs",
    "kafka",
    "verify-creds",
    "create",
    "connect",
    "connectionState",
    "fetchInstances",
    "restart",
    "setPresence",
    "logout",
    "delete",
    "set",
    "find",
    "manager",
    "chat",
];
/// How many a path begins with.
const FIRST: usize = 11;

/// Whether a path that no route has is one of this dialect.
pub(crate) fn owns(path: &str) -> bool {
    path == "/" || WORDS.iter().take(FIRST).any(|first| *first == first_segment(path))
}
