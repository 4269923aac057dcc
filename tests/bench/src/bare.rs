//! The bare parts: what an answer of Berth cannot be faster than.

use std::sync::Arc;

use async_nats::{Client, HeaderMap, Request, header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE};
use axum::{Router, routing::post};
use berth_log::{
    EventLog, Expected, NewCommit,
    embedded::EmbeddedLog,
    jetstream::{JetStreamLog, JetStreamOptions},
};
use berth_proto::StreamKey;
use berth_runtime::{SystemClock, SystemEntropy, entropy::new_instance_id};
use berth_test_support::NatsServer;
use bytes::Bytes;
use futures::StreamExt;
use tempfile::TempDir;
use tokio::{net::TcpListener, time::sleep};

use crate::{
    Outcome,
    load::Operation,
    options::Engine,
    process::{self, Process},
};

/// Streams of the log, as Berth has them by default.
const SHARDS: u8 = 4;
const ECHO_SUBJECT: &str = "bench.echo";
/// Bytes of a request over core NATS: about those of an encoded command.
const REQUEST_BYTES: usize = 256;
/// Bytes of a commit before its size is known.
const PAYLOAD_BYTES: usize = 1024;

/// Serves `POST /empty`, which does nothing.
pub(crate) async fn empty_handler(port: u16) -> Outcome<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let router = Router::new().route("/empty", post(|| async {}).get(|| async {}));
    Ok(axum::serve(listener, router).await?)
}

/// Answers requests with what they say.
pub(crate) async fn echo(url: &str) -> Outcome<()> {
    let client = async_nats::connect(url).await?;
    let mut requests = client.subscribe(ECHO_SUBJECT).await?;
    while let Some(request) = requests.next().await {
        if let Some(reply) = request.reply {
            client.publish(reply, request.payload).await?;
        }
    }
    Ok(())
}

/// A NATS server that only the bare parts use, with the streams that Berth makes, and an echo.
#[derive(Debug)]
pub(crate) struct BareNats {
    client: Client,
    publishers: Vec<Publisher>,
    /// Dropped before the server.
    _echo: Process,
    _server: NatsServer,
}

/// Asks the echo.
#[derive(Debug)]
pub(crate) struct RoundTrip {
    client: Client,
    payload: Bytes,
}

/// Publishes commits that each name the last one of their subject.
#[derive(Debug)]
pub(crate) struct Publisher {
    client: Client,
    payload: Bytes,
    /// Each subject with the sequence of its last message, 0 for none.
    subjects: Vec<(String, u64)>,
    next: usize,
}

/// An embedded log that only the bare appends use.
#[derive(Debug)]
pub(crate) struct BareLog {
    appenders: Vec<Appender>,
    _folder: TempDir,
}

/// Appends commits, each after the last one of its stream.
#[derive(Debug)]
pub(crate) struct Appender {
    log: Arc<EmbeddedLog>,
    payload: Bytes,
    streams: Vec<(StreamKey, Expected)>,
    next: usize,
}

impl BareNats {
    pub(crate) async fn start(engine: Engine, instances: u32, clients: usize) -> Outcome<Self> {
        let server = match engine {
            Engine::NatsAlways => NatsServer::start_sync_always().await,
            Engine::Nats | Engine::Embedded => NatsServer::start().await,
        };
        let client = async_nats::connect(server.url()).await?;
        JetStreamLog::open(client.clone(), JetStreamOptions { shards: SHARDS, replicas: 1 }).await?;
        let echo = process::own(&["echo", &server.url()])?;
        while client.request(ECHO_SUBJECT, Bytes::new()).await.is_err() {
            sleep(std::time::Duration::from_millis(10)).await;
        }
        let publishers = divide(instances, clients)
            .map(|streams| Publisher {
                client: client.clone(),
                payload: payload(PAYLOAD_BYTES),
                subjects: streams.into_iter().map(|stream| (stream.subject(), 0)).collect(),
                next: 0,
            })
            .collect();
        Ok(Self { client, publishers, _echo: echo, _server: server })
    }

    pub(crate) fn round_trips(&self, clients: usize) -> Vec<RoundTrip> {
        let payload = payload(REQUEST_BYTES);
        (0..clients).map(|_| RoundTrip { client: self.client.clone(), payload: payload.clone() }).collect()
    }

    /// Lends publishers of commits of this size.
    pub(crate) fn take(&mut self, clients: usize, bytes: usize) -> Vec<Publisher> {
        let mut taken: Vec<_> = self.publishers.drain(..clients.min(self.publishers.len())).collect();
        for publisher in &mut taken {
            publisher.payload = payload(bytes);
        }
        taken
    }

    pub(crate) fn give_back(&mut self, publishers: Vec<Publisher>) {
        self.publishers.extend(publishers);
    }
}

impl BareLog {
    pub(crate) fn open(instances: u32, clients: usize) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let log = Arc::new(EmbeddedLog::open(folder.path(), SHARDS, &SystemEntropy)?);
        let appenders = divide(instances, clients)
            .map(|streams| Appender {
                log: Arc::clone(&log),
                payload: payload(PAYLOAD_BYTES),
                streams: streams.into_iter().map(|stream| (stream, Expected::Empty)).collect(),
                next: 0,
            })
            .collect();
        Ok(Self { appenders, _folder: folder })
    }

    /// Lends appenders of commits of this size.
    pub(crate) fn take(&mut self, clients: usize, bytes: usize) -> Vec<Appender> {
        let mut taken: Vec<_> = self.appenders.drain(..clients.min(self.appenders.len())).collect();
        for appender in &mut taken {
            appender.payload = payload(bytes);
        }
        taken
    }

    pub(crate) fn give_back(&mut self, appenders: Vec<Appender>) {
        self.appenders.extend(appenders);
    }
}

impl Operation for RoundTrip {
    async fn once(&mut self) -> Outcome<()> {
        self.client.request(ECHO_SUBJECT, self.payload.clone()).await?;
        Ok(())
    }
}

impl Operation for Publisher {
    async fn once(&mut self) -> Outcome<()> {
        let at = self.next % self.subjects.len();
        self.next = at + 1;
        let (subject, last) = self.subjects.get_mut(at).ok_or("there is no subject")?;
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, last.to_string());
        let request = Request::new().headers(headers).payload(self.payload.clone());
        let answer = self.client.send_request(subject.clone(), request).await?;
        let answer: serde_json::Value = serde_json::from_slice(&answer.payload)?;
        *last = answer.get("seq").and_then(serde_json::Value::as_u64).ok_or("a publish was refused")?;
        Ok(())
    }
}

impl Operation for Appender {
    async fn once(&mut self) -> Outcome<()> {
        let at = self.next % self.streams.len();
        self.next = at + 1;
        let (stream, expected) = self.streams.get_mut(at).ok_or("there is no stream")?;
        let (version, payload) = (expected.next_version(), self.payload.clone());
        let commit = NewCommit { stream: *stream, version, command_id: None, traceparent: None, payload };
        *expected = Expected::After(self.log.append(commit, *expected).await?.tail);
        Ok(())
    }
}

/// So many new instances, divided between the clients.
fn divide(instances: u32, clients: usize) -> impl Iterator<Item = Vec<StreamKey>> {
    let each = usize::try_from(instances).unwrap_or(usize::MAX) / clients;
    let id = || StreamKey::instance(new_instance_id(&SystemClock, &SystemEntropy));
    (0..clients).map(move |_| (0..each.max(1)).map(|_| id()).collect())
}

/// Bytes that do not compress, as sealed ones do not.
fn payload(bytes: usize) -> Bytes {
    use berth_runtime::Entropy;
    let mut payload = vec![0; bytes];
    SystemEntropy.fill(&mut payload);
    payload.into()
}
