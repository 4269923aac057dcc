//! Messaging through Berth: what a client of Evolution API sends reaches the upstream of its instance while the instance
//! may be used, and nothing does from the moment at which a logout was answered.

mod upstream;

use berth_journeys::{ACCOUNT_TOKEN, Berth, Client, ROOT_KEY, Running, eventually, steps};
use berth_test_support::NatsServer;
use futures::{
    SinkExt as _, StreamExt as _,
    channel::mpsc::{self, Sender},
    future::join,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use upstream::{MIB, Piece, Scripted, TOKEN};

/// The key of the upstream, which no client has.
const KEY: &str = "global-key-of-the-gateway";
/// What a large upload is made of.
const PIECES: usize = 50;

#[tokio::test]
async fn embedded() {
    let upstream = Scripted::start().await;
    let berth = before(Berth::embedded(), &upstream).start().await;
    messages_go_through_until_the_logout(berth, upstream).await;
}

#[tokio::test]
async fn on_nats_in_processes() {
    let (server, upstream) = (NatsServer::start().await, Scripted::start().await);
    let berth = before(Berth::on_nats(&server).roles_in_processes(), &upstream).start().await;
    messages_go_through_until_the_logout(berth, upstream).await;
}

fn before(berth: Berth, upstream: &Scripted) -> Berth {
    berth
        .setting("BERTH_UPSTREAM_EVO1_URL", &upstream.url)
        .setting("BERTH_UPSTREAM_EVO1_KEY", KEY)
        .setting("BERTH_UPSTREAM_EVO1_MODE", "drive")
        .setting("BERTH_UPSTREAM_EVO1_POLL_MS", "50")
        .setting("BERTH_UPSTREAM_EVO1_BODY_MIB", "51")
        .setting("BERTH_UPSTREAM_EVO1_ANSWER_S", "5")
}

/// Berth, with the instances of the upstream adopted and open; clients of one of them.
struct Harbour {
    account: Client,
    /// With the token of the instance `shop`, as clients of Evolution API send it.
    shop: Client,
}

async fn harbour(berth: &Running) -> Harbour {
    let (account, root) = (berth.client(), berth.client().token(ROOT_KEY));
    let id = account.get("/v1/whoami").await.expect(200)["account"]["id"].clone();
    let adopted = root.post("/v1/upstreams/evo1/adopt", json!({"account": id})).await.expect(200);
    assert_eq!(adopted["adopted"], 2, "{adopted}");
    for name in ["shop", "till"] {
        steps::until(&account, name, "it is open", |now| now["connection"] == "open").await;
    }
    let shop = Client::new(account.base()).header("apikey", TOKEN);
    Harbour { account, shop }
}

async fn messages_go_through_until_the_logout(berth: Running, upstream: Scripted) {
    let harbour = harbour(&berth).await;
    a_message_is_passed_with_the_upstreams_key(&harbour, &upstream).await;
    what_names_no_instance_of_the_caller_is_not_passed(&harbour, &upstream).await;
    large_bodies_are_streamed_both_ways(&harbour, &upstream).await;
    bodies_over_the_limit_are_refused(&harbour, &upstream).await;
    what_an_upstream_may_not_answer_is_not_passed_back(&harbour).await;
    a_request_that_the_upstream_never_answers_is_given_up(&harbour, &upstream).await;
    a_stopped_instance_is_closed_until_it_is_taken_up(&harbour, &upstream).await;
    nothing_passes_after_a_logout(&harbour, &upstream).await;
    drop(upstream);
    let till = Client::new(harbour.account.base()).header("apikey", ACCOUNT_TOKEN);
    let dead = till.post("/message/sendText/till", json!({"text": "hello"})).await;
    assert_eq!(said(&dead.expect(502)), "The upstream cannot be reached");
    let metrics = Client::new(harbour.account.base());
    let metrics = eventually("nothing is under way any more", async || {
        let metrics = metrics.get("/metrics").await.text();
        if metrics.contains("berth_gateway_open_passes 0") { Ok(metrics) } else { Err(metrics) }
    })
    .await;
    for outcome in ["2xx", "refused", "too_large", "unusable", "timed_out", "unreachable"] {
        let counted = format!(r#"berth_gateway_passes_total{{outcome="{outcome}"}}"#);
        assert!(metrics.contains(&counted), "{outcome}");
    }
}

/// The sentence of an error in the dialect's form.
fn said(body: &Value) -> &str {
    let message = &body["response"]["message"];
    message.as_str().or_else(|| message[0].as_str()).expect("a sentence")
}

async fn a_message_is_passed_with_the_upstreams_key(harbour: &Harbour, upstream: &Scripted) {
    let client = harbour.shop.header("x-request-id", "a-message").header("cookie", "berth_session=secret");
    let client =
        client.header("authorization", "Bearer mine").header("connection", "x-hop").header("x-hop", "1");
    let sent = client.post("/message/sendText/shop?delay=1", json!({"text": "hello"})).await;
    assert_eq!((sent.header("x-request-id"), sent.header("set-cookie")), ("a-message", ""));
    assert_eq!(sent.header("x-content-type-options"), "nosniff");
    assert_eq!(sent.expect(201), json!({"key": {"id": "of-the-upstream"}, "text": "hello"}));
    let seen = upstream.seen();
    let [one] = seen.as_slice() else { panic!("one request: {seen:?}") };
    assert_eq!((one.method.as_str(), one.target.as_str()), ("POST", "/message/sendText/shop?delay=1"));
    let header = |name: &str| one.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("apikey").as_deref(), Some(KEY));
    assert_eq!(header("x-request-id").as_deref(), Some("a-message"));
    assert_eq!(header("content-type").as_deref(), Some("application/json"));
    assert_eq!(header("via").as_deref(), Some("1.1 berth"));
    assert!(header("x-berth-deployment").is_some());
    for hidden in ["authorization", "cookie", "x-hop"] {
        assert_eq!(header(hidden), None, "{hidden}");
    }

    // By its id too, with any method and another depth; the upstream hears the name that it knows.
    let id = harbour.account.get("/v1/instances/shop").await.expect(200)["id"].as_str().unwrap().to_owned();
    let account = harbour.shop.header("apikey", ACCOUNT_TOKEN);
    account.get(&format!("/group/fetchAllGroups/{id}/")).await.expect(200);
    account.send(Method::PATCH, &format!("/typebot/update/one%20bot/{id}"), None).await.expect(200);
    assert_eq!(upstream.targets()[1..], ["/group/fetchAllGroups/shop", "/typebot/update/one%20bot/shop"]);
    // What a page asks beforehand is answered here.
    let page = harbour.shop.header("origin", "https://page.example");
    let asked = page.send(Method::OPTIONS, "/message/sendText/shop", None).await;
    assert_eq!((asked.status, asked.header("access-control-allow-origin")), (204, "https://page.example"));
    assert_eq!(upstream.seen().len(), 3);
}

async fn what_names_no_instance_of_the_caller_is_not_passed(harbour: &Harbour, upstream: &Scripted) {
    let before = upstream.seen().len();
    let own = json!({"name": "own", "token": "token-of-its-own-0001"});
    harbour.account.post("/v1/instances", own).await.expect(201);
    let keyed = |key: &str| harbour.shop.header("apikey", key);
    for (key, target, status) in [
        ("nobodys", "/message/sendText/shop", 401),
        (ROOT_KEY, "/message/sendText/shop", 401),
        ("token-of-its-own-0001", "/message/sendText/shop", 401),
        (TOKEN, "/message/sendText/till", 401),
        (TOKEN, "/message/sendText/nobody", 401),
        (ACCOUNT_TOKEN, "/message/sendText/nobody", 404),
        // As without any upstream.
        (ACCOUNT_TOKEN, "/message/sendText/own", 404),
        (TOKEN, "/message/shop", 404),
        (TOKEN, "/instance/anything/shop", 404),
        (TOKEN, "/s3/getMedia/shop", 404),
        (TOKEN, "/message/sendText/till%2F..%2Fshop", 400),
        (TOKEN, "/message/sendText//shop", 400),
        (TOKEN, "/message/sendText/shop?instanceName=till", 400),
        (TOKEN, "/message/sendText/shop?instanceId=1", 400),
    ] {
        let answer = keyed(key).post(target, json!({"text": "hello"})).await;
        assert_eq!(answer.status, status, "{target}: {}", answer.text());
        assert_eq!(answer.body["status"], status, "in the dialect's own words");
    }
    let own = keyed(ACCOUNT_TOKEN).post("/message/sendText/own", json!({})).await.expect(404);
    assert_eq!(said(&own), "Cannot POST /message/***/***");
    assert_eq!(upstream.seen().len(), before, "nothing of that was passed on");
}

/// A body that is sent piece by piece.
fn in_pieces() -> (Sender<Piece>, reqwest::Body) {
    let (sender, pieces) = mpsc::channel(0);
    (sender, reqwest::Body::wrap_stream(pieces))
}

/// Sends a body to a path that counts it.
#[expect(clippy::disallowed_methods, reason = "it ends with the runtime of the test")]
fn upload(harbour: &Harbour, body: reqwest::Body) -> tokio::task::JoinHandle<reqwest::Response> {
    let url = format!("{}/message/sendMedia/shop", harbour.account.base());
    let asked = reqwest::Client::new().post(url).header("apikey", TOKEN).body(body);
    tokio::spawn(async move { asked.send().await.expect("an answer") })
}

async fn large_bodies_are_streamed_both_ways(harbour: &Harbour, upstream: &Scripted) {
    let (mut sender, body) = in_pieces();
    let answer = upload(harbour, body);
    for piece in 0..PIECES {
        sender.send(Ok(vec![b'x'; MIB].into())).await.expect("it is taken");
        // What was sent before has arrived there, while more is still to come.
        upstream.until_counted(piece * MIB).await;
    }
    drop(sender);
    let answer = answer.await.expect("it ends");
    assert_eq!(
        (answer.status().as_u16(), answer.text().await.expect("a body")),
        (201, (PIECES * MIB).to_string())
    );

    let url = format!("{}/chat/getBase64FromMediaMessage/shop", harbour.account.base());
    let answer = reqwest::Client::new().post(url).header("apikey", TOKEN).send().await.expect("a head");
    let mut sender = upstream.script().answering.take().expect("it answers");
    let mut pieces = answer.bytes_stream();
    for _ in 0..PIECES {
        sender.send(Ok(vec![b'y'; MIB].into())).await.expect("it is taken");
        let mut arrived = 0;
        while arrived < MIB {
            arrived += pieces.next().await.expect("more").expect("a piece").len();
        }
    }
    drop(sender);
    assert!(pieces.next().await.is_none());
}

async fn bodies_over_the_limit_are_refused(harbour: &Harbour, upstream: &Scripted) {
    let (seen, whole) = (upstream.seen().len(), upstream.script().whole);
    // One that announces it is refused before it is sent, and before the upstream is asked.
    let address = harbour.account.base().trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    let head = format!(
        "POST /message/sendMedia/shop HTTP/1.1\r\nHost: berth\r\napikey: {TOKEN}\r\nContent-Length: {}\r\n\r\n",
        52 * MIB
    );
    connection.write_all(head.as_bytes()).await.expect("it is sent");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.expect("an answer, and the end");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("request entity too large"), "{answer}");
    assert_eq!(upstream.seen().len(), seen);

    let (mut sender, body) = in_pieces();
    let answer = upload(harbour, body);
    for _ in 0..=51 {
        // Refused somewhere behind the limit.
        let _taken = sender.send(Ok(vec![b'x'; MIB].into())).await;
    }
    drop(sender);
    assert_eq!(answer.await.expect("it ends").status().as_u16(), 413);
    assert_eq!(upstream.script().whole, whole, "the upstream got no whole body");
}

async fn what_an_upstream_may_not_answer_is_not_passed_back(harbour: &Harbour) {
    for (verb, says) in [
        ("redirect", "The upstream redirects to another address, which is not followed"),
        ("refuse", "The upstream refuses the key of this service"),
        ("huge", "The answer of the upstream is too large"),
    ] {
        let answer = harbour.shop.get(&format!("/chat/{verb}/shop")).await;
        assert_eq!(answer.header("location"), "");
        assert_eq!(said(&answer.expect(502)), says);
    }
    // Its own errors are its own.
    let failed = harbour.shop.get("/chat/fail/shop").await;
    assert_eq!((failed.status, failed.text().as_str()), (500, "<h1>no</h1>"));
}

async fn a_request_that_the_upstream_never_answers_is_given_up(harbour: &Harbour, upstream: &Scripted) {
    let seen = upstream.seen().len();
    let hello = || json!({"text": "hello"});
    let hung = harbour.shop.post("/message/hang/shop", hello());
    let (hung, sent) = join(hung, harbour.shop.post("/message/sendText/shop", hello())).await;
    sent.expect(201);
    let hung = hung.expect(504);
    assert_eq!((said(&hung), &hung["status"]), ("The upstream did not answer in time", &json!(504)));
    assert_eq!(upstream.seen().len(), seen + 2, "nothing was sent twice");
}

async fn a_stopped_instance_is_closed_until_it_is_taken_up(harbour: &Harbour, upstream: &Scripted) {
    let seen = upstream.seen().len();
    let till = harbour.shop.header("apikey", ACCOUNT_TOKEN);
    harbour.account.post("/v1/instances/till/disconnect", json!({})).await.expect(200);
    let refused = till.post("/message/sendText/till", json!({"text": "hello"})).await;
    assert_eq!(refused.header("x-berth-reason"), "paused");
    assert_eq!(said(&refused.expect(400)), "The \"till\" instance is not connected");
    assert_eq!(upstream.seen().len(), seen);
    harbour.account.post("/v1/instances/till/reconnect", json!({})).await.expect(200);
    till.post("/message/sendText/till", json!({"text": "hello"})).await.expect(201);
}

async fn nothing_passes_after_a_logout(harbour: &Harbour, upstream: &Scripted) {
    // A message is on its way when the logout is answered: its upstream has the most of it, and never gets the rest.
    let (mut sender, body) = in_pieces();
    let answer = upload(harbour, body);
    upstream.script().counted = 0;
    sender.send(Ok(vec![b'x'; MIB].into())).await.expect("it is taken");
    upstream.until_counted(MIB / 2).await;
    let whole = upstream.script().whole;
    harbour.account.post("/v1/instances/shop/logout", json!({})).await.expect(200);
    let seen = upstream.seen().len();
    drop(sender);
    let cut = answer.await.expect("it ends");
    assert_eq!(cut.status().as_u16(), 400);
    assert_eq!(cut.headers()["x-berth-reason"], "logged_out");

    for (method, path) in [
        (Method::POST, "/message/sendText/shop"),
        (Method::POST, "/message/sendMedia/shop"),
        (Method::GET, "/group/fetchAllGroups/shop"),
        (Method::DELETE, "/chat/deleteMessageForEveryone/shop"),
        (Method::POST, "/chatwoot/set/shop"),
        (Method::POST, "/call/offer/shop"),
        (Method::POST, "/label/handleLabel/shop"),
    ] {
        let refused = harbour.shop.send(method, path, None).await;
        assert_eq!(refused.header("x-berth-reason"), "logged_out");
        let body = json!({"status": 400, "error": "Bad Request",
            "response": {"message": ["The \"shop\" instance is not connected"]}});
        assert_eq!(refused.expect(400), body);
    }
    steps::until(&harbour.account, "shop", "its device is unlinked", |now| {
        now["unlinks"][0]["status"] == "confirmed"
    })
    .await;
    // Somebody links a device there: what was decided here stands.
    upstream.script().sockets.insert("shop".to_owned(), "open");
    harbour.shop.post("/message/sendText/shop", json!({"text": "hello"})).await.expect(400);
    assert_eq!(upstream.seen().len(), seen, "nothing was passed on");
    assert_eq!(upstream.script().whole, whole, "what was on its way was cut off");
}
