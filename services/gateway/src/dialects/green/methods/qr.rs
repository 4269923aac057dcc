//! `qr`

use std::time::Duration;

use berth_proto::instance::PhaseV1;
use serde_json::{Value, json};

use crate::{
    app::Connected,
    dialects::green::{call::OnInstance, error::GreenError},
    http::qr,
};

/// How long the answer waits for a code.
const WAIT: Duration = Duration::from_secs(20);

/// Starts or joins an attempt; the answer is always 200 and its outcome in `type`.
pub(super) async fn run(on: &OnInstance) -> Result<Value, GreenError> {
    let connected = on.app.connect(&on.call, on.instance, None, WAIT).await?;
    Ok(shown(&connected))
}

/// A code as bare base64 of a PNG, or why there is none.
pub(super) fn shown(connected: &Connected) -> Value {
    match &connected.record.state.phase {
        PhaseV1::Linked(_) => {
            json!({"type": "alreadyLogged", "message": "instance account already authorized"})
        }
        PhaseV1::Paused(_) => {
            json!({"type": "error", "message": "Instance has auth. You need to make log out"})
        }
        PhaseV1::Created
        | PhaseV1::Connecting(_)
        | PhaseV1::Pairing(_)
        | PhaseV1::LoggedOut { .. }
        | PhaseV1::Deleted { .. } => {
            match connected.codes.qr.as_ref().and_then(|code| qr::png_base64(&code.text).ok()) {
                Some(picture) => json!({"type": "qrCode", "message": picture}),
                None => json!({"type": "error", "message": "QR code is not available, try again"}),
            }
        }
    }
}
