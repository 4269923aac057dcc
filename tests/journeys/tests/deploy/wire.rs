//! NATS as it is on the wire: a server answers in order, so that what it refused is certainly known.

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// A connection of one user.
pub(crate) struct Wire {
    from: BufReader<OwnedReadHalf>,
    to: OwnedWriteHalf,
}

impl Wire {
    pub(crate) async fn connect(port: u16, user: &str, password: &str) -> Self {
        let (from, to) = TcpStream::connect(("127.0.0.1", port)).await.unwrap().into_split();
        let mut wire = Self { from: BufReader::new(from), to };
        let options = format!(r#"{{"verbose":false,"user":"{user}","pass":"{password}","headers":true}}"#);
        assert_eq!(wire.refused(&format!("CONNECT {options}\r\n")).await, None, "{user}");
        wire
    }

    /// Whether the user may publish there. An empty message does no harm wherever it arrives.
    pub(crate) async fn may_publish(&mut self, subject: &str) -> bool {
        self.refused(&format!("PUB {subject} 0\r\n\r\n")).await.is_none()
    }

    /// Whether the user may subscribe to that, as a member of a queue group or not.
    pub(crate) async fn may_subscribe(&mut self, filter: &str, queue: &str) -> bool {
        let may = self.refused(&format!("SUB {filter} {queue} 1\r\n")).await.is_none();
        self.refused("UNSUB 1\r\n").await;
        may
    }

    /// Publishes a message whose answer shall go to `reply`.
    pub(crate) async fn publish(&mut self, subject: &str, reply: &str, payload: &[u8]) {
        let head = format!("PUB {subject} {reply} {}\r\n", payload.len());
        let message = [head.as_bytes(), payload, b"\r\n"].concat();
        assert_eq!(self.said(&message).await, None, "{subject}");
    }

    /// Publishes a message without a payload, with these headers as they are.
    pub(crate) async fn publish_headers(&mut self, subject: &str, headers: &[u8]) {
        let head = format!("HPUB {subject} _INBOX.x {0} {0}\r\n", headers.len());
        assert_eq!(self.said(&[head.as_bytes(), headers, b"\r\n"].concat()).await, None, "{subject}");
    }

    /// What the server says before it hangs up on a message with so many bytes.
    pub(crate) async fn hangs_up_on(mut self, subject: &str, bytes: usize) -> String {
        self.to.write_all(format!("PUB {subject} {bytes}\r\n").as_bytes()).await.unwrap();
        let mut said = String::new();
        self.from.read_to_string(&mut said).await.unwrap();
        said
    }

    async fn refused(&mut self, message: &str) -> Option<String> {
        self.said(message.as_bytes()).await
    }

    /// Sends something, and gives what the server says against it.
    async fn said(&mut self, message: &[u8]) -> Option<String> {
        self.to.write_all(message).await.unwrap();
        self.to.write_all(b"PING\r\n").await.unwrap();
        let mut refused = None;
        loop {
            let mut line = String::new();
            assert_ne!(self.from.read_line(&mut line).await.unwrap(), 0, "the server hung up");
            if line.starts_with("-ERR") {
                assert!(line.to_lowercase().contains("permissions violation"), "{line}");
                refused = Some(line);
            } else if line.starts_with("PONG") {
                return refused;
            }
        }
    }
}
