//! Settings of a process: a flag, else an environment variable, else a key of `berth.toml`, else a default.
//!
//! Every setting stands once in [`keys::KEYS`]; flags, variables, the file and `berth config` follow from
//! there. Everything is read and checked by [`Settings::load`] before anything binds, and a value that
//! cannot be used gives a [`ConfigError`] that names its key.

mod egress;
mod error;
mod faults;
mod file;
pub mod keys;
mod otel;
mod parse;
mod role;
mod show;
mod sources;
mod upstreams;

pub use egress::EgressProxy;
pub use error::{ConfigError, Missing, UnknownVariable};
pub use otel::TraceHeader;
pub use parse::{TOKEN_CHARS_MAX, TOKEN_CHARS_MIN};
pub use role::Role;
pub use show::hide_password;
pub use sources::{CONFIG_FILE, Sources};
pub use upstreams::{UpstreamHear, UpstreamKind, UpstreamMode, UpstreamSettings};

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;
use secrecy::SecretString;

use crate::{Ports, sealing::MasterKey};

/// Everything that can be set, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The HTTP listener.
    pub http: HttpSettings,
    /// Where data lies on this machine.
    pub storage: StorageSettings,
    /// The NATS engine; none is the embedded one.
    pub nats: Option<NatsSettings>,
    /// Keys and tokens.
    pub secrets: SecretSettings,
    /// The evidence of the log.
    pub evidence: EvidenceSettings,
    /// The device driver.
    pub device: DeviceSettings,
    /// What webhooks may reach.
    pub webhooks: WebhookSettings,
    /// What tokens may do in a minute.
    pub rates: RateSettings,
    /// Logging.
    pub log: LogSettings,
    /// Traces.
    pub traces: TraceSettings,
    /// How dialects behave where their servers differ.
    pub dialects: DialectSettings,
    /// Gateways that instances may be on, by name.
    pub upstreams: Vec<UpstreamSettings>,
    /// Processes with a WhatsApp library that links may be run by.
    pub workers: WorkerSettings,
    /// What `berth config` prints.
    shown: show::Shown,
}

/// The HTTP listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The address that `/metrics` is served on instead; none is the same.
    pub metrics: Option<SocketAddr>,
    /// Under which clients reach the gateways, without a slash at the end; none is the address of the gateway.
    pub public_url: Option<String>,
    /// Whether a gateway serves pages for people.
    pub console: ConsolePages,
    /// Connections of clients in all.
    pub connections: usize,
    /// Connections of one address.
    pub connections_per_address: usize,
    /// The certificate that is shown to clients; none for plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// Files in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// A certificate, and those that it rests on.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Whether a gateway serves pages for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsolePages {
    /// At `/console`.
    On,
    /// The path is like any other that nobody has.
    Off,
}

/// Where data lies on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageSettings {
    /// The data folder.
    pub data: PathBuf,
    /// Shards of the log, fixed at the first start of a deployment.
    pub log_shards: u8,
}

/// The NATS engine.
#[derive(Clone, PartialEq, Eq)]
pub struct NatsSettings {
    /// Addresses of servers of one cluster, separated by commas. May contain a password: never print it, use
    /// [`hide_password`].
    pub url: String,
    /// A file with NATS credentials.
    pub creds: Option<PathBuf>,
    /// How the servers are known, and this process to them.
    pub tls: NatsTls,
    /// Replicas of each stream.
    pub replicas: u8,
    /// The name of the process among the members of the deployment; none is that which its folder remembers.
    pub member: Option<String>,
}

/// How NATS servers are known, and a process to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NatsTls {
    /// A file with the certificates that those of the servers rest on; none for those that the system trusts.
    pub ca: Option<PathBuf>,
    /// The certificate that is shown to the servers.
    pub own: Option<TlsFiles>,
}

/// Keys and tokens, as far as they were set.
#[derive(Debug, Clone, Default)]
pub struct SecretSettings {
    /// May manage accounts.
    pub root_key: Option<SecretString>,
    /// The token of the account `default`.
    pub account_token: Option<SecretString>,
    /// Wraps data keys and keys look-ups.
    pub master_key: Option<MasterKey>,
    /// Signs checkpoints of the log: 32 bytes in base64.
    pub evidence_key: Option<SecretString>,
}

/// The evidence of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvidenceSettings {
    /// From one checkpoint to the next.
    pub interval: Duration,
}

/// The device driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceSettings {
    /// Which one.
    pub driver: DeviceDriver,
    /// Divides the simulated driver's times.
    pub time_scale: u32,
}

/// A device driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceDriver {
    /// Pretends to be WhatsApp; for trying and testing.
    Simulated,
    /// Workers with any of the libraries.
    Worker,
}

/// Processes with a WhatsApp library that links may be run by.
#[derive(Debug, Clone, Default)]
pub struct WorkerSettings {
    /// The libraries that they may have; none if there are no workers.
    pub libraries: Vec<String>,
    /// Names or ids of the accounts that may have instances with them; none if all may.
    pub accounts: Option<Vec<String>>,
    /// What they show to the connectors.
    pub token: Option<SecretString>,
}

/// What webhooks may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// Networks that webhooks may reach although they are not global.
    pub allow: Vec<IpNet>,
    /// Whether webhooks may use plain HTTP to any address.
    pub http: PlainHttp,
    /// The ports that they may use.
    pub ports: Ports,
    /// Whoever opens their connections; none if the process does.
    pub proxy: Option<EgressProxy>,
}

/// Whether webhooks may use plain HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainHttp {
    /// Only to [`WebhookSettings::allow`].
    Deny,
    /// To any address.
    Allow,
}

/// What tokens may do in a minute, where 0 is no bound, and at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSettings {
    /// Commands with the token of one instance.
    pub instance_commands: u32,
    /// Commands with all tokens of one account.
    pub account_commands: u32,
    /// Reads with the token of one instance, at each gateway.
    pub instance_reads: u32,
    /// Reads with all tokens of one account, at each gateway.
    pub account_reads: u32,
    /// Commands of all tokens that are under way at once, at each gateway.
    pub commands_at_once: usize,
}

/// Logging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// A tracing filter, such as `info` or `info,berth_webhooks=debug`.
    pub filter: String,
    /// How lines are written.
    pub format: LogFormat,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Traces.
#[derive(Debug, Clone)]
pub struct TraceSettings {
    /// Where spans are sent to, by OTLP over HTTP; none if nothing is traced.
    pub collector: Option<String>,
    /// What each request to the collector has beside its body.
    pub headers: Vec<TraceHeader>,
    /// How long the collector may take for a batch.
    pub timeout: Duration,
    /// Of so many traces that begin here one is recorded.
    pub one_in: u32,
    /// What the process is called there; none for `berth`.
    pub service: Option<String>,
    /// What is said of the process beside that.
    pub attributes: Vec<(String, String)>,
}

/// How dialects behave where their servers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DialectSettings {
    /// How the Evolution dialect answers a logout without a session.
    pub evolution_logout: EvolutionLogout,
}

/// How the Evolution dialect answers a logout without a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvolutionLogout {
    /// With the error that Evolution API gives.
    Strict,
    /// With success.
    Idempotent,
}

// === impl Settings ===

impl Settings {
    /// Reads and checks every setting.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let raw = sources.merge()?;
        let settings = Self::read(&raw)?;
        raw.faults.end()?;
        Ok(settings)
    }

    /// What is set, with defaults where something is noted to be wrong.
    fn read(raw: &sources::Raw) -> Result<Self, ConfigError> {
        let http = HttpSettings {
            listen: raw.parse("http", parse::listen)?,
            metrics: raw.parse_optional("metrics", parse::listen),
            public_url: raw.parse_optional("public_url", parse::public_url),
            console: raw.parse("console", parse::console)?,
            connections: raw.parse("http_connections", |text| parse::number(text, 1, 1_000_000))?,
            connections_per_address: raw
                .parse("http_connections_per_address", |text| parse::number(text, 1, 1_000_000))?,
            tls: tls_files(raw, "http_tls_cert", "http_tls_key"),
            trusted_proxies: raw.parse_optional("trusted_proxies", parse::networks).unwrap_or_default(),
        };
        Ok(Self {
            upstreams: upstreams::checked(&raw.upstreams, &http, &raw.faults),
            http,
            storage: StorageSettings {
                data: raw.parse("data", parse::path)?,
                log_shards: raw.parse("log_shards", |text| parse::number(text, 1, 64))?,
            },
            nats: Self::nats(raw)?,
            secrets: SecretSettings {
                root_key: raw.parse_optional("root_key", parse::token),
                account_token: raw.parse_optional("account_token", parse::token),
                master_key: raw.parse_optional("master_key", parse::master_key),
                evidence_key: raw.parse_optional("evidence_key", parse::evidence_key),
            },
            evidence: EvidenceSettings {
                interval: Duration::from_secs(
                    raw.parse("evidence_interval", |text| parse::number(text, 1, 3_600))?,
                ),
            },
            device: DeviceSettings {
                driver: raw.parse("device_driver", parse::device_driver)?,
                time_scale: raw.parse("device_time_scale", |text| parse::number(text, 1, 100_000))?,
            },
            workers: WorkerSettings {
                libraries: raw.parse_optional("workers", parse::libraries).unwrap_or_default(),
                accounts: raw.parse_optional("worker_accounts", parse::accounts),
                token: raw.parse_optional("worker_token", parse::token),
            },
            webhooks: WebhookSettings {
                allow: raw.parse_optional("webhook_allow", parse::networks).unwrap_or_default(),
                http: raw.parse("webhook_http", parse::plain_http)?,
                ports: raw.parse_optional("webhook_ports", parse::ports).unwrap_or_default(),
                proxy: raw.parse_optional("webhook_proxy", parse::egress_proxy),
            },
            rates: RateSettings {
                instance_commands: raw.parse("rate_instance_commands", parse::rate)?,
                account_commands: raw.parse("rate_account_commands", parse::rate)?,
                instance_reads: raw.parse("rate_instance_reads", parse::rate)?,
                account_reads: raw.parse("rate_account_reads", parse::rate)?,
                commands_at_once: raw.parse("commands_at_once", |text| parse::number(text, 8, 65_536))?,
            },
            log: LogSettings {
                filter: raw.parse("log", parse::filter)?,
                format: raw.parse("log_format", parse::log_format)?,
            },
            traces: otel::traces(raw)?,
            dialects: DialectSettings {
                evolution_logout: raw.parse("evolution_logout", parse::evolution_logout)?,
            },
            shown: raw.shown(),
        })
    }

    fn nats(raw: &sources::Raw) -> Result<Option<NatsSettings>, ConfigError> {
        let creds = raw.parse_optional("nats_creds", parse::existing_file);
        let replicas = raw.parse("nats_replicas", |text| parse::number(text, 1, 5))?;
        let member = raw.parse_optional("member", parse::member);
        let tls = NatsTls {
            ca: raw.parse_optional("nats_tls_ca", parse::existing_file),
            own: tls_files(raw, "nats_tls_cert", "nats_tls_key"),
        };
        let url = raw.parse_optional("nats_url", parse::nats_url);
        if url.is_none() && creds.is_some() && !raw.faults.has("nats_url") {
            let why = "credentials for NATS are set (`nats_creds`), but no server";
            raw.faults.note(ConfigError::missing("nats_url", why));
        }
        Ok(url.map(|url| NatsSettings { url, creds, tls, replicas, member }))
    }

    /// Checks what only some roles need.
    pub fn check(&self, role: Role) -> Result<(), ConfigError> {
        role.check(self)
    }
}

/// A certificate and its key, which make sense together only.
fn tls_files(raw: &sources::Raw, certificate: &'static str, key: &'static str) -> Option<TlsFiles> {
    let found = raw.parse_optional(certificate, parse::existing_file);
    let lacks = |key, why| {
        if !raw.faults.has(key) {
            raw.faults.note(ConfigError::missing(key, why));
        }
        None
    };
    match (found, raw.parse_optional(key, parse::existing_file)) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
        (Some(_), None) => lacks(key, "a certificate is set, but not its key"),
        (None, Some(_)) => lacks(certificate, "the key of a certificate is set, but not that"),
        (None, None) => None,
    }
}

/// Prints a `berth.toml` with the effective values, where each comes from, and no secret.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown.fmt(f)
    }
}

impl fmt::Debug for NatsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsSettings")
            .field("url", &hide_password(&self.url))
            .field("creds", &self.creds)
            .field("tls", &self.tls)
            .field("replicas", &self.replicas)
            .field("member", &self.member)
            .finish()
    }
}
