//! Errors in this dialect's words: `{"status", "error", "response": {"message"}}`. The message of a 401 is a
//! string, that of another error an array, and that of a validation an array in an array.

use axum::{
    Json,
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use berth_proto::frame::RejectionCodeV1;
use serde::Serialize;
use utoipa::ToSchema;

use super::paths::WORDS;
use crate::{
    app::Failure,
    http::{body::BodyError, masked},
};

/// The body of an error.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorBody {
    /// The HTTP status.
    status: u16,
    /// The status in words.
    error: &'static str,
    response: ErrorResponse,
}

/// What an error says.
#[derive(Debug, Serialize, ToSchema)]
struct ErrorResponse {
    message: ErrorMessage,
}

/// A string if the key or the form of the body is wrong, an array of an array if a field of it is, else an array.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum ErrorMessage {
    Text(&'static str),
    Said([String; 1]),
    Validation([[String; 1]; 1]),
}

impl ErrorMessage {
    fn said(message: impl Into<String>) -> Self {
        Self::Said([message.into()])
    }
}

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
    /// An upstream gave no answer that can be passed back, or the client no body that can be passed on.
    Passing(StatusCode, &'static str),
    /// Anything else.
    Other(Failure),
}

impl EvolutionError {
    /// The failure of an operation on the instance that a path names.
    pub(super) fn of(name: &str, failure: Failure) -> Self {
        match failure {
            Failure::Unauthorized | Failure::Forbidden => Self::Unauthorized,
            Failure::NotFound | Failure::Rejected(RejectionCodeV1::Deleted | RejectionCodeV1::NotFound) => {
                Self::NoInstance(name.to_owned())
            }
            Failure::Rejected(RejectionCodeV1::NameTaken | RejectionCodeV1::AliasTaken) => {
                Self::NameTaken(name.to_owned())
            }
            Failure::Rejected(RejectionCodeV1::TokenTaken) => {
                Self::Refused("Token already exists".to_owned())
            }
            Failure::Rejected(RejectionCodeV1::StillLeaving) => {
                Self::Refused(crate::app::STILL_LEAVING.to_owned())
            }
            Failure::Rejected(RejectionCodeV1::NoSession) => Self::not_connected(name),
            Failure::ObservedOnly => Self::Refused(format!("The \"{name}\" instance is only observed")),
            Failure::Invalid { field: "url", .. } => Self::Refused("Invalid \"url\" property".to_owned()),
            Failure::Invalid { field, problem } => {
                let field = if field == "name" { "instanceName" } else { field };
                Self::Refused(format!("Invalid \"{field}\" property: {problem}"))
            }
            other => Self::Other(other),
        }
    }

    /// There is no session to end or to open again.
    pub(super) fn not_connected(name: &str) -> Self {
        Self::Refused(format!("The \"{name}\" instance is not connected"))
    }

    /// Nothing can be done with the number now.
    pub(super) const fn banned() -> Self {
        Self::Other(Failure::Rejected(RejectionCodeV1::Banned))
    }

    /// No such path or method. A token that stands in the path is not repeated.
    pub(super) fn unknown_route(method: &Method, uri: &Uri) -> Self {
        Self::UnknownRoute(format!("Cannot {method} {}", masked(uri.path(), &WORDS)))
    }

    fn parts(self) -> (StatusCode, ErrorMessage) {
        use ErrorMessage as Message;
        match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, Message::Text("Unauthorized")),
            Self::NoInstance(name) => {
                (StatusCode::NOT_FOUND, Message::said(format!("The \"{name}\" instance does not exist")))
            }
            Self::NotFound(message) | Self::UnknownRoute(message) => {
                (StatusCode::NOT_FOUND, Message::said(message))
            }
            Self::NameTaken(name) => {
                (StatusCode::FORBIDDEN, Message::said(format!("This name \"{name}\" is already in use.")))
            }
            Self::Validation(message) => (StatusCode::BAD_REQUEST, Message::Validation([[message]])),
            Self::Refused(message) => (StatusCode::BAD_REQUEST, Message::said(message)),
            Self::Malformed => (StatusCode::BAD_REQUEST, Message::Text("The body is not valid JSON")),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, Message::Text("request entity too large")),
            Self::Passing(status, message) => (status, Message::said(message)),
            Self::Other(Failure::Rejected(code)) => {
                let (status, message) = rejected(code);
                (status, Message::said(message))
            }
            Self::Other(Failure::Limited { .. }) => {
                (StatusCode::TOO_MANY_REQUESTS, Message::said("Too many requests"))
            }
            Self::Other(failure) => {
                crate::http::log_unavailable(&failure);
                let message = "The service is not available, try again";
                (StatusCode::SERVICE_UNAVAILABLE, Message::said(message))
            }
        }
    }
}

const fn rejected(code: RejectionCodeV1) -> (StatusCode, &'static str) {
    match code {
        RejectionCodeV1::Banned => (StatusCode::BAD_REQUEST, "The number is banned at this moment"),
        RejectionCodeV1::Damaged => {
            (StatusCode::INTERNAL_SERVER_ERROR, "The history of the instance is damaged")
        }
        RejectionCodeV1::UpgradeNeeded => (StatusCode::INTERNAL_SERVER_ERROR, crate::app::UPGRADE_NEEDED),
        RejectionCodeV1::StateTooLarge | RejectionCodeV1::WebhooksTooLarge => {
            (StatusCode::BAD_REQUEST, "The settings and the webhook are larger than allowed")
        }
        _ => (StatusCode::BAD_REQUEST, "The instance does not allow this at this moment"),
    }
}

impl From<BodyError> for EvolutionError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::Broken => Self::Malformed,
            BodyError::Busy => Self::Other(BodyError::busy()),
        }
    }
}

impl IntoResponse for EvolutionError {
    fn into_response(self) -> Response {
        let retry = match &self {
            Self::Other(failure) => failure.retry_after_seconds(),
            _ => None,
        };
        // The product names the wrong reason for a body that its parser refuses.
        let parser = matches!(self, Self::Malformed | Self::TooLarge);
        let (status, message) = self.parts();
        let reason =
            if parser { "Internal Server Error" } else { status.canonical_reason().unwrap_or_default() };
        let body = ErrorBody { status: status.as_u16(), error: reason, response: ErrorResponse { message } };
        let mut response = (status, Json(body)).into_response();
        if let Some(seconds) = retry {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
