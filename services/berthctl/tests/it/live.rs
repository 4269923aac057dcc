//! `events -f` and `watch` over the death of the gateway.

use berth_journeys::{Berth, Running, eventually, steps};
use berth_test_support::NatsServer;
use serde_json::{Value, json};

use crate::world::Shell;

#[tokio::test]
async fn what_is_followed_goes_on_after_a_kill_and_tells_everything_once() {
    goes_on(Berth::embedded().start().await, "serve").await;
}

#[tokio::test]
async fn what_is_followed_goes_on_after_a_kill_of_the_gateway_on_nats() {
    let server = NatsServer::start().await;
    goes_on(Berth::on_nats(&server).roles_in_processes().start().await, "gateway").await;
}

/// Follows an instance while the processes of a role are killed and started again.
async fn goes_on(mut berth: Running, role: &str) {
    let (shell, client) = (Shell::of(&berth), berth.client());
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    let events = shell.start(&["events", "shop", "-f", "-o", "jsonl"]);
    let watch = shell.start(&["instance", "watch", "shop", "-o", "jsonl"]);
    watch.until("it says how it stands", |it| it.lines().len() == 1).await;
    let everything = shell.start(&["events", "-f", "-o", "jsonl"]);
    let watch_all = shell.start(&["instance", "watch", "-o", "jsonl"]);
    eventually("all four are there", async || {
        let metrics = client.get("/metrics").await.text();
        let is_open = metrics.contains("berth_gateway_open_streams{door=\"native\"} 4");
        if is_open { Ok(()) } else { Err(metrics) }
    })
    .await;
    shell.run(&["instance", "create", "till"]).await.expect(0);
    steps::link(&client, "shop").await;
    let is_linked = |line: &Value| line["connection"] == "open";
    watch.until("it is linked", |it| it.lines().last().is_some_and(is_linked)).await;

    for round in 1..=2 {
        berth.kill9_role(role);
        events
            .until("it says that it comes back", |it| it.err().matches("coming back").count() == round)
            .await;
        berth.restart_role(role).await;
        events.until("it is back", |it| it.err().matches("goes on where it was").count() == round).await;
        for other in [&watch, &everything, &watch_all] {
            other.until("it is back", |it| it.err().matches("goes on where it was").count() == round).await;
        }
        client.post("/v1/instances/shop/disconnect", json!({})).await.expect(200);
        client.post("/v1/instances/shop/reconnect", json!({})).await.expect(200);
        steps::until(&client, "shop", "its connection is open", |now| now["connection"] == "open").await;
    }
    client.post("/v1/instances/shop/logout", json!({"wait": "unlinked"})).await.expect(200);
    let all = steps::events(&client, "shop").await;
    events.until("everything is told", |it| it.lines().len() >= all.len()).await;
    assert_eq!(events.lines(), all, "each once, and in order");
    let till = steps::events(&client, "till").await;
    everything.until("everything is told", |it| it.lines().len() >= all.len() - 1 + till.len()).await;
    for (name, events) in [("shop", &all[1..]), ("till", &till[..])] {
        let id = client.get(&format!("/v1/instances/{name}")).await.expect(200)["id"].clone();
        let told = everything.lines().into_iter().filter(|line| line["instance"] == id);
        let told: Vec<Value> = told
            .map(|mut line| {
                line.as_object_mut().expect("an event").remove("instance");
                line
            })
            .collect();
        assert_eq!(told, events, "what happened to {name}, each once and in order");
    }
    let is_out = |line: &Value| line["unlinks"][0]["status"] == "confirmed";
    watch.until("it is logged out", |it| it.lines().last().is_some_and(is_out)).await;
    let is_out_too = |line: &Value| is_out(line) && line["name"] == "shop";
    watch_all.until("it is told of both", |it| it.lines().last().is_some_and(is_out_too)).await;
    assert!(watch_all.lines().iter().any(|line| line["name"] == "till"));
    for watch in [watch, watch_all] {
        let of_shop = watch.lines().into_iter().filter(|line| line["name"] == "shop");
        let versions: Vec<u64> = of_shop.map(|line| line["version"].as_u64().expect("a version")).collect();
        assert!(versions.is_sorted_by(|a, b| a < b), "nothing is told twice: {versions:?}");
    }
    events.signal("INT").await;
    assert_eq!(events.ended().await.code, None, "ended by the signal, as a shell expects");
}

#[tokio::test]
async fn a_watch_ends_when_it_is_as_wanted_or_the_time_is_over_or_it_is_deleted() {
    let berth = Berth::embedded().start().await;
    let (shell, client) = (Shell::of(&berth), berth.client());
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    let open = shell.start(&["instance", "watch", "shop", "--until", "open"]);
    open.until("it watches", |it| it.out().contains("Created")).await;
    steps::link(&client, "shop").await;
    assert!(open.ended().await.expect(0).lines().last().unwrap().contains("its connection is open"));
    let late = shell.run(&["instance", "watch", "shop", "--until", "paused,deleted", "--for", "1"]).await;
    assert!(late.refused(1).contains("not paused or deleted within 1 s"));
    shell.run(&["instance", "watch", "shop", "--for", "0"]).await.expect(0);

    let wanted = shell.start(&["instance", "watch", "shop", "--until", "paused"]);
    let any = shell.start(&["instance", "watch", "shop"]);
    for going in [&wanted, &any] {
        going.until("it watches", |it| it.out().contains("Linked")).await;
    }
    client.delete("/v1/instances/shop").await.expect(200);
    assert!(any.ended().await.expect(0).lines().last().unwrap().contains("Deleted"));
    assert!(wanted.ended().await.refused(1).contains("it was deleted before it was paused"));
}

#[tokio::test]
async fn a_stream_whose_token_ends_is_not_asked_for_again() {
    let berth = Berth::embedded().start().await;
    let root = berth.client().token(berth_journeys::ROOT_KEY);
    let account = root.post("/v1/accounts", json!({"name": "acme"})).await.expect(201);
    let token = account["token"].as_str().unwrap();
    let shell = Shell::of(&berth).with("BERTHCTL_TOKEN", token);
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    let going = shell.start(&["events", "shop", "-f", "-o", "name"]);
    going.until("it follows", |it| it.out() == "InstanceCreated\n").await;
    let path = format!("/v1/accounts/{}/token", account["id"].as_str().unwrap());
    root.post(&path, json!({})).await.expect(200);
    assert!(going.ended().await.refused(77).contains("(unauthorized)"));
}

#[tokio::test]
async fn all_instances_are_told_of_by_their_names() {
    let berth = Berth::embedded().start().await;
    let (shell, client) = (Shell::of(&berth), berth.client());
    assert!(shell.run(&["events"]).await.refused(64).contains("<INSTANCE>"), "all of them only with -f");
    let refused = shell.run(&["events", "-f", "--last", "3"]).await.refused(64);
    assert!(refused.contains("<INSTANCE>"), "{refused}");
    shell.run(&["instance", "watch", "--until", "open"]).await.refused(64);
    let events = shell.start(&["events", "-f"]);
    let watch = shell.start(&["instance", "watch"]);
    eventually("both are there", async || {
        let metrics = client.get("/metrics").await.text();
        let is_open = metrics.contains("berth_gateway_open_streams{door=\"native\"} 2");
        if is_open { Ok(()) } else { Err(metrics) }
    })
    .await;
    shell.run(&["instance", "create", "shop"]).await.expect(0);
    events.until("it is told", |it| it.out().contains("InstanceCreated")).await;
    assert!(events.out().starts_with("shop                 1  20"), "{}", events.out());
    watch.until("it is told", |it| it.out().contains("shop: Created, and never linked")).await;
}
