//! Links, deliveries and public events are spread over replicas, move when one goes, and whoever was suspended does
//! nothing when it wakes up.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use berth_bus::{MemberId, member::preferred};

use berth_journeys::{
    Berth, Client, Process, ROOT_KEY, Received, Recorder, Reply, Running, eventually,
    steps::{self, event_types, events},
};
use berth_proto::Partition;
use berth_test_support::{NatsServer, heard_from_now};
use futures::{StreamExt, future::join_all};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Instances with a linked device.
const LINKED: usize = 24;
/// Instances that show codes.
const PAIRING: usize = 6;
/// Within which owned work moves.
const MOVES_MAX: Duration = Duration::from_secs(15);
/// For how long a process is suspended at least.
const SUSPENDED: Duration = Duration::from_secs(30);
/// The roles whose work is spread here.
const SPREAD: [&str; 3] = ["projections", "webhooks", "connector"];

fn linked() -> Vec<String> {
    (0..LINKED).map(|number| format!("linked{number}")).collect()
}

fn pairing() -> Vec<String> {
    (0..PAIRING).map(|number| format!("pairing{number}")).collect()
}

async fn two_of_each(server: &NatsServer) -> Running {
    let mut berth = Berth::on_nats(server).roles_in_processes().time_scale(10);
    for role in SPREAD {
        berth = berth.one_more(role);
    }
    berth.setting("BERTH_RATE_ACCOUNT_COMMANDS", "0").start().await
}

/// Whether each partition of a role is owned by the member that is to own it, of those who are there.
fn is_settled(cluster: &Value, role: &str, members: usize) -> bool {
    let list =
        |name: &str| cluster[name].as_array().expect("a list").iter().filter(|one| one["role"] == role);
    let ids: BTreeSet<MemberId> = list("members")
        .map(|member| member["id"].as_str().expect("an id").parse().expect("a name"))
        .collect();
    let is_right = |one: &Value| {
        let number = one["partition"].as_u64().and_then(|number| u8::try_from(number).ok());
        let partition = number.and_then(Partition::new).expect("a partition");
        one["is_alive"] == true && one["owner"].as_str() == preferred(partition, &ids).map(MemberId::as_str)
    };
    ids.len() == members && list("partitions").filter(|one| is_right(one)).count() == 64
}

/// Waits until that many members own the partitions of each role whose work is spread.
async fn settled(client: &Client, members: usize) {
    let operator = client.token(ROOT_KEY);
    eventually(&format!("{members} of each own all"), async || {
        let shown = operator.get("/v1/cluster").await.expect(200);
        if SPREAD.iter().all(|role| is_settled(&shown, role, members)) { Ok(()) } else { Err(shown) }
    })
    .await;
}

/// Instances with a device whose connection is open, and instances that show codes, with one endpoint each.
async fn work(client: &Client, receiver: &Recorder) {
    for name in linked().into_iter().chain(pairing()) {
        let hooks = json!([{ "url": receiver.url(&format!("/{name}")) }]);
        client.post("/v1/instances", json!({ "name": name, "webhooks": hooks })).await.expect(201);
    }
    join_all(linked().iter().map(|name| steps::link(client, name))).await;
}

async fn show_codes(client: &Client) {
    join_all(pairing().iter().map(async |name| {
        client.post(&format!("/v1/instances/{name}/connect"), json!({})).await.expect(200);
    }))
    .await;
}

async fn log_out(client: &Client, names: &[String]) {
    join_all(names.iter().map(async |name| {
        client.post(&format!("/v1/instances/{name}/logout"), json!({})).await.expect(200);
    }))
    .await;
}

/// A gauge of each process that runs a role and answers.
async fn gauge(berth: &Running, metric: &str) -> Vec<f64> {
    let mut values = Vec::new();
    for client in berth.ops() {
        let Ok(answer) = client.try_send(reqwest::Method::GET, "/metrics", None).await else { continue };
        let text = answer.text();
        values.extend(text.lines().filter_map(|line| line.strip_prefix(metric)?.trim().parse::<f64>().ok()));
    }
    values
}

async fn all_are_open(client: &Client) {
    join_all(
        linked().iter().map(|name| {
            steps::until(client, name, "its connection is open", |now| now["connection"] == "open")
        }),
    )
    .await;
}

fn told(all: &[Received], kind: &str) -> BTreeSet<String> {
    all.iter().filter(|one| one.body["type"] == kind).map(|one| one.path[1..].to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_links_of_a_killed_connector_are_resumed_by_the_other_which_has_its_own_all_the_time() {
    let server = NatsServer::start().await;
    let mut berth = two_of_each(&server).await;
    let (client, receiver) = (berth.client(), Recorder::start().await);
    settled(&client, 2).await;
    work(&client, &receiver).await;
    let running = gauge(&berth, "berth_connector_links").await;
    assert!(running.len() == 2 && running.iter().all(|links| *links >= 2.0), "{running:?}");
    let said = join_all(linked().iter().map(async |name| event_types(&client, name).await)).await;

    let mut killed = berth.take_one("connector");
    killed.kill9();
    let resumed = eventually("the other runs every link", async || {
        let running = gauge(&berth, "berth_connector_links").await;
        let all: f64 = running.iter().sum();
        if all.to_string() == LINKED.to_string() { Ok(()) } else { Err(running) }
    });
    tokio::time::timeout(MOVES_MAX, resumed).await.expect("in time");
    all_are_open(&client).await;
    // The person on the other side can end each session, whoever ran the link before.
    join_all(linked().iter().map(async |name| {
        let play = json!({ "action": "logout_from_phone" });
        eventually("the link can be played with", async || {
            let answer = client.post(&format!("/v1/instances/{name}/simulate"), play.clone()).await;
            if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
        })
        .await;
    }))
    .await;
    receiver.wait("every logout is told", |all| told(all, "instance.logged_out").len() == LINKED).await;
    for (name, before) in linked().iter().zip(said) {
        let now = event_types(&client, name).await;
        let news: Vec<_> = now.iter().skip(before.len()).filter(|kind| *kind != "ConnectionOpened").collect();
        assert!(now.starts_with(&before) && news.contains(&&"LoggedOut".to_owned()), "{name}: {now:?}");
        assert!(!news.contains(&&"ConnectionLost".to_owned()), "a resumed link was never lost: {now:?}");
    }
    assert!(berth.stop().await.iter().all(|code| *code == Some(0)));
}

/// Suspends a process of each role whose work is spread, as a frozen virtual machine is.
fn suspend(berth: &mut Running) -> Vec<Process> {
    SPREAD
        .map(|role| {
            let process = berth.take_one(role);
            process.signal("STOP");
            process
        })
        .into()
}

/// Hears every public event from now on.
async fn listen(server: &NatsServer) -> (Arc<Mutex<BTreeSet<String>>>, JoinSet<()>) {
    let client = async_nats::connect(server.url()).await.unwrap();
    let mut events = heard_from_now(&client, "berth.v1.events.>").await;
    let heard = Arc::<Mutex<BTreeSet<_>>>::default();
    let (ids, mut listening) = (Arc::clone(&heard), JoinSet::new());
    listening.spawn(async move {
        while let Some(message) = events.next().await {
            let event: Value = serde_json::from_slice(&message.payload).unwrap();
            ids.lock().unwrap().insert(event["id"].as_str().unwrap().to_owned());
        }
    });
    (heard, listening)
}

/// The ids of the public events of an instance.
async fn public_ids(client: &Client, name: &str) -> Vec<String> {
    let id = client.get(&format!("/v1/instances/{name}")).await.expect(200)["id"].clone();
    let id = id.as_str().expect("an id").to_owned();
    let mut seen = BTreeMap::<u64, usize>::new();
    let events = events(client, name).await;
    let ids = events.iter().map(|event| {
        let version = event["version"].as_u64().expect("a version");
        let index = seen.entry(version).or_default();
        *index += 1;
        format!("{id}-{version}-{}", *index - 1)
    });
    ids.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_that_were_suspended_report_settle_and_send_nothing_when_they_wake_up() {
    let server = NatsServer::start().await;
    let mut berth = two_of_each(&server).await;
    let (client, receiver) = (berth.client(), Recorder::start().await);
    settled(&client, 2).await;
    let (heard, _listening) = listen(&server).await;
    work(&client, &receiver).await;
    receiver.wait("every connection is told", |all| told(all, "instance.open").len() == LINKED).await;
    show_codes(&client).await;
    // Attempts are under way when the owners stop, and codes are about to rotate.
    receiver.always(Reply::status(200).after(Duration::from_secs(2)));
    receiver.clear();
    let half: Vec<_> = linked().into_iter().take(LINKED / 2).collect();
    log_out(&client, &half).await;
    receiver.wait("attempts are under way", |all| all.len() > 4).await;
    let suspended = suspend(&mut berth);
    let long_enough = tokio::time::Instant::now() + SUSPENDED;
    tokio::time::timeout(MOVES_MAX, settled(&client, 1)).await.expect("the others own all in time");
    let under_way: BTreeSet<String> = receiver.received().iter().map(webhook_id).collect();
    receiver.always(Reply::status(200));
    let rest: Vec<_> = linked().into_iter().skip(LINKED / 2).collect();
    log_out(&client, &rest).await;
    receiver.wait("every logout is told", |all| told(all, "instance.logged_out").len() == LINKED).await;
    all_have_ended(&client).await;

    tokio::time::sleep_until(long_enough).await;
    // They wake up with everything due at once: codes, attempts, answers that wait in their sockets.
    for process in &suspended {
        process.signal("CONT");
    }
    settled(&client, 2).await;
    join_all(linked().iter().map(async |name| {
        steps::link(&client, name).await;
        client.post(&format!("/v1/instances/{name}/logout"), json!({})).await.expect(200);
    }))
    .await;
    let logouts = |all: &[Received]| -> BTreeSet<String> {
        all.iter().filter(|one| one.body["type"] == "instance.logged_out").map(webhook_id).collect()
    };
    let all = receiver.wait("every logout is told again", |all| logouts(all).len() == 2 * LINKED).await;
    let mut times = BTreeMap::<String, usize>::new();
    for one in &all {
        *times.entry(webhook_id(one)).or_default() += 1;
    }
    // What was under way may be told once more, by the next owner. Nothing else is told twice.
    times.retain(|id, times| *times > if under_way.contains(id) { 2 } else { 1 });
    assert_eq!(times, BTreeMap::new());
    for name in pairing() {
        let types = event_types(&client, &name).await;
        let ended = types.iter().position(|kind| kind == "ConnectEnded").expect("the attempt is over");
        assert!(!types[ended..].contains(&"QrIssued".to_owned()), "{name}: {types:?}");
    }
    let mut wanted = BTreeSet::new();
    for name in linked().iter().chain(&pairing()) {
        wanted.extend(public_ids(&client, name).await);
    }
    eventually("every event was published", async || {
        let missing: Vec<_> = wanted.difference(&heard.lock().unwrap()).cloned().collect();
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    })
    .await;
    for name in linked().iter().chain(&pairing()) {
        let verified = client.get(&format!("/v1/instances/{name}/verify")).await.expect(200);
        assert_eq!(verified["ok"], true, "{verified}");
    }
    drop(suspended);
    berth.kill9();
}

fn webhook_id(one: &Received) -> String {
    one.headers["webhook-id"].to_str().expect("an id").to_owned()
}

/// Attempts of an owner that is gone are over.
async fn all_have_ended(client: &Client) {
    join_all(
        pairing()
            .iter()
            .map(|name| steps::until(client, name, "the attempt is over", |now| now["state"] == "created")),
    )
    .await;
}
