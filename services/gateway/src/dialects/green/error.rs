//! Errors in this dialect's words: `{"statusCode", "timestamp", "path", "message"}`. The product echoes the whole
//! path with the token in it; we show the path without it.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use berth_proto::{Timestamp, frame::RejectionCodeV1};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::Failure,
    http::{body::BodyError, time::iso_millis},
};

/// The body of an error.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorBody {
    status_code: u16,
    /// UTC, with milliseconds.
    timestamp: String,
    /// The path, with `{apiTokenInstance}` in the place of the token.
    path: String,
    message: String,
}

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
    /// The body is not JSON; says where.
    Malformed(String),
    /// The body did not arrive.
    Broken,
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
            | Failure::Rejected(RejectionCodeV1::Deleted | RejectionCodeV1::NotFound) => Self::Unauthorized,
            Failure::Forbidden => Self::Forbidden,
            Failure::Invalid { field: "url", .. } => {
                Self::Validation("'webhookUrl' is not allowed".to_owned())
            }
            Failure::Invalid { field: "authorization", problem } => {
                Self::Validation(format!("'webhookUrlToken': {problem}"))
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
            BodyError::Broken => Self::Broken,
            BodyError::Busy => Self::Other(BodyError::busy()),
        }
    }
}

impl GreenError {
    /// What the product says of a body that is not JSON: it is what its JavaScript engine says.
    pub(super) fn malformed(body: &[u8], error: &serde_json::Error) -> Self {
        if error.is_eof() {
            return Self::Malformed("Unexpected end of JSON input".to_owned());
        }
        let before = body.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
        let position = before.map(<[u8]>::len).sum::<usize>() + error.column().saturating_sub(1);
        let text = String::from_utf8_lossy(body.get(position..).unwrap_or_default());
        let token = text.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER);
        Self::Malformed(format!("Unexpected token {token} in JSON at position {position}"))
    }

    fn parts(self) -> (StatusCode, String) {
        let (status, message) = match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "Forbidden"),
            Self::NotFound => (StatusCode::NOT_FOUND, "Not Found"),
            Self::Limited | Self::Other(Failure::Limited { .. }) => {
                (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests")
            }
            Self::Validation(details) => {
                return (StatusCode::BAD_REQUEST, format!("Validation failed. Details: {details}"));
            }
            Self::Malformed(message) => return (StatusCode::BAD_REQUEST, message),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Payload Too Large"),
            Self::Other(Failure::Rejected(RejectionCodeV1::Damaged | RejectionCodeV1::UpgradeNeeded)) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
            Self::Broken | Self::Other(Failure::Rejected(_)) => (StatusCode::BAD_REQUEST, "bad request data"),
            Self::Other(failure) => {
                crate::http::log_unavailable(&failure);
                (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
        };
        (status, message.to_owned())
    }

    /// The answer to a request on a path, which must not hold a token.
    pub(super) fn into_response_at(self, path: &str, now: Timestamp) -> Response {
        let retry = match &self {
            Self::Other(failure) => failure.retry_after_seconds(),
            _ => None,
        };
        let (status, message) = self.parts();
        let timestamp = iso_millis(now);
        let body = ErrorBody { status_code: status.as_u16(), timestamp, path: path.to_owned(), message };
        let mut response = (status, Json(body)).into_response();
        if let Some(seconds) = retry {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
