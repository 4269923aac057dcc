//! Subject filters and keys, with the meaning that NATS gives them.

use thiserror::Error;

use crate::port::VOLATILE_VALUE_BYTES_MAX;

/// Whether a filter matches a subject: `*` stands for exactly one token, a last `>` for one or more.
pub fn matches(filter: &str, subject: &str) -> bool {
    let mut tokens = subject.split('.');
    let mut wanted = filter.split('.').peekable();
    while let Some(want) = wanted.next() {
        let token = tokens.next();
        match (want, token) {
            (">", Some(_)) if wanted.peek().is_none() => return true,
            ("*", Some(_)) => {}
            (want, Some(token)) if want == token => {}
            _ => return false,
        }
    }
    tokens.next().is_none()
}

/// A caller of the volatile store broke its rules. A retry does not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidEntry {
    /// The key is empty or has another character, or its dots stand at an end or together.
    #[error("a volatile key is letters, digits, `-`, `_` and single dots inside")]
    Key,
    /// The value is longer than the store takes.
    #[error("a volatile value has at most {VOLATILE_VALUE_BYTES_MAX} bytes")]
    Value,
}

/// Checks the key of a volatile value, so that every adapter takes the same ones.
pub(crate) fn check_key(key: &str) -> Result<(), InvalidEntry> {
    let token = |token: &str| {
        !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if key.split('.').all(token) { Ok(()) } else { Err(InvalidEntry::Key) }
}

/// Checks the length of a volatile value.
pub(crate) const fn check_value(value: &[u8]) -> Result<(), InvalidEntry> {
    if value.len() <= VOLATILE_VALUE_BYTES_MAX { Ok(()) } else { Err(InvalidEntry::Value) }
}

#[cfg(test)]
mod tests {
    use super::{check_key, matches};

    #[test]
    fn filters_match_whole_tokens() {
        for (filter, subject, expected) in [
            ("a.b", "a.b", true),
            ("a.b", "a.bc", false),
            ("a.*", "a.b", true),
            ("a.*", "a", false),
            ("a.*", "a.b.c", false),
            ("*.b", "a.b", true),
            ("a.>", "a.b.c", true),
            ("a.>", "a", false),
            (">", "a", true),
            ("a.*.c.>", "a.b.c.d", true),
            ("a.*.c.>", "a.b.x.d", false),
            ("a", "a.b", false),
        ] {
            assert_eq!(matches(filter, subject), expected, "{filter} on {subject}");
        }
    }

    #[test]
    fn keys_cannot_become_filters() {
        for key in ["code.a1-b_c.0.qr.3", "a"] {
            assert!(check_key(key).is_ok(), "{key}");
        }
        for key in ["", ".", "a.", ".a", "a..b", "*", "a.>", "a b", "ä"] {
            assert!(check_key(key).is_err(), "{key}");
        }
    }
}
