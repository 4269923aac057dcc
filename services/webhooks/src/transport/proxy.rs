//! An egress proxy: machines that may not open connections to the internet ask one that may.
//!
//! It is asked for an address that the guard has checked, never for a name, so it connects where we would have and the
//! guard holds whatever names lead to by then. TLS is with the endpoint, through it.

use std::{fmt, net::SocketAddr};

use base64::{Engine, engine::general_purpose::STANDARD};
use berth_runtime::config::EgressProxy;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::SendError;

/// Bytes of the head of its answer.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// What ends that.
const END: &[u8] = b"\r\n\r\n";

/// A proxy that is asked to connect.
#[derive(Clone)]
pub(super) struct Proxy {
    at: String,
    /// The value of `Proxy-Authorization`.
    authorization: Option<String>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.at).finish()
    }
}

impl Proxy {
    /// As it is configured.
    pub(super) fn new(configured: &EgressProxy) -> Self {
        let basic = |credentials: &str| format!("Basic {}", STANDARD.encode(credentials));
        Self { at: configured.address(), authorization: configured.credentials().map(basic) }
    }

    /// A connection to an address, through it.
    pub(super) async fn connect(&self, to: SocketAddr) -> Result<TcpStream, SendError> {
        let mut stream =
            TcpStream::connect(&self.at).await.map_err(|error| self.fails(&error.to_string()))?;
        let authorization = self.authorization.as_ref();
        let authorization =
            authorization.map(|value| format!("proxy-authorization: {value}\r\n")).unwrap_or_default();
        let request = format!("CONNECT {to} HTTP/1.1\r\nhost: {to}\r\n{authorization}\r\n");
        stream.write_all(request.as_bytes()).await.map_err(|error| self.fails(&error.to_string()))?;
        match self.status(&mut stream).await? {
            200..300 => Ok(stream),
            // It will not let us there.
            403 => Err(SendError::Refused),
            // It tried, and the endpoint is not there.
            502..=504 => Err(SendError::Connect),
            status => Err(self.fails(&format!("it answers {status}"))),
        }
    }

    /// The status of its answer, which is read to the end of its head and no further.
    async fn status(&self, stream: &mut TcpStream) -> Result<u16, SendError> {
        let mut head = Vec::new();
        while !head.ends_with(END) {
            if head.len() >= HEAD_BYTES_MAX {
                return Err(self.fails("the head of its answer does not end"));
            }
            head.push(stream.read_u8().await.map_err(|error| self.fails(&error.to_string()))?);
        }
        let text = String::from_utf8_lossy(&head);
        let status = text.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
        status.ok_or_else(|| self.fails("what it answers is not HTTP"))
    }

    /// It is ours, so the operator is told and no endpoint pays for it.
    fn fails(&self, why: &str) -> SendError {
        tracing::warn!(proxy = self.at, why, "the egress proxy of webhooks does not work");
        SendError::Proxy
    }
}
