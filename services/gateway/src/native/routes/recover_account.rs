//! `POST /v1/deliveries/recover`

use axum::{extract::State, http::StatusCode, response::Response};
use berth_proto::{AccountId, EndpointId, query::InstanceQueryV1};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    list::{read_cursor, write_cursor},
    redelivery::read_since,
};
use crate::{
    app::{App, Failure, Principal, Recovered},
    native::{body::Json, call::Caller, problem::Problem, render::answer},
};

/// Instances that one request is about.
const INSTANCES_MAX: u16 = 100;

/// From when on is sent again, and to whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"since": "2026-11-21T12:00:00Z"})))]
pub(super) struct RecoverAccountRequest {
    /// About what happened at this moment or later, at most 14 days ago.
    since: String,
    /// The `next_cursor` of the answer before: the next 100 instances.
    cursor: Option<String>,
}

/// What is on its way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({"deliveries": 1204, "silent": 3, "more": false, "next_cursor": null})))]
pub(super) struct RecoveredBody {
    /// Deliveries that are sent again, or tried now.
    deliveries: u32,
    /// Endpoints that may be told nothing now, since their instance is silent.
    silent: u32,
    /// Whether an endpoint has more than one request brings back: send it again.
    more: bool,
    /// Where the next instances begin; none after the last one.
    next_cursor: Option<String>,
}

/// Sends the enabled endpoints of all instances, and those of the account itself, again, in order and under the same ids, what was given up since a moment
/// (exhausted, or while they were disabled), and tries now what waits. What a logout cancelled stays cancelled. One request
/// is about 100 instances at most: send it with `next_cursor` until there is none. The same request again does nothing
/// twice.
#[utoipa::path(
    post, operation_id = "recover_deliveries", path = "/v1/deliveries/recover", tag = "deliveries",
    request_body = RecoverAccountRequest, responses((status = 202, body = RecoveredBody))
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    body: Json<RecoverAccountRequest>,
) -> Result<Response, Problem> {
    let account = caller.principal.account().ok_or(Failure::Forbidden)?;
    let since = read_since(&app, &body.value.since)?;
    let after = body.value.cursor.as_deref().map(read_cursor).transpose()?;
    let (records, next_cursor) = if let Principal::Instance { .. } = caller.principal {
        (vec![app.records.read_own(&caller.principal).await?], None)
    } else {
        let query = InstanceQueryV1 { after, limit: INSTANCES_MAX, ..InstanceQueryV1::default() };
        let page = app.lists.page(account, query).await?;
        let next = page.records.last().filter(|_| page.more).map(|last| write_cursor(last.id));
        (page.records, next)
    };
    let of_account = enabled_of(&app, account).await?;
    let call = caller.call("POST /v1/deliveries/recover", &body.bytes);
    let Recovered { deliveries, silent, more } =
        app.redelivery.recover_all(&call, &records, &of_account, since).await?;
    Ok(answer(StatusCode::ACCEPTED, RecoveredBody { deliveries, silent, more, next_cursor }, false))
}

/// The enabled endpoints that hear all instances of an account.
async fn enabled_of(app: &App, account: AccountId) -> Result<Vec<EndpointId>, Failure> {
    let record = app.accounts.read(account).await?;
    let enabled = record.state.webhooks.iter().filter(|one| one.enabled);
    Ok(enabled.map(|webhook| webhook.id).collect())
}
