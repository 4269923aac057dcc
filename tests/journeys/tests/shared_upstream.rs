//! One upstream and two accounts on it: whose instance is whose there, what comes back, and what a repeat is answered when a grant
//! is gone.

use berth_journeys::{
    Berth, Client, Running, eventually,
    on_upstream::{TwoAccounts, driving, on_evo1},
    steps,
};
use berth_test_support::NatsServer;
use serde_json::{Value, json};

/// Who may have instances on the upstream.
const BOTH: &str = "default,acme";

#[tokio::test]
async fn embedded() {
    let there = Berth::embedded().start().await;
    let berth = driving(Berth::embedded(), &there, BOTH).start().await;
    accounts_share_an_upstream(berth, &there.client()).await;
}

#[tokio::test]
async fn on_nats_in_processes() {
    let server = NatsServer::start().await;
    let there = Berth::embedded().start().await;
    let berth = driving(Berth::on_nats(&server).roles_in_processes(), &there, BOTH).start().await;
    accounts_share_an_upstream(berth, &there.client()).await;
}

async fn accounts_share_an_upstream(mut berth: Running, gateway: &Client) {
    let accounts = TwoAccounts::of(&berth).await;
    one_name_is_two_instances(&accounts, gateway).await;
    what_was_renamed_or_deleted_here_is_known(&accounts, gateway).await;
    a_repeat_is_answered_when_the_grant_is_gone(&mut berth, &accounts).await;
}

/// What an adoption says of an instance there, as soon as the gateway there lists it.
async fn adoption(accounts: &TwoAccounts, account: &str, name: &str, deleted_too: bool) -> Value {
    let asked = json!({"account": account, "only": [name], "deleted_too": deleted_too});
    eventually("it is listed there", async || {
        let done = accounts.root.post("/v1/upstreams/evo1/adopt", asked.clone()).await.expect(200);
        if done["instances"][0].is_null() { Err(done) } else { Ok(done["instances"][0].clone()) }
    })
    .await
}

async fn one_name_is_two_instances(accounts: &TwoAccounts, gateway: &Client) {
    let TwoAccounts { own, own_id, acme, acme_id, .. } = accounts;
    own.post("/v1/instances", on_evo1("shop")).await.expect(201);
    own.post("/v1/instances/shop/connect", json!({})).await.expect(200);
    let there = format!("shop-{own_id}");
    steps::scan(gateway, &there).await;
    steps::until(own, "shop", "it is open", |now| now["connection"] == "open").await;

    // Another account's of that name is another one there: it has no part in that session.
    acme.post("/v1/instances", on_evo1("shop")).await.expect(201);
    let code = acme.post("/v1/instances/shop/connect", json!({})).await.expect(200);
    assert_eq!((&code["state"], &code["device"]), (&json!("pairing"), &Value::Null));
    assert_eq!(acme.get("/v1/gate/shop").await.status, 403);
    gateway.get(&format!("/v1/instances/shop-{acme_id}")).await.expect(200);
    gateway.get("/v1/instances/shop").await.expect(404);
    assert_eq!(own.get("/v1/instances/shop").await.expect(200)["connection"], "open");

    // What was made by an account is that account's, also for an operator who adopts everything.
    assert_eq!(adoption(accounts, own_id, &there, false).await["outcome"], "present");
    let refused = adoption(accounts, acme_id, &there, false).await;
    assert_eq!((&refused["outcome"], &refused["reason"]), (&json!("refused"), &json!("name_taken")));
}

async fn what_was_renamed_or_deleted_here_is_known(accounts: &TwoAccounts, gateway: &Client) {
    let TwoAccounts { own, own_id, .. } = accounts;
    let there = json!({"name": "kiosk", "token": "token-of-the-kiosk-0001"});
    gateway.post("/v1/instances", there).await.expect(201);
    assert_eq!(adoption(accounts, own_id, "kiosk", false).await["outcome"], "adopted");
    own.patch("/v1/instances/kiosk", json!({"name": "stand"})).await.expect(200);
    assert_eq!(adoption(accounts, own_id, "kiosk", false).await["outcome"], "present", "by its name there");

    // A rename here is none there: a second one would have the session of the first.
    own.patch("/v1/instances/shop", json!({"name": "store"})).await.expect(200);
    assert_eq!(own.post("/v1/instances", on_evo1("shop")).await.expect(409)["code"], "name_taken");

    // What was deleted here is still there, and stays away until it is asked for.
    own.delete("/v1/instances/stand").await.expect(200);
    assert_eq!(adoption(accounts, own_id, "kiosk", false).await["outcome"], "deleted_here");
    own.get("/v1/instances/kiosk").await.expect(404);
    assert_eq!(adoption(accounts, own_id, "kiosk", true).await["outcome"], "adopted");
    own.get("/v1/instances/kiosk").await.expect(200);
    assert_eq!(adoption(accounts, own_id, "kiosk", false).await["outcome"], "present");
}

async fn a_repeat_is_answered_when_the_grant_is_gone(berth: &mut Running, accounts: &TwoAccounts) {
    let TwoAccounts { own, own_id, root, .. } = accounts;
    let choice = format!("/v1/accounts/{own_id}/upstream");
    root.post(&choice, json!({"upstream": "evo1"})).await.expect(200);
    // One says where, the other is made where the account's are.
    let bodies = [("said", on_evo1("said")), ("chosen", json!({"name": "chosen"}))];
    let mut first = Vec::new();
    for (key, body) in &bodies {
        let made = own.keyed(key).post("/v1/instances", body.clone()).await.expect(201);
        assert_eq!(made["link"]["upstream"], "evo1");
        first.push(made);
    }
    berth.stop().await;
    berth.set("BERTH_UPSTREAM_EVO1_ACCOUNTS", "acme");
    berth.restart().await;
    for ((key, body), made) in bodies.iter().zip(&first) {
        let again = own.keyed(key).post("/v1/instances", body.clone()).await.expect(201);
        assert_eq!(again, *made, "{key}");
        own.keyed(&format!("{key}-2")).post("/v1/instances", body.clone()).await.expect(400);
        let other = json!({"name": "other", "link": {"upstream": "evo1"}});
        let reused = own.keyed(key).post("/v1/instances", other).await.expect(422);
        assert_eq!(reused["code"], "idempotency_key_reused");
    }
    own.delete("/v1/instances/said").await.expect(200);
    own.keyed("said").post("/v1/instances", on_evo1("said")).await.expect(410);
}
