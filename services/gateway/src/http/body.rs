//! Request bodies with a bound, each and all together. `http_body_util::Limited` bounds each one only, and knows neither
//! what the others take nor how long the next piece may be on its way.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{Request, header::CONTENT_LENGTH},
};
use http_body_util::BodyExt;
use thiserror::Error;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::metrics;
use crate::app::Failure;

/// Bytes of a request's body.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of all bodies that are held at once, by clients that send them and by requests that read them.
const BODIES_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The beginning of a body that is not counted: it is there before, in the connection's own buffer, and an ordinary
/// request is served while others use up what there is.
const UNCOUNTED_BYTES: usize = 8 * 1024;
/// What is left of [`BODIES_BYTES_MAX`].
static BUDGET: Semaphore = Semaphore::const_new(BODIES_BYTES_MAX);

/// How long a client may take to send a body.
const BODY_READ_MAX: Duration = Duration::from_secs(30);
/// How long it may take for the next piece of it.
const PIECE_READ_MAX: Duration = Duration::from_secs(10);

/// A body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BodyError {
    /// Larger than [`BODY_BYTES_MAX`].
    #[error("the body is larger than 1 MiB")]
    TooLarge,
    /// The client went away, sent less than it said or took longer than `BODY_READ_MAX`.
    #[error("the body could not be read")]
    Broken,
    /// Bodies of other requests use up what there is: a retry helps. See [`BodyError::busy`].
    #[error("too many bodies are read")]
    Busy,
}

impl BodyError {
    /// [`Self::Busy`] as the doors say it: 503 with `Retry-After`.
    pub fn busy() -> Failure {
        Failure::unavailable("the memory for bodies", Self::Busy)
    }
}

/// The whole body of a request. It is counted until the last reference to it is dropped.
pub async fn read(request: Request<Body>) -> Result<Bytes, BodyError> {
    if announced(&request) > BODY_BYTES_MAX as u64 {
        return Err(BodyError::TooLarge);
    }
    let mut body = request.into_body();
    timeout(BODY_READ_MAX, async {
        let mut read = Held::default();
        loop {
            let next = timeout(PIECE_READ_MAX, piece(&mut body)).await.map_err(|_| BodyError::Broken)?;
            let Some(piece) = next? else { break };
            read.push(&piece)?;
        }
        Ok(Bytes::from_owner(read))
    })
    .await
    .map_err(|_| BodyError::Broken)?
}

/// The bytes of a body, and their part of the budget.
#[derive(Default)]
struct Held {
    bytes: Vec<u8>,
    counted: Option<SemaphorePermit<'static>>,
}

impl Held {
    fn push(&mut self, piece: &[u8]) -> Result<(), BodyError> {
        let needed = self.bytes.len() + piece.len();
        if needed > BODY_BYTES_MAX {
            return Err(BodyError::TooLarge);
        }
        if needed > self.bytes.capacity() {
            // What is announced is not taken at its word: memory follows what came.
            self.grow((needed.max(2 * self.bytes.capacity())).min(BODY_BYTES_MAX))?;
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    fn grow(&mut self, capacity: usize) -> Result<(), BodyError> {
        let counted = self.counted.as_ref().map_or(0, SemaphorePermit::num_permits);
        let more = capacity.saturating_sub(UNCOUNTED_BYTES).saturating_sub(counted);
        let more = u32::try_from(more).map_err(|_| BodyError::TooLarge)?;
        let permit = BUDGET.try_acquire_many(more).map_err(|_| {
            metrics::body_refused();
            BodyError::Busy
        })?;
        match &mut self.counted {
            Some(counted) => counted.merge(permit),
            None => self.counted = Some(permit),
        }
        self.bytes.reserve_exact(capacity - self.bytes.len());
        Ok(())
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The length that the head announces, 0 without one.
fn announced(request: &Request<Body>) -> u64 {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or_default()
}

/// The next bytes, or `None` at the end.
async fn piece(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    let frame = body.frame().await.transpose().map_err(|_| BodyError::Broken)?;
    Ok(frame.map(|frame| frame.into_data().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::{StreamExt as _, stream};

    use super::*;

    /// A body of this many bytes that never ends.
    fn unfinished(bytes: usize) -> Request<Body> {
        let pieces = (0..bytes / 1024).map(|_| Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 1024])));
        Request::new(Body::from_stream(stream::iter(pieces).chain(stream::pending())))
    }

    #[tokio::test(start_paused = true)]
    async fn all_bodies_share_a_budget_and_give_it_back() {
        let large = futures::future::join_all((0..300).map(|_| read(unfinished(BODY_BYTES_MAX))));
        let small = async {
            // After those took what there is.
            while BUDGET.available_permits() >= BODY_BYTES_MAX {
                tokio::task::yield_now().await;
            }
            let body = Body::from(vec![b'x'; UNCOUNTED_BYTES]);
            assert_eq!(read(Request::new(body)).await.unwrap().len(), UNCOUNTED_BYTES);
            assert!(matches!(
                read(Request::new(Body::from(vec![b'x'; 65_536]))).await,
                Ok(_) | Err(BodyError::Busy)
            ));
        };
        let (ends, ()) = futures::future::join(large, small).await;
        let busy = ends.iter().filter(|end| **end == Err(BodyError::Busy)).count();
        let slow = ends.iter().filter(|end| **end == Err(BodyError::Broken)).count();
        assert_eq!(busy + slow, 300);
        assert!(slow <= BODIES_BYTES_MAX / (BODY_BYTES_MAX - UNCOUNTED_BYTES), "{slow} were held");
        assert!(busy > 0);
        assert_eq!(BUDGET.available_permits(), BODIES_BYTES_MAX, "everything is given back");

        let whole = read(Request::new(Body::from(vec![b'x'; BODY_BYTES_MAX]))).await.unwrap();
        assert_eq!(BUDGET.available_permits(), BODIES_BYTES_MAX - (BODY_BYTES_MAX - UNCOUNTED_BYTES));
        drop(whole);
        assert_eq!(BUDGET.available_permits(), BODIES_BYTES_MAX);
    }
}
