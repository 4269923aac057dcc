//! What a stolen user of NATS cannot do, although it may do everything that the attack is made of.

use async_nats::{
    Client, HeaderMap,
    jetstream::{self, message::StreamMessage},
};
use berth_journeys::{ROLES, Running, eventually};
use berth_proto::{InstanceId, StreamKey};
use berth_test_support::heard_from_now;
use futures::StreamExt;
use serde_json::json;

use super::{Server, berth, password, wire::Wire};

/// A stream that no instance has.
const FORGED: &str = "berth.v1.log.instance.0.forged";

/// What a mark of a destroyed key consists of.
const MARK: &[u8] = &[0];

/// The last message that stands there.
async fn last(operator: &Client, stream: &str, subject: &str) -> Option<StreamMessage> {
    let stream = jetstream::new(operator.clone()).get_stream(stream).await.unwrap();
    stream.get_last_raw_message_by_subject(subject).await.ok()
}

/// Whether a message stands there.
async fn stands(server: &Server, subject: &str) -> bool {
    last(&server.connect("operator").await, "BERTH_LOG_0", subject).await.is_some()
}

/// Whether a stream takes a message of a user.
async fn takes(user: &Client, subject: &str, headers: HeaderMap, payload: &[u8]) -> bool {
    let jetstream = jetstream::new(user.clone());
    let payload = payload.to_vec().into();
    jetstream.publish_with_headers(subject.to_owned(), headers, payload).await.unwrap().await.is_ok()
}

/// The id of an instance that is made for this.
async fn instance(berth: &Running, name: &str) -> String {
    let made = berth.client().post("/v1/instances", json!({ "name": name })).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

/// The instance can be opened by whoever reads its key from the store.
async fn opens(berth: &mut Running, name: &str) {
    berth.restart().await;
    let seen = berth.client().get(&format!("/v1/instances/{name}")).await.expect(200);
    assert_eq!(seen["name"], name, "its key opens nothing any more");
}

async fn wire(server: &Server, user: &str) -> Wire {
    Wire::connect(server.port, user, &password(user)).await
}

async fn until_logged(berth: &Running, words: &str) {
    eventually(words, async || if berth.logs().contains(words) { Ok(()) } else { Err(berth.logs()) }).await;
}

#[tokio::test]
async fn nobody_has_a_service_answer_into_the_log() {
    let server = Server::start("single.conf", &[], &[]);
    server.connect("operator").await;
    let mut berth = berth(&server).start().await;
    let dropped = "should go to something else than an inbox";
    wire(&server, "gateway").await.publish("berth.v1.cmd.client.0.forged", FORGED, b"forged").await;
    until_logged(&berth, dropped).await;
    // Whatever the session-aggregate answers is answered by now.
    berth.client().post("/v1/instances", json!({ "name": "first" })).await.expect(201);
    assert!(!stands(&server, FORGED).await, "the answer became a commit");
    berth.kill9();
}

#[tokio::test]
async fn nobody_has_the_server_deliver_a_command_for_another_sender() {
    let server = Server::start("single.conf", &[], &[]);
    server.connect("operator").await;
    let mut berth = berth(&server).start().await;
    // A message of its own choice, stored where webhooks may, and a consumer that delivers it to where commands of
    // clients are taken.
    let mut webhooks = wire(&server, "webhooks").await;
    webhooks.publish("berth.v1.log.delivery.0.forged", "_INBOX_berth-webhooks.x", b"forged").await;
    let request = json!({
        "stream_name": "BERTH_LOG_0",
        "config": {
            "name": "forger", "deliver_subject": "berth.v1.cmd.client.0.forged", "deliver_policy": "all",
            "ack_policy": "none", "filter_subject": "berth.v1.log.delivery.0.forged", "mem_storage": true,
        },
    });
    let subject = "$JS.API.CONSUMER.CREATE.BERTH_LOG_0.forger.berth.v1.log.delivery.0.forged";
    webhooks.publish(subject, "_INBOX_berth-webhooks.x", request.to_string().as_bytes()).await;
    // It arrives under the subject that it was stored on, which is no command's.
    until_logged(&berth, "berth.v1.log.delivery.0.forged").await;
    berth.kill9();
}

#[tokio::test]
async fn who_makes_keys_writes_over_none() {
    let server = Server::start("single.conf", &[], &[]);
    let operator = server.connect("operator").await;
    let mut berth = berth(&server).start().await;
    let place = format!("berth.v1.keys.{}", instance(&berth, "first").await);
    let before = last(&operator, "BERTH_KEYS", &place).await.unwrap();
    let gateway = server.connect("gateway").await;
    for payload in [b"\x01another key".as_slice(), MARK, b""] {
        assert!(!takes(&gateway, &place, HeaderMap::new(), payload).await, "{payload:?}");
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Rollup", "sub");
        assert!(!takes(&gateway, &place, headers, payload).await, "{payload:?} in place of what stood there");
    }
    let after = last(&operator, "BERTH_KEYS", &place).await.unwrap();
    assert_eq!((after.sequence, after.payload), (before.sequence, before.payload));
    opens(&mut berth, "first").await;
    // Its place is free once it is destroyed: what stands there then makes nothing alive.
    berth.client().delete("/v1/instances/first").await.expect(200);
    assert!(takes(&gateway, &place, HeaderMap::new(), b"\x01another key").await);
    berth.restart().await;
    berth.client().get("/v1/instances/first").await.expect(404);
    berth.kill9();
}

#[tokio::test]
async fn an_answer_of_the_server_destroys_no_key_and_hinders_no_destruction() {
    let server = Server::start("single.conf", &[], &[]);
    let operator = server.connect("operator").await;
    let mut berth = berth(&server).start().await;
    let id = instance(&berth, "first").await;
    let mark = format!("berth.v1.keys.destroyed.{id}");
    wire(&server, "connector").await.publish("$JS.API.STREAM.INFO.BERTH_LOG_0", &mark, b"").await;
    eventually("the answer stands where the mark would", async || {
        last(&operator, "BERTH_KEYS", &mark).await.ok_or("nothing")
    })
    .await;
    opens(&mut berth, "first").await;
    let deleted = berth.client().delete("/v1/instances/first").await.expect(200);
    assert_eq!(deleted["erasure"], "done");
    assert_eq!(last(&operator, "BERTH_KEYS", &mark).await.unwrap().payload, MARK);
    assert!(last(&operator, "BERTH_KEYS", &format!("berth.v1.keys.{id}")).await.is_none());
    berth.kill9();
}

#[tokio::test]
async fn an_answer_of_the_server_is_no_record_of_the_deployment() {
    let server = Server::start("single.conf", &[], &[]);
    let operator = server.connect("operator").await;
    let mut berth = berth(&server).start().await;
    let id = instance(&berth, "first").await;
    let mut connector = wire(&server, "connector").await;
    let mark = format!("berth.v1.keys.destroyed.{id}");
    for at in ["berth.v1.deployment.a", "berth.v1.deployment.b", &mark] {
        connector.publish("$JS.API.STREAM.INFO.BERTH_LOG_0", at, b"").await;
    }
    eventually("the answers have arrived", async || {
        last(&operator, "BERTH_KEYS", &mark).await.ok_or("the last of them has not")
    })
    .await;
    // Every process reads the record when it starts, and looks at it while it runs.
    opens(&mut berth, "first").await;
    berth.ready().await;
    berth.kill9();
}

#[tokio::test]
async fn nobody_has_the_server_deliver_a_message_of_his_choice_into_keys_or_the_log() {
    let server = Server::start("single.conf", &[], &[]);
    let operator = server.connect("operator").await;
    let mut berth = berth(&server).start().await;
    let id = instance(&berth, "first").await;
    // What webhooks may store are the very bytes of a mark; consumers that it may make deliver them elsewhere.
    let mut webhooks = wire(&server, "webhooks").await;
    let (stored, inbox) = ("berth.v1.log.delivery.0.forged", "_INBOX_berth-webhooks.x");
    webhooks.publish(stored, inbox, MARK).await;
    for (name, at, stream) in [
        ("marker", format!("berth.v1.keys.destroyed.{id}"), "BERTH_KEYS"),
        ("maker", "berth.v1.keys.forged".to_owned(), "BERTH_KEYS"),
        ("writer", FORGED.to_owned(), "BERTH_LOG_0"),
    ] {
        let mut heard = heard_from_now(&operator, at.clone()).await;
        // By a push.
        let request = json!({
            "stream_name": "BERTH_LOG_0",
            "config": {
                "name": name, "deliver_subject": at, "deliver_policy": "all", "ack_policy": "none",
                "filter_subject": stored, "mem_storage": true,
            },
        });
        let create = format!("$JS.API.CONSUMER.CREATE.BERTH_LOG_0.{name}.{stored}");
        webhooks.publish(&create, inbox, request.to_string().as_bytes()).await;
        // And by a pull whose answer goes there.
        let request = json!({
            "stream_name": "BERTH_LOG_0",
            "config": {
                "name": format!("{name}-pull"), "deliver_policy": "all", "ack_policy": "explicit",
                "filter_subject": stored, "mem_storage": true,
            },
        });
        let create = format!("$JS.API.CONSUMER.CREATE.BERTH_LOG_0.{name}-pull.{stored}");
        webhooks.publish(&create, inbox, request.to_string().as_bytes()).await;
        eventually("the consumer is there", async || {
            let log = jetstream::new(operator.clone()).get_stream("BERTH_LOG_0").await.unwrap();
            log.consumer_info(format!("{name}-pull")).await
        })
        .await;
        let next = format!("$JS.API.CONSUMER.MSG.NEXT.BERTH_LOG_0.{name}-pull");
        webhooks.publish(&next, &at, b"1").await;
        eventually("it was pulled", async || {
            let log = jetstream::new(operator.clone()).get_stream("BERTH_LOG_0").await.unwrap();
            let pulled = log.consumer_info(format!("{name}-pull")).await.unwrap();
            if pulled.delivered.consumer_sequence > 0 { Ok(()) } else { Err("not yet") }
        })
        .await;
        assert!(heard.next().await.is_some(), "the server delivers it");
        // Whatever comes to the stream after that is stored after it.
        let (own, later) = match stream {
            "BERTH_KEYS" => (format!("berth.v1.keys.after-{name}"), MARK),
            _ => (format!("berth.v1.log.delivery.0.after-{name}"), MARK),
        };
        assert!(takes(&operator, &own, HeaderMap::new(), later).await);
        let found = last(&operator, stream, &at).await;
        assert!(found.is_none(), "{at}: {found:?}");
    }
    opens(&mut berth, "first").await;
    berth.kill9();
}

#[tokio::test]
async fn nobody_has_an_old_commit_delivered_anew() {
    let server = Server::start("single.conf", &[], &[]);
    let operator = server.connect("operator").await;
    let mut berth = berth(&server).start().await;
    let id: InstanceId = instance(&berth, "first").await.parse().unwrap();
    let client = berth.client();
    client.post("/v1/instances/first/connect", json!({})).await.expect(200);
    let stream = StreamKey::instance(id);
    let (subject, shard) = (stream.subject(), format!("BERTH_LOG_{}", stream.partition().shard(4)));
    let log = jetstream::new(operator.clone()).get_stream(&shard).await.unwrap();
    let before = last(&operator, &shard, &subject).await.unwrap();
    // Who may follow has its consumer answer to where the commit stands: the first one would be the last again. It is
    // delivered with its headers, which name the message that it was appended after.
    let mut connector = wire(&server, "connector").await;
    let request = json!({
        "stream_name": shard,
        "config": {
            "name": "again", "deliver_policy": "all", "ack_policy": "explicit", "filter_subject": subject,
            "mem_storage": true,
        },
    });
    let create = format!("$JS.API.CONSUMER.CREATE.{shard}.again.{subject}");
    connector.publish(&create, "_INBOX_berth-connector.x", request.to_string().as_bytes()).await;
    eventually("the consumer is there", async || log.consumer_info("again").await).await;
    let next = format!("$JS.API.CONSUMER.MSG.NEXT.{shard}.again");
    connector.publish(&next, &subject, b"1").await;
    eventually("it was pulled", async || {
        let pulled = log.consumer_info("again").await.unwrap();
        if pulled.delivered.consumer_sequence > 0 { Ok(()) } else { Err("not yet") }
    })
    .await;
    let after = format!("berth.v1.log.directory.{}.after", stream.partition());
    assert!(takes(&operator, &after, HeaderMap::new(), b"stored after it").await);
    assert_eq!(last(&operator, &shard, &subject).await.unwrap().sequence, before.sequence);
    let verified = client.get("/v1/instances/first/verify").await.expect(200);
    assert_eq!(verified["ok"], true, "{verified}");
    berth.kill9();
}

#[tokio::test]
async fn who_writes_its_own_lease_removes_nobody_elses() {
    let server = Server::start("single.conf", &[], &[]);
    let operator = server.connect("operator").await;
    let mut berth = berth(&server).start().await;
    let theirs = "$KV.berth_leases.epoch.session-aggregate.0";
    eventually("the session-aggregate owns a partition", async || {
        last(&operator, "KV_berth_leases", theirs).await.ok_or("no epoch")
    })
    .await;
    for role in ROLES.into_iter().filter(|role| *role != "gateway") {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Rollup", "all");
        let own = format!("$KV.berth_leases.member.{role}.forged");
        assert!(!takes(&server.connect(role).await, &own, headers, b"").await, "{role}");
    }
    assert!(last(&operator, "KV_berth_leases", theirs).await.is_some());
    berth.kill9();
}

/// The limit that `docs/security.md` names: the server itself answers to wherever it is asked to, and who may ask it
/// anything can so put its answer, of which not a byte is the asker's choice, where a commit is expected.
#[tokio::test]
async fn a_commit_that_is_an_answer_of_the_server_is_found_out() {
    let server = Server::start("single.conf", &[], &[]);
    server.connect("operator").await;
    let mut berth = berth(&server).start().await;
    let client = berth.client();
    let made = client.post("/v1/instances", json!({ "name": "first" })).await.expect(201);
    let id: InstanceId = made["id"].as_str().unwrap().parse().unwrap();
    let subject = StreamKey::instance(id).subject();
    let mut connector = wire(&server, "connector").await;
    connector.publish("$JS.API.STREAM.INFO.BERTH_LOG_0", &subject, b"").await;
    eventually("the history does not verify", async || {
        let verified = client.get("/v1/instances/first/verify").await;
        if verified.status == 200 && verified.body["ok"] == false { Ok(()) } else { Err(verified.text()) }
    })
    .await;
    client.post("/v1/instances/first/logout", json!({})).await.expect(500);
    client.post("/v1/instances", json!({ "name": "second" })).await.expect(201);
    berth.kill9();
}
