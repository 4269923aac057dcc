//! `getProxy`, `proxy`, `getS3` and `s3`: kept as given and shown again without their secrets.

use axum::{Json, extract::Request};
use serde_json::{Value, json};

use super::object;
use crate::{
    app::merge_part,
    dialects::ryze::{FORMAT, call::OnInstance, error::RyzeError, settings},
};

/// Shows the proxy.
pub(super) async fn get_proxy(on: OnInstance) -> Result<Json<Value>, RyzeError> {
    get(on, "proxy", "Proxy configuration retrieved").await
}

/// Sets the proxy.
pub(super) async fn set_proxy(on: OnInstance, request: Request) -> Result<Json<Value>, RyzeError> {
    set(on, request, "proxy", "Proxy configured successfully").await
}

/// Shows the S3 storage.
pub(super) async fn get_s3(on: OnInstance) -> Result<Json<Value>, RyzeError> {
    get(on, "s3", "S3 configuration retrieved").await
}

/// Sets the S3 storage.
pub(super) async fn set_s3(on: OnInstance, request: Request) -> Result<Json<Value>, RyzeError> {
    set(on, request, "s3", "S3 configured successfully").await
}

async fn get(on: OnInstance, part: &'static str, message: &str) -> Result<Json<Value>, RyzeError> {
    let record = on.read("Failed to get instance").await?;
    let shown = settings::beside(&record, part);
    Ok(Json(json!({"success": true, "message": message, part: shown})))
}

async fn set(
    on: OnInstance,
    request: Request,
    part: &'static str,
    message: &str,
) -> Result<Json<Value>, RyzeError> {
    let changes = object(request).await?;
    let record = on.read("Failed to get instance").await?;
    let merge = |present| merge_part(present, part, &changes, false);
    let result = on.app.change_settings(&on.call, &record, FORMAT, merge).await;
    let answer = on.own("Failed to update the configuration", result).await?;
    let shown = settings::beside(&answer.record, part);
    Ok(Json(json!({"success": true, "message": message, part: shown})))
}
