//! `GET /instance/qr`

use std::time::Duration;

use axum::Json;
use berth_proto::instance::PhaseV1;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::WantedCode,
    dialects::evolution_go::{
        answer::Success,
        call::{OnInstance, own},
        error::{ErrorBody, GoError},
    },
    http::qr,
};

/// How long the answer waits for a code.
pub(super) const WAIT: Duration = Duration::from_secs(6);

const NO_CODE: GoError = GoError::NoCode("no QR code available. Please wait a moment and try again");

/// A code to scan, under the names of release 0.7 and of those before it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QrData {
    /// A `data:` URL of a PNG.
    qrcode: String,
    /// The text of the QR code.
    code: String,
    /// The same as `qrcode`.
    #[serde(rename = "Qrcode")]
    old_qrcode: String,
    /// The same as `code`.
    #[serde(rename = "Code")]
    old_code: String,
}

/// Shows the code of the attempt that runs, by pairing code too; without one it starts an attempt.
#[utoipa::path(
    get, operation_id = "qr", path = "/evolution-go/instance/qr", tag = "instance",
    responses(
        (status = 200, body = Success<QrData>),
        (status = 400, body = ErrorBody, description = "No code came in time."),
        (status = 409, body = ErrorBody, description = "A device is linked, or the number is banned.")
    )
)]
pub(super) async fn handler(on: OnInstance) -> Result<Json<Success<QrData>>, GoError> {
    let record = on.read().await?;
    let (record, codes) = match &record.state.phase {
        PhaseV1::Connecting(_) | PhaseV1::Pairing(_) => {
            own(on.app.codes.first_code(&on.call, record, WantedCode::Qr, WAIT).await)?
        }
        PhaseV1::Created
        | PhaseV1::Linked(_)
        | PhaseV1::Paused(_)
        | PhaseV1::LoggedOut { .. }
        | PhaseV1::Deleted { .. } => {
            let connected = on.connect(None, WAIT).await?;
            (connected.record, connected.codes)
        }
    };
    if let PhaseV1::Linked(_) | PhaseV1::Paused(_) = &record.state.phase {
        return Err(GoError::LoggedIn("session already logged in"));
    }
    let code = codes.qr.ok_or(NO_CODE)?.text;
    let picture = qr::png_data_url(&code).await.map_err(|_| NO_CODE)?;
    Ok(Success::of(QrData { old_qrcode: picture.clone(), old_code: code.clone(), qrcode: picture, code }))
}
