//! What a stolen user of NATS cannot do, although it may do everything that the attack is made of.

use berth_journeys::{Running, eventually};
use berth_proto::{InstanceId, StreamKey};
use serde_json::json;

use super::{Server, berth, password, wire::Wire};

/// A stream that no instance has.
const FORGED: &str = "berth.v1.log.instance.0.forged";

/// Whether a message stands there.
async fn stands(server: &Server, subject: &str) -> bool {
    let operator = async_nats::jetstream::new(server.connect("operator").await);
    let stream = operator.get_stream("BERTH_LOG_0").await.unwrap();
    stream.get_last_raw_message_by_subject(subject).await.is_ok()
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
