//! What is signed about the log, checked over HTTP with the published formats alone.

use base64::{Engine, prelude::BASE64_STANDARD};
use berth_evidence::{Head, Keys, leaf_hash};
use berth_journeys::{
    ACCOUNT_TOKEN, Berth, Client, ROOT_KEY, Running, eventually,
    steps::link,
    whole::{held, verified},
};
use berth_proto::Hash;
use berth_test_support::{NatsServer, program};
use serde_json::{Value, json};
use tlog_tiles::tlog::{self, check_record, check_tree, record_hash};

/// 32 bytes each.
const KEYS: [&str; 2] =
    ["BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk="];

#[tokio::test]
async fn every_commit_is_proved_and_no_checkpoint_takes_back_another_embedded() {
    told(Berth::embedded()).await;
}

#[tokio::test]
async fn every_commit_is_proved_and_no_checkpoint_takes_back_another_on_nats() {
    let server = NatsServer::start().await;
    told(Berth::on_nats(&server).setting("BERTH_EVIDENCE_KEY", KEYS[0]).roles_in_processes()).await;
}

async fn told(berth: Berth) {
    let mut berth = berth.setting("BERTH_EVIDENCE_INTERVAL", "1").start().await;
    let client = berth.client();
    let made = client.post("/v1/instances", json!({ "name": "shop" })).await.expect(201);
    link(&client, "shop").await;
    let commits = client.get("/v1/instances/shop/verify").await.expect(200)["commits"].as_u64().unwrap();
    let earlier: Vec<Head> = proofs(&client, "shop", commits).await;
    client.get("/v1/instances/shop/proof?version=99").await.expect(404);
    berth.stop().await;

    berth.restart().await;
    let client = berth.client();
    client.post("/v1/instances/shop/logout", json!({ "wait": "unlinked" })).await.expect(200);
    client.delete("/v1/instances/shop").await.expect(200);
    // What was erased is proved as before: its bytes are what they were, and nobody can open them.
    let id = made["id"].as_str().unwrap();
    let commits =
        client.get(&format!("/v1/instances/{id}/verify")).await.expect(200)["commits"].as_u64().unwrap();
    let later = proofs(&client, id, commits).await.pop().unwrap();
    for before in earlier {
        assert_eq!(before.origin, later.origin);
        let (shard, from, to) = (shard_of(&later), before.size, later.size);
        let path = format!("/v1/checkpoints/{shard}/consistency?from={from}&to={to}");
        let proof = hashes(&client.get(&path).await.expect(200)["path"]);
        check_tree(&proof, to, root(&later), from, root(&before)).unwrap();
    }
    one_tile_has_the_leaves(&client, &later).await;
    let shards = client.get("/v1/checkpoints").await.expect(200)["shards"].as_u64().unwrap();
    client.get(&format!("/v1/checkpoints/{shards}")).await.expect(404);
    Client::new(client.base()).get("/v1/checkpoints").await.expect(401);
}

/// A word of docs/audit.md, as it stands there: it is run before the commit is signed, and waits for that.
#[tokio::test(flavor = "multi_thread")]
async fn the_check_of_the_documentation_finds_the_commit_as_soon_as_it_is_signed() {
    const PAGE: &str = include_str!("../../../docs/audit.md");
    let (_, below) = PAGE.split_once("## Checking a commit in five minutes").unwrap();
    let block = below.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let berth = Berth::embedded().setting("BERTH_EVIDENCE_INTERVAL", "3").start().await;
    berth.client().post("/v1/instances", json!({ "name": "shop" })).await.expect(201);
    let folder = tempfile::tempdir().unwrap();
    let mut shell = program("sh");
    shell.args(["-ec", block]).current_dir(folder.path());
    shell.env("TOKEN", ACCOUNT_TOKEN).env("BERTH", berth.client().base());
    let out = tokio::task::block_in_place(|| shell.output()).unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert_eq!(said, "the commit is in the tree\n", "{}", String::from_utf8_lossy(&out.stderr));
}

#[tokio::test]
async fn a_deployment_without_a_key_says_that_nothing_is_signed_wherever_one_would_look() {
    let server = NatsServer::start().await;
    let berth = Berth::on_nats(&server).start().await;
    let logs = berth.logs();
    assert!(logs.contains("nothing is signed: no evidence key is set (BERTH_EVIDENCE_KEY"), "{logs}");
    let client = berth.client();
    client.post("/v1/instances", json!({ "name": "shop" })).await.expect(201);
    // What is not listed yet is not exported.
    eventually("it is listed", async || {
        let listed = client.get("/v1/instances").await.expect(200);
        if listed["instances"][0]["name"] == "shop" { Ok(()) } else { Err(listed) }
    })
    .await;
    for path in ["/v1/instances/shop/proof", "/v1/export"] {
        let refused = client.get(path).await;
        let when = refused.header("retry-after").to_owned();
        let problem = refused.expect(503);
        assert_eq!(when, "5", "{path}: {problem}");
        assert_eq!(problem["code"], "not_signed_yet", "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("BERTH_EVIDENCE_KEY"), "{problem}");
    }
    assert!(!berth.logs().contains("is not available"), "nothing is broken: {}", berth.logs());
}

/// Each commit is in the tree of a checkpoint that the deployment's keys have signed, with its own bytes as the leaf.
async fn proofs(client: &Client, instance: &str, commits: u64) -> Vec<Head> {
    let mut heads = Vec::new();
    for version in 1..=commits {
        let proof = eventually("a checkpoint covers it", async || {
            let answer = client.get(&format!("/v1/instances/{instance}/proof?version={version}")).await;
            if answer.status == 200 { Ok(answer.body) } else { Err(answer.text()) }
        })
        .await;
        assert_eq!(proof["version"], version);
        let subject = proof["subject"].as_str().unwrap();
        let commit = BASE64_STANDARD.decode(proof["commit"].as_str().unwrap()).unwrap();
        let leaf = record_hash(&[subject.as_bytes(), b"\n", &commit].concat());
        assert_eq!(leaf.0, leaf_hash(&subject.parse().unwrap(), &commit).0);
        let head = opened(client, proof["checkpoint"]["note"].as_str().unwrap()).await;
        let index = proof["index"].as_u64().unwrap();
        check_record(&hashes(&proof["path"]), head.size, root(&head), index, leaf).unwrap();
        heads.push(head);
    }
    heads
}

/// A note that one of the keys has signed that are announced.
async fn opened(client: &Client, note: &str) -> Head {
    let latest = client.get("/v1/checkpoints").await.expect(200);
    let announced = latest["keys"].as_array().unwrap().iter();
    let announced = announced.map(|key| key["announcement"].as_str().unwrap());
    let keys = Keys::open(latest["deployment"].as_str().unwrap(), announced).unwrap();
    Head::open(note, keys.all()).unwrap()
}

/// The tools of others read hashes where they expect them.
async fn one_tile_has_the_leaves(client: &Client, head: &Head) {
    let shard = shard_of(head);
    let note = client.get(&format!("/v1/checkpoints/{shard}/checkpoint")).await;
    assert!(note.text().contains(&format!("— {} ", head.origin)), "{}", note.text());
    let tile = client.get(&format!("/v1/checkpoints/{shard}/tile/0/000.p/{}", head.size)).await;
    let leaves: Vec<_> = tile.bytes.chunks(32).map(|hash| tlog::Hash(hash.try_into().unwrap())).collect();
    assert_eq!(leaves.len() as u64, head.size);
    let proof = client.get(&format!("/v1/checkpoints/{shard}/tile/0/x001/000")).await;
    proof.expect(404);
}

fn shard_of(head: &Head) -> u8 {
    head.origin.parse::<berth_evidence::Origin>().unwrap().shard
}

const fn root(head: &Head) -> tlog::Hash {
    let Hash(bytes) = head.root;
    tlog::Hash(bytes)
}

fn hashes(list: &Value) -> Vec<tlog::Hash> {
    let texts = list.as_array().unwrap().iter();
    texts.map(|text| tlog::Hash::parse_hash(text.as_str().unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn a_key_is_followed_by_the_one_that_it_announced() {
    let mut berth = Berth::embedded().setting("BERTH_EVIDENCE_INTERVAL", "1").start().await;
    let made_by_the_first = signed(&berth, 1).await;
    berth.stop().await;
    let file = berth.data().join("next.key");
    std::fs::write(&file, format!("{}\n", KEYS[1])).unwrap();
    let rotate = ["rotate-evidence-key", "--to", file.to_str().unwrap()];
    // Once more is harmless: whoever was interrupted does not know how far it came.
    for _ in 0..2 {
        let mut rotated = berth.run(&rotate);
        assert!(rotated.ended().await.success(), "{}", rotated.stderr());
    }
    berth.restart().await;
    signed(&berth, 2).await;
    opened(&berth.client(), &made_by_the_first).await;
    berth.stop().await;

    // Somebody else's key is not taken for its successor.
    berth.set("BERTH_EVIDENCE_KEY", KEYS[0]);
    berth.restart().await;
    eventually("it is told", async || {
        let ready = berth.ops()[0].get("/readyz").await.text();
        if ready.contains("not the one that was announced last") { Ok(()) } else { Err(ready) }
    })
    .await;
}

/// The note of a checkpoint, once so many keys are announced.
async fn signed(berth: &Running, keys: usize) -> String {
    let client = berth.client().token(ROOT_KEY);
    eventually("it is signed", async || {
        let latest = client.get("/v1/checkpoints").await.body;
        let note = latest["checkpoints"][0]["note"].as_str().map(str::to_owned);
        let announced = latest["keys"].as_array().map_or(0, Vec::len);
        note.filter(|_| announced == keys).ok_or(latest)
    })
    .await
}

#[tokio::test]
async fn an_erasure_while_an_export_runs_leaves_an_export_that_holds() {
    // Longer than a delete takes, so that the export waits for what is signed of the second instance while that is erased.
    let mut berth = Berth::embedded()
        .setting("BERTH_EVIDENCE_INTERVAL", "3")
        .setting("BERTH_LOG_SHARDS", "1")
        .start()
        .await;
    let client = berth.client();
    for name in ["kept", "erased"] {
        client.post("/v1/instances", json!({ "name": name })).await.expect(201);
        link(&client, name).await;
    }
    let held = held(&berth).await;
    eventually("what was there is signed", async || {
        let answer = client.get("/v1/instances/erased/proof").await;
        if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
    })
    .await;
    for _ in 0..3 {
        client.post("/v1/instances/erased/logout", json!({ "wait": "unlinked" })).await.expect(200);
        link(&client, "erased").await;
    }
    let export = reqwest::Client::new().get(format!("{}/v1/export?deleted=true", client.base()));
    let mut export = export.bearer_auth(ACCOUNT_TOKEN).send().await.unwrap();
    let mut text = Vec::new();
    while !text.contains(&b'\n') {
        text.extend(export.chunk().await.unwrap().expect("its first line"));
    }
    client.post("/v1/instances/erased/logout", json!({ "wait": "unlinked" })).await.expect(200);
    client.delete("/v1/instances/erased").await.expect(200);
    while let Some(chunk) = export.chunk().await.unwrap() {
        text.extend(chunk);
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &text).unwrap();
    let said = verified(file.path(), &held);
    assert!(said.contains("It holds. This is the history of 2 instance(s)"), "{said}");
    assert_eq!(berth.stop().await, [Some(0)]);
}
