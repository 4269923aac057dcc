//! Silence holds while Berth drives an upstream: what the upstream says of messages passes Berth, and after a logout nobody is
//! told anything, also while the device cannot be unlinked and the upstream goes on talking.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode},
    response::{IntoResponse as _, Response},
    routing::{delete, get, post},
};
use berth_journeys::{Berth, Client, ROOT_KEY, Received, Recorder, Reply, Running, eventually, steps};
use berth_test_support::NatsServer;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The key of the upstream.
const KEY: &str = "global-key-of-the-gateway";
/// What the disconnection is in the vocabulary of the endpoint.
const END: [&str; 3] = ["status.instance", "logout.instance", "connection.update"];

#[tokio::test]
async fn embedded() {
    let upstream = Scripted::start().await;
    silence_holds(before(Berth::embedded(), &upstream).start().await, upstream).await;
}

#[tokio::test]
async fn on_nats_in_processes() {
    let (server, upstream) = (NatsServer::start().await, Scripted::start().await);
    let berth = before(Berth::on_nats(&server).roles_in_processes(), &upstream).start().await;
    silence_holds(berth, upstream).await;
}

fn before(berth: Berth, upstream: &Scripted) -> Berth {
    berth
        .setting("BERTH_UPSTREAM_EVO1_URL", &upstream.url)
        .setting("BERTH_UPSTREAM_EVO1_KEY", KEY)
        .setting("BERTH_UPSTREAM_EVO1_POLL_MS", "50")
}

async fn goes_over_to(berth: &mut Running, mode: &str) {
    let callback = berth.client().base().to_owned();
    berth.stop().await;
    berth.set("BERTH_UPSTREAM_EVO1_MODE", mode);
    berth.set("BERTH_UPSTREAM_EVO1_CALLBACK_URL", &callback);
    berth.restart().await;
}

async fn silence_holds(mut berth: Running, upstream: Scripted) {
    let receiver = Recorder::start().await;
    let users = json!({
        "id": "of-the-user", "url": receiver.url("/hook"), "enabled": true, "webhookByEvents": false,
        "webhookBase64": true, "headers": {"x-shop": "1"},
        "events": ["MESSAGES_UPSERT", "CONNECTION_UPDATE", "STATUS_INSTANCE", "LOGOUT_INSTANCE"],
    });
    upstream.script().webhook = users.clone();
    let (account, root) = (berth.client(), berth.client().token(ROOT_KEY));
    let id = account.get("/v1/whoami").await.expect(200)["account"]["id"].clone();
    root.post("/v1/upstreams/evo1/adopt", json!({"account": id})).await.expect(200);
    steps::until(&account, "shop", "it is open", |now| now["connection"] == "open").await;
    assert_eq!(upstream.script().webhook, users, "who is only looked at is left as it is");

    goes_over_to(&mut berth, "drive").await;
    let account = berth.client();
    let shop = account.get("/v1/instances/shop").await.expect(200)["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/upstreams/evo1/heard/{shop}");
    eventually("its webhook is taken over", async || {
        let url = upstream.script().webhook["url"].clone();
        if url == format!("{}{path}", account.base()).as_str() { Ok(()) } else { Err(url) }
    })
    .await;
    let hooks = account.get("/v1/instances/shop/webhooks").await.expect(200);
    assert_eq!(
        (&hooks["webhooks"][0]["format"], hooks["webhooks"].as_array().map(Vec::len)),
        (&json!("evolution"), Some(1))
    );

    // Messages come through as they are, and in order; what says how the link stands does not.
    for number in 1..=5 {
        assert_eq!(upstream.tells("messages.upsert", "shop", number).await, (200, "relayed".to_owned()));
    }
    assert_eq!(upstream.tells("presence.update", "shop", 6).await, (200, "relayed".to_owned()));
    assert_eq!(upstream.tells("connection.update", "shop", 7).await, (200, "hint".to_owned()));
    let received = receiver.wait("five messages", |received| messages(received).len() >= 5).await;
    for (number, one) in (1..).zip(messages(&received)) {
        assert_eq!(one.bytes, event("messages.upsert", "shop", number), "not a byte is another");
        assert_eq!((&one.headers["x-shop"], one.path.as_str()), (&HeaderValue::from_static("1"), "/hook"));
        assert!(one.headers.contains_key("webhook-id") && !one.headers.contains_key("x-berth-callback"));
    }
    strangers_are_not_heard(&account, &upstream, &path).await;

    // The receiver does not work for a moment: messages wait.
    receiver.always(Reply::status(503));
    for number in 8..=10 {
        assert_eq!(upstream.tells("messages.upsert", "shop", number).await.1, "relayed");
    }
    receiver.wait("one of them is tried", |received| messages(received).len() >= 6).await;

    // A logout. The upstream never answers that it was asked to unlink, and talks on.
    account.post("/v1/instances/shop/logout", json!({})).await.expect(200);
    let tried = receiver.received().len();
    receiver.always(Reply::status(200));
    for number in 11..=30 {
        assert_eq!(upstream.tells("messages.upsert", "shop", number).await, (200, "silenced".to_owned()));
        upstream.tells("connection.update", "shop", number).await;
    }
    receiver.wait("the disconnection", |received| told(&received[tried..]) == END).await;
    // Of what waited nothing is left that could be told later.
    eventually("what waited is erased", async || {
        let mut waiting = Vec::new();
        for ops in berth.ops() {
            let metrics = ops.get("/metrics").await.text();
            let lines = metrics.lines().filter(|line| line.starts_with("berth_webhook_letters_waiting "));
            waiting.extend(lines.map(str::to_owned));
        }
        if waiting.iter().all(|line| line.ends_with(" 0")) { Ok(()) } else { Err(waiting) }
    })
    .await;
    eventually("it was asked to unlink", async || {
        let asked = upstream.script().asked_to_unlink;
        if asked > 0 { Ok(()) } else { Err(asked) }
    })
    .await;
    for number in 31..=50 {
        assert_eq!(upstream.tells("messages.upsert", "shop", number).await.1, "silenced");
    }
    let now = account.get("/v1/instances/shop").await.expect(200);
    assert_eq!((&now["state"], &now["unlinks"][0]["status"]), (&json!("logged_out"), &json!("pending")));
    assert_eq!(told(&receiver.received()[tried..]), END, "nothing else reached it after the logout");

    // It is looked at again: its user has back what was there, and is told by the upstream alone.
    goes_over_to(&mut berth, "observe").await;
    eventually("its webhook is given back", async || {
        let now = upstream.script().webhook.clone();
        if now == users { Ok(()) } else { Err(now) }
    })
    .await;
    let account = berth.client();
    eventually("nobody is told twice", async || {
        let hooks = account.get("/v1/instances/shop/webhooks").await.expect(200);
        if hooks["webhooks"] == json!([]) { Ok(()) } else { Err(hooks) }
    })
    .await;
}

/// The attempts to tell a message.
fn messages(received: &[Received]) -> Vec<&Received> {
    received.iter().filter(|one| one.body["event"] == "messages.upsert").collect()
}

/// What was told, each once however often it was tried.
fn told(received: &[Received]) -> Vec<&str> {
    let mut told: Vec<_> =
        received.iter().map(|one| one.body["event"].as_str().unwrap_or_default()).collect();
    told.dedup();
    told
}

async fn strangers_are_not_heard(account: &Client, upstream: &Scripted, path: &str) {
    let body = json!({"event": "messages.upsert", "instance": "shop"});
    let stranger = Client::new(account.base());
    stranger.post(path, body.clone()).await.expect(401);
    stranger.header("x-berth-callback", &"0".repeat(64)).post(path, body.clone()).await.expect(401);
    let secret =
        upstream.script().webhook["headers"]["x-berth-callback"].as_str().expect("a secret").to_owned();
    let upstream = stranger.header("x-berth-callback", &secret);
    // The secret of one instance is not that of another one.
    let other = account.post("/v1/instances", json!({"name": "own"})).await.expect(201)["id"].clone();
    let other = format!("/v1/upstreams/evo1/heard/{}", other.as_str().expect("an id"));
    upstream.post(&other, body.clone()).await.expect(401);
    upstream.post(&path.replace("evo1", "evo2"), body).await.expect(401);
    upstream.post(path, json!({"event": "messages.upsert", "instance": "bar"})).await.expect(403);
    for nonsense in [json!({}), json!([]), json!({"event": "a b", "instance": "shop"})] {
        upstream.post(path, nonsense).await.expect(400);
    }
    let large = json!({"event": "messages.upsert", "instance": "shop", "data": "x".repeat(1_000_000)});
    upstream.post(path, large).await.expect(413);
}

/// What the upstream sends.
fn event(event: &str, instance: &str, number: u32) -> Bytes {
    let body =
        format!(r#"{{ "event":"{event}","instance":"{instance}","data":{{"n": {number}}},"apikey":null }}"#);
    Bytes::from(body)
}

// === the upstream ===

#[derive(Debug)]
struct Script {
    webhook: Value,
    asked_to_unlink: usize,
}

/// An Evolution API with one instance, whose logout never ends; it stops when it is dropped.
struct Scripted {
    url: String,
    script: Shared,
    _stop: DropGuard,
}

type Shared = Arc<Mutex<Script>>;

impl Scripted {
    async fn start() -> Self {
        let script = Arc::new(Mutex::new(Script { webhook: Value::Null, asked_to_unlink: 0 }));
        let router = Router::new()
            .route("/instance/connectionState/{name}", get(connection_state))
            .route("/instance/fetchInstances", get(fetch))
            .route("/instance/logout/{name}", delete(logout))
            .route("/webhook/find/{name}", get(find_webhook))
            .route("/webhook/set/{name}", post(set_webhook))
            .with_state(Arc::clone(&script));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        #[expect(clippy::disallowed_methods, reason = "it ends with the guard")]
        tokio::spawn(async move {
            tokio::select! {
                served = axum::serve(listener, router) => served.unwrap_or_default(),
                () = stopped => {}
            }
        });
        Self { url, script, _stop: stop.drop_guard() }
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        locked(&self.script)
    }

    /// Tells its webhook something as it would by itself; gives the answer.
    async fn tells(&self, event_name: &str, instance: &str, number: u32) -> (u16, String) {
        let webhook = self.script().webhook.clone();
        let url = webhook["url"].as_str().expect("a URL").to_owned();
        let mut request = reqwest::Client::new().post(url).header("content-type", "application/json");
        for (name, value) in webhook["headers"].as_object().expect("headers") {
            request = request.header(name, value.as_str().expect("a text"));
        }
        let answer = request.body(event(event_name, instance, number)).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.expect("JSON");
        (status, body["heard"].as_str().unwrap_or_default().to_owned())
    }
}

fn locked(script: &Shared) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn connection_state(Path(name): Path<String>) -> Json<Value> {
    Json(json!({"instance": {"instanceName": name, "state": "open"}}))
}

async fn fetch(Query(query): Query<HashMap<String, String>>) -> Json<Value> {
    if query.get("instanceName").is_some_and(|name| name != "shop") {
        return Json(json!([]));
    }
    Json(json!([{"name": "shop", "token": "token-of-the-shop-0001", "connectionStatus": "open",
        "integration": "WHATSAPP-BAILEYS", "ownerJid": "5511987654321@s.whatsapp.net"}]))
}

async fn logout(State(script): State<Shared>) -> Response {
    locked(&script).asked_to_unlink += 1;
    std::future::pending::<()>().await;
    StatusCode::OK.into_response()
}

async fn find_webhook(State(script): State<Shared>) -> Json<Value> {
    Json(locked(&script).webhook.clone())
}

async fn set_webhook(State(script): State<Shared>, Json(body): Json<Value>) -> StatusCode {
    let set = &body["webhook"];
    locked(&script).webhook = json!({"id": "of-the-user", "url": set["url"], "enabled": set["enabled"],
        "headers": set["headers"], "webhookByEvents": set["byEvents"], "webhookBase64": set["base64"],
        "events": set["events"]});
    StatusCode::CREATED
}
