//! Takes lines off a file.

use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use super::{
    fault::{Fault, Wrong},
    line::{AUDIT_FORMAT, Digest, FORMAT, LINE_BYTES_MAX, Line},
};

/// Where lines come from.
pub(super) type Bytes = Box<dyn AsyncBufRead + Send + Unpin>;

/// A line of a file.
#[derive(Debug)]
pub(super) struct Numbered {
    /// Which one, from 1.
    pub(super) number: u64,
    /// What it says.
    pub(super) line: Line,
    /// The digest of the lines before it.
    pub(super) before: Digest,
}

/// The lines of a file, one after the other.
pub(super) struct Lines {
    from: Bytes,
    buffer: Vec<u8>,
    /// The number of the last line that was read.
    number: u64,
    digest: Digest,
}

impl Lines {
    /// The lines in these bytes.
    pub(super) fn of(from: Bytes) -> Self {
        Self { from, buffer: Vec::new(), number: 0, digest: Digest::default() }
    }

    /// The number of the last line that was read.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// The next line; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Numbered>, Fault> {
        let number = self.number + 1;
        self.buffer.clear();
        let mut bounded = (&mut self.from).take(LINE_BYTES_MAX as u64);
        let read = bounded.read_until(b'\n', &mut self.buffer).await;
        if read.map_err(|error| Wrong::Io(error).at(number))? == 0 {
            return Ok(None);
        }
        let Some(bytes) = self.buffer.strip_suffix(b"\n") else {
            let wrong = if self.buffer.len() < LINE_BYTES_MAX { Wrong::CutOff } else { Wrong::TooLong };
            return Err(if number == 1 { Fault::NotExport } else { wrong.at(number) });
        };
        if number == 1 {
            is_known(bytes)?;
        }
        let line = serde_json::from_slice(bytes).map_err(|error| Wrong::Unreadable(error).at(number))?;
        let before = self.digest;
        self.digest.add(bytes);
        self.number = number;
        Ok(Some(Numbered { number, line, before }))
    }
}

/// Whether the first line is that of an export which this release can import.
fn is_known(first: &[u8]) -> Result<(), Fault> {
    let first: Value = serde_json::from_slice(first).map_err(|_| Fault::NotExport)?;
    if first.get("kind").and_then(Value::as_str) != Some("export") {
        return Err(Fault::NotExport);
    }
    match first.get("version").and_then(Value::as_u64) {
        Some(FORMAT) => Ok(()),
        Some(AUDIT_FORMAT) => Err(Fault::Audit),
        Some(found) if found > FORMAT => Err(Fault::Newer { found }),
        _ => Err(Fault::NotExport),
    }
}
