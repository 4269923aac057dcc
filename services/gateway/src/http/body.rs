//! Request bodies with a bound.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{Request, header::CONTENT_LENGTH},
};
use http_body_util::BodyExt;
use thiserror::Error;
use tokio::time::timeout;

/// Bytes of a request's body.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How long a client may take to send a body.
const BODY_READ_MAX: Duration = Duration::from_secs(30);

/// A body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BodyError {
    /// Larger than [`BODY_BYTES_MAX`].
    #[error("the body is larger than 1 MiB")]
    TooLarge,
    /// The client went away, sent less than it said or took longer than `BODY_READ_MAX`.
    #[error("the body could not be read")]
    Broken,
}

/// The whole body of a request.
pub async fn read(request: Request<Body>) -> Result<Bytes, BodyError> {
    if announced(&request) > BODY_BYTES_MAX as u64 {
        return Err(BodyError::TooLarge);
    }
    let mut body = request.into_body();
    timeout(BODY_READ_MAX, async {
        let mut read = Vec::new();
        while let Some(piece) = piece(&mut body).await? {
            if read.len() + piece.len() > BODY_BYTES_MAX {
                return Err(BodyError::TooLarge);
            }
            read.extend_from_slice(&piece);
        }
        Ok(Bytes::from(read))
    })
    .await
    .map_err(|_| BodyError::Broken)?
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
