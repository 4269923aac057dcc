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
    let found = on.app.moves.instances_of_id(&on.call.principal, &source).await?;
    let instance = match found.as_slice() {
        [] => return Err(CodeChatError::NotFound),
        [one] => *one,
        _ => {
            let problem = "sourceInstanceId: several businesses have an instance of this externalId";
            return Err(CodeChatError::Invalid(problem.to_owned()));
        }
    };
    let moved = on.app.moves.run(&on.call, instance, target).await?;
    let instance = vec![created(&on.app, moved.record)];
    Ok(Json(MovedInstance { business: shown(&business), instance }))
}

fn required(body: &Map<String, Value>, name: &str) -> Result<String, CodeChatError> {
    let given = text(body, name)?.filter(|given| !given.is_empty());
    given.ok_or_else(|| CodeChatError::Invalid(format!("{name} should not be empty")))
}
