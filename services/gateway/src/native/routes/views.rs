//! The views of a deployment: the operator's, with the root key.

use axum::{extract::State, http::StatusCode, response::Response};
use berth_proto::views::{DamageNumber, Rebuild, Stands, VIEWS};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::{App, ToldViews},
    native::{
        Problem,
        body::Json,
        call::{Caller, PathOf},
        code::Code,
        render::{answer, time},
    },
};

/// How a view shall be built anew.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({}), json!({"accept_damage": "3-9c1f6a0b22d4e871"})))]
pub(super) struct RebuildRequest {
    /// The new rows may take their place although they lack commits that the log cannot give any more and the former ones have, if these
    /// are just the ones that this number stands for: `damage` of a rebuild that failed for them. What is damaged later has another
    /// number.
    accept_damage: Option<String>,
}

/// The views of the processes that answered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ViewsBody {
    /// Each of them, by its name.
    views: Vec<ViewBody>,
    /// Whether a process that is alive did not answer in time, so that its views are not among these.
    some_are_silent: bool,
}

/// A view of a process.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "view": "records", "member": "9f86d081884c7d65", "role": "projections", "state": "live", "asked": "begun", "reason": null,
    "rebuild": {
        "begun_at": "2026-11-30T12:00:00Z", "folded": 41_000, "of": 120_000, "per_second": 8_200, "seconds_left": 9,
        "ended_at": null, "failure": null, "damage": null
    }
})))]
pub(super) struct ViewBody {
    /// Its name.
    view: String,
    /// The process.
    member: String,
    /// What that runs; `serve` is every role.
    role: String,
    /// How it stands: `live`, `rebuilding` while it is built without rows that could be read, or `halted`.
    state: String,
    /// What became of the wish to have it built anew: `begun`, `running` if that went on already, `refused`; null if it was not
    /// asked for.
    asked: Option<String>,
    /// Why it is halted, or the wish was refused.
    reason: Option<String>,
    /// How the last rebuild since the process started fares, or how it ended.
    rebuild: Option<RebuildBody>,
}

/// A rebuild: new rows beside those that are read, until they take their place.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RebuildBody {
    /// When the process began it, or went on with it.
    begun_at: String,
    /// Commits of the log that were looked at.
    folded: u64,
    /// Commits in the log.
    of: u64,
    /// Commits in a second, on the average.
    per_second: u64,
    /// Seconds that it takes still, if it goes on like this; null while that cannot be told.
    seconds_left: Option<u64>,
    /// When it ended.
    ended_at: Option<String>,
    /// Why the former rows are still read, if it failed.
    failure: Option<String>,
    /// If it failed since the new rows would lack commits: what accepts that, as `accept_damage`. How many they are, and a digest of
    /// where they stand.
    damage: Option<String>,
}

/// Shows how the views of every process stand, and how far those are that are built anew.
#[utoipa::path(
    get, operation_id = "list_views", path = "/v1/cluster/views", tag = "cluster",
    responses((status = 200, body = ViewsBody))
)]
pub(super) async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let told = app.view_stands.all(&caller.principal).await?;
    Ok(answer(StatusCode::OK, ViewsBody::of(told), false))
}

/// Has a view built anew from the log by every process that has it, beside its rows, which are read meanwhile. Asked again
/// while that goes on, it changes nothing; the list of views says how far it is.
#[utoipa::path(
    post, operation_id = "rebuild_view", path = "/v1/cluster/views/{v}/rebuild", tag = "cluster", request_body = RebuildRequest,
    params(("v" = String, Path, description = "Name of the view")),
    responses((status = 202, body = ViewsBody))
)]
pub(super) async fn rebuild(
    State(app): State<App>,
    caller: Caller,
    PathOf(view): PathOf<String>,
    body: Json<RebuildRequest>,
) -> Result<Response, Problem> {
    let Some((name, role)) = VIEWS.iter().find(|(name, _)| *name == view) else {
        // Whoever may not ask is not told what there is.
        app.view_stands.all(&caller.principal).await?;
        let names = VIEWS.map(|(name, _)| format!("`{name}`")).join(", ");
        return Err(Problem::new(Code::NotFound, format!("There is no such view; there are {names}.")));
    };
    let accepted = body.value.accept_damage.map(|number| number.parse::<DamageNumber>()).transpose();
    let accepted = accepted.map_err(|error| Problem::invalid(format!("`accept_damage`: {error}.")))?;
    let told = app.view_stands.rebuild(&caller.principal, name, accepted).await?;
    if told.views.is_empty() {
        let detail =
            format!("Nobody who has the view `{name}` answers: processes of the role {role} have it.");
        return Err(Problem::new(Code::Unavailable, detail));
    }
    Ok(answer(StatusCode::ACCEPTED, ViewsBody::of(told), false))
}

// === impl bodies ===

impl ViewsBody {
    fn of(told: ToldViews) -> Self {
        Self {
            views: told.views.into_iter().map(ViewBody::of).collect(),
            some_are_silent: told.some_are_silent,
        }
    }
}

impl ViewBody {
    fn of(stands: Stands) -> Self {
        let Stands { view, member, role, state, asked, reason, rebuild } = stands;
        Self { view, member, role, state, asked, reason, rebuild: rebuild.map(RebuildBody::of) }
    }
}

impl RebuildBody {
    fn of(rebuild: Rebuild) -> Self {
        let (per_second, seconds_left) = (rebuild.per_second(), rebuild.seconds_left());
        let Rebuild { begun_at, folded, of, ended_at, failure, damage, .. } = rebuild;
        let (begun_at, ended_at) = (time(begun_at), ended_at.map(time));
        let damage = damage.map(|number| number.to_string());
        Self { begun_at, folded, of, per_second, seconds_left, ended_at, failure, damage }
    }
}
