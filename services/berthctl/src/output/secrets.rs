//! What becomes of tokens and secrets in an answer: they are shown to a person at a terminal, or where it was asked
//! for, or kept in a file; never in a pipe or a journal by accident.

use std::{io, mem, path::PathBuf};

use serde_json::{Map, Value};

use crate::{contexts::write_secret, failure::Failure};

/// What stands in the place of one that is not shown.
const HIDDEN: &str = "(hidden: --show-secrets shows it)";
/// Where they stand in answers.
const FIELDS: [&str; 4] = ["token", "secret", "former", "webhook_secrets"];

/// Where tokens and secrets go.
#[derive(Debug)]
pub(crate) struct Secrets {
    shown: bool,
    file: Option<PathBuf>,
}

// === impl Secrets ===

impl Secrets {
    /// Shown or not, and kept in this file or not.
    pub(crate) fn new(shown: bool, file: Option<PathBuf>) -> Result<Self, Failure> {
        match &file {
            Some(path) if path.exists() => Err(Failure::File {
                path: path.clone(),
                what: "exists already".to_owned(),
                advice: "--secrets-to writes a new file: name another one.".to_owned(),
            }),
            _ => Ok(Self { shown: shown && file.is_none(), file }),
        }
    }

    /// Refuses to lose what is shown once.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.shown || self.file.is_some() {
            return Ok(());
        }
        Err(Failure::usage(
            "the answer shows something secret once, and it would be lost",
            "Say where it shall go: --secrets-to FILE keeps it in a new file, --show-secrets shows it.",
        ))
    }

    /// Takes them out of an answer, unless they are shown; says what the person should know.
    pub(crate) fn take(&mut self, answer: &mut Value) -> Result<Vec<String>, Failure> {
        let Some(fields) = answer.as_object_mut() else { return Ok(Vec::new()) };
        let mut found = Map::new();
        for name in FIELDS {
            let Some(value) = fields.get_mut(name) else { continue };
            if value.as_array().is_some_and(Vec::is_empty) {
                continue;
            }
            let kept = if self.shown { value.clone() } else { hide(value) };
            found.insert(name.to_owned(), mem::replace(value, kept));
        }
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let Some(path) = self.file.take() else {
            let note = "the token and the secrets are shown this once: keep them";
            return Ok(if self.shown { vec![note.to_owned()] } else { Vec::new() });
        };
        let is_token_only = found.keys().all(|name| name == "token");
        let text = match found.get("token").and_then(Value::as_str) {
            // So that the file can be named by --token-file.
            Some(token) if is_token_only => format!("{token}\n"),
            _ => format!("{:#}\n", Value::Object(found)),
        };
        match write_secret(&path, text.as_bytes()) {
            Ok(()) => {
                Ok(vec![format!("what is secret is in {}, which only its owner may read", path.display())])
            }
            Err(source) => Err(lost(path, &text, &source)),
        }
    }
}

/// What is shown once must not be lost with a full disk.
fn lost(path: PathBuf, text: &str, source: &io::Error) -> Failure {
    Failure::File {
        path,
        what: format!("cannot be written: {source}"),
        advice: format!("It was done, and this is shown once: {}", text.trim_end()),
    }
}

fn hide(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(hide).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let shown = if FIELDS.contains(&name.as_str()) { HIDDEN.into() } else { value.clone() };
                (name.clone(), shown)
            })
            .collect(),
        _ => HIDDEN.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde_json::json;

    use super::*;

    fn created() -> Value {
        json!({"name": "shop", "token": "t0ken", "webhook_secrets": [{"id": "06", "secret": "whsec_x"}]})
    }

    #[test]
    fn they_are_hidden_unless_somebody_asked() {
        let mut answer = created();
        Secrets::new(false, None).unwrap().take(&mut answer).unwrap();
        let text = answer.to_string();
        assert!(!text.contains("t0ken") && !text.contains("whsec_x") && text.contains("06"), "{text}");
        let mut answer = created();
        Secrets::new(true, None).unwrap().take(&mut answer).unwrap();
        assert_eq!(answer, created());
    }

    #[test]
    fn a_file_of_their_own_has_them_and_nobody_else_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let mut answer = json!({"id": "06", "token": "t0ken"});
        Secrets::new(true, Some(path.clone())).unwrap().take(&mut answer).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "t0ken\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!answer.to_string().contains("t0ken"));
        assert!(Secrets::new(true, Some(path)).is_err(), "nothing is written over");
    }
}
