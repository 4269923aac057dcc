//! `PATCH /api/v2/business/{businessId}/instance/{instanceId}/refresh-token`

use axum::{Json, extract::Request};
use serde_json::{Value, json};

use crate::dialects::codechat::{
    call::{OnBusiness, object, text},
    error::CodeChatError,
    find,
};

/// Ends the present JWT and shows the next one; the instance's token stays.
pub(super) async fn handler(on: OnBusiness, request: Request) -> Result<Json<Value>, CodeChatError> {
    let body = object(request).await?;
    let id = on.rest.clone().ok_or(CodeChatError::NotFound)?;
    let record = on.instance(&id).await?;
    if text(&body, "oldToken")?.as_deref() != Some(find::jwt(&on.app, &record).as_str()) {
        return Err(CodeChatError::Invalid("Invalid \"oldToken\"".to_owned()));
    }
    let answer = on.app.end_jwts(&on.call, &record).await?;
    Ok(Json(json!({"newToken": find::jwt(&on.app, &answer.record)})))
}
