//! Who did what, searched from the shell.

use berth_journeys::{Berth, ROOT_KEY, Running, steps::link};
use berth_test_support::NatsServer;
use serde_json::{Value, json};

use crate::world::Shell;

#[tokio::test]
async fn a_logout_is_found_by_who_asked_for_it_embedded() {
    told(Berth::embedded().start().await).await;
}

#[tokio::test]
async fn a_logout_is_found_by_who_asked_for_it_on_nats() {
    let server = NatsServer::start().await;
    told(Berth::on_nats(&server).start().await).await;
}

async fn told(berth: Running) {
    let (client, shell) = (berth.client(), Shell::of(&berth));
    for name in ["shop", "bar"] {
        client.post("/v1/instances", json!({ "name": name })).await.expect(201);
    }
    link(&client, "shop").await;
    client.post("/v1/instances/shop/logout", json!({ "wait": "unlinked" })).await.expect(200);
    let id = client.get("/v1/instances/shop").await.expect(200)["id"].as_str().expect("an id").to_owned();

    let table = shell.run(&["audit", "--type", "LoggedOut"]).await.expect(0);
    assert!(
        table.contains("LoggedOut") && table.contains("account") && table.contains("127.0.0.1"),
        "{table}"
    );
    let lines = shell.run(&["audit", "--actor", "account", "-o", "jsonl"]).await.expect(0);
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(events.len() >= 4 && events.iter().all(|it| it["command"]["principal"] == "account"), "{lines}");
    let history = shell.run(&["audit", "shop", "-n", "0", "-o", "name"]).await.expect(0);
    assert!(history.lines().any(|it| it == "DeviceLinked") && history.ends_with("InstanceCreated\n"));
    let cut = shell.run(&["audit", "-n", "2", "-o", "name"]).await;
    assert_eq!(cut.out.lines().count(), 2);
    assert!(cut.err.contains("there are more"), "{}", cut.err);
    let nothing = shell.run(&["audit", "--door", "mega"]).await.expect(0);
    assert_eq!(nothing, "Nothing.\n");
    shell.run(&["audit", "--type", "Rumour"]).await.refused(64);

    let account = shell.run(&["audit", "--about", "account", "-o", "name"]).await.expect(0);
    assert!(account.ends_with("AccountCreated\n"), "{account}");
    let operator = Shell::of(&berth).with("BERTHCTL_TOKEN", ROOT_KEY);
    let found = operator.run(&["audit", &id, "--type", "LoggedOut", "-o", "name"]).await.expect(0);
    assert_eq!(found, "LoggedOut\n");
}
