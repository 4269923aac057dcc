//! What somebody else publishes on the log: nobody is held up by it.

use berth_journeys::{Berth, Client, eventually, steps::link};
use berth_proto::{InstanceId, StreamKey};
use berth_test_support::NatsServer;
use serde_json::{Value, json};

/// Headers that end the connection of whoever the message is delivered to.
const HEADERS: [&[u8]; 2] = [b"NATS/1.0\r\nKey: a\rb\r\n\r\n", b"NATS/1.0\r\nno colon\r\n\r\n"];

fn stream_of(instance: &Value) -> StreamKey {
    StreamKey::instance(instance["id"].as_str().unwrap().parse::<InstanceId>().unwrap())
}

async fn publish(server: &NatsServer, stream: &StreamKey, headers: &[u8]) {
    server.publish_raw(stream.subject().as_bytes(), headers, b"no commit at all").await;
}

async fn listed(client: &Client, total: usize) {
    eventually("the list has them all", async || {
        let list = client.get("/v1/instances").await.expect(200);
        if list["total"] == total { Ok(()) } else { Err(list) }
    })
    .await;
}

#[tokio::test]
async fn messages_that_no_client_can_be_given_hold_nobody_up() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().start().await;
    let client = berth.client();
    client.post("/v1/instances", json!({"name": "good"})).await.expect(201);
    let mut made = 1;
    for (number, headers) in HEADERS.iter().enumerate() {
        let bad = format!("bad-{number}");
        let instance = client.post("/v1/instances", json!({"name": bad})).await.expect(201);
        publish(&server, &stream_of(&instance), headers).await;
        client.post("/v1/instances", json!({"name": format!("next-{number}")})).await.expect(201);
        made += 2;
        // What follows the log goes on, in every process.
        listed(&client, made).await;
        let answer = client.post(&format!("/v1/instances/{bad}/connect"), json!({})).await.expect(500);
        assert_eq!(answer["code"], "history_damaged");
        let verified = client.get(&format!("/v1/instances/{bad}/verify")).await.expect(200);
        assert_eq!((&verified["ok"], &verified["fault"]["version"]), (&json!(false), &json!(2)));
    }
    link(&client, "good").await;
    berth.ready().await;
    berth.kill9();
    berth.restart().await;
    client.post("/v1/instances/good/logout", json!({})).await.expect(200);
    for number in 0..HEADERS.len() {
        client.delete(&format!("/v1/instances/bad-{number}")).await.expect(200);
    }
    eventually("all are told as deleted", async || {
        let list = client.get("/v1/instances?state=deleted").await.expect(200);
        if list["total"] == HEADERS.len() { Ok(()) } else { Err(list) }
    })
    .await;
    berth.ready().await;
}
