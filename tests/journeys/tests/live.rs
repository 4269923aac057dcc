//! What is told while somebody listens (RyzeAPI's WebSocket) and what waits to be fetched (GREEN-API's queue).

use berth_journeys::{
    ACCOUNT_TOKEN, Berth, Client, DEADLINE, Running, eventually,
    steps::{PHONE, link, until},
};
use berth_test_support::NatsServer;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message},
};

/// Messages that a client may send in half a minute.
const HEARD_MAX: u32 = 120;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn open(client: &Client, path: &str) -> Socket {
    let base = client.base().replace("http://", "ws://");
    connect_async(format!("{base}{path}")).await.unwrap().0
}

/// The status and the error text with which an upgrade was refused.
async fn refused(client: &Client, path: &str) -> (u16, String) {
    let base = client.base().replace("http://", "ws://");
    match connect_async(format!("{base}{path}")).await {
        Err(Error::Http(response)) => {
            let body: Value = serde_json::from_slice(response.body().as_deref().unwrap_or_default()).unwrap();
            assert_eq!(body["success"], false);
            (response.status().as_u16(), body["error"]["message"].as_str().unwrap().to_owned())
        }
        other => panic!("{other:?}"),
    }
}

/// The next event, heartbeats left out.
async fn frame(socket: &mut Socket) -> Value {
    loop {
        match timeout(DEADLINE, socket.next()).await.expect("a frame in time").unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn state(socket: &mut Socket) -> String {
    let frame = frame(socket).await;
    assert_eq!(frame["event"], "instance.state");
    frame["data"]["state"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_socket_hears_what_webhooks_hear_and_the_silence_too() {
    hears(&Berth::embedded().start().await).await;
}

#[tokio::test]
async fn a_socket_hears_through_roles_of_their_own_on_nats() {
    let server = NatsServer::start().await;
    hears(&Berth::on_nats(&server).roles_in_processes().start().await).await;
}

async fn hears(berth: &Running) {
    let client = berth.client();
    let made = client.post("/api/instance/new", json!({"name": "shop"})).await.expect(201);
    let token = made["instance"]["token"].as_str().unwrap().to_owned();
    let with_token = format!("/ws/shop?token={token}");

    let missing = "Missing token in header, Authorization header, or query parameter";
    assert_eq!(refused(&client, "/ws/shop").await, (401, missing.to_owned()));
    assert_eq!(refused(&client, "/ws/shop?token=wrong").await, (401, "Invalid token".to_owned()));
    let unknown = refused(&client, &format!("/ws/none?token={ACCOUNT_TOKEN}")).await;
    assert_eq!(unknown, (404, "Instance not found".to_owned()));
    let disabled = "WebSocket is not enabled for this instance. Configure it first using POST \
                    /api/events/websocket/shop";
    assert_eq!(refused(&client, &with_token).await, (400, disabled.to_owned()));

    let configure = |body| client.post("/api/events/websocket/shop", body);
    configure(json!({"enabled": true})).await.expect(200);
    let mut socket = open(&client, &with_token).await;
    configure(json!({"enabled": true, "events": ["call.update"]})).await.expect(200);
    let mut by_account = open(&client, &format!("/ws/shop?token={ACCOUNT_TOKEN}")).await;
    configure(json!({"enabled": true, "events": ["instance.state"]})).await.expect(200);

    link(&client, "shop").await;
    let qr = frame(&mut socket).await;
    assert_eq!((&qr["event"], &qr["data"]["state"]), (&json!("instance.state"), &json!("qr_ready")));
    assert_eq!(qr["data"]["codes"].as_array().unwrap().len(), 1);
    assert_eq!(qr["instanceData"]["token"], "", "no frame shows a token");
    assert_eq!(qr["instanceData"]["instance"], "shop");
    for socket in [&mut socket, &mut by_account] {
        while state(socket).await != "connected" {}
    }

    socket.send(Message::Ping("anybody?".into())).await.unwrap();
    let pong = timeout(DEADLINE, async {
        loop {
            match socket.next().await.unwrap().unwrap() {
                Message::Ping(_) => {}
                other => return other,
            }
        }
    });
    assert_eq!(pong.await.unwrap(), Message::Pong("anybody?".into()));

    client.delete("/api/instance/logout/shop").await.expect(200);
    assert_eq!(state(&mut socket).await, "logged_out");
    // A failed attempt in the silence is not told; its code and the next one's are.
    client.post("/v1/instances/shop/connect", json!({})).await.expect(200);
    client.post("/v1/instances/shop/simulate", json!({"action": "pair_error"})).await.expect(200);
    assert_eq!(state(&mut socket).await, "qr_ready");
    until(&client, "shop", "the attempt failed", |now| now["state"] == "logged_out").await;
    link(&client, "shop").await;
    assert_eq!(state(&mut socket).await, "qr_ready");
    assert_eq!(state(&mut socket).await, "pair_success");

    // Disabled, it refuses new sockets and leaves the open ones; a deletion ends them.
    configure(json!({"enabled": false})).await.expect(200);
    assert_eq!(refused(&client, &with_token).await.0, 400);
    client.delete("/v1/instances/shop").await.expect(200);
    let ended = timeout(DEADLINE, async {
        while let Some(Ok(message)) = socket.next().await {
            assert!(!message.is_text() || message.to_text().unwrap().contains("connected"), "{message}");
        }
    });
    ended.await.expect("the socket ends with the instance");
}

#[tokio::test]
async fn a_client_that_pings_without_a_pause_is_sent_away_and_one_that_pings_now_and_then_is_not() {
    let berth = Berth::embedded().start().await;
    let client = berth.client();
    client.post("/api/instance/new", json!({"name": "shop"})).await.expect(201);
    client.post("/api/events/websocket/shop", json!({"enabled": true})).await.expect(200);
    let path = format!("/ws/shop?token={ACCOUNT_TOKEN}");
    let (mut quiet, mut loud) = (open(&client, &path).await, open(&client, &path).await);
    for _ in 0..20 {
        quiet.send(Message::Ping("anybody?".into())).await.unwrap();
    }
    let sending = async {
        for _ in 0..=HEARD_MAX {
            loud.send(Message::Ping("anybody?".into())).await.unwrap();
        }
        loop {
            match loud.next().await {
                Some(Ok(Message::Close(why))) => return why,
                Some(Ok(_)) => {}
                other => panic!("it ends with a word: {other:?}"),
            }
        }
    };
    let why = timeout(DEADLINE, sending).await.expect("it is sent away in time").expect("a reason");
    assert_eq!((u16::from(why.code), why.reason.as_str()), (1008, "too many messages"));

    link(&client, "shop").await;
    while state(&mut quiet).await != "connected" {}
}

/// Frames that are sent before one without an answer counts as taken: more than the buffers on the way hold.
const EMPTY_FRAMES_BYTES: usize = 64 * 1024 * 1024;

#[tokio::test]
async fn a_client_that_never_ends_a_message_is_sent_away() {
    let berth = Berth::embedded().start().await;
    let client = berth.client();
    client.post("/api/instance/new", json!({"name": "shop"})).await.expect(201);
    client.post("/api/events/websocket/shop", json!({"enabled": true})).await.expect(200);
    let path = format!("/ws/shop?token={ACCOUNT_TOKEN}");
    let (mut other, endless) = (open(&client, &path).await, open(&client, &path).await);
    let MaybeTlsStream::Plain(stream) = endless.into_inner() else { panic!("no TLS here") };
    let (mut reader, mut writer) = stream.into_split();
    let sending = async {
        // The beginning of a text, masked with zeroes, then nothing more of it, again and again.
        writer.write_all(&[0x01, 0x81, 0, 0, 0, 0, b'a']).await?;
        let empty = [0x00, 0x80, 0, 0, 0, 0].repeat(16 * 1024);
        let mut sent = 0;
        while sent < EMPTY_FRAMES_BYTES {
            writer.write_all(&empty).await?;
            sent += empty.len();
        }
        Ok::<_, std::io::Error>(())
    };
    // It may end with a reset instead of the word: what was sent since lies unread.
    let listening = async {
        let mut heard = Vec::new();
        reader.read_to_end(&mut heard).await.map(|_| heard)
    };
    let (sent, heard) = timeout(DEADLINE, async { tokio::join!(sending, listening) })
        .await
        .expect("the connection is closed");
    assert!(sent.is_err(), "it was read to the end");
    if let Ok(heard) = heard {
        assert!(heard.ends_with(b"too many messages"), "{heard:?}");
    }

    link(&client, "shop").await;
    while state(&mut other).await != "connected" {}
}

#[tokio::test]
async fn notices_wait_until_they_are_fetched_whoever_dispatches() {
    let server = NatsServer::start().await;
    let mut berth = Berth::on_nats(&server).roles_in_processes().start().await;
    let client = berth.client();
    let partner = format!("/partner/createInstance/{ACCOUNT_TOKEN}");
    let made = client.post(&partner, json!({"name": "kept", "stateWebhook": "yes"})).await.expect(200);
    let (number, token) = (&made["idInstance"], made["apiTokenInstance"].as_str().unwrap());
    let method = |name: &str, rest: &str| format!("/waInstance{number}/{name}/{token}{rest}");
    let receive = method("receiveNotification", "?receiveTimeout=30");

    assert_eq!(
        client.get(&method("ReceiveNotification", "?receiveTimeout=5")).await.expect(200),
        Value::Null
    );
    client.get(&method("receiveNotification", "?receiveTimeout=4")).await.expect(400);
    let name = number.to_string();
    let (first, _) = tokio::join!(client.get(&receive), link(&client, &name));
    let first = first.expect(200);
    assert_eq!(first["body"]["typeWebhook"], "stateInstanceChanged");
    assert_eq!(first["body"]["instanceData"]["idInstance"], *number);
    let receipt = first["receiptId"].as_u64().unwrap();

    berth.kill9_role("webhooks");
    berth.restart_role("webhooks").await;
    assert_eq!(client.get(&receive).await.expect(200), first, "the same again");
    let delete = method("deleteNotification", &format!("/{receipt}"));
    assert_eq!(client.delete(&delete).await.expect(200), json!({"result": true}));
    assert_eq!(client.delete(&delete).await.expect(200), json!({"result": false}));
    let next = client.get(&receive).await.expect(200);
    assert_eq!(next["body"]["stateInstance"], "authorized");
    assert_eq!(next["body"]["instanceData"]["wid"], format!("{PHONE}@c.us"));
    client.delete(&method("deleteNotification", "/many")).await.expect(400);

    client.get(&method("logout", "")).await.expect(200);
    let last = eventually("only the logout waits", async || {
        let last = client.get(&receive).await.expect(200);
        if last["body"]["stateInstance"] == "notAuthorized" { Ok(last) } else { Err(last) }
    })
    .await;
    // What was handed out before the logout is still deleted; one client sends the receipt in the body.
    let (bare, receipt) = (method("deleteNotification", "/"), next["receiptId"].clone());
    let deleted = client.send(reqwest::Method::DELETE, &bare, Some(receipt)).await.expect(200);
    assert_eq!(deleted, json!({"result": true}));
    assert_eq!(client.get(&receive).await.expect(200), last);
    let clear = method("clearWebhooksQueue", "");
    assert_eq!(client.delete(&clear).await.expect(200), json!({"isCleared": true, "reason": ""}));
    assert_eq!(client.get(&method("receiveNotification", "")).await.expect(200), Value::Null);
    assert!(berth.stop().await.iter().all(|code| *code == Some(0)), "all drained");
}
