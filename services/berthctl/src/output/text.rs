//! Texts that others wrote, made fit for a terminal.

use serde_json::Value;

/// What stands for a character that would do something to the terminal.
const REPLACED: char = '\u{FFFD}';

/// The text without anything that moves the cursor, changes colours or turns the direction of writing.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if is_harmful(c) { REPLACED } else { c }).collect()
}

fn is_harmful(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// A value as it stands in a table.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => clean(text),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => clean(&other.to_string()),
    }
}

/// A moment to the second, without what programs need of it.
pub(crate) fn moment(value: &Value) -> String {
    let text = clean(value.as_str().unwrap_or_default());
    match text.split_once('T') {
        Some((day, time)) => format!("{day} {}", time.split(['.', 'Z']).next().unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_the_cursor_is_replaced() {
        assert_eq!(clean("a\x1b[2Jb\u{9b}c\nd\u{202E}e"), "a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}d\u{FFFD}e");
        assert_eq!(clean("👩‍🚀 ção"), "👩‍🚀 ção", "what is only unusual stays");
    }

    #[test]
    fn a_moment_is_short() {
        assert_eq!(moment(&"2026-11-21T10:07:36.001314Z".into()), "2026-11-21 10:07:36");
        assert_eq!(moment(&"2026-11-21T10:07:36Z".into()), "2026-11-21 10:07:36");
        assert_eq!(moment(&Value::Null), "");
    }
}
