//! Commits that somebody else's connection puts into the log: each would follow the one before it, and no role takes it.

use std::collections::BTreeSet;

use async_nats::{
    HeaderMap,
    header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE,
    jetstream::{self, context::PublishErrorKind},
};
use berth_bus::{DeploymentStore, nats::NatsDeployment};
use berth_journeys::{Berth, Client, Process, ROLES, Received, Recorder, Running, eventually, steps};
use berth_proto::{CommitV2, Hash, InstanceId, StreamKey, codec};
use berth_test_support::NatsServer;
use serde_json::{Value, json};

/// Whoever may publish where commits of an instance stand, and reads them.
struct Intruder {
    jetstream: jetstream::Context,
    stream: StreamKey,
}

/// A commit as it lies on the server.
struct Found {
    headers: HeaderMap,
    payload: bytes::Bytes,
    revision: u64,
}

impl Found {
    fn version(&self) -> u64 {
        codec::decode::<CommitV2>(&self.payload).unwrap().version
    }
}

impl Intruder {
    async fn on(server: &NatsServer, instance: &Value) -> Self {
        let id: InstanceId = instance["id"].as_str().unwrap().parse().unwrap();
        let jetstream = jetstream::new(async_nats::connect(server.url()).await.unwrap());
        Self { jetstream, stream: StreamKey::instance(id) }
    }

    async fn last(&self) -> Found {
        let subject = self.stream.subject();
        let name = self.jetstream.stream_by_subject(subject.clone()).await.unwrap();
        let stream = self.jetstream.get_stream(name).await.unwrap();
        let last = stream.get_last_raw_message_by_subject(&subject).await.unwrap();
        Found { headers: last.headers, payload: last.payload, revision: last.sequence }
    }

    /// Publishes a message behind the last commit, which nothing came behind meanwhile; gives the version that it stands for.
    async fn publish(&self, message: impl Fn(&Found) -> (HeaderMap, Vec<u8>)) -> u64 {
        loop {
            let last = self.last().await;
            let (mut headers, payload) = message(&last);
            headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, last.revision.to_string());
            let sent = self.jetstream.publish_with_headers(self.stream.subject(), headers, payload.into());
            match sent.await.unwrap().await {
                Ok(_) => return last.version() + 1,
                Err(error) => assert_eq!(error.kind(), PublishErrorKind::WrongLastSequence, "{error}"),
            }
        }
    }

    /// A commit that follows the last one, with a checksum and a hash of its own: what stands in that one happens once more. Gives
    /// its version.
    async fn forge(&self) -> u64 {
        self.publish(|found| {
            let last: CommitV2 = codec::decode(&found.payload).unwrap();
            let previous = Hash::of_commit(&self.stream, last.previous, &found.payload);
            let forged = CommitV2 { version: last.version + 1, previous, receipts: Vec::new(), ..last };
            (HeaderMap::new(), codec::encode(&forged).unwrap())
        })
        .await
    }

    /// The last commit with its headers, but for those that the server would refuse it by.
    async fn copy(&self) -> Found {
        let Found { headers, payload, revision } = self.last().await;
        let kept = headers.iter().filter(|(name, _)| !name.to_string().starts_with("Nats-"));
        let kept = kept.map(|(name, values)| (name.clone(), values[0].clone())).collect();
        Found { headers: kept, payload, revision }
    }
}

/// Nothing is decided on the instance or read of it, and its history names the commit.
async fn is_refused(client: &Client, instance: &str, version: u64) {
    for (command, body) in [("connect", json!({"wait_ms": 0})), ("logout", json!({}))] {
        let path = format!("/v1/instances/{instance}/{command}");
        let answer = client.post(&path, body).await.expect(500);
        assert_eq!(answer["code"], "history_damaged", "{answer}");
    }
    assert_eq!(client.get(&format!("/v1/instances/{instance}")).await.expect(500)["code"], "history_damaged");
    let verified = client.get(&format!("/v1/instances/{instance}/verify")).await.expect(200);
    assert_eq!((&verified["ok"], &verified["fault"]["version"]), (&json!(false), &json!(version)));
    let reason = verified["fault"]["reason"].as_str().unwrap();
    assert!(reason.contains("was not written by this deployment"), "{reason}");
}

/// Each of these processes names the instance as one whose commit is not the deployment's, and stays ready.
async fn is_named(processes: &[Client], instance: &Value) {
    let id = instance["id"].as_str().unwrap();
    for process in processes {
        eventually("it is named", async || {
            let told = process.get("/readyz").await;
            let text = told.text();
            let is_it =
                text.contains("not this deployment's own at") && text.contains(&format!("instance/{id}"));
            if told.status == 200 && is_it { Ok(()) } else { Err(text) }
        })
        .await;
    }
}

#[tokio::test]
async fn a_commit_that_fits_is_taken_by_no_role_named_by_each_and_its_instance_can_be_deleted() {
    let server = NatsServer::start().await;
    let receiver = Recorder::start().await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().start().await;
    let client = berth.client();
    let made = client.post("/v1/instances", json!({"name": "forged"})).await.expect(201);
    let good = client.post("/v1/instances", json!({"name": "good"})).await.expect(201);
    client.post("/v1/webhooks", json!({"url": receiver.url("/all")})).await.expect(201);
    for name in ["forged", "good"] {
        steps::link(&client, name).await;
    }
    let told = |received: &[Received], id: &Value, kind: &str| {
        let is_it =
            |one: &&Received| one.body["type"] == kind && one.body.to_string().contains(id.as_str().unwrap());
        received
            .iter()
            .filter(is_it)
            .map(|one| one.headers["webhook-id"].clone())
            .collect::<BTreeSet<_>>()
            .len()
    };
    let opened = |received: &[Received], id: &Value| told(received, id, "instance.open");
    receiver
        .wait("both are told", |all| opened(all, &made["id"]) == 1 && opened(all, &good["id"]) == 1)
        .await;
    let intruder = Intruder::on(&server, &made).await;
    let version = intruder.forge().await;

    is_refused(&client, "forged", version).await;
    is_named(&berth.ops(), &made).await;
    let list = client.get("/v1/instances?state=linked").await.expect(200);
    assert_eq!(list["total"], 2, "what is read of it is what it was: {list}");
    client.post("/v1/instances/good/logout", json!({})).await.expect(200);
    berth.kill9();
    berth.restart().await;
    is_refused(&client, "forged", version).await;

    client.delete("/v1/instances/forged").await.expect(200);
    let path = format!("/v1/instances/{}/verify", made["id"].as_str().unwrap());
    let verified = client.get(&path).await.expect(200);
    assert_eq!((&verified["ok"], &verified["fault"]["version"]), (&json!(false), &json!(version)));
    assert_eq!(verified["tombstone"]["damaged_version"], json!(version), "{verified}");
    client.post("/v1/instances", json!({"name": "forged"})).await.expect(201);
    // What stood in the forged commit was told to nobody: it came before what is told of the other.
    let all =
        receiver.wait("the logout is told", |all| told(all, &good["id"], "instance.logged_out") == 1).await;
    assert_eq!(opened(&all, &made["id"]), 1);
}

#[tokio::test]
async fn an_old_commit_that_is_published_again_brings_nothing_back() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().start().await;
    let client = berth.client();
    let made = client.post("/v1/instances", json!({"name": "out"})).await.expect(201);
    steps::link(&client, "out").await;
    let intruder = Intruder::on(&server, &made).await;
    let linked = intruder.copy().await;
    client.post("/v1/instances/out/logout", json!({})).await.expect(200);
    steps::until(&client, "out", "it is logged out", |now| now["state"] == "logged_out").await;
    let version = intruder.publish(|_| (linked.headers.clone(), linked.payload.to_vec())).await;
    is_refused(&client, "out", version).await;
    is_named(&berth.ops(), &made).await;
    berth.kill9();
    berth.restart().await;
    is_refused(&client, "out", version).await;
    assert_eq!(client.get("/v1/instances?state=linked").await.expect(200)["total"], 0);
    client.delete("/v1/instances/out").await.expect(200);
}

/// The record of the deployment, as whoever may write it sees it.
async fn record(server: &NatsServer) -> NatsDeployment {
    NatsDeployment::open(async_nats::connect(server.url()).await.unwrap(), 1).await.unwrap()
}

/// Writes over it.
async fn overwrite(server: &NatsServer, value: &Value) {
    let store = record(server).await;
    let revision = store.read().await.unwrap().map_or(0, |kept| kept.revision);
    assert!(store.write(serde_json::to_vec(value).unwrap().into(), revision).await.unwrap());
}

/// Writes a record of generation 3, as an earlier release left it.
async fn put_back(server: &NatsServer) {
    let kept = record(server).await.read().await.unwrap();
    let mut value = match kept {
        Some(kept) => serde_json::from_slice(&kept.value).unwrap(),
        None => json!({"id": "earlier", "seen": {}, "accepted": false}),
    };
    value["write_version"] = json!(3);
    value.as_object_mut().unwrap().remove("border");
    overwrite(server, &value).await;
}

#[tokio::test]
async fn an_earlier_deployment_takes_its_own_commits_only_from_its_raise_on() {
    let server = NatsServer::start().await;
    put_back(&server).await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().start().await;
    let client = berth.client();
    let mut made = Vec::new();
    for name in ["before", "after"] {
        made.push(client.post("/v1/instances", json!({ "name": name })).await.expect(201));
        client.post(&format!("/v1/instances/{name}/connect"), json!({"wait_ms": 0})).await.expect(200);
        client.post(&format!("/v1/instances/{name}/logout"), json!({})).await.expect(200);
    }
    let [before, after] = [Intruder::on(&server, &made[0]).await, Intruder::on(&server, &made[1]).await];
    before.forge().await;
    let verified = client.get("/v1/instances/before/verify").await.expect(200);
    assert_eq!(verified["ok"], true, "as an earlier release could have written it: {verified}");

    let (code, said) = berth.run(&["upgrade"]).outcome().await;
    assert!(code == Some(0), "{said}");
    let mut writers = Vec::new();
    for process in berth.ops() {
        if !process.get("/readyz").await.text().contains("writes generation") {
            continue;
        }
        eventually("a process that runs takes the raise up", async || {
            let told = process.get("/readyz").await.text();
            if told.contains("and 4 once it is started again") { Ok(()) } else { Err(told) }
        })
        .await;
        writers.push(process);
    }
    assert_eq!(writers.len(), 3, "session-aggregate, webhooks, gateway");
    let version = after.forge().await;
    is_refused(&client, "after", version).await;
    is_named(&writers, &made[1]).await;
    berth.kill9();
    berth.restart().await;
    is_refused(&client, "after", version).await;
    client.post("/v1/instances/before/connect", json!({"wait_ms": 0})).await.expect(200);
    client.post("/v1/instances", json!({"name": "new"})).await.expect(201);

    let kept = record(&server).await.read().await.unwrap().unwrap();
    // Whoever may write the record puts it back: who runs says so, and nobody begins on it.
    put_back(&server).await;
    for process in berth.ops() {
        eventually("it says so", async || {
            let told = process.get("/readyz").await;
            if told.status == 503 && told.text().contains("went back from generation 4 to 3") {
                Ok(())
            } else {
                Err(told.text())
            }
        })
        .await;
    }
    berth.kill9();
    for role in ROLES {
        let (code, said) = berth.run(&[role]).outcome().await;
        assert!(code == Some(64) && said.contains("somebody put the record back"), "{role}: {code:?} {said}");
    }
    let (code, said) = berth.run(&["upgrade"]).outcome().await;
    assert!(code == Some(64) && said.contains("somebody put the record back"), "{code:?} {said}");
    // Without the place nothing is taken for forged that is not, and the backup of the record has it.
    let mut lost: Value = serde_json::from_slice(&kept.value).unwrap();
    lost.as_object_mut().unwrap().remove("border");
    overwrite(&server, &lost).await;
    let (code, said) = berth.run(&["gateway"]).outcome().await;
    assert!(code == Some(64) && said.contains("without an authentication tag"), "{code:?} {said}");
    overwrite(&server, &serde_json::from_slice(&kept.value).unwrap()).await;
    berth.restart().await;
    is_refused(&client, "after", version).await;
    client.get("/v1/instances/before").await.expect(200);
    client.delete("/v1/instances/after").await.expect(200);
}

/// Ends every process, and starts none while the record says what it says.
async fn is_refused_at_the_start(berth: &mut Running, why: &str) {
    berth.kill9();
    let (code, said) = berth.run(&["gateway"]).outcome().await;
    assert!(code == Some(64) && said.contains(why) && said.contains("recover --border"), "{code:?} {said}");
}

/// Runs the recovery until the processes that ended are no members any more.
async fn remake(berth: &Running, besides: &[&str]) -> String {
    let mut told = String::new();
    eventually("the border is made anew", async || {
        let (code, stdout, stderr) = berth.run(&[&["recover", "--border"], besides].concat()).whole().await;
        assert!(matches!(code, Some(0 | 69)), "{code:?} {stderr}");
        told = stdout;
        if code == Some(0) { Ok(()) } else { Err(stderr) }
    })
    .await;
    told
}

#[tokio::test]
async fn who_has_the_master_key_records_anew_where_tags_began() {
    let server = NatsServer::start().await;
    put_back(&server).await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().start().await;
    let client = berth.client();
    let before = client.post("/v1/instances", json!({"name": "before"})).await.expect(201);
    Intruder::on(&server, &before).await.forge().await;
    let backup = record(&server).await.read().await.unwrap().unwrap();
    let (code, said) = berth.run(&["upgrade"]).outcome().await;
    assert!(code == Some(0), "{said}");
    berth.kill9();
    berth.restart().await;
    let after = client.post("/v1/instances", json!({"name": "after"})).await.expect(201);
    let version = Intruder::on(&server, &after).await.forge().await;
    is_refused(&client, "after", version).await;
    let (code, said) = berth.run(&["recover", "--border"]).outcome().await;
    assert!(code == Some(69) && said.contains("stop every process first"), "{code:?} {said}");

    // The backup of before the raise, and a record whose place is lost: nobody starts, and the log tells.
    let of_now = record(&server).await.read().await.unwrap().unwrap();
    let mut lost: Value = serde_json::from_slice(&of_now.value).unwrap();
    lost.as_object_mut().unwrap().remove("border");
    let backup = serde_json::from_slice(&backup.value).unwrap();
    let mut invented = lost.clone();
    invented["write_version"] = json!(99);
    for (value, why) in [
        (&backup, "somebody put the record back"),
        (&lost, "without an authentication tag"),
        (&invented, "generation 99"),
    ] {
        berth.kill9();
        overwrite(&server, value).await;
        is_refused_at_the_start(&mut berth, why).await;
        let url = [("BERTH_NATS_URL".to_owned(), server.url().to_owned())].into();
        let (code, said) = Process::start("recover", &["recover", "--border"], &url).outcome().await;
        assert!(code == Some(64) && said.contains("BERTH_MASTER_KEY"), "{code:?} {said}");
        let dry = remake(&berth, &["--dry-run"]).await;
        assert!(dry.contains("need no tag") && dry.contains("nothing was recorded"), "{dry}");
        is_refused_at_the_start(&mut berth, why).await;
        let said = remake(&berth, &[]).await;
        assert!(said.contains("writes formats of generation 4"), "{said}");
        berth.restart().await;
        is_refused(&client, "after", version).await;
        let verified = client.get("/v1/instances/before/verify").await.expect(200);
        assert_eq!(verified["ok"], true, "{verified}");
        client.get("/v1/instances/before").await.expect(200);
    }
    client.post("/v1/instances/before/connect", json!({"wait_ms": 0})).await.expect(200);
    client.delete("/v1/instances/after").await.expect(200);
}
