//! `PATCH /api/v2/business/{businessId}/instance/{instanceId}/toggle-activate`

use axum::{Json, extract::Request};
use serde_json::{Map, Value, json};

use crate::dialects::codechat::{
    FORMAT,
    answers::InstanceFound,
    bodies,
    call::{OnBusiness, object, text},
    error::{CodeChatError, ErrorBody},
    find,
};

/// Switches the instance's routes in this dialect on or off; the link stays.
#[utoipa::path(
    patch, operation_id = "toggle_activate", path = "/api/v2/business/{businessId}/instance/{instanceId}/toggle-activate", tag = "business",
    request_body = bodies::Toggle,
    responses((status = 200, body = InstanceFound), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnBusiness, request: Request) -> Result<Json<InstanceFound>, CodeChatError> {
    let active = match text(&object(request).await?, "action")?.as_deref() {
        Some("activate") => true,
        Some("deactivate") => false,
        _ => return Err(CodeChatError::Invalid("action must be activate or deactivate".to_owned())),
    };
    let id = on.rest.clone().ok_or(CodeChatError::NotFound)?;
    let record = on.instance(&id).await?;
    let merge = |present: Option<Value>| {
        let mut block = match present {
            Some(Value::Object(block)) => block,
            _ => Map::new(),
        };
        block.insert("active".to_owned(), json!(active));
        Value::Object(block)
    };
    let record = on.app.blocks.switch(&on.call, &record, FORMAT, merge, active).await?.record;
    Ok(Json(find::response(&on.app, &record, None).await?))
}
