//! The registration for the product's socket server, as it is kept in the block of this dialect.

use berth_proto::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    answers::{SocketEvents, SocketShown},
    call::flag,
    error::CodeChatError,
    find,
    webhook::FLAGS,
};
use crate::{app::Record, http::time::iso_millis};

/// The key of the block.
const KEY: &str = "socket";

/// What is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Socket {
    enabled: bool,
    /// The switches that were set; the others are on.
    events: Map<String, Value>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Socket {
    /// A registration for everything.
    pub(super) fn new(now: Timestamp) -> Self {
        Self { enabled: true, events: Map::new(), created_at: now, updated_at: now }
    }

    /// The registration of an instance.
    pub(super) fn of(record: &Record) -> Option<Self> {
        let kept = find::block(record).remove(KEY)?;
        // Before there was more to keep, it was `true`.
        let early = || (kept == json!(true)).then(|| Self::new(record.state.created_at));
        serde_json::from_value(kept.clone()).ok().or_else(early)
    }

    /// The registration as a body wants it: its switches stand beside `enabled` or in `SocketEvents`.
    pub(super) fn changed(
        mut self,
        body: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Self, CodeChatError> {
        self.enabled = flag(body, "enabled")?.unwrap_or(self.enabled);
        let none = Map::new();
        let inner = match body.get("SocketEvents") {
            None | Some(Value::Null) => &none,
            Some(Value::Object(inner)) => inner,
            Some(_) => return Err(CodeChatError::Invalid("SocketEvents must be an object".to_owned())),
        };
        for given in [body, inner] {
            for name in FLAGS {
                if let Some(on) = flag(given, name)? {
                    self.events.insert(name.to_owned(), json!(on));
                }
            }
        }
        self.updated_at = now;
        Ok(self)
    }
}

/// The block of this dialect with another registration, or none.
pub(super) fn merge(present: Option<Value>, socket: Option<&Socket>) -> Value {
    let mut block = match present {
        Some(Value::Object(block)) => block,
        _ => Map::new(),
    };
    block.remove(KEY);
    if let Some(Ok(kept)) = socket.map(serde_json::to_value) {
        block.insert(KEY.to_owned(), kept);
    }
    Value::Object(block)
}

/// A registration as this dialect shows it.
pub(super) fn shown(record: &Record, socket: &Socket, deleted_at: Option<Timestamp>) -> SocketShown {
    let is_on = |name: &str| socket.events.get(name).and_then(Value::as_bool).unwrap_or(true);
    SocketShown {
        socket_id: find::row_id(record, KEY),
        enabled: socket.enabled,
        socket_events: SocketEvents(
            FLAGS.into_iter().map(|name| (name.to_owned(), json!(is_on(name)))).collect(),
        ),
        created_at: iso_millis(socket.created_at),
        updated_at: iso_millis(socket.updated_at),
        deleted_at: deleted_at.map(iso_millis),
        instance_instance_id: find::shown_id(record),
    }
}
