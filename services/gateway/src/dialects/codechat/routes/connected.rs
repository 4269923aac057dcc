//! `GET /api/v2/business/{businessId}/instance/connected`

use axum::Json;
use serde_json::{Value, json};

use crate::{
    app::ListQuery,
    dialects::codechat::{call::OnBusiness, error::CodeChatError, find, words},
};

/// Instances that are looked through.
const INSTANCES_MAX: usize = 10_000;

/// Lists the connected instances of the business.
pub(super) async fn handler(on: OnBusiness) -> Result<Json<Value>, CodeChatError> {
    let query = ListQuery { states: vec!["linked".to_owned()], ..ListQuery::default() };
    let records = on.app.list_all(on.account, query, INSTANCES_MAX).await?;
    let business = on.app.account(on.account).await?;
    let connected = records.iter().filter(|record| words::stored(&record.state.phase) == "open");
    let shown: Vec<Value> =
        connected.map(|record| find::with_business(&on.app, record, None, &business.name)).collect();
    Ok(Json(json!({"businessId": business.id, "name": business.name, "Instances": shown})))
}
