//! `GET /v1/instances/{i}/verify`

use axum::{extract::State, http::StatusCode, response::Response};
use berth_log::{ChainFaultKind, Tombstone};
use serde::Serialize;
use utoipa::ToSchema;

use super::get::find_history;
use crate::{
    app::App,
    native::{
        call::{Caller, Key},
        problem::Problem,
        render::answer,
    },
};

/// Whether the history of an instance holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "ok": true, "commits": 7, "hash": "1e5c6db0a87fb5acd09b4ebb1fd0540bee50193941a0e7cdba780497a7aa7620",
    "fault": null, "tombstone": null
})))]
pub(super) struct VerifyBody {
    /// Whether every commit is readable, in order and chained to the one before.
    ok: bool,
    /// Commits that were read.
    commits: u64,
    /// The hash of the last good commit; note it down to prove later that the history was not rewritten.
    hash: String,
    /// The first bad commit.
    fault: Option<FaultBody>,
    /// The commit with which the instance was deleted although its history is damaged.
    tombstone: Option<TombstoneBody>,
}

/// A delete of a damaged instance, and what it says of the damage that it knew of.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TombstoneBody {
    /// Its version.
    version: u64,
    /// The version of the damaged commit that it knew of.
    damaged_version: u64,
    /// The SHA-256 of the bytes that stood there; none if the store could not give them.
    damaged_sha256: Option<String>,
    /// The version of the last good commit, whose state it ended; none if nothing could be read.
    good_version: Option<u64>,
}

impl TombstoneBody {
    fn of(tombstone: Tombstone) -> Self {
        let Tombstone { version, damage } = tombstone;
        Self {
            version,
            damaged_version: damage.version,
            damaged_sha256: damage.stored.map(|hash| hash.to_string()),
            good_version: (damage.good_version > 0).then_some(damage.good_version),
        }
    }
}

/// A bad commit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FaultBody {
    /// Its version.
    version: u64,
    /// What is wrong with it.
    reason: String,
    /// What the operator can do about it.
    advice: &'static str,
}

/// Walks the whole history and checks its hash chain.
#[utoipa::path(
    get, operation_id = "verify_history", path = "/v1/instances/{i}/verify", tag = "history",
    params(("i" = String, Path, description = "Id, name or number; the id also after a delete")),
    responses((status = 200, body = VerifyBody))
)]
pub(super) async fn handler(State(app): State<App>, caller: Caller, key: Key) -> Result<Response, Problem> {
    let record = find_history(&app, &caller.principal, &key.0).await?;
    let report = app.histories.verify(record.id).await?;
    let body = VerifyBody {
        ok: report.fault.is_none(),
        commits: report.commits,
        hash: report.last_hash.to_string(),
        fault: report.fault.map(|fault| FaultBody {
            version: fault.version,
            reason: reason(&fault.kind),
            advice: advice(&fault.kind),
        }),
        tombstone: report.tombstone.map(TombstoneBody::of),
    };
    Ok(answer(StatusCode::OK, body, false))
}

fn reason(kind: &ChainFaultKind) -> String {
    match kind {
        ChainFaultKind::Row => "the store cannot give it: its row is damaged".to_owned(),
        ChainFaultKind::Undecodable(_) => "it cannot be read".to_owned(),
        ChainFaultKind::Forged => {
            "it was not written by this deployment: somebody else put it there, or its message was altered"
                .to_owned()
        }
        ChainFaultKind::Version { found } => format!("version {found} stands in its place"),
        ChainFaultKind::Previous { .. } => {
            "it does not follow the commit before it: one of the two was changed".to_owned()
        }
        ChainFaultKind::Time => "it was decided before the commit before it".to_owned(),
    }
}

const fn advice(kind: &ChainFaultKind) -> &'static str {
    match kind {
        ChainFaultKind::Row | ChainFaultKind::Undecodable(_) => {
            "Look at the disk and its log. The instance goes on while its last commit is sound; what this one said is \
             gone unless the log is restored from a backup that has it: see docs/operation.md."
        }
        ChainFaultKind::Forged
        | ChainFaultKind::Version { .. }
        | ChainFaultKind::Previous { .. }
        | ChainFaultKind::Time => {
            "Somebody wrote past the service, or an old copy was restored: find out who may write into the log, and \
             compare with a backup: see docs/operation.md."
        }
    }
}
