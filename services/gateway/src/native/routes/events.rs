//! `GET /v1/instances/{i}/events`

use axum::{extract::State, http::StatusCode, response::Response};
use berth_proto::{
    commit::{CallerV1, OutcomeCodeV1, PrincipalV1, ReceiptV2},
    event::Event,
    public,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::get::find_history;
use crate::{
    app::{App, Entry, HistoryPage},
    native::{
        body::QueryOf,
        call::{Caller, Key},
        problem::Problem,
        render::{answer, time},
        words::{Outcome, Sender},
    },
};

/// Commits of a page if the query does not say.
const LIMIT_DEFAULT: usize = 50;
/// Commits of a page at most.
const LIMIT_MAX: usize = 100;

/// The query of a history page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    /// The version after which the page starts: 0 for the beginning.
    after: Option<u64>,
    /// Most commits of the page: 1 to 100, 50 if it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// A page of the history.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventsBody {
    /// What happened, oldest first.
    events: Vec<EventBody>,
    /// The `after` of the next page; none on the last page.
    next_after: Option<u64>,
    /// Versions that cannot be read; see `verify`.
    damaged: Vec<u64>,
}

/// One thing that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "version": 6, "index": 0, "type": "LoggedOut", "occurred_at": "2026-11-21T10:07:38.691027Z",
    "data": { "session": 1, "origin": "command", "code": 401, "unlink": null },
    "command": {
        "id": "5tigptn6stt118p4mhs3rj1plo", "keyed": true, "principal": "account", "via": "native",
        "request_id": "9c2t40m0", "from": "127.0.0.1", "causation": null, "outcome": "applied"
    }
})))]
pub(super) struct EventBody {
    /// The version of the commit.
    version: u64,
    /// Its place in the commit.
    index: usize,
    /// Its type, such as `LoggedOut`.
    #[serde(rename = "type")]
    kind: String,
    /// When it was decided.
    occurred_at: String,
    /// What it says; personal values and secrets are left out.
    #[schema(value_type = Object)]
    data: Value,
    /// The command that it answers.
    command: Option<CommandBody>,
}

/// The command behind an event.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CommandBody {
    /// Its id.
    id: String,
    /// Whether an Idempotency-Key came with it.
    keyed: bool,
    /// `root`, `account`, `instance` or `service`.
    #[schema(value_type = Sender)]
    principal: &'static str,
    /// The door that it came through: `native`, a dialect, `connector`, `sweeper`.
    via: String,
    /// The id of the HTTP request that it came with: the client's `X-Request-Id`, or one that was made for it.
    request_id: Option<String>,
    /// The network address of whoever sent it, as the gateway saw it: that of a proxy if there is one between. Erased with
    /// the instance.
    from: Option<String>,
    /// The command that caused it.
    causation: Option<String>,
    /// `applied`, `unchanged` or `joined`.
    #[schema(value_type = Outcome)]
    outcome: &'static str,
}

/// Shows the history of an instance.
#[utoipa::path(
    get, operation_id = "list_events", path = "/v1/instances/{i}/events", tag = "history",
    params(("i" = String, Path, description = "Id, name or number; the id also after a delete"), EventsQuery),
    responses((status = 200, body = EventsBody))
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    query: QueryOf<EventsQuery>,
) -> Result<Response, Problem> {
    let limit = query.0.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::invalid("`limit`: 1 to 100 is expected."));
    }
    let record = find_history(&app, &caller.principal, &key.0).await?;
    let page = app.histories.page(record.id, query.0.after.unwrap_or(0), limit).await?;
    Ok(answer(StatusCode::OK, EventsBody::of(&page), false))
}

impl EventsBody {
    fn of(page: &HistoryPage) -> Self {
        Self {
            events: page.entries.iter().map(EventBody::of).collect(),
            next_after: page.more.then_some(page.last_version),
            damaged: page.damaged.clone(),
        }
    }
}

impl EventBody {
    pub(super) fn of(entry: &Entry) -> Self {
        let data = entry.event.as_ref().map(public::event_data).unwrap_or_default();
        Self::named(entry, entry.event.as_ref().map(Event::name), Value::Object(data))
    }

    /// An event of this name, which says this; without a name it is none that this release knows.
    pub(super) fn named(entry: &Entry, name: Option<&'static str>, data: Value) -> Self {
        let commit = &entry.commit;
        let (kind, data) = name.map_or(("Unknown", Value::Null), |name| (name, data));
        Self {
            version: commit.version,
            index: entry.index,
            kind: kind.to_owned(),
            occurred_at: time(commit.occurred_at),
            data,
            command: public::receipt_of(commit, entry.index)
                .map(|receipt| command(receipt, entry.caller.as_ref())),
        }
    }
}

fn command(receipt: &ReceiptV2, caller: Option<&CallerV1>) -> CommandBody {
    CommandBody {
        id: receipt.command_id.to_string(),
        keyed: receipt.keyed,
        principal: match receipt.principal {
            PrincipalV1::Root => "root",
            PrincipalV1::Account { .. } => "account",
            PrincipalV1::Instance { .. } => "instance",
            PrincipalV1::Service => "service",
        },
        via: receipt.origin.via.clone(),
        request_id: caller.map(|caller| caller.request_id.clone()),
        from: caller.and_then(|caller| caller.address.clone()),
        causation: receipt.causation.map(|id| id.to_string()),
        outcome: match receipt.outcome.code {
            OutcomeCodeV1::Applied => "applied",
            OutcomeCodeV1::Unchanged => "unchanged",
            OutcomeCodeV1::Joined => "joined",
        },
    }
}
