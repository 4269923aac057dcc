//! `PATCH /api/v2/admin/business/move-instance`

use axum::{Json, extract::Request};
use serde_json::{Map, Value};

use super::create::created;
use crate::dialects::codechat::{
    answers::MovedInstance,
    bodies,
    business::shown,
    call::{OnAdmin, object, text},
    error::{CodeChatError, ErrorBody},
    find,
};

/// Gives an instance to another business, with its token and its session; its JWTs end, since they name the business.
#[utoipa::path(
    patch, operation_id = "move_instance", path = "/api/v2/admin/business/move-instance", tag = "admin",
    request_body = bodies::MoveInstance,
    responses((status = 200, body = MovedInstance), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnAdmin, request: Request) -> Result<Json<MovedInstance>, CodeChatError> {
    let body = object(request).await?;
    let (source, target) = (required(&body, "sourceInstanceId")?, required(&body, "businessIdTarget")?);
    let target = target.parse().map_err(|_| CodeChatError::BusinessNotFound)?;
    let business = on.app.accounts.read(target).await.map_err(CodeChatError::of_business)?;
    if business.state.closed_at.is_some() {
        return Err(CodeChatError::BusinessNotFound);
    }
    let instance = find::of_any_business(&on.app, &source, "sourceInstanceId").await?;
    let moved = on.app.moves.run(&on.call, instance, target).await?;
    let instance = vec![created(&on.app, moved.record)];
    Ok(Json(MovedInstance { business: shown(&business), instance }))
}

fn required(body: &Map<String, Value>, name: &str) -> Result<String, CodeChatError> {
    let given = text(body, name)?.filter(|given| !given.is_empty());
    given.ok_or_else(|| CodeChatError::Invalid(format!("{name} should not be empty")))
}
