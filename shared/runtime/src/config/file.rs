//! `berth.toml`: its keys, the text of each value and the line that it stands in.

use std::{collections::BTreeMap, ops::Range, path::Path};

use serde::Deserialize;
use toml::{Spanned, Value};

use super::{
    ConfigError,
    faults::Faults,
    keys::{self, nearest},
    upstreams::{self, Given},
};

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct File {
    /// The settings, by key.
    pub(super) entries: BTreeMap<String, Entry>,
    /// The tables `[upstream.<name>]`.
    pub(super) upstreams: Given,
}

/// A value of the file.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The value as text: texts and numbers as they are, a list separated by commas. None if it is something else.
    pub(super) text: Option<String>,
    /// Where it stands, from 1.
    pub(super) line: usize,
}

/// The tables of upstreams, with the place of each value.
#[derive(Debug, Deserialize)]
struct Tables {
    upstream: BTreeMap<String, BTreeMap<String, Spanned<Value>>>,
}

/// Reads the file. One that need not exist and does not has no entries. What it has and should not is noted.
pub(super) fn read(path: &Path, must_exist: bool, faults: &Faults) -> Result<File, ConfigError> {
    let unreadable = |reason: String| ConfigError::File { path: path.to_owned(), reason };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => {
            return Ok(File::default());
        }
        Err(error) => return Err(unreadable(error.to_string())),
    };
    let mut table: BTreeMap<String, Spanned<Value>> =
        toml::from_str(&text).map_err(|error| unreadable(what_is_wrong(&text, &error)))?;
    let line = |span: Range<usize>| line_of(&text, span.start);
    let upstreams = match table.remove(upstreams::TABLE) {
        Some(tables) => {
            let place = |value: &Spanned<Value>| format!("{} line {}", path.display(), line(value.span()));
            match toml::from_str::<Tables>(&text) {
                Ok(found) => upstreams::of_file(&found.upstream, place, faults),
                Err(_) => {
                    faults.note(upstreams::no_table(place(&tables)));
                    Given::new()
                }
            }
        }
        None => Given::new(),
    };
    let mut unknown: Vec<_> =
        table.iter().filter(|(name, _)| !keys::names().any(|known| known == *name)).collect();
    unknown.sort_unstable_by_key(|(_, value)| value.span().start);
    for (key, value) in unknown {
        faults.note(ConfigError::UnknownKey {
            key: key.clone(),
            line: line(value.span()),
            path: path.to_owned(),
            nearest: nearest(key, keys::names()),
        });
    }
    let entry = |value: Spanned<Value>| Entry { line: line(value.span()), text: text_of(value.get_ref()) };
    Ok(File { entries: table.into_iter().map(|(key, value)| (key, entry(value))).collect(), upstreams })
}

/// The parser's own words and the line. Its full message would quote that line, which may hold a key.
fn what_is_wrong(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().lines().next().unwrap_or_default();
    match error.span() {
        Some(span) => format!("line {}: {message}", line_of(text, span.start)),
        None => message.to_owned(),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// A text or a number as it is, a list separated by commas; none if it is something else.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Array(values) => {
            values.iter().map(text_of).collect::<Option<Vec<_>>>().map(|texts| texts.join(","))
        }
        Value::Boolean(_) | Value::Datetime(_) | Value::Table(_) => None,
    }
}
