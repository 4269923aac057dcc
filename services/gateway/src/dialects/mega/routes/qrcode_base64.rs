//! `GET /rest/instance/qrcode_base64/{key}`

use std::time::Duration;

use axum::Json;
use berth_proto::instance::PhaseV1;
use serde_json::{Value, json};

use crate::{
    app::Connected,
    dialects::mega::{ORDER, call::OnInstance, error::MegaError},
    http::qr,
};

/// How long the answer waits for a code.
const WAIT: Duration = Duration::from_secs(20);

/// Starts or joins an attempt and answers with its code as a data URL.
pub(super) async fn handler(on: OnInstance) -> Result<Json<Value>, MegaError> {
    let picture = picture(&on).await?;
    Ok(Json(json!({"error": false, "message": "QR code fetched", "qrcode": picture})))
}

/// The live code as a data URL; an error if a device is linked or no code came in time.
pub(super) async fn picture(on: &OnInstance) -> Result<String, MegaError> {
    let connected = connect(on, None).await?;
    let code = connected.codes.qr.ok_or(MegaError::NoCode("QR code is not available, try again"))?;
    qr::png_data_url(&code.text).map_err(|_| MegaError::NoCode("QR code is not available, try again"))
}

/// Connects; linked and paused instances have no code to show.
pub(super) async fn connect(on: &OnInstance, phone: Option<&str>) -> Result<Connected, MegaError> {
    let connected = on.map(on.app.connect_on(&on.call, &on.key, &ORDER, phone, WAIT).await)?;
    match &connected.record.state.phase {
        PhaseV1::Linked(_) => Err(MegaError::AlreadyLoggedIn),
        PhaseV1::Paused(_) => Err(MegaError::NoCode("Instance is paused and being resumed")),
        PhaseV1::Created
        | PhaseV1::Connecting(_)
        | PhaseV1::Pairing(_)
        | PhaseV1::LoggedOut { .. }
        | PhaseV1::Deleted { .. } => Ok(connected),
    }
}
