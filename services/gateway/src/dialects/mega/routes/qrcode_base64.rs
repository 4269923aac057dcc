//! `GET /rest/instance/qrcode_base64/{key}`

use std::time::Duration;

use axum::Json;
use berth_proto::instance::PhaseV1;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::Connected,
    dialects::mega::{
        ORDER,
        call::OnInstance,
        error::{ErrorBody, MegaError},
    },
    http::qr,
};

/// How long the answer waits for a code.
const WAIT: Duration = Duration::from_secs(20);

/// A code to scan.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Qr {
    /// `false`.
    error: bool,
    message: &'static str,
    /// A `data:` URL of a PNG.
    qrcode: String,
}

/// The code, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "nothing but its schema is used")]
pub(super) enum QrAnswer {
    Qr(Qr),
    None(ErrorBody),
}

/// Starts or joins an attempt and answers with its code as a data URL.
#[utoipa::path(
    get, operation_id = "qr_code", path = "/rest/instance/qrcode_base64/{instance_key}", tag = "instance",
    params(("instance_key" = String, Path, description = "Name, id or number")),
    responses((status = 200, body = QrAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<Qr>, MegaError> {
    let picture = picture(&on).await?;
    Ok(Json(Qr { error: false, message: "QR code fetched", qrcode: picture }))
}

/// The live code as a data URL; an error if a device is linked or no code came in time.
pub(super) async fn picture(on: &OnInstance) -> Result<String, MegaError> {
    let connected = connect(on, None).await?;
    let code = connected.codes.qr.ok_or(MegaError::NoCode("QR code is not available, try again"))?;
    qr::png_data_url(&code.text).await.map_err(|_| MegaError::NoCode("QR code is not available, try again"))
}

/// Connects; linked and paused instances have no code to show.
pub(super) async fn connect(on: &OnInstance, phone: Option<&str>) -> Result<Connected, MegaError> {
    let connected = on.map(on.app.finder.connect(&on.call, &on.key, &ORDER, phone, WAIT).await)?;
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
