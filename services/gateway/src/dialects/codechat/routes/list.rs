//! `GET /api/v2/business/{businessId}/instance`

use axum::Json;
use berth_proto::query::InstanceQueryV1;

use crate::dialects::codechat::{answers::InstanceFound, call::OnBusiness, error::CodeChatError, find};

/// Instances in one answer, since this route has no pages.
const INSTANCES_MAX: usize = 10_000;

/// Lists the instances of the business.
#[utoipa::path(
    get, operation_id = "list", path = "/api/v2/business/{businessId}/instance", tag = "business",
    responses((status = 200, body = Vec<InstanceFound>))
)]
pub(super) async fn handler(on: OnBusiness) -> Result<Json<Vec<InstanceFound>>, CodeChatError> {
    let records = on.app.lists.all(on.account, InstanceQueryV1::default(), INSTANCES_MAX).await?;
    let business = on.app.accounts.read(on.account).await?;
    let found = |record| find::with_business(&on.app, record, None, &business.name);
    Ok(Json(records.iter().map(found).collect()))
}
