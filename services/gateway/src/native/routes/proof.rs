//! `GET /v1/instances/{i}/proof`

use axum::{extract::State, http::StatusCode, response::Response};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    checkpoints::{CheckpointBody, in_base64},
    get::find_history,
};
use crate::{
    app::{App, Inclusion},
    native::{
        body::QueryOf,
        call::{Caller, Key},
        problem::Problem,
        render::answer,
    },
};

/// Which commit.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ProofQuery {
    /// Its version; the last one if it is left out.
    #[param(minimum = 1)]
    version: Option<u64>,
}

/// That a commit is in the log that a checkpoint signs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProofBody {
    /// The version of the commit.
    version: u64,
    /// The subject of the instance's stream: the first part of the leaf.
    subject: String,
    /// The commit as it is stored, in base64: the second part of the leaf, after a line feed.
    commit: String,
    /// The place of the leaf in the tree: 0 for the first.
    index: u64,
    /// The hash of the leaf, in base64.
    leaf: String,
    /// The proof of RFC 6962, section 2.1.1: hashes in base64.
    path: Vec<String>,
    /// The checkpoint whose tree it is.
    checkpoint: CheckpointBody,
}

impl ProofBody {
    fn of(inclusion: Inclusion) -> Self {
        let Inclusion { commit, published, index, leaf, path } = inclusion;
        Self {
            version: commit.tail.version,
            subject: commit.stream.subject(),
            commit: BASE64_STANDARD.encode(&commit.payload),
            index,
            leaf: BASE64_STANDARD.encode(leaf.0),
            path: in_base64(&path),
            checkpoint: CheckpointBody::of(published),
        }
    }
}

/// Proves that a commit of an instance is in the log that the last checkpoint signs. A commit that no checkpoint covers
/// yet is answered with 503: within a minute one does.
#[utoipa::path(
    get, operation_id = "prove_inclusion", path = "/v1/instances/{i}/proof", tag = "evidence",
    params(("i" = String, Path, description = "Id, name or number; the id also after a delete"), ProofQuery),
    responses((status = 200, body = ProofBody))
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    query: QueryOf<ProofQuery>,
) -> Result<Response, Problem> {
    let record = find_history(&app, &caller.principal, &key.0).await?;
    let inclusion = app.evidence.inclusion(record.id, query.0.version).await?;
    Ok(answer(StatusCode::OK, ProofBody::of(inclusion), false))
}
