//! Errors as problem details (RFC 9457) with a stable `code`.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use berth_proto::frame::RejectionCodeV1;
use serde::Serialize;
use tracing::error;
use utoipa::ToSchema;

use crate::app::{Failure, RETRY_AFTER_SECONDS};

/// A problem: RFC 9457 with our `code`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// Where the code is documented.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The stable code that programs compare.
    code: &'static str,
    /// A sentence for people: what is wrong and what to do.
    detail: String,
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
}

impl Problem {
    /// A problem with a status, a stable code and a sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/docs#problem-{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            retry_after_seconds: None,
        }
    }

    /// A request that is not well formed.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
    }

    fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after_seconds;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unauthorized => Self::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "Send a valid token as `Authorization: Bearer <token>`.",
            ),
            Failure::Forbidden => {
                Self::new(StatusCode::FORBIDDEN, "forbidden", "This token does not allow this operation.")
            }
            Failure::NotFound => Self::new(
                StatusCode::NOT_FOUND,
                "not_found",
                "There is no such instance, account or webhook for this token.",
            ),
            Failure::Invalid { field, problem } => Self::invalid(format!("`{field}`: {problem}.")),
            Failure::Limited { retry_after_seconds } => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "Too many requests: wait and try again.",
            )
            .retry_after(retry_after_seconds),
            Failure::Unavailable { .. } => {
                crate::http::log_unavailable(&failure);
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "unavailable",
                    "A part of the service does not answer at this moment; send the same request again.",
                )
                .retry_after(RETRY_AFTER_SECONDS)
            }
            Failure::Rejected { code, .. } => rejected(code),
        }
    }
}

fn rejected(code: RejectionCodeV1) -> Problem {
    use RejectionCodeV1 as Code;
    let conflict = |code, detail| Problem::new(StatusCode::CONFLICT, code, detail);
    match code {
        Code::NotFound => Failure::NotFound.into(),
        Code::StaleCredential => Failure::Unauthorized.into(),
        Code::Deleted => Problem::new(StatusCode::GONE, "deleted", "The instance is deleted."),
        Code::NoSession => {
            conflict("no_session", "The instance has no session: call connect first and link a device.")
        }
        Code::Banned => {
            conflict("banned", "The number is banned at this moment; see `pause.until` of the instance.")
        }
        Code::HasSession => {
            conflict("has_session", "The instance has a session or an attempt: log it out first.")
        }
        Code::StaleAttempt | Code::StaleEpoch | Code::OutOfPlace => {
            conflict("out_of_place", "The state of the instance does not allow this.")
        }
        Code::KeyReused => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request: make a new one for each request.",
        ),
        Code::NameTaken => conflict("name_taken", "This name is taken: choose another."),
        Code::TokenTaken => conflict("token_taken", "This token is taken: choose another or leave it out."),
        Code::NumberTaken => conflict("number_taken", "No free number was found: try again."),
        Code::AliasTaken => conflict("alias_taken", "The account has an instance with this foreign id."),
        Code::UnknownWebhook => {
            Problem::new(StatusCode::NOT_FOUND, "not_found", "The instance has no such webhook.")
        }
        Code::TooManyWebhooks => {
            conflict("too_many_webhooks", "The instance has as many webhooks as it may have.")
        }
        Code::WebhooksTooLarge => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "webhooks_too_large",
            "The webhook configuration of an instance is at most 16 KiB.",
        ),
        Code::StateTooLarge => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "state_too_large",
            "The settings and webhooks of an instance are larger than allowed.",
        ),
        Code::Changed => conflict("changed", "Somebody else changed it meanwhile: read it and try again."),
        Code::Exists => conflict("exists", "It exists already."),
        Code::Damaged => {
            error!("a request was refused since the last commit of its instance is damaged");
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "history_damaged",
                "The last entry of the instance's history is damaged: an operator has to look at it.",
            )
        }
    }
}
