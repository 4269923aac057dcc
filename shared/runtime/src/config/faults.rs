//! Everything that is wrong with the settings, so that nobody has to start once for each.

use std::cell::RefCell;

use super::ConfigError;

/// What was found so far, in the order in which it was looked at.
#[derive(Debug, Default)]
pub(super) struct Faults(RefCell<Vec<ConfigError>>);

impl Faults {
    pub(super) fn note(&self, error: ConfigError) {
        self.0.borrow_mut().push(error);
    }

    /// What came out well; what did not is noted.
    pub(super) fn or_note<T>(&self, result: Result<T, ConfigError>) -> Option<T> {
        result.map_err(|error| self.note(error)).ok()
    }

    /// Whether the value of a setting is among them: what else follows from its absence is no fault of its own.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.borrow().iter().any(|error| matches!(error, ConfigError::Invalid { key, .. } if *key == name))
    }

    /// Nothing if nothing was found.
    pub(super) fn end(&self) -> Result<(), ConfigError> {
        let mut found = self.0.take();
        match found.len() {
            0 | 1 => found.pop().map_or(Ok(()), Err),
            _ => Err(ConfigError::Several(found)),
        }
    }
}
