//! `GET /v1/counts`

use axum::{extract::State, http::StatusCode, response::Response};
use berth_domain::instance::state_word;
use berth_proto::query::CountsV1;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::{App, Failure, Principal},
    native::{call::Caller, problem::Problem, render::answer},
};

/// How many instances are in each state.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "states": {
        "created": 1, "connecting": 0, "pairing": 2, "linked": 40, "paused": 1, "logged_out": 3, "deleted": 9
    },
    "lag_ms": 0
})))]
pub(super) struct CountsBody {
    /// By state.
    states: StatesBody,
    /// Milliseconds that this is behind; reads of one instance never are.
    lag_ms: u64,
}

/// The number of instances for each state.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct StatesBody {
    created: u64,
    connecting: u64,
    pairing: u64,
    linked: u64,
    paused: u64,
    logged_out: u64,
    deleted: u64,
}

impl StatesBody {
    fn of(counts: &CountsV1) -> Self {
        let count = |word: &str| counts.states.iter().find(|(known, _)| known == word).map_or(0, |(_, n)| *n);
        Self {
            created: count("created"),
            connecting: count("connecting"),
            pairing: count("pairing"),
            linked: count("linked"),
            paused: count("paused"),
            logged_out: count("logged_out"),
            deleted: count("deleted"),
        }
    }
}

/// Counts the account's instances by their states; an instance's token counts its own only.
#[utoipa::path(
    get, operation_id = "count_instances", path = "/v1/counts", tag = "instances",
    responses((status = 200, body = CountsBody))
)]
pub(super) async fn handler(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let counts = if let Principal::Instance { .. } = caller.principal {
        let record = app.records.read_own(&caller.principal).await?;
        CountsV1 { states: vec![(state_word(&record.state.phase).to_owned(), 1)], lag_ms: 0 }
    } else {
        let account = caller.principal.account().ok_or(Failure::Forbidden)?;
        app.lists.counts(account).await?
    };
    let body = CountsBody { states: StatesBody::of(&counts), lag_ms: counts.lag_ms };
    Ok(answer(StatusCode::OK, body, false))
}
