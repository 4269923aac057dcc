//! `PATCH /api/v2/business/{businessId}/instance/{instanceId}/refresh-token`

use axum::{Json, extract::Request};

use crate::dialects::codechat::{
    answers::NewToken,
    bodies,
    call::{OnBusiness, object, text},
    error::{CodeChatError, ErrorBody},
    find,
};

/// Ends the present JWT and shows the next one; the instance's token stays.
#[utoipa::path(
    patch, operation_id = "refresh_token", path = "/api/v2/business/{businessId}/instance/{instanceId}/refresh-token", tag = "business",
    request_body = bodies::Refresh,
    responses((status = 200, body = NewToken), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnBusiness, request: Request) -> Result<Json<NewToken>, CodeChatError> {
    let body = object(request).await?;
    let id = on.rest.clone().ok_or(CodeChatError::NotFound)?;
    let record = on.instance(&id).await?;
    if text(&body, "oldToken")?.as_deref() != Some(find::jwt(&on.app, &record).as_str()) {
        return Err(CodeChatError::Invalid("Invalid \"oldToken\"".to_owned()));
    }
    let answer = on.app.tokens.end_jwts(&on.call, &record).await?;
    Ok(Json(NewToken { new_token: find::jwt(&on.app, &answer.record) }))
}
