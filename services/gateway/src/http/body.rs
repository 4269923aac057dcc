//! Request bodies with a bound.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, to_bytes},
    http::Request,
};
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
    let announced = request
        .headers()
        .get(axum::http::header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    if announced.is_some_and(|length| length > BODY_BYTES_MAX as u64) {
        return Err(BodyError::TooLarge);
    }
    let read = timeout(BODY_READ_MAX, to_bytes(request.into_body(), BODY_BYTES_MAX));
    read.await.map_err(|_| BodyError::Broken)?.map_err(|error| {
        let limited = std::error::Error::source(&error)
            .is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
        if limited { BodyError::TooLarge } else { BodyError::Broken }
    })
}
