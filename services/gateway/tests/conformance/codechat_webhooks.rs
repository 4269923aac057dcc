//! What the CodeChat dialect sends over the life of an instance, request and body as they come.

use serde_json::{Value, json};

use crate::{
    is_told,
    receiver::Receiver,
    story::{Request, Story},
    world::{ACCOUNT, World},
};

fn business(method: &str, path: &str) -> Request {
    Request::new(method.parse().unwrap(), path).bearer(ACCOUNT)
}

/// Adds an endpoint; gives its path.
async fn webhook(story: &mut Story<'_>, instance: &str, body: &Value) -> String {
    let path = format!("/api/v2/instance/{instance}/webhook");
    let made = story.ask("a webhook", business("POST", &path).json(body)).await.body;
    let name = made["name"].as_str().unwrap();
    let id = made["webhookId"].as_str().unwrap();
    story.calls(&id, &format!("id of {name}"));
    story.calls(
        &made["WebhookEvents"]["webhookEventsId"].as_str().unwrap(),
        &format!("id of {name}'s events"),
    );
    format!("{path}/{id}")
}

#[tokio::test]
async fn deliveries_over_a_life() {
    let world = World::start_with_deliveries().await;
    let receiver = Receiver::start().await;
    let mut story = world.story();
    story.calls(&receiver.url(""), "receiver");
    let instances = format!("/api/v2/business/{}/instance", world.account_id);
    let body = json!({"instanceName": "shop", "externalId": "crm-7"});
    let made = story.ask("create", business("POST", &instances).json(&body)).await.body;
    let jwt = made["Auth"]["jwt"].as_str().unwrap().to_owned();
    story.calls(&made["Auth"]["authId"].as_str().unwrap(), "authId");
    story.calls(&jwt, "first JWT");
    let hook = json!({
        "name": "main", "url": receiver.url("/hook?tenant=7"), "enabled": true,
        "headers": {"x-tenant": "7", "authorization": "Bearer of the customer"},
    });
    let main = webhook(&mut story, "crm-7", &hook).await;
    let id = world.id("shop").await;
    story.calls(&id, "id of shop");

    story.ask("connect", business("GET", "/api/v2/instance/crm-7/connect")).await;
    story.deliveries("nothing but codes is sent before the first link", &receiver, 0, 1).await;
    world.scan("shop").await;
    story.deliveries("linked and open", &receiver, 1, 1).await;

    let toggle = |action: &str| {
        business("PATCH", &format!("{instances}/crm-7/toggle-activate")).json(&json!({"action": action}))
    };
    story.ask("switch it off", toggle("deactivate")).await;
    story.deliveries("it is off; the link stays", &receiver, 2, 1).await;
    story.ask("switch it off again, which changes nothing", toggle("deactivate")).await;
    story.ask("switch it on", toggle("activate")).await;
    story.deliveries("it is on", &receiver, 3, 1).await;

    let refresh = |old: &str| {
        business("PATCH", &format!("{instances}/crm-7/refresh-token")).json(&json!({"oldToken": old}))
    };
    let new = story.ask("a new JWT", refresh(&jwt)).await.body["newToken"].as_str().unwrap().to_owned();
    story.calls(&new, "second JWT");
    story.deliveries("the new JWT", &receiver, 4, 1).await;
    let own = Request::get("/api/v2/instance/crm-7/connection-state").bearer(&new);
    assert_eq!(world.json(&own).await["state"], "open", "the JWT that was sent works");

    story.ask("logout", business("DELETE", "/api/v2/instance/crm-7/logout")).await;
    story.deliveries("the disconnection", &receiver, 5, 1).await;
    let third = world.json(&refresh(&new)).await["newToken"].as_str().unwrap().to_owned();
    for action in ["deactivate", "activate"] {
        assert_eq!(world.json(&toggle(action)).await["name"], "shop");
    }
    story.calls(&third, "third JWT");
    story.ask("connect again", business("GET", "/api/v2/instance/crm-7/connect")).await;
    story.deliveries("a JWT and a switch in the silence are not told; a code is", &receiver, 6, 1).await;
    world.scan("shop").await;
    story.deliveries("linked again", &receiver, 7, 1).await;

    let flags = json!({"newJwt": false, "connectionUpdate": false});
    story
        .ask("no JWTs and no connection any more", business("PATCH", &format!("{main}/events")).json(&flags))
        .await;
    let fourth = world.json(&refresh(&third)).await["newToken"].as_str().unwrap().to_owned();
    story.calls(&fourth, "fourth JWT");
    let gone = format!("{instances}?instanceId=crm-7&force=true");
    story.ask("delete a linked instance", business("DELETE", &gone)).await;
    story.deliveries("what is left of the delete", &receiver, 8, 1).await;
    world.until(&id, "it is erased", |now| now["erasure"] == "done").await;
    assert_eq!(receiver.received(9).await.len(), 9);
    is_told("codechat_deliveries", &story);
}

#[tokio::test]
async fn deliveries_of_a_plain_delete() {
    let world = World::start_with_deliveries().await;
    let receiver = Receiver::start().await;
    let shop = world.linked("shop").await;
    let mut story = world.story();
    story.calls(&receiver.url(""), "receiver");
    story.calls(&shop.id, "id of shop");
    let hook = json!({"name": "main", "url": receiver.url("/hook"), "enabled": true});
    webhook(&mut story, "shop", &hook).await;
    let off = json!({"name": "second", "url": receiver.url("/off")});
    webhook(&mut story, "shop", &off).await;
    let gone = format!("/api/v2/business/{}/instance/shop", world.account_id);
    let answer = story.ask("delete", business("DELETE", &gone).json(&json!({"force": true}))).await.body;
    story.calls(&answer["Auth"]["authId"].as_str().unwrap(), "authId");
    story.calls(&answer["Auth"]["jwt"].as_str().unwrap(), "JWT");
    story
        .deliveries("the disconnection and the deletion, in this order, to the enabled one", &receiver, 0, 2)
        .await;
    world.until(&shop.id, "it is erased", |now| now["erasure"] == "done").await;
    assert_eq!(receiver.received(2).await.len(), 2);
    is_told("codechat_deliveries_of_a_delete", &story);
}

#[tokio::test]
async fn two_changes_at_once_both_hold() {
    let world = World::start().await;
    world.instance("shop").await;
    let hooks = "/api/v2/instance/shop/webhook";
    let body = json!({"name": "main", "url": "https://hooks.example/codechat"});
    let made = world.json(&business("POST", hooks).json(&body)).await;
    let path = format!("{hooks}/{}", made["webhookId"].as_str().unwrap());
    for round in 0..8 {
        let on = round % 2 == 0;
        let switch = |name: &str| business("PATCH", &format!("{path}/events")).json(&json!({ name: on }));
        let url = format!("https://hooks.example/{round}");
        let requests = [
            switch("qrcodeUpdate"),
            switch("connectionUpdate"),
            business("PUT", &path).json(&json!({ "url": url })),
        ];
        tokio::join!(world.json(&requests[0]), world.json(&requests[1]), world.json(&requests[2]));
        let now = world.json(&business("GET", &path)).await;
        let events = &now["WebhookEvents"];
        let shown = (&events["qrcodeUpdate"], &events["connectionUpdate"], &now["url"]);
        assert_eq!(shown, (&json!(on), &json!(on), &json!(url)));
    }
}
