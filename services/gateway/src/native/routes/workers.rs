//! `GET /v1/workers`: the operator's, with the root key.

use axum::{extract::State, http::StatusCode, response::Response};
use berth_proto::worker::Stands;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    native::{
        Problem,
        call::Caller,
        render::{answer, time},
    },
};

/// The workers that are connected at this moment.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WorkersBody {
    /// Each of them, by its name.
    workers: Vec<WorkerBody>,
    /// Links that they run.
    links: u64,
    /// Links that they offer to run.
    capacity: u64,
}

/// A worker: a process with a WhatsApp library that links are run by.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "name": "baileys-1", "library": "baileys", "version": "7.0.0", "capacity": 50, "links": 12, "epoch": 3,
    "connected_at": "2026-11-30T12:00:00Z", "heard_at": "2026-11-30T12:04:10Z"
})))]
pub(super) struct WorkerBody {
    /// Its name, by which links stay with it.
    name: String,
    /// Its library.
    library: String,
    /// The release of that, as it says.
    version: String,
    /// Links that it offers to run at once.
    capacity: u32,
    /// Links that it runs.
    links: u32,
    /// The highest epoch under which it runs one; null if it runs none.
    epoch: Option<u64>,
    /// Since when it is connected.
    connected_at: String,
    /// When it was last heard: it says every ten seconds that it is there.
    heard_at: String,
}

impl WorkerBody {
    fn of(stands: Stands) -> Self {
        let Stands { worker, library, version, capacity, links, epoch, connected_at, heard_at } = stands;
        let (connected_at, heard_at) = (time(connected_at), time(heard_at));
        Self { name: worker, library, version, capacity, links, epoch, connected_at, heard_at }
    }
}

/// Shows the workers that are connected to any connector at this moment.
#[utoipa::path(
    get, operation_id = "list_workers", path = "/v1/workers", tag = "workers",
    responses((status = 200, body = WorkersBody))
)]
pub(super) async fn handler(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let workers = app.fleet.workers(&caller.principal).await?;
    let links = workers.iter().map(|worker| u64::from(worker.links)).sum();
    let capacity = workers.iter().map(|worker| u64::from(worker.capacity)).sum();
    let workers = workers.into_iter().map(WorkerBody::of).collect();
    Ok(answer(StatusCode::OK, WorkersBody { workers, links, capacity }, false))
}
