//! A log with a commit that nobody can read, and a log that is gone: who is told what, and who is not touched.

use async_nats::jetstream;
use berth_bus::{KeptKey, KeyStore, nats::NatsKeyStore};
use berth_journeys::{
    ACCOUNT_TOKEN, Berth, Client, MASTER_KEY, ROOT_KEY, Running, eventually,
    steps::{event_types, link, until},
};
use berth_log::{
    EventLog, Expected, LogRead, NewCommit, Tail,
    embedded::EmbeddedLog,
    jetstream::{JetStreamLog, JetStreamOptions, Tags, Untagged},
};
use berth_proto::{CommitV2, InstanceId, StreamKey, WriteVersion, codec};
use berth_runtime::{MasterKey, SystemEntropy};
use berth_test_support::NatsServer;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

/// Somebody who writes past us into the stream of an instance.
struct Intruder {
    jetstream: jetstream::Context,
    stream: StreamKey,
}

impl Intruder {
    async fn on(server: &NatsServer, instance: &Value) -> Self {
        let id: InstanceId = instance["id"].as_str().unwrap().parse().unwrap();
        let jetstream = jetstream::new(async_nats::connect(server.url()).await.unwrap());
        Self { jetstream, stream: StreamKey::instance(id) }
    }

    async fn publish(&self, payload: Vec<u8>) {
        self.jetstream.publish(self.stream.subject(), payload.into()).await.unwrap().await.unwrap();
    }

    /// Appends a commit as the deployment's own, behind whatever stands there: with its master key, and not by its code.
    async fn append(&self, server: &NatsServer, commit: &CommitV2) {
        let client = async_nats::connect(server.url()).await.unwrap();
        let keys = NatsKeyStore::find(client.clone(), 1).await.unwrap().unwrap();
        let master = MasterKey::from_base64(MASTER_KEY).unwrap();
        let owner = master.root_owner();
        let KeptKey::Present(wrapped) = keys.get(&owner).await.unwrap() else { panic!("no root secret") };
        let key = master.rooted(&master.unwrap(&owner, &wrapped).unwrap()).log_key();
        let options = JetStreamOptions { shards: SHARDS, replicas: 1 };
        let tags = Tags::new(key, SHARDS, WriteVersion::NEWEST.number(), &Untagged::Anywhere);
        let log = JetStreamLog::open(client, options).await.unwrap().with_tags(tags);
        let revision = log.tail_place(&self.stream).await.unwrap().unwrap().revision;
        let version = commit.version;
        let payload = codec::encode(commit).unwrap().into();
        let new = NewCommit { stream: self.stream, version, command_id: None, traceparent: None, payload };
        log.append(new, Expected::After(Tail { version: version - 1, revision })).await.unwrap();
    }

    async fn last_commit(&self) -> CommitV2 {
        let subject = self.stream.subject();
        let name = self.jetstream.stream_by_subject(subject.clone()).await.unwrap();
        let stream = self.jetstream.get_stream(name).await.unwrap();
        let last = stream.get_last_raw_message_by_subject(&subject).await.unwrap();
        codec::decode(&last.payload).unwrap()
    }
}

#[tokio::test]
async fn a_bad_last_commit_stops_its_instance_and_no_other() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().start().await;
    let client = berth.client();
    let made = client.post("/v1/instances", json!({"name": "bad"})).await.expect(201);
    client.post("/v1/instances", json!({"name": "good"})).await.expect(201);
    client.post("/v1/instances/bad/connect", json!({})).await.expect(200);
    until(&client, "bad", "a code is shown", |now| now["state"] == "pairing").await;
    let intruder = Intruder::on(&server, &made).await;
    let sound = intruder.last_commit().await;
    intruder.publish(b"no commit at all".to_vec()).await;
    let bad = sound.version + 1;

    refuses(&client, bad).await;
    for path in ["/v1/instances/good/connect", "/v1/instances/good/logout"] {
        client.post(path, json!({})).await.expect(200);
    }
    assert_eq!(client.get("/v1/instances").await.expect(200)["total"], 2, "lists go on");
    berth.kill9();
    berth.restart().await;
    refuses(&client, bad).await;
    client.post("/v1/instances/good/connect", json!({})).await.expect(200);
    client.post("/v1/instances", json!({"name": "new"})).await.expect(201);

    // A commit that can be read stands behind it: the damage is an old one now, and blocks nothing.
    let behind = CommitV2 { version: bad + 1, receipts: Vec::new(), events: Vec::new(), ..sound };
    intruder.append(&server, &behind).await;
    eventually("commands go on", async || {
        let out = client.post("/v1/instances/bad/logout", json!({})).await;
        if out.status == 200 { Ok(()) } else { Err(out.text()) }
    })
    .await;
    let verified = client.get("/v1/instances/bad/verify").await.expect(200);
    assert_eq!((&verified["ok"], &verified["fault"]["version"]), (&json!(false), &json!(bad)));
    let told = client.get(&format!("/v1/instances/bad/events?after={}", bad - 1)).await.expect(200);
    assert_eq!(told["damaged"], json!([bad]), "{told}");
    assert!(event_types(&client, "bad").await.contains(&"ConnectEnded".to_owned()), "the logout is there");
    client.delete("/v1/instances/bad").await.expect(200);
    assert_no_panic(&berth);
}

/// The instance `bad` is refused everything but a look at its history, which names the bad commit.
async fn refuses(client: &Client, bad: u64) {
    for command in ["connect", "logout"] {
        let answer = client.post(&format!("/v1/instances/bad/{command}"), json!({})).await.expect(500);
        assert_eq!(answer["code"], "history_damaged");
    }
    assert_eq!(client.get("/v1/instances/bad").await.expect(500)["code"], "history_damaged");
    client.header("apikey", berth_journeys::ACCOUNT_TOKEN).delete("/instance/logout/bad").await.expect(500);
    client.delete("/rest/instance/bad/logout").await.expect(500);
    let verified = client.get("/v1/instances/bad/verify").await.expect(200);
    assert_eq!((&verified["ok"], &verified["fault"]["version"]), (&json!(false), &json!(bad)));
    for query in [String::new(), format!("?after={}", bad - 1)] {
        let told = client.get(&format!("/v1/instances/bad/events{query}")).await.expect(200);
        assert_eq!(told["damaged"], json!([bad]), "{told}");
    }
}

/// Shards of the log.
const SHARDS: u8 = 4;
/// The SHA-256 of what the intruder writes.
const SHA256_OF_THE_DAMAGE: &str = "eeadeaaffd2332cc063c62afff1eafd4da03d59043dcee211e1f38dfaef65f07";
/// The doors through which an instance can be deleted, each with an instance of its name.
const DOORS: [&str; 7] = ["native", "evolution", "ryze", "codechat", "mega", "green", "evolution-go"];

#[tokio::test]
async fn a_damaged_instance_is_deleted_through_every_door_embedded() {
    let mut berth = Berth::embedded().setting("BERTH_LOG_SHARDS", &SHARDS.to_string()).start().await;
    let made = doors(&berth).await;
    berth.stop().await;
    {
        let log = EmbeddedLog::open(&berth.data().join("data"), SHARDS, &SystemEntropy).unwrap();
        for instance in &made {
            let id: InstanceId = instance["id"].as_str().unwrap().parse().unwrap();
            let stream = StreamKey::instance(id);
            let tail = log.tail(&stream).await.unwrap().unwrap().tail;
            let commit = NewCommit {
                stream,
                version: tail.version + 1,
                command_id: None,
                traceparent: None,
                payload: b"no commit at all".as_slice().into(),
            };
            log.append(commit, Expected::After(tail)).await.unwrap();
        }
    }
    berth.restart().await;
    are_deleted(&berth, &made).await;
}

#[tokio::test]
async fn a_damaged_instance_is_deleted_through_every_door_on_nats() {
    let server = NatsServer::start().await;
    let berth = Berth::on_nats(&server).roles_in_processes().start().await;
    let made = doors(&berth).await;
    for instance in &made {
        Intruder::on(&server, instance).await.publish(b"no commit at all".to_vec()).await;
    }
    are_deleted(&berth, &made).await;
}

/// One instance for each door; that of the native one is linked.
async fn doors(berth: &Running) -> Vec<Value> {
    let client = berth.client();
    let mut made = Vec::new();
    for door in DOORS {
        made.push(client.post("/v1/instances", json!({"name": door})).await.expect(201));
    }
    link(&client, "native").await;
    until_listed(&client, "linked", 1).await;
    made
}

async fn until_listed(client: &Client, state: &str, count: u64) -> Value {
    eventually("the list has them", async || {
        let list = client.get(&format!("/v1/instances?state={state}")).await.expect(200);
        if list["total"] == count { Ok(list) } else { Err(list) }
    })
    .await
}

async fn are_deleted(berth: &Running, made: &[Value]) {
    let client = berth.client();
    let history = client.get("/v1/instances/native/events").await.expect(200);
    let bad = history["damaged"][0].as_u64().unwrap();
    assert_eq!(client.get("/v1/instances/native").await.expect(500)["code"], "history_damaged");
    let list = client.get("/v1/instances?state=linked").await.expect(200);
    assert_eq!(list["total"], 1, "what is read of it is what it was");

    let delete = client.keyed("away");
    let deleted = delete.delete("/v1/instances/native").await.expect(200);
    assert_eq!((&deleted["state"], &deleted["name"]), (&json!("deleted"), &json!("")));
    client.header("apikey", ACCOUNT_TOKEN).delete("/instance/delete/evolution").await.expect(200);
    client.header("token", ACCOUNT_TOKEN).delete("/api/instance/delete/ryze").await.expect(200);
    let go = "/evolution-go/instance/delete/evolution-go";
    client.header("apikey", ACCOUNT_TOKEN).delete(go).await.expect(200);
    let accounts = client.token(ROOT_KEY).get("/v1/accounts").await.expect(200);
    let account = accounts["accounts"][0]["id"].as_str().unwrap();
    client.delete(&format!("/api/v2/business/{account}/instance/codechat")).await.expect(200);
    client.delete("/rest/instance/mega/delete").await.expect(200);
    let path = format!("/partner/deleteInstanceAccount/{ACCOUNT_TOKEN}");
    let green = json!({"idInstance": made[5]["number"]});
    assert_eq!(client.post(&path, green).await.expect(200), json!({"deleteInstanceAccount": true}));

    let again = delete.delete("/v1/instances/native").await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (200, "true"), "{}", again.text());
    let list = until_listed(&client, "deleted", 7).await;
    assert!(list["instances"].as_array().unwrap().iter().all(|one| one["state"] == "deleted"), "{list}");
    let id = made[0]["id"].as_str().unwrap();
    let gone = client.get(&format!("/v1/instances/{id}")).await.expect(200);
    assert_eq!(
        (&gone["state"], &gone["name"], &gone["device"]),
        (&json!("deleted"), &json!(""), &Value::Null)
    );
    let verified = client.get(&format!("/v1/instances/{id}/verify")).await.expect(200);
    assert_eq!((&verified["ok"], &verified["fault"]["version"]), (&json!(false), &json!(bad)));
    let tombstone = &verified["tombstone"];
    assert_eq!(
        (&tombstone["version"], &tombstone["damaged_version"], &tombstone["good_version"]),
        (&json!(bad + 1), &json!(bad), &json!(bad - 1))
    );
    assert_eq!(tombstone["damaged_sha256"], SHA256_OF_THE_DAMAGE);
    for door in DOORS {
        client.post("/v1/instances", json!({"name": door})).await.expect(201);
    }
    assert_no_panic(berth);
}

#[tokio::test]
async fn a_commit_of_another_instance_is_not_shown_as_ones_own() {
    let server = NatsServer::start().await;
    let berth = Berth::on_nats(&server).start().await;
    let client = berth.client();
    let made = client.post("/v1/instances", json!({"name": "mine"})).await.expect(201);
    let other = client.post("/v1/instances", json!({"name": "other"})).await.expect(201);
    let foreign = Intruder::on(&server, &other).await.last_commit().await;
    let moved = codec::encode(&CommitV2 { version: 2, ..foreign }).unwrap();
    Intruder::on(&server, &made).await.publish(moved).await;

    let read = client.get("/v1/instances/mine").await;
    assert_eq!(read.expect(500)["code"], "history_damaged");
    client.post("/v1/instances/mine/logout", json!({})).await.expect(500);
    client.post("/v1/instances/other/logout", json!({})).await.expect(200);
    assert_no_panic(&berth);
}

#[tokio::test]
async fn a_commit_that_somebody_with_the_master_key_made_is_named_since_it_breaks_the_chain() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().start().await;
    let client = berth.client();
    let made = client.post("/v1/instances", json!({"name": "forged"})).await.expect(201);
    client.post("/v1/instances", json!({"name": "good"})).await.expect(201);
    let intruder = Intruder::on(&server, &made).await;
    let sound = intruder.last_commit().await;
    // With a checksum and a tag of its own, in the right place: only what it says of the commit before it is not so.
    let forged = CommitV2 { version: sound.version + 1, receipts: Vec::new(), events: Vec::new(), ..sound };
    intruder.append(&server, &forged).await;

    let verified = client.get("/v1/instances/forged/verify").await.expect(200);
    assert_eq!((&verified["ok"], &verified["fault"]["version"]), (&json!(false), &json!(forged.version)));
    assert_eq!(client.get("/v1/instances/good/verify").await.expect(200)["ok"], true);
    // It stays named, whatever is decided behind it, and the way out is to delete what it was done to.
    client.post("/v1/instances/forged/connect", json!({"wait_ms": 0})).await.expect(200);
    berth.kill9();
    berth.restart().await;
    client.delete("/v1/instances/forged").await.expect(200);
    let verified =
        client.get(&format!("/v1/instances/{}/verify", made["id"].as_str().unwrap())).await.expect(200);
    assert_eq!((&verified["ok"], &verified["fault"]["version"]), (&json!(false), &json!(forged.version)));
    client.post("/v1/instances", json!({"name": "forged"})).await.expect(201);
    assert_no_panic(&berth);
}

#[tokio::test]
async fn a_server_that_goes_in_the_middle_of_requests_leaves_nothing_half_done() {
    let mut server = NatsServer::start().await;
    let berth = Berth::on_nats(&server).roles_in_processes().start().await;
    let client = berth.client();
    for instance in 0..4 {
        client.post("/v1/instances", json!({"name": format!("i{instance}")})).await.expect(201);
    }
    let asked: Vec<(String, String, Value)> = (0..40)
        .map(|at| match at % 4 {
            0 => (format!("create-{at}"), "/v1/instances".to_owned(), json!({"name": format!("new-{at}")})),
            1 => (format!("out-{at}"), format!("/v1/instances/i{}/logout", at / 4 % 4), json!({})),
            2 => {
                (format!("in-{at}"), format!("/v1/instances/i{}/connect", at / 4 % 4), json!({"wait_ms": 0}))
            }
            _ => (
                format!("hook-{at}"),
                format!("/v1/instances/i{}/webhooks", at / 4 % 4),
                json!({"url": format!("https://example.com/{at}")}),
            ),
        })
        .collect();
    let send = async |(key, path, body): &(String, String, Value)| {
        client.keyed(key).try_send(Method::POST, path, Some(body.clone())).await.unwrap()
    };
    let kill = async {
        eventually("the first are done", async || {
            let now = client.get("/v1/instances/new-0").await;
            if now.status == 200 { Ok(()) } else { Err(now.text()) }
        })
        .await;
        server.kill();
    };
    let first = async { join_all(asked.iter().map(&send)).await };
    let (first, ()) = tokio::join!(first, kill);
    for answer in first.iter().filter(|answer| answer.status >= 300) {
        assert_eq!((answer.status, &answer.body["code"]), (503, &json!("unavailable")), "{}", answer.text());
        assert!(!answer.header("retry-after").is_empty());
    }
    let gone = client.post("/v1/instances/i0/logout", json!({})).await;
    assert_eq!((gone.status, gone.header("retry-after").is_empty()), (503, false), "{}", gone.text());
    assert_eq!(client.get("/v1/instances/i0").await.status, 503);

    server.restart().await;
    berth.ready().await;
    for (one, before) in asked.iter().zip(&first) {
        // The volatile store comes back a moment later than the log.
        let again = eventually("it is answered", async || {
            let again = send(one).await;
            if again.status == 503 { Err(again.text()) } else { Ok(again) }
        })
        .await;
        assert!(again.status < 300, "{}: {}", one.0, again.text());
        if before.status < 300 {
            assert_eq!(again.header("idempotency-replayed"), "true", "{} was done before", one.0);
            assert_eq!(again.body["id"], before.body["id"]);
        }
    }
    for instance in 0..4 {
        let verified = client.get(&format!("/v1/instances/i{instance}/verify")).await.expect(200);
        assert_eq!(verified["ok"], true, "{verified}");
        let hooks = client.get(&format!("/v1/instances/i{instance}/webhooks")).await.expect(200);
        let urls: std::collections::BTreeSet<_> =
            hooks["webhooks"].as_array().unwrap().iter().map(|it| it["url"].to_string()).collect();
        assert_eq!(urls.len(), hooks["webhooks"].as_array().unwrap().len(), "each once: {hooks}");
    }
    assert_no_panic(&berth);
}

#[track_caller]
fn assert_no_panic(berth: &Running) {
    assert!(!berth.logs().contains("panicked"), "{}", berth.logs());
}
