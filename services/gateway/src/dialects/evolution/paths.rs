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
    "s3",
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
/// How many a path begins with.
const FIRST: usize = 27;
/// How many of those are never passed on: what is asked there is answered here. So is `s3`, whose `getMedia` shows the media
/// of any instance that a body names; the others are messaging and its helpers, which only an upstream has.
const OWN: usize = 12;

/// Whether a path is one of those that an upstream answers, where the instance is on one.
pub(super) fn is_passed(path: &str) -> bool {
    WORDS.iter().take(FIRST).skip(OWN).any(|first| *first == first_segment(path))
}

/// Whether a path that no route has is one of this dialect.
pub(crate) fn owns(path: &str) -> bool {
    path == "/" || WORDS.iter().take(FIRST).any(|first| *first == first_segment(path))
}
