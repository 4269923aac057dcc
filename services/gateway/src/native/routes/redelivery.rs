//! `POST …/webhooks/{w}/retry`, `…/recover`, `…/test` and `…/deliveries/{d}/resend`

use axum::{extract::State, http::StatusCode, response::Response};
use berth_proto::{EndpointId, Timestamp, delivery::SettlementV1};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    attempts::{read_id, result_word},
    deliveries::moment,
    get::find_to_change,
};
use crate::{
    app::{App, Failure, Record, Redelivered, Tested},
    native::{
        body::Json,
        call::{Caller, KeyAndWebhook, KeyWebhookAndDelivery},
        code::Code,
        problem::Problem,
        render::answer,
        words::AttemptResult,
    },
};

/// The furthest that is recovered: fourteen days.
const RECOVERED_SECONDS_MAX: i64 = 14 * 24 * 60 * 60;

/// Nothing is said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EmptyRequest {}

/// From when on is sent again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"since": "2026-11-21T12:00:00Z"})))]
pub(super) struct RecoverRequest {
    /// About what happened at this moment or later, at most 14 days ago.
    since: String,
}

/// What is on its way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({"deliveries": 12, "more": false})))]
pub(super) struct RedeliveredBody {
    /// Deliveries that are sent again, or tried now.
    deliveries: u32,
    /// Whether there are more than one request brings back: send it again.
    more: bool,
}

/// What a test came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "id": "msg_5tigptn6stt118p4mhs3rj1plo", "delivered": true, "took_ms": 41, "result": "answered", "status": 204,
    "answer": null
})))]
pub(super) struct TestedBody {
    /// Its `webhook-id`.
    id: String,
    /// Whether the endpoint took it.
    delivered: bool,
    /// How long it took, in milliseconds.
    took_ms: u32,
    /// What came of it: `answered`, or why there was no answer.
    #[schema(value_type = AttemptResult)]
    result: &'static str,
    /// The status of the answer.
    status: Option<u16>,
    /// The beginning of the answer's body, at most 8 KiB, without the secrets that the endpoint was sent.
    answer: Option<String>,
}

/// Sends one delivery again, whatever became of it, under the same id and in its place; one that waits is tried now. A code
/// is never sent again.
#[utoipa::path(
    post, operation_id = "resend_delivery", path = "/v1/instances/{i}/webhooks/{w}/deliveries/{d}/resend",
    tag = "deliveries", request_body = EmptyRequest,
    params(
        ("i" = String, Path, description = "Id, name or number"), ("w" = String, Path, description = "Id"),
        ("d" = String, Path, description = "The `webhook-id`: `msg_…`")
    ),
    responses(
        (status = 202, body = RedeliveredBody), (status = 409, body = Problem), (status = 410, body = Problem)
    )
)]
pub(super) async fn resend(
    State(app): State<App>,
    caller: Caller,
    key: KeyWebhookAndDelivery,
    body: Json<EmptyRequest>,
) -> Result<Response, Problem> {
    let KeyWebhookAndDelivery(instance, webhook, delivery) = key;
    let record = find_to_change(&app, &caller.principal, &instance).await?;
    check(&app, &record, webhook).await?;
    let id = read_id(&delivery)?;
    let call = caller.call("POST /v1/instances/{i}/webhooks/{w}/deliveries/{d}/resend", &body.bytes);
    redelivered(app.redelivery.resend(&call, record.id, webhook, id).await?)
}

/// Tries now what waits for an endpoint, in order.
#[utoipa::path(
    post, operation_id = "retry_webhook", path = "/v1/instances/{i}/webhooks/{w}/retry", tag = "deliveries",
    request_body = EmptyRequest,
    params(("i" = String, Path, description = "Id, name or number"), ("w" = String, Path, description = "Id")),
    responses((status = 202, body = RedeliveredBody), (status = 410, body = Problem))
)]
pub(super) async fn retry(
    State(app): State<App>,
    caller: Caller,
    key: KeyAndWebhook,
    body: Json<EmptyRequest>,
) -> Result<Response, Problem> {
    let record = find_to_change(&app, &caller.principal, &key.0).await?;
    check(&app, &record, key.1).await?;
    let call = caller.call("POST /v1/instances/{i}/webhooks/{w}/retry", &body.bytes);
    redelivered(app.redelivery.retry_now(&call, record.id, key.1).await?)
}

/// Sends an endpoint again, in order and under the same ids, what was given up since a moment (exhausted, or while it was
/// disabled), and tries now what waits. What a logout cancelled stays cancelled.
#[utoipa::path(
    post, operation_id = "recover_webhook", path = "/v1/instances/{i}/webhooks/{w}/recover", tag = "deliveries",
    request_body = RecoverRequest,
    params(("i" = String, Path, description = "Id, name or number"), ("w" = String, Path, description = "Id")),
    responses(
        (status = 202, body = RedeliveredBody), (status = 409, body = Problem), (status = 410, body = Problem)
    )
)]
pub(super) async fn recover(
    State(app): State<App>,
    caller: Caller,
    key: KeyAndWebhook,
    body: Json<RecoverRequest>,
) -> Result<Response, Problem> {
    let record = find_to_change(&app, &caller.principal, &key.0).await?;
    check(&app, &record, key.1).await?;
    let since = read_since(&app, &body.value.since)?;
    let call = caller.call("POST /v1/instances/{i}/webhooks/{w}/recover", &body.bytes);
    redelivered(app.redelivery.recover(&call, record.id, key.1, since).await?)
}

/// Sends a notice of the type `webhook.test` once and says what came of it. It is refused while the endpoint may be told
/// nothing.
#[utoipa::path(
    post, operation_id = "test_webhook", path = "/v1/instances/{i}/webhooks/{w}/test", tag = "deliveries",
    request_body = EmptyRequest,
    params(("i" = String, Path, description = "Id, name or number"), ("w" = String, Path, description = "Id")),
    responses((status = 200, body = TestedBody), (status = 409, body = Problem), (status = 410, body = Problem))
)]
pub(super) async fn test(
    State(app): State<App>,
    caller: Caller,
    key: KeyAndWebhook,
    body: Json<EmptyRequest>,
) -> Result<Response, Problem> {
    let record = find_to_change(&app, &caller.principal, &key.0).await?;
    check(&app, &record, key.1).await?;
    let call = caller.call("POST /v1/instances/{i}/webhooks/{w}/test", &body.bytes);
    let tested = app.redelivery.test(&call, &record, key.1).await?.map_err(silent)?;
    Ok(answer(StatusCode::OK, TestedBody::of(tested), false))
}

/// From when on is sent again: a moment that is not too long ago.
pub(super) fn read_since(app: &App, text: &str) -> Result<Timestamp, Problem> {
    let since = moment("since", Some(text.to_owned()))?
        .ok_or_else(|| Problem::invalid("`since`: a moment is expected."))?;
    let now = app.now();
    if since > now || since < now.plus_seconds(-RECOVERED_SECONDS_MAX) {
        return Err(Problem::invalid("`since`: a moment of the last 14 days is expected."));
    }
    Ok(since)
}

/// Refuses what is neither an endpoint of the instance nor one of its account.
async fn check(app: &App, record: &Record, webhook: EndpointId) -> Result<(), Failure> {
    if record.state.webhooks.iter().any(|one| one.id == webhook) {
        return Ok(());
    }
    let account = app.accounts.read(record.state.account).await?;
    account.webhook(webhook).map(|_| ()).ok_or(Failure::NotFound)
}

fn redelivered(done: Redelivered) -> Result<Response, Problem> {
    match done {
        Redelivered::Done { deliveries, more } => {
            Ok(answer(StatusCode::ACCEPTED, RedeliveredBody { deliveries, more }, false))
        }
        Redelivered::Silent(by) => Err(silent(by)),
    }
}

/// Why an endpoint may be told nothing.
pub(super) fn silent(by: SettlementV1) -> Problem {
    let why = match by {
        SettlementV1::CancelledByEndpoint => "The webhook is disabled or has no URL.",
        SettlementV1::CancelledByDelete => "The instance is deleted.",
        SettlementV1::CancelledByLogout
        | SettlementV1::Superseded
        | SettlementV1::Expired
        | SettlementV1::Delivered
        | SettlementV1::Exhausted => {
            "The instance is silent: it is not linked, and its webhooks are told nothing but codes until it is."
        }
    };
    Problem::new(Code::Silent, why)
}

impl TestedBody {
    pub(super) fn of(tested: Tested) -> Self {
        use berth_proto::attempt::AfterAttemptV1;
        let (result, status) = result_word(tested.end.result);
        let delivered = AfterAttemptV1::Settled { outcome: SettlementV1::Delivered };
        Self {
            id: format!("msg_{}", tested.id),
            delivered: tested.end.then == delivered,
            took_ms: tested.end.took_ms,
            result,
            status,
            answer: tested.answer,
        }
    }
}
