//! What happened in a run, step by step: the same for the same seed, to the last byte.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;

/// Lines that are kept; of a longer run only the last ones.
const LINES_MAX: usize = 200_000;

/// See the module.
#[derive(Debug)]
pub(crate) struct Trace {
    start: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    lines: std::collections::VecDeque<String>,
    /// FNV-1a over every line.
    digest: u64,
    steps: u64,
}

impl Trace {
    pub(crate) fn new() -> Self {
        let inner =
            Inner { lines: std::collections::VecDeque::new(), digest: 0xCBF2_9CE4_8422_2325, steps: 0 };
        Self { start: Instant::now(), inner: Mutex::new(inner) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a step of somebody.
    pub(crate) fn step(&self, who: &str, what: fmt::Arguments<'_>) {
        let line = format!("{:>11.3} {who:<14} {what}", self.start.elapsed().as_secs_f64());
        let mut inner = self.inner();
        inner.steps += 1;
        for byte in line.bytes() {
            inner.digest = (inner.digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
        inner.keep(line);
    }

    /// Notes something to be read beside the steps: what a process logs may name folders of this very run.
    pub(crate) fn aside(&self, what: &str) {
        let line = format!("{:>11.3} {what}", self.start.elapsed().as_secs_f64());
        self.inner().keep(line);
    }

    pub(crate) fn steps(&self) -> u64 {
        self.inner().steps
    }

    pub(crate) fn digest(&self) -> u64 {
        self.inner().digest
    }

    /// The lines that were kept.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.inner().lines.iter().cloned().collect()
    }
}

impl Inner {
    fn keep(&mut self, line: String) {
        if self.lines.len() >= LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}
