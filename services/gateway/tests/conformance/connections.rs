//! Connections that carry one request after the other, as most clients keep them.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::world::{ACCOUNT, World};

/// A connection that a client keeps.
struct Connection(TcpStream);

/// What came back: the status line and the head, in lower case.
struct Got(String);

impl Got {
    fn status(&self) -> &str {
        self.0.split_ascii_whitespace().nth(1).unwrap()
    }

    fn ends_the_connection(&self) -> bool {
        self.0.contains("\r\nconnection: close")
    }
}

impl Connection {
    async fn open(world: &World) -> Self {
        let url = world.socket("");
        let stream = TcpStream::connect(url.strip_prefix("ws://").unwrap()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Sends the head of a request with a body of `length` bytes.
    async fn head(&mut self, line: &str, key: &str, length: usize) {
        self.send(&format!(
            "{line} HTTP/1.1\r\nhost: berth\r\napikey: {key}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n"
        ))
        .await;
    }

    /// The next answer; none if the connection ended.
    async fn answer(&mut self) -> Option<Got> {
        let mut came = Vec::new();
        let head = loop {
            if let Some(end) = came.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break String::from_utf8(came.drain(..end + 4).collect()).unwrap().to_ascii_lowercase();
            }
            if self.0.read_buf(&mut came).await.unwrap_or_default() == 0 {
                return None;
            }
        };
        let length =
            head.split_once("content-length: ").map_or("0", |(_, rest)| rest.lines().next().unwrap());
        let length: usize = length.parse().unwrap();
        let mut body = vec![0; length - came.len()];
        self.0.read_exact(&mut body).await.unwrap();
        Some(Got(head))
    }
}

#[tokio::test]
async fn a_body_that_no_route_reads_does_not_end_the_connection() {
    let world = World::start().await;
    world.instance("shop").await;
    let requests = [
        // Bodies that nobody wants.
        ("GET /instance/connectionState/shop", ACCOUNT, "200"),
        ("DELETE /instance/logout/shop", ACCOUNT, "400"),
        ("GET /nothing", ACCOUNT, "404"),
        // Bodies that are not read for want of a key or of a route.
        ("POST /instance/create", "wrong", "401"),
        ("POST /v1/instances", "wrong", "401"),
        ("POST /api/instance/new", "wrong", "401"),
        ("POST /api/v2/instance", "wrong", "404"),
        ("DELETE /rest/instance/shop/logout", "wrong", "401"),
        ("POST /waInstance1/setSettings/wrong", "wrong", "403"),
        // And one that is.
        ("POST /settings/set/shop", ACCOUNT, "201"),
    ];
    let mut connection = Connection::open(&world).await;
    for (line, key, status) in requests {
        connection.head(line, key, 2).await;
        // The body comes later than the answer would be ready.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        connection.send("{}").await;
        let got = connection.answer().await.unwrap_or_else(|| panic!("{line} has no answer"));
        assert_eq!(got.status(), status, "{line}");
        assert!(!got.ends_the_connection(), "{line}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_waited_for_ends_the_connection_and_is_told_so() {
    let world = World::start().await;
    let mut asks_before = Connection::open(&world).await;
    asks_before
        .send(
            "POST /instance/create HTTP/1.1\r\nhost: berth\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n",
        )
        .await;
    let mut announces_much = Connection::open(&world).await;
    announces_much.head("POST /instance/create", ACCOUNT, 1 << 30).await;
    for (mut connection, status) in [(asks_before, "401"), (announces_much, "413")] {
        let got = connection.answer().await.unwrap();
        assert_eq!(got.status(), status);
        assert!(got.ends_the_connection());
        assert!(connection.answer().await.is_none());
    }
}
