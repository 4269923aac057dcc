//! What bad input gets: a clear error in the caller's words, and nothing changed.

use berth_journeys::{
    ACCOUNT_TOKEN, Answer, Berth, Client, ROOT_KEY, Running,
    steps::{link, until},
};
use berth_test_support::NatsServer;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

/// Names that are accepted and hard to carry: in a path, in a subject, for the eye.
const HARD_NAMES: [&str; 24] = [
    "with blank",
    "..a",
    "a..b",
    "*",
    ">",
    "a*b>c",
    "a.b.c",
    "%2F",
    "%252f",
    "100%",
    "?x=1",
    "#frag",
    "a&b=c",
    "a+b",
    "$SYS",
    "_INBOX.x",
    "名前",
    "\u{430}dmin",
    "Jo\u{e3}o",
    "\u{1f6a2}",
    "1234567890",
    "0190a3f2000070008000000000000001",
    "logout",
    "<script>",
];

#[tokio::test]
async fn a_name_that_is_accepted_works_in_every_route_embedded() {
    names_work_in_every_route(&Berth::embedded().start().await).await;
}

#[tokio::test]
async fn a_name_that_is_accepted_works_in_every_route_on_nats() {
    let server = NatsServer::start().await;
    names_work_in_every_route(&Berth::on_nats(&server).roles_in_processes().start().await).await;
}

async fn names_work_in_every_route(berth: &Running) {
    let client = berth.client();
    let long = "\u{1f6a2}".repeat(128);
    for name in HARD_NAMES.into_iter().chain([long.as_str()]) {
        let made = client.post("/v1/instances", json!({"name": name})).await.expect(201);
        let path = percent_encoded(name);
        let native = format!("/v1/instances/{path}");
        assert_eq!(client.get(&native).await.expect(200)["id"], made["id"], "{name}");
        client.post(&format!("{native}/connect"), json!({})).await.expect(200);
        for read in ["", "/qr", "/events", "/verify", "/webhooks"] {
            client.get(&format!("{native}{read}")).await.expect(200);
        }
        dialects_know(&client, &path, made["token"].as_str().unwrap()).await;
        client.delete(&native).await.expect(200);
        client.get(&native).await.expect(404);
    }
    assert_quiet(berth);
}

/// Reads, connects and logs out through every dialect that has names in its paths.
async fn dialects_know(client: &Client, path: &str, token: &str) {
    let evolution = client.header("apikey", ACCOUNT_TOKEN);
    evolution.get(&format!("/instance/connectionState/{path}")).await.expect(200);
    evolution.get(&format!("/instance/connect/{path}")).await.expect(200);
    client.get(&format!("/rest/instance/{path}")).await.expect(200);
    client.get(&format!("/rest/instance/qrcode_base64/{path}")).await.expect(200);
    // Its own token, since the account's may ask this dialect 100 times a minute.
    let ryze = client.token(token);
    ryze.get(&format!("/api/instance/connect/{path}")).await.expect(200);
    ryze.delete(&format!("/api/instance/logout/{path}")).await.expect(200);
    client.delete(&format!("/rest/instance/{path}/logout")).await.expect(200);
}

#[tokio::test]
async fn what_cannot_be_a_request_is_refused_and_changes_nothing() {
    let berth = Berth::embedded().setting("BERTH_WEBHOOK_ALLOW", "").start().await;
    let client = berth.client();
    let long = "x".repeat(129);
    for name in ["", " a", "a ", "a/b", "a\\b", "a\tb", "a\u{0}b", ".", "..", &long] {
        problem(client.post("/v1/instances", json!({"name": name})).await, 400, "invalid_request");
    }
    for hidden in ["pay\u{202e}lap", "pay\u{200b}pal", "\u{feff}paypal", "pay\u{2066}pal"] {
        let answer = client.post("/v1/instances", json!({"name": hidden})).await;
        let answer = problem(answer, 400, "invalid_request");
        assert!(answer["detail"].as_str().unwrap().contains("invisible characters"), "{answer}");
    }
    let webhooks = |webhook: Value| json!({"name": "w", "webhooks": [webhook]});
    let headers = |headers: Value| webhooks(json!({"url": "https://example.com/", "headers": headers}));
    let bodies = [
        json!([]),
        json!(["by-position", null, null, []]),
        json!("text"),
        json!({"name": 5}),
        json!({"nam": "a"}),
        json!({"name": "w", "webhooks": [["https://example.com/"]]}),
        json!({"name": "w", "token": "with blank"}),
        json!({"name": "w", "settings": []}),
        webhooks(json!({"url": "http://example.com/"})),
        webhooks(json!({"url": "https://10.0.0.1/"})),
        webhooks(json!({"url": "https://[::ffff:10.0.0.1]/"})),
        webhooks(json!({"url": "https://user:secret@example.com/"})),
        webhooks(json!({"url": "file:///etc/passwd"})),
        headers(json!({"Host": "x"})),
        headers(json!({"Expect": "100-continue"})),
        headers(json!({"x": "a\r\nb: c"})),
        headers(json!({"X-A": "1", "x-a": "2"})),
    ];
    for body in bodies {
        let shown = body.to_string();
        let answer = problem(client.post("/v1/instances", body).await, 400, "invalid_request");
        let detail = answer["detail"].as_str().unwrap();
        assert!(!detail.contains("struct") && !detail.contains("secret"), "{shown}: {detail}");
    }
    for (url, named) in
        [("https://10.0.0.1/", "BERTH_WEBHOOK_ALLOW"), ("http://example.com/", "BERTH_WEBHOOK_HTTP")]
    {
        let answer = client.post("/v1/instances", webhooks(json!({"url": url}))).await.expect(400);
        assert!(answer["detail"].as_str().unwrap().contains(named), "{answer}");
    }
    let many: Vec<Value> = (0..21).map(|at| json!({"url": format!("https://example.com/{at}")})).collect();
    let answer = client.post("/v1/instances", json!({"name": "w", "webhooks": many})).await;
    problem(answer, 409, "too_many_webhooks");
    let header = json!({"x": "y".repeat(3_000)});
    let wide: Vec<Value> =
        (0..8).map(|at| json!({"url": format!("https://example.com/{at}"), "headers": header})).collect();
    let answer = client.post("/v1/instances", json!({"name": "w", "webhooks": wide})).await;
    problem(answer, 422, "webhooks_too_large");
    let answer = client.post("/v1/instances", json!({"settings": {"a": "x".repeat(70_000)}})).await;
    problem(answer, 422, "state_too_large");
    let answer = client.post("/v1/instances", json!({"settings": {"a": "x".repeat(1_100_000)}})).await;
    problem(answer, 413, "body_too_large");
    let list = client.get("/v1/instances").await.expect(200);
    assert_eq!(list["total"], 0, "nothing was made of all this: {list}");
    assert_quiet(&berth);
}

#[tokio::test]
async fn absurd_arguments_of_an_instance_are_refused() {
    let berth = Berth::embedded().start().await;
    let client = berth.client();
    client.post("/v1/instances", json!({"name": "i"})).await.expect(201);
    let bodies = [
        json!({"wait_ms": -1}),
        json!({"wait_ms": 60_001}),
        json!({"wait_ms": u64::MAX}),
        json!({"wait_ms": 1e300}),
        json!({"method": "QR"}),
        json!({"method": "pairing_code"}),
        json!({"method": "pairing_code", "phone": "55a1987654321"}),
        json!({"method": "pairing_code", "phone": "+5511987654321"}),
        json!({"method": "pairing_code", "phone": "\u{ff15}\u{ff15}11987654321"}),
        json!({"phone": "5511987654321"}),
    ];
    for body in bodies {
        problem(client.post("/v1/instances/i/connect", body).await, 400, "invalid_request");
    }
    for query in ["?limit=0", "?limit=x", "?state=nope", "?unknown=1"] {
        problem(client.get(&format!("/v1/instances{query}")).await, 400, "invalid_request");
    }
    for cursor in ["", "x", "AAAA", "%00", "AgAAAAAAAAAAAAAAAAAAAAAA"] {
        problem(client.get(&format!("/v1/instances?cursor={cursor}")).await, 400, "invalid_cursor");
    }
    for query in ["events?after=-1", "events?limit=101", "events?after=18446744073709551616"] {
        problem(client.get(&format!("/v1/instances/i/{query}")).await, 400, "invalid_request");
    }
    let page = client.get(&format!("/v1/instances/i/events?after={}", u64::MAX)).await.expect(200);
    assert_eq!(page["events"], json!([]));
    problem(client.get("/v1/instances/i?at=yesterday").await, 400, "invalid_request");
    problem(client.get("/v1/instances/%ff%fe").await, 400, "invalid_request");
    problem(client.put("/v1/instances/i", json!({})).await, 405, "method_not_allowed");
    problem(client.get("/v1/nothing").await, 404, "unknown_route");
    assert_eq!(client.get("/v1/instances/i").await.expect(200)["version"], 1, "nothing changed");
    assert_quiet(&berth);
}

#[tokio::test]
async fn a_play_that_needs_an_open_connection_says_so() {
    let berth = Berth::embedded().start().await;
    let client = berth.client();
    client.post("/v1/instances", json!({"name": "i"})).await.expect(201);
    link(&client, "i").await;
    client.post("/v1/instances/i/simulate", json!({"action": "replace"})).await.expect(200);
    until(&client, "i", "it is paused", |now| now["state"] == "paused").await;
    for action in ["logout_from_phone", "logout_from_server", "ban", "drop"] {
        let answer = client.post("/v1/instances/i/simulate", json!({"action": action})).await;
        let answer = problem(answer, 409, "not_simulatable");
        assert!(answer["detail"].as_str().unwrap().contains("open connection"), "{action}: {answer}");
    }
    assert_quiet(&berth);
}

#[tokio::test]
async fn a_keyed_account_is_made_once() {
    let berth = Berth::embedded().start().await;
    let root = berth.client().token(ROOT_KEY).keyed("account-1");
    let first = root.post("/v1/accounts", json!({})).await;
    assert_eq!(first.header("idempotency-replayed"), "");
    let first = first.expect(201);
    let again = root.post("/v1/accounts", json!({})).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.expect(201), first, "the token and the made-up name included");
    for body in [json!({"name": "else"}), json!({"token": "else"})] {
        problem(root.post("/v1/accounts", body).await, 422, "idempotency_key_reused");
    }
    // A refusal leaves nothing behind that the same key would stumble over.
    let later = root.keyed("account-2");
    let taken = json!({"name": first["name"]});
    problem(later.post("/v1/accounts", taken.clone()).await, 409, "name_taken");
    problem(later.post("/v1/accounts", taken).await, 409, "name_taken");
    let second = later.post("/v1/accounts", json!({"name": "second"})).await.expect(201);
    let of_second = berth.client().token(second["token"].as_str().unwrap());
    of_second.post("/v1/instances", json!({"name": "i"})).await.expect(201);
    let rotate = format!("/v1/accounts/{}/token", second["id"].as_str().unwrap());
    let rotated = root.keyed("rotation").post(&rotate, json!({})).await.expect(200);
    let again = root.keyed("rotation").post(&rotate, json!({})).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.expect(200), rotated);
    let all = root.get("/v1/accounts").await.expect(200);
    assert_eq!(all["accounts"].as_array().unwrap().len(), 3, "default and two: {all}");
    assert_quiet(&berth);
}

#[tokio::test]
async fn nobody_sees_what_is_not_theirs() {
    let berth = Berth::embedded().start().await;
    let client = berth.client();
    let root = client.token(ROOT_KEY);
    let other = root.post("/v1/accounts", json!({"name": "other"})).await.expect(201);
    let other = client.token(other["token"].as_str().unwrap());
    let mine = client.post("/v1/instances", json!({"name": "mine", "token": "mine-token"})).await.expect(201);
    client.post("/v1/instances", json!({"name": "second"})).await.expect(201);
    let names = [mine["id"].as_str().unwrap(), mine["number"].as_str().unwrap(), "mine"];
    for name in names {
        let path = format!("/v1/instances/{name}");
        for read in
            ["", "/qr", "/events", "/events/stream", "/verify", "/webhooks", "?at=2100-01-01T00:00:00Z"]
        {
            problem(other.get(&format!("{path}{read}")).await, 404, "not_found");
            problem(root.get(&format!("{path}{read}")).await, 403, "forbidden");
        }
        for command in ["connect", "logout", "reconnect", "restart", "disconnect"] {
            problem(other.post(&format!("{path}/{command}"), json!({})).await, 404, "not_found");
        }
        let webhook = json!({"url": "https://example.com/"});
        problem(other.post(&format!("{path}/webhooks"), webhook).await, 404, "not_found");
        let scan = json!({"action": "scan", "phone": "5511987654321"});
        problem(other.post(&format!("{path}/simulate"), scan).await, 404, "not_found");
        problem(other.delete(&path).await, 404, "not_found");
    }
    let of_instance = client.token("mine-token");
    of_instance.get("/v1/instances/mine").await.expect(200);
    problem(of_instance.get("/v1/instances/second").await, 404, "not_found");
    problem(of_instance.delete("/v1/instances/second").await, 404, "not_found");
    problem(of_instance.post("/v1/instances", json!({})).await, 403, "forbidden");
    let nobody = Client::new(client.base());
    for misplaced in [
        nobody.header("apikey", ACCOUNT_TOKEN),
        nobody.header("authorization", ACCOUNT_TOKEN),
        nobody.header("authorization", &format!("Basic {ACCOUNT_TOKEN}")),
    ] {
        problem(misplaced.get("/v1/instances/mine").await, 401, "unauthorized");
    }
    problem(nobody.get(&format!("/v1/instances/mine?token={ACCOUNT_TOKEN}")).await, 401, "unauthorized");
    client.get("/instance/connectionState/mine").await.expect(401);
    assert_quiet(&berth);
}

#[tokio::test]
async fn a_deleted_instance_says_so_to_every_command() {
    let berth = Berth::embedded().start().await;
    let client = berth.client();
    let made = client.post("/v1/instances", json!({"name": "gone"})).await.expect(201);
    client.keyed("the-connect").post("/v1/instances/gone/connect", json!({})).await.expect(200);
    client.keyed("the-delete").delete("/v1/instances/gone").await.expect(200);
    let path = format!("/v1/instances/{}", made["id"].as_str().unwrap());
    for command in ["connect", "logout", "reconnect", "restart", "disconnect"] {
        problem(client.post(&format!("{path}/{command}"), json!({})).await, 410, "deleted");
    }
    let webhook = json!({"url": "https://example.com/"});
    problem(client.post(&format!("{path}/webhooks"), webhook).await, 410, "deleted");
    problem(client.post(&format!("{path}/simulate"), json!({"action": "drop"})).await, 410, "deleted");
    problem(client.delete(&path).await, 410, "deleted");

    let second = client.post("/v1/instances", json!({"name": "gone"})).await.expect(201);
    let again = client.keyed("the-delete").delete("/v1/instances/gone").await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.expect(200)["id"], made["id"], "the repeat found its own instance");
    let again = client.keyed("the-connect").post("/v1/instances/gone/connect", json!({})).await;
    assert_eq!(again.expect(200)["id"], made["id"], "and so did an older one");
    let now = client.get("/v1/instances/gone").await.expect(200);
    assert_eq!((&now["id"], &now["state"]), (&second["id"], &json!("created")));
    assert_quiet(&berth);
}

#[tokio::test]
async fn an_idempotency_key_is_for_one_request() {
    let mut berth = Berth::embedded().start().await;
    let client = berth.client();
    for key in ["", "   ", &"k".repeat(129)] {
        problem(client.keyed(key).post("/v1/instances", json!({})).await, 400, "invalid_request");
    }
    let key = "k".repeat(128);
    let made = client.keyed(&key).post("/v1/instances", json!({"name": "first"})).await.expect(201);
    let other = client.keyed(&key).post("/v1/instances", json!({"name": "other"})).await;
    problem(other, 422, "idempotency_key_reused");
    let connect = client.keyed(&key).post("/v1/instances/first/connect", json!({})).await;
    problem(connect, 422, "idempotency_key_reused");

    berth.kill9();
    berth.restart().await;
    let again = client.keyed(&key).post("/v1/instances", json!({"name": "first"})).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.expect(201)["token"], made["token"]);

    let logout = async |key: &str| client.keyed(key).post("/v1/instances/first/logout", json!({})).await;
    logout("oldest").await.expect(200);
    for later in 0..32 {
        logout(&format!("later-{later}")).await.expect(200);
    }
    assert_eq!(logout("later-0").await.header("idempotency-replayed"), "true", "one of the last 32");
    assert_eq!(logout("oldest").await.header("idempotency-replayed"), "", "the 33rd is new");

    let racing = json!({"name": "raced"});
    let racers = (0..20).map(|_| client.post("/v1/instances", racing.clone()));
    let mut statuses: Vec<u16> = join_all(racers).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1]), (201, 409), "one wins: {statuses:?}");
    // Without codes, since drawing 500 of them is another story.
    let no_code = json!({"action": "never_show_code"});
    client.post("/v1/instances/raced/simulate", no_code).await.expect(200);
    let joined = (0..500).map(|_| client.post("/v1/instances/raced/connect", json!({"wait_ms": 0})));
    assert!(join_all(joined).await.iter().all(|answer| answer.status == 200 && answer.body["attempt"] == 1));
    for method in [Method::HEAD, Method::OPTIONS] {
        client.send(method, "/v1/instances/raced", None).await;
    }
    assert_quiet(&berth);
}

/// The body of a problem with this status and code.
#[track_caller]
fn problem(answer: Answer, status: u16, code: &str) -> Value {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.text());
    let body = answer.expect(status);
    assert_eq!(body["code"], code, "{body}");
    body
}

/// Nothing panicked, and no log line tells a secret.
#[track_caller]
fn assert_quiet(berth: &Running) {
    let logs = berth.logs();
    for never in ["panicked", ACCOUNT_TOKEN, ROOT_KEY, "mine-token", "5511987654321"] {
        assert!(!logs.contains(never), "{never} in the log:\n{logs}");
    }
}

/// A text as one segment of a path.
fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
