//! `POST /api/v2/business/{businessId}/instance/search?page=`

use axum::{Json, extract::Request};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    app::{ListQuery, Record},
    dialects::codechat::{
        call::{OnBusiness, object, text},
        error::CodeChatError,
        find, words,
    },
    http::{query::LenientQuery, time::iso_millis},
};

/// Records of a page.
const PAGE: usize = 50;
/// Instances that are looked through.
const INSTANCES_MAX: usize = 10_000;

/// The query of a search.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Page {
    page: Option<usize>,
}

/// Lists the instances of the business that fit.
pub(super) async fn handler(
    on: OnBusiness,
    LenientQuery(query): LenientQuery<Page>,
    request: Request,
) -> Result<Json<Value>, CodeChatError> {
    let body = object(request).await?;
    let filter = |name: &str| text(&body, name).map(|text| text.filter(|text| !text.is_empty()));
    let (id, name) = (filter("instanceId")?, filter("name")?);
    let (state, connection) = (filter("state")?, filter("connection")?);
    let fits = |record: &Record| {
        let active = if find::is_active(record) { "active" } else { "inactive" };
        id.as_ref().is_none_or(|id| *id == find::shown_id(record) || *id == record.id.to_string())
            && name.as_ref().is_none_or(|name| record.name.contains(name.as_str()))
            && state.as_deref().is_none_or(|state| state == active)
            && connection.as_deref().is_none_or(|word| word == words::stored(&record.state.phase))
    };
    let mut records = on.app.list_all(on.account, ListQuery::default(), INSTANCES_MAX).await?;
    records.retain(fits);
    let business = on.app.account(on.account).await?;
    let page = query.page.unwrap_or(1).max(1);
    let shown: Vec<Value> = records
        .iter()
        .skip((page - 1).saturating_mul(PAGE))
        .take(PAGE)
        .map(|record| find::with_business(&on.app, record, None, &business.name))
        .collect();
    Ok(Json(json!({
        "businessId": business.id,
        "name": business.name,
        "businessToken": business.token,
        "attributes": null,
        "createdAt": iso_millis(business.state.created_at),
        "updatedAt": iso_millis(business.state.updated_at),
        "deletedAt": null,
        "BusinessWebhook": null,
        "BusinessPage": {
            "totalRecords": records.len(),
            "totalPages": records.len().div_ceil(PAGE),
            "currentPage": page,
            "records": shown,
        },
    })))
}
