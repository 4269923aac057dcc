//! A connection of which no more is read than an answer may be long, a little at a time, and to which nothing is written
//! that is not permitted at that moment (see `pass`).
//!
//! An HTTP client reads interim answers (100, 103 …), header lines and chunk extensions for as long as they come and
//! without a pause, so an endpoint that streams them takes a processor for the whole time-out. What is read of one
//! exchange is bounded below the client, whatever it is, and between reads others have their turn.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{dial::Wire, pass::Barrier};

/// Bytes that are read of one exchange, those of TLS included: the answer's body as far as it is read, and as much
/// again for its head and the handshake, twice.
const EXCHANGE_BYTES_MAX: usize = 256 * 1024;
/// Bytes after which others have their turn.
const TURN_BYTES_MAX: usize = 8 * 1024;

/// How much may still be read; shared with whoever begins the exchanges.
#[derive(Debug, Clone)]
pub(super) struct Allowance(Arc<AtomicUsize>);

/// See the module.
pub(super) struct Metered {
    inner: Box<dyn Wire>,
    allowance: Allowance,
    barrier: Barrier,
    /// Read since others had their turn.
    read: usize,
}

// === impl Allowance ===

impl Allowance {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(EXCHANGE_BYTES_MAX)))
    }

    /// Another exchange begins.
    pub(super) fn renew(&self) {
        self.0.store(EXCHANGE_BYTES_MAX, Ordering::Relaxed);
    }
}

// === impl Metered ===

impl Metered {
    pub(super) fn new(inner: Box<dyn Wire>, allowance: Allowance, barrier: Barrier) -> Self {
        Self { inner, allowance, barrier, read: 0 }
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.allowance.0.load(Ordering::Relaxed);
        if left == 0 {
            return Poll::Ready(Err(io::Error::other("the answer is longer than is read")));
        }
        if self.read >= TURN_BYTES_MAX {
            self.read = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let most = left.min(TURN_BYTES_MAX).min(buf.remaining());
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(most));
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        buf.advance(read);
        self.read += read;
        self.allowance.0.store(left - read, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if !self.barrier.opens() {
            return Poll::Ready(Err(io::Error::other("nothing may be sent any more")));
        }
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        match &written {
            Poll::Ready(Ok(bytes)) => self.barrier.passed(*bytes == buf.len()),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.barrier.got_stuck(),
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
