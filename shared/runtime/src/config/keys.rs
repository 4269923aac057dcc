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
    /// How a file that holds it is named instead, for what is secret or may contain what is.
    pub file: Option<FileTwin>,
    /// What it does.
    pub help: &'static str,
}

/// Names the file that holds a secret: what mounts secrets as files has no variable for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileTwin {
    /// Its key in `berth.toml`.
    pub name: &'static str,
    /// Its environment variable.
    pub variable: &'static str,
    /// Its flag, without the dashes.
    pub flag: &'static str,
}

const fn key(
    name: &'static str,
    variable: &'static str,
    flag: &'static str,
    value: &'static str,
    default: Option<&'static str>,
    help: &'static str,
) -> Key {
    Key { name, variable, flag, value, default, secret: false, file: None, help }
}

macro_rules! secret {
    ($name:literal, $variable:literal, $flag:literal, $value:literal, $help:expr $(,)?) => {
        Key {
            name: $name,
            variable: $variable,
            flag: $flag,
            value: $value,
            default: None,
            secret: true,
            file: Some(FileTwin {
                name: concat!($name, "_file"),
                variable: concat!($variable, "_FILE"),
                flag: concat!($flag, "-file"),
            }),
            help: $help,
        }
    };
}

/// Every setting, in the order in which it is shown.
pub const KEYS: [Key; 54] = [
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
        "metrics",
        "BERTH_METRICS",
        "metrics",
        "ADDRESS",
        None,
        "Address of its own for /metrics, which the other one answers with 404 then, and for /healthz and /readyz \
         too; port 0 takes a free one",
    ),
    key(
        "public_url",
        "BERTH_PUBLIC_URL",
        "public-url",
        "URL",
        None,
        "Address under which clients reach the gateways, for texts that show it; else the listen address",
    ),
    key(
        "console",
        "BERTH_CONSOLE",
        "console",
        "on|off",
        Some("on"),
        "Whether a gateway serves its pages for people at /console",
    ),
    key(
        "http_connections",
        "BERTH_HTTP_CONNECTIONS",
        "http-connections",
        "NUMBER",
        Some("8192"),
        "Connections of clients at once; fewer if the limit of open files does not leave enough for the rest",
    ),
    key(
        "http_connections_per_address",
        "BERTH_HTTP_CONNECTIONS_PER_ADDRESS",
        "http-connections-per-address",
        "NUMBER",
        Some("1024"),
        "Connections of one address (an IPv6 /64) at once; behind a proxy set it to `http_connections`",
    ),
    key(
        "http_tls_cert",
        "BERTH_HTTP_TLS_CERT",
        "http-tls-cert",
        "FILE",
        None,
        "Certificate of the listener in PEM, with those that it rests on: HTTPS instead of HTTP; read again on SIGHUP",
    ),
    key("http_tls_key", "BERTH_HTTP_TLS_KEY", "http-tls-key", "FILE", None, "Its private key in PEM"),
    key(
        "trusted_proxies",
        "BERTH_TRUSTED_PROXIES",
        "trusted-proxies",
        "CIDRS",
        None,
        "Networks of proxies that are believed about whom they ask for (X-Forwarded-For), such as 10.0.0.0/8",
    ),
    key("data", "BERTH_DATA", "data", "FOLDER", Some("./berth-data"), "Data folder"),
    Key {
        // It may contain a password.
        file: Some(FileTwin { name: "nats_url_file", variable: "BERTH_NATS_URL_FILE", flag: "nats-file" }),
        ..key(
            "nats_url",
            "BERTH_NATS_URL",
            "nats",
            "URL",
            None,
            "NATS server, or several of one cluster separated by commas, instead of the embedded engine",
        )
    },
    key("nats_creds", "BERTH_NATS_CREDS", "nats-creds", "FILE", None, "File with NATS credentials"),
    key(
        "nats_tls_ca",
        "BERTH_NATS_TLS_CA",
        "nats-tls-ca",
        "FILE",
        None,
        "Certificates in PEM that those of the NATS servers rest on, for TLS; else those that the system trusts",
    ),
    key(
        "nats_tls_cert",
        "BERTH_NATS_TLS_CERT",
        "nats-tls-cert",
        "FILE",
        None,
        "Certificate in PEM that this process shows to the NATS servers; read at each connection",
    ),
    key("nats_tls_key", "BERTH_NATS_TLS_KEY", "nats-tls-key", "FILE", None, "Its private key in PEM"),
    key(
        "nats_replicas",
        "BERTH_NATS_REPLICAS",
        "nats-replicas",
        "NUMBER",
        Some("1"),
        "Replicas of each stream on NATS; 3 for a cluster",
    ),
    key(
        "member",
        "BERTH_MEMBER",
        "member",
        "NAME",
        None,
        "Name of this process among the members of a deployment on NATS; made and kept in its data folder if not set",
    ),
    secret!(
        "root_key",
        "BERTH_ROOT_KEY",
        "root-key",
        "KEY",
        "Key that may manage accounts. Embedded: generated on the first start. Prefer the variable to the flag",
    ),
    secret!(
        "account_token",
        "BERTH_ACCOUNT_TOKEN",
        "account-token",
        "TOKEN",
        "Token of the account `default`, which is created if it is absent; another token at a later start \
         replaces it. Embedded: generated on the first start",
    ),
    secret!(
        "master_key",
        "BERTH_MASTER_KEY",
        "master-key",
        "BASE64",
        "32 bytes in base64: wraps the data keys and keys the look-ups of tokens. Embedded: generated into the \
         data folder. `openssl rand -base64 32` makes one",
    ),
    secret!(
        "evidence_key",
        "BERTH_EVIDENCE_KEY",
        "evidence-key",
        "BASE64",
        "32 bytes in base64: signs the checkpoints of the log, and nothing else; for session-aggregate. Embedded: \
         generated into the data folder. On NATS nothing is signed without it. `openssl rand -base64 32` makes one",
    ),
    key(
        "evidence_interval",
        "BERTH_EVIDENCE_INTERVAL",
        "evidence-interval",
        "SECONDS",
        Some("60"),
        "Seconds from one checkpoint of the log to the next, 1 to 3600; many commits bring it forward",
    ),
    key(
        "device_driver",
        "BERTH_DEVICE_DRIVER",
        "device-driver",
        "DRIVER",
        Some("simulated"),
        "Driver of the device links that ask for no other: `simulated`, or `worker` for the workers of `workers`",
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
        "workers",
        "BERTH_WORKERS",
        "workers",
        "LIBRARIES",
        None,
        "WhatsApp libraries that workers may have, such as baileys,whatsmeow; for gateways and connectors",
    ),
    key(
        "worker_accounts",
        "BERTH_WORKER_ACCOUNTS",
        "worker-accounts",
        "ACCOUNTS",
        None,
        "Names or ids of the accounts that may have instances with workers; all of them if it is left out",
    ),
    secret!(
        "worker_token",
        "BERTH_WORKER_TOKEN",
        "worker-token",
        "TOKEN",
        "Token that workers show to a connector, which needs it if there are `workers`",
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
        "webhook_ports",
        "BERTH_WEBHOOK_PORTS",
        "webhook-ports",
        "PORTS",
        None,
        "Ports that webhooks may use and no others, such as 443,8443,9000-9999; 443, 80 for http and all from 1024 up if it is \
         left out",
    ),
    secret!(
        "webhook_proxy",
        "BERTH_WEBHOOK_PROXY",
        "webhook-proxy",
        "URL",
        "HTTP proxy that opens the connections of webhooks, such as http://user:password@10.0.0.1:3128: it is asked \
         (CONNECT) for the addresses that were checked, never for names",
    ),
    key(
        "rate_instance_commands",
        "BERTH_RATE_INSTANCE_COMMANDS",
        "rate-instance-commands",
        "NUMBER",
        Some("300"),
        "Commands that an instance token may send in a minute, over all gateways; 0 is no bound",
    ),
    key(
        "rate_account_commands",
        "BERTH_RATE_ACCOUNT_COMMANDS",
        "rate-account-commands",
        "NUMBER",
        Some("30000"),
        "Commands that all tokens of an account together may send in a minute, over all gateways; 0 is no bound",
    ),
    key(
        "rate_instance_reads",
        "BERTH_RATE_INSTANCE_READS",
        "rate-instance-reads",
        "NUMBER",
        Some("6000"),
        "Reads through the native API with an instance token in a minute, at each gateway; 0 is no bound",
    ),
    key(
        "rate_account_reads",
        "BERTH_RATE_ACCOUNT_READS",
        "rate-account-reads",
        "NUMBER",
        Some("600000"),
        "Reads through the native API with all tokens of an account in a minute, at each gateway; 0 is no bound",
    ),
    key(
        "commands_at_once",
        "BERTH_COMMANDS_AT_ONCE",
        "commands-at-once",
        "NUMBER",
        Some("2048"),
        "Commands that a gateway has decided at once. An account may have half of them, a third beside another one and so \
         on, an instance an eighth; more are refused",
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
        "traces",
        "BERTH_TRACES",
        "traces",
        "URL",
        None,
        "Collector that spans are sent to, by OTLP over HTTP, such as http://127.0.0.1:4318; nothing is traced without it",
    ),
    key(
        "traces_one_in",
        "BERTH_TRACES_ONE_IN",
        "traces-one-in",
        "NUMBER",
        Some("1"),
        "Of so many traces that begin here one is recorded; of a client's own its `traceparent` says whether it is",
    ),
    key(
        "otel_endpoint",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "otel-endpoint",
        "URL",
        None,
        "The standard's name of `traces`, which counts before it: /v1/traces is added",
    ),
    key(
        "otel_traces_endpoint",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "otel-traces-endpoint",
        "URL",
        None,
        "The same for traces alone, where spans are sent to exactly; counts before `otel_endpoint`",
    ),
    secret!(
        "otel_headers",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "otel-headers",
        "NAME=VALUE,...",
        "Headers for the collector, values in percent-encoding",
    ),
    secret!(
        "otel_traces_headers",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "otel-traces-headers",
        "NAME=VALUE,...",
        "The same for traces alone; counts before `otel_headers`",
    ),
    key(
        "otel_protocol",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "otel-protocol",
        "http/protobuf",
        None,
        "How the collector is spoken to: in one way only, so that another one is refused",
    ),
    key(
        "otel_timeout",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "otel-timeout",
        "MILLISECONDS",
        Some("5000"),
        "How long the collector may take for a batch",
    ),
    key(
        "otel_service_name",
        "OTEL_SERVICE_NAME",
        "otel-service-name",
        "NAME",
        None,
        "What the process is called in traces; else `service.name` of the attributes, else berth",
    ),
    key(
        "otel_resource_attributes",
        "OTEL_RESOURCE_ATTRIBUTES",
        "otel-resource-attributes",
        "NAME=VALUE,...",
        None,
        "What is said of the process in traces, such as deployment.environment.name=production",
    ),
    key(
        "otel_traces_exporter",
        "OTEL_TRACES_EXPORTER",
        "otel-traces-exporter",
        "otlp|none",
        None,
        "With `none` the standard's endpoint is not sent to",
    ),
    key(
        "otel_traces_sampler",
        "OTEL_TRACES_SAMPLER",
        "otel-traces-sampler",
        "SAMPLER",
        None,
        "parentbased_always_on, or parentbased_traceidratio, which needs its argument",
    ),
    key(
        "otel_traces_sampler_arg",
        "OTEL_TRACES_SAMPLER_ARG",
        "otel-traces-sampler-arg",
        "SHARE",
        None,
        "Share of the traces that begin here; `traces_one_in` counts before it",
    ),
    key(
        "otel_sdk_disabled",
        "OTEL_SDK_DISABLED",
        "otel-sdk-disabled",
        "true|false",
        None,
        "With `true` the standard's endpoint is not sent to",
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
pub(crate) fn variable(name: &str) -> &'static str {
    KEYS.iter().find(|key| key.name == name).map_or("no variable", |key| key.variable)
}

fn twins() -> impl Iterator<Item = FileTwin> {
    KEYS.iter().filter_map(|key| key.file)
}

/// Every key that may stand in `berth.toml`.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|key| key.name).chain(twins().map(|twin| twin.name))
}

/// Every environment variable.
pub(super) fn variables() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|key| key.variable).chain(twins().map(|twin| twin.variable))
}

/// Whether an environment variable that does not begin as ours do is a setting all the same.
pub(super) fn is_of_others(variable: &str) -> bool {
    !variable.starts_with("BERTH_") && variables().any(|own| own == variable)
}

/// The key that an environment variable sets.
pub(super) fn name_of_variable(variable: &str) -> Option<&'static str> {
    names().zip(variables()).find_map(|(name, own)| (own == variable).then_some(name))
}

/// The flag that sets a key.
pub(super) fn flag_of_name(name: &str) -> &'static str {
    let flags = KEYS.iter().map(|key| key.flag).chain(twins().map(|twin| twin.flag));
    names().zip(flags).find_map(|(own, flag)| (own == name).then_some(flag)).unwrap_or("no flag")
}

/// Which of these names is most likely meant; none if all are far off. What a name begins counts first: whoever
/// writes `BERTH_NATS` means `BERTH_NATS_URL`, though `BERTH_DATA` is nearer by its letters.
pub(super) fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    /// Resemblance by Jaro and Winkler from which a name counts as misspelt rather than as another one.
    const ALIKE: f64 = 0.85;
    let known: Vec<_> = known.collect();
    if let Some(begun) = known.iter().find(|own| own.starts_with(&format!("{name}_"))) {
        return Some(begun);
    }
    // What all variables begin with makes none of them alike.
    let own_part = |name: &'_ str| name.strip_prefix("BERTH_").unwrap_or(name).to_owned();
    let alike = known.into_iter().map(|own| (strsim::jaro_winkler(&own_part(name), &own_part(own)), own));
    alike.filter(|(degree, _)| *degree >= ALIKE).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, own)| own)
}

/// A flag for each setting, for every subcommand; hidden where the help shall fit on a screen.
pub fn flags(hidden: bool) -> impl Iterator<Item = Arg> {
    KEYS.iter().flat_map(move |key| {
        let default = key.default.map_or_else(String::new, |default| format!(", default {default}"));
        let help = format!("{} [{}{default}]", key.help, key.variable);
        let arg = flag(key.name, key.flag, key.value, help, hidden);
        let arg = if key.name == "nats_url" { arg.alias("nats-url") } else { arg };
        let file = key.file.map(|twin| {
            let help = format!("File that holds it, instead [{}]", twin.variable);
            flag(twin.name, twin.flag, "FILE", help, hidden)
        });
        std::iter::once(arg).chain(file)
    })
}

fn flag(name: &'static str, flag: &'static str, value: &'static str, help: String, hidden: bool) -> Arg {
    Arg::new(name)
        .long(flag)
        .value_name(value)
        .help(help)
        .help_heading("Settings (flag, else variable, else berth.toml)")
        .hide(hidden)
        .global(hidden)
}

/// The settings that were given as flags.
pub fn given(matches: &ArgMatches) -> Vec<(&'static str, String)> {
    names().filter_map(|name| Some((name, matches.get_one::<String>(name)?.clone()))).collect()
}
