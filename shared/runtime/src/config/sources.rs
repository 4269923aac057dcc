//! Where values come from, and which one counts.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Format, Serialized, Toml},
    value::Value,
};

use super::{
    ConfigError,
    keys::{KEYS, Key},
    show::Shown,
};

/// The file that is read if it is there and no other is named.
pub const CONFIG_FILE: &str = "berth.toml";

/// Variables of the tests; never settings.
const TEST_PREFIX: &str = "BERTH_TEST_";
/// Names the configuration file.
const CONFIG_VARIABLE: &str = "BERTH_CONFIG";

/// Where settings are read from. The environment is a parameter, so that a test never has to change its own.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    flags: BTreeMap<&'static str, String>,
    variables: BTreeMap<String, OsString>,
    file: Option<PathBuf>,
}

impl Sources {
    /// No source: defaults only.
    pub fn none() -> Self {
        Self::default()
    }

    /// With these flags, by the key of their setting.
    #[must_use]
    pub fn with_flags(mut self, flags: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        self.flags.extend(flags);
        self
    }

    /// With these environment variables; `std::env::vars_os()` in a process. An empty one counts as not set,
    /// since that is how compose files and units pass on what they do not have.
    #[must_use]
    pub fn with_variables(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let ours = variables.into_iter().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            (name.starts_with("BERTH_") && !value.is_empty()).then_some((name, value))
        });
        self.variables.extend(ours);
        self
    }

    /// With this file, which must exist.
    #[must_use]
    pub fn with_file(mut self, path: Option<PathBuf>) -> Self {
        self.file = path;
        self
    }

    /// Variables that start like ours and are no setting.
    pub(super) fn unknown_variables(&self) -> Vec<String> {
        let known = |name: &str| {
            name == CONFIG_VARIABLE
                || name.starts_with(TEST_PREFIX)
                || KEYS.iter().any(|key| key.variable == name)
        };
        self.variables.keys().filter(|name| !known(name)).cloned().collect()
    }

    /// The value of each setting, from the first source that has one.
    pub(super) fn merge(&self) -> Result<Raw, ConfigError> {
        let (file, must_exist) = self.file();
        let toml = read_toml(&file, must_exist)?;
        let variables = self.texts_of_variables()?;
        let figment = Figment::new()
            .merge(Serialized::globals(toml))
            .merge(Serialized::globals(&variables))
            .merge(Serialized::globals(&self.flags));
        let mut raw = BTreeMap::new();
        for key in &KEYS {
            let origin = if self.flags.contains_key(key.name) {
                format!("the flag --{}", key.flag)
            } else if variables.contains_key(key.name) {
                "the environment".to_owned()
            } else {
                format!("{}", file.display())
            };
            let value = match (figment.find_value(key.name).ok(), key.default) {
                (Some(value), _) => Some((text_of(key, &value, &origin)?, origin)),
                (None, Some(default)) => Some((default.to_owned(), "the default".to_owned())),
                (None, None) => None,
            };
            raw.insert(key.name, (key, value));
        }
        Ok(Raw(raw))
    }

    fn file(&self) -> (PathBuf, bool) {
        match (&self.file, self.variables.get(CONFIG_VARIABLE)) {
            (Some(path), _) => (path.clone(), true),
            (None, Some(path)) => (path.into(), true),
            (None, None) => (CONFIG_FILE.into(), false),
        }
    }

    /// Variables as they were written: guessing that `00123` is a number would change a token.
    fn texts_of_variables(&self) -> Result<BTreeMap<&'static str, String>, ConfigError> {
        let mut texts = BTreeMap::new();
        for key in &KEYS {
            if let Some(value) = self.variables.get(key.variable) {
                let text = value.to_str().ok_or_else(|| ConfigError::Invalid {
                    key: key.name,
                    origin: "the environment".to_owned(),
                    reason: "the value is not UTF-8".to_owned(),
                })?;
                texts.insert(key.name, text.to_owned());
            }
        }
        Ok(texts)
    }
}

fn read_toml(path: &Path, must_exist: bool) -> Result<BTreeMap<String, Value>, ConfigError> {
    let unreadable = |reason: String| ConfigError::File { path: path.to_owned(), reason };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => {
            return Ok(BTreeMap::new());
        }
        Err(error) => return Err(unreadable(error.to_string())),
    };
    // The parser's message quotes the line, which may hold a key.
    let table: BTreeMap<String, Value> = Toml::from_str(&text)
        .map_err(|_quotes_the_line| unreadable("it is not TOML with one value a key".to_owned()))?;
    match table.keys().find(|name| !KEYS.iter().any(|key| key.name == name.as_str())) {
        Some(key) => Err(ConfigError::UnknownKey { key: key.clone(), path: path.to_owned() }),
        None => Ok(table),
    }
}

/// A value as text: texts and numbers as they are, a list separated by commas.
fn text_of(key: &Key, value: &Value, origin: &str) -> Result<String, ConfigError> {
    let plain = |value: &Value| match value {
        Value::String(_, text) => Some(text.clone()),
        Value::Num(_, number) => number
            .to_i128()
            .map(|number| number.to_string())
            .or_else(|| number.to_u128().map(|number| number.to_string()))
            .or_else(|| number.to_f64().map(|number| number.to_string())),
        _ => None,
    };
    let text = match value {
        Value::Array(_, values) => {
            values.iter().map(plain).collect::<Option<Vec<_>>>().map(|texts| texts.join(","))
        }
        value => plain(value),
    };
    text.ok_or_else(|| ConfigError::Invalid {
        key: key.name,
        origin: origin.to_owned(),
        reason: "a text, a number or a list of texts is expected".to_owned(),
    })
}

/// A value and where it came from.
type Found = Option<(String, String)>;

/// The text of each setting, not yet checked.
pub(super) struct Raw(BTreeMap<&'static str, (&'static Key, Found)>);

impl Raw {
    /// A setting that has a default.
    pub(super) fn parse<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        self.parse_optional(key, parse)?
            .ok_or(ConfigError::Missing { key, why: "it has neither a value nor a default" })
    }

    /// A setting that may be absent.
    pub(super) fn parse_optional<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let Some((text, origin)) = self.0.get(key).and_then(|(_, value)| value.as_ref()) else {
            return Ok(None);
        };
        parse(text).map(Some).map_err(|reason| ConfigError::Invalid { key, origin: origin.clone(), reason })
    }

    /// What `berth config` shows.
    pub(super) fn shown(&self) -> Vec<Shown> {
        KEYS.iter()
            .map(|key| Shown::new(key, self.0.get(key.name).and_then(|(_, value)| value.as_ref())))
            .collect()
    }
}
