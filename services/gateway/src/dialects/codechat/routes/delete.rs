//! `DELETE /api/v2/business/{businessId}/instance`, by query and by path

use axum::{Json, extract::Request};
use berth_proto::command::DeleteV1;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    dialects::codechat::{
        call::{OnBusiness, flag, object},
        error::CodeChatError,
        find,
    },
    http::query::LenientQuery,
};

/// The query of a delete.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Query {
    instance_id: Option<String>,
    force: Option<String>,
}

/// The instance and `force` stand in the query.
pub(super) async fn by_query(
    on: OnBusiness,
    LenientQuery(query): LenientQuery<Query>,
) -> Result<Json<Value>, CodeChatError> {
    let required = || CodeChatError::Invalid("instanceId should not be empty".to_owned());
    let id = query.instance_id.filter(|id| !id.is_empty()).ok_or_else(required)?;
    delete(&on, &id, query.force.as_deref() == Some("true")).await
}

/// The instance stands in the path, `force` in the query or the body.
pub(super) async fn by_path(
    on: OnBusiness,
    LenientQuery(query): LenientQuery<Query>,
    request: Request,
) -> Result<Json<Value>, CodeChatError> {
    let force = flag(&object(request).await?, "force")?.unwrap_or(query.force.as_deref() == Some("true"));
    let id = on.rest.clone().ok_or(CodeChatError::NotFound)?;
    delete(&on, &id, force).await
}

/// Deletes the instance; one with a session or an attempt only by force. The answer shows what it was.
async fn delete(on: &OnBusiness, id: &str, force: bool) -> Result<Json<Value>, CodeChatError> {
    let before = on.instance(id).await?;
    on.app.command(&on.call, before.id, DeleteV1 { only_without_session: !force }).await?;
    Ok(Json(find::response(&on.app, &before, Some(on.app.now())).await?))
}
