//! What a process runs, and which settings that needs.

use std::fmt;

use super::{ConfigError, Settings};

/// What a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Every role in one process.
    Serve,
    /// The HTTP edge.
    Gateway,
    /// Decides commands.
    SessionAggregate,
    /// Keeps the views that answer lists.
    Projections,
    /// Delivers webhooks.
    Webhooks,
    /// Owns the device links.
    Connector,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [
        Self::Serve,
        Self::Gateway,
        Self::SessionAggregate,
        Self::Projections,
        Self::Webhooks,
        Self::Connector,
    ];

    /// The word of the subcommand.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Gateway => "gateway",
            Self::SessionAggregate => "session-aggregate",
            Self::Projections => "projections",
            Self::Webhooks => "webhooks",
            Self::Connector => "connector",
        }
    }

    /// Whether a process with this role also does the work of `other`.
    pub fn runs(self, other: Self) -> bool {
        self == Self::Serve || self == other
    }

    pub(super) fn check(self, settings: &Settings) -> Result<(), ConfigError> {
        let secrets = &settings.secrets;
        if settings.nats.is_none() {
            return if self == Self::Serve { Ok(()) } else { Err(ConfigError::RoleNeedsNats { role: self }) };
        }
        if secrets.master_key.is_none() {
            return Err(ConfigError::Missing {
                key: "master_key",
                why: "every process of a deployment on NATS needs the same one",
            });
        }
        if !self.runs(Self::Gateway) {
            return Ok(());
        }
        if secrets.root_key.is_none() {
            return Err(ConfigError::Missing { key: "root_key", why: "a gateway on NATS needs it" });
        }
        if secrets.account_token.is_none() {
            return Err(ConfigError::Missing {
                key: "account_token",
                why: "a gateway on NATS creates the account `default` with it",
            });
        }
        Ok(())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
