//! What a token, a name and an idempotency key stand for, when they are used again, elsewhere and by others.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    story::Request,
    world::{ACCOUNT, OTHER_ACCOUNT, ROOT, World},
};

/// What came back.
struct Got {
    status: u16,
    replayed: bool,
    body: Value,
}

impl Got {
    #[track_caller]
    fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

async fn got(response: reqwest::Response) -> Got {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.unwrap();
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    Got { status, replayed: headers.contains_key("idempotency-replayed"), body }
}

impl World {
    async fn here(&self, request: Request) -> Got {
        got(self.send(&request).await).await
    }

    async fn there(&self, request: Request) -> Got {
        got(self.send_to_neighbour(&request).await).await
    }
}

fn get(path: &str, token: &str) -> Request {
    Request::get(path).bearer(token)
}

fn post(path: &str, token: &str, body: &Value) -> Request {
    Request::post(path).bearer(token).json(body)
}

fn delete(path: &str) -> Request {
    Request::delete(path).bearer(ACCOUNT)
}

fn text(body: &Value, field: &str) -> String {
    body[field].as_str().unwrap().to_owned()
}

const TOKEN: &str = "again-and-again";

async fn create(world: &World, account: &str, name: &str) -> Value {
    let wanted = json!({"name": name, "token": TOKEN});
    world.here(post("/v1/instances", account, &wanted)).await.expect(201)
}

#[tokio::test]
async fn a_token_of_a_deleted_instance_opens_the_next_one_at_every_gateway() {
    let world = World::start().await;
    let first = create(&world, ACCOUNT, "first").await;
    world.here(get("/v1/instances/first", TOKEN)).await.expect(200);
    world.there(get("/v1/instances/first", TOKEN)).await.expect(200);
    world.here(delete("/v1/instances/first")).await.expect(200);
    let by_id = format!("/v1/instances/{}", text(&first, "id"));
    for path in ["/v1/instances/first", "/v1/instances", &by_id] {
        world.here(get(path, TOKEN)).await.expect(401);
        world.there(get(path, TOKEN)).await.expect(401);
    }

    // Both gateways remember the first holder again, and nobody asks between the delete and the next create.
    create(&world, ACCOUNT, "second").await;
    for path in ["/v1/instances/second", "/v1/instances"] {
        world.here(get(path, TOKEN)).await.expect(200);
        world.there(get(path, TOKEN)).await.expect(200);
    }
    world.here(delete("/v1/instances/second")).await.expect(200);
    let third = create(&world, OTHER_ACCOUNT, "second").await;
    let listed = world.there(get("/v1/instances", TOKEN)).await.expect(200);
    assert_eq!(listed["instances"][0]["id"], third["id"]);
    world.here(post("/v1/instances/second/logout", TOKEN, &json!({}))).await.expect(200);
    let number = text(&third, "number");
    world.here(delete("/v1/instances/second")).await.expect(404);
    world.here(Request::delete("/v1/instances/second").bearer(OTHER_ACCOUNT)).await.expect(200);
    let fourth = create(&world, ACCOUNT, "fourth").await;
    let path = format!("/waInstance{}/getStateInstance/{TOKEN}", text(&fourth, "number"));
    world.there(Request::get(&path)).await.expect(200);
    world.advance_seconds(2);
    world.here(Request::get(&path)).await.expect(200);
    let own = Request::get("/instance/fetchInstances").header("apikey", TOKEN);
    assert_eq!(world.there(own).await.expect(200)[0]["name"], "fourth");
    let old = format!("/waInstance{number}/getStateInstance/{TOKEN}");
    world.there(Request::get(&old)).await.expect(401);
}

#[tokio::test]
async fn a_deleted_number_answers_alike_whoever_remembers_it() {
    let world = World::start().await;
    let made = world.instance("shop").await;
    let path = |token: &str| Request::get(&format!("/waInstance{}/getSettings/{token}", made.number));
    world.here(path(&made.token)).await.expect(200);
    world.here(path(OTHER_ACCOUNT)).await.expect(403);
    world.here(delete("/v1/instances/shop")).await.expect(200);
    world.advance_seconds(2);
    for token in [made.token.as_str(), ACCOUNT, OTHER_ACCOUNT, "nobodys"] {
        for got in [world.here(path(token)).await, world.there(path(token)).await] {
            got.expect(401);
            world.advance_seconds(2);
        }
    }
}

#[tokio::test]
async fn a_keyed_delete_by_number_is_answered_again_by_a_gateway_that_never_saw_it() {
    let world = World::start().await;
    let made = world.instance("shop").await;
    let by_number = delete(&format!("/v1/instances/{}", made.number));
    let keyed = by_number.clone().header("idempotency-key", "gone");
    world.here(keyed.clone()).await.expect(200);
    for again in [world.here(keyed.clone()).await, world.there(keyed).await] {
        assert!(again.replayed);
        assert_eq!(again.expect(200)["id"], made.id);
    }
    world.there(by_number).await.expect(404);
}

#[tokio::test]
async fn a_key_of_a_patch_belongs_to_one_webhook() {
    let world = World::start().await;
    world.instance("shop").await;
    let mut paths = Vec::new();
    for url in ["https://hooks.example/a", "https://hooks.example/b"] {
        let added = post("/v1/instances/shop/webhooks", ACCOUNT, &json!({"url": url}));
        let id = text(&world.here(added).await.expect(201), "id");
        paths.push(format!("/v1/instances/shop/webhooks/{id}"));
    }
    let off = |path: &str| {
        let patch = Request::patch(path).bearer(ACCOUNT).json(&json!({"enabled": false}));
        patch.header("idempotency-key", "off")
    };
    world.here(off(&paths[0])).await.expect(200);
    world.here(off(&paths[1])).await.expect(422);
    assert_eq!(world.here(get(&paths[1], ACCOUNT)).await.expect(200)["enabled"], true);
}

#[tokio::test]
async fn a_keyed_change_of_a_webhook_is_found_again_after_its_removal() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    let added = json!({"url": "https://hooks.example/a"});
    let id = text(&world.here(post("/v1/instances/shop/webhooks", ACCOUNT, &added)).await.expect(201), "id");
    for instance in ["shop", shop.id.as_str()] {
        let path = format!("/v1/instances/{instance}/webhooks/{id}");
        let off = |wanted: bool, key: &str| {
            let change = Request::patch(&path).bearer(ACCOUNT).json(&json!({"enabled": wanted}));
            change.header("idempotency-key", key)
        };
        let remove = |key: &str| delete(&path).header("idempotency-key", key);
        if instance == "shop" {
            assert_eq!(world.here(off(false, "off")).await.expect(200)["enabled"], false);
            world.here(remove("gone")).await.expect(204);
        }
        for again in [world.here(remove("gone")).await, world.there(remove("gone")).await] {
            assert!(again.replayed, "{instance}");
            again.expect(204);
        }
        for again in [world.here(off(false, "off")).await, world.there(off(false, "off")).await] {
            assert_eq!(again.expect(410)["code"], "webhook_removed", "{instance}");
        }
        // The keys belong to these requests, and there is nothing left to do under another one.
        for reused in [off(true, "off"), off(false, "gone"), remove("off")] {
            assert_eq!(world.here(reused).await.expect(422)["code"], "idempotency_key_reused");
        }
        for new in [off(false, "new"), remove("new"), delete(&path)] {
            world.here(new).await.expect(404);
        }
    }
}

#[tokio::test]
async fn a_repeated_create_shows_the_secrets_of_the_first_answer() {
    let world = World::start().await;
    let wanted = json!({"name": "shop", "webhooks": [{"url": "https://hooks.example"}]});
    let keyed = post("/v1/instances", ACCOUNT, &wanted).header("idempotency-key", "made");
    let first = world.here(keyed.clone()).await.expect(201);
    assert!(text(&first["webhook_secrets"][0], "secret").starts_with("whsec_"));

    // What happened since is not part of the first answer.
    let added = json!({"url": "https://hooks.example/2"});
    let add = post("/v1/instances/shop/webhooks", ACCOUNT, &added).header("idempotency-key", "added");
    let webhook = world.here(add.clone()).await.expect(201);
    let again = world.there(keyed.clone()).await;
    assert!(again.replayed);
    assert_eq!(again.expect(201), first);
    let same = world.there(add.clone()).await;
    assert!(same.replayed);
    assert_eq!(same.expect(201), webhook);

    let path = format!("/v1/instances/shop/webhooks/{}", text(&webhook, "id"));
    world.here(delete(&path)).await.expect(204);
    assert_eq!(world.there(add).await.expect(410)["code"], "webhook_removed");
    world.here(delete("/v1/instances/shop")).await.expect(200);
    assert_eq!(world.there(keyed).await.expect(410)["code"], "deleted");
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let world = World::start().await;
    world.instance("shop").await;
    let path = "/v1/instances/shop/webhooks";
    let wanted = |events: Value| json!({"url": "https://hooks.example", "events": events});
    let refused = world.here(post(path, ACCOUNT, &wanted(json!(["instance.opened"])))).await.expect(400);
    let detail = text(&refused, "detail");
    assert!(detail.contains("instance.opened") && detail.contains("instance.open,"), "{detail}");
    let added = world.here(post(path, ACCOUNT, &wanted(json!(["instance.open"])))).await.expect(201);
    let webhook = format!("{path}/{}", text(&added, "id"));
    let change = Request::patch(&webhook).bearer(ACCOUNT);
    world.here(change.json(&json!({"events": ["OPEN"]}))).await.expect(400);
    // What a product tells and this service never does may stand in a dialect's filter.
    let mut evolution = wanted(json!(["MESSAGES_UPSERT"]));
    evolution["format"] = "evolution".into();
    world.here(post(path, ACCOUNT, &evolution)).await.expect(201);

    let twice = post("/v1/instances", ACCOUNT, &json!({"name": "two"})).header("idempotency-key", "a");
    world.here(twice.header("idempotency-key", "b")).await.expect(400);
    world.here(get("/v1/instances/two", ACCOUNT)).await.expect(404);

    let far = format!("/api/v2/business/{}/instance/search?page={}", world.account_id, usize::MAX);
    let page = world.here(post(&far, ACCOUNT, &json!({}))).await.expect(200);
    assert_eq!(page["BusinessPage"]["records"], json!([]));
}

#[tokio::test]
async fn the_root_key_sees_no_instance() {
    let world = World::start().await;
    let made = world.instance("shop").await;
    for path in ["", "/events", "/verify", "/events/stream", "/webhooks", "/qr"] {
        world.here(get(&format!("/v1/instances/{}{path}", made.id), ROOT)).await.expect(403);
    }
}

#[tokio::test]
async fn the_type_of_a_problem_is_an_address_that_exists() {
    let world = World::start().await;
    let page = world.send(&Request::get("/docs")).await.text().await.unwrap();
    for path in ["/v1/instances/none", "/v1/none"] {
        let kind = text(&world.here(get(path, ACCOUNT)).await.body, "type");
        let anchor = kind.strip_prefix("/docs#").unwrap();
        assert!(page.contains(&format!("id=\"{anchor}\"")), "{anchor}");
    }
    for code in berth_gateway::native::Code::ALL {
        assert!(page.contains(&format!("id=\"problem-{}\"", code.text())));
    }
}

#[tokio::test]
async fn a_head_starts_nothing() {
    let world = World::start().await;
    let made = world.instance("shop").await;
    for (path, header) in [
        ("/instance/connect/shop".to_owned(), "apikey"),
        ("/api/instance/connect/shop".to_owned(), "token"),
        (format!("/api/v2/instance/{}/connect", made.id), "apikey"),
        (format!("/api/v2/instance/{}/qrcode", made.id), "apikey"),
        ("/rest/instance/qrcode/shop".to_owned(), "authorization"),
        ("/rest/instance/qrcode_base64/shop".to_owned(), "authorization"),
        ("/rest/instance/pairingCode/shop?phoneNumber=5511987654321".to_owned(), "authorization"),
        (format!("/waInstance{}/qr/{}", made.number, made.token), "x-none"),
    ] {
        let value = if header == "authorization" { format!("Bearer {ACCOUNT}") } else { ACCOUNT.to_owned() };
        let head = Request::new(reqwest::Method::HEAD, &path).header(header, &value);
        assert_eq!(world.here(head).await.status, 404, "{path}");
    }
    assert_eq!(world.here(get("/v1/instances/shop", ACCOUNT)).await.expect(200)["state"], "created");
    let plain = Request::new(reqwest::Method::HEAD, "/v1/instances/shop").bearer(ACCOUNT);
    world.here(plain).await.expect(200);
}

#[tokio::test]
async fn who_guesses_too_often_waits_and_others_go_on() {
    let world = World::start().await;
    let made = world.instance("shop").await;
    world.here(get("/v1/instances/shop", &made.token)).await.expect(200);
    let world = &world;
    // Many at a time: what is earned meanwhile is little beside them, however slow the machine is.
    let mut guesses = 0;
    let mut refused = false;
    while !refused {
        let all = (0..100)
            .map(|guess| world.here(get("/v1/instances/shop", &format!("guess-{}", guesses + guess))));
        for got in join_all(all).await {
            match got.status {
                429 => {
                    refused = true;
                    assert_eq!(got.body["code"], "rate_limited");
                }
                _ => {
                    got.expect(401);
                    guesses += 1;
                }
            }
        }
    }
    assert!(guesses >= 300, "{guesses}");
    // What is earned between two requests is used up by the same one.
    let shown = |request: Request| async move {
        loop {
            let responses = join_all((0..20).map(|_| world.send(&request))).await;
            let refused = responses.iter().find(|response| response.status() == 429);
            if let Some(response) = refused {
                return response.headers().contains_key("retry-after");
            }
        }
    };
    let number = format!("/waInstance{}/getSettings/none", made.number);
    for request in [
        get("/v1/instances/shop", "none"),
        Request::get("/instance/fetchInstances").header("apikey", "none"),
        Request::get("/api/instance/list").header("token", "none"),
        get(&format!("/api/v2/instance/{}", made.id), "none"),
        get("/rest/instance/shop", "none"),
        Request::get(&number),
        Request::get("/partner/getInstances/none"),
    ] {
        let path = request.path.clone();
        assert!(shown(request).await, "{path}");
    }
    // Whom the gateway knows is not held up by them.
    for token in [made.token.as_str(), ACCOUNT, ROOT] {
        let status = world.here(get("/v1/instances", token)).await.status;
        assert!(status == 200 || token == ROOT, "{status}");
        assert_ne!(status, 429);
    }
}

#[tokio::test]
async fn a_hyphenated_uuid_is_no_name_through_any_door() {
    let world = World::start().await;
    let uuid = "0192F3A4-5b6c-7d8e-9fab-0c1d2e3f4a5b";
    let in_codechat = format!("/api/v2/business/{}/instance", world.account_id);
    let in_mega = format!("/rest/instance/init?instance_key={uuid}");
    let json = |path: &str, body: Value| Request::post(path).json(&body);
    for (request, field) in [
        (post("/v1/instances", ACCOUNT, &json!({"name": uuid})), "name"),
        (post("/v1/accounts", ROOT, &json!({"name": uuid})), "name"),
        (json("/instance/create", json!({"instanceName": uuid})).header("apikey", ACCOUNT), "instanceName"),
        (json("/api/instance/new", json!({"name": uuid})).header("token", ACCOUNT), "name"),
        (json(&in_codechat, json!({"instanceName": uuid})).header("apikey", ACCOUNT), "instanceName"),
        (Request::post(&in_mega).bearer(ACCOUNT), "name"),
    ] {
        let path = request.path.clone();
        let refused = world.here(request).await;
        let told = refused.body.to_string();
        assert!(matches!(refused.status, 400 | 422), "{path}: {} {told}", refused.status);
        assert!(told.contains(field) && told.contains("UUID"), "{path}: {told}");
    }
    // Its other form is one, and so is a client's own id.
    let plain = uuid.replace('-', "");
    world.here(post("/v1/instances", ACCOUNT, &json!({"name": plain}))).await.expect(201);
    world.here(get(&format!("/v1/instances/{plain}"), ACCOUNT)).await.expect(200);
    let state = format!("/instance/connectionState/{plain}");
    world.here(Request::get(&state).header("apikey", ACCOUNT)).await.expect(200);
    let own = json!({"instanceName": "shop", "externalId": uuid});
    world.here(json(&in_codechat, own).header("apikey", ACCOUNT)).await.expect(201);
    let by_own = Request::get(&format!("/api/v2/instance/{uuid}")).header("apikey", ACCOUNT);
    assert_eq!(world.here(by_own).await.expect(200)["name"], "shop");
}

#[tokio::test]
async fn a_slash_at_the_end_of_a_dialects_path_changes_nothing() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    world.until_listed(1).await;
    let key = |request: Request| request.header("apikey", ACCOUNT).header("token", ACCOUNT).bearer(ACCOUNT);
    let code_chat = format!("/api/v2/instance/{}", shop.id);
    for (path, query) in [
        ("/instance/connectionState/shop", ""),
        ("/instance/fetchInstances", "?instanceName=shop"),
        ("/webhook/find/shop", "?"),
        ("/rest/instance/shop", ""),
        ("/rest/instance/list", ""),
        ("/api/instance/list", "?instanceName=shop"),
        (&code_chat, ""),
    ] {
        let plain = got(world.send(&key(Request::get(&format!("{path}{query}")))).await).await;
        let slashed = got(world.send(&key(Request::get(&format!("{path}/{query}")))).await).await;
        assert_eq!(plain.status, 200, "{path}: {}", plain.body);
        assert_eq!((slashed.status, slashed.body), (plain.status, plain.body), "{path}/");
    }
    let messaging = key(Request::post("/rest/sendMessage/shop/text/"));
    assert_eq!(got(world.send(&messaging).await).await.expect(400)["message"], "Instance is not connected");
    let set = key(Request::post("/settings/set/shop/")).json(&json!({"rejectCall": true}));
    assert_eq!(got(world.send(&set).await).await.expect(201)["settings"]["rejectCall"], true);
    let wrong = Request::delete("/instance/logout/shop/").header("apikey", "wrong");
    got(world.send(&wrong).await).await.expect(401);
    let nobody = key(Request::delete("/instance/logout/"));
    let nobody = got(world.send(&nobody).await).await.expect(404);
    assert_eq!(nobody["response"]["message"], json!(["Cannot DELETE /instance/logout/"]));
    let native = world.here(get("/v1/instances/", ACCOUNT)).await.expect(404);
    assert_eq!(native["code"], "unknown_route");
}

#[tokio::test]
async fn no_error_repeats_a_token_that_stands_in_the_path() {
    let world = World::start().await;
    let shop = world.instance("shop").await;
    for path in
        ["/instance", "/instance/connect/shop", "/webhook", "/api/v2", "/api/v2/instance", "/api", "/ws"]
            .into_iter()
            .chain(["/rest", "/rest/instance/shop", "/waInstance1/qr", "/partner/none", "/v1", "/none"])
    {
        for token in [shop.token.as_str(), ACCOUNT] {
            for method in [Method::GET, Method::PATCH] {
                let asked = Request::new(method, &format!("{path}/{token}/more"));
                let answer = world.send(&asked).await;
                assert!(answer.status().as_u16() >= 400, "{path}");
                let body = answer.text().await.unwrap();
                assert!(!body.contains(token), "{path}: {body}");
            }
        }
    }
}
