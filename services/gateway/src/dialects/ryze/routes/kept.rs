//! `getProxy`, `proxy`, `getS3` and `s3`: kept as given and shown again without their secrets.

use axum::{Json, extract::Request};
use serde::Serialize;
use utoipa::ToSchema;

use super::object;
use crate::{
    app::merge_part,
    dialects::ryze::{
        FORMAT, bodies,
        call::OnInstance,
        error::{ErrorBody, RyzeError},
        settings::{self, Fields, Kept},
    },
};

/// The proxy.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProxyAnswer {
    /// `true`.
    success: bool,
    message: &'static str,
    proxy: Kept,
}

/// The S3 storage.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct S3Answer {
    /// `true`.
    success: bool,
    message: &'static str,
    s3: Kept,
}

/// Shows the proxy.
#[utoipa::path(
    get, operation_id = "get_proxy", path = "/api/instance/getProxy/{instance}", tag = "instance",
    params(("instance" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = ProxyAnswer))
)]
pub(super) async fn get_proxy(on: OnInstance) -> Result<Json<ProxyAnswer>, RyzeError> {
    let proxy = get(&on, "proxy").await?;
    Ok(Json(ProxyAnswer { success: true, message: "Proxy configuration retrieved", proxy }))
}

/// Sets the proxy.
#[utoipa::path(
    post, operation_id = "set_proxy", path = "/api/instance/proxy/{instance}", tag = "instance",
    params(("instance" = String, Path, description = "Name, id or number")),
    request_body = bodies::SetProxy,
    responses((status = 200, body = ProxyAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn set_proxy(on: OnInstance, request: Request) -> Result<Json<ProxyAnswer>, RyzeError> {
    let proxy = set(&on, request, "proxy", settings::PROXY).await?;
    Ok(Json(ProxyAnswer { success: true, message: "Proxy configured successfully", proxy }))
}

/// Shows the S3 storage.
#[utoipa::path(
    get, operation_id = "get_s3", path = "/api/instance/getS3/{instance}", tag = "instance",
    params(("instance" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = S3Answer))
)]
pub(super) async fn get_s3(on: OnInstance) -> Result<Json<S3Answer>, RyzeError> {
    let s3 = get(&on, "s3").await?;
    Ok(Json(S3Answer { success: true, message: "S3 configuration retrieved", s3 }))
}

/// Sets the S3 storage.
#[utoipa::path(
    post, operation_id = "set_s3", path = "/api/instance/s3/{instance}", tag = "instance",
    params(("instance" = String, Path, description = "Name, id or number")),
    request_body = bodies::SetS3,
    responses((status = 200, body = S3Answer), (status = 400, body = ErrorBody))
)]
pub(super) async fn set_s3(on: OnInstance, request: Request) -> Result<Json<S3Answer>, RyzeError> {
    let s3 = set(&on, request, "s3", settings::S3).await?;
    Ok(Json(S3Answer { success: true, message: "S3 configured successfully", s3 }))
}

async fn get(on: &OnInstance, part: &'static str) -> Result<Kept, RyzeError> {
    let record = on.read("Failed to get instance").await?;
    Ok(Kept::of(&record, part))
}

async fn set(
    on: &OnInstance,
    request: Request,
    part: &'static str,
    fields: Fields,
) -> Result<Kept, RyzeError> {
    let record = on.read("Failed to get instance").await?;
    let changes = settings::short(&object(request).await?, fields)?;
    let merge = |present| merge_part(present, part, &changes, false);
    let result = on.app.blocks.change(&on.call, &record, FORMAT, merge).await;
    let answer = on.own("Failed to update the configuration", result).await?;
    Ok(Kept::of(&answer.record, part))
}
