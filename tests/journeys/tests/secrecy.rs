//! What is stored tells nobody anything, and a delete erases.

use std::path::Path;

use berth_journeys::{
    ACCOUNT_TOKEN, Berth, MASTER_KEY, ROOT_KEY, Recorder, Running,
    steps::{PHONE, PUSH_NAME, event_types, files_with, link},
};
use berth_test_support::NatsServer;
use serde_json::json;

/// A name that no file contains by chance.
const NAME: &str = "Quiterio Imoveis 47";

#[tokio::test]
async fn no_file_tells_anything_embedded() {
    let berth = Berth::embedded().start().await;
    let folder = berth.data().to_owned();
    nothing_in_clear(berth, &[&folder]).await;
}

#[tokio::test]
async fn no_file_and_no_stream_tells_anything_on_nats() {
    let server = NatsServer::start().await;
    let berth = Berth::on_nats(&server).roles_in_processes().start().await;
    let folder = berth.data().to_owned();
    let store = server.store().to_owned();
    nothing_in_clear(berth, &[&folder, &store]).await;
}

async fn nothing_in_clear(mut berth: Running, folders: &[&Path]) {
    let client = berth.client();
    let receiver = Recorder::start().await;
    let webhook = json!({"url": receiver.url("/hidden-path-83"), "authorization": "Basic hidden-header-83"});
    let settings = json!({"proxy": "hidden-setting-83"});
    let made = client
        .post("/v1/instances", json!({"name": NAME, "webhooks": [webhook], "settings": settings}))
        .await
        .expect(201);
    let id = made["id"].as_str().unwrap();
    let text = link(&client, id).await;
    let secret_part = text.split(',').nth(3).unwrap().to_owned();
    receiver.wait("notices came", |got| got.iter().any(|it| it.body["type"] == "instance.open")).await;
    client.post(&format!("/v1/instances/{id}/logout"), json!({"wait": "unlinked"})).await.expect(200);

    let token = made["token"].as_str().unwrap();
    let secret = made["webhook_secrets"][0]["secret"].as_str().unwrap().trim_start_matches("whsec_");
    let mut needles = vec![
        PHONE,
        PUSH_NAME,
        NAME,
        &secret_part,
        token,
        secret,
        ACCOUNT_TOKEN,
        ROOT_KEY,
        "hidden-path-83",
        "hidden-header-83",
        "hidden-setting-83",
    ];
    look_for(&berth, folders, &needles);

    client.delete(&format!("/v1/instances/{id}")).await.expect(200);
    let gone = client.get(&format!("/v1/instances/{id}")).await.expect(200);
    assert_eq!(
        (&gone["name"], &gone["device"], &gone["erasure"]),
        (&json!(""), &json!(null), &json!("done"))
    );
    assert_eq!(event_types(&client, id).await.last().map(String::as_str), Some("InstanceDeleted"));
    let verified = client.get(&format!("/v1/instances/{id}/verify")).await.expect(200);
    assert_eq!(verified["ok"], true, "the chain holds over what was erased");
    client.token(token).get(&format!("/v1/instances/{id}")).await.expect(401);

    berth.stop().await;
    needles.push(MASTER_KEY);
    look_for(&berth, folders, &needles);
}

/// Neither in the folders nor in what the processes said.
fn look_for(berth: &Running, folders: &[&Path], needles: &[&str]) {
    for needle in needles {
        for folder in folders {
            assert_eq!(files_with(folder, needle), Vec::<String>::new(), "{needle} stands in clear");
        }
        assert!(!berth.logs().contains(needle), "{needle} stands in a log line");
    }
}
