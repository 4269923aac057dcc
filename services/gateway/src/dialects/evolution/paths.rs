//! The words of this dialect's paths: whose a path is, and what of it may be echoed.

use crate::http::first_segment;

/// The words: those that a path begins with, and then the others.
pub(super) const WORDS: [&str; 38] = [
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
    "message",
    "chat",
    "group",
    "label",
    "call",
    "chatwoot",
    "template",
    "business",
    "typebot",
    "openai",
    "dify",
    "flowise",
    "n8n",
    "evoai",
    "evolutionBot",
    "s3",
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
];
/// How many a path begins with: messaging and its helpers are not here, and clients that ask for them read an error.
const FIRST: usize = 27;

/// Whether a path that no route has is one of this dialect.
pub(crate) fn owns(path: &str) -> bool {
    path == "/" || WORDS.iter().take(FIRST).any(|first| *first == first_segment(path))
}
