//! Errors in the shape of the product's framework: `{"statusCode", "message", "error"}`.

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
pub(super) enum CodeChatError {
    /// No token or a wrong one.
    Unauthorized,
    /// A valid token of somebody else.
    Forbidden,
    /// The instance is switched off.
    Inactive,
    /// No such instance in the business.
    NotFound,
    /// No such business.
    BusinessNotFound,
    /// No such webhook.
    WebhookNotFound,
    /// No such path or method.
    UnknownRoute(String),
    /// There is no session to end or to open again.
    NotConnected,
    /// There is a session or an attempt, and the request wants none.
    Connected,
    /// Something in the request is not as expected.
    Invalid(String),
    /// Taken: a name or a foreign id.
    Conflict(&'static str),
    /// Not this service's.
    NotImplemented(&'static str),
    /// The body is larger than the bound.
    TooLarge,
    /// Anything else.
    Other(Failure),
}

impl CodeChatError {
    /// The failure of an operation on a business.
    pub(super) fn of_business(failure: Failure) -> Self {
        match failure {
            Failure::NotFound => Self::BusinessNotFound,
            Failure::Rejected { code: RejectionCodeV1::NameTaken, .. } => {
                Self::Conflict("The business name is already in use")
            }
            other => other.into(),
        }
    }

    /// No such path or method.
    pub(super) fn unknown_route(method: &Method, uri: &Uri) -> Self {
        Self::UnknownRoute(format!("Cannot {method} {}", uri.path()))
    }

    fn parts(self) -> (StatusCode, Value) {
        let (status, message) = match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, json!("Unauthorized")),
            Self::Forbidden => (StatusCode::FORBIDDEN, json!("Forbidden resource")),
            Self::Inactive => (StatusCode::FORBIDDEN, json!(["Inactive instance"])),
            Self::NotFound => (StatusCode::NOT_FOUND, json!(["Instance not found"])),
            Self::BusinessNotFound => (StatusCode::NOT_FOUND, json!(["Business not found"])),
            Self::WebhookNotFound => (StatusCode::NOT_FOUND, json!(["Webhook not found"])),
            Self::UnknownRoute(message) => (StatusCode::NOT_FOUND, json!(message)),
            Self::NotConnected => (StatusCode::BAD_REQUEST, json!(["Instance is not connected"])),
            Self::Connected => (
                StatusCode::BAD_REQUEST,
                json!(["The instance needs to be disconnected, or \"force\" to be true"]),
            ),
            Self::Invalid(message) => (StatusCode::BAD_REQUEST, json!([message])),
            Self::Conflict(message) => (StatusCode::BAD_REQUEST, json!([message])),
            Self::NotImplemented(message) => (StatusCode::NOT_IMPLEMENTED, json!([message])),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, json!(["request entity too large"])),
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
        };
        (status, message)
    }
}

impl From<Failure> for CodeChatError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unauthorized => Self::Unauthorized,
            Failure::Forbidden => Self::Forbidden,
            Failure::NotFound
            | Failure::Rejected { code: RejectionCodeV1::Deleted | RejectionCodeV1::NotFound, .. } => {
                Self::NotFound
            }
            Failure::Rejected { code: RejectionCodeV1::NoSession, .. } => Self::NotConnected,
            Failure::Rejected { code: RejectionCodeV1::HasSession, .. } => Self::Connected,
            Failure::Rejected { code: RejectionCodeV1::UnknownWebhook, .. } => Self::WebhookNotFound,
            Failure::Rejected { code: RejectionCodeV1::NameTaken, .. } => {
                Self::Conflict("The instance name is already in use")
            }
            Failure::Rejected { code: RejectionCodeV1::Exists, .. } => {
                Self::Conflict("The webhook name is already in use")
            }
            Failure::Rejected {
                code: RejectionCodeV1::TooManyWebhooks | RejectionCodeV1::WebhooksTooLarge,
                ..
            } => Self::Conflict("The instance has no room for another webhook"),
            Failure::Rejected { code: RejectionCodeV1::AliasTaken, .. } => {
                Self::Conflict("The externalId is already in use")
            }
            Failure::Invalid { field, problem } => Self::Invalid(format!("{field}: {problem}")),
            other => Self::Other(other),
        }
    }
}

impl From<BodyError> for CodeChatError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::Broken => Self::Invalid("The body could not be read".to_owned()),
        }
    }
}

impl IntoResponse for CodeChatError {
    fn into_response(self) -> Response {
        let retry = matches!(self, Self::Other(Failure::Unavailable { .. }));
        let (status, message) = self.parts();
        let body = if status == StatusCode::UNAUTHORIZED {
            json!({"statusCode": 401, "message": message})
        } else {
            let reason = status.canonical_reason().unwrap_or_default();
            json!({"statusCode": status.as_u16(), "message": message, "error": reason})
        };
        let mut response = (status, Json(body)).into_response();
        if retry {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        response
    }
}
