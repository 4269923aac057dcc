//! `GET /v1/events/feed`

use axum::{extract::State, http::StatusCode, response::Response};
use berth_bus::{
    feed::{FEED_AGE_MAX, FEED_EVENTS_MAX},
    nats::FEED_STREAM,
};
use berth_proto::subject::events_filter;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{App, Failure},
    native::{body::QueryOf, call::Caller, code::Code, problem::Problem, render::answer},
};

/// The query of the feed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct FeedQuery {
    /// The sequence of the last event that a subscriber had.
    after: Option<u64>,
}

/// Public events that are kept on NATS.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "stream": "BERTH_EVENTS", "subject": "berth.v1.events.06gvptn1m9vt9ademgnjm3g4ik.*", "kept_seconds": 604_800,
    "kept_events": 10_000_000, "first": 41_022, "last": 90_377, "missed": true
})))]
pub(super) struct FeedBody {
    /// The stream.
    stream: &'static str,
    /// The subjects of the account in it.
    subject: String,
    /// Seconds for which an event is kept.
    kept_seconds: u64,
    /// Events of the whole deployment that are kept at most.
    kept_events: u32,
    /// The sequence of the oldest event that is kept, whoever's it is.
    first: u64,
    /// The sequence of the last event.
    last: u64,
    /// Whether events after `after` are gone, which may have been the account's: read the histories then. None without `after`.
    missed: Option<bool>,
}

/// Says which public events are kept on NATS, and whether a subscriber that was away missed some. 404 in a deployment without
/// NATS, which keeps none.
#[utoipa::path(
    get, operation_id = "get_event_feed", path = "/v1/events/feed", tag = "history", params(FeedQuery),
    responses((status = 200, body = FeedBody), (status = 404, body = Problem))
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    query: QueryOf<FeedQuery>,
) -> Result<Response, Problem> {
    let account = caller.principal.account().filter(|_| caller.principal.is_account());
    let account = account.ok_or(Failure::Forbidden)?;
    let engine = app.cluster.engine().await.map_err(|error| Failure::unavailable("the deployment", error))?;
    if engine.kind != "nats" {
        return Err(Problem::new(
            Code::NotFound,
            "This deployment keeps no events on NATS: follow `GET /v1/events/stream`.",
        ));
    }
    let kept = engine.streams.into_iter().find(|stream| stream.name == FEED_STREAM);
    let kept = kept.ok_or(Failure::Unavailable { part: "the feed of public events", source: None })?;
    // A stream that was made anew ends before what was read of the former one.
    let missed = |after: u64| after.saturating_add(1) < kept.first || kept.last < after;
    let body = FeedBody {
        stream: FEED_STREAM,
        subject: events_filter(account),
        kept_seconds: FEED_AGE_MAX.as_secs(),
        kept_events: FEED_EVENTS_MAX,
        first: kept.first,
        last: kept.last,
        missed: query.0.after.map(missed),
    };
    Ok(answer(StatusCode::OK, body, false))
}
