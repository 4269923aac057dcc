//! Requests as bytes on a connection, well formed or not, and what comes back.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    time::timeout,
};

/// Bytes of an answer that are looked at.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What came back.
#[derive(Debug, Clone)]
pub struct Wire {
    /// The status; none if nothing that looks like HTTP came.
    pub status: Option<u16>,
    /// Everything as it came, head and body.
    pub bytes: Vec<u8>,
    /// Whether the other end closed the connection in time.
    pub ended: bool,
}

/// Sends bytes on a connection of its own from that address of the loopback network, and reads until the other end
/// closes or the time is over.
pub async fn exchange(
    to: SocketAddr,
    from: Ipv4Addr,
    request: &[u8],
    patience: Duration,
) -> std::io::Result<Wire> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let mut stream = socket.connect(to).await?;
    let mut bytes = Vec::new();
    let reading = async {
        // Who refuses a request may close before it has read all of it.
        let _refused = stream.write_all(request).await;
        let mut part = [0; 16 * 1024];
        while bytes.len() < ANSWER_BYTES_MAX {
            match stream.read(&mut part).await {
                Ok(0) | Err(_) => break,
                Ok(read) => bytes.extend_from_slice(&part[..read]),
            }
        }
    };
    let ended = timeout(patience, reading).await.is_ok();
    Ok(Wire { status: status(&bytes), bytes, ended })
}

/// The status of the last answer that is not an interim one.
fn status(bytes: &[u8]) -> Option<u16> {
    let head = bytes.strip_prefix(b"HTTP/1.1 ").or_else(|| bytes.strip_prefix(b"HTTP/1.0 "))?;
    let status: u16 = std::str::from_utf8(head.get(..3)?).ok()?.parse().ok()?;
    if status != 100 {
        return Some(status);
    }
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    self::status(&bytes[end + 4..])
}

impl Wire {
    /// Whether this text stands anywhere in the answer.
    pub fn says(&self, text: &str) -> bool {
        self.bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// The start of the answer, for a fault.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.bytes[..self.bytes.len().min(800)]).into_owned()
    }
}
