//! What a token and an account may do in a minute, over both gateways and through every door.

use berth_gateway::app::Quotas;
use futures::future::join_all;
use reqwest::Response;
use serde_json::{Value, json};

use crate::{
    story::Request,
    world::{ACCOUNT, OTHER_ACCOUNT, ROOT, World},
};

/// No bound but those that a story sets.
const NONE: Quotas =
    Quotas { instance_commands: 0, account_commands: 0, instance_reads: 0, account_reads: 0 };

impl World {
    /// Asks one gateway or the other.
    async fn at(&self, gateway: usize, request: &Request) -> Response {
        if gateway.is_multiple_of(2) {
            self.send(request).await
        } else {
            self.send_to_neighbour(request).await
        }
    }
}

fn logout(instance: &str, token: &str) -> Request {
    Request::post(&format!("/v1/instances/{instance}/logout")).bearer(token).json(&json!({}))
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

async fn body(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn commands_of_an_instance_are_counted_over_both_gateways() {
    let world =
        World::start_with_quotas(Quotas { instance_commands: 20, account_commands: 1_000, ..NONE }).await;
    let shop = world.instance("shop").await;
    let ask = logout("shop", &shop.token);
    for serial in 0..20 {
        let answer = world.at(serial, &ask).await;
        assert_eq!(answer.status(), 200);
        let policy = "\"instance-commands\";q=20;w=60, \"account-commands\";q=1000;w=60";
        assert_eq!(header(&answer, "ratelimit-policy"), policy);
        let left = header(&answer, "ratelimit");
        assert!(left.starts_with(&format!("\"instance-commands\";r={};t=60, ", 19 - serial)), "{left}");
    }
    for serial in 0..4 {
        let answer = world.at(serial, &ask).await;
        assert_eq!(answer.status(), 429);
        assert_eq!(header(&answer, "retry-after"), "60");
        assert!(header(&answer, "ratelimit").starts_with("\"instance-commands\";r=0;t=60"));
        assert_eq!(body(answer).await["code"], "rate_limited");
    }
    // What somebody else may do is not concerned, nor is reading, and a minute later all is as before.
    assert_eq!(world.send(&logout("shop", ACCOUNT)).await.status(), 200);
    let read = world.send(&Request::get("/v1/instances/shop").bearer(&shop.token)).await;
    assert_eq!((read.status().as_u16(), header(&read, "ratelimit")), (200, String::new()));
    world.advance_seconds(59);
    assert_eq!(header(&world.send(&ask).await, "retry-after"), "1");
    world.advance_seconds(1);
    assert_eq!(world.send(&ask).await.status(), 200);
}

#[tokio::test]
async fn gateways_that_take_shares_never_let_through_more_than_the_quota() {
    let quota = 256;
    let world = World::start_with_quotas(Quotas { instance_commands: quota, ..NONE }).await;
    let shop = world.instance("shop").await;
    let ask = logout("shop", &shop.token);
    let answers = join_all((0..400).map(|serial| world.at(serial, &ask))).await;
    let done = answers.iter().filter(|answer| answer.status() == 200).count();
    assert!(answers.iter().all(|answer| matches!(answer.status().as_u16(), 200 | 429)));
    // Each gateway takes a 64th part at once, and may be left with all of one but one.
    let unused = 2 * (256 / 64 - 1);
    assert!((256 - unused..=256).contains(&done), "{done}");
}

#[tokio::test]
async fn the_tokens_of_an_account_have_one_quota_together() {
    let world =
        World::start_with_quotas(Quotas { instance_commands: 20, account_commands: 40, ..NONE }).await;
    let mut shops = Vec::new();
    for name in ["one", "two", "three"] {
        shops.push(world.instance(name).await);
    }
    // The creates count, too.
    let mut left: usize = 40 - 3;
    for (serial, shop) in shops.iter().cycle().take(60).enumerate() {
        let status = world.at(serial, &logout(&shop.id, &shop.token)).await.status();
        assert_eq!(status, if left > 0 { 200 } else { 429 }, "{serial}");
        left = left.saturating_sub(1);
    }
    assert_eq!(world.send(&logout("one", ACCOUNT)).await.status(), 429);
    // Another account and the operator go on.
    let other = Request::post("/v1/instances").bearer(OTHER_ACCOUNT).json(&json!({}));
    assert_eq!(world.send(&other).await.status(), 201);
    let operator = world.send(&Request::post("/v1/accounts").bearer(ROOT).json(&json!({}))).await;
    assert_eq!((operator.status().as_u16(), header(&operator, "ratelimit")), (201, String::new()));
}

#[tokio::test]
async fn an_instance_over_its_quota_takes_nothing_of_its_accounts() {
    let world = World::start_with_quotas(Quotas { instance_commands: 5, account_commands: 10, ..NONE }).await;
    let shop = world.instance("shop").await;
    for _ in 0..50 {
        world.send(&logout("shop", &shop.token)).await;
    }
    let ask = logout("shop", ACCOUNT);
    let done = join_all((0..10).map(|_| world.send(&ask))).await;
    assert_eq!(done.iter().filter(|answer| answer.status() == 200).count(), 10 - 1 - 5);
}

#[tokio::test]
async fn commands_count_through_every_door_and_are_refused_in_its_words() {
    let world = World::start_with_quotas(Quotas { instance_commands: 5, ..NONE }).await;
    let shop = world.instance("shop").await;
    let (id, number, token) = (&shop.id, shop.number, shop.token.as_str());
    let evolution = Request::delete("/instance/logout/shop").header("apikey", token);
    let ryze = Request::delete("/api/instance/logout/shop").header("token", token);
    let mega = Request::delete("/rest/instance/shop/logout").bearer(token);
    let codechat = Request::delete(&format!("/api/v2/instance/{id}/logout")).header("apikey", token);
    let green = Request::get(&format!("/waInstance{number}/logout/{token}"));
    let doors = [evolution, ryze, mega, codechat, green];
    for (serial, door) in doors.iter().enumerate() {
        let status = world.at(serial, door).await.status();
        assert!(!matches!(status.as_u16(), 404 | 405 | 429 | 500..), "{}: {status}", door.path);
    }
    let told = [
        json!({"status": 429, "error": "Too Many Requests", "response": {"message": ["Too many requests"]}}),
        json!({"success": false, "error": {"message": "Rate limit exceeded. Try again later."}}),
        json!({"error": true, "message": "Too many requests"}),
    ];
    let native = world.send(&logout("shop", token)).await;
    assert_eq!(native.status(), 429);
    for (serial, door) in doors.iter().enumerate() {
        let answer = world.at(serial, door).await;
        assert_eq!(answer.status(), 429, "{}", door.path);
        let said = body(answer).await;
        if let Some(told) = told.get(serial) {
            assert_eq!(&said, told, "{}", door.path);
        }
    }
}

#[tokio::test]
async fn each_gateway_counts_reads_by_itself() {
    let world = World::start_with_quotas(Quotas { instance_reads: 10, account_reads: 25, ..NONE }).await;
    let shop = world.instance("shop").await;
    // They need nobody to count them.
    world.away.set(true);
    let read = |token: &str| Request::get("/v1/instances/shop").bearer(token);
    for gateway in [0, 1] {
        for serial in 0..12 {
            let answer = world.at(gateway, &read(&shop.token)).await;
            assert_eq!(answer.status(), if serial < 10 { 200 } else { 429 });
        }
        for serial in 0..17 {
            let answer = world.at(gateway, &read(ACCOUNT)).await;
            assert_eq!(answer.status(), if serial < 15 { 200 } else { 429 });
        }
    }
    assert_eq!(world.send(&logout("shop", &shop.token)).await.status(), 200);
}

#[tokio::test]
async fn commands_go_on_and_have_a_bound_while_nobody_counts_them_together() {
    let world = World::start_with_quotas(Quotas { instance_commands: 20, ..NONE }).await;
    let shop = world.instance("shop").await;
    let ask = logout("shop", &shop.token);
    for serial in 0..10 {
        assert_eq!(world.at(serial, &ask).await.status(), 200);
    }
    world.away.set(true);
    let mut done = 0;
    for serial in 0..60 {
        done += usize::from(world.at(serial, &ask).await.status() == 200);
    }
    assert_eq!(done, 2 * (20 - 5), "each gateway has what it would have alone");
    world.advance_seconds(60);
    world.away.set(false);
    let answers = join_all((0..30).map(|serial| world.at(serial, &ask))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 200).count(), 20);
}
