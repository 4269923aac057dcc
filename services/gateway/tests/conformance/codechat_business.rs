//! The webhook of a business in the CodeChat dialect: every instance has it, those to come included.

use serde_json::{Value, json};

use crate::{
    is_told,
    receiver::Receiver,
    story::{Request, Story},
    world::{ACCOUNT, OTHER_ACCOUNT, ROOT, World},
};

fn business(method: &str, path: &str) -> Request {
    Request::new(method.parse().unwrap(), path).bearer(ACCOUNT)
}

/// Sets the webhook of the business; gives its id.
async fn set(story: &mut Story<'_>, path: &str, why: &str, body: &Value) -> String {
    let made = story.ask(why, business("POST", path).json(body)).await;
    let id = made.body["webhookId"].as_str().unwrap().to_owned();
    story.calls(&id, "id of the business's webhook");
    id
}

#[tokio::test]
async fn a_webhook_of_a_business() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    let mut story = world.story();
    story.calls(&shop.id, "id of shop");
    let path = format!("/api/v2/business/{}/webhook", world.account_id);
    story.ask("none", business("GET", &path)).await;
    story
        .ask("nothing to change", business("PUT", &path).json(&json!({"name": "main", "enabled": true})))
        .await;
    story.ask("nothing to remove", business("DELETE", &path)).await;
    let url = "https://hooks.example/all";
    let body = json!({"name": "main", "url": url, "headers": {"x-tenant": "7"}});
    let id = set(&mut story, &path, "one that is only named and located is off", &body).await;
    story.ask("show it", business("GET", &path)).await;
    story
        .ask("the admin sees it with the business", {
            Request::get(&format!("/api/v2/admin/business/{}", world.account_id)).bearer(ROOT)
        })
        .await;
    let nobody = json!({"name": "nobody"});
    story
        .ask(
            "and so does a search",
            business("POST", &format!("/api/v2/business/{}/instance/search", world.account_id)).json(&nobody),
        )
        .await;

    let own = "/api/v2/instance/shop/webhook";
    story.ask("it is none of the instance's own", business("GET", own)).await;
    let one = format!("{own}/{id}");
    for method in ["GET", "DELETE"] {
        story.ask("there it is not", business(method, &one)).await;
    }
    story.ask("nor can it be changed there", business("PUT", &one).json(&json!({"enabled": true}))).await;
    let shown = story.ask("the native API shows it", business("GET", &format!("/v1/webhooks/{id}"))).await;
    assert_eq!(shown.body["format"], "codechat.business");
    let native = format!("/v1/instances/shop/webhooks/{id}");
    story.ask("at an instance it is not", business("GET", &native)).await;
    story.ask("and is not changed there", business("PATCH", &native).json(&json!({"enabled": true}))).await;
    story.ask("nor remove it", business("DELETE", &native)).await;
    let mine = json!({"url": url, "format": "codechat.business"});
    story.ask("nor make one", business("POST", "/v1/instances/shop/webhooks").json(&mine)).await;

    story.ask("switch it on", business("PUT", &path).json(&json!({"name": "main", "enabled": true}))).await;
    world.instance("kiosk").await;
    let other = json!({"name": "other", "url": "https://hooks.example/other", "enabled": true});
    let again = set(&mut story, &path, "a second one replaces it", &other).await;
    assert_eq!(again, id);
    story.ask("remove it", business("DELETE", &path)).await;
    story.ask("there is none again", business("GET", &path)).await;
    is_told("codechat_business_webhook", &story);
}

#[tokio::test]
async fn who_may_not_touch_the_webhook_of_a_business() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    let mut story = world.story();
    let path = format!("/api/v2/business/{}/webhook", world.account_id);
    let body = json!({"name": "main", "url": "https://hooks.example/all"});
    for method in ["GET", "POST", "PUT", "DELETE"] {
        let ask = || Request::new(method.parse().unwrap(), &path).json(&body);
        story.table(method);
        for (status, request) in [
            (401, ask()),
            (401, ask().bearer("wrong")),
            (403, ask().bearer(OTHER_ACCOUNT)),
            (403, ask().bearer(&shop.token)),
        ] {
            assert_eq!(story.row(request).await.status, status, "{method}");
        }
    }
    assert_eq!(world.json(&business("GET", &path)).await, Value::Null);
    is_told("codechat_business_webhook_refused", &story);
}

#[tokio::test]
async fn deliveries_to_the_business() {
    let world = World::start_with_deliveries().await;
    let (all, one) = (Receiver::start().await, Receiver::start().await);
    let shop = world.linked("shop").await;
    let mut story = world.story();
    story.calls(&all.url(""), "receiver of the business");
    story.calls(&one.url(""), "receiver of the instance");
    story.calls(&shop.id, "id of shop");
    let path = format!("/api/v2/business/{}/webhook", world.account_id);
    let url = all.url("/all");
    let body = json!({
        "name": "main", "url": url, "enabled": true,
        "headers": {"x-tenant": "7", "authorization": "Bearer of the customer"},
    });
    set(&mut story, &path, "a webhook for all", &body).await;

    let out = story.ask("logout", business("DELETE", "/api/v2/instance/shop/logout")).await.body;
    story.calls(&out["Auth"]["authId"].as_str().unwrap(), "authId of shop");
    story.calls(&out["Auth"]["jwt"].as_str().unwrap(), "JWT of shop");
    story.deliveries("the disconnection", &all, 0, 1).await;
    // In the silence nothing is told, whatever happens: then a code is the next.
    let toggle = |instance: &str, action: &str| {
        let of = format!("/api/v2/business/{}/instance/{instance}/toggle-activate", world.account_id);
        business("PATCH", &of).json(&json!({"action": action}))
    };
    for action in ["deactivate", "activate"] {
        assert_eq!(world.json(&toggle("shop", action)).await["name"], "shop");
    }
    story.ask("connect", business("GET", "/api/v2/instance/shop/connect")).await;
    story.deliveries("in the silence only a code is told", &all, 1, 1).await;
    world.scan("shop").await;
    story.deliveries("linked and open again", &all, 2, 1).await;

    let instances = format!("/api/v2/business/{}/instance", world.account_id);
    let kiosk = json!({"instanceName": "kiosk", "externalId": "crm-7"});
    let made = story.ask("a new instance", business("POST", &instances).json(&kiosk)).await.body;
    story.calls(&made["Auth"]["authId"].as_str().unwrap(), "authId of kiosk");
    story.calls(&made["Auth"]["jwt"].as_str().unwrap(), "JWT of kiosk");
    story.calls(&world.id("kiosk").await, "id of kiosk");
    let hook = json!({"name": "own", "url": one.url("/one"), "enabled": true});
    let own = story
        .ask("with a webhook of its own", business("POST", "/api/v2/instance/crm-7/webhook").json(&hook));
    let own = own.await.body;
    story.calls(&own["webhookId"].as_str().unwrap(), "id of own");
    story.calls(&own["WebhookEvents"]["webhookEventsId"].as_str().unwrap(), "id of own's events");
    story.ask("connect it", business("GET", "/api/v2/instance/crm-7/connect")).await;
    one.received(1).await;
    story.deliveries("its code is told to the business too", &all, 3, 1).await;
    world.scan("kiosk").await;
    one.received(2).await;
    story.deliveries("it is open", &all, 4, 1).await;
    assert_eq!(world.json(&toggle("crm-7", "deactivate")).await["state"], "inactive");
    one.received(3).await;
    story.deliveries("it is off", &all, 5, 1).await;
    let pairs = all.received(6).await.into_iter().skip(3).zip(one.received(3).await);
    for (to_all, to_one) in pairs {
        assert_eq!(to_all.body, to_one.body, "both are told the same");
    }
    assert_eq!(world.json(&toggle("crm-7", "activate")).await["state"], "active");
    one.received(4).await;
    all.received(7).await;

    story.ask("switch it off", business("PUT", &path).json(&json!({"name": "main", "enabled": false}))).await;
    story.ask("log the new one out", business("DELETE", "/api/v2/instance/crm-7/logout")).await;
    story.deliveries("only its own webhook is told", &one, 4, 1).await;
    story.ask("and on again", business("PUT", &path).json(&json!({"name": "main", "enabled": true}))).await;
    let gone = format!("{instances}?instanceId=shop&force=true");
    assert_eq!(world.json(&business("DELETE", &gone)).await["name"], "shop");
    story.deliveries("what is left of a delete, and nothing of the logout before", &all, 7, 2).await;
    is_told("codechat_business_deliveries", &story);
}

#[tokio::test]
async fn further_routes_of_an_instance() {
    let world = World::start().await;
    let shop = world.linked("shop").await;
    let mut story = world.story();
    story.calls(&shop.id, "id of shop");
    let own = |method: &str, path: &str| {
        Request::new(method.parse().unwrap(), &format!("/api/v2/instance/shop{path}")).bearer(&shop.token)
    };
    let hook = json!({"name": "main", "url": "https://hooks.example/a"});
    let made = story.ask("a webhook", own("POST", "/webhook").json(&hook)).await.body;
    let id = made["webhookId"].as_str().unwrap().to_owned();
    story.calls(&id, "id of main");
    story.calls(&made["WebhookEvents"]["webhookEventsId"].as_str().unwrap(), "id of main's events");
    let hook = format!("/webhook/{id}");
    story.ask("show it", own("GET", &hook)).await;
    story.ask("remove it", own("DELETE", &hook)).await;
    story.ask("it is gone", own("GET", &hook)).await;
    story.ask("removed once", own("DELETE", &hook)).await;

    let reloaded = story.ask("reload", own("PATCH", "/reload")).await.body;
    story.calls(&reloaded["Auth"]["authId"].as_str().unwrap(), "authId");
    story.calls(&reloaded["Auth"]["jwt"].as_str().unwrap(), "JWT");
    world.until("shop", "it is open again", |now| now["connection"] == "open").await;
    let proxy = json!({"url": "http://user:pass@proxy.example:3128", "headers": {"x-proxy": "7"}});
    let kept = story.ask("a proxy, which is shown nowhere", own("PATCH", "/proxy").json(&proxy)).await;
    assert!(!kept.body.to_string().contains("proxy"));

    story.ask("no socket", own("GET", "/socket")).await;
    story.ask("nothing to change", own("PUT", "/socket").json(&json!({"enabled": true}))).await;
    story.ask("nothing to remove", own("DELETE", "/socket")).await;
    let wanted = json!({"enabled": true, "SocketEvents": {"qrcodeUpdate": false}});
    let made = story.ask("a socket", own("POST", "/socket").json(&wanted)).await.body;
    story.calls(&made["socketId"].as_str().unwrap(), "id of the socket");
    story.ask("once", own("POST", "/socket").json(&wanted)).await;
    story.ask("change it", own("PUT", "/socket").json(&json!({"enabled": false, "newJwt": false}))).await;
    let shown = story.ask("show it", own("GET", "/socket")).await.body;
    let events = &shown["SocketEvents"];
    assert_eq!((&events["qrcodeUpdate"], &events["newJwt"]), (&json!(false), &json!(false)));
    story.ask("remove it", own("DELETE", "/socket")).await;
    story.ask("none again", own("GET", "/socket")).await;
    assert_eq!(world.send(&own("DELETE", "/logout")).await.status(), 200);
    story.ask("nothing to reload after a logout", own("PATCH", "/reload")).await;
    is_told("codechat_further_routes", &story);
}

#[tokio::test]
async fn two_changes_of_a_business_at_once_both_hold() {
    let world = World::start().await;
    let path = format!("/api/v2/business/{}/webhook", world.account_id);
    let first = json!({"name": "main", "url": "https://hooks.example/all"});
    world.json(&business("POST", &path).json(&first)).await;
    for round in 0..8 {
        let (on, url) = (round % 2 == 0, format!("https://hooks.example/{round}"));
        let requests = [
            business("PUT", &path).json(&json!({ "enabled": on })),
            business("PUT", &path).json(&json!({ "url": url })),
            business("PUT", &path).json(&json!({ "headers": {"x-round": round.to_string()} })),
        ];
        tokio::join!(world.json(&requests[0]), world.json(&requests[1]), world.json(&requests[2]));
        let now = world.json(&business("GET", &path)).await;
        let shown = (&now["enabled"], &now["url"], &now["headers"]["x-round"]);
        assert_eq!(shown, (&json!(on), &json!(url), &json!(round.to_string())));
    }
}
