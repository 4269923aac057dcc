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

use super::{code::Code, words};
use crate::app::{Failure, RETRY_AFTER_SECONDS, SIGNED_AFTER_SECONDS, STILL_LEAVING};

/// A problem: RFC 9457 with our `code`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(examples(json!({
    "type": "/docs#problem-no_session",
    "title": "Conflict",
    "status": 409,
    "code": "no_session",
    "detail": "The instance has no session: call connect first and link a device."
})))]
pub struct Problem {
    /// Where the code is documented.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The stable code that programs compare.
    #[schema(value_type = words::ProblemCode)]
    code: &'static str,
    /// A sentence for people: what is wrong and what to do.
    detail: String,
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
}

impl Problem {
    /// A problem with a stable code and a sentence.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let status = code.status();
        Self {
            kind: format!("/docs#problem-{}", code.text()),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code: code.text(),
            detail: detail.into(),
            retry_after_seconds: None,
        }
    }

    /// A request that is not well formed.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, detail)
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    pub(super) fn retry_after(mut self, seconds: u32) -> Self {
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
            Failure::Unauthorized => {
                Self::new(Code::Unauthorized, "Send a valid token as `Authorization: Bearer <token>`.")
            }
            Failure::Forbidden => Self::new(Code::Forbidden, "This token does not allow this operation."),
            Failure::NotFound => {
                Self::new(Code::NotFound, "There is no such instance, account or webhook for this token.")
            }
            Failure::ObservedOnly => Self::new(
                Code::ObservedOnly,
                "The instance is on an upstream that is only observed: nothing is asked of that.",
            ),
            Failure::Invalid { field, problem } => Self::invalid(format!("`{field}`: {problem}.")),
            Failure::Limited { retry_after_seconds } => {
                Self::new(Code::RateLimited, "Too many requests: wait and try again.")
                    .retry_after(retry_after_seconds)
            }
            Failure::NotSignedYet { trouble } => {
                let detail = match trouble {
                    Some(trouble) => {
                        format!("No checkpoint has it, and there is trouble with the next one: {trouble}.")
                    }
                    None => {
                        "No checkpoint has it yet: send the same request again after the next one.".to_owned()
                    }
                };
                Self::new(Code::NotSignedYet, detail).retry_after(SIGNED_AFTER_SECONDS)
            }
            Failure::Unavailable { part, .. } => {
                crate::http::log_unavailable(&failure);
                let detail = format!(
                    "A part of the service is not available at this moment ({part}); send the same request again."
                );
                Self::new(Code::Unavailable, detail).retry_after(RETRY_AFTER_SECONDS)
            }
            Failure::Rejected(code) => rejected(code),
        }
    }
}

fn rejected(code: RejectionCodeV1) -> Problem {
    use RejectionCodeV1 as Rejection;
    match code {
        Rejection::NotFound => Failure::NotFound.into(),
        Rejection::NotForSender => Failure::Forbidden.into(),
        Rejection::StaleCredential => Failure::Unauthorized.into(),
        Rejection::Deleted => Problem::new(Code::Deleted, "The instance is deleted."),
        Rejection::NoSession => Problem::new(
            Code::NoSession,
            "The instance has no session: call connect first and link a device.",
        ),
        Rejection::Banned => Problem::new(
            Code::Banned,
            "The number is banned at this moment; see `pause.until` of the instance.",
        ),
        Rejection::HasSession => {
            Problem::new(Code::HasSession, "The instance has a session or an attempt: log it out first.")
        }
        Rejection::StaleAttempt | Rejection::StaleEpoch | Rejection::OutOfPlace => {
            Problem::new(Code::OutOfPlace, "The state of the instance does not allow this.")
        }
        Rejection::KeyReused => Problem::new(
            Code::IdempotencyKeyReused,
            "This Idempotency-Key was used for another request: make a new one for each request.",
        ),
        Rejection::NameTaken => Problem::new(Code::NameTaken, "This name is taken: choose another."),
        Rejection::StillLeaving => Problem::new(Code::StillLeaving, format!("{STILL_LEAVING}.")),
        Rejection::TokenTaken => {
            Problem::new(Code::TokenTaken, "This token is taken: choose another or leave it out.")
        }
        Rejection::NumberTaken => Problem::new(Code::NumberTaken, "No free number was found: try again."),
        Rejection::AliasTaken => {
            Problem::new(Code::AliasTaken, "The account has an instance with this foreign id.")
        }
        Rejection::UnknownWebhook => Problem::new(Code::NotFound, "The instance has no such webhook."),
        Rejection::TooManyWebhooks => Problem::new(
            Code::TooManyWebhooks,
            "The instance or account has as many webhooks as it may have.",
        ),
        Rejection::WebhooksTooLarge => Problem::new(
            Code::WebhooksTooLarge,
            "The webhook configuration of an instance or account is at most 16 KiB.",
        ),
        Rejection::StateTooLarge => Problem::new(
            Code::StateTooLarge,
            "The settings and webhooks of an instance are larger than allowed.",
        ),
        Rejection::Changed => {
            Problem::new(Code::Changed, "Somebody else changed it meanwhile: read it and try again.")
        }
        Rejection::Exists => Problem::new(Code::Exists, "It exists already."),
        Rejection::UpgradeNeeded => Problem::new(
            Code::UpgradeNeeded,
            "The deployment still writes the formats of an earlier release, which cannot say this: its operator has to \
             raise the write version first (`berth upgrade`).",
        ),
        Rejection::Damaged => {
            error!("a request was refused since the last commit of its instance is damaged");
            Problem::new(
                Code::HistoryDamaged,
                "The last entry of the instance's history is damaged: an operator has to look at it.",
            )
        }
    }
}
