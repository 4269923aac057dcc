//! `GET /api/v2/instance/{instanceId}/connect` and `/qrcode`

use std::time::Duration;

use axum::Json;
use berth_proto::instance::PhaseV1;

use crate::{
    dialects::codechat::{
        answers::{CodeAnswer, ConnectAnswer, ConnectionState},
        call::OnInstance,
        error::{CodeChatError, ErrorBody},
        words,
    },
    http::qr,
};

/// How long the answer waits for a code.
const WAIT: Duration = Duration::from_secs(20);

/// Starts or joins an attempt and shows its code; a linked instance shows its state.
#[utoipa::path(
    get, operation_id = "connect", path = "/api/v2/instance/{instanceId}/connect", tag = "instance",
    responses((status = 200, body = ConnectAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn connect(on: OnInstance) -> Result<Json<ConnectAnswer>, CodeChatError> {
    let record = on.read().await?;
    let connected = on.map(on.app.codes.connect(&on.call, record.id, None, WAIT).await)?;
    if matches!(connected.record.state.phase, PhaseV1::Linked(_)) {
        let (state, reason) = words::live(&connected.record);
        return Ok(Json(ConnectAnswer::Linked(ConnectionState { state, status_reason: reason })));
    }
    let answer = match connected.codes.qr {
        None => CodeAnswer { count: 0, code: None, base64: None },
        Some(code) => {
            let base64 = qr::png_data_url(&code.text).await.ok();
            CodeAnswer { count: code.index, base64, code: Some(code.text) }
        }
    };
    Ok(Json(ConnectAnswer::Code(answer)))
}

/// The same under another name.
#[utoipa::path(
    get, operation_id = "qrcode", path = "/api/v2/instance/{instanceId}/qrcode", tag = "instance",
    responses((status = 200, body = ConnectAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn qrcode(on: OnInstance) -> Result<Json<ConnectAnswer>, CodeChatError> {
    connect(on).await
}
