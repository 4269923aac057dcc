//! A dispatcher that is stopped in the middle of its attempts, wherever each of them is, and goes on when another one has
//! told the end of the sessions: nothing older reaches an endpoint after that.

mod endpoint;

use std::{
    collections::hash_map::RandomState,
    env,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

use berth_journeys::{Berth, Client, ROOT_KEY, Running, eventually};
use berth_test_support::NatsServer;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use endpoint::{Endpoint, Point};

/// Instances that each point has an attempt of.
const OF_EACH_POINT: usize = 4;
/// Deployments at once, if a process is stopped that often.
const AT_ONCE: usize = 3;
/// How long after the first connection a process is stopped at the latest: by then every instance was linked.
const STOPPED_WITHIN_MILLIS: u64 = 1_500;
/// The end of a session.
const END: &str = "instance.logged_out";

/// How often a process is stopped: once, unless `BERTH_TEST_STOPS` says otherwise.
fn how_often() -> usize {
    env::var("BERTH_TEST_STOPS").map_or(1, |number| number.parse().expect("a number"))
}

/// A number below this one: no two runs are the same.
fn below(bound: u64) -> u64 {
    RandomState::new().build_hasher().finish() % bound
}

/// A deployment with two dispatchers, and what its instances tell.
struct Scene {
    berth: Running,
    endpoint: Endpoint,
    /// What the instances are called, and their paths.
    names: Vec<String>,
    _folder: tempfile::TempDir,
    _server: NatsServer,
}

/// Attempts of each process that are under way, as far as it says so.
async fn under_way(ops: &[Client]) -> Vec<usize> {
    join_all(ops.iter().map(async |client| {
        let Ok(answer) = client.try_send(Method::GET, "/metrics", None).await else { return 0 };
        let text = answer.text();
        let mut gauge =
            text.lines().filter_map(|line| line.strip_prefix("berth_webhook_in_flight{try=\"first\"}"));
        gauge.next().and_then(|count| count.trim().parse().ok()).unwrap_or_default()
    }))
    .await
}

/// Links an instance, however often its code expires meanwhile.
async fn link(client: &Client, name: &str) {
    let path = format!("/v1/instances/{name}");
    eventually("its connection is open", async || {
        let now = client.get(&path).await.expect(200);
        if now["connection"] == "open" {
            return Ok(());
        }
        if now["state"] != "linked" {
            client.post(&format!("{path}/connect"), json!({})).await;
            client.post(&format!("{path}/simulate"), json!({ "action": "scan" })).await;
        }
        Err(now)
    })
    .await;
}

// === impl Scene ===

impl Scene {
    async fn set() -> Self {
        let server = NatsServer::start().await;
        let (endpoint, authority) = Endpoint::start().await;
        let folder = tempfile::tempdir().expect("a folder");
        let trusted = folder.path().join("authority.pem");
        std::fs::write(&trusted, authority).expect("the certificate is written");
        let berth = Berth::on_nats(&server)
            .roles_in_processes()
            .one_more("webhooks")
            .setting("SSL_CERT_FILE", &trusted.display().to_string())
            .setting("BERTH_RATE_ACCOUNT_COMMANDS", "0")
            .time_scale(4)
            .start()
            .await;
        let (client, mut names) = (berth.client(), Vec::new());
        for point in Point::ALL.repeat(OF_EACH_POINT) {
            let name = format!("i{}", names.len());
            let events = ["instance.linked", "instance.open", END];
            let hook = json!({ "url": endpoint.url(point, &name), "events": events });
            let wanted = json!({ "name": name, "webhooks": [hook] });
            client.post("/v1/instances", wanted).await.expect(201);
            names.push(name);
        }
        Self { berth, endpoint, names, _folder: folder, _server: server }
    }

    /// Waits until both dispatchers deliver.
    async fn both_deliver(&self) {
        let operator = self.berth.client().token(ROOT_KEY);
        eventually("both dispatchers own their part", async || {
            let cluster = operator.get("/v1/cluster").await.expect(200);
            let owned = |member: &Value| {
                let partitions = cluster["partitions"].as_array().into_iter().flatten();
                partitions
                    .filter(|one| one["role"] == "webhooks" && one["owner"] == member["id"])
                    .filter(|one| one["is_alive"] == true)
                    .count()
            };
            let members = cluster["members"].as_array().into_iter().flatten();
            let parts: Vec<_> = members.filter(|member| member["role"] == "webhooks").map(owned).collect();
            if parts.len() == 2 && parts.iter().sum::<usize>() == 64 && !parts.contains(&0) {
                Ok(())
            } else {
                Err(parts)
            }
        })
        .await;
    }

    /// Stops a dispatcher that has attempts under way, some time after they began. Gives its place and how many they are.
    async fn stop_one(&mut self, came: usize) -> (usize, usize) {
        self.endpoint.until_more_came_than(came).await;
        sleep(Duration::from_millis(below(STOPPED_WITHIN_MILLIS))).await;
        let ops = self.berth.ops();
        let first = below(2) == 0;
        eventually("a dispatcher has attempts under way", async || {
            let counts = under_way(&ops).await;
            let busy: Vec<usize> = (0..counts.len()).filter(|at| counts[*at] > 0).collect();
            let one = if first { busy.first() } else { busy.last() };
            let Some(at) = one else { return Err(counts) };
            self.berth.processes().nth(*at).expect("it runs").signal("STOP");
            Ok((*at, counts[*at]))
        })
        .await
    }

    /// One of the dispatchers is stopped amid its attempts and goes on after the other one has told every end. Gives how many attempts
    /// were under way there.
    async fn play(&mut self) -> usize {
        self.both_deliver().await;
        self.endpoint.hold();
        let (client, names, came) = (self.berth.client(), self.names.clone(), self.endpoint.came());
        let links = join_all(names.iter().map(|name| link(&client, name)));
        let (_, (at, attempts)) = tokio::join!(links, self.stop_one(came));
        join_all(names.iter().map(async |name| {
            client.post(&format!("/v1/instances/{name}/logout"), json!({})).await.expect(200);
        }))
        .await;
        self.endpoint.let_go();
        self.endpoint.until_all_are_told(&names, END).await;

        let stopped = self.berth.processes().nth(at).expect("it runs");
        let losses = |said: &str| said.matches("the lease of this process is lost").count();
        let before = losses(&stopped.stderr());
        stopped.signal("CONT");
        eventually("it finds out that its lease was lost", async || {
            let said = stopped.stderr();
            if losses(&said) > before { Ok(()) } else { Err(said) }
        })
        .await;
        let ops = self.berth.ops();
        eventually("its attempts have come to an end", async || {
            let counts = under_way(&ops).await;
            if counts[at] == 0 { Ok(()) } else { Err(counts) }
        })
        .await;
        self.endpoint.until_none_is_open().await;
        for (path, words) in self.endpoint.told() {
            assert_eq!(words.last().map(String::as_str), Some(END), "{path}: {words:?}");
        }
        attempts
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispatcher_that_was_stopped_tells_nothing_older_than_the_end() {
    let stops = how_often();
    let deployments = stops.min(AT_ONCE);
    let played = join_all((0..deployments).map(async |which| {
        let mut scene = Scene::set().await;
        let mut attempts = 0;
        for stop in (which..stops).step_by(deployments) {
            attempts += scene.play().await;
            println!("stop {stop}: {attempts} attempts in this deployment so far");
        }
        assert!(scene.berth.stop().await.iter().all(|code| *code == Some(0)));
        attempts
    }))
    .await;
    println!("{stops} stops amid {} attempts", played.iter().sum::<usize>());
}
