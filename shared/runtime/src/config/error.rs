//! What can be wrong with a setting.

use std::{fmt::Write as _, path::PathBuf};

use thiserror::Error;

use super::keys;

/// A setting cannot be used. The process exits 64; a retry does not help. Never contains a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// A value is not of its kind.
    #[error("`{key}` ({}) from {origin}: {reason}", keys::variable(key))]
    Invalid {
        /// The key as it stands in `berth.toml`.
        key: &'static str,
        /// Where the value came from.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Settings that are needed here are not set: all of them, so that nobody has to start once for each.
    #[error("{}", missing(_0))]
    Missing(Vec<Missing>),
    /// Several settings cannot be used.
    #[error("these settings cannot be used:{}", lines(_0))]
    Several(Vec<ConfigError>),
    /// Variables start like ours and are no setting.
    #[error("{}", unknown(_0))]
    UnknownVariables(Vec<UnknownVariable>),
    /// The file holds a key that is no setting.
    #[error(
        "`{key}` in {} line {line} is no setting{}; `berth config --help` lists them",
        path.display(),
        meant(*nearest)
    )]
    UnknownKey {
        /// The key.
        key: String,
        /// Its line, from 1.
        line: usize,
        /// The file.
        path: PathBuf,
        /// The setting that it resembles most, if it resembles one.
        nearest: Option<&'static str>,
    },
    /// Something of an upstream cannot be used.
    #[error("the upstream `{name}`{}{}: {reason}", of_field(*field), from(origin.as_deref()))]
    Upstream {
        /// Its name.
        name: String,
        /// Which of its settings; none if it is the name itself.
        field: Option<&'static str>,
        /// Where that came from; none if it is not set.
        origin: Option<String>,
        /// What is wrong with it.
        reason: String,
    },
    /// The file cannot be read or is not TOML.
    #[error("the configuration file {} cannot be read: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// A setting that is needed and not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// The key as it stands in `berth.toml`.
    pub key: &'static str,
    /// Why it is needed.
    pub why: &'static str,
}

/// A variable that starts like ours and is no setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownVariable {
    /// Its name.
    pub name: String,
    /// The variable that it resembles most, if it resembles one.
    pub nearest: Option<&'static str>,
}

impl ConfigError {
    /// One setting is needed and not set.
    pub fn missing(key: &'static str, why: &'static str) -> Self {
        Self::Missing(vec![Missing { key, why }])
    }
}

fn missing(settings: &[Missing]) -> String {
    if let [Missing { key, why }] = settings {
        return format!("`{key}` ({}) is not set: {why}", keys::variable(key));
    }
    let mut text = "these settings are not set:".to_owned();
    for Missing { key, why } in settings {
        let _infallible = write!(text, "\n  `{key}` ({}): {why}", keys::variable(key));
    }
    text
}

fn unknown(variables: &[UnknownVariable]) -> String {
    let words = variables.iter().map(|UnknownVariable { name, nearest }| {
        format!("the variable {name} is no setting of berth{}", meant(*nearest))
    });
    let text = words.collect::<Vec<_>>().join("; ");
    format!("{text}. `berth config --help` lists them; unset what is not meant for berth")
}

fn lines(errors: &[ConfigError]) -> String {
    let mut text = String::new();
    for error in errors {
        let _infallible = write!(text, "\n  {error}");
    }
    text
}

fn from(origin: Option<&str>) -> String {
    origin.map(|origin| format!(" from {origin}")).unwrap_or_default()
}

fn of_field(field: Option<&str>) -> String {
    field.map(|field| format!(", `{field}`")).unwrap_or_default()
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!(" ({nearest} is)")).unwrap_or_default()
}
