//! Errors in this dialect's words. The texts `UNAUTHORIZED`, `Instance not found` and `User is already logged
//! in` are the product's; the others are ours, since it does not document them.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use berth_proto::frame::RejectionCodeV1;
use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::{Object, ObjectBuilder, Type},
};

use crate::{app::Failure, http::body::BodyError};

/// The body of an error, which comes with 200 too: see [`MegaError::AlreadyLoggedIn`].
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorBody {
    #[schema(schema_with = only_true)]
    error: bool,
    message: String,
}

/// The schema of a flag that is always true; it tells an error with status 200 from a success.
fn only_true() -> Object {
    ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true])).build()
}

/// Why a request was not done.
#[derive(Debug)]
pub(super) enum MegaError {
    /// No token, a wrong one, or another instance's.
    Unauthorized,
    /// No such instance in the account.
    NotFound,
    /// No such path or method.
    UnknownRoute,
    /// A device is linked already; 200, since the client that reads this text does not look at the status.
    AlreadyLoggedIn,
    /// No code in time, or none is possible; 200 for the same reason.
    NoCode(&'static str),
    /// The method needs a linked device.
    NotConnected,
    /// Messages are not this service's.
    NotOurs,
    /// Something in the request is not as expected.
    Invalid(String),
    /// Larger than the bound.
    TooLarge,
    /// Anything else.
    Other(Failure),
}

impl From<Failure> for MegaError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unauthorized | Failure::Forbidden => Self::Unauthorized,
            Failure::NotFound | Failure::Rejected(RejectionCodeV1::Deleted | RejectionCodeV1::NotFound) => {
                Self::NotFound
            }
            Failure::Invalid { field, problem } => Self::Invalid(format!("{field}: {problem}")),
            other => Self::Other(other),
        }
    }
}

impl From<BodyError> for MegaError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::Broken => Self::Invalid("The body could not be read".to_owned()),
            BodyError::Busy => Self::Other(BodyError::busy()),
        }
    }
}

impl IntoResponse for MegaError {
    fn into_response(self) -> Response {
        let retry = match &self {
            Self::Other(failure) => failure.retry_after_seconds(),
            _ => None,
        };
        let (status, message) = match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED".to_owned()),
            Self::NotFound => (StatusCode::NOT_FOUND, "Instance not found".to_owned()),
            Self::UnknownRoute => (StatusCode::NOT_FOUND, "Route not found".to_owned()),
            Self::AlreadyLoggedIn => (StatusCode::OK, "User is already logged in".to_owned()),
            Self::NoCode(reason) => (StatusCode::OK, reason.to_owned()),
            Self::NotConnected => (StatusCode::BAD_REQUEST, "Instance is not connected".to_owned()),
            Self::NotOurs => {
                (StatusCode::NOT_IMPLEMENTED, "Messages are not handled by this service".to_owned())
            }
            Self::Invalid(message) => (StatusCode::BAD_REQUEST, message),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 1 MiB".to_owned()),
            Self::Other(failure) => other(&failure),
        };
        let mut response = (status, Json(ErrorBody { error: true, message })).into_response();
        if let Some(seconds) = retry {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

fn other(failure: &Failure) -> (StatusCode, String) {
    match failure {
        Failure::Rejected(RejectionCodeV1::NameTaken | RejectionCodeV1::AliasTaken) => {
            (StatusCode::CONFLICT, "Instance already exists".to_owned())
        }
        Failure::Rejected(RejectionCodeV1::TokenTaken) => {
            (StatusCode::CONFLICT, "Token already exists".to_owned())
        }
        Failure::Rejected(RejectionCodeV1::StillLeaving) => {
            (StatusCode::CONFLICT, crate::app::STILL_LEAVING.to_owned())
        }
        Failure::Rejected(RejectionCodeV1::NoSession) => {
            (StatusCode::BAD_REQUEST, "Instance is not connected".to_owned())
        }
        Failure::Rejected(RejectionCodeV1::Damaged) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "The history of the instance is damaged".to_owned())
        }
        Failure::Rejected(RejectionCodeV1::UpgradeNeeded) => {
            (StatusCode::INTERNAL_SERVER_ERROR, crate::app::UPGRADE_NEEDED.to_owned())
        }
        Failure::Rejected(_) => (StatusCode::BAD_REQUEST, "The instance does not allow this now".to_owned()),
        Failure::Limited { .. } => (StatusCode::TOO_MANY_REQUESTS, "Too many requests".to_owned()),
        failure => {
            crate::http::log_unavailable(failure);
            (StatusCode::SERVICE_UNAVAILABLE, "The service is not available, try again".to_owned())
        }
    }
}
