//! A lean HTTP/1.1 client: one connection, one request at a time, no more parsing than an answer needs. The
//! same one asks Berth and the empty handler, so that its own cost is in both.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Outcome, load::Operation};

/// Bytes that an answer may have.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Makes every `Idempotency-Key` of a run another one.
static NEXT_KEY: AtomicU64 = AtomicU64::new(1);

/// A connection that is kept alive.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// What a request is sent to, and with which token.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) path: String,
    pub(crate) token: String,
}

/// Sends a keyed command to one target after the other, each time under a new key.
#[derive(Debug)]
pub(crate) struct Commands {
    connection: Connection,
    targets: Arc<[Target]>,
    /// The next target; every so many of them belong to this client, so that clients do not meet.
    next: usize,
    step: usize,
}

/// Reads one target again and again.
#[derive(Debug)]
pub(crate) struct Reads {
    connection: Connection,
    target: Target,
}

impl Connection {
    pub(crate) async fn open(port: u16) -> Outcome<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(8 * 1024) })
    }

    /// Sends a request and reads its whole answer.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        target: &Target,
        headers: &str,
        body: &str,
    ) -> Outcome<Answer> {
        let Target { path, token } = target;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        self.stream.write_all(request.as_bytes()).await?;
        self.received.clear();
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err("the connection ended before an answer".into());
            }
            if let Some(answer) = parse(&self.received)? {
                return Ok(answer);
            }
            if self.received.len() > ANSWER_BYTES_MAX {
                return Err("an answer is too large".into());
            }
        }
    }
}

/// The answer, if all of it is there.
fn parse(received: &[u8]) -> Outcome<Option<Answer>> {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let (head, rest) = received.split_at(end + 4);
    let head = std::str::from_utf8(head)?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().parse()?;
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(Ok(0), |(_, value)| value.trim().parse::<usize>())?;
    Ok(rest.get(..length).map(|body| Answer { status, body: body.to_vec() }))
}

impl Answer {
    /// The body of an answer with this status.
    pub(crate) fn expect(self, status: u16) -> Outcome<Vec<u8>> {
        if self.status == status {
            return Ok(self.body);
        }
        Err(format!("{status} was expected: {} {}", self.status, String::from_utf8_lossy(&self.body)).into())
    }
}

impl Commands {
    /// `count` clients that share the targets between them; all on the only target if there is one.
    pub(crate) async fn clients(port: u16, targets: &Arc<[Target]>, count: usize) -> Outcome<Vec<Self>> {
        let mut clients = Vec::with_capacity(count);
        for first in 0..count {
            let connection = Connection::open(port).await?;
            clients.push(Self { connection, targets: Arc::clone(targets), next: first, step: count });
        }
        Ok(clients)
    }
}

impl Operation for Commands {
    async fn once(&mut self) -> Outcome<()> {
        let target = self.targets.get(self.next % self.targets.len()).ok_or("there is no target")?;
        // Where the end is passed, each client starts again with its own first one.
        let next = self.next + self.step;
        self.next = if next < self.targets.len() { next } else { self.next % self.step };
        let key = NEXT_KEY.fetch_add(1, Ordering::Relaxed);
        let header = format!("idempotency-key: bench-{key:016}\r\n");
        self.connection.ask("POST", target, &header, "{}").await?.expect(200)?;
        Ok(())
    }
}

impl Reads {
    pub(crate) async fn open(port: u16, target: Target) -> Outcome<Self> {
        Ok(Self { connection: Connection::open(port).await?, target })
    }
}

impl Operation for Reads {
    async fn once(&mut self) -> Outcome<()> {
        self.connection.ask("GET", &self.target, "", "").await?.expect(200)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_when_all_of_it_is_there() {
        let whole = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nx: y\r\n\r\nok";
        for end in 0..whole.len() {
            assert!(parse(&whole[..end]).unwrap().is_none());
        }
        let answer = parse(whole).unwrap().unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (201, b"ok".as_slice()));
        assert_eq!(answer.expect(201).unwrap(), b"ok");
    }

    #[tokio::test]
    async fn clients_share_the_targets_without_meeting() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let targets: Arc<[Target]> =
            (0..10).map(|at| Target { path: format!("/{at}"), token: String::new() }).collect();
        let clients = Commands::clients(port, &targets, 4).await.unwrap();
        let firsts: Vec<_> = clients.iter().map(|client| (client.next, client.step)).collect();
        assert_eq!(firsts, [(0, 4), (1, 4), (2, 4), (3, 4)]);
    }
}
