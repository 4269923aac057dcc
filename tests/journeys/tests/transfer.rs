//! A deployment is carried from one engine to another: everything goes on there, what is signed goes on too, and an export that
//! is not whole and right changes nothing.

use std::{fs, path::PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};
use berth_journeys::{
    Berth, Client, MASTER_KEY, ROOT_KEY, Recorder, Running, eventually, steps,
    whole::{self, held, verified},
};
use berth_test_support::NatsServer;
use futures::StreamExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tlog_tiles::tlog;

const EVIDENCE_KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const OTHER_KEY: &str = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";

/// What somebody knows from before.
struct Before {
    shop: Value,
    token: String,
    /// What was signed, as an outsider kept it.
    held: Value,
}

/// A file that was exported to.
struct Exported {
    _folder: TempDir,
    path: PathBuf,
}

impl Exported {
    async fn by(berth: &Running) -> Self {
        Self::with(&fs::read(whole::exported(berth).await.path()).unwrap())
    }

    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn of(lines: &[Value]) -> Self {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        Self::with(text.as_bytes())
    }

    fn with(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.ndjson");
        fs::write(&path, bytes).unwrap();
        Self { _folder: folder, path }
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

fn embedded() -> Berth {
    Berth::embedded().setting("BERTH_EVIDENCE_INTERVAL", "1")
}

fn on_nats(server: &NatsServer) -> Berth {
    Berth::on_nats(server).setting("BERTH_EVIDENCE_INTERVAL", "1").setting("BERTH_EVIDENCE_KEY", EVIDENCE_KEY)
}

/// With the keys that a story on NATS has.
fn with_keys(berth: Berth) -> Berth {
    berth.setting("BERTH_MASTER_KEY", MASTER_KEY).setting("BERTH_EVIDENCE_KEY", EVIDENCE_KEY)
}

#[tokio::test]
async fn a_folder_is_carried_to_nats_with_one_command() {
    let (webhook, server) = (Recorder::start().await, NatsServer::start().await);
    let mut from = embedded().start().await;
    let before = begun(&from, &webhook).await;
    let running = on_nats(&server).down().run(&import(&data(&from))).outcome().await;
    assert!(
        running.0 == Some(64) && running.1.contains("another berth process uses the folder"),
        "{running:?}"
    );
    assert_eq!(from.stop().await, [Some(0)]);

    // Its keys are in the folder.
    let mut to = on_nats(&server).setting("BERTH_MASTER_KEY", "").setting("BERTH_EVIDENCE_KEY", "");
    to = to.roles_in_processes();
    let mut to = to.down();
    let (said, told) = done(&to, &import(&data(&from))).await;
    assert!(said.contains("start every process with the master key that is in"), "{said}");
    assert!(told.contains("the export is whole"), "{told}");
    let (said, _) = done(&to, &import(&data(&from))).await;
    assert!(said.contains("nothing was changed"), "{said}");
    for (variable, file) in [("BERTH_MASTER_KEY", "master.key"), ("BERTH_EVIDENCE_KEY", "evidence.key")] {
        to.set(variable, fs::read_to_string(from.data().join("data").join(file)).unwrap().trim());
    }
    to.restart().await;
    goes_on(&to, &webhook, &before).await;
    // Repeated when the deployment has gone on since, it changes nothing either.
    let (said, _) = done(&to, &import(&data(&from))).await;
    assert!(said.contains("nothing was changed"), "{said}");
    extends(&to.client(), &before.held).await;
    assert!(to.stop().await.iter().all(|code| *code == Some(0)));
}

#[tokio::test]
async fn nats_is_carried_to_a_folder_by_a_file_and_an_import_that_was_killed_goes_on() {
    let (webhook, server) = (Recorder::start().await, NatsServer::start().await);
    let mut from = on_nats(&server).roles_in_processes().start().await;
    let before = begun(&from, &webhook).await;
    // Enough for an import that is killed in the middle.
    crew(&from.client(), "more", 400).await;
    from.stop().await;
    let exported = Exported::by(&from).await;
    let said = verified(&exported.path, &before.held);
    assert!(
        said.contains("It holds. This is the whole deployment") && said.contains("418 instance(s)"),
        "{said}"
    );
    assert!(said.contains("is the beginning of what is signed now"), "{said}");

    let mut to = with_keys(embedded()).down();
    let mut killed = to.run(&import(exported.path()));
    eventually("some of it is there", async || {
        let said = killed.stderr();
        if said.contains("commits are there") { Ok(()) } else { Err(said) }
    })
    .await;
    killed.kill9();
    let early = to.run(&["serve"]).outcome().await;
    assert!(early.0 == Some(69) && early.1.contains("run the same `berth import` again"), "{early:?}");
    let other = Exported::of(&resealed(exported.lines(), |lines| lines[0]["write_version"] = json!(1)));
    let refused = to.run(&import(other.path())).outcome().await;
    assert!(refused.0 == Some(64) && refused.1.contains("another export was begun here"), "{refused:?}");
    let (_, told) = done(&to, &import(exported.path())).await;
    assert!(told.contains("going on"), "{told}");
    to.restart().await;
    goes_on(&to, &webhook, &before).await;
    extends(&to.client(), &before.held).await;
    Client::new(to.client().base()).token(ROOT_KEY).get("/v1/accounts").await.expect(200);
    assert_eq!(to.stop().await, [Some(0)]);

    // What goes on here is exported as it was imported, and more.
    let said = verified(whole::exported(&to).await.path(), &before.held);
    assert!(said.contains("is the beginning of what is signed now"), "{said}");
}

#[tokio::test]
async fn with_another_number_of_shards_a_new_log_begins_that_names_what_was_signed() {
    let webhook = Recorder::start().await;
    let mut from = with_keys(embedded()).setting("BERTH_LOG_SHARDS", "3").start().await;
    let before = begun(&from, &webhook).await;
    from.stop().await;
    let mut to = with_keys(embedded()).setting("BERTH_LOG_SHARDS", "5").down();
    let refused = to.run(&import(&data(&from))).outcome().await;
    assert!(refused.0 == Some(64) && refused.1.contains("set it to 3"), "{refused:?}");
    let folder = data(&from);
    let reshard = ["import", &folder, "--reshard"];
    done(&to, &reshard).await;
    done(&to, &reshard).await;
    to.restart().await;
    goes_on(&to, &webhook, &before).await;
    let client = to.client();
    let held = before.held["checkpoints"].as_array().unwrap();
    let latest = eventually("every shard is signed anew", async || {
        let latest = client.get("/v1/checkpoints").await.expect(200);
        let is_signed = latest["checkpoints"].as_array().unwrap().len() == 5;
        if is_signed { Ok(latest) } else { Err(latest) }
    })
    .await;
    for checkpoint in latest["checkpoints"].as_array().unwrap() {
        assert!(checkpoint["origin"].as_str().unwrap().ends_with("/2"), "{checkpoint}");
        for before in held {
            // The last ones of a stop are later than those that were held.
            let follows = format!("follows {} ", before["origin"].as_str().unwrap());
            assert!(checkpoint["note"].as_str().unwrap().contains(&follows), "{checkpoint}");
        }
    }
    to.stop().await;
    let said = verified(whole::exported(&to).await.path(), &latest);
    assert!(said.contains("It holds.") && said.contains("carried into another number of shards"), "{said}");
}

#[tokio::test]
async fn a_deployment_that_has_something_is_not_filled() {
    let server = NatsServer::start().await;
    let mut from = with_keys(embedded()).start().await;
    from.client().post("/v1/instances", json!({ "name": "shop" })).await.expect(201);
    from.stop().await;
    for mut to in [with_keys(embedded()).start().await, on_nats(&server).start().await] {
        to.client().post("/v1/instances", json!({ "name": "its-own" })).await.expect(201);
        to.stop().await;
        let (code, said) = to.run(&import(&data(&from))).outcome().await;
        assert!(code == Some(64) && said.contains("there is a deployment in"), "{said}");
        to.restart().await;
        to.client().get("/v1/instances/its-own").await.expect(200);
        to.client().get("/v1/instances/shop").await.expect(404);
        to.stop().await;
    }
}

/// What is done to an export, and what is said of it.
type Alteration = (&'static str, fn(&mut Vec<Value>), &'static str);

/// Each of them is refused, also with a digest and counts that were made to fit.
const ALTERATIONS: [Alteration; 11] = [
    ("a commit is changed", |lines| change_commit(lines, 3), "are not those that were signed"),
    ("two commits change places", |lines| swap_commits(lines), "stands where commit"),
    ("a commit is doubled", |lines| double(lines, commit(lines, 2)), "stands where commit"),
    ("a commit is taken away", |lines| drop(lines.remove(commit(lines, 2))), "stands where commit"),
    ("the last commit of a shard is taken away", remove_last, "and the first line counts"),
    ("a checkpoint is of another place", move_checkpoint, "stand before it"),
    ("a signature is another", |lines| change_signature(lines), "was not signed by this deployment"),
    (
        "it is of another one",
        |lines| lines[0]["deployment"] = json!("other"),
        "was not signed by this deployment",
    ),
    (
        "a key is changed",
        |lines| {
            let at = first(lines, "key");
            lines[at]["wrapped"] = json!("AAAA");
        },
        "cannot be opened",
    ),
    ("a line is of no kind", |lines| lines[2]["kind"] = json!("later"), "it is no line of an export"),
    (
        "something stands behind its end",
        |lines| {
            let line = lines[1].clone();
            lines.push(line);
        },
        "something stands behind the last line",
    ),
];

#[tokio::test]
async fn what_is_not_whole_and_right_is_refused_and_the_place_is_named() {
    let webhook = Recorder::start().await;
    let mut from = with_keys(embedded()).setting("BERTH_LOG_SHARDS", "2").start().await;
    begun(&from, &webhook).await;
    let audit = eventually("something is signed", async || {
        let answer = from.client().get("/v1/export").await;
        if answer.status == 200 { Ok(answer.text()) } else { Err(answer.text()) }
    })
    .await;
    from.stop().await;
    let whole = Exported::by(&from).await;
    let to = with_keys(embedded()).setting("BERTH_LOG_SHARDS", "2").down();
    let refused = async |exported: &Exported, why: &str, what: &str| {
        let (code, said) = to.run(&import(exported.path())).outcome().await;
        assert!(code == Some(64) && said.contains(why), "{what}: {code:?} {said}");
        assert!(said.contains("is not imported, and nothing was changed"), "{what}: {said}");
        assert!(!to.data().join("data/log").exists(), "{what}");
        said
    };
    let text = fs::read(&whole.path).unwrap();
    for part in [text.len() / 3, text.len() / 2, text.len() - 1] {
        refused(&Exported::with(&text[..part]), "line ", "it is cut off").await;
    }
    let lines = whole.lines();
    refused(&Exported::of(&lines[..lines.len() - 1]), "which is not its last one", "its end is missing")
        .await;
    refused(&Exported::with(b""), "it is no export of Berth", "it is empty").await;
    refused(&Exported::with(b"{\"kind\":\"import\"}\n"), "it is no export of Berth", "it is something else")
        .await;
    refused(&Exported::with(audit.as_bytes()), "it is an export for an audit", "it has histories only").await;
    let mut newer = lines.clone();
    newer[0]["version"] = json!(3);
    refused(&Exported::of(&newer), "use a newer one", "it is of a later release").await;
    for (what, alter, why) in ALTERATIONS {
        let said = refused(&Exported::of(&resealed(lines.clone(), alter)), why, what).await;
        assert!(said.contains(": line "), "{what}: {said}");
        // Without making the digest fit there is no need to look so closely.
        let mut plain = lines.clone();
        alter(&mut plain);
        refused(&Exported::of(&plain), ": line ", what).await;
    }
    let mut other = with_keys(embedded()).setting("BERTH_LOG_SHARDS", "2").down();
    for (variable, key, why) in [
        ("BERTH_MASTER_KEY", OTHER_KEY, "cannot be opened with this master key"),
        ("BERTH_EVIDENCE_KEY", OTHER_KEY, "not the one that was announced last"),
        ("BERTH_EVIDENCE_KEY", "", "give the evidence key of the deployment"),
        ("BERTH_MASTER_KEY", "", "`master_key` (BERTH_MASTER_KEY)"),
    ] {
        other.set("BERTH_MASTER_KEY", MASTER_KEY);
        other.set("BERTH_EVIDENCE_KEY", EVIDENCE_KEY);
        other.set(variable, key);
        let (code, said) = other.run(&import(whole.path())).outcome().await;
        assert!(code == Some(64) && said.contains(why), "{variable}={key}: {said}");
        assert!(!other.data().join("data/log").exists());
    }
    done(&to, &import(whole.path())).await;
}

fn commit(lines: &[Value], nth: usize) -> usize {
    let commits = lines.iter().enumerate().filter(|(_, line)| line["kind"] == "commit" && line["shard"] == 0);
    commits.map(|(at, _)| at).nth(nth).unwrap()
}

/// The first line of a kind; of keys the first one that was not destroyed.
fn first(lines: &[Value], kind: &str) -> usize {
    let is_it = |line: &Value| line["kind"] == kind && (kind != "key" || line["wrapped"].is_string());
    lines.iter().position(is_it).unwrap()
}

/// Moves a checkpoint before everything that it attests to.
fn move_checkpoint(lines: &mut Vec<Value>) {
    let line = lines.remove(first(lines, "checkpoint"));
    lines.insert(first(lines, "commit"), line);
}

/// Changes one letter of a signature.
fn change_signature(lines: &mut [Value]) {
    let at = first(lines, "checkpoint");
    let mut note = lines[at]["note"].as_str().unwrap().to_owned();
    let place = note.len() - 10;
    let other = if note[place..].starts_with('A') { "B" } else { "A" };
    note.replace_range(place..=place, other);
    lines[at]["note"] = json!(note);
}

fn double(lines: &mut Vec<Value>, at: usize) {
    let line = lines[at].clone();
    lines.insert(at, line);
}

fn change_commit(lines: &mut [Value], nth: usize) {
    let at = commit(lines, nth);
    let mut bytes = BASE64_STANDARD.decode(lines[at]["bytes"].as_str().unwrap()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    lines[at]["bytes"] = json!(BASE64_STANDARD.encode(bytes));
}

fn swap_commits(lines: &mut [Value]) {
    let (one, other) = (commit(lines, 2), commit(lines, 3));
    lines.swap(one, other);
}

fn remove_last(lines: &mut Vec<Value>) {
    let last = lines.iter().rposition(|line| line["kind"] == "commit" && line["shard"] == 1).unwrap();
    // And what was signed of it: nobody but the first line knows that there was more.
    let signed = |line: &Value| line["kind"] == "checkpoint" && line["shard"] == 1;
    let behind: Vec<usize> = (last..lines.len()).filter(|at| signed(&lines[*at])).collect();
    behind.into_iter().rev().for_each(|at| drop(lines.remove(at)));
    lines.remove(last);
}

/// The lines after an alteration by somebody who knows how counts and digest are made.
fn resealed(mut lines: Vec<Value>, alter: impl Fn(&mut Vec<Value>)) -> Vec<Value> {
    alter(&mut lines);
    let end = lines.iter().position(|line| line["kind"] == "end").unwrap();
    let count = |kind: &str| lines[..end].iter().filter(|line| line["kind"] == kind).count();
    let counted = [("commits", "commit"), ("keys", "key"), ("devices", "device")];
    let counted = counted.map(|(name, kind)| (name, count(kind)));
    let mut digest = berth_proto::Hash([0; 32]);
    for line in &lines[..end] {
        digest = berth_proto::Hash::over(b"berth.v1.export", &[&digest.0, line.to_string().as_bytes()]);
    }
    for (name, count) in counted {
        lines[end][name] = json!(count);
    }
    lines[end]["digest"] = json!(digest);
    lines
}

fn data(of: &Running) -> String {
    of.data().join("data").to_str().unwrap().to_owned()
}

fn import(from: &str) -> [&str; 2] {
    ["import", from]
}

/// Runs a command that succeeds; gives what it said and what it told meanwhile.
async fn done(berth: &Running, arguments: &[&str]) -> (String, String) {
    let mut process = berth.run(arguments);
    let status = process.ended().await;
    assert!(status.success(), "{status}: {}", process.stderr());
    eventually("it said what it did", async || {
        let said = process.stdout();
        if said.is_empty() { Err("nothing") } else { Ok(said) }
    })
    .await;
    (process.stdout(), process.stderr())
}

/// That many instances more, so that every shard has something.
async fn crew(client: &Client, name: &str, count: usize) {
    let creates = (0..count).map(|number| async move {
        client.post("/v1/instances", json!({ "name": format!("{name}-{number}") })).await.expect(201);
    });
    futures::stream::iter(creates).buffer_unordered(16).for_each(|()| async {}).await;
}

/// Something to carry, and something that an outsider keeps.
async fn begun(berth: &Running, webhook: &Recorder) -> Before {
    let client = berth.client();
    let webhooks = json!([{ "url": webhook.url("/hook") }]);
    let shop = json!({ "name": "shop", "webhooks": webhooks });
    let made = client.keyed("the-first").post("/v1/instances", shop).await.expect(201);
    steps::link(&client, "shop").await;
    client.post("/v1/instances", json!({ "name": "gone" })).await.expect(201);
    client.delete("/v1/instances/gone").await.expect(200);
    crew(&client, "crew", 16).await;
    let held = held(berth).await;
    let shop = client.get("/v1/instances/shop").await.expect(200);
    Before { shop, token: made["token"].as_str().unwrap().to_owned(), held }
}

/// Everything is as it was, and everything can be done.
async fn goes_on(berth: &Running, webhook: &Recorder, before: &Before) {
    let client = berth.client();
    client.get("/v1/instances/gone").await.expect(404);
    let shown = steps::until(&client, "shop", "it is as before", |now| now["connection"] == "open").await;
    for part in ["id", "number", "device", "state"] {
        assert_eq!(shown[part], before.shop[part]);
    }
    assert_eq!(shown["device"]["push_name"], steps::PUSH_NAME, "a sealed value is opened");
    let own = Client::new(client.base()).token(&before.token).get("/v1/instances/shop").await.expect(200);
    assert_eq!(own["id"], before.shop["id"]);
    let webhooks = json!([{ "url": webhook.url("/hook") }]);
    let shop = json!({ "name": "shop", "webhooks": webhooks });
    let again = client.keyed("the-first").post("/v1/instances", shop).await;
    assert_eq!(again.body["id"], before.shop["id"], "a keyed command is known");
    webhook.clear();
    client.post("/v1/instances/shop/logout", json!({ "wait": "unlinked" })).await.expect(200);
    webhook.wait("the disconnection is told", |received| !received.is_empty()).await;
    steps::link(&client, "shop").await;
    client.post("/v1/instances", json!({ "name": "later" })).await.expect(201);
    let listed = eventually("lists are built anew", async || {
        let answer = client.get("/v1/instances?q=shop").await;
        let is_there = answer.status == 200 && answer.body["instances"][0]["name"] == "shop";
        if is_there { Ok(answer.body) } else { Err(answer.text()) }
    })
    .await;
    assert_eq!(listed["instances"][0]["id"], before.shop["id"]);
    assert_eq!(client.get("/v1/instances/shop/verify").await.expect(200)["ok"], true);
}

/// What is signed now begins with all that was signed before.
async fn extends(client: &Client, held: &Value) {
    for before in held["checkpoints"].as_array().unwrap() {
        let shard = before["shard"].as_u64().unwrap();
        let from = before["size"].as_u64().unwrap();
        let now = eventually("it is signed again", async || {
            let latest = client.get("/v1/checkpoints").await.expect(200);
            let now =
                latest["checkpoints"].as_array().unwrap().iter().find(|now| now["shard"] == shard).cloned();
            now.filter(|now| now["size"].as_u64() >= Some(from)).ok_or(latest)
        })
        .await;
        assert_eq!(now["origin"], before["origin"]);
        let to = now["size"].as_u64().unwrap();
        let path = format!("/v1/checkpoints/{shard}/consistency?from={from}&to={to}");
        let proof = client.get(&path).await.expect(200);
        let hash = |value: &Value| tlog::Hash::parse_hash(value.as_str().unwrap()).unwrap();
        let path = proof["path"].as_array().unwrap().iter().map(hash).collect();
        tlog::check_tree(&path, to, hash(&now["root"]), from, hash(&before["root"])).unwrap();
    }
}
