//! Starting, stopping and starting again, as an operator sees it.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt, path::Path};

use berth_journeys::{ACCOUNT_TOKEN, Berth, Client, Process, ROOT_KEY};
use serde_json::json;

/// Where a start whose output is no terminal keeps what it made.
const FIRST_START: &str = "first-start.txt";

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn the_first_start_shows_keys_once_and_the_second_finds_everything() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let settings = variables(&[("BERTH_DATA", data.to_str().unwrap()), ("BERTH_HTTP", "127.0.0.1:0")]);
    let mut first = Process::start("serve", &["serve"], &settings);
    let address = first.listens().await;
    let said = first_start(&data);
    let token = word_after(&said, "account token");
    let root = word_after(&said, "root key");
    assert_eq!(said.matches("curl ").count(), 3, "{said}");
    assert!(said.contains("phones are simulated") && said.contains("/docs"), "{said}");
    for printed in [first.stdout(), first.stderr()] {
        assert!(!printed.contains(&token) && !printed.contains(&root), "a journal would show it: {printed}");
    }
    assert!(first.stdout().contains(FIRST_START), "it is said where they are: {}", first.stdout());
    std::fs::remove_file(data.join(FIRST_START)).unwrap();

    let account = Client::new(format!("http://{address}")).token(&token);
    account.get("/readyz").await.expect(200);
    let made = account.post("/v1/instances", json!({ "name": "first" })).await.expect(201);
    first.signal("TERM");
    assert_eq!(first.ended().await.code(), Some(0), "asked to stop, and drained");

    let mut second = Process::start("serve", &["serve"], &settings);
    let address = second.listens().await;
    assert!(!second.stdout().contains(FIRST_START) && !data.join(FIRST_START).exists(), "shown once");
    let again = Client::new(format!("http://{address}"));
    let found = again.token(&token).get("/v1/instances/first").await.expect(200);
    assert_eq!(found["id"], made["id"]);
    for secret in [&token, &root] {
        assert_nowhere(&data, secret);
    }
}

#[tokio::test]
async fn another_account_token_at_a_later_start_ends_the_former_one() {
    let mut berth = Berth::embedded().start().await;
    berth.client().post("/v1/instances", json!({ "name": "kept" })).await.expect(201);
    assert_eq!(berth.stop().await, [Some(0)]);
    berth.set("BERTH_ACCOUNT_TOKEN", "story-account-token-0002");
    berth.restart().await;
    assert!(berth.logs().contains("has another token now"), "{}", berth.logs());
    berth.client().get("/v1/instances/kept").await.expect(401);
    berth.client().token("story-account-token-0002").get("/v1/instances/kept").await.expect(200);
}

#[tokio::test]
async fn the_account_default_may_be_renamed_or_closed_and_every_later_start_succeeds() {
    let mut berth = Berth::embedded().start().await;
    let root = berth.client().token(ROOT_KEY);
    let accounts = root.get("/v1/accounts").await.expect(200);
    let path = format!("/v1/accounts/{}", accounts["accounts"][0]["id"].as_str().unwrap());
    root.patch(&path, json!({ "name": "acme" })).await.expect(200);
    assert_eq!(berth.stop().await, [Some(0)]);
    berth.restart().await;
    let root = berth.client().token(ROOT_KEY);
    let accounts = root.get("/v1/accounts").await.expect(200);
    assert_eq!(
        accounts["accounts"].as_array().unwrap().len(),
        1,
        "whoever has the token is meant: {accounts}"
    );
    let made = berth.client().post("/v1/instances", json!({ "name": "shop" })).await.expect(201);

    root.delete(&format!("{path}?force=true")).await.expect(200);
    berth.client().get("/v1/instances/shop").await.expect(401);
    berth.kill9();
    berth.restart().await;
    // The token is in the settings, so there is a new account for it, and nothing of the former one in it.
    berth.client().get("/v1/instances/shop").await.expect(404);
    let again = berth.client().post("/v1/instances", json!({ "name": "shop" })).await.expect(201);
    assert_ne!(again["id"], made["id"]);
    berth.client().token(ROOT_KEY).patch(&path, json!({ "name": "x" })).await.expect(404);
}

#[tokio::test]
async fn a_closed_account_default_stays_away_if_no_token_is_given_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let settings = variables(&[("BERTH_DATA", data.to_str().unwrap()), ("BERTH_HTTP", "127.0.0.1:0")]);
    let mut first = Process::start("serve", &["serve"], &settings);
    let client = Client::new(format!("http://{}", first.listens().await));
    let root = word_after(&first_start(&data), "root key");
    let accounts = client.token(&root).get("/v1/accounts").await.expect(200);
    let id = accounts["accounts"][0]["id"].as_str().unwrap().to_owned();
    client.token(&root).delete(&format!("/v1/accounts/{id}")).await.expect(200);
    first.signal("TERM");
    assert_eq!(first.ended().await.code(), Some(0));
    let mut second = Process::start("serve", &["serve"], &settings);
    let client = Client::new(format!("http://{}", second.listens().await));
    client.get("/readyz").await.expect(200);
    let accounts = client.token(&root).get("/v1/accounts").await.expect(200);
    assert_eq!(accounts["accounts"], json!([]));
}

#[tokio::test]
async fn a_second_process_on_the_same_folder_is_refused_and_the_first_lives_on() {
    let mut berth = Berth::embedded().start().await;
    let data = berth.data().join("data");
    let settings = variables(&[("BERTH_DATA", data.to_str().unwrap()), ("BERTH_HTTP", "127.0.0.1:0")]);
    let (code, said) = Process::start("serve", &["serve"], &settings).outcome().await;
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("BERTH_DATA"), "{said}");
    assert!(berth.processes().all(Process::is_running));
    berth.client().get("/readyz").await.expect(200);
}

#[tokio::test]
async fn a_supervisor_is_told_when_the_process_is_ready_and_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let supervisor = tokio::net::UnixDatagram::bind(&socket).unwrap();
    let told = async || {
        let mut message = [0; 64];
        let length = supervisor.recv(&mut message).await.unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    let data = folder.path().join("data");
    let settings = variables(&[
        ("BERTH_DATA", data.to_str().unwrap()),
        ("BERTH_HTTP", "127.0.0.1:0"),
        ("NOTIFY_SOCKET", socket.to_str().unwrap()),
    ]);
    let mut berth = Process::start("serve", &["serve"], &settings);
    berth.listens().await;
    assert_eq!(told().await.trim_end(), "READY=1");
    berth.signal("TERM");
    assert_eq!(told().await.trim_end(), "STOPPING=1");
    assert_eq!(berth.ended().await.code(), Some(0));
}

#[tokio::test]
async fn what_cannot_be_used_ends_with_64_and_names_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    for (arguments, given, named) in [
        (vec!["gateway"], vec![], "BERTH_NATS_URL"),
        (vec!["serve", "--http", "nowhere"], vec![], "BERTH_HTTP"),
        (vec!["serve"], vec![("BERTH_MASTER_KEY", "short")], "BERTH_MASTER_KEY"),
        (vec!["serve"], vec![("BERTH_NATS_URL", "nats://127.0.0.1:1")], "BERTH_MASTER_KEY"),
        (vec!["serve", "--no-such-flag"], vec![], "--no-such-flag"),
        (vec!["recover"], vec![], "--accept-rollback"),
        (vec!["sail"], vec![], "sail"),
    ] {
        let mut settings = variables(&given);
        settings.insert("BERTH_DATA".to_owned(), data.to_owned());
        let (code, said) = Process::start("berth", &arguments, &settings).outcome().await;
        assert_eq!(code, Some(64), "{arguments:?}: {said}");
        assert!(said.contains(named), "{arguments:?}: {said}");
    }
    assert!(!std::fs::exists(data).unwrap(), "nothing was begun");
}

#[tokio::test]
async fn another_master_key_is_refused() {
    let mut berth = Berth::embedded().start().await;
    berth.kill9();
    let data = berth.data().join("data");
    let settings = variables(&[
        ("BERTH_DATA", data.to_str().unwrap()),
        ("BERTH_MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
    ]);
    let (code, said) = Process::start("serve", &["serve"], &settings).outcome().await;
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("BERTH_MASTER_KEY"), "{said}");
}

#[tokio::test]
async fn the_effective_settings_are_shown_without_secrets() {
    let settings = variables(&[("BERTH_ACCOUNT_TOKEN", ACCOUNT_TOKEN), ("BERTH_ROOT_KEY", ROOT_KEY)]);
    let mut shown = Process::start("config", &["config", "--log", "warn"], &settings);
    assert_eq!(shown.ended().await.code(), Some(0));
    let text = berth_journeys::eventually("the settings", async || {
        let text = shown.stdout();
        if text.contains("evolution_logout") { Ok(text) } else { Err(text) }
    })
    .await;
    assert!(text.contains("log = \"warn\"") && text.contains("the flag --log"), "{text}");
    assert!(!text.contains(ACCOUNT_TOKEN) && !text.contains(ROOT_KEY), "{text}");
}

#[tokio::test]
async fn a_rollback_is_accepted_only_of_a_folder_that_nobody_uses() {
    let mut berth = Berth::embedded().start().await;
    let data = berth.data().join("data");
    let settings = variables(&[("BERTH_DATA", data.to_str().unwrap())]);
    let recover = || Process::start("recover", &["recover", "--accept-rollback"], &settings).outcome();
    assert_eq!(recover().await.0, Some(64));
    berth.client().post("/v1/instances", json!({ "name": "kept" })).await.expect(201);
    berth.stop().await;
    assert_eq!(recover().await.0, Some(0));
    berth.restart().await;
    berth.client().get("/v1/instances/kept").await.expect(200);
}

#[tokio::test]
async fn a_port_or_a_folder_that_cannot_be_had_is_named_with_what_to_do() {
    let berth = Berth::embedded().start().await;
    let taken = berth.client().base().trim_start_matches("http://").to_owned();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let settings = variables(&[("BERTH_DATA", data.as_str()), ("BERTH_HTTP", taken.as_str())]);
    let (code, said) = Process::start("serve", &["serve"], &settings).outcome().await;
    assert_eq!(code, Some(69), "{said}");
    for part in ["BERTH_HTTP", taken.as_str(), "set another port"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let missing = folder.path().join("nowhere").display().to_string();
    let settings = variables(&[("BERTH_DATA", missing.as_str())]);
    let (code, said) =
        Process::start("recover", &["recover", "--accept-rollback"], &settings).outcome().await;
    assert_eq!(code, Some(64), "{said}");
    for part in ["BERTH_DATA", missing.as_str(), "--data"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let mut berth = Berth::embedded().start().await;
    for number in 0..20 {
        berth.client().post("/v1/instances", json!({ "name": format!("ship-{number}") })).await.expect(201);
    }
    berth.kill9();
    berth.restart().await;
    for number in 0..20 {
        berth.client().get(&format!("/v1/instances/ship-{number}")).await.expect(200);
    }
}

/// What a start whose output is no terminal keeps for the operator, and nobody else.
fn first_start(data: &Path) -> String {
    let path = data.join(FIRST_START);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::read_to_string(path).unwrap()
}

fn word_after(text: &str, label: &str) -> String {
    let line =
        text.lines().find_map(|line| line.trim().strip_prefix(label)).unwrap_or_else(|| panic!("{text}"));
    line.trim().to_owned()
}

/// No file below the folder holds the text.
fn assert_nowhere(folder: &Path, text: &str) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_nowhere(&path, text);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!found, "{} holds a secret", path.display());
        }
    }
}
