//! What a process runs, and which settings that needs.

use std::fmt;

use super::{ConfigError, DeviceDriver, Settings, error::Missing};

/// What a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
        let on_nats = settings.nats.is_some() || self != Self::Serve;
        let (workers, connector) = (&settings.workers, self.runs(Self::Connector));
        let gateway = self.runs(Self::Gateway);
        let needed = [
            (
                on_nats && settings.nats.is_none(),
                "nats_url",
                "this is one role of a deployment on NATS; `berth serve` runs all of them in one process without NATS",
            ),
            (
                on_nats && secrets.master_key.is_none(),
                "master_key",
                "every process of a deployment on NATS needs the same one; `openssl rand -base64 32` makes one",
            ),
            (
                on_nats && gateway && secrets.root_key.is_none(),
                "root_key",
                "a gateway on NATS needs it; `openssl rand -hex 24` makes one",
            ),
            (
                on_nats && gateway && secrets.account_token.is_none(),
                "account_token",
                "a gateway on NATS creates the account `default` with it; `openssl rand -hex 24` makes one",
            ),
            (
                connector && settings.device.driver == DeviceDriver::Worker && workers.libraries.is_empty(),
                "workers",
                "`device_driver` is `worker`: the libraries that workers may have are expected",
            ),
            (
                connector && !workers.libraries.is_empty() && workers.token.is_none(),
                "worker_token",
                "workers show it to the connector; `openssl rand -hex 24` makes one",
            ),
        ];
        let missing: Vec<_> = needed
            .into_iter()
            .filter_map(|(absent, key, why)| absent.then_some(Missing { key, why }))
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(ConfigError::Missing(missing)) }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
