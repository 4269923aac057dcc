//! Where values come from, and which one counts.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use super::{
    ConfigError,
    error::UnknownVariable,
    faults::Faults,
    file::{self, Entry},
    keys::{self, KEYS, Key, nearest},
    show::Shown,
    upstreams::{self, Given},
};

/// The file that is read if it is there and no other is named.
pub const CONFIG_FILE: &str = "berth.toml";

/// Variables of the tests; never settings.
const TEST_PREFIX: &str = "BERTH_TEST_";
/// Names the configuration file.
const CONFIG_VARIABLE: &str = "BERTH_CONFIG";
/// What is said of a value that nobody gave.
const DEFAULT_ORIGIN: &str = "the default";
/// Bytes of a file that holds a secret, at most.
const SECRET_FILE_BYTES_MAX: u64 = 4 * 1024;

/// Where settings are read from. The environment is a parameter, so that a test never has to change its own.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    flags: BTreeMap<&'static str, String>,
    variables: BTreeMap<String, OsString>,
    file: Option<PathBuf>,
    ignored: Vec<String>,
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
    /// since that is how compose files and units pass on what they do not have. So do those with which
    /// Kubernetes tells a pod of a service that is called `berth`.
    #[must_use]
    pub fn with_variables(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        for (name, value) in variables {
            let Ok(name) = name.into_string() else { continue };
            let is_ours = name.starts_with("BERTH_") && !name.starts_with(TEST_PREFIX);
            if !is_ours && !keys::is_of_others(&name) {
                continue;
            }
            if value.is_empty() {
                self.ignored.push(format!("{name} is empty"));
            } else if is_service_link(&name) {
                self.ignored.push(format!("{name} tells of a service of Kubernetes"));
            } else {
                self.variables.insert(name, value);
            }
        }
        self
    }

    /// With this file, which must exist.
    #[must_use]
    pub fn with_file(mut self, path: Option<PathBuf>) -> Self {
        self.file = path;
        self
    }

    /// The value of each setting, from the first source that has one, and what is wrong so far. Only a file that cannot
    /// be read ends it: nobody knows what stands in it.
    pub(super) fn merge(&self) -> Result<Raw, ConfigError> {
        let (path, must_exist) = self.file();
        let faults = Faults::default();
        let file = file::read(&path, must_exist, &faults)?;
        let layers =
            [self.texts_of_flags(), self.texts_of_variables(&faults), texts_of_file(&path, &file.entries)];
        let upstreams = upstreams::merged(upstreams::of_variables(&self.variables, &faults), file.upstreams);
        let mut raw = Raw { values: BTreeMap::new(), upstreams, ignored: self.ignored.clone(), faults };
        for key in &KEYS {
            let mut found: Option<(String, String)> = None;
            for layer in &layers {
                let Some((text, origin)) = raw.faults.or_note(value_in(layer, key)).flatten() else {
                    continue;
                };
                match &found {
                    None => found = Some((text, origin)),
                    Some((_, counts)) => {
                        raw.ignored.push(format!("`{}` from {origin}: {counts} counts", key.name));
                    }
                }
            }
            let default = || key.default.map(|default| (default.to_owned(), DEFAULT_ORIGIN.to_owned()));
            raw.values.insert(key.name, (key, found.or_else(default)));
        }
        Ok(raw)
    }

    fn texts_of_flags(&self) -> Layer {
        let text = |(name, text): (&&'static str, &String)| {
            (*name, (Ok(text.clone()), format!("the flag --{}", keys::flag_of_name(name))))
        };
        self.flags.iter().map(text).collect()
    }

    fn file(&self) -> (PathBuf, bool) {
        match (&self.file, self.variables.get(CONFIG_VARIABLE)) {
            (Some(path), _) => (path.clone(), true),
            (None, Some(path)) => (path.into(), true),
            (None, None) => (CONFIG_FILE.into(), false),
        }
    }

    /// Variables as they were written: guessing that `00123` is a number would change a token. One that is no
    /// setting is most likely misspelt, and a process that starts without it is not the one that was meant.
    fn texts_of_variables(&self, faults: &Faults) -> Layer {
        let mut texts = Layer::new();
        let mut unknown = Vec::new();
        for (variable, value) in &self.variables {
            if variable == CONFIG_VARIABLE || variable.starts_with(upstreams::VARIABLE_PREFIX) {
                continue;
            }
            let Some(name) = keys::name_of_variable(variable) else {
                let nearest = nearest(variable, keys::variables())
                    .or_else(|| upstreams::is_like_a_variable(variable).then_some(upstreams::VARIABLE_FORM));
                unknown.push(UnknownVariable { name: variable.clone(), nearest });
                continue;
            };
            let text = value.to_str().map(str::to_owned).ok_or("the value is not UTF-8");
            texts.insert(name, (text, format!("the variable {variable}")));
        }
        if !unknown.is_empty() {
            faults.note(ConfigError::UnknownVariables(unknown));
        }
        texts
    }
}

/// What one source says: by the key of a setting or of the file that holds it, a text (or why it is none) and where it
/// stands.
type Layer = BTreeMap<&'static str, (Result<String, &'static str>, String)>;

fn texts_of_file(path: &Path, entries: &BTreeMap<String, Entry>) -> Layer {
    let text = |Entry { text, line }: &Entry| {
        let text = text.clone().ok_or("a text, a number or a list of texts is expected");
        (text, format!("{} line {line}", path.display()))
    };
    keys::names().filter_map(|name| Some((name, text(entries.get(name)?)))).collect()
}

/// What a source says of a setting: the value itself, or that of the file that it names for a secret.
fn value_in(layer: &Layer, key: &'static Key) -> Result<Option<(String, String)>, ConfigError> {
    let invalid = |origin: &str, reason: String| ConfigError::Invalid {
        key: key.name,
        origin: origin.to_owned(),
        reason,
    };
    let given = |name: &str| match layer.get(name) {
        Some((Ok(text), origin)) => Ok(Some((text.clone(), origin.clone()))),
        Some((Err(reason), origin)) => Err(invalid(origin, (*reason).to_owned())),
        None => Ok(None),
    };
    let in_file = key.file.map(|twin| given(twin.name)).transpose()?.flatten();
    match (given(key.name)?, in_file) {
        (Some((_, origin)), Some((_, other))) => {
            Err(invalid(&origin, format!("a file is named for it too ({other}); one of the two is expected")))
        }
        (Some(found), None) => Ok(Some(found)),
        (None, Some((path, origin))) => {
            let origin = format!("the file {path} ({origin})");
            let text = read_secret(Path::new(&path)).map_err(|reason| invalid(&origin, reason))?;
            Ok(Some((text, origin)))
        }
        (None, None) => Ok(None),
    }
}

/// A secret without the line break at its end, which most editors and tools write.
pub(super) fn read_secret(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|error| format!("it cannot be opened: {error}"))?;
    let mut text = String::new();
    file.take(SECRET_FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| format!("it cannot be read: {error}"))?;
    if text.len() as u64 > SECRET_FILE_BYTES_MAX {
        return Err(format!("it has more than {SECRET_FILE_BYTES_MAX} bytes"));
    }
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

/// Whether Kubernetes sets a variable of this form for a service whose name starts with `berth`: `…_SERVICE_HOST`,
/// `…_SERVICE_PORT`, `…_PORT` and `…_PORT_<number>_<protocol>…`.
///
/// Source: <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>
fn is_service_link(name: &str) -> bool {
    let port = name.find("_PORT_").and_then(|at| name.get(at + "_PORT_".len()..));
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || port.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

/// A value and where it came from.
type Found = Option<(String, String)>;

/// The text of each setting, not yet checked, and what was given and does not count.
#[derive(Debug)]
pub(super) struct Raw {
    values: BTreeMap<&'static str, (&'static Key, Found)>,
    /// What was given of each upstream.
    pub(super) upstreams: Given,
    ignored: Vec<String>,
    /// What is wrong with them, as far as it was looked at.
    pub(super) faults: Faults,
}

impl Raw {
    /// A setting that has a default, which stands for it too where it cannot be used: that is noted.
    pub(super) fn parse<T>(
        &self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let default = || self.values.get(key).and_then(|(key, _)| parse(key.default?).ok());
        self.parse_optional(key, &parse)
            .or_else(default)
            .ok_or_else(|| ConfigError::missing(key, "it has neither a value nor a default"))
    }

    /// A setting that may be absent. One that cannot be used is as good as absent, and noted.
    pub(super) fn parse_optional<T>(
        &self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (text, origin) = self.values.get(key).and_then(|(_, value)| value.as_ref())?;
        let invalid = |reason| ConfigError::Invalid { key, origin: origin.clone(), reason };
        self.faults.or_note(parse(text).map_err(invalid))
    }

    /// Whether nobody gave a setting.
    pub(super) fn is_default(&self, key: &'static str) -> bool {
        let found = self.values.get(key).and_then(|(_, value)| value.as_ref());
        found.is_none_or(|(_, origin)| origin == DEFAULT_ORIGIN)
    }

    /// What `berth config` shows.
    pub(super) fn shown(&self) -> Shown {
        let found = |key: &Key| self.values.get(key.name).and_then(|(_, value)| value.as_ref());
        Shown::new(KEYS.iter().map(|key| (key, found(key))), &self.upstreams, self.ignored.clone())
    }
}
