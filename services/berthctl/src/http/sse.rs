//! Server-sent events as they come over the wire.

use std::mem;

/// Bytes of a line; an event of Berth has far less.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Frame {
    /// Its name; empty if it has none.
    pub(super) event: String,
    /// Its data.
    pub(super) data: String,
    /// Its id, if it has one.
    pub(super) id: Option<String>,
}

/// A line is longer than any event of Berth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

/// Makes events of bytes, however they were cut.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    frame: Frame,
    has_data: bool,
}

// === impl Parser ===

impl Parser {
    /// The events that end within these bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Frame>, TooLong> {
        let mut frames = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' => {
                    let line = mem::take(&mut self.line);
                    let line = String::from_utf8_lossy(&line);
                    frames.extend(self.end_of(line.trim_end_matches('\r')));
                }
                byte if self.line.len() < LINE_BYTES_MAX => self.line.push(*byte),
                _ => return Err(TooLong),
            }
        }
        Ok(frames)
    }

    fn end_of(&mut self, line: &str) -> Option<Frame> {
        if line.is_empty() {
            let frame = mem::take(&mut self.frame);
            // An id without data is to be kept, and says nothing.
            return (mem::take(&mut self.has_data) || frame.id.is_some()).then_some(frame);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.frame.event),
            "data" => {
                if mem::replace(&mut self.has_data, true) {
                    self.frame.data.push('\n');
                }
                self.frame.data.push_str(value);
            }
            "id" => self.frame.id = Some(value.to_owned()),
            // A comment keeps the connection alive; a field that is none is to be passed over.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": alive\n\nevent: QrIssued\ndata: {\"version\":3}\nid: 3\n\n\
                          event: end\r\ndata: a\r\ndata: b\r\n\r\nevent: none\n\nid: 4\n\n";

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        let expected = vec![
            Frame { event: "QrIssued".into(), data: "{\"version\":3}".into(), id: Some("3".into()) },
            Frame { event: "end".into(), data: "a\nb".into(), id: None },
            Frame { event: String::new(), data: String::new(), id: Some("4".into()) },
        ];
        for size in 1..STREAM.len() {
            let mut parser = Parser::default();
            let frames: Vec<Frame> =
                STREAM.as_bytes().chunks(size).flat_map(|chunk| parser.push(chunk).unwrap()).collect();
            assert_eq!(frames, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn a_line_without_an_end_is_refused() {
        let mut parser = Parser::default();
        assert_eq!(parser.push(&vec![b'x'; LINE_BYTES_MAX + 1]), Err(TooLong));
    }
}
