//! `GET /rest/instance/qrcode/{key}`

use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};

use super::qrcode_base64::picture;
use crate::dialects::mega::{
    call::OnInstance,
    error::{ErrorBody, MegaError},
};

/// Starts or joins an attempt and shows its code as a page.
#[utoipa::path(
    get, operation_id = "qr_page", path = "/rest/instance/qrcode/{instance_key}", tag = "instance",
    params(("instance_key" = String, Path, description = "Name, id or number")),
    responses(
        (
            status = 200, description = "The page, or why there is no code.",
            content((String = "text/html"), (ErrorBody = "application/json"))
        ),
        (status = 400, body = ErrorBody)
    )
)]
pub(super) async fn handler(on: OnInstance) -> Result<Response, MegaError> {
    let picture = picture(&on).await?;
    let page = format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><title>QR code</title></head>\
         <body style=\"margin:0;min-height:100vh;display:grid;place-items:center;background:#fff\">\
         <img src=\"{picture}\" alt=\"QR code\" width=\"320\" height=\"320\"></body></html>"
    );
    Ok(([(header::CACHE_CONTROL, "no-store")], Html(page)).into_response())
}
