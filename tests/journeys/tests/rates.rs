//! A rate limit holds over all gateways, whichever of them a client meets.

use berth_journeys::{ACCOUNT_TOKEN, Answer, Berth, Client, Running};
use berth_test_support::NatsServer;
use serde_json::json;

/// Requests of a token in a minute.
const LIMIT: usize = 100;
/// Creates of a token in a minute.
const CREATES: usize = 20;
/// Requests over the limit of which a story is told.
const TOO_MANY: usize = 20;
/// Requests after which a story gives up: the minute ended again and again before the limit was reached.
const ASKED_MAX: usize = 2_000;

/// Asks through two gateways by turns until a minute had more requests than its limit, and holds every answer to the
/// number of those before it in its minute: no request is lost or counted twice.
async fn counts_down(berth: &Running, limit: usize, ask: impl AsyncFn(&Client, usize) -> Answer) {
    let doors = [0, 1].map(|gateway| Client::new(berth.client_of(gateway).base()));
    let (mut minute, mut before) = (0, 0);
    for serial in 0..ASKED_MAX {
        let answer = ask(&doors[serial % 2], serial).await;
        let number = |name: &str| answer.header(name).parse::<usize>().expect("a number");
        if number("x-ratelimit-reset") != minute {
            (minute, before) = (number("x-ratelimit-reset"), 0);
        }
        assert_eq!(minute % 60, 0);
        assert_eq!(number("x-ratelimit-limit"), limit);
        assert_eq!(number("x-ratelimit-remaining"), limit.saturating_sub(before + 1), "{before}");
        assert_eq!(answer.status == 429, before >= limit, "{before}: {}", answer.text());
        if answer.status == 429 {
            let text = "Rate limit exceeded. Try again later.";
            assert_eq!(answer.body, json!({"success": false, "error": {"message": text}}));
        }
        before += 1;
        if before == limit + TOO_MANY {
            return;
        }
    }
    panic!("no minute had {limit} requests");
}

/// The parameter of a quota in `RateLimit`, such as the `r` of `"instance-commands";r=9;t=42`.
fn parameter(answer: &Answer, name: &str) -> usize {
    let quota = answer.header("ratelimit").split(", ").find(|quota| quota.contains("instance-commands"));
    let mut parameters = quota.expect("the quota").split(';').filter_map(|one| one.split_once('='));
    let value = parameters.find_map(|(known, value)| (known == name).then_some(value));
    value.expect("the parameter").parse().expect("a number")
}

#[tokio::test]
async fn two_gateways_share_the_quota_of_an_instance() {
    let server = NatsServer::start().await;
    let berth = Berth::on_nats(&server).setting("BERTH_RATE_INSTANCE_COMMANDS", "50").roles_in_processes();
    let berth = berth.replicas(2).start().await;
    let own = "token-of-shop";
    berth.client().post("/v1/instances", json!({"name": "shop", "token": own})).await.expect(201);
    let doors = [0, 1].map(|gateway| berth.client_of(gateway).token(own));
    let (mut left, mut ends_in, mut refused) = (50_usize, 60, 0);
    for serial in 0..ASKED_MAX {
        let answer = doors[serial % 2].post("/v1/instances/shop/logout", json!({})).await;
        let (now_left, now_ends_in) = (parameter(&answer, "r"), parameter(&answer, "t"));
        // Another minute has begun unless the end came nearer.
        if now_ends_in <= ends_in {
            assert_eq!(answer.status, if left > 0 { 200 } else { 429 }, "{}", answer.text());
            assert_eq!(now_left, left.saturating_sub(1));
        }
        (left, ends_in) = (now_left, now_ends_in);
        refused += usize::from(answer.status == 429);
        if refused == TOO_MANY {
            assert_eq!(answer.body["code"], "rate_limited");
            assert!((1..=60).contains(&answer.header("retry-after").parse::<u32>().expect("seconds")));
            return;
        }
    }
    panic!("no minute had 50 commands");
}

#[tokio::test]
async fn two_gateways_count_the_requests_of_a_token_together() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().replicas(2).start().await;
    let own = "token-of-shop";
    berth.client().post("/v1/instances", json!({"name": "shop", "token": own})).await.expect(201);

    // An instance's token, in its three carriers.
    counts_down(&berth, LIMIT, async |door, serial| match serial % 3 {
        0 => door.token(own).get("/api/instance/list").await,
        1 => door.header("token", own).get("/api/instance/getSettings/shop").await,
        _ => door.get(&format!("/api/no/such/route?token={own}")).await,
    })
    .await;
    // Another token is not concerned, and its creates have a limit of their own, whatever becomes of them.
    counts_down(&berth, CREATES, async |door, _| {
        door.header("token", ACCOUNT_TOKEN).post("/api/instance/new", json!({})).await
    })
    .await;
    berth.client().get("/api/instance/list").await.expect(200);
    // Callers without a valid token are one by their address, whatever they show.
    counts_down(&berth, LIMIT, async |door, serial| {
        let answer = match serial % 2 {
            0 => door.get("/api/instance/list").await,
            _ => door.token(&format!("wrong-{serial}")).get("/api/instance/list").await,
        };
        assert!(matches!(answer.status, 401 | 429), "{}", answer.status);
        answer
    })
    .await;
    berth.client().get("/api/instance/list").await.expect(200);
    assert!(berth.stop().await.iter().all(|code| *code == Some(0)), "all drained");
}
