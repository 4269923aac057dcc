//! `POST /api/v2/business/{businessId}/instance/search?page=`

use axum::{Json, extract::Request};
use berth_proto::query::InstanceQueryV1;
use serde::Deserialize;

use crate::{
    app::Record,
    dialects::codechat::{
        answers::{BusinessPage, SearchAnswer},
        bodies, business,
        call::{OnBusiness, object, text},
        error::{CodeChatError, ErrorBody},
        find, words,
    },
    http::query::LenientQuery,
};

/// Records of a page.
const PAGE: usize = 50;
/// Instances that are looked through.
const INSTANCES_MAX: usize = 10_000;

/// The highest page number: JSON numbers are exact up to here in every client.
const PAGE_MAX: usize = (1 << 53) - 1;

/// The query of a search.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Page {
    page: Option<String>,
}

/// Lists the instances of the business that fit.
#[utoipa::path(
    post, operation_id = "search", path = "/api/v2/business/{businessId}/instance/search", tag = "business",
    params(("page" = Option<u64>, Query, minimum = 1, description = "From 1; fifty instances each")),
    request_body = bodies::Search,
    responses((status = 200, body = SearchAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(
    on: OnBusiness,
    LenientQuery(query): LenientQuery<Page>,
    request: Request,
) -> Result<Json<SearchAnswer>, CodeChatError> {
    let page = page(query.page.as_deref())?;
    let body = object(request).await?;
    let filter = |name: &str| text(&body, name).map(|text| text.filter(|text| !text.is_empty()));
    let (id, name) = (filter("instanceId")?, filter("name")?);
    let (state, connection) = (filter("state")?, filter("connection")?);
    let fits = |record: &Record| {
        id.as_ref().is_none_or(|id| *id == find::shown_id(record) || *id == record.id.to_string())
            && name.as_ref().is_none_or(|name| record.name.contains(name.as_str()))
            && state.as_deref().is_none_or(|state| state == find::state(record))
            && connection.as_deref().is_none_or(|word| word == words::stored(&record.state.phase))
    };
    let mut records = on.app.lists.all(on.account, InstanceQueryV1::default(), INSTANCES_MAX).await?;
    records.retain(fits);
    let account = on.app.accounts.read(on.account).await?;
    let records_of_page = records
        .iter()
        .skip((page - 1).saturating_mul(PAGE))
        .take(PAGE)
        .map(|record| find::with_business(&on.app, record, None, &account.name))
        .collect();
    Ok(Json(SearchAnswer {
        business: business::shown(&account),
        business_page: BusinessPage {
            total_records: records.len(),
            total_pages: records.len().div_ceil(PAGE),
            current_page: page,
            records: records_of_page,
        },
    }))
}

/// The page that is asked for, from 1; one that is too far is empty.
fn page(asked: Option<&str>) -> Result<usize, CodeChatError> {
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let problem = || CodeChatError::Invalid("page must be a number from 1".to_owned());
    match asked {
        None => Ok(1),
        Some(text) => {
            let text = Some(text).filter(is_number).ok_or_else(problem)?;
            let page = text.parse().unwrap_or(PAGE_MAX).min(PAGE_MAX);
            if page == 0 { Err(problem()) } else { Ok(page) }
        }
    }
}
