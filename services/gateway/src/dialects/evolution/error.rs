//! Errors in this dialect's words: `{"status", "error", "response": {"message"}}`. The message of a 401 is a
//! string, that of another error an array, and that of a validation an array in an array.

use axum::{
    Json,
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use berth_proto::frame::RejectionCodeV1;
use serde_json::{Value, json};

use crate::{
    app::{Failure, RETRY_AFTER_SECONDS},
    http::body::BodyError,
};

/// Why a request was not done.
#[derive(Debug)]
pub(super) enum EvolutionError {
    /// No key, a wrong one, or another instance's.
    Unauthorized,
    /// No such instance in the account.
    NoInstance(String),
    /// No instance that a filter asks for.
    NotFound(String),
    /// No such path or method.
    UnknownRoute(String),
    /// The name is taken.
    NameTaken(String),
    /// What a validation says.
    Validation(String),
    /// What a handler says of a request that it refuses.
    Refused(String),
    /// The body is not JSON.
    Malformed,
    /// The body is larger than the bound.
    TooLarge,
    /// Anything else.
    Other(Failure),
}

impl EvolutionError {
    /// The failure of an operation on the instance that a path names.
    pub(super) fn of(name: &str, failure: Failure) -> Self {
        match failure {
            Failure::Unauthorized | Failure::Forbidden => Self::Unauthorized,
            Failure::NotFound
            | Failure::Rejected { code: RejectionCodeV1::Deleted | RejectionCodeV1::NotFound, .. } => {
                Self::NoInstance(name.to_owned())
            }
            Failure::Rejected { code: RejectionCodeV1::NameTaken | RejectionCodeV1::AliasTaken, .. } => {
                Self::NameTaken(name.to_owned())
            }
            Failure::Rejected { code: RejectionCodeV1::TokenTaken, .. } => {
                Self::Refused("Token already exists".to_owned())
            }
            Failure::Rejected { code: RejectionCodeV1::NoSession, .. } => Self::not_connected(name),
            Failure::Invalid { field: "url", .. } => Self::Refused("Invalid \"url\" property".to_owned()),
            Failure::Invalid { field, problem } => {
                Self::Refused(format!("Invalid \"{field}\" property: {problem}"))
            }
            other => Self::Other(other),
        }
    }

    /// There is no session to end or to open again.
    pub(super) fn not_connected(name: &str) -> Self {
        Self::Refused(format!("The \"{name}\" instance is not connected"))
    }

    /// No such path or method.
    pub(super) fn unknown_route(method: &Method, uri: &Uri) -> Self {
        Self::UnknownRoute(format!("Cannot {method} {}", uri.path()))
    }

    fn parts(self) -> (StatusCode, Value) {
        match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, json!("Unauthorized")),
            Self::NoInstance(name) => {
                (StatusCode::NOT_FOUND, json!([format!("The \"{name}\" instance does not exist")]))
            }
            Self::NotFound(message) | Self::UnknownRoute(message) => {
                (StatusCode::NOT_FOUND, json!([message]))
            }
            Self::NameTaken(name) => {
                (StatusCode::FORBIDDEN, json!([format!("This name \"{name}\" is already in use.")]))
            }
            Self::Validation(message) => (StatusCode::BAD_REQUEST, json!([[message]])),
            Self::Refused(message) => (StatusCode::BAD_REQUEST, json!([message])),
            Self::Malformed => (StatusCode::BAD_REQUEST, json!("The body is not valid JSON")),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, json!("request entity too large")),
            Self::Other(Failure::Rejected { code: RejectionCodeV1::Banned, .. }) => {
                (StatusCode::BAD_REQUEST, json!(["The number is banned at this moment"]))
            }
            Self::Other(Failure::Rejected { code: RejectionCodeV1::Damaged, .. }) => {
                (StatusCode::INTERNAL_SERVER_ERROR, json!(["The history of the instance is damaged"]))
            }
            Self::Other(Failure::Rejected { .. }) => {
                (StatusCode::BAD_REQUEST, json!(["The instance does not allow this at this moment"]))
            }
            Self::Other(Failure::Limited { .. }) => {
                (StatusCode::TOO_MANY_REQUESTS, json!(["Too many requests"]))
            }
            Self::Other(failure) => {
                crate::http::log_unavailable(&failure);
                (StatusCode::SERVICE_UNAVAILABLE, json!(["The service is not available, try again"]))
            }
        }
    }
}

impl From<BodyError> for EvolutionError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::Broken => Self::Malformed,
        }
    }
}

impl IntoResponse for EvolutionError {
    fn into_response(self) -> Response {
        let retry = matches!(self, Self::Other(Failure::Unavailable { .. }));
        // The product names the wrong reason for a body that its parser refuses.
        let parser = matches!(self, Self::Malformed | Self::TooLarge);
        let (status, message) = self.parts();
        let reason =
            if parser { "Internal Server Error" } else { status.canonical_reason().unwrap_or_default() };
        let body = json!({"status": status.as_u16(), "error": reason, "response": {"message": message}});
        let mut response = (status, Json(body)).into_response();
        if retry {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        response
    }
}
