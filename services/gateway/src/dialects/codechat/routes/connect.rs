//! `GET /api/v2/instance/{instanceId}/connect` and `/qrcode`

use std::time::Duration;

use axum::Json;
use berth_proto::instance::PhaseV1;
use serde_json::{Value, json};

use crate::{
    dialects::codechat::{call::OnInstance, error::CodeChatError, words},
    http::qr,
};

/// How long the answer waits for a code.
const WAIT: Duration = Duration::from_secs(20);

/// Starts or joins an attempt and shows its code; a linked instance shows its state.
pub(super) async fn connect(on: OnInstance) -> Result<Json<Value>, CodeChatError> {
    let record = on.read().await?;
    let connected = on.map(on.app.connect(&on.call, record.id, None, WAIT).await)?;
    if matches!(connected.record.state.phase, PhaseV1::Linked(_)) {
        let (state, reason) = words::live(&connected.record);
        return Ok(Json(json!({"state": state, "statusReason": reason})));
    }
    let Some(code) = connected.codes.qr else { return Ok(Json(json!({"count": 0}))) };
    let picture = qr::png_data_url(&code.text).unwrap_or_default();
    Ok(Json(json!({"count": code.index, "code": code.text, "base64": picture})))
}

/// The same under another name.
pub(super) async fn qrcode(on: OnInstance) -> Result<Json<Value>, CodeChatError> {
    connect(on).await
}
