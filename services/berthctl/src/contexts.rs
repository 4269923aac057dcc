//! Deployments that are asked often: `contexts.toml`, which only its owner may read since tokens stand in it.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The file below the folder for settings.
const FILE: &str = "berth/contexts.toml";
/// Permissions of others than the owner.
const OTHERS: u32 = 0o077;

/// Everything that is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contexts {
    /// The one that counts if none is named.
    pub(crate) current: Option<String>,
    /// By their names.
    #[serde(default)]
    pub(crate) contexts: BTreeMap<String, Context>,
}

/// One deployment, and as whom it is asked.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Context {
    /// Its address.
    pub(crate) url: String,
    /// The token itself.
    pub(crate) token: Option<String>,
    /// The file with the token.
    pub(crate) token_file: Option<PathBuf>,
}

// === impl Context ===

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("url", &self.url).finish_non_exhaustive()
    }
}

// === impl Contexts ===

impl Contexts {
    /// Where they are kept.
    pub(crate) fn path() -> Result<PathBuf, Failure> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder =
            variable("XDG_CONFIG_HOME").or_else(|| variable("HOME").map(|home| home.join(".config")));
        folder
            .map(|folder| folder.join(FILE))
            .ok_or_else(|| Failure::usage("there is no folder for contexts", "Set HOME or XDG_CONFIG_HOME."))
    }

    /// What is kept; nothing if there is no file.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => {
                return Err(unusable(path, format!("cannot be read: {error}"), "Look at its permissions."));
            }
        };
        let contexts: Self = toml::from_str(&text).map_err(|error| {
            // The parser's own message would repeat the line, and a token may stand in it.
            let line = error.span().map_or(0, |span| text.get(..span.start).unwrap_or("").lines().count());
            let what = format!("is not as expected near line {}: {}", line.max(1), error.message());
            unusable(path, what, "Mend the line, or delete the file and add the contexts anew.")
        })?;
        let holds_token = contexts.contexts.values().any(|context| context.token.is_some());
        let mode = fs::metadata(path).map_or(0, |data| data.permissions().mode());
        if holds_token && mode & OTHERS != 0 {
            let advice = format!("Tokens stand in it. Run: chmod 600 {}", path.display());
            return Err(unusable(path, "may be read by others than its owner".to_owned(), &advice));
        }
        Ok(contexts)
    }

    /// Writes them into a new file, which then takes the place of the old one.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Failure> {
        let failed =
            |error: io::Error| unusable(path, format!("cannot be written: {error}"), "Is there room?");
        let text = toml::to_string_pretty(self).map_err(io::Error::other).map_err(failed)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        let new = path.with_extension(format!("{}.new", std::process::id()));
        write_secret(&new, text.as_bytes()).map_err(failed)?;
        fs::rename(&new, path).map_err(failed)
    }
}

/// Writes a file that did not exist before and that only its owner may read.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn unusable(path: &Path, what: String, advice: &str) -> Failure {
    Failure::File { path: path.to_owned(), what, advice: advice.to_owned() }
}
