//! The workers that are connected, who may have instances with them, and what becomes of their links when a connector is
//! suspended.

mod edge;

use std::{collections::BTreeSet, time::Duration};

use berth_journeys::{Berth, Client, ROOT_KEY, Running, eventually, steps};
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
    let connector = connectors(&mut berth).await.pop().expect("a connector");
    workers_are_shown_and_granted(berth, &connector).await;
}

/// Where each connector listens.
async fn connectors(berth: &mut Running) -> Vec<String> {
    let mut connectors = Vec::new();
    for process in berth.processes() {
        if process.name().starts_with("connector") {
            connectors.push(format!("http://{}", process.listens().await));
        }
    }
    connectors
}

fn with_workers(berth: Berth) -> Berth {
    berth
        .setting("BERTH_WORKERS", "baileys")
        .setting("BERTH_WORKER_TOKEN", TOKEN)
        .setting("BERTH_WORKER_ACCOUNTS", "acme")
}

/// A worker that was welcomed.
async fn worker(connector: &str, name: &str, capacity: u32) -> Worker {
    welcomed(connector, name, capacity).await.expect("a welcome")
}

/// A worker that was welcomed; none if it was not.
async fn welcomed(connector: &str, name: &str, capacity: u32) -> Option<Worker> {
    let url = format!("{}/workers/v1", connector.replace("http://", "ws://"));
    let mut request = url.into_client_request().expect("an address");
    request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().expect("a header"));
    let (mut worker, _) = connect_async(request).await.ok()?;
    let hello = json!({
        "kind": "hello", "contracts": [1], "worker": name, "process": format!("process-of-{name}"),
        "library": "baileys", "version": "7", "capacity": capacity,
    });
    worker.send(Message::text(hello.to_string())).await.ok()?;
    let welcome = worker.next().await?.ok()?;
    welcome.to_text().is_ok_and(|said| said.contains("welcome")).then_some(worker)
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

/// Devices of the edge.
const DEVICES: usize = 24;
/// For how long a connector is suspended: until another one has its links, and for as long as a session with a worker lasts that
/// hears nothing, and longer.
const SUSPENDED: [Duration; 2] = [Duration::ZERO, Duration::from_secs(31)];

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_was_suspended_lets_go_of_what_another_one_has_by_then() {
    let server = NatsServer::start().await;
    let two = Berth::on_nats(&server).roles_in_processes().one_more("connector");
    let mut berth = with_workers(two).setting("BERTH_DEVICE_DRIVER", "worker").start().await;
    let (client, edge) = (berth.client(), edge::Edge::of(&connectors(&mut berth).await));
    spread_over(&client, 2).await;
    let names: Vec<_> = (0..DEVICES).map(|number| format!("linked{number}")).collect();
    for name in &names {
        client.post("/v1/instances", json!({"name": name})).await.expect(201);
        client.post(&format!("/v1/instances/{name}/connect"), json!({})).await.expect(200);
        steps::until(&client, name, "its connection is open", |now| now["connection"] == "open").await;
    }
    each_is_kept_once(&edge).await;

    let suspended = berth.take_one("connector");
    for time in SUSPENDED {
        suspended.signal("STOP");
        let taken_over = eventually("the other one has every device", async || {
            if edge.kept().of(1) == DEVICES { Ok(()) } else { Err(edge.kept().devices.clone()) }
        });
        tokio::join!(taken_over, tokio::time::sleep(time));
        assert!(!edge.kept().is_spread(DEVICES), "who is suspended closes nothing");
        suspended.signal("CONT");
        spread_over(&client, 2).await;
        each_is_kept_once(&edge).await;
    }
    assert_eq!(edge.kept().faults, Vec::<String>::new());
    for name in &names {
        steps::until(&client, name, "its connection is open", |now| now["connection"] == "open").await;
        let said = steps::event_types(&client, name).await;
        let ended = ["ConnectEnded", "LinkPaused", "LoggedOut", "DeviceUnlinked"];
        assert!(said.iter().all(|kind| !ended.contains(&kind.as_str())), "{name}: {said:?}");
        let verified = client.get(&format!("/v1/instances/{name}/verify")).await.expect(200);
        assert_eq!(verified["ok"], true, "{verified}");
    }
}

/// Waits until so many connectors own all partitions.
async fn spread_over(client: &Client, connectors: usize) {
    let operator = client.token(ROOT_KEY);
    eventually(&format!("{connectors} connectors own the links"), async || {
        let shown = operator.get("/v1/cluster").await.expect(200);
        let partitions = shown["partitions"].as_array().expect("a list");
        let owned: Vec<_> = partitions
            .iter()
            .filter(|one| one["role"] == "connector" && one["is_alive"] == true)
            .map(|one| one["owner"].as_str().unwrap_or_default().to_owned())
            .collect();
        let owners: BTreeSet<_> = owned.iter().collect();
        if owned.len() == 64 && owners.len() == connectors { Ok(()) } else { Err(owned) }
    })
    .await;
}

/// Waits until each device is one connector's, and each connector has some.
async fn each_is_kept_once(edge: &edge::Edge) {
    eventually("each device is one connector's", async || {
        let kept = edge.kept();
        if kept.is_spread(DEVICES) { Ok(()) } else { Err(kept.devices.clone()) }
    })
    .await;
}
