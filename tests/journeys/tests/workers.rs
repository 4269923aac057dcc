//! The workers that are connected, and who may have instances with them.

use berth_journeys::{Berth, ROOT_KEY, Running, eventually};
use berth_test_support::NatsServer;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

/// What workers show.
const TOKEN: &str = "workers-token-00000000001";

type Worker = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[tokio::test]
async fn embedded() {
    let berth = with_workers(Berth::embedded()).start().await;
    let connector = berth.client().base().to_owned();
    workers_are_shown_and_granted(berth, &connector).await;
}

#[tokio::test]
async fn on_nats_in_processes() {
    let server = NatsServer::start().await;
    let mut berth = with_workers(Berth::on_nats(&server).roles_in_processes()).start().await;
    let mut connector = None;
    for process in berth.processes() {
        if process.name().starts_with("connector") {
            connector = Some(format!("http://{}", process.listens().await));
        }
    }
    workers_are_shown_and_granted(berth, &connector.expect("a connector")).await;
}

fn with_workers(berth: Berth) -> Berth {
    berth
        .setting("BERTH_WORKERS", "baileys")
        .setting("BERTH_WORKER_TOKEN", TOKEN)
        .setting("BERTH_WORKER_ACCOUNTS", "acme")
}

/// A worker that was welcomed.
async fn worker(connector: &str, name: &str, capacity: u32) -> Worker {
    let url = format!("{}/workers/v1", connector.replace("http://", "ws://"));
    let mut request = url.into_client_request().expect("an address");
    request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().expect("a header"));
    let (mut worker, _) = connect_async(request).await.expect("a connection");
    let hello = json!({
        "kind": "hello", "contracts": [1], "worker": name, "process": format!("process-of-{name}"),
        "library": "baileys", "version": "7", "capacity": capacity,
    });
    worker.send(Message::text(hello.to_string())).await.expect("it is taken");
    let welcome = worker.next().await.expect("an answer").expect("a message");
    assert!(welcome.to_text().expect("a text").contains("welcome"), "{welcome}");
    worker
}

async fn workers_are_shown_and_granted(berth: Running, connector: &str) {
    let (account, root) = (berth.client(), berth.client().token(ROOT_KEY));
    account.get("/v1/workers").await.expect(403);
    assert_eq!(root.get("/v1/workers").await.expect(200), json!({"workers": [], "links": 0, "capacity": 0}));
    let second = worker(connector, "w2", 5).await;
    let _first = worker(connector, "w1", 7).await;
    let shown = root.get("/v1/workers").await.expect(200);
    assert_eq!((&shown["links"], &shown["capacity"]), (&json!(0), &json!(12)), "{shown}");
    let [one, two] = shown["workers"].as_array().expect("a list").as_slice() else { panic!("two: {shown}") };
    assert_eq!(
        [&one["name"], &one["library"], &one["version"], &one["capacity"], &one["epoch"], &two["name"]],
        [&json!("w1"), &json!("baileys"), &json!("7"), &json!(7), &Value::Null, &json!("w2")]
    );
    assert!(one["heard_at"].as_str() >= one["connected_at"].as_str(), "{one}");

    // One that goes is not shown any more.
    drop(second);
    eventually("it is gone", async || {
        let shown = root.get("/v1/workers").await.expect(200);
        if shown["capacity"] == 7 { Ok(()) } else { Err(shown) }
    })
    .await;

    // Only who was granted them has instances with workers.
    let wanted = json!({"name": "real", "link": {"worker": "baileys"}});
    account.post("/v1/instances", wanted.clone()).await.expect(400);
    let acme = root.post("/v1/accounts", json!({"name": "acme"})).await.expect(201);
    let acme = account.token(acme["token"].as_str().expect("a token"));
    let made = acme.post("/v1/instances", wanted).await.expect(201);
    assert_eq!(made["link"]["kind"], "worker");
    // It waits for a code, which this worker never shows.
    let connecting = acme.post("/v1/instances/real/connect", json!({}));
    let given = eventually("it is given to the worker", async || {
        let shown = root.get("/v1/workers").await.expect(200);
        let one = &shown["workers"][0];
        if one["links"] == 1 && one["epoch"].is_u64() { Ok(()) } else { Err(shown) }
    });
    tokio::select! {
        () = given => {}
        _ = async { connecting.await; std::future::pending::<()>().await } => {}
    }
}
