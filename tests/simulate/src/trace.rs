//! What happened in a run, step by step: the same for the same seed, to the last byte.

use std::{
    collections::VecDeque,
    fmt::{self, Write},
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
    /// None if nobody reads them.
    lines: Option<VecDeque<String>>,
    digest: Digest,
    steps: u64,
}

/// FNV-1a over every line.
#[derive(Debug, Clone, Copy)]
struct Digest(u64);

impl Trace {
    /// One that counts steps and knows whether they are those of another run; its lines are kept if they are to be read.
    pub(crate) fn new(keeps_lines: bool) -> Self {
        let lines = keeps_lines.then(VecDeque::new);
        let inner = Inner { lines, digest: Digest(0xCBF2_9CE4_8422_2325), steps: 0 };
        Self { start: Instant::now(), inner: Mutex::new(inner) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a step of somebody.
    pub(crate) fn step(&self, who: &str, what: fmt::Arguments<'_>) {
        let after = self.start.elapsed().as_secs_f64();
        let mut inner = self.inner();
        inner.steps += 1;
        let line = format_args!("{after:>11.3} {who:<14} {what}");
        // It refuses nothing.
        let _written = inner.digest.write_fmt(line);
        inner.keep(line);
    }

    /// Notes something to be read beside the steps: what a process logs may name folders of this very run.
    pub(crate) fn aside(&self, what: &str) {
        let after = self.start.elapsed().as_secs_f64();
        self.inner().keep(format_args!("{after:>11.3} {what}"));
    }

    pub(crate) fn steps(&self) -> u64 {
        self.inner().steps
    }

    pub(crate) fn digest(&self) -> u64 {
        self.inner().digest.0
    }

    /// The lines that were kept.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.inner().lines.iter().flatten().cloned().collect()
    }
}

impl Inner {
    fn keep(&mut self, line: fmt::Arguments<'_>) {
        let Some(lines) = &mut self.lines else { return };
        if lines.len() >= LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(line.to_string());
    }
}

impl Write for Digest {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for byte in part.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
        Ok(())
    }
}
