//! `qr`

use std::time::Duration;

use berth_proto::instance::{ConnectionV1, PhaseV1};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::Connected,
    dialects::green::{call::OnInstance, error::GreenError},
    http::qr,
};

/// How long the answer waits for a code.
const WAIT: Duration = Duration::from_secs(20);

/// A code, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Shown {
    r#type: Kind,
    /// Bare base64 of a PNG, or a text.
    message: String,
}

/// What is shown.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum Kind {
    QrCode,
    AlreadyLogged,
    Error,
}

/// Starts or joins an attempt; the answer is always 200 and its outcome in `type`.
#[utoipa::path(
    get, operation_id = "qr", tag = "account",
    path = "/waInstance{idInstance}/qr/{apiTokenInstance}",
    responses((status = 200, body = Shown))
)]
pub(super) async fn run(on: &OnInstance) -> Result<Shown, GreenError> {
    match on.app.codes.connect(&on.call, on.instance, None, WAIT).await {
        Ok(connected) => Ok(shown(&connected).await),
        Err(failure) if super::is_refusal(&failure) => Ok(refused()),
        Err(failure) => Err(failure.into()),
    }
}

/// There is a device, and it cannot be connected.
pub(super) fn refused() -> Shown {
    Shown { r#type: Kind::Error, message: "Instance has auth. You need to make log out".to_owned() }
}

/// A code as bare base64 of a PNG, or why there is none.
pub(super) async fn shown(connected: &Connected) -> Shown {
    match &connected.record.state.phase {
        // Also after this call took a paused session up again.
        PhaseV1::Linked(link) if link.connection == ConnectionV1::Opening => {
            Shown { r#type: Kind::Error, message: "instance in starting process try later".to_owned() }
        }
        PhaseV1::Linked(_) => {
            Shown { r#type: Kind::AlreadyLogged, message: "instance account already authorized".to_owned() }
        }
        PhaseV1::Paused(_) => refused(),
        PhaseV1::Created
        | PhaseV1::Connecting(_)
        | PhaseV1::Pairing(_)
        | PhaseV1::LoggedOut { .. }
        | PhaseV1::Deleted { .. } => {
            let picture = match &connected.codes.qr {
                Some(code) => qr::png_base64(&code.text).await.ok(),
                None => None,
            };
            match picture {
                Some(picture) => Shown { r#type: Kind::QrCode, message: picture },
                None => {
                    Shown { r#type: Kind::Error, message: "QR code is not available, try again".to_owned() }
                }
            }
        }
    }
}
