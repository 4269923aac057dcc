//! The table of settings: the one place where a setting is named.

use clap::{Arg, ArgMatches};

/// A setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its key in `berth.toml`.
    pub name: &'static str,
    /// Its environment variable.
    pub variable: &'static str,
    /// Its flag, without the dashes.
    pub flag: &'static str,
    /// What its value is, for `--help`.
    pub value: &'static str,
    /// Its default; none if it is simply not set.
    pub default: Option<&'static str>,
    /// Whether its value is never shown.
    pub secret: bool,
    /// What it does.
    pub help: &'static str,
}

const fn key(
    name: &'static str,
    variable: &'static str,
    flag: &'static str,
    value: &'static str,
    default: Option<&'static str>,
    help: &'static str,
) -> Key {
    Key { name, variable, flag, value, default, secret: false, help }
}

const fn secret(
    name: &'static str,
    variable: &'static str,
    flag: &'static str,
    value: &'static str,
    help: &'static str,
) -> Key {
    Key { name, variable, flag, value, default: None, secret: true, help }
}

/// Every setting, in the order in which it is shown.
pub const KEYS: [Key; 17] = [
    key(
        "http",
        "BERTH_HTTP",
        "http",
        "ADDRESS",
        Some("127.0.0.1:8480"),
        "Address to listen on. Every role serves /healthz, /readyz and /metrics there, a gateway the API too; \
         port 0 takes a free one",
    ),
    key(
        "public_url",
        "BERTH_PUBLIC_URL",
        "public-url",
        "URL",
        None,
        "Address under which clients reach the gateways, for texts that show it; else the listen address",
    ),
    key("data", "BERTH_DATA", "data", "FOLDER", Some("./berth-data"), "Data folder"),
    key(
        "nats_url",
        "BERTH_NATS_URL",
        "nats",
        "URL",
        None,
        "NATS server, or several of one cluster separated by commas, instead of the embedded engine",
    ),
    key("nats_creds", "BERTH_NATS_CREDS", "nats-creds", "FILE", None, "File with NATS credentials"),
    key(
        "nats_replicas",
        "BERTH_NATS_REPLICAS",
        "nats-replicas",
        "NUMBER",
        Some("1"),
        "Replicas of each stream on NATS; 3 for a cluster",
    ),
    secret(
        "root_key",
        "BERTH_ROOT_KEY",
        "root-key",
        "KEY",
        "Key that may manage accounts. Embedded: generated on the first start. Prefer the variable to the flag",
    ),
    secret(
        "account_token",
        "BERTH_ACCOUNT_TOKEN",
        "account-token",
        "TOKEN",
        "Token of the account `default`, which is created if it is absent; another token at a later start \
         replaces it. Embedded: generated on the first start",
    ),
    secret(
        "master_key",
        "BERTH_MASTER_KEY",
        "master-key",
        "BASE64",
        "32 bytes in base64: wraps the data keys and keys the look-ups of tokens. Embedded: generated into the \
         data folder. `openssl rand -base64 32` makes one",
    ),
    key(
        "device_driver",
        "BERTH_DEVICE_DRIVER",
        "device-driver",
        "DRIVER",
        Some("simulated"),
        "Driver of the device links: `simulated`",
    ),
    key(
        "device_time_scale",
        "BERTH_DEVICE_TIME_SCALE",
        "device-time-scale",
        "NUMBER",
        Some("1"),
        "Divides the simulated driver's QR times",
    ),
    key(
        "webhook_allow",
        "BERTH_WEBHOOK_ALLOW",
        "webhook-allow",
        "CIDRS",
        None,
        "Networks that webhooks may reach although they are not global, such as 127.0.0.0/8,10.1.0.0/16",
    ),
    key(
        "webhook_http",
        "BERTH_WEBHOOK_HTTP",
        "webhook-http",
        "deny|allow",
        Some("deny"),
        "Whether webhooks may use plain http; always allowed to the networks of `webhook_allow`",
    ),
    key(
        "log",
        "BERTH_LOG",
        "log",
        "FILTER",
        Some("info"),
        "Tracing filter, such as info,berth_webhooks=debug",
    ),
    key(
        "log_format",
        "BERTH_LOG_FORMAT",
        "log-format",
        "text|json",
        Some("text"),
        "How log lines are written to the standard error",
    ),
    key(
        "log_shards",
        "BERTH_LOG_SHARDS",
        "log-shards",
        "NUMBER",
        Some("4"),
        "Shards of the event log, 1 to 64; fixed at the first start of a deployment",
    ),
    key(
        "evolution_logout",
        "BERTH_EVOLUTION_LOGOUT",
        "evolution-logout",
        "strict|idempotent",
        Some("strict"),
        "How the Evolution dialect answers a logout without a session: with its error, or with success",
    ),
];

/// The environment variable of a key.
pub(super) fn variable(name: &str) -> &'static str {
    KEYS.iter().find(|key| key.name == name).map_or("no variable", |key| key.variable)
}

/// A flag for each setting, for every subcommand.
pub fn flags() -> impl Iterator<Item = Arg> {
    KEYS.iter().map(|key| {
        let default = key.default.map_or_else(String::new, |default| format!(", default {default}"));
        let arg = Arg::new(key.name)
            .long(key.flag)
            .value_name(key.value)
            .help(format!("{} [{}{default}]", key.help, key.variable))
            .help_heading("Settings (flag, else variable, else berth.toml)")
            .global(true);
        if key.name == "nats_url" { arg.alias("nats-url") } else { arg }
    })
}

/// The settings that were given as flags.
pub fn given(matches: &ArgMatches) -> Vec<(&'static str, String)> {
    KEYS.iter().filter_map(|key| Some((key.name, matches.get_one::<String>(key.name)?.clone()))).collect()
}
