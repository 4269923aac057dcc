//! The webhook that an instance's user has at an Evolution API: Berth's while that is driven, and the user's again.

use berth_proto::{
    EndpointId, Timestamp,
    command::{ChangeSettingsV1, ConfigureWebhookV1},
    instance::{SettingsBlockV1, WebhookV1},
};
use berth_runtime::sealing::field;
use serde_json::json;

use crate::{
    scripted::{JID, Scripted},
    world::World,
};

#[tokio::test]
async fn the_webhook_of_a_driven_instance_is_berths_and_its_users_again_when_it_is_only_looked_at() {
    let world = World::new().await;
    let upstream = Scripted::listening().await;
    upstream.set("shop", "open", Some(JID));
    let users = json!({"id": "w", "url": "http://10.0.0.7/hook", "enabled": true, "webhookByEvents": true,
        "webhookBase64": true, "events": ["CALL"],
        "headers": {"Authorization": "Bearer mine", "jwt_key": "secret", "x-shop": "1"}});
    upstream.script(|script| script.webhooks.insert("shop".to_owned(), users.clone()));
    let webhook = || upstream.script(|script| script.webhooks["shop"].clone());

    // Looked at only: nothing is asked of it.
    let connector = world.connector_driven_by(upstream.driver("observe", Some("http://10.0.0.9:8480"))).await;
    let id = world.instance_on("evo", "shop").await;
    world.until_open(id).await;
    assert_eq!(upstream.asked("GET /webhook"), 0);
    connector.kill().await;

    // Driven: what it would tell its user, it tells Berth; what was there is kept, and told from here.
    let connector = world.connector_driven_by(upstream.driver("drive", Some("http://10.0.0.9:8480"))).await;
    let ours = format!("http://10.0.0.9:8480/v1/upstreams/evo/heard/{id}");
    world.until("it is taken over", async || webhook()["url"] == ours.as_str()).await;
    let set = webhook();
    assert_eq!((&set["webhookByEvents"], &set["webhookBase64"]), (&json!(false), &json!(true)));
    let secret = set["headers"]["x-berth-callback"].as_str().unwrap().to_owned();
    assert_eq!(secret.len(), 64);
    let state = world.state(id).await;
    let [endpoint] = state.webhooks.as_slice() else { panic!("one endpoint: {:?}", state.webhooks) };
    assert_eq!((endpoint.format.as_str(), endpoint.label.as_str()), ("evolution", "default"));
    assert_eq!(endpoint.events, ["CALL"]);
    assert_eq!(world.open(id, field::WEBHOOK_URL, &endpoint.url).await, "http://10.0.0.7/hook");
    assert_eq!(
        world.open(id, field::WEBHOOK_HEADERS, endpoint.headers.as_ref().unwrap()).await,
        r#"{"x-shop":"1"}"#
    );
    let kept = state.settings.iter().find(|block| block.owner == "upstream/webhook").unwrap();
    assert!(world.open(id, field::SETTINGS, &kept.body).await.contains("10.0.0.7"));
    let known = async || {
        let events = world.events(id).await;
        events.iter().filter(|name| matches!(**name, "SettingsChanged" | "WebhookConfigured")).count()
    };
    assert_eq!(known().await, 2);

    // Somebody sets it there himself: it is Berth's again, and what was said here stands.
    upstream.script(|script| script.webhooks.insert("shop".to_owned(), users.clone()));
    world.until("it is taken over again", async || webhook()["url"] == ours.as_str()).await;
    assert_eq!(known().await, 2, "nothing new is known");
    connector.kill().await;

    // Another owner of the link finds everything as it is to be.
    let sets = upstream.asked("POST /webhook/set");
    let connector = world.connector_driven_by(upstream.driver("drive", Some("http://10.0.0.9:8480"))).await;
    upstream.looked_at(&world, 40).await;
    assert_eq!(upstream.asked("POST /webhook/set"), sets);
    connector.kill().await;

    // Looked at again: it is as it was, and nobody is told twice.
    let _connector = world.connector_driven_by(upstream.driver("observe", None)).await;
    world.until("it is given back", async || webhook()["url"] == "http://10.0.0.7/hook").await;
    assert_eq!(webhook(), users);
    world.until_state(id, "its endpoint is gone", |state| state.webhooks.is_empty()).await;
}

#[tokio::test]
async fn a_webhook_that_leads_where_berth_may_not_send_is_left_to_the_upstream() {
    let world = World::new().await;
    let upstream = Scripted::listening().await;
    upstream.set("shop", "open", Some(JID));
    let users = json!({"url": "http://192.168.0.7/hook", "enabled": true, "headers": null});
    upstream.script(|script| script.webhooks.insert("shop".to_owned(), users.clone()));
    let _connector = world.connector_driven_by(upstream.driver("drive", Some("http://10.0.0.9:8480"))).await;
    let id = world.instance_on("evo", "shop").await;
    world.until_open(id).await;
    world.until("its webhook is looked at", async || upstream.asked("GET /webhook/find") > 0).await;
    upstream.looked_at(&world, 3).await;
    assert_eq!(upstream.script(|script| script.webhooks["shop"].clone()), users);
    assert!(world.state(id).await.webhooks.is_empty());
}

#[tokio::test]
async fn a_webhook_for_which_there_is_no_endpoint_left_is_taken_over_all_the_same() {
    let world = World::new().await;
    let upstream = Scripted::listening().await;
    upstream.set("shop", "open", Some(JID));
    let users = json!({"url": "http://10.0.0.7/hook", "enabled": true, "headers": null});
    upstream.script(|script| script.webhooks.insert("shop".to_owned(), users.clone()));
    let url = || upstream.script(|script| script.webhooks["shop"]["url"].clone());
    let id = world.instance_on("evo", "shop").await;
    for number in 1..=20 {
        let webhook = WebhookV1 {
            id: EndpointId::from_bytes([number; 16]),
            format: "native".to_owned(),
            label: format!("hook-{number}"),
            enabled: true,
            url: world.seal(id, field::WEBHOOK_URL, "http://10.0.0.8/hook").await,
            headers: None,
            authorization: None,
            secret: world.seal(id, field::WEBHOOK_SECRET, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").await,
            old_secrets: Vec::new(),
            events: Vec::new(),
            after_logout_all: false,
            options: None,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        world.accepted(id, ConfigureWebhookV1 { webhook, upsert: false, enabled_max: 0 }).await;
    }
    let connector = world.connector_driven_by(upstream.driver("drive", Some("http://10.0.0.9:8480"))).await;
    let ours = format!("http://10.0.0.9:8480/v1/upstreams/evo/heard/{id}");
    world.until("it is taken over", async || url() == ours.as_str()).await;
    let state = world.state(id).await;
    assert_eq!(state.webhooks.len(), 20, "nobody is told in its place");
    connector.kill().await;

    // It is its user's again like any other.
    let _connector = world.connector_driven_by(upstream.driver("observe", None)).await;
    world.until("it is given back", async || url() == "http://10.0.0.7/hook").await;
    assert_eq!(world.state(id).await.webhooks.len(), 20);
}

#[tokio::test]
async fn a_webhook_that_cannot_be_kept_is_not_taken_over_and_tried_again() {
    let world = World::new().await;
    let upstream = Scripted::listening().await;
    upstream.set("shop", "open", Some(JID));
    let users = json!({"url": "http://10.0.0.7/hook", "enabled": true, "headers": null});
    upstream.script(|script| script.webhooks.insert("shop".to_owned(), users.clone()));
    let id = world.instance_on("evo", "shop").await;
    for number in 1..8 {
        let body = world.seal(id, field::SETTINGS, "{}").await;
        let block = SettingsBlockV1 { owner: format!("client/{number}"), body };
        world.accepted(id, ChangeSettingsV1 { block, expected: None }).await;
    }
    let _connector = world.connector_driven_by(upstream.driver("drive", Some("http://10.0.0.9:8480"))).await;
    world.until("it is tried again", async || upstream.asked("GET /webhook/find") > 2).await;
    assert_eq!(upstream.asked("POST /webhook/set"), 0, "what is not kept could not be given back");
    assert_eq!(upstream.script(|script| script.webhooks["shop"].clone()), users);
}

#[tokio::test]
async fn a_webhook_of_another_deployment_is_left_to_that_until_somebody_sets_it_anew() {
    let world = World::new().await;
    let upstream = Scripted::listening().await;
    upstream.set("shop", "open", Some(JID));
    // Both drive one upstream, and would take it from each other for ever.
    let theirs = json!({"url": "http://10.0.0.8:8480/v1/upstreams/evo/heard/06gvptn6stt118p4mhs3rj6adk", "enabled": true,
        "headers": {"x-berth-callback": "f".repeat(64)}});
    upstream.script(|script| script.webhooks.insert("shop".to_owned(), theirs.clone()));
    let webhook = || upstream.script(|script| script.webhooks["shop"].clone());
    let _connector = world.connector_driven_by(upstream.driver("drive", Some("http://10.0.0.9:8480"))).await;
    let id = world.instance_on("evo", "shop").await;
    world.until("it is looked at again", async || upstream.asked("GET /webhook/find") > 2).await;
    assert_eq!(webhook(), theirs);
    assert!(world.state(id).await.webhooks.is_empty(), "nor is it told what happens");
    let users = json!({"url": "http://10.0.0.7/hook", "enabled": true, "headers": null});
    upstream.script(|script| script.webhooks.insert("shop".to_owned(), users));
    let ours = format!("http://10.0.0.9:8480/v1/upstreams/evo/heard/{id}");
    world.until("it is taken over", async || webhook()["url"] == ours.as_str()).await;
}
