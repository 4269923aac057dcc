//! `GET /api/instance/connect/{name}`

use std::time::Duration;

use axum::Json;
use berth_proto::instance::PhaseV1;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    app::{Connected, check_phone},
    dialects::ryze::{ORDER, call::OnInstance, error::RyzeError},
    http::{qr, query::LenientQuery},
};

const WHAT: &str = "Failed to connect";
/// How long the answer waits for a code.
const WAIT: Duration = Duration::from_mins(1);

/// The query of a connect. `history` is accepted and has no effect: messages are not this service's.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Options {
    number: Option<String>,
}

/// Starts or joins an attempt and answers with its code; a linked instance says so and is left alone.
pub(super) async fn handler(
    on: OnInstance,
    LenientQuery(options): LenientQuery<Options>,
) -> Result<Json<Value>, RyzeError> {
    let number = options.number.filter(|number| !number.is_empty());
    if let Some(number) = &number {
        check_phone(number).map_err(|_| RyzeError::InvalidNumber)?;
    }
    let result = on.app.connect_on(&on.call, &on.name, &ORDER, number.as_deref(), WAIT).await;
    let connected = on.own(WHAT, result).await?;
    match &connected.record.state.phase {
        PhaseV1::Linked(_) => {
            Ok(Json(json!({"success": true, "message": "Instance already connected", "status": "connected"})))
        }
        PhaseV1::Paused(_) => {
            Ok(Json(json!({"success": true, "message": "Reconnect initiated", "status": "connecting"})))
        }
        PhaseV1::Created
        | PhaseV1::Connecting(_)
        | PhaseV1::Pairing(_)
        | PhaseV1::LoggedOut { .. }
        | PhaseV1::Deleted { .. } => code(connected, number.is_some()),
    }
}

fn code(connected: Connected, pairing: bool) -> Result<Json<Value>, RyzeError> {
    if pairing {
        let code = connected.codes.pairing.ok_or(RyzeError::NoCode)?;
        return Ok(Json(json!({
            "success": true,
            "message": "Pairing code generated",
            "pairingCode": code.text,
            "status": "pairing",
        })));
    }
    let code = connected.codes.qr.ok_or(RyzeError::NoCode)?;
    let picture = qr::png_data_url(&code.text).map_err(|_| RyzeError::NoCode)?;
    Ok(Json(json!({
        "success": true,
        "message": "QR code generated",
        "qrCode": code.text,
        "qrCodeBase64": picture,
        "status": "qr",
    })))
}
