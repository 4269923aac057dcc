//! `GET /rest/instance/qrcode/{key}`

use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};

use super::qrcode_base64::picture;
use crate::dialects::mega::{call::OnInstance, error::MegaError};

/// Starts or joins an attempt and shows its code as a page.
pub(super) async fn handler(on: OnInstance) -> Result<Response, MegaError> {
    let picture = picture(&on).await?;
    let page = format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><title>QR code</title></head>\
         <body style=\"margin:0;min-height:100vh;display:grid;place-items:center;background:#fff\">\
         <img src=\"{picture}\" alt=\"QR code\" width=\"320\" height=\"320\"></body></html>"
    );
    Ok(([(header::CACHE_CONTROL, "no-store")], Html(page)).into_response())
}
