//! A connection to an endpoint, on which one request may follow another, each under a pass of its own.
//!
//! It is driven by the attempt that uses it and by nobody else: while it rests nothing is read or written. What came
//! meanwhile (its end, or an answer that nobody asked for) is found when it is taken up again, and ends it.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, StatusCode,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, timeout_at},
};

use super::{
    DELIVERY_HEADER, SendError,
    addresses::Visit,
    dial::Wire,
    meter::Allowance,
    pass::{Barrier, Pass},
};
use crate::schedule::Answer;

/// Bytes of an answer's body that are read before the connection is given up.
const ANSWER_READ_BYTES_MAX: usize = 64 * 1024;
/// How long the body of an answer may take once its head is there: the head says what the endpoint decided, and the
/// body is only kept for whoever looks at the attempt later.
const ANSWER_BODY_MAX: Duration = Duration::from_secs(2);
/// What is left of an attempt's time when its answer's body is given up: whatever the head said is still told.
const ANSWER_MARGIN: Duration = Duration::from_millis(10);
/// Bytes of an answer's body that are kept.
const ANSWER_KEPT_BYTES_MAX: usize = 8 * 1024;
/// Bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// See the module.
pub(super) struct Line {
    sender: SendRequest<Full<Bytes>>,
    connection: Pin<Box<http1::Connection<TokioIo<Ear>, Full<Bytes>>>>,
    barrier: Barrier,
    allowance: Allowance,
    heard: Heard,
    /// Where it leads.
    pub(super) at: SocketAddr,
    pub(super) opened_at: Instant,
}

/// A request was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// The connection ended before anything came that could be an answer. `told`: whether something of the request was written.
    Gone { told: bool },
    /// Another reason.
    For(SendError),
}

/// Whether anything was read since a request began.
#[derive(Debug, Clone, Default)]
struct Heard(Arc<AtomicBool>);

/// What HTTP is read from: within TLS, so that its own messages do not count as heard.
struct Ear {
    inner: Box<dyn Wire>,
    heard: Heard,
}

// === impl Line ===

impl Line {
    /// Begins HTTP on a connection that was opened just now.
    pub(super) async fn begin(
        stream: Box<dyn Wire>,
        (barrier, allowance): (Barrier, Allowance),
        at: SocketAddr,
    ) -> Result<Self, SendError> {
        let heard = Heard::default();
        let ear = Ear { inner: stream, heard: heard.clone() };
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .handshake(TokioIo::new(ear))
            .await
            .map_err(|_| SendError::Broken)?;
        let connection = Box::pin(connection);
        Ok(Self { sender, connection, barrier, allowance, heard, at, opened_at: Instant::now() })
    }

    /// Sends a request as far as its pass allows, and reads the answer. Says whether all of that came.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        pass: Pass,
        (visit, deadline): (&Visit, Instant),
    ) -> Result<(Answer, bool), Unanswered> {
        self.barrier.arm(pass);
        self.allowance.renew();
        self.heard.0.store(false, Ordering::Relaxed);
        let exchange = Box::pin(self.exchange(request, visit, deadline - ANSWER_MARGIN));
        let answered = timeout_at(deadline, exchange).await;
        if self.barrier.kept_all() {
            return Err(Unanswered::For(SendError::Unpermitted));
        }
        match answered {
            Err(_) => Err(Unanswered::For(SendError::TimedOut)),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let (told, heard) = (self.barrier.begun(), self.heard.0.load(Ordering::Relaxed));
                // What came before anything of the request was written is no answer to it.
                let is_gone = !(self.barrier.held_back() || told && heard);
                Err(if is_gone { Unanswered::Gone { told } } else { Unanswered::For(error) })
            }
        }
    }

    /// Whether another request may follow: both sides said everything that they had to say, and nothing came since.
    /// Nothing may be written until that is sent.
    pub(super) fn rests(&mut self) -> bool {
        self.barrier.rest();
        let mut context = Context::from_waker(Waker::noop());
        let has_ended = self.connection.as_mut().poll(&mut context).is_ready();
        !has_ended && self.sender.is_ready() && !self.barrier.is_stuck()
    }

    /// Sends the request and reads the answer, driving the connection meanwhile.
    async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        visit: &Visit,
        deadline: Instant,
    ) -> Result<(Answer, bool), SendError> {
        let Self { sender, connection, .. } = self;
        let answer = async {
            let response = sender.send_request(request).await.map_err(|_| SendError::Broken)?;
            visit.answered();
            let text = |name: &str| {
                response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
            };
            let mut answer = Answer {
                status: response.status().as_u16(),
                retry_after: text("retry-after"),
                disable: text(DELIVERY_HEADER)
                    .is_some_and(|value| value.trim().eq_ignore_ascii_case("disable")),
                body: Vec::new(),
            };
            // The head has said it all: a body that drips, breaks off or goes on for ever changes nothing of it.
            let is_whole = if has_no_body(response.status()) {
                !announces_a_body(response.headers())
            } else {
                let until = deadline.min(Instant::now() + ANSWER_BODY_MAX);
                let reading = read_body(response.into_body(), &mut answer.body);
                timeout_at(until, reading).await.unwrap_or(false)
            };
            Ok((answer, is_whole))
        };
        let mut answer = pin!(answer);
        tokio::select! {
            biased;
            answer = &mut answer => return answer,
            // What it read before it ended is still there to be taken.
            _ = connection.as_mut() => {}
        }
        // It has ended, so nothing follows.
        answer.await.map(|(answer, _)| (answer, false))
    }
}

/// Whether answers with this status have no body, whatever they say.
fn has_no_body(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Whether an answer says that it has a body. What follows where there is none would be taken for the next answer.
fn announces_a_body(headers: &HeaderMap) -> bool {
    let is_none = headers.get(CONTENT_LENGTH).is_none_or(|length| length == "0");
    headers.contains_key(TRANSFER_ENCODING) || !is_none
}

/// Reads an answer's body to its end or to the bound, and keeps its beginning. Says whether it came to its end.
async fn read_body(mut body: Incoming, kept: &mut Vec<u8>) -> bool {
    let mut read_bytes = 0;
    while read_bytes <= ANSWER_READ_BYTES_MAX {
        let frame = match body.frame().await {
            Some(Ok(frame)) => frame,
            Some(Err(_)) => return false,
            None => return true,
        };
        let Some(data) = frame.data_ref() else { continue };
        read_bytes += data.len();
        kept.extend(data.iter().take(ANSWER_KEPT_BYTES_MAX.saturating_sub(kept.len())));
    }
    false
}

// === impl Ear ===

impl AsyncRead for Ear {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.heard.0.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for Ear {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
