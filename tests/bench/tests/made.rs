//! Is a deployment that was made without requests one that was asked for? It is served, and asked.
#![expect(clippy::unwrap_used, reason = "a helper of a story fails it")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::{Command, Stdio},
};

use berth_journeys::{Client, Process, binary, eventually, steps};
use serde_json::{Value, json};

const INSTANCES: usize = 1_000;
const COMMITS: u64 = 10_000;
/// Some of them, from all over.
const LOOKED_AT: [usize; 6] = [0, 1, 137, 500, 731, 999];

/// What the benchmark said.
fn make(folder: &Path) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_berth-bench"))
        .arg("make")
        .arg(folder)
        .args(["--instances", &INSTANCES.to_string(), "--commits", &COMMITS.to_string(), "--berth"])
        .arg(binary())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The settings that it says are to be served with.
fn settings(said: &str) -> BTreeMap<String, String> {
    let line = said.lines().find(|line| line.starts_with("BERTH_DATA=")).unwrap();
    let pairs = line.trim_end_matches('\\').split_whitespace().map(|pair| {
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.trim_matches('\'').to_owned())
    });
    pairs.collect()
}

/// What the history of an instance says of each commit, but for moments and ids.
async fn story(client: &Client, instance: &str) -> Vec<Value> {
    let mut events = steps::events(client, instance).await;
    for event in &mut events {
        let whole = event.as_object_mut().unwrap();
        whole.retain(|name, _| matches!(name.as_str(), "type" | "version" | "actor" | "via" | "outcome"));
    }
    events
}

/// The names of what an answer has.
fn fields(answer: &Value) -> Vec<&String> {
    answer.as_object().unwrap().keys().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_was_made_is_served_like_one_that_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let made = make(folder.path());
    let said = String::from_utf8(made.stdout).unwrap();
    assert!(made.status.success(), "{said} {}", String::from_utf8_lossy(&made.stderr));
    let count = said.split_once(" commits").unwrap().0.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
    assert!((COMMITS..COMMITS + INSTANCES as u64).contains(&count), "{said}");
    // Nothing is made into what is there.
    assert!(!make(folder.path()).status.success());

    let mut settings = settings(&said);
    let (account, root) = (settings["BERTH_ACCOUNT_TOKEN"].clone(), settings["BERTH_ROOT_KEY"].clone());
    settings.insert("BERTH_HTTP".to_owned(), "127.0.0.1:0".to_owned());
    let mut berth = Process::start("serve", &["serve"], &settings);
    let base = format!("http://{}", berth.listens().await);
    let client = Client::new(base).token(&account);

    // Every view knows all of them.
    let names = eventually("the list has all", async || {
        let (mut names, mut cursor) = (BTreeSet::new(), String::new());
        loop {
            let page = client.get(&format!("/v1/instances?limit=100{cursor}")).await.expect(200);
            let name_of = |one: &Value| one["name"].as_str().unwrap().to_owned();
            names.extend(page["instances"].as_array().unwrap().iter().map(name_of));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None if names.len() == INSTANCES => return Ok(names),
                None => return Err(names.len()),
            }
        }
    })
    .await;
    assert!(names.contains("bench-0") && names.contains("bench-999"));
    let found = eventually("a text is found", async || {
        let found = client.get("/v1/instances?q=bench-731").await;
        if found.status == 200 { Ok(found.body) } else { Err(found.text()) }
    })
    .await;
    assert_eq!(found["instances"].as_array().unwrap().len(), 1, "{found}");
    let cluster = client.token(&root).get("/v1/cluster").await.expect(200);
    assert!(cluster["members"].as_array().is_some_and(|members| !members.is_empty()), "{cluster}");

    // One that is asked for now, and logged out under keys as the others were.
    client.keyed("make-asked").post("/v1/instances", json!({ "name": "asked" })).await.expect(201);
    client.keyed("made-asked").post("/v1/instances/asked/logout", json!({})).await.expect(200);
    let asked = client.get("/v1/instances/asked").await.expect(200);
    for number in LOOKED_AT {
        let path = format!("/v1/instances/bench-{number}");
        let made = client.get(&path).await.expect(200);
        assert_eq!((fields(&made), &made["state"]), (fields(&asked), &asked["state"]), "{made}");
        assert_eq!(story(&client, &format!("bench-{number}")).await, story(&client, "asked").await);
        // What was asked for under this key is known, and what is new is decided.
        let known = client.keyed(&format!("made-bench-{number}-0"));
        let again = known.post(&format!("{path}/logout"), json!({})).await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (200, "true"), "{}", again.text());
        let new = client.keyed(&format!("new-{number}")).post(&format!("{path}/logout"), json!({})).await;
        assert_eq!((new.status, new.header("idempotency-replayed")), (200, ""), "{}", new.text());
        let verified = client.get(&format!("{path}/verify")).await.expect(200);
        assert!(verified["ok"] == true && verified["commits"].as_u64() > Some(2), "{verified}");
        assert_eq!(new.body["version"], verified["commits"], "{verified}");
        // And a device can be linked.
        if number == LOOKED_AT[0] {
            steps::link(&client, "bench-0").await;
        }
    }
    let verified = client.get("/v1/instances/asked/verify").await.expect(200);
    assert_eq!((&verified["ok"], &verified["commits"]), (&json!(true), &json!(2)));
    // A name is taken, as if it had been asked for.
    client.post("/v1/instances", json!({ "name": "bench-137" })).await.expect(409);
    berth.signal("TERM");
    assert!(berth.ended().await.success());
}
