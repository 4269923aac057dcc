//! A store without room: commands are refused with a reason, nothing that was answered is lost, and all goes on when
//! there is room again.

use berth_journeys::{Answer, Berth, Client, FILE_BLOCKS, Running, eventually, steps::link};
use berth_test_support::NatsServer;
use serde_json::{Value, json};

/// Room for the first steps and some hundred large instances.
const ROOM_BYTES: u64 = 8 * 1024 * 1024;
/// Instances after which a story gives up filling the store: they would need several times its room.
const INSTANCES_MAX: usize = 1_000;
/// Room of each file of the embedded engine, in blocks of half a KiB or of a whole one. The first start makes a
/// journal with room in advance, so the bound comes with the second one.
const ROOM_BLOCKS: &str = "24000";
/// Refusals of which is counted how often they were tried.
const REFUSALS: u64 = 4;
/// Logouts after which a story gives up filling what is left of the store.
const LOGOUTS_MAX: usize = 10_000;
/// The metric of logouts that were not decided.
const UNDECIDED: &str = r#"berth_aggregate_commands_total{command="Logout",outcome="unavailable"}"#;

/// Creates large instances until one is refused; gives the names of those that were answered and the refusal.
async fn fill(client: &Client) -> (Vec<String>, Answer) {
    let padding = "x".repeat(40_000);
    let mut made = Vec::new();
    for serial in 0..INSTANCES_MAX {
        let name = format!("large-{serial}");
        let body = json!({"name": name, "settings": {"padding": padding}});
        let answer = client.post("/v1/instances", body).await;
        if answer.status != 201 {
            return (made, answer);
        }
        made.push(name);
    }
    panic!("the store took {INSTANCES_MAX} large instances");
}

/// Sends commands that are stored although they change nothing, until so many of them were refused.
async fn refusals(client: &Client, instance: &str) {
    let mut refused = 0;
    for serial in 0..LOGOUTS_MAX {
        let logout = format!("/v1/instances/{instance}/logout");
        let answer = client.keyed(&serial.to_string()).post(&logout, json!({})).await;
        if answer.status != 200 {
            answer.expect(503);
            refused += 1;
        }
        if refused == REFUSALS {
            return;
        }
    }
    panic!("the store took {LOGOUTS_MAX} logouts");
}

/// Logouts that were not decided so far, each try counted.
async fn undecided(client: &Client) -> u64 {
    let metrics = client.get("/metrics").await.text();
    let line = metrics.lines().find_map(|line| line.strip_prefix(UNDECIDED));
    line.map_or(0, |count| count.trim().parse().expect("a number"))
}

/// A deployment whose store fills up, and what was answered before.
struct Full {
    berth: Running,
    made: Vec<String>,
}

impl Full {
    /// Fills the store of a deployment, and sees that it refuses what it has no room for and goes on with the rest.
    async fn of(berth: Running) -> Self {
        let client = berth.client();
        client.post("/v1/instances", json!({"name": "shop"})).await.expect(201);
        link(&client, "shop").await;

        let (made, refused) = fill(&client).await;
        assert!(!made.is_empty(), "there was room for some");
        let problem = refused.expect(503);
        assert_eq!(problem["code"], "unavailable", "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
        // Nobody tries again and again, and lets the client wait, for what does not pass by itself.
        let before = undecided(&client).await;
        refusals(&client, &made[0]).await;
        assert_eq!(undecided(&client).await, before + REFUSALS);
        let metrics = client.get("/metrics").await.text();
        let full = metrics.lines().find(|line| line.starts_with("berth_log_appends_total{outcome=\"full\"}"));
        assert!(full.is_some(), "the operator sees what is wrong: {metrics}");
        // What is there is still read.
        client.get("/v1/instances/shop").await.expect(200);
        Self { berth, made }
    }

    /// Sees that everything goes on after there is room again.
    async fn has_room_again(self) {
        let client = self.berth.client();
        let out = eventually("a logout is taken again", async || {
            let answer = client.post("/v1/instances/shop/logout", json!({})).await;
            if answer.status == 200 { Ok(answer.body) } else { Err(answer.body) }
        })
        .await;
        assert_eq!(out["state"], "logged_out");
        for name in &self.made {
            let there = client.get(&format!("/v1/instances/{name}")).await.expect(200);
            assert_eq!(there["state"], Value::from("created"));
        }
        let verified = client.get("/v1/instances/shop/verify").await.expect(200);
        assert_eq!(verified["ok"], true);
    }
}

#[tokio::test]
async fn a_full_store_on_nats_refuses_and_loses_nothing() {
    let mut server = NatsServer::start_with_room(ROOM_BYTES).await;
    let full = Full::of(Berth::on_nats(&server).start().await).await;
    server.restart_with_room().await;
    full.has_room_again().await;
}

#[tokio::test]
async fn a_full_embedded_store_refuses_and_loses_nothing() {
    let mut berth = Berth::embedded().start().await;
    berth.stop().await;
    berth.set(FILE_BLOCKS, ROOM_BLOCKS);
    berth.restart().await;
    let mut full = Full::of(berth).await;
    full.berth.stop().await;
    full.berth.set(FILE_BLOCKS, "");
    full.berth.restart().await;
    full.has_room_again().await;
}
