//! `GET /v1/instances/{i}/webhooks/{w}/deliveries/{d}`

use axum::{extract::State, http::StatusCode, response::Response};
use berth_proto::{CommandId, attempt::AttemptResultV1};
use serde::Serialize;
use utoipa::ToSchema;

use super::{deliveries::DeliveryBody, get::find_with_deleted};
use crate::{
    app::{App, Attempt, Failure},
    native::{
        call::{Caller, KeyWebhookAndDelivery},
        problem::Problem,
        render::{answer, time},
        words::AttemptResult,
    },
};

/// What can come of an attempt, in words.
pub(in crate::native) const RESULTS: [&str; 9] =
    ["answered", "refused", "invalid", "name", "connect", "timed_out", "broken", "not_sent", "unreadable"];

/// What came of an attempt, and the status of its answer.
pub(super) const fn result_word(result: AttemptResultV1) -> (&'static str, Option<u16>) {
    match result {
        AttemptResultV1::Answered { status } => ("answered", Some(status)),
        AttemptResultV1::Refused => ("refused", None),
        AttemptResultV1::Invalid => ("invalid", None),
        AttemptResultV1::Name => ("name", None),
        AttemptResultV1::Connect => ("connect", None),
        AttemptResultV1::TimedOut => ("timed_out", None),
        AttemptResultV1::Broken => ("broken", None),
        AttemptResultV1::NotSent => ("not_sent", None),
        AttemptResultV1::Unreadable => ("unreadable", None),
    }
}

/// A delivery with its attempts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveryDetailBody {
    /// The delivery.
    delivery: DeliveryBody,
    /// Its attempts, the oldest first: the last 40.
    attempts: Vec<AttemptBody>,
}

/// An attempt.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "number": 1, "started_at": "2026-11-21T10:07:38.702Z", "took_ms": 41, "result": "answered", "status": 503,
    "answer": "upstream is down"
})))]
pub(super) struct AttemptBody {
    /// Its number, from 1; from 1 again after the delivery was sent again on request.
    number: u16,
    /// When it began.
    started_at: String,
    /// How long it took, in milliseconds; none while it runs, or if nobody knows how it ended.
    took_ms: Option<u32>,
    /// What came of it: `answered`, or why there was no answer.
    #[schema(value_type = Option<AttemptResult>)]
    result: Option<&'static str>,
    /// The status of the answer.
    status: Option<u16>,
    /// The beginning of the answer's body, at most 8 KiB, without the secrets that the endpoint was sent. Nothing of what
    /// is answered to a code is kept.
    answer: Option<String>,
}

/// Shows a delivery with every attempt that is kept.
#[utoipa::path(
    get, operation_id = "get_webhook_delivery", path = "/v1/instances/{i}/webhooks/{w}/deliveries/{d}",
    tag = "deliveries",
    params(
        ("i" = String, Path, description = "Id, name or number; the id also after a delete"),
        ("w" = String, Path, description = "Id"), ("d" = String, Path, description = "The `webhook-id`: `msg_…`")
    ),
    responses((status = 200, body = DeliveryDetailBody))
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    key: KeyWebhookAndDelivery,
) -> Result<Response, Problem> {
    let KeyWebhookAndDelivery(instance, webhook, delivery) = key;
    let record = find_with_deleted(&app, &caller.principal, &instance).await?;
    let id = read_id(&delivery)?;
    let (delivery, attempts) = app.deliveries.one(&record, webhook, id).await?;
    let body = DeliveryDetailBody {
        delivery: DeliveryBody::of(&delivery),
        attempts: attempts.iter().map(AttemptBody::of).collect(),
    };
    Ok(answer(StatusCode::OK, body, false))
}

/// The id of a delivery, as it stands in `webhook-id`.
pub(super) fn read_id(text: &str) -> Result<CommandId, Failure> {
    text.strip_prefix("msg_").and_then(|id| id.parse().ok()).ok_or(Failure::NotFound)
}

impl AttemptBody {
    fn of(shown: &Attempt) -> Self {
        let Attempt { attempt, answer } = shown;
        let (result, status) = attempt.end.as_ref().map(|end| result_word(end.result)).unzip();
        Self {
            number: attempt.number,
            started_at: time(attempt.started_at),
            took_ms: attempt.end.as_ref().map(|end| end.took_ms),
            result,
            status: status.flatten(),
            answer: answer.clone(),
        }
    }
}
