//! Errors in this dialect's words: `{"statusCode", "timestamp", "path", "message"}`. The product echoes the whole
//! path with the token in it; we show the path without it.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use berth_proto::{Timestamp, frame::RejectionCodeV1};
use serde_json::json;

use crate::{
    app::{Failure, RETRY_AFTER_SECONDS},
    http::{body::BodyError, time::iso_millis},
};

/// Why a request was not done.
#[derive(Debug)]
pub(super) enum GreenError {
    /// A wrong token.
    Unauthorized,
    /// An unknown number, or another account's.
    Forbidden,
    /// No such method.
    NotFound,
    /// More than the method's rate.
    Limited,
    /// Something in the request is not as expected.
    Validation(String),
    /// The body is not JSON.
    Malformed,
    /// The body is larger than the bound.
    TooLarge,
    /// Anything else.
    Other(Failure),
}

impl From<Failure> for GreenError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unauthorized
            | Failure::NotFound
            | Failure::Rejected { code: RejectionCodeV1::Deleted | RejectionCodeV1::NotFound, .. } => {
                Self::Unauthorized
            }
            Failure::Forbidden => Self::Forbidden,
            Failure::Limited { .. } => Self::Limited,
            Failure::Invalid { field: "url", .. } => {
                Self::Validation("'webhookUrl' is not allowed".to_owned())
            }
            Failure::Invalid { field, problem } => Self::Validation(format!("'{field}': {problem}")),
            other => Self::Other(other),
        }
    }
}

impl From<BodyError> for GreenError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::Broken => Self::Malformed,
        }
    }
}

impl GreenError {
    fn parts(self) -> (StatusCode, String) {
        let (status, message) = match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "Forbidden"),
            Self::NotFound => (StatusCode::NOT_FOUND, "Not Found"),
            Self::Limited => (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"),
            Self::Validation(details) => {
                return (StatusCode::BAD_REQUEST, format!("Validation failed. Details: {details}"));
            }
            Self::Malformed => (StatusCode::BAD_REQUEST, "The body is not valid JSON"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Payload Too Large"),
            Self::Other(Failure::Rejected { code: RejectionCodeV1::Damaged, .. }) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
            Self::Other(Failure::Rejected { .. }) => (StatusCode::BAD_REQUEST, "bad request data"),
            Self::Other(failure) => {
                crate::http::log_unavailable(&failure);
                (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
        };
        (status, message.to_owned())
    }

    /// The answer to a request on a path, which must not hold a token.
    pub(super) fn into_response_at(self, path: &str, now: Timestamp) -> Response {
        let retry = matches!(self, Self::Other(Failure::Unavailable { .. }));
        let (status, message) = self.parts();
        let timestamp = iso_millis(now);
        let body =
            json!({"statusCode": status.as_u16(), "timestamp": timestamp, "path": path, "message": message});
        let mut response = (status, Json(body)).into_response();
        if retry {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        response
    }
}
