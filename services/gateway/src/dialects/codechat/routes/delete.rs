//! `DELETE /api/v2/business/{businessId}/instance`, by query and by path, and `DELETE /api/v2/instance/{instanceId}`

use axum::{Json, extract::Request};
use berth_proto::{command::DeleteV1, frame::RejectionCodeV1};
use serde::Deserialize;

use crate::{
    app::{App, Call},
    dialects::codechat::{
        ORDER,
        answers::InstanceFound,
        bodies,
        call::{OnBusiness, OnInstance, flag, object},
        error::{CodeChatError, ErrorBody},
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
#[utoipa::path(
    delete, operation_id = "delete", path = "/api/v2/business/{businessId}/instance", tag = "business",
    params(("instanceId" = String, Query), ("force" = Option<bool>, Query, description = "Whether a session may end with it")),
    responses((status = 200, body = InstanceFound), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub(super) async fn by_query(
    on: OnBusiness,
    LenientQuery(query): LenientQuery<Query>,
) -> Result<Json<InstanceFound>, CodeChatError> {
    let required = || CodeChatError::Invalid("instanceId should not be empty".to_owned());
    let id = query.instance_id.filter(|id| !id.is_empty()).ok_or_else(required)?;
    delete(&on.app, &on.call, &id, query.force.as_deref() == Some("true")).await
}

/// The instance stands in the path, `force` in the query or the body.
#[utoipa::path(
    delete, operation_id = "delete_by_path", path = "/api/v2/business/{businessId}/instance/{instanceId}", tag = "business",
    params(("force" = Option<bool>, Query, description = "Instead of the body's")),
    request_body = Option<bodies::Delete>,
    responses((status = 200, body = InstanceFound), (status = 400, body = ErrorBody))
)]
pub(super) async fn by_path(
    on: OnBusiness,
    LenientQuery(query): LenientQuery<Query>,
    request: Request,
) -> Result<Json<InstanceFound>, CodeChatError> {
    let force = flag(&object(request).await?, "force")?.unwrap_or(query.force.as_deref() == Some("true"));
    let id = on.rest.clone().ok_or(CodeChatError::NotFound)?;
    delete(&on.app, &on.call, &id, force).await
}

/// The instance alone stands in the path, `force` in the query or the body. It does not delete itself.
#[utoipa::path(
    delete, operation_id = "delete_by_instance", path = "/api/v2/instance/{instanceId}", tag = "instance",
    params(("force" = Option<bool>, Query, description = "Instead of the body's")),
    request_body = Option<bodies::Delete>,
    responses((status = 200, body = InstanceFound), (status = 400, body = ErrorBody))
)]
pub(super) async fn by_instance(
    on: OnInstance,
    LenientQuery(query): LenientQuery<Query>,
    request: Request,
) -> Result<Json<InstanceFound>, CodeChatError> {
    if !on.call.principal.is_account() {
        return Err(CodeChatError::Forbidden);
    }
    let force = flag(&object(request).await?, "force")?.unwrap_or(query.force.as_deref() == Some("true"));
    delete(&on.app, &on.call, &on.id, force).await
}

/// Deletes the instance; one with a session or an attempt only by force. The answer shows what it was, if that is damaged
/// what is left of it.
async fn delete(app: &App, call: &Call, id: &str, force: bool) -> Result<Json<InstanceFound>, CodeChatError> {
    let delete = DeleteV1 { only_without_session: !force };
    let before = match app.finder.find(&call.principal, id, &ORDER).await {
        Err(damaged) if damaged.rejection() == Some(RejectionCodeV1::Damaged) => {
            app.finder.decide_on(call, id, &ORDER, delete).await?.record
        }
        found => {
            let before = found?;
            app.commands.decide(call, before.id, delete).await?;
            before
        }
    };
    Ok(Json(find::response(app, &before, Some(app.now())).await?))
}
