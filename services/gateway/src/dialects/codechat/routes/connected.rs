//! `GET /api/v2/business/{businessId}/instance/connected`

use axum::Json;
use berth_proto::query::InstanceQueryV1;

use crate::dialects::codechat::{
    answers::ConnectedAnswer, call::OnBusiness, error::CodeChatError, find, words,
};

/// Instances that are looked through.
const INSTANCES_MAX: usize = 10_000;

/// Lists the connected instances of the business.
#[utoipa::path(
    get, operation_id = "connected", path = "/api/v2/business/{businessId}/instance/connected", tag = "business",
    responses((status = 200, body = ConnectedAnswer))
)]
pub(super) async fn handler(on: OnBusiness) -> Result<Json<ConnectedAnswer>, CodeChatError> {
    let query = InstanceQueryV1 { states: vec!["linked".to_owned()], ..InstanceQueryV1::default() };
    let records = on.app.lists.all(on.account, query, INSTANCES_MAX).await?;
    let business = on.app.accounts.read(on.account).await?;
    let connected = records.iter().filter(|record| words::stored(&record.state.phase) == "open");
    let instances =
        connected.map(|record| find::with_business(&on.app, record, None, &business.name)).collect();
    Ok(Json(ConnectedAnswer { business_id: business.id, name: business.name, instances }))
}
