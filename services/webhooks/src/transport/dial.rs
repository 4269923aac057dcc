//! Opening connections to addresses: the one thing that the transport asks the machine for.

use std::{fmt, io, net::SocketAddr};

use async_trait::async_trait;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// What bytes go over.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Opens connections to addresses that endpoints may have.
#[async_trait]
pub trait Dial: fmt::Debug + Send + Sync + 'static {
    /// A connection to an address, over which nothing was said yet.
    async fn dial(&self, to: SocketAddr) -> io::Result<Box<dyn Wire>>;
}

/// Connections of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tcp;

#[async_trait]
impl Dial for Tcp {
    async fn dial(&self, to: SocketAddr) -> io::Result<Box<dyn Wire>> {
        Ok(Box::new(at_once(TcpStream::connect(to).await?)))
    }
}

/// Whole requests are written at once: there is nothing to gather.
pub(super) fn at_once(stream: TcpStream) -> TcpStream {
    let _ = stream.set_nodelay(true);
    stream
}
