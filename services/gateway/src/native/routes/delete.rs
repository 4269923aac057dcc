//! `DELETE /v1/instances/{i}`

use axum::{extract::State, http::StatusCode, response::Response};
use berth_proto::command::DeleteV1;

use crate::{
    app::App,
    native::{
        ORDER,
        call::{Caller, Key},
        problem::Problem,
        render::{InstanceBody, answer},
    },
};

/// Deletes an instance: logs it out first and erases its personal data. `erasure` says when that is done.
#[utoipa::path(
    delete, operation_id = "delete_instance", path = "/v1/instances/{i}", tag = "instances",
    params(("i" = String, Path, description = "Id, name or number"), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = InstanceBody), (status = 410, body = Problem))
)]
pub(super) async fn handler(State(app): State<App>, caller: Caller, key: Key) -> Result<Response, Problem> {
    let call = caller.call("DELETE /v1/instances/{i}", &[]);
    let answered =
        app.finder.decide_on(&call, &key.0, &ORDER, DeleteV1 { only_without_session: false }).await?;
    Ok(answer(StatusCode::OK, InstanceBody::of(&answered.record), answered.replayed))
}
