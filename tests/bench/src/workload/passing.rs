//! What is asked of the gate, and what is sent through it.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{Instance, Population};
use crate::{
    Outcome,
    bare::upstream::{KEY, MESSAGE, UPLOAD, Upstream},
    closed_loop::Operation,
    deployment::Deployment,
    http::{Ask, Connection},
    picks::Picks,
};

/// A message as clients send it.
const TEXT: &str = r#"{"number":"5511912345678","text":"Your order is on its way.","delay":0}"#;
/// Bytes of an upload that are written at once.
const PIECE_BYTES: usize = 64 * 1024;
/// How long all instances may take to be seen open at their upstream.
const OPEN_MAX: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(50);

/// Waits until all of them are open.
pub(crate) async fn until_open(deployment: &Deployment, population: &Population) -> Outcome<()> {
    let deadline = Instant::now() + OPEN_MAX;
    let mut connection = deployment.connections(1).pop().ok_or("there is no gateway")?;
    for instance in population.iter() {
        let path = format!("/v1/instances/{}", instance.id);
        loop {
            let shown = connection.ask(Ask::get(&path, &instance.token)).await?.json(200)?;
            if shown.get("connection").is_some_and(|connection| connection == "open") {
                break;
            }
            if Instant::now() > deadline {
                return Err("an instance is not seen open at its upstream".into());
            }
            sleep(PAUSE).await;
        }
    }
    Ok(())
}

// === the gate ===

/// Asks the gate about one instance after the other.
#[derive(Debug)]
pub(crate) struct Asks {
    connection: Connection,
    population: Population,
    picks: Picks,
}

impl Asks {
    /// One client for each of the picks.
    pub(crate) fn clients(deployment: &Deployment, population: &Population, picks: Vec<Picks>) -> Vec<Self> {
        let connections = deployment.connections(picks.len());
        let client = |(connection, picks)| Self { connection, population: population.clone(), picks };
        connections.into_iter().zip(picks).map(client).collect()
    }
}

impl Operation for Asks {
    async fn once(&mut self) -> Outcome<()> {
        let at = self.picks.next(self.population.len());
        let instance = self.population.get(at).ok_or("there is no instance")?;
        let path = format!("/v1/gate/{}", instance.id);
        self.connection.ask(Ask::get(&path, &instance.token)).await?.expect(200)?;
        Ok(())
    }
}

// === messages ===

/// Sends messages of one instance, to Berth or to the upstream itself.
#[derive(Debug)]
pub(crate) struct Sends {
    connection: Connection,
    path: String,
    key: String,
}

impl Sends {
    /// Through a gateway.
    pub(crate) fn passed(port: u16, instance: &Instance) -> Self {
        Self::to(port, instance, &instance.token)
    }

    /// To the upstream itself.
    pub(crate) fn direct(upstream: &Upstream, instance: &Instance) -> Self {
        Self::to(upstream.port, instance, KEY)
    }

    fn to(port: u16, instance: &Instance, key: &str) -> Self {
        let path = format!("/message/{MESSAGE}/{}", instance.name);
        Self { connection: Connection::to(port), path, key: key.to_owned() }
    }
}

impl Operation for Sends {
    async fn once(&mut self) -> Outcome<()> {
        self.connection.ask(Ask::post(&self.path, &self.key, TEXT).as_apikey()).await?.expect(201)?;
        Ok(())
    }
}

// === uploads ===

/// Sends so many uploads of so many bytes at once through a gateway, and gives how long it took.
pub(crate) async fn upload(
    port: u16,
    instance: &Instance,
    at_once: usize,
    bytes: usize,
) -> Outcome<Duration> {
    let began = Instant::now();
    let piece: Arc<[u8]> = vec![b'x'; PIECE_BYTES].into();
    let mut uploads = JoinSet::new();
    for _ in 0..at_once {
        uploads.spawn(one_upload(port, instance.clone(), bytes, Arc::clone(&piece)));
    }
    while let Some(upload) = uploads.join_next().await {
        upload??;
    }
    Ok(began.elapsed())
}

async fn one_upload(port: u16, instance: Instance, bytes: usize, piece: Arc<[u8]>) -> Outcome<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let Instance { name, token, .. } = instance;
    let head = format!(
        "POST /message/{UPLOAD}/{name} HTTP/1.1\r\nhost: 127.0.0.1\r\napikey: {token}\r\n\
         content-type: application/octet-stream\r\ncontent-length: {bytes}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut left = bytes;
    while left > 0 {
        let next = piece.get(..left.min(PIECE_BYTES)).unwrap_or_default();
        stream.write_all(next).await?;
        left -= next.len();
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    if answer.starts_with(b"HTTP/1.1 201 ") {
        return Ok(());
    }
    Err(format!("an upload was answered: {}", String::from_utf8_lossy(&answer)).into())
}
