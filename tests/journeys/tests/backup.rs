//! The drill of docs/operation.md: what is to be kept is copied, the rest is lost with its machine, and a deployment that is
//! restored elsewhere goes on, with a history that holds against checkpoints that somebody kept.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use berth_journeys::{ACCOUNT_TOKEN, Berth, Client, ROOT_KEY, Recorder, Running, binary, eventually, steps};
use berth_test_support::{NatsServer, program};
use serde_json::{Value, json};
use tlog_tiles::tlog::{self, check_tree};

/// What the documentation says is to be kept of an embedded deployment.
const KEPT: [&str; 7] =
    ["log", "keys", "device-keys", "checkpoints", "master.key", "evidence.key", "credentials.json"];
const DOCUMENTATION: &str = include_str!("../../../docs/operation.md");
const EVIDENCE_KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

/// What somebody knows from before.
struct Before {
    shop: Value,
    token: String,
    /// What was signed, as an outsider kept it.
    held: Value,
}

#[tokio::test]
async fn what_is_kept_of_a_folder_is_enough_to_go_on_elsewhere() {
    let webhook = Recorder::start().await;
    let mut berth = Berth::embedded().setting("BERTH_EVIDENCE_INTERVAL", "1").start().await;
    let before = begun(&berth, &webhook).await;
    assert_eq!(berth.stop().await, [Some(0)]);
    let (data, backup) = (berth.data().join("data"), tempfile::tempdir().unwrap());
    for part in KEPT {
        assert!(
            DOCUMENTATION.contains(&format!("`{part}`")) || DOCUMENTATION.contains(&format!("`{part}/`")),
            "{part}"
        );
        copy(&data.join(part), &backup.path().join(part));
    }
    lost_since(&mut berth).await;

    fs::remove_dir_all(&data).unwrap();
    copy(backup.path(), &data);
    berth.restart().await;
    goes_on(&berth, &webhook, &before).await;
    assert_eq!(berth.stop().await, [Some(0)]);
}

#[tokio::test]
async fn what_is_kept_of_nats_is_enough_to_go_on_elsewhere() {
    let (mut server, webhook) = (NatsServer::start().await, Recorder::start().await);
    let berth = Berth::on_nats(&server).roles_in_processes().setting("BERTH_EVIDENCE_KEY", EVIDENCE_KEY);
    let mut berth = berth.setting("BERTH_EVIDENCE_INTERVAL", "1").start().await;
    let before = begun(&berth, &webhook).await;
    berth.stop().await;
    server.stop();
    let (streams, backup) = (server.store().join("jetstream"), tempfile::tempdir().unwrap());
    copy(&streams, backup.path());
    server.restart().await;
    lost_since(&mut berth).await;

    server.stop();
    fs::remove_dir_all(&streams).unwrap();
    // The processes of before are gone with their folders: they kept nothing that is needed.
    fs::remove_dir_all(berth.data().join("data")).unwrap();
    copy(backup.path(), &streams);
    server.restart().await;
    berth.restart().await;
    goes_on(&berth, &webhook, &before).await;
    assert!(berth.stop().await.iter().all(|code| *code == Some(0)));
}

/// Something to lose, and something that an outsider keeps.
async fn begun(berth: &Running, webhook: &Recorder) -> Before {
    let client = berth.client();
    let webhooks = json!([{ "url": webhook.url("/hook") }]);
    let made =
        client.post("/v1/instances", json!({ "name": "shop", "webhooks": webhooks })).await.expect(201);
    steps::link(&client, "shop").await;
    client.post("/v1/instances", json!({ "name": "gone" })).await.expect(201);
    client.delete("/v1/instances/gone").await.expect(200);
    let held = eventually("all of it is signed", async || {
        let export = export(&client);
        let latest = client.get("/v1/checkpoints").await.body;
        let is_signed = verified(&export, &latest);
        if is_signed.contains("is the one of this export") { Ok(latest) } else { Err(is_signed) }
    })
    .await;
    let shop = client.get("/v1/instances/shop").await.expect(200);
    Before { shop, token: made["token"].as_str().unwrap().to_owned(), held }
}

/// What happens after the backup is lost by it.
async fn lost_since(berth: &mut Running) {
    berth.restart().await;
    berth.client().post("/v1/instances", json!({ "name": "later" })).await.expect(201);
    berth.stop().await;
}

async fn goes_on(berth: &Running, webhook: &Recorder, before: &Before) {
    let client = berth.client();
    client.get("/v1/instances/later").await.expect(404);
    client.get("/v1/instances/gone").await.expect(404);
    let shown = steps::until(&client, "shop", "it is as before", |now| now["connection"] == "open").await;
    for part in ["id", "number", "device", "state"] {
        assert_eq!(shown[part], before.shop[part]);
    }
    let own = Client::new(client.base()).token(&before.token).get("/v1/instances/shop").await.expect(200);
    assert_eq!(own["id"], before.shop["id"]);
    Client::new(client.base()).token(ROOT_KEY).get("/v1/accounts").await.expect(200);
    let said = verified(&export(&client), &before.held);
    assert!(said.contains("It holds."), "{said}");
    let said = verified(&export_of_account(&client).await, &before.held);
    assert!(said.contains("It holds. This is the history of 2 instance(s)"), "{said}");
    extends(&client, &before.held).await;
    webhook.clear();
    client.post("/v1/instances/shop/logout", json!({ "wait": "unlinked" })).await.expect(200);
    webhook.wait("the disconnection is told", |received| !received.is_empty()).await;
    client.post("/v1/instances", json!({ "name": "later" })).await.expect(201);
    let listed = eventually("lists are built anew", async || {
        let answer = client.get("/v1/instances?q=shop").await;
        if answer.status == 200 { Ok(answer.body) } else { Err(answer.text()) }
    })
    .await;
    assert_eq!(listed["instances"][0]["name"], "shop");
    assert_eq!(client.get("/v1/instances/shop/verify").await.expect(200)["ok"], true);
}

/// What is signed now begins with all that was signed before.
async fn extends(client: &Client, held: &Value) {
    let latest = client.get("/v1/checkpoints").await.expect(200);
    assert_eq!(latest["keys"], held["keys"]);
    let of = |value: &Value| (value["size"].as_u64().unwrap(), root(&value["root"]));
    for before in held["checkpoints"].as_array().unwrap() {
        let shard = before["shard"].as_u64().unwrap();
        let now = latest["checkpoints"].as_array().unwrap().iter().find(|now| now["shard"] == shard).unwrap();
        assert_eq!(now["origin"], before["origin"]);
        let ((from, earlier), (to, later)) = (of(before), of(now));
        let path = format!("/v1/checkpoints/{shard}/consistency?from={from}&to={to}");
        let proof = client.get(&path).await.expect(200);
        let proof: Vec<_> = proof["path"].as_array().unwrap().iter().map(root).collect();
        check_tree(&proof, to, later, from, earlier).unwrap();
    }
}

fn root(text: &Value) -> tlog::Hash {
    tlog::Hash::parse_hash(text.as_str().unwrap()).unwrap()
}

/// Every history, as an outsider gets it.
fn export(client: &Client) -> String {
    let out = program(binary().with_file_name("berthctl"))
        .args(["export", "shop", "--retry-for", "20"])
        .env("BERTHCTL_URL", client.base())
        .env("BERTHCTL_TOKEN", ACCOUNT_TOKEN)
        .stdin(Stdio::null())
        .output()
        .expect("berthctl is built: run the tests with `tests/run`");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// The same of all instances of the account, by the route.
async fn export_of_account(client: &Client) -> String {
    let answer = client.get("/v1/export?deleted=true").await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    answer.expect(200);
    let text = client.get("/v1/export?deleted=true").await.text();
    assert!(text.lines().last().is_some_and(|last| last.contains("\"kind\":\"end\"")), "{text}");
    Client::new(client.base()).token(ROOT_KEY).get("/v1/export").await.expect(403);
    text
}

/// What the file says that shares no code with Berth.
fn verified(export: &str, held: &Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (lines, kept) = (folder.path().join("export.ndjson"), folder.path().join("held.json"));
    fs::write(&lines, export).unwrap();
    fs::write(&kept, held.to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/verify.py");
    let mut run = Command::new("python3");
    run.arg(script).arg(lines).arg("--held").arg(kept);
    if let Some(key) = held["keys"][0]["public_key"].as_str() {
        run.args(["--key", key]);
    }
    let out = run.output().expect("python3 runs");
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}
