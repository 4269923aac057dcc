//! Settings as an operator meets them: which source counts, what an error says, what is never shown.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use std::ffi::OsString;

use berth_runtime::{
    Role, Settings,
    config::{ConfigError, DeviceDriver, EvolutionLogout, LogFormat, PlainHttp, Sources, keys::KEYS},
};
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
        ("log", "the environment"),
        ("log_shards", "berth.toml"),
        ("data", "the default"),
    ] {
        let line = shown.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
        assert!(line.ends_with(origin), "{line}");
    }
}

#[test]
fn every_setting_is_taken_from_a_variable_and_from_the_file() {
    let creds = tempfile::NamedTempFile::new().unwrap();
    let creds = creds.path().to_str().unwrap().to_owned();
    let values = [
        ("http", "[::1]:9000"),
        ("public_url", "https://berth.example/"),
        ("data", "/srv/berth"),
        ("nats_url", "nats://a:4222, nats://b:4222"),
        ("nats_creds", creds.as_str()),
        ("nats_replicas", "3"),
        ("root_key", "root-key-of-the-test"),
        ("account_token", "00123"),
        ("master_key", MASTER_KEY),
        ("device_driver", "simulated"),
        ("device_time_scale", "50"),
        ("webhook_allow", "127.0.0.0/8, 10.1.2.3"),
        ("webhook_http", "allow"),
        ("log", "info,berth=debug"),
        ("log_format", "json"),
        ("log_shards", "2"),
        ("evolution_logout", "idempotent"),
    ];
    assert_eq!(values.map(|(name, _)| name), KEYS.map(|key| key.name), "the test knows every setting");
    let pairs: Vec<_> = KEYS.iter().zip(values).map(|(key, (_, value))| (key.variable, value)).collect();
    let toml = values.map(|(name, value)| format!("{name} = '{value}'")).join("\n");
    let (_folder, file) = from_file(&toml);
    for settings in [from_variables(&pairs).unwrap(), Settings::load(&file).unwrap()] {
        let nats = settings.nats.as_ref().unwrap();
        assert_eq!(nats.url, "nats://a:4222,nats://b:4222");
        assert_eq!(nats.replicas, 3);
        assert_eq!(settings.http.public_url.as_deref(), Some("https://berth.example"));
        assert_eq!(settings.webhooks.allow.len(), 2);
        assert_eq!(settings.webhooks.http, PlainHttp::Allow);
        assert_eq!(settings.device.time_scale, 50);
        assert_eq!(settings.dialects.evolution_logout, EvolutionLogout::Idempotent);
        let token = settings.secrets.account_token.as_ref().unwrap();
        assert_eq!(secrecy::ExposeSecret::expose_secret(token), "00123", "a token is no number");
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
        ("nats_replicas", "0"),
        ("root_key", "with a blank"),
        ("account_token", "cais-é"),
        ("master_key", "short"),
        ("device_driver", "whatsapp"),
        ("device_time_scale", "0"),
        ("webhook_allow", "127.0.0.1/99"),
        ("webhook_http", "maybe"),
        ("log", "berth=shout"),
        ("log_format", "xml"),
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
fn an_empty_variable_counts_as_not_set() {
    let settings =
        from_variables(&[("BERTH_HTTP", ""), ("BERTH_NATS_URL", ""), ("BERTH_ROOT_KEY", "")]).unwrap();
    assert_eq!(settings.http.listen.port(), 8480);
    assert_eq!(settings.nats, None);
}

#[test]
fn a_misspelt_key_in_the_file_is_an_error_and_a_misspelt_variable_is_told() {
    let (_folder, sources) = from_file("htpp = '127.0.0.1:1'\n");
    let error = Settings::load(&sources).unwrap_err();
    assert!(matches!(&error, ConfigError::UnknownKey { key, .. } if key == "htpp"), "{error}");
    let settings = from_variables(&[("BERTH_HTPP", "127.0.0.1:1"), ("BERTH_TEST_X", "1")]).unwrap();
    assert_eq!(settings.unknown_variables(), ["BERTH_HTPP"]);
}

#[test]
fn a_file_that_is_named_must_exist_and_be_toml() {
    let missing = Sources::none().with_variables(variables(&[("BERTH_CONFIG", "/there/is/no/berth.toml")]));
    assert!(matches!(Settings::load(&missing), Err(ConfigError::File { .. })));
    let (_folder, broken) = from_file("root_key = 'very-secret\n");
    let error = Settings::load(&broken).unwrap_err().to_string();
    assert!(error.contains("berth.toml") && !error.contains("very-secret"), "{error}");
}

#[test]
fn no_secret_is_shown() {
    let settings = from_variables(&[
        ("BERTH_NATS_URL", "nats://captain:s3cret-of-nats@10.0.0.1:4222"),
        ("BERTH_ROOT_KEY", "s3cret-root"),
        ("BERTH_ACCOUNT_TOKEN", "s3cret-account"),
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
    }
}

#[test]
fn on_nats_the_keys_must_be_given() {
    let mut given = vec![("BERTH_NATS_URL", "nats://127.0.0.1:4222")];
    for (variable, value) in
        [("BERTH_MASTER_KEY", MASTER_KEY), ("BERTH_ROOT_KEY", "root-key"), ("BERTH_ACCOUNT_TOKEN", "token")]
    {
        let error = from_variables(&given).unwrap().check(Role::Gateway).unwrap_err().to_string();
        assert!(error.contains(variable), "{error}");
        given.push((variable, value));
    }
    let settings = from_variables(&given).unwrap();
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
