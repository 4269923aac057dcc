//! A log that does not say where it ends until a story lets it.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use berth_log::{EventLog, LogRead as _, Position, ReadError, memory::MemoryLog};
use berth_test_support::{Doubled, LogDouble};

/// What is late of it.
#[derive(Debug)]
pub(crate) struct LateLog {
    log: MemoryLog,
    answers: AtomicBool,
}

impl LateLog {
    pub(crate) fn over(log: MemoryLog) -> Doubled<Self> {
        Doubled(Self { log, answers: AtomicBool::default() })
    }

    /// Lets it answer from now on.
    pub(crate) fn answer(&self) {
        self.answers.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl LogDouble for LateLog {
    fn beneath(&self) -> &dyn EventLog {
        &self.log
    }

    async fn end(&self) -> Result<Position, ReadError> {
        if self.answers.load(Ordering::SeqCst) {
            return self.log.end().await;
        }
        Err(ReadError::Unavailable("it is late".into()))
    }
}
