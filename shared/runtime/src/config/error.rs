//! What can be wrong with a setting.

use std::path::PathBuf;

use thiserror::Error;

use super::{Role, keys};

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
    /// A setting that is needed here is not set.
    #[error("`{key}` ({}) is not set: {why}", keys::variable(key))]
    Missing {
        /// The key as it stands in `berth.toml`.
        key: &'static str,
        /// Why it is needed.
        why: &'static str,
    },
    /// The role cannot run on the embedded engine.
    #[error(
        "`nats_url` (BERTH_NATS_URL, --nats) is not set: `berth {role}` runs one role of a deployment on NATS; \
         `berth serve` runs all of them in one process without NATS"
    )]
    RoleNeedsNats {
        /// The role.
        role: Role,
    },
    /// The file holds a key that is no setting.
    #[error("`{key}` in {} is no setting; `berth config` lists them", path.display())]
    UnknownKey {
        /// The key.
        key: String,
        /// The file.
        path: PathBuf,
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
