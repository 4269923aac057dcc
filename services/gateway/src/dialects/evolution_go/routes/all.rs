//! `GET /instance/all`

use axum::Json;
use berth_proto::query::InstanceQueryV1;

use crate::dialects::evolution_go::{answer::Success, call::OnAccount, error::GoError, row::InstanceRow};

/// Instances in one answer, since this dialect has no pages.
const INSTANCES_MAX: usize = 10_000;

/// Lists the account's instances, 10 000 at most.
#[utoipa::path(
    get, operation_id = "all", path = "/evolution-go/instance/all", tag = "instance",
    responses((status = 200, body = Success<Vec<InstanceRow>>))
)]
pub(super) async fn handler(on: OnAccount) -> Result<Json<Success<Vec<InstanceRow>>>, GoError> {
    let account = on.call.principal.account().ok_or(GoError::Unauthorized)?;
    let records = on.app.lists.all(account, InstanceQueryV1::default(), INSTANCES_MAX).await?;
    Ok(Success::of(records.into_iter().map(InstanceRow::of).collect()))
}
