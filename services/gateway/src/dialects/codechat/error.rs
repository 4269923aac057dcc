//! Errors in the shape of the product's framework: `{"statusCode", "message", "error"}`.

use axum::{
    Json,
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use berth_proto::frame::RejectionCodeV1;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::Failure,
    http::{body::BodyError, masked},
};

/// Words of the paths of this dialect.
const WORDS: [&str; 27] = [
    "api",
    "v2",
    "admin",
    "business",
    "instance",
    "search",
    "connected",
    "move-whatsapp",
    "move-instance",
    "refresh-token",
    "token",
    "regenerate",
    "toggle-activate",
    "webhook",
    "connect",
    "qrcode",
    "connection-state",
    "restart",
    "logout",
    "reload",
    "proxy",
    "socket",
    "events",
    "message",
    "chat",
    "group",
    "status",
];

/// The body of an error.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorBody {
    /// The HTTP status.
    status_code: u16,
    message: ErrorMessage,
    /// The status in words; not with 401.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// A string where the framework of the product answers, an array where a handler does.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum ErrorMessage {
    Text(String),
    Said([String; 1]),
}

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
    /// The instance is not registered for the socket.
    SocketNotFound,
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
            Failure::Rejected(RejectionCodeV1::NameTaken) => {
                Self::Conflict("The business name is already in use")
            }
            Failure::Rejected(RejectionCodeV1::TooManyWebhooks | RejectionCodeV1::WebhooksTooLarge) => {
                Self::Conflict("The business has no room for this webhook")
            }
            other => other.into(),
        }
    }

    /// No such path or method. A token that stands in the path is not repeated.
    pub(super) fn unknown_route(method: &Method, uri: &Uri) -> Self {
        Self::UnknownRoute(format!("Cannot {method} {}", masked(uri.path(), &WORDS)))
    }

    fn parts(self) -> (StatusCode, ErrorMessage) {
        let text = |message: &str| ErrorMessage::Text(message.to_owned());
        let said = |message: &str| ErrorMessage::Said([message.to_owned()]);
        match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, text("Unauthorized")),
            Self::Forbidden => (StatusCode::FORBIDDEN, text("Forbidden resource")),
            Self::Inactive => (StatusCode::FORBIDDEN, said("Inactive instance")),
            Self::NotFound => (StatusCode::NOT_FOUND, said("Instance not found")),
            Self::BusinessNotFound => (StatusCode::NOT_FOUND, said("Business not found")),
            Self::SocketNotFound => (StatusCode::NOT_FOUND, said("Socket not found")),
            Self::WebhookNotFound => (StatusCode::NOT_FOUND, said("Webhook not found")),
            Self::UnknownRoute(message) => (StatusCode::NOT_FOUND, ErrorMessage::Text(message)),
            Self::NotConnected => (StatusCode::BAD_REQUEST, said("Instance is not connected")),
            Self::Connected => (
                StatusCode::BAD_REQUEST,
                said("The instance needs to be disconnected, or \"force\" to be true"),
            ),
            Self::Invalid(message) => (StatusCode::BAD_REQUEST, ErrorMessage::Said([message])),
            Self::Conflict(message) => (StatusCode::BAD_REQUEST, said(message)),
            Self::NotImplemented(message) => (StatusCode::NOT_IMPLEMENTED, said(message)),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, said("request entity too large")),
            Self::Other(Failure::Rejected(RejectionCodeV1::Damaged)) => {
                (StatusCode::INTERNAL_SERVER_ERROR, said("The history of the instance is damaged"))
            }
            Self::Other(Failure::Rejected(RejectionCodeV1::UpgradeNeeded)) => {
                (StatusCode::INTERNAL_SERVER_ERROR, said(crate::app::UPGRADE_NEEDED))
            }
            Self::Other(Failure::Rejected(_)) => {
                (StatusCode::BAD_REQUEST, said("The instance does not allow this at this moment"))
            }
            Self::Other(Failure::Limited { .. }) => {
                (StatusCode::TOO_MANY_REQUESTS, said("Too many requests"))
            }
            Self::Other(failure) => {
                crate::http::log_unavailable(&failure);
                (StatusCode::SERVICE_UNAVAILABLE, said("The service is not available, try again"))
            }
        }
    }
}

impl From<Failure> for CodeChatError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unauthorized => Self::Unauthorized,
            Failure::Forbidden => Self::Forbidden,
            Failure::NotFound | Failure::Rejected(RejectionCodeV1::Deleted | RejectionCodeV1::NotFound) => {
                Self::NotFound
            }
            Failure::Rejected(RejectionCodeV1::NoSession) => Self::NotConnected,
            Failure::Rejected(RejectionCodeV1::HasSession) => Self::Connected,
            Failure::Rejected(RejectionCodeV1::UnknownWebhook) => Self::WebhookNotFound,
            Failure::Rejected(RejectionCodeV1::NameTaken) => {
                Self::Conflict("The instance name is already in use")
            }
            Failure::Rejected(RejectionCodeV1::StillLeaving) => Self::Conflict(crate::app::STILL_LEAVING),
            Failure::Rejected(RejectionCodeV1::Exists) => {
                Self::Conflict("The webhook name is already in use")
            }
            Failure::Rejected(RejectionCodeV1::TooManyWebhooks | RejectionCodeV1::WebhooksTooLarge) => {
                Self::Conflict("The instance has no room for another webhook")
            }
            Failure::Rejected(RejectionCodeV1::AliasTaken) => {
                Self::Conflict("The externalId is already in use")
            }
            // A webhook's label is its name here.
            Failure::Invalid { field: "label", problem } => Self::Invalid(format!("name: {problem}")),
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
            BodyError::Busy => Self::Other(BodyError::busy()),
        }
    }
}

impl IntoResponse for CodeChatError {
    fn into_response(self) -> Response {
        let retry = match &self {
            Self::Other(failure) => failure.retry_after_seconds(),
            _ => None,
        };
        let (status, message) = self.parts();
        let error = status.canonical_reason().filter(|_| status != StatusCode::UNAUTHORIZED);
        let body = ErrorBody { status_code: status.as_u16(), message, error };
        let mut response = (status, Json(body)).into_response();
        if let Some(seconds) = retry {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
