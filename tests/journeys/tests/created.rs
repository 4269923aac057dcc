//! What was just created is listed: clients ask for the list right after a create, and many do so once.

use berth_journeys::{ACCOUNT_TOKEN, Berth, Client, Running};
use berth_test_support::NatsServer;
use serde_json::json;

/// Instances that are created.
const CREATED: usize = 20;

#[tokio::test]
async fn embedded() {
    what_is_created_is_listed(Berth::embedded().start().await).await;
}

#[tokio::test]
async fn on_nats_in_processes() {
    let server = NatsServer::start().await;
    what_is_created_is_listed(Berth::on_nats(&server).roles_in_processes().start().await).await;
}

async fn what_is_created_is_listed(berth: Running) {
    let account = berth.client();
    let evolution = Client::new(account.base()).header("apikey", ACCOUNT_TOKEN);
    let mut listed = [0, 0];
    for number in 0..CREATED {
        let name = format!("native-{number}");
        account.post("/v1/instances", json!({"name": name})).await.expect(201);
        let list = account.get("/v1/instances?limit=500").await.expect(200);
        let is_there =
            list["instances"].as_array().is_some_and(|all| all.iter().any(|it| it["name"] == name));
        listed[0] += usize::from(is_there);

        let name = format!("evolution-{number}");
        evolution.post("/instance/create", json!({"instanceName": name})).await.expect(201);
        let list = evolution.get("/instance/fetchInstances").await.expect(200);
        let is_there = list.as_array().is_some_and(|all| all.iter().any(|it| it["name"] == name));
        listed[1] += usize::from(is_there);
    }
    // A list does not wait for ever: on a machine that has no time some come later.
    assert!(listed.iter().all(|listed| *listed > CREATED / 2), "{listed:?} of {CREATED}");
}
