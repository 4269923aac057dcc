//! The contract of the log, in memory.

use std::sync::Arc;

use berth_log::{EventLog, memory::MemoryLog};

struct Fixture {
    log: Arc<dyn EventLog>,
}

#[expect(clippy::unused_async, reason = "other engines start a server here")]
async fn open() -> Fixture {
    Fixture { log: Arc::new(MemoryLog::new(4)) }
}

crate::contract::contract!(open);
