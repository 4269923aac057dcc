//! Settings as an operator meets them: which source counts, what an error says, what is never shown.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use std::ffi::OsString;

use berth_runtime::{
    Ports, Role, Settings,
    config::{
        ConfigError, DeviceDriver, EvolutionLogout, LogFormat, PlainHttp, RateSettings, Sources,
        UpstreamHear, UpstreamMode, keys::KEYS,
    },
};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn from_variables(pairs: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    Settings::load(&Sources::none().with_variables(variables(pairs)))
}

fn from_file(text: &str) -> (TempDir, Sources) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("berth.toml");
    std::fs::write(&path, text).unwrap();
    (folder, Sources::none().with_file(Some(path)))
}

#[test]
fn the_defaults_are_those_of_the_manual() {
    let settings = Settings::load(&Sources::none()).unwrap();
    assert_eq!(settings.http.listen.to_string(), "127.0.0.1:8480");
    assert_eq!(settings.storage.data.to_str(), Some("./berth-data"));
    assert_eq!(settings.storage.log_shards, 4);
    assert_eq!(settings.nats, None);
    assert_eq!(settings.device.driver, DeviceDriver::Simulated);
    assert_eq!(settings.device.time_scale, 1);
    assert_eq!(settings.webhooks.allow, []);
    assert_eq!(settings.webhooks.http, PlainHttp::Deny);
    assert_eq!(settings.log.filter, "info");
    assert_eq!(settings.log.format, LogFormat::Text);
    assert_eq!(settings.dialects.evolution_logout, EvolutionLogout::Strict);
    settings.check(Role::Serve).unwrap();
}

#[test]
fn a_flag_counts_before_a_variable_before_the_file_before_the_default() {
    let (_folder, sources) =
        from_file("http = '127.0.0.1:1'\nlog = 'warn'\nlog_shards = 8\nlog_format = 'json'\n");
    let sources = sources
        .with_variables(variables(&[("BERTH_HTTP", "127.0.0.1:2"), ("BERTH_LOG", "debug")]))
        .with_flags([("http", "127.0.0.1:3".to_owned())]);
    let settings = Settings::load(&sources).unwrap();
    assert_eq!(settings.http.listen.port(), 3);
    assert_eq!(settings.log.filter, "debug");
    assert_eq!(settings.storage.log_shards, 8);
    assert_eq!(settings.log.format, LogFormat::Json);
    let shown = settings.to_string();
    for (key, origin) in [
        ("http", "the flag --http"),
        ("log", "the variable BERTH_LOG"),
        ("log_shards", "berth.toml line 3"),
        ("data", "the default"),
    ] {
        let line = shown.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
        assert!(line.ends_with(origin), "{line}");
    }
}

/// A value of each setting, in their order; `file` is one that exists.
fn values(file: &str) -> [(&'static str, &str); KEYS.len()] {
    [
        ("http", "[::1]:9000"),
        ("metrics", "127.0.0.1:9001"),
        ("public_url", "https://berth.example/"),
        ("console", "off"),
        ("http_connections", "300"),
        ("http_connections_per_address", "30"),
        ("http_tls_cert", file),
        ("http_tls_key", file),
        ("trusted_proxies", "10.0.0.0/8, 192.0.2.1"),
        ("data", "/srv/berth"),
        ("nats_url", "nats://a:4222, nats://b:4222"),
        ("nats_creds", file),
        ("nats_tls_ca", file),
        ("nats_tls_cert", file),
        ("nats_tls_key", file),
        ("nats_replicas", "3"),
        ("member", "eu-west-1"),
        ("root_key", "root-key-of-the-test"),
        ("account_token", "0012300123001230"),
        ("master_key", MASTER_KEY),
        ("evidence_key", MASTER_KEY),
        ("evidence_interval", "5"),
        ("device_driver", "worker"),
        ("device_time_scale", "50"),
        ("workers", "baileys, whatsmeow"),
        ("worker_accounts", "acme"),
        ("worker_token", "token-of-the-workers"),
        ("webhook_allow", "127.0.0.0/8, 10.1.2.3"),
        ("webhook_http", "allow"),
        ("webhook_ports", "443, 9000-9999"),
        ("webhook_proxy", "http://berth:p%40ss@10.0.0.1:3128"),
        ("rate_instance_commands", "0"),
        ("rate_account_commands", "4000000000"),
        ("rate_instance_reads", "5"),
        ("rate_account_reads", "7"),
        ("commands_at_once", "100"),
        ("log", "info,berth=debug"),
        ("log_format", "json"),
        ("traces", "http://collector:4318/"),
        ("traces_one_in", "10"),
        ("otel_endpoint", "http://other:4318"),
        ("otel_traces_endpoint", "http://other:4318/traces"),
        ("otel_headers", "authorization=Basic%20eDp5"),
        ("otel_traces_headers", "authorization=Basic%20eDp6"),
        ("otel_protocol", "http/protobuf"),
        ("otel_timeout", "250"),
        ("otel_service_name", "harbour"),
        ("otel_resource_attributes", "deployment.environment.name=test"),
        ("otel_traces_exporter", "otlp"),
        ("otel_traces_sampler", "parentbased_traceidratio"),
        ("otel_traces_sampler_arg", "0.5"),
        ("otel_sdk_disabled", "false"),
        ("log_shards", "2"),
        ("evolution_logout", "idempotent"),
    ]
}

#[test]
fn every_setting_is_taken_from_a_variable_and_from_the_file() {
    let creds = tempfile::NamedTempFile::new().unwrap();
    let creds = creds.path().to_str().unwrap().to_owned();
    let file = creds.as_str();
    let values = values(file);
    assert_eq!(values.map(|(name, _)| name), KEYS.map(|key| key.name), "the test knows every setting");
    let pairs: Vec<_> = KEYS.iter().zip(values).map(|(key, (_, value))| (key.variable, value)).collect();
    let toml = values.map(|(name, value)| format!("{name} = '{value}'")).join("\n");
    let (_folder, written) = from_file(&toml);
    for settings in [from_variables(&pairs).unwrap(), Settings::load(&written).unwrap()] {
        let nats = settings.nats.as_ref().unwrap();
        assert_eq!(nats.url, "nats://a:4222,nats://b:4222");
        assert_eq!((nats.replicas, nats.member.as_deref()), (3, Some("eu-west-1")));
        assert_eq!(settings.http.public_url.as_deref(), Some("https://berth.example"));
        assert_eq!(settings.http.metrics, Some("127.0.0.1:9001".parse().unwrap()));
        assert_eq!((settings.http.connections, settings.http.connections_per_address), (300, 30));
        assert_eq!(settings.http.trusted_proxies.len(), 2);
        assert_eq!(settings.http.tls.as_ref().unwrap().key.to_str(), Some(file));
        assert_eq!(nats.tls.ca.as_ref().unwrap().to_str(), Some(file));
        assert_eq!(nats.tls.own.as_ref().unwrap().certificate.to_str(), Some(file));
        assert_eq!(settings.device.driver, DeviceDriver::Worker);
        assert_eq!(settings.workers.libraries, ["baileys", "whatsmeow"]);
        assert!(settings.workers.token.is_some());
        assert_eq!(settings.webhooks.allow.len(), 2);
        assert_eq!(settings.webhooks.http, PlainHttp::Allow);
        assert_eq!(settings.webhooks.ports, Ports::These(vec![443..=443, 9_000..=9_999]));
        let proxy = settings.webhooks.proxy.as_ref().unwrap();
        assert_eq!((proxy.address().as_str(), proxy.credentials()), ("10.0.0.1:3128", Some("berth:p@ss")));
        let RateSettings {
            instance_commands,
            account_commands,
            instance_reads,
            account_reads,
            commands_at_once,
        } = settings.rates;
        assert_eq!((instance_commands, account_commands), (0, 4_000_000_000));
        assert_eq!((instance_reads, account_reads, commands_at_once), (5, 7, 100));
        assert_eq!(settings.device.time_scale, 50);
        assert_eq!(settings.traces.collector.as_deref(), Some("http://collector:4318/v1/traces"));
        assert_eq!((settings.traces.one_in, settings.traces.timeout.as_millis()), (10, 250));
        let header = settings.traces.headers.first().unwrap();
        assert_eq!((header.name.as_str(), header.value.expose_secret()), ("authorization", "Basic eDp6"));
        assert_eq!(settings.traces.service.as_deref(), Some("harbour"));
        assert_eq!(settings.traces.attributes.len(), 1);
        assert_eq!(settings.evidence.interval.as_secs(), 5);
        assert_eq!(settings.dialects.evolution_logout, EvolutionLogout::Idempotent);
        let token = settings.secrets.account_token.as_ref().unwrap();
        assert_eq!(secrecy::ExposeSecret::expose_secret(token), "0012300123001230", "a token is no number");
        for role in Role::ALL {
            settings.check(role).unwrap();
        }
    }
}

#[test]
fn a_list_in_the_file_is_a_list() {
    let (_folder, sources) = from_file("webhook_allow = ['127.0.0.0/8', '::1/128']\n");
    assert_eq!(Settings::load(&sources).unwrap().webhooks.allow.len(), 2);
}

#[test]
fn a_value_that_cannot_be_used_names_its_key_and_variable() {
    for (key, bad) in [
        ("http", "8480"),
        ("http", "nowhere:70000"),
        ("public_url", "berth.example"),
        ("nats_url", "http://127.0.0.1:4222"),
        ("nats_url", "nats://"),
        ("nats_creds", "/there/is/no/such/file"),
        ("http_tls_cert", "/there/is/no/such/file"),
        ("nats_tls_ca", "/there/is/no/such/file"),
        ("trusted_proxies", "everybody"),
        ("nats_replicas", "0"),
        ("member", "eu.west"),
        ("root_key", "with a blank in the key"),
        ("account_token", "cais-é-cais-é-cais"),
        ("account_token", "fifteen-letters"),
        ("master_key", "short"),
        ("evidence_key", "short"),
        ("evidence_interval", "0"),
        ("device_driver", "whatsapp"),
        ("device_time_scale", "0"),
        ("workers", "bai/leys"),
        ("worker_token", "fifteen-letters"),
        ("webhook_allow", "127.0.0.1/99"),
        ("webhook_http", "maybe"),
        ("webhook_ports", "443,"),
        ("webhook_ports", "9999-9000"),
        ("webhook_ports", "0-80"),
        ("webhook_proxy", "https://10.0.0.1:3128"),
        ("webhook_proxy", "http://10.0.0.1:3128/path"),
        ("webhook_proxy", "10.0.0.2:3128"),
        ("rate_instance_commands", "-1"),
        ("rate_account_reads", "many"),
        ("commands_at_once", "7"),
        ("log", "berth=shout"),
        ("log_format", "xml"),
        ("traces", "collector:4318"),
        ("traces_one_in", "0"),
        ("log_shards", "65"),
        ("log_shards", "-1"),
        ("evolution_logout", "sometimes"),
    ] {
        let setting = KEYS.iter().find(|setting| setting.name == key).unwrap();
        let error = from_variables(&[(setting.variable, bad)]).unwrap_err().to_string();
        assert!(error.contains(key) && error.contains(setting.variable), "{error}");
        assert!(!setting.secret || !error.contains(bad), "{error} shows a secret");
    }
}

#[test]
fn everything_that_cannot_be_used_is_said_at_once_and_nothing_that_only_follows_from_it() {
    let (_folder, sources) = from_file(
        "log_sharts = 2\nhttp = true\nlog_format = 'xml'\nfoo = 1\nhttp_tls_cert = '/nowhere'\nhttp_tls_key = '/nowhere'\n\
         [upstream.evo]\nurl = 'http://gateway'\nkey = 'k'\npoll_ms = 1\n[upstream.waha]\nurll = 'http://other'\n",
    );
    let sources = sources.with_variables(variables(&[
        ("BERTH_NATS_URL", "http://127.0.0.1:4222"),
        ("BERTH_NATS_CREDS", "/nowhere"),
        ("BERTH_UPSTREM_EVO_URL", "http://gateway"),
        ("BERTH_ROOT_KEY_FILE", "/nowhere"),
    ]));
    let said = Settings::load(&sources).unwrap_err().to_string();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], "these settings cannot be used:");
    let expected = [
        &["`log_sharts`", "berth.toml line 1", "(log_shards is)"][..],
        &["`foo`", "berth.toml line 4", "no setting;"],
        &["BERTH_UPSTREM_EVO_URL", "(BERTH_UPSTREAM_<NAME>_<SETTING> is)"],
        &["`waha`", "berth.toml line 12", "`urll` (`url` is)"],
        &["`http`", "berth.toml line 2", "a text, a number or a list"],
        &["`root_key`", "the file /nowhere", "cannot be opened"],
        &["`http_tls_cert`", "line 5"],
        &["`http_tls_key`", "line 6"],
        &["`nats_creds`", "BERTH_NATS_CREDS"],
        &["`nats_url`", "from the variable BERTH_NATS_URL"],
        &["`log_format`", "line 3"],
        &["the upstream `evo`, `poll_ms` from", "berth.toml line 10", "milliseconds"],
        &["the upstream `waha`, `url`", "the address of the gateway is expected"],
    ];
    for words in expected {
        let has = |line: &&&str| words.iter().all(|word| line.contains(word));
        assert_eq!(lines.iter().filter(has).count(), 1, "{words:?}: {said}");
    }
    assert_eq!(lines.len(), 1 + expected.len(), "{said}");
}

#[test]
fn workers_need_a_token_where_they_come_in() {
    let check = |pairs: &[(&str, &str)], role: Role| from_variables(pairs).unwrap().check(role);
    let libraries = ("BERTH_WORKERS", "baileys");
    let missing = |error: ConfigError| error.to_string();
    assert!(missing(check(&[libraries], Role::Serve).unwrap_err()).contains("BERTH_WORKER_TOKEN"));
    let driver = ("BERTH_DEVICE_DRIVER", "worker");
    assert!(missing(check(&[driver], Role::Serve).unwrap_err()).contains("BERTH_WORKERS"));
    let token = ("BERTH_WORKER_TOKEN", "token-of-the-workers");
    check(&[driver, libraries, token], Role::Serve).unwrap();
    let nats = ("BERTH_NATS_URL", "nats://127.0.0.1:4222");
    let master = ("BERTH_MASTER_KEY", MASTER_KEY);
    assert!(check(&[libraries, nats, master], Role::Connector).is_err());
    check(&[libraries, nats, master], Role::Webhooks).unwrap();
    let shown = from_variables(&[libraries, token]).unwrap().to_string();
    assert!(shown.contains("baileys") && !shown.contains("token-of-the-workers"), "{shown}");
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let settings =
        from_variables(&[("BERTH_HTTP", ""), ("BERTH_NATS_URL", ""), ("BERTH_ROOT_KEY", "")]).unwrap();
    assert_eq!(settings.http.listen.port(), 8480);
    assert_eq!(settings.nats, None);
}

#[test]
fn what_is_misspelt_is_an_error_that_names_what_is_meant() {
    let (_folder, sources) = from_file("log = 'info'\n\nhtpp = '127.0.0.1:1'\n");
    let error = Settings::load(&sources).unwrap_err();
    assert!(
        matches!(&error, ConfigError::UnknownKey { key, line: 3, nearest: Some("http"), .. } if key == "htpp")
    );
    for (variable, meant) in [
        ("BERTH_NATS", "BERTH_NATS_URL"),
        ("BERTH_HTPP", "BERTH_HTTP"),
        ("BERTH_ROOTKEY", "BERTH_ROOT_KEY"),
        ("BERTH_MASTER_KEY_FLIE", "BERTH_MASTER_KEY_FILE"),
        ("BERTH_UPSTREM_EVO1_URL", "BERTH_UPSTREAM_<NAME>_<SETTING>"),
    ] {
        let error = from_variables(&[(variable, "127.0.0.1:1")]).unwrap_err().to_string();
        assert!(error.contains(&format!("{variable} is no setting of berth ({meant} is)")), "{error}");
    }
    let error = from_variables(&[("BERTH_A", "1"), ("BERTH_ZZZZZZ", "2")]).unwrap_err().to_string();
    let far = from_variables(&[("BERTH_FOO", "1")]).unwrap_err().to_string();
    assert!(far.contains("BERTH_FOO is no setting of berth."), "{far}");
    assert!(error.contains("BERTH_A is no") && error.contains("BERTH_ZZZZZZ is no"), "all at once: {error}");
}

#[test]
fn what_is_given_and_does_not_count_is_listed() {
    let (_folder, sources) = from_file("log = 'warn'\n");
    let sources = sources.with_variables(variables(&[
        ("BERTH_LOG", "debug"),
        ("BERTH_HTTP", ""),
        ("BERTH_TEST_X", "1"),
        ("BERTH_SERVICE_HOST", "10.0.0.1"),
        ("BERTH_PORT", "tcp://10.0.0.1:8480"),
        ("BERTH_PORT_8480_TCP_ADDR", "10.0.0.1"),
        ("BERTH_GATEWAY_SERVICE_PORT_HTTP", "8480"),
    ]));
    let shown = Settings::load(&sources).unwrap().to_string();
    for ignored in [
        "# ignored: BERTH_HTTP is empty",
        "# ignored: BERTH_SERVICE_HOST tells of a service of Kubernetes",
        "# ignored: BERTH_PORT tells",
        "# ignored: BERTH_PORT_8480_TCP_ADDR tells",
        "# ignored: BERTH_GATEWAY_SERVICE_PORT_HTTP tells",
        "berth.toml line 1: the variable BERTH_LOG counts",
    ] {
        assert!(shown.contains(ignored), "{ignored} is missing in\n{shown}");
    }
}

#[test]
fn a_secret_may_stand_in_a_file_that_any_source_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root-key");
    std::fs::write(&path, "root-key-of-the-test\r\n").unwrap();
    let path = path.to_str().unwrap();
    let (_folder, file) = from_file(&format!("root_key_file = '{path}'\n"));
    for sources in [
        file,
        Sources::none().with_variables(variables(&[("BERTH_ROOT_KEY_FILE", path)])),
        Sources::none().with_flags([("root_key_file", path.to_owned())]),
    ] {
        let settings = Settings::load(&sources).unwrap();
        let key = settings.secrets.root_key.as_ref().unwrap();
        assert_eq!(secrecy::ExposeSecret::expose_secret(key), "root-key-of-the-test");
        assert!(settings.to_string().contains(path), "where it comes from is shown");
    }
    let both =
        from_variables(&[("BERTH_ROOT_KEY_FILE", path), ("BERTH_ROOT_KEY", "another-key-of-the-test")]);
    let error = both.unwrap_err().to_string();
    assert!(error.contains("BERTH_ROOT_KEY_FILE") && error.contains("one of the two"), "{error}");
    let url = folder.path().join("nats-url");
    std::fs::write(&url, "nats://berth:secret-of-nats@a:4222\n").unwrap();
    let on_nats = from_variables(&[("BERTH_NATS_URL_FILE", url.to_str().unwrap())]).unwrap();
    assert_eq!(on_nats.nats.as_ref().unwrap().url, "nats://berth:secret-of-nats@a:4222");
    assert!(!on_nats.to_string().contains("secret-of-nats"), "an address is shown without its password");
    let higher = Sources::none()
        .with_variables(variables(&[("BERTH_ROOT_KEY_FILE", path)]))
        .with_flags([("root_key", "another-key-of-the-test".to_owned())]);
    assert!(Settings::load(&higher).unwrap().to_string().contains("the flag --root-key counts"));
}

#[test]
fn a_file_of_a_secret_that_cannot_be_used_is_named_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let large = folder.path().join("large");
    std::fs::write(&large, "very-secret".repeat(1_000)).unwrap();
    let short = folder.path().join("short");
    std::fs::write(&short, "very-secret").unwrap();
    for path in [large, short, folder.path().join("absent"), folder.path().to_owned()] {
        let path = path.to_str().unwrap();
        let error = from_variables(&[("BERTH_ACCOUNT_TOKEN_FILE", path)]).unwrap_err().to_string();
        assert!(error.contains("account_token") && error.contains(path), "{error}");
        assert!(!error.contains("very-secret"), "{error}");
    }
}

#[test]
fn a_file_that_is_named_must_exist_and_be_toml() {
    let missing = Sources::none().with_variables(variables(&[("BERTH_CONFIG", "/there/is/no/berth.toml")]));
    assert!(matches!(Settings::load(&missing), Err(ConfigError::File { .. })));
    let (_folder, broken) = from_file("root_key = 'very-secret\n");
    let error = Settings::load(&broken).unwrap_err().to_string();
    assert!(error.contains("berth.toml") && !error.contains("very-secret"), "{error}");
    for broken in
        ["log = 'info'\nroot_key = very-secret\n", "log = 'info'\n[very-secret\n", "log = 1\nlog = 2\n"]
    {
        let (_folder, broken) = from_file(broken);
        let error = Settings::load(&broken).unwrap_err().to_string();
        assert!(error.contains("line 2: ") && !error.contains("very-secret"), "{error}");
    }
    let (_folder, strange) = from_file("log = 'info'\nlog_shards = true\n");
    let error = Settings::load(&strange).unwrap_err().to_string();
    assert!(error.contains("log_shards") && error.contains("line 2"), "{error}");
}

#[test]
fn no_secret_is_shown() {
    let settings = from_variables(&[
        ("BERTH_NATS_URL", "nats://captain:s3cret-of-nats@10.0.0.1:4222"),
        ("BERTH_ROOT_KEY", "s3cret-root-of-mine"),
        ("BERTH_ACCOUNT_TOKEN", "s3cret-account-token"),
        ("BERTH_MASTER_KEY", MASTER_KEY),
    ])
    .unwrap();
    for text in [settings.to_string(), format!("{settings:?}"), format!("{settings:#?}")] {
        for secret in ["s3cret", MASTER_KEY] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("10.0.0.1:4222"), "{text}");
    }
}

#[test]
fn what_is_shown_is_a_file_that_gives_the_same_settings() {
    let settings =
        from_variables(&[("BERTH_LOG", "info,berth=debug"), ("BERTH_DATA", "C:\\\"berth\"")]).unwrap();
    let (_folder, sources) = from_file(&settings.to_string());
    let again = Settings::load(&sources).unwrap();
    assert_eq!(again.storage, settings.storage);
    assert_eq!(again.log, settings.log);
}

#[test]
fn a_role_without_nats_says_what_to_do_instead() {
    let settings = Settings::load(&Sources::none()).unwrap();
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Serve) {
        let error = settings.check(role).unwrap_err().to_string();
        assert!(error.contains("BERTH_NATS_URL") && error.contains("berth serve"), "{error}");
        assert!(error.contains("BERTH_MASTER_KEY"), "what is missing besides is said at once: {error}");
    }
}

#[test]
fn on_nats_the_keys_must_be_given() {
    let nats = ("BERTH_NATS_URL", "nats://127.0.0.1:4222");
    let keys = [
        ("BERTH_MASTER_KEY", MASTER_KEY),
        ("BERTH_ROOT_KEY", "root-key-of-the-test"),
        ("BERTH_ACCOUNT_TOKEN", "token-of-the-test"),
    ];
    let error = from_variables(&[nats]).unwrap().check(Role::Gateway).unwrap_err().to_string();
    for (variable, _) in keys {
        assert!(error.contains(variable), "all are named at once: {error}");
    }
    let error =
        from_variables(&[nats, keys[0], keys[1]]).unwrap().check(Role::Serve).unwrap_err().to_string();
    assert!(error.starts_with("`account_token` (BERTH_ACCOUNT_TOKEN) is not set"), "{error}");
    let settings = from_variables(&[nats, keys[0], keys[1], keys[2]]).unwrap();
    settings.check(Role::Gateway).unwrap();
    settings.check(Role::Serve).unwrap();
}

#[test]
fn a_role_that_is_no_gateway_does_without_the_keys_of_the_gateway() {
    let settings =
        from_variables(&[("BERTH_NATS_URL", "nats://127.0.0.1:4222"), ("BERTH_MASTER_KEY", MASTER_KEY)])
            .unwrap();
    settings.check(Role::Connector).unwrap();
}

#[test]
fn an_upstream_is_a_table_or_variables_which_count_first() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "key-from-a-file\n").unwrap();
    let text = format!(
        "log = 'warn'\n[upstream.evo1]\nkind = 'evolution'\nurl = 'http://10.0.0.1:8080/'\nkey_file = '{}'\n\
         mode = 'observe'\naccounts = ['default', 'acme']\n",
        key.display()
    );
    let (_folder, sources) = from_file(&text);
    let settings = Settings::load(&sources).unwrap();
    let [one] = settings.upstreams.as_slice() else { panic!("one") };
    assert_eq!((one.name.as_str(), one.url.as_str()), ("evo1", "http://10.0.0.1:8080/"));
    assert_eq!(
        (one.mode, one.accounts.as_slice()),
        (UpstreamMode::Observe, ["default", "acme"].map(String::from).as_slice())
    );
    assert_eq!(one.key.expose_secret(), "key-from-a-file");
    assert_eq!((one.body_bytes_max, one.hear), (136 * 1024 * 1024, UpstreamHear::Poll));

    let given = [
        ("BERTH_UPSTREAM_EVO1_MODE", "drive"),
        ("BERTH_UPSTREAM_EVO1_KEY", "key-from-a-variable"),
        ("BERTH_UPSTREAM_EVO1_BODY_MIB", "2"),
        ("BERTH_UPSTREAM_EVO1_HEAR", "socket"),
        ("BERTH_UPSTREAM_EVO1_ANSWER_S", "7"),
    ];
    let settings = Settings::load(&sources.with_variables(variables(&given))).unwrap();
    assert_eq!(settings.upstreams[0].mode, UpstreamMode::Drive);
    assert_eq!(settings.upstreams[0].key.expose_secret(), "key-from-a-variable");
    assert_eq!(settings.upstreams[0].body_bytes_max, 2 * 1024 * 1024);
    assert_eq!(settings.upstreams[0].hear, UpstreamHear::Socket);
    assert_eq!(settings.upstreams[0].answer_max.as_secs(), 7);
    let shown = settings.to_string();
    assert!(shown.contains("[upstream.evo1]") && shown.contains("mode = \"drive\""), "{shown}");
    assert!(shown.contains("body_mib = \"2\"") && shown.contains("hear = \"socket\""), "{shown}");
    assert!(!shown.contains("key-from"), "{shown}");
    assert!(!format!("{settings:?}").contains("key-from"));
    shown.parse::<toml::Table>().unwrap();
}

#[test]
fn an_upstream_that_cannot_be_one_is_refused_with_a_sentence() {
    let refused = |pairs: &[(&str, &str)]| {
        let pairs: Vec<_> =
            pairs.iter().map(|(field, value)| (format!("BERTH_UPSTREAM_{field}"), *value)).collect();
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        from_variables(&pairs).unwrap_err().to_string()
    };
    let with_url = |url| refused(&[("EVO_URL", url), ("EVO_KEY", "secret-key")]);
    for (url, says) in [
        ("gateway:8080", "http or https"),
        ("not a url", "absolute URL"),
        ("ftp://gateway", "http or https"),
        ("http://user:secret-key@gateway", "user name or password"),
        ("http://gateway/?apikey=1", "neither a query nor a fragment"),
        ("http://127.0.0.1:8480", "itself"),
        ("http://localhost:8480/", "itself"),
    ] {
        let said = with_url(url);
        assert!(said.contains("`evo`, `url`") && said.contains(says), "{url}: {said}");
        assert!(!said.contains("secret-key"), "{said}");
    }
    let (_folder, empty) = from_file("[upstream.evo]\n# url = 'http://gateway'\n");
    let said = Settings::load(&empty).unwrap_err().to_string();
    assert!(said.contains("`evo`, `url`") && said.contains("it is not set"), "{said}");
    for (pairs, says) in [
        (&[("EVO_KEY", "k")][..], "the address of the gateway is expected"),
        (&[("EVO_URL", "http://gateway")], "neither `key` nor `key_file`"),
        (&[("EVO_URL", "http://gateway"), ("EVO_KEY", "k"), ("EVO_KEY_FILE", "/x")], "one of the two"),
        (&[("EVO_URL", "http://gateway"), ("EVO_KEY_FILE", "/nowhere")], "cannot be opened"),
        (&[("EVO_URL", "http://gateway"), ("EVO_KEY", "k"), ("EVO_MODE", "both")], "`observe` or `drive`"),
        (&[("EVO_URL", "http://gateway"), ("EVO_KEY", "k"), ("EVO_KIND", "waha")], "`evolution` is expected"),
        (&[("EVO_URL", "http://gateway"), ("EVO_KEY", "k"), ("EVO_POLL_MS", "1")], "milliseconds"),
        (&[("EVO_URL", "http://gateway"), ("EVO_KEY", "k"), ("EVO_BODY_MIB", "0")], "MiB"),
        (&[("EVO_URL", "http://gateway"), ("EVO_KEY", "k"), ("EVO_ANSWER_S", "601")], "seconds"),
        (&[("EVO_URL", "http://gateway"), ("EVO_KEY", "k"), ("EVO_HEAR", "webhook")], "`poll` or `socket`"),
        (&[("EVO_COLOUR", "red")], "no setting `colour`"),
        (&[("1_URL", "http://gateway"), ("1_KEY", "k")], "a small letter"),
        (
            &[("A_URL", "http://gateway"), ("A_KEY", "k"), ("B_URL", "http://gateway/"), ("B_KEY", "k")],
            "same address",
        ),
    ] {
        let said = refused(pairs);
        assert!(said.contains(says), "{pairs:?}: {said}");
    }
}

#[test]
fn the_names_of_opentelemetry_say_where_traces_go_and_ours_count_before_them() {
    let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
    let collector = |pairs: &[(&str, &str)]| from_variables(pairs).unwrap().traces.collector;
    assert_eq!(collector(&[]), None);
    assert_eq!(collector(&[base]).as_deref(), Some("http://collector:4318/v1/traces"));
    let exact = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://other:1/ingest");
    assert_eq!(collector(&[base, exact]).as_deref(), Some("http://other:1/ingest"));
    let own = ("BERTH_TRACES", "http://own:4318");
    assert_eq!(collector(&[base, exact, own]).as_deref(), Some("http://own:4318/v1/traces"));
    for off in [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")] {
        assert_eq!(collector(&[base, off]), None);
        assert!(collector(&[base, off, own]).is_some(), "what is set for Berth alone counts");
    }
    assert!(collector(&[base, ("OTEL_SDK_DISABLED", "false"), ("OTEL_LOG_LEVEL", "debug")]).is_some());

    let share = [("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.1")];
    assert_eq!(from_variables(&share).unwrap().traces.one_in, 10);
    assert_eq!(from_variables(&[share[1]]).unwrap().traces.one_in, 1, "a share is of that sampler alone");
    let both = from_variables(&[share[0], share[1], ("BERTH_TRACES_ONE_IN", "7")]).unwrap();
    assert_eq!(both.traces.one_in, 7);

    let said = from_variables(&[
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "Authorization=Basic%20eDp5, x-b = c%2Cd ,"),
        ("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=berth-0,team=caf%C3%A9"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "250"),
    ])
    .unwrap();
    let headers: Vec<_> =
        said.traces.headers.iter().map(|it| (it.name.as_str(), it.value.expose_secret())).collect();
    assert_eq!(headers, [("authorization", "Basic eDp5"), ("x-b", "c,d")]);
    assert_eq!(said.traces.attributes[1], ("team".to_owned(), "café".to_owned()));
    assert_eq!(said.traces.timeout.as_millis(), 250);
    assert!(!format!("{said:?}{said}").contains("eDp5"));

    for (variable, value) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hush-hush"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "no name=hush-hush"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=hush-hush%0A"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
    ] {
        let refused = from_variables(&[(variable, value)]).unwrap_err().to_string();
        assert!(refused.contains(variable) && !refused.contains("hush-hush"), "{refused}");
    }
}
