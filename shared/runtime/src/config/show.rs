//! Effective values for people, without secrets.

use std::fmt;

use super::keys::Key;

/// Shown in the place of a secret.
const HIDDEN: &str = "(hidden)";

/// What `berth config` prints: a `berth.toml` with every setting and where it comes from, then what was given and
/// does not count.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    lines: Vec<Line>,
    ignored: Vec<String>,
}

#[derive(Debug, Clone)]
struct Line {
    key: &'static Key,
    /// The value, already without secrets, and where it came from.
    value: Option<(String, String)>,
}

impl Shown {
    pub(super) fn new<'a>(
        found: impl Iterator<Item = (&'static Key, Option<&'a (String, String)>)>,
        ignored: Vec<String>,
    ) -> Self {
        let line = |(key, found): (&'static Key, Option<&(String, String)>)| {
            let value = found.map(|(text, origin)| {
                let text = if key.secret { HIDDEN.to_owned() } else { hide_password(text) };
                (text, origin.clone())
            });
            Line { key, value }
        };
        Self { lines: found.map(line).collect(), ignored }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Line { key, value } in &self.lines {
            let (value, origin) = match value {
                // A secret that is hidden would be another one when this is used as a file.
                Some((text, origin)) if key.secret => (format!("# {} = {text}", key.name), origin.as_str()),
                Some((text, origin)) => (format!("{} = {}", key.name, toml_text(text)), origin.as_str()),
                None => (format!("# {} is not set", key.name), "-"),
            };
            writeln!(f, "{value:<48} # {} --{} from {origin}", key.variable, key.flag)?;
        }
        for ignored in &self.ignored {
            writeln!(f, "# ignored: {ignored}")?;
        }
        Ok(())
    }
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
