//! A session at an upstream belongs to one living instance, whatever was granted, renamed, moved or deleted since.

use berth_journeys::{
    ACCOUNT_TOKEN, Berth, Client, Running, eventually,
    on_upstream::{TwoAccounts, driving, on_evo1},
    steps,
};
use berth_test_support::NatsServer;
use serde_json::{Value, json};

/// One account has the upstream for itself at first.
const ALONE: &str = "default";

#[tokio::test]
async fn embedded() {
    let there = Berth::embedded().start().await;
    let berth = driving(Berth::embedded(), &there, ALONE).start().await;
    a_session_belongs_to_one_instance(berth, there).await;
}

#[tokio::test]
async fn on_nats_in_processes() {
    let server = NatsServer::start().await;
    let there = Berth::embedded().start().await;
    let berth = driving(Berth::on_nats(&server).roles_in_processes(), &there, ALONE).start().await;
    a_session_belongs_to_one_instance(berth, there).await;
}

async fn a_session_belongs_to_one_instance(mut berth: Running, mut there: Running) {
    let accounts = TwoAccounts::of(&berth).await;
    a_name_there_is_kept_for_the_account_whose_id_it_bears(&accounts).await;
    let shop = linked_on_evo1(&accounts.own, &there.client(), "shop", "shop").await;
    // Nothing that another account could ask for leads to it any more but its name there.
    accounts.own.post("/v1/instances/shop/token", json!({})).await.expect(200);
    accounts.own.patch("/v1/instances/shop", json!({"name": "store"})).await.expect(200);
    berth.stop().await;
    berth.set("BERTH_UPSTREAM_EVO1_ACCOUNTS", "default,acme");
    berth.restart().await;
    the_session_is_nobody_elses(&accounts, &shop).await;
    a_name_is_free_when_the_device_of_a_deleted_instance_is_unlinked(&accounts, &mut there).await;
}

/// An instance whose device is linked at the upstream, where it has that name; its id.
async fn linked_on_evo1(account: &Client, gateway: &Client, name: &str, name_there: &str) -> String {
    let made = account.post("/v1/instances", on_evo1(name)).await.expect(201);
    account.post(&format!("/v1/instances/{name}/connect"), json!({})).await.expect(200);
    steps::scan(gateway, name_there).await;
    steps::until(account, name, "it is open", |now| now["connection"] == "open").await;
    made["id"].as_str().expect("an id").to_owned()
}

/// What an adoption comes to for the instance `shop` of the upstream.
async fn adoption_of_shop(accounts: &TwoAccounts, account: &str) -> (Value, Value) {
    let asked = json!({"account": account, "only": ["shop"]});
    let done = accounts.root.post("/v1/upstreams/evo1/adopt", asked).await.expect(200);
    (done["instances"][0]["outcome"].clone(), done["instances"][0]["reason"].clone())
}

async fn a_name_there_is_kept_for_the_account_whose_id_it_bears(accounts: &TwoAccounts) {
    let TwoAccounts { own, acme_id, .. } = accounts;
    let theirs = on_evo1(&format!("till-{acme_id}"));
    assert_eq!(own.post("/v1/instances", theirs).await.expect(409)["code"], "name_taken");
}

async fn the_session_is_nobody_elses(accounts: &TwoAccounts, shop: &str) {
    let TwoAccounts { own, own_id, acme, acme_id, root } = accounts;
    let refused = (json!("refused"), json!("name_taken"));
    steps::until(own, "store", "it is open again", |now| now["connection"] == "open").await;
    assert_eq!(adoption_of_shop(accounts, acme_id).await, refused);
    assert_eq!(adoption_of_shop(accounts, own_id).await.0, "present");
    // A name that others have here is free: it is another one there, now that they share it.
    acme.post("/v1/instances", on_evo1("shop")).await.expect(201);
    acme.delete("/v1/instances/shop").await.expect(200);

    // It goes with its instance to another account.
    let path = format!("/v1/accounts/{acme_id}/move-instance");
    root.post(&path, json!({"instance": shop})).await.expect(200);
    assert_eq!(adoption_of_shop(accounts, own_id).await, refused);
    assert_eq!(adoption_of_shop(accounts, acme_id).await.0, "present");
    acme.get("/v1/gate/store").await.expect(200);
    own.get("/v1/instances/store").await.expect(404);
}

async fn a_name_is_free_when_the_device_of_a_deleted_instance_is_unlinked(
    accounts: &TwoAccounts,
    there: &mut Running,
) {
    let TwoAccounts { own, own_id, .. } = accounts;
    let bar = linked_on_evo1(own, &there.client(), "bar", &format!("bar-{own_id}")).await;
    there.stop().await;
    own.delete("/v1/instances/bar").await.expect(200);
    let refused = own.post("/v1/instances", on_evo1("bar")).await.expect(409);
    assert_eq!(refused["code"], "still_leaving", "{refused}");
    let evolution = Client::new(own.base()).header("apikey", ACCOUNT_TOKEN);
    let create = json!({"instanceName": "bar", "link": {"upstream": "evo1"}});
    let refused = evolution.post("/instance/create", create).await.expect(400).to_string();
    assert!(refused.contains("is still to be unlinked there: wait until"), "{refused}");

    there.restart().await;
    let next = eventually("its name is free", async || {
        let answer = own.post("/v1/instances", on_evo1("bar")).await;
        if answer.status == 201 { Ok(answer.expect(201)) } else { Err(answer.text()) }
    })
    .await;
    let deleted = own.get(&format!("/v1/instances/{bar}")).await.expect(200);
    assert_eq!(deleted["unlinks"][0]["status"], "confirmed", "{deleted}");
    assert_ne!(next["id"], deleted["id"]);

    // While all is well there a create waits for it, as clients expect that begin an instance anew.
    own.post("/v1/instances/bar/connect", json!({})).await.expect(200);
    steps::scan(&there.client(), &format!("bar-{own_id}")).await;
    steps::until(own, "bar", "it is open", |now| now["connection"] == "open").await;
    own.delete("/v1/instances/bar").await.expect(200);
    let (keyed, mut tries) = (own.keyed("anew"), 1);
    while keyed.post("/v1/instances", on_evo1("bar")).await.status != 201 {
        tries += 1;
        assert!(tries <= 3, "each of them waits for seconds");
    }
    let anew = keyed.post("/v1/instances", on_evo1("bar")).await.expect(201);
    assert_eq!(own.get("/v1/instances/bar").await.expect(200)["id"], anew["id"]);
}
