//! The W3C trace context: which trace a piece of work belongs to, and under which span of it.

use std::fmt;

use data_encoding::HEXLOWER;

use crate::entropy::Entropy;

/// Characters of a `traceparent` of version 00.
const CHARS: usize = 55;
/// The flag that says that a trace is recorded.
const SAMPLED: u8 = 1;

/// What a `traceparent` says (W3C Trace Context, level 1): random ids and a flag, nothing of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace: [u8; 16],
    span: [u8; 8],
    /// Whether whoever began the trace records it.
    pub sampled: bool,
}

// === impl TraceContext ===

impl TraceContext {
    /// Reads a `traceparent`; none for anything else. Of a later version the part that version 00 has is read.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, rest) = text.split_at_checked(CHARS)?;
        let mut parts = head.split('-');
        let [version] = hex(parts.next()?)?;
        let trace = hex(parts.next()?)?;
        let span = hex(parts.next()?)?;
        let [flags] = hex(parts.next()?)?;
        let is_whole = parts.next().is_none() && trace != [0; 16] && span != [0; 8];
        let fits = match version {
            0 => rest.is_empty(),
            u8::MAX => false,
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        (is_whole && fits).then_some(Self { trace, span, sampled: flags & SAMPLED != 0 })
    }

    /// A trace that begins here.
    pub(super) fn begun(entropy: &dyn Entropy) -> Self {
        Self { trace: not_zero(entropy), span: not_zero(entropy), sampled: true }
    }

    /// Another span of the same trace.
    pub(super) fn child(self, entropy: &dyn Entropy) -> Self {
        Self { span: not_zero(entropy), ..self }
    }

    /// The id of the trace.
    pub const fn trace(&self) -> &[u8; 16] {
        &self.trace
    }

    /// The id of the span.
    pub const fn span(&self) -> &[u8; 8] {
        &self.span
    }

    /// The id of the trace, as collectors show it.
    pub fn trace_id(&self) -> String {
        HEXLOWER.encode(&self.trace)
    }
}

/// As it stands in the header.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = HEXLOWER.encode(&self.span);
        write!(f, "00-{}-{span}-{:02x}", self.trace_id(), u8::from(self.sampled))
    }
}

/// So many bytes in lower case, as the header is written: one in upper case is none.
fn hex<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

fn not_zero<const BYTES: usize>(entropy: &dyn Entropy) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    entropy.fill(&mut bytes);
    if bytes == [0; BYTES] { [1; BYTES] } else { bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_context_is_read_as_it_is_written() {
        let read = TraceContext::parse(PARENT).unwrap();
        assert!(read.sampled);
        assert_eq!(read.to_string(), PARENT);
        let quiet = PARENT.replace("-01", "-00");
        assert_eq!(TraceContext::parse(&quiet).unwrap().to_string(), quiet);
        let later = format!("cc{}-more", &PARENT[2..]);
        assert_eq!(TraceContext::parse(&later), Some(read), "a later version begins the same");
    }

    #[test]
    fn what_is_no_context_is_none() {
        for other in [
            "",
            "00",
            &PARENT.to_uppercase(),
            &PARENT[..54],
            &format!("{PARENT}-more"),
            &PARENT.replace("00-0a", "ff-0a"),
            &PARENT.replace('b', "g"),
            &PARENT.replace("-b7", "_b7"),
            &PARENT.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &PARENT.replace("b7ad6b7169203331", &"0".repeat(16)),
            &"é".repeat(40),
        ] {
            assert_eq!(TraceContext::parse(other), None, "{other}");
        }
    }
}
