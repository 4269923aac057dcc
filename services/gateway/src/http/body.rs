//! Request bodies with a bound.

use axum::{
    body::{Body, Bytes, to_bytes},
    http::Request,
};
use thiserror::Error;

/// Bytes of a request's body.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BodyError {
    /// Larger than [`BODY_BYTES_MAX`].
    #[error("the body is larger than 1 MiB")]
    TooLarge,
    /// The client went away or sent less than it said.
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
    to_bytes(request.into_body(), BODY_BYTES_MAX).await.map_err(|error| {
        let limited = std::error::Error::source(&error)
            .is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
        if limited { BodyError::TooLarge } else { BodyError::Broken }
    })
}
