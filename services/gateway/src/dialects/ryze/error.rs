//! Errors in this dialect's words. Clients tell them apart by status and text, so the documented texts are
//! exact; the others follow their style.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use berth_proto::frame::RejectionCodeV1;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::{Failure, STILL_LEAVING, UPGRADE_NEEDED},
    http::body::BodyError,
};

/// The body of an error.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorBody {
    /// `false`.
    success: bool,
    error: ErrorMessage,
}

/// What an error says.
#[derive(Debug, Serialize, ToSchema)]
struct ErrorMessage {
    message: String,
}

/// Why a request was not done.
#[derive(Debug)]
pub(super) enum RyzeError {
    /// No token or a wrong one.
    Unauthorized,
    /// No token where the three carriers are named.
    MissingToken,
    /// An instance's token on another instance.
    OtherInstance,
    /// No such instance in the account.
    NotFound,
    /// No such webhook.
    WebhookNotFound,
    /// The WebSocket was never configured.
    WebSocketNotConfigured,
    /// No such path or method.
    UnknownRoute,
    /// There is no session to open again.
    NoSession,
    /// The number is not one.
    InvalidNumber,
    /// Not JSON, or of the wrong types.
    InvalidBody,
    /// An update without anything to update.
    NothingToUpdate,
    /// Something in the request is not as expected.
    Invalid(String),
    /// More than the rate limit.
    Limited,
    /// What the route could not do, with its reason: `Failed to …`.
    Failed(&'static str, Failure),
    /// No code in time.
    NoCode,
    /// Taken: a name, a token or a webhook's label.
    Conflict(&'static str),
}

impl RyzeError {
    /// A failure of a route whose general failure is called `what`.
    pub(super) fn of(what: &'static str, failure: Failure) -> Self {
        match failure {
            Failure::Unauthorized | Failure::Forbidden => Self::Unauthorized,
            Failure::NotFound | Failure::Rejected(RejectionCodeV1::Deleted | RejectionCodeV1::NotFound) => {
                Self::NotFound
            }
            Failure::Rejected(RejectionCodeV1::NoSession) => Self::NoSession,
            Failure::Rejected(RejectionCodeV1::NameTaken | RejectionCodeV1::AliasTaken) => {
                Self::Conflict("Instance already exists")
            }
            Failure::Rejected(RejectionCodeV1::TokenTaken) => Self::Conflict("Token already exists"),
            Failure::Rejected(RejectionCodeV1::StillLeaving) => Self::Conflict(STILL_LEAVING),
            Failure::Rejected(RejectionCodeV1::TooManyWebhooks) => {
                Self::Invalid("Maximum of 3 enabled webhooks per instance".to_owned())
            }
            Failure::Invalid { field, problem } => Self::Invalid(format!("Invalid {field}: {problem}")),
            other => Self::Failed(what, other),
        }
    }
}

impl From<BodyError> for RyzeError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::Invalid("Request body too large".to_owned()),
            BodyError::Broken => Self::InvalidBody,
            BodyError::Busy => Self::of("Failed to read the body", BodyError::busy()),
        }
    }
}

impl IntoResponse for RyzeError {
    fn into_response(self) -> Response {
        let retry = match &self {
            Self::Failed(_, failure) => failure.retry_after_seconds(),
            _ => None,
        };
        let (status, message) = self.parts();
        let body = ErrorBody { success: false, error: ErrorMessage { message } };
        let mut response = (status, Json(body)).into_response();
        if let Some(seconds) = retry {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl RyzeError {
    fn parts(self) -> (StatusCode, String) {
        let (status, message) = match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "Invalid token"),
            Self::MissingToken => (
                StatusCode::UNAUTHORIZED,
                "Missing token in header, Authorization header, or query parameter",
            ),
            Self::OtherInstance => {
                (StatusCode::FORBIDDEN, "Instance token does not match the requested instance")
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "Instance not found"),
            Self::WebhookNotFound => (StatusCode::NOT_FOUND, "Webhook not found"),
            Self::WebSocketNotConfigured => {
                (StatusCode::NOT_FOUND, "WebSocket not configured for this instance")
            }
            Self::UnknownRoute => (StatusCode::NOT_FOUND, "Route not found"),
            Self::NoSession => {
                (StatusCode::BAD_REQUEST, "Instance has no saved session \u{2014} call /connect first")
            }
            Self::InvalidNumber => (StatusCode::BAD_REQUEST, "Invalid number"),
            Self::InvalidBody => (StatusCode::BAD_REQUEST, "Invalid request body"),
            Self::NothingToUpdate => (StatusCode::BAD_REQUEST, "At least one setting must be provided"),
            Self::Invalid(message) => return (StatusCode::BAD_REQUEST, message),
            Self::Limited => (StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded. Try again later."),
            Self::NoCode => {
                (StatusCode::INTERNAL_SERVER_ERROR, "Failed to connect: timed out waiting for a code")
            }
            Self::Conflict(message) => (StatusCode::CONFLICT, message),
            Self::Failed(what, failure) => return failed(what, &failure),
        };
        (status, message.to_owned())
    }
}

fn failed(what: &'static str, failure: &Failure) -> (StatusCode, String) {
    match failure {
        Failure::Limited { .. } => RyzeError::Limited.parts(),
        Failure::Rejected(RejectionCodeV1::Banned) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("{what}: the number is banned"))
        }
        Failure::Rejected(RejectionCodeV1::Damaged) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("{what}: the history of the instance is damaged"))
        }
        Failure::Rejected(RejectionCodeV1::UpgradeNeeded) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("{what}: {UPGRADE_NEEDED}"))
        }
        Failure::Rejected(RejectionCodeV1::StateTooLarge | RejectionCodeV1::WebhooksTooLarge) => {
            (StatusCode::BAD_REQUEST, format!("{what}: the settings and webhooks are larger than allowed"))
        }
        Failure::Rejected(_) => {
            (StatusCode::BAD_REQUEST, format!("{what}: the instance does not allow this now"))
        }
        failure => {
            crate::http::log_unavailable(failure);
            (StatusCode::SERVICE_UNAVAILABLE, format!("{what}: the service is not available"))
        }
    }
}
