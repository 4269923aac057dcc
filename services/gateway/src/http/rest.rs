//! The rest of a request's body, which a route did not read.
//!
//! A connection whose request has not wholly arrived when its answer is ready is closed after the answer. Clients send
//! the body some time after the head, many send one that no route wants (`{}` with a `GET` or a `DELETE`), and a refused
//! key is answered before any body is read: the client would find its next request without an answer.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody as _},
    extract::Request,
    http::{
        HeaderMap, HeaderValue,
        header::{CONNECTION, CONTENT_LENGTH, EXPECT},
    },
    response::Response,
};
use futures::{Stream, StreamExt as _};
use tokio::time::timeout;

/// Bytes that are read and thrown away: most clients read the answer only after they sent everything, and a
/// connection that is closed before loses it.
const REST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long a client may take to send them.
const REST_READ_MAX: Duration = Duration::from_secs(30);

/// Says of an answer that whoever gave it handed the body on, and may still read it: nothing of it is thrown away.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HandedOn;

/// Answers when the body has arrived, or says that the connection ends with the answer.
pub(crate) async fn read<F>(request: Request, answer: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    if request.body().is_end_stream() {
        return answer(request).await;
    }
    let may_follow = may_follow(request.headers());
    let (head, body) = request.into_parts();
    let body = Shared(Arc::new(Mutex::new(Unread { body: body.into_data_stream(), ended: false })));
    let handed = Body::from_stream(body.clone());
    let mut response = answer(Request::from_parts(head, handed)).await;
    let is_whole = if response.extensions().get::<HandedOn>().is_some() {
        body.is_ended()
    } else {
        may_follow && timeout(REST_READ_MAX, body.discard()).await.unwrap_or_default()
    };
    if !is_whole {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Whether the body is worth waiting for: a client that asks before it sends is told at once, and so is one that
/// announces more than is read.
fn may_follow(headers: &HeaderMap) -> bool {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let announced: usize = announced.and_then(|length| length.parse().ok()).unwrap_or_default();
    !headers.contains_key(EXPECT) && announced <= REST_BYTES_MAX
}

/// A body that the route and what comes after it read, one after the other.
#[derive(Clone)]
struct Shared(Arc<Mutex<Unread>>);

/// What is left of a body.
struct Unread {
    body: BodyDataStream,
    ended: bool,
}

impl Shared {
    /// Whether somebody has read it to its end.
    fn is_ended(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ended
    }

    /// Reads what is left; whether that was all.
    async fn discard(mut self) -> bool {
        let mut left = REST_BYTES_MAX;
        while let Some(piece) = self.next().await {
            let rest = piece.ok().and_then(|piece| left.checked_sub(piece.len()));
            let Some(rest) = rest else { return false };
            left = rest;
        }
        true
    }
}

impl Stream for Shared {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut unread = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = unread.body.poll_next_unpin(cx);
        unread.ended |= matches!(next, Poll::Ready(None));
        next
    }
}
