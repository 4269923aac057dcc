//! Errors in this dialect's words: `{"error": text}`. The texts are the product's where it has one; what it answers with 500 although
//! the request is at fault has the status of its later releases, or one that says so.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use berth_proto::frame::RejectionCodeV1;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{app::Failure, http::body::BodyError};

/// The body of an error.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorBody {
    error: String,
}

/// Why a request was not done.
#[derive(Debug)]
pub(super) enum GoError {
    /// No key, a wrong one, or one that is not for this route.
    Unauthorized,
    /// No such instance in the account.
    NotFound,
    /// No such path or method.
    UnknownRoute,
    /// A device is linked: there is no code to scan or to type. The text says which.
    LoggedIn(&'static str),
    /// No code in time.
    NoCode(&'static str),
    /// Something in the request is not as expected.
    Invalid(String),
    /// Larger than the bound.
    TooLarge,
    /// Anything else.
    Other(Failure),
}

impl GoError {
    /// A field that is wrong.
    pub(super) fn field(name: &str, problem: &str) -> Self {
        Self::Invalid(format!("{name}: {problem}"))
    }

    fn parts(self) -> (StatusCode, String) {
        let (status, message) = match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "not authorized"),
            Self::NotFound => (StatusCode::NOT_FOUND, "instance not found"),
            Self::UnknownRoute => (StatusCode::NOT_FOUND, "page not found"),
            Self::LoggedIn(message) => (StatusCode::CONFLICT, message),
            Self::NoCode(message) => (StatusCode::BAD_REQUEST, message),
            Self::Invalid(message) => return (StatusCode::BAD_REQUEST, message),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 1 MiB"),
            Self::Other(failure) => other(&failure),
        };
        (status, message.to_owned())
    }
}

impl From<Failure> for GoError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unauthorized | Failure::Forbidden => Self::Unauthorized,
            Failure::NotFound | Failure::Rejected(RejectionCodeV1::Deleted | RejectionCodeV1::NotFound) => {
                Self::NotFound
            }
            Failure::Invalid { field, problem } => {
                Self::field(if field == "url" { "webhookUrl" } else { field }, problem)
            }
            other => Self::Other(other),
        }
    }
}

impl From<BodyError> for GoError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::Broken => Self::Invalid("the body could not be read".to_owned()),
            BodyError::Busy => Self::Other(BodyError::busy()),
        }
    }
}

impl IntoResponse for GoError {
    fn into_response(self) -> Response {
        let retry = match &self {
            Self::Other(failure) => failure.retry_after_seconds(),
            _ => None,
        };
        let (status, error) = self.parts();
        let mut response = (status, Json(ErrorBody { error })).into_response();
        if let Some(seconds) = retry {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

fn other(failure: &Failure) -> (StatusCode, &'static str) {
    use RejectionCodeV1 as Code;
    match failure {
        Failure::Rejected(Code::NameTaken | Code::AliasTaken) => {
            (StatusCode::CONFLICT, "instance already exists")
        }
        Failure::Rejected(Code::TokenTaken) => {
            (StatusCode::CONFLICT, "token already in use by another instance")
        }
        Failure::Rejected(Code::StillLeaving) => (StatusCode::CONFLICT, crate::app::STILL_LEAVING),
        Failure::Rejected(Code::NoSession) => (StatusCode::BAD_REQUEST, "no active session found"),
        Failure::Rejected(Code::Banned) => (StatusCode::CONFLICT, "the number is banned at this moment"),
        Failure::ObservedOnly => (StatusCode::CONFLICT, "the instance is only observed"),
        Failure::Rejected(Code::Damaged) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "the history of the instance is damaged")
        }
        Failure::Rejected(Code::UpgradeNeeded) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "the operator of this service has to run `berth upgrade` first",
        ),
        Failure::Rejected(_) => (StatusCode::BAD_REQUEST, "the instance does not allow this now"),
        Failure::Limited { .. } => (StatusCode::TOO_MANY_REQUESTS, "too many requests"),
        failure => {
            crate::http::log_unavailable(failure);
            (StatusCode::SERVICE_UNAVAILABLE, "the service is not available, try again")
        }
    }
}
