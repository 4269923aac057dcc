//! Effective values for people, without secrets.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use super::{
    keys::Key,
    upstreams::{self, Given},
};

/// Shown in the place of a secret.
const HIDDEN: &str = "(hidden)";

/// What `berth config` prints: a `berth.toml` with every setting and where it comes from, then what was given and
/// does not count.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    lines: Vec<Line>,
    /// The tables of upstreams; they stand last, since a key behind one would be a part of it.
    upstreams: Vec<String>,
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
        upstreams: &Given,
        ignored: Vec<String>,
    ) -> Self {
        let line = |(key, found): (&'static Key, Option<&(String, String)>)| {
            let value = found.map(|(text, origin)| {
                let text = if key.secret { HIDDEN.to_owned() } else { hide_password(text) };
                (text, origin.clone())
            });
            Line { key, value }
        };
        let upstreams = upstreams.iter().map(|(name, fields)| upstream_lines(name, fields)).collect();
        Self { lines: found.map(line).collect(), upstreams, ignored }
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
        self.upstreams.iter().try_for_each(|lines| f.write_str(lines))
    }
}

fn upstream_lines(name: &str, fields: &BTreeMap<&'static str, (String, String)>) -> String {
    let mut lines = format!("\n[{}.{name}]\n", upstreams::TABLE);
    for (field, (text, origin)) in fields {
        let line = if upstreams::is_secret(field) {
            format!("# {field} = {HIDDEN}")
        } else {
            format!("{field} = {}", toml_text(&hide_password(text)))
        };
        let _infallible = writeln!(lines, "{line:<48} # from {origin}");
    }
    lines
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
