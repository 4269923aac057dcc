//! Effective values for people, without secrets.

use std::fmt;

use super::keys::Key;

/// Shown in the place of a secret.
const HIDDEN: &str = "(hidden)";

/// A line of `berth config`.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    key: &'static Key,
    /// The value, already without secrets, and where it came from.
    value: Option<(String, String)>,
}

impl Shown {
    pub(super) fn new(key: &'static Key, found: Option<&(String, String)>) -> Self {
        let value = found.map(|(text, origin)| {
            let text = if key.secret { HIDDEN.to_owned() } else { hide_password(text) };
            (text, origin.clone())
        });
        Self { key, value }
    }
}

/// Writes the lines as a `berth.toml`.
pub(super) fn write(f: &mut fmt::Formatter<'_>, lines: &[Shown]) -> fmt::Result {
    for Shown { key, value } in lines {
        let (value, origin) = match value {
            Some((text, origin)) => (format!("{} = {}", key.name, toml_text(text)), origin.as_str()),
            None => (format!("# {} is not set", key.name), "-"),
        };
        writeln!(f, "{value:<48} # {} --{} from {origin}", key.variable, key.flag)?;
    }
    Ok(())
}

/// A basic TOML string; its escapes are those of JSON.
fn toml_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// An address without the user and password in it.
pub fn hide_password(url: &str) -> String {
    let hide = |address: &str| match (address.split_once("://"), address.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{HIDDEN}@{host}"),
        (None, Some((_, host))) => format!("{HIDDEN}@{host}"),
        (_, None) => address.to_owned(),
    };
    url.split(',').map(hide).collect::<Vec<_>>().join(",")
}
