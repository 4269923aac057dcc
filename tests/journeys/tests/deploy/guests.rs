//! Programs of customers, under the users that `berth provision --account` prints: each has what is its account's, from
//! NATS itself, and nothing of Berth's own.

use std::{collections::BTreeMap, fs};

use async_nats::{
    Client, ConnectOptions,
    jetstream::{self, Context, consumer::PullConsumer},
};
use berth_journeys::{Process, ROOT_KEY, Running, eventually};
use futures::StreamExt;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Server, berth, deploy, password, wire::Wire};

/// A server whose configuration is in a folder of its own, so that it can be changed.
struct Reloaded {
    server: Server,
    folder: TempDir,
}

/// A customer: its account, and its token.
struct Guest {
    id: String,
    token: String,
}

impl Guest {
    async fn new(berth: &Running, name: &str) -> Self {
        let root = berth.client().token(ROOT_KEY);
        let made = root.post("/v1/accounts", json!({ "name": name })).await.expect(201);
        let text = |field: &str| made[field].as_str().unwrap().to_owned();
        Self { id: text("id"), token: text("token") }
    }

    fn variable(&self) -> String {
        format!("$BERTH_NATS_ACCOUNT_{}_PASSWORD", self.id.to_uppercase())
    }
}

impl Reloaded {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for file in ["single.conf", "permissions.conf"] {
            fs::copy(deploy().join("nats").join(file), folder.path().join(file)).unwrap();
        }
        let server = Server::start_with(&folder.path().join("single.conf"), &[], &[]);
        Self { server, folder }
    }

    /// Lets the programs of these accounts in, as docs/operation.md says.
    async fn let_in(&self, guests: &[&Guest]) {
        let accounts: Vec<_> = guests.iter().flat_map(|guest| ["--account", &guest.id]).collect();
        let printed = self.provision(&[&["--permissions"], accounts.as_slice()].concat()).await;
        let printed = guests.iter().fold(printed, |text, guest| {
            let (variable, password) = (guest.variable(), password(&guest.id));
            assert!(text.contains(&variable), "{text}");
            text.replace(&variable, &format!("\"{password}\""))
        });
        fs::write(self.folder.path().join("permissions.conf"), printed).unwrap();
        for _ in 0..2 {
            self.server.signal("HUP");
            for guest in guests {
                self.connect(guest).await;
            }
        }
        let url = self.server.url("operator");
        self.provision(&[&["--nats", url.as_str()], accounts.as_slice()].concat()).await;
    }

    async fn provision(&self, arguments: &[&str]) -> String {
        let arguments = [&["provision"], arguments].concat();
        let mut process = Process::start("provision", &arguments, &BTreeMap::new());
        let ended = process.ended().await;
        assert!(ended.success(), "{}", process.stderr());
        eventually("it has said everything", async || {
            let said = process.stdout();
            if said.is_empty() { Err(said) } else { Ok(said) }
        })
        .await
    }

    async fn connect(&self, guest: &Guest) -> Client {
        eventually("the customer is let in", async || {
            ConnectOptions::with_user_and_password(guest.id.clone(), password(&guest.id))
                .connect(format!("127.0.0.1:{}", self.server.port))
                .await
        })
        .await
    }

    async fn reader(&self, guest: &Guest) -> PullConsumer {
        let context: Context = jetstream::with_prefix(self.connect(guest).await, "JS.berth.API");
        eventually("the reader is there", async || {
            context.get_consumer_from_stream(format!("{}-1", guest.id), "BERTH_EVENTS").await
        })
        .await
    }
}

/// The types of the next events of a reader, which all are of its account.
async fn read(reader: &PullConsumer, guest: &Guest, count: usize) -> Vec<String> {
    let mut messages = reader.stream().messages().await.unwrap();
    let mut types = Vec::new();
    while types.len() < count {
        let message = messages.next().await.unwrap().unwrap();
        let event: Value = serde_json::from_slice(&message.payload).unwrap();
        assert_eq!(event["source"], format!("/v1/accounts/{}", guest.id));
        types.push(event["type"].as_str().unwrap().to_owned());
        message.double_ack().await.unwrap();
    }
    types
}

#[tokio::test]
async fn a_customer_reads_what_is_its_own_and_reaches_nothing_else() {
    let nats = Reloaded::start();
    nats.server.connect("operator").await;
    let mut berth = berth(&nats.server).start().await;
    let (acme, other) = (Guest::new(&berth, "acme").await, Guest::new(&berth, "other").await);
    nats.let_in(&[&acme, &other]).await;
    berth.ready().await;
    for guest in [&acme, &other] {
        let client = berth.client().token(&guest.token);
        client.post("/v1/instances", json!({ "name": "shop" })).await.expect(201);
        client.post("/v1/instances/shop/connect", json!({ "wait_ms": 0 })).await.expect(200);
    }
    for guest in [&acme, &other] {
        let types = read(&nats.reader(guest).await, guest, 2).await;
        assert_eq!(types, ["berth.instance.instance_created", "berth.instance.connect_requested"]);
    }

    let mut wire = Wire::connect(nats.server.port, &acme.id, &password(&acme.id)).await;
    let theirs = &other.id;
    for subject in [
        format!("JS.berth.API.CONSUMER.INFO.BERTH_EVENTS.{theirs}-1"),
        format!("JS.berth.API.CONSUMER.MSG.NEXT.BERTH_EVENTS.{theirs}-1"),
        format!("$JS.ACK.BERTH_EVENTS.{theirs}-1.1.1.1.1.1"),
        format!("JS.berth.API.CONSUMER.CREATE.BERTH_EVENTS.{}-1.berth.v1.events.{theirs}.x", acme.id),
        "JS.berth.API.STREAM.INFO.BERTH_EVENTS".to_owned(),
        "$JS.API.STREAM.INFO.BERTH_LOG_0".to_owned(),
        format!("berth.v1.events.{}.x", acme.id),
        "berth.v1.cmd.client.0.x".to_owned(),
        "berth.v1.log.instance.0.x".to_owned(),
        "$KV.berth_leases.member.gateway.x".to_owned(),
    ] {
        assert!(!wire.may_publish(&subject).await, "{subject}");
    }
    for filter in [
        format!("berth.v1.events.{theirs}.*"),
        "berth.v1.events.*.*".to_owned(),
        "berth.v1.tail.*".to_owned(),
        ">".to_owned(),
    ] {
        assert!(!wire.may_subscribe(&filter, "").await, "{filter}");
    }

    // What it may ask is not answered into a stream of Berth, whatever it names as the place for the answer.
    let forged = "berth.v1.log.instance.0.forged";
    for what in ["INFO", "MSG.NEXT"] {
        let subject = format!("JS.berth.API.CONSUMER.{what}.BERTH_EVENTS.{}-1", acme.id);
        wire.publish(&subject, forged, b"").await;
    }
    let client = berth.client().token(&acme.token);
    client.post("/v1/instances/shop/logout", json!({})).await.expect(200);
    nats.reader(&acme).await;
    let log = jetstream::new(nats.server.connect("operator").await).get_stream("BERTH_LOG_0").await.unwrap();
    assert!(log.get_last_raw_message_by_subject(forged).await.is_err(), "the answer became a commit");
    let logs = berth.logs().to_lowercase();
    assert!(!logs.contains("permissions violation"), "a role lacks a permission: {logs}");
    berth.kill9();
}

/// Asks for an instance at the door, until it is answered.
async fn asks(customer: &Client, guest: &Guest, instance: &str) {
    let subject = format!("berth.v1.api.{}.get.{instance}", guest.id);
    let answer =
        eventually("the door answers", async || customer.request(subject.clone(), bytes::Bytes::new()).await)
            .await;
    let status = answer.headers.as_ref().and_then(|headers| headers.get("Berth-Status"));
    assert_eq!(status.map(async_nats::HeaderValue::as_str), Some("200"), "{answer:?}");
}

#[tokio::test]
async fn a_customer_harms_nobody_but_the_door_and_that_for_a_moment() {
    let nats = Reloaded::start();
    nats.server.connect("operator").await;
    let mut berth = berth(&nats.server).start().await;
    let (acme, other) = (Guest::new(&berth, "acme").await, Guest::new(&berth, "other").await);
    nats.let_in(&[&acme, &other]).await;
    let theirs = berth.client().token(&other.token);
    theirs.post("/v1/instances", json!({ "name": "first" })).await.expect(201);
    let customer = nats.connect(&other).await;
    asks(&customer, &other, "first").await;

    let mut wire = Wire::connect(nats.server.port, &acme.id, &password(&acme.id)).await;
    let subject = format!("berth.v1.api.{}.get.first", acme.id);
    // A NATS server hands all of this on. The client of the gateway panics at the first and hangs up at the others.
    for (at, headers) in [
        b"NATS/1.0\r\nA: b\rc\r\n\r\n".as_slice(),
        b"NATS/1.0\r\nA: \xff\r\n\r\n",
        b"NATS/1.0\r\nno colon\r\n\r\n",
        b"NATS/1.0\r\nA b: c\r\n\r\n",
        b"NATS/1.0 99999\r\n\r\n",
    ]
    .into_iter()
    .enumerate()
    {
        wire.publish_headers(&subject, headers).await;
        let name = format!("after-{at}");
        theirs.post("/v1/instances", json!({ "name": &name })).await.expect(201);
        berth.ready().await;
        asks(&customer, &other, &name).await;
    }
    let said = wire.hangs_up_on(&subject, 65_537).await;
    assert!(said.to_lowercase().contains("maximum payload"), "{said}");
    let logs = berth.logs().to_lowercase();
    assert!(!logs.contains("permissions violation"), "a role lacks a permission: {logs}");
    assert!(!logs.contains("the connection to nats is lost"), "another connection was harmed: {logs}");
    assert!(berth.stop().await.iter().all(|code| *code == Some(0)));
}
