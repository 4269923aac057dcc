//! Workers that come in over NATS, on a real server.

#![expect(clippy::indexing_slicing, clippy::expect_used, reason = "a story that cannot go on has failed")]

use std::sync::Arc;

use berth_bus::{
    Bus, Requests,
    door::Door,
    nats::{NatsBus, NatsDoor, connect},
};
use berth_connector::drivers::worker::Workers;
use berth_proto::{event::EndReasonV1, event::Event, instance::UnlinkStatusV1};
use berth_runtime::{
    Lifecycle, SystemEntropy,
    config::{NatsSettings, NatsTls},
};
use berth_test_support::NatsServer;
use bytes::Bytes;
use futures::StreamExt;
use serde_json::{Value, json};

use crate::{
    worker::{Run, TOKEN, hello},
    world::{Connector, PATIENCE, World},
};

/// A connector that hears workers on a server.
struct Stage {
    server: NatsServer,
    world: World,
    connector: Connector,
    lifecycle: Lifecycle,
}

/// A worker's program.
struct Guest {
    bus: NatsBus,
    name: String,
    process: String,
    told: Requests,
    /// The session that it was welcomed to.
    session: String,
}

impl Stage {
    async fn new() -> Self {
        let server = NatsServer::start().await;
        let (world, lifecycle) = (World::on_nats(&server).await, Lifecycle::new());
        let libraries = vec!["baileys".to_owned()];
        let driver = Arc::new(Workers::new(libraries, TOKEN.to_owned().into(), world.clock.clone()));
        let settings = NatsSettings {
            url: server.url(),
            creds: None,
            tls: NatsTls::default(),
            replicas: 1,
            member: None,
        };
        let door = Arc::new(NatsDoor::new(settings, "connector".to_owned(), &lifecycle)) as Arc<dyn Door>;
        let client = connect(&server.url(), None, "connector").await.unwrap();
        let bus = Arc::new(NatsBus::new(client, &lifecycle));
        driver.hear(&door, bus, &SystemEntropy, &lifecycle);
        let connector = world.connector_driven_by(driver).await;
        Self { server, world, connector, lifecycle }
    }

    async fn bus(&self, name: &str) -> NatsBus {
        let client = connect(&self.server.url(), None, name).await.unwrap();
        NatsBus::new(client, &self.lifecycle)
    }

    /// A process that has not said hello.
    async fn process(&self, name: &str, process: &str) -> Guest {
        let bus = self.bus(process).await;
        let told = bus.serve(&format!("berth.v1.worker.{name}.told.{process}.*.*"), "worker").await.unwrap();
        Guest { bus, name: name.to_owned(), process: process.to_owned(), told, session: String::new() }
    }

    /// One that was welcomed.
    async fn worker(&self, name: &str, process: &str) -> Guest {
        let mut guest = self.process(name, process).await;
        // The connector may not hear yet.
        self.world.until("hello is heard", async || guest.greet().await.is_some()).await;
        assert_eq!(guest.told("welcome").await["contract"], 1);
        guest
    }

    async fn end(self) {
        self.connector.lifecycle.shut_down().await;
        self.lifecycle.shut_down().await;
    }
}

impl Guest {
    /// Says something on a subject of a worker; what was answered, if anybody answered.
    async fn ask(&self, subject: &str, said: &Value) -> Option<String> {
        let subject = format!("berth.v1.worker.{subject}");
        let answer = self.bus.request(&subject, Bytes::from(said.to_string()), PATIENCE).await.ok()?;
        Some(String::from_utf8(answer.to_vec()).unwrap())
    }

    async fn greet(&self) -> Option<String> {
        self.ask(&format!("{}.hello", self.name), &hello(&self.name, &self.process, 5)).await
    }

    async fn say(&self, said: &Value) -> Option<String> {
        self.ask(&format!("{}.said.{}", self.name, self.session), said).await
    }

    /// The next message but heartbeats, which is of this kind; taken.
    async fn told(&mut self, kind: &str) -> Value {
        loop {
            let told = tokio::time::timeout(PATIENCE, self.told.next()).await.expect("nothing is heard");
            let told = told.expect("the connection is there");
            told.reply.send(Bytes::new());
            let said: Value = serde_json::from_slice(&told.payload).unwrap();
            if said["kind"] == "heartbeat" {
                continue;
            }
            assert_eq!(said["kind"], kind, "{said}");
            let tokens: Vec<_> = told.subject.split('.').collect();
            self.session = tokens[tokens.len() - 2..].join(".");
            return said;
        }
    }

    /// Reports on a run; gives what to do next.
    async fn reports(&mut self, run: &Run, report: Value) -> String {
        assert_eq!(self.say(&run.report(report)).await.as_deref(), Some(""));
        self.told("answer").await["next"].as_str().unwrap().to_owned()
    }
}

fn linked() -> Value {
    json!({ "report": "linked", "device": { "jid": "5511987654321:7@s.whatsapp.net" } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_on_nats_links_a_device_and_unlinks_it_after_a_logout() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let mut worker = stage.worker("w1", "p1").await;
    let id = world.instance().await;
    world.connect(id).await;
    let run = Run::of(&worker.told("run").await);
    let qr = json!({ "report": "qr", "text": "2@ref,one", "valid_ms": 60_000 });
    assert_eq!(worker.reports(&run, qr).await, "continue");
    assert_eq!(world.code(id, "qr", 1).await.as_deref(), Some("2@ref,one"));
    assert_eq!(worker.reports(&run, linked()).await, "continue");
    assert_eq!(worker.reports(&run, json!({ "report": "open" })).await, "continue");
    world.until_open(id).await;
    // A hello that is said again opens nothing new, and the session goes on.
    assert_eq!(worker.greet().await.as_deref(), Some(""));
    world.logout(id).await;
    assert_eq!(Run::of(&worker.told("stop").await).place, run.place);
    let unlink = Run::of(&worker.told("unlink").await);
    assert_eq!(worker.reports(&unlink, json!({ "report": "unlinked" })).await, "wipe");
    world.until_unlink(id, UnlinkStatusV1::Confirmed).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_gone_is_noticed_and_another_process_has_its_place() {
    let stage = Stage::new().await;
    let world = &stage.world;
    let mut former = stage.worker("w1", "p1").await;
    let id = world.instance().await;
    world.connect(id).await;
    let run = Run::of(&former.told("run").await);
    let qr = json!({ "report": "qr", "text": "2@ref,one", "valid_ms": 60_000 });
    assert_eq!(former.reports(&run, qr).await, "continue");
    // While it is there, nobody else has its name.
    let mut other = stage.process("w1", "p2").await;
    assert_eq!(other.greet().await.as_deref(), Some(""));
    assert_eq!(other.told("refused").await["code"], "name_taken");
    drop(former);
    world
        .until("the attempt has ended", async || {
            let ends = |event: &Event| matches!(event, Event::ConnectEnded(end) if end.reason == EndReasonV1::OwnerLost);
            world.history(id).await.iter().any(ends)
        })
        .await;
    world
        .until("it is welcomed", async || {
            other.greet().await;
            let told = tokio::time::timeout(std::time::Duration::from_millis(500), other.told.next()).await;
            let Ok(Some(told)) = told else { return false };
            told.reply.send(Bytes::new());
            String::from_utf8_lossy(&told.payload).contains("welcome")
        })
        .await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_as_another_in_a_session_that_is_over_or_nonsense_is_refused() {
    let stage = Stage::new().await;
    let mut worker = stage.worker("w1", "p1").await;
    let stranger = stage.worker("w2", "p2").await;
    let refused = |answer: Option<String>| {
        let answer: Value = serde_json::from_str(&answer.unwrap()).unwrap();
        (answer["kind"].as_str().unwrap().to_owned(), answer["code"].as_str().unwrap().to_owned())
    };
    let expected = |code: &str| ("refused".to_owned(), code.to_owned());
    let as_another = stranger.ask("w2.hello", &hello("w1", "p2", 5)).await;
    assert_eq!(refused(as_another), expected("invalid_message"));
    assert_eq!(
        refused(stranger.ask("w2.hello", &json!({ "kind": "dance" })).await),
        expected("invalid_message")
    );
    let heartbeat = json!({ "kind": "heartbeat" });
    let in_its_session = stranger.ask(&format!("w2.said.{}", worker.session), &heartbeat).await;
    assert_eq!(refused(in_its_session), expected("silent"));
    let (connector, _) = worker.session.split_once('.').unwrap();
    assert_eq!(
        refused(worker.ask(&format!("w1.said.{connector}.999"), &heartbeat).await),
        expected("silent")
    );
    assert_eq!(worker.ask("w1.said.nobody.1", &heartbeat).await, None, "no connector has it");
    // Its own session was harmed by none of that, but is by this.
    assert_eq!(worker.say(&heartbeat).await.as_deref(), Some(""));
    assert_eq!(
        worker.say(&json!({ "kind": "report", "text": "x".repeat(20 * 1024) })).await.as_deref(),
        Some("")
    );
    assert_eq!(worker.told("refused").await["code"], "invalid_message");
    stage
        .world
        .until("the session is over", async || worker.say(&heartbeat).await.as_deref() != Some(""))
        .await;
    stage.end().await;
}
