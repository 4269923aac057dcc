//! A console as browsers have it open: pages under a session, a list that hears of changes and looks, and the changes.

use std::time::Duration;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use super::Instance;
use crate::{
    Outcome,
    closed_loop::Operation,
    deployment::{ACCOUNT_TOKEN, Deployment},
    http::{Ask, Connection},
    latency::Latencies,
};

/// The event that tells a list to look.
const WORD: &[u8] = b"event: changed";
/// What the list asks for then.
const ROWS: &str = "/console/rows";
/// How long a word may stay away while there are changes all the time.
const WORD_MAX: Duration = Duration::from_secs(10);

/// A session of the account.
pub(crate) type Session = String;

/// Signs in as a browser does.
pub(crate) async fn sign_in(deployment: &Deployment) -> Outcome<Session> {
    let body = format!("token={ACCOUNT_TOKEN}");
    let answer = connection(deployment)?.ask(Ask::post("/console/sign-in", "", &body).browsing("")).await?;
    let cookie = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    let cookie = cookie.and_then(|cookie| cookie.split(';').next());
    Ok(cookie.ok_or_else(|| format!("no session: {}", answer.head))?.to_owned())
}

fn connection(deployment: &Deployment) -> Outcome<Connection> {
    deployment.connections(1).pop().ok_or_else(|| "there is no gateway".into())
}

// === pages ===

/// Opens one page again and again.
#[derive(Debug)]
pub(crate) struct Pages {
    connection: Connection,
    session: Session,
    path: String,
}

impl Pages {
    pub(crate) fn client(deployment: &Deployment, session: &Session, path: &str) -> Outcome<Self> {
        let (session, path) = (session.clone(), path.to_owned());
        Ok(Self { connection: connection(deployment)?, session, path })
    }

    /// Opens it again and again for this long, as somebody who reads a little before the next time. Gives how long each took.
    pub(crate) async fn read(mut self, longest: Duration, pause: Duration) -> Outcome<Latencies> {
        let (started, mut latencies) = (Instant::now(), Latencies::new()?);
        while started.elapsed() < longest || latencies.count() == 0 {
            let asked = Instant::now();
            self.once().await?;
            latencies.record(asked.elapsed());
            sleep(pause).await;
        }
        Ok(latencies)
    }
}

impl Operation for Pages {
    async fn once(&mut self) -> Outcome<()> {
        let page =
            self.connection.ask(Ask::get(&self.path, "").browsing(&self.session)).await?.expect(200)?;
        if page.ends_with(b"</html>\n") || page.ends_with(b"</html>") {
            return Ok(());
        }
        Err(format!("{} is no whole page", self.path).into())
    }
}

// === changes ===

/// Changes its instances, one after the other: a commit with an event each, which a list shows.
#[derive(Debug)]
pub(crate) struct Changes {
    connection: Connection,
    /// Paths of endpoints, each with the token of its instance.
    endpoints: Vec<(String, String)>,
    next: usize,
}

impl Changes {
    /// Clients that divide the instances between them. Each instance has an endpoint.
    pub(crate) async fn clients(
        deployment: &Deployment,
        instances: &[Instance],
        clients: usize,
    ) -> Outcome<Vec<Self>> {
        let shares = instances.chunks(instances.len().div_ceil(clients).max(1));
        let client = |(mut connection, share): (Connection, &[Instance])| {
            let share = share.to_vec();
            async move {
                let mut endpoints = Vec::with_capacity(share.len());
                for Instance { id, token, .. } in share {
                    let path = format!("/v1/instances/{id}/webhooks");
                    let listed = connection.ask(Ask::get(&path, &token)).await?.json(200)?;
                    let endpoint = listed.pointer("/webhooks/0/id").and_then(Value::as_str);
                    endpoints.push((format!("{path}/{}", endpoint.ok_or("no endpoint")?), token));
                }
                Ok::<_, crate::Failure>(Self { connection, endpoints, next: 0 })
            }
        };
        let connections = deployment.connections(clients).into_iter();
        futures::future::try_join_all(connections.zip(shares).map(client)).await
    }
}

impl Operation for Changes {
    async fn once(&mut self) -> Outcome<()> {
        let (round, at) = (self.next / self.endpoints.len(), self.next % self.endpoints.len());
        self.next += 1;
        let (path, token) = self.endpoints.get(at).ok_or("there is no endpoint")?;
        let body = format!(r#"{{"label":"change {round}"}}"#);
        let ask = Ask { method: "PATCH", ..Ask::post(path, token, &body) };
        self.connection.ask(ask).await?.expect(200)?;
        Ok(())
    }
}

// === the list ===

/// What an open list saw.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Words that something has changed.
    pub(crate) words: u64,
    /// How long each look took that followed.
    pub(crate) looks: Latencies,
    /// From the answer to a change until the list shows it.
    pub(crate) shown: Latencies,
    pub(crate) took: Duration,
}

/// Keeps a list open for this long, and until it has shown a change at least once: an instance on it has another name again
/// and again.
pub(crate) async fn watch(
    deployment: &Deployment,
    session: &Session,
    instance: &Instance,
    longest: Duration,
) -> Outcome<Seen> {
    let port = *deployment.gateways().first().ok_or("there is no gateway")?;
    let mut words = Words::open(port, session).await?;
    let (mut looking, mut renaming) = (connection(deployment)?, connection(deployment)?);
    let started = Instant::now();
    let mut seen = Seen { words: 0, looks: Latencies::new()?, shown: Latencies::new()?, took: longest };
    let mut renamed = rename(&mut renaming, instance, 0).await?;
    while started.elapsed() < longest || seen.shown.count() == 0 {
        timeout(WORD_MAX, words.next()).await.map_err(|_| "the list heard nothing")??;
        seen.words += 1;
        let asked = Instant::now();
        let rows = looking.ask(Ask::get(ROWS, "").browsing(session)).await?.expect(200)?;
        seen.looks.record(asked.elapsed());
        let (name, at) = &renamed;
        if rows.windows(name.len()).any(|part| part == name.as_bytes()) {
            seen.shown.record(at.elapsed());
            renamed = rename(&mut renaming, instance, seen.words).await?;
        }
    }
    seen.took = started.elapsed();
    Ok(seen)
}

/// Gives the instance another name; gives the name and the moment of the answer.
async fn rename(connection: &mut Connection, instance: &Instance, number: u64) -> Outcome<(String, Instant)> {
    let name = format!("renamed-{number}-x");
    let (path, body) = (format!("/v1/instances/{}", instance.id), format!(r#"{{"name":"{name}"}}"#));
    let ask = Ask { method: "PATCH", ..Ask::post(&path, &instance.token, &body) };
    connection.ask(ask).await?.expect(200)?;
    Ok((name, Instant::now()))
}

/// What the list hears.
#[derive(Debug)]
struct Words {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Words {
    async fn open(port: u16, session: &Session) -> Outcome<Self> {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let ask = format!(
            "GET /console/changes HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\ncookie: {session}\r\n\r\n"
        );
        stream.write_all(ask.as_bytes()).await?;
        let mut words = Self { stream, heard: Vec::new() };
        words.read_past(b"\r\n\r\n").await.and_then(|head| {
            let head = String::from_utf8_lossy(&head).into_owned();
            if head.starts_with("HTTP/1.1 200") { Ok(words) } else { Err(head.into()) }
        })
    }

    /// The next word.
    async fn next(&mut self) -> Outcome<()> {
        self.read_past(WORD).await.map(drop)
    }

    /// Everything up to the end of these bytes.
    async fn read_past(&mut self, end: &[u8]) -> Outcome<Vec<u8>> {
        loop {
            if let Some(at) = self.heard.windows(end.len()).position(|part| part == end) {
                let rest = self.heard.split_off(at + end.len());
                return Ok(std::mem::replace(&mut self.heard, rest));
            }
            if self.stream.read_buf(&mut self.heard).await? == 0 {
                return Err("the stream of words ended".into());
            }
        }
    }
}
