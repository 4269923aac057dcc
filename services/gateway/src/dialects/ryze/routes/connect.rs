//! `GET /api/instance/connect/{name}`

use std::time::Duration;

use axum::Json;
use berth_proto::instance::{ConnectionV1, PhaseV1};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{Connected, check_phone},
    dialects::ryze::{
        ORDER,
        call::OnInstance,
        error::{ErrorBody, RyzeError},
    },
    http::{qr, query::LenientQuery},
};

const WHAT: &str = "Failed to connect";
/// How long the answer waits for a code.
const WAIT: Duration = Duration::from_mins(1);

/// The query of a connect. `history` is accepted and has no effect: messages are not this service's.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Options {
    /// The phone to link by pairing code, with its country code and nothing but digits; an empty one is none.
    #[param(pattern = "^([1-9][0-9]{6,14})?$")]
    number: Option<String>,
}

/// The code of the attempt; the state alone while there is none to show.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConnectAnswer {
    /// `true`.
    success: bool,
    message: &'static str,
    /// The code to type on the phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pairing_code: Option<String>,
    /// The text of the QR code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    qr_code: Option<String>,
    /// The QR code as a `data:` URL of a PNG.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    qr_code_base64: Option<String>,
    /// `qr`, `pairing`, `connecting` or `connected`.
    status: &'static str,
}

impl ConnectAnswer {
    pub(super) fn without_code(message: &'static str, status: &'static str) -> Self {
        Self { success: true, message, status, ..Self::default() }
    }
}

/// Starts or joins an attempt and answers with its code; a linked instance says so and is left alone.
#[utoipa::path(
    get, operation_id = "connect", path = "/api/instance/connect/{instance}", tag = "instance",
    params(("instance" = String, Path, description = "Name, id or number"), Options),
    responses((status = 200, body = ConnectAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(
    on: OnInstance,
    LenientQuery(options): LenientQuery<Options>,
) -> Result<Json<ConnectAnswer>, RyzeError> {
    let number = options.number.filter(|number| !number.is_empty());
    if let Some(number) = &number {
        check_phone(number).map_err(|_| RyzeError::InvalidNumber)?;
    }
    let result = on.app.finder.connect(&on.call, &on.name, &ORDER, number.as_deref(), WAIT).await;
    let connected = on.own(WHAT, result).await?;
    match &connected.record.state.phase {
        PhaseV1::Linked(link) if link.connection == ConnectionV1::Open => {
            Ok(Json(ConnectAnswer::without_code("Instance already connected", "connected")))
        }
        PhaseV1::Linked(_) | PhaseV1::Paused(_) => {
            Ok(Json(ConnectAnswer::without_code("Reconnect initiated", "connecting")))
        }
        PhaseV1::Created
        | PhaseV1::Connecting(_)
        | PhaseV1::Pairing(_)
        | PhaseV1::LoggedOut { .. }
        | PhaseV1::Deleted { .. } => code(connected, number.is_some()).await,
    }
}

async fn code(connected: Connected, pairing: bool) -> Result<Json<ConnectAnswer>, RyzeError> {
    if pairing {
        let code = connected.codes.pairing.ok_or(RyzeError::NoCode)?;
        return Ok(Json(ConnectAnswer {
            pairing_code: Some(code.text),
            ..ConnectAnswer::without_code("Pairing code generated", "pairing")
        }));
    }
    let code = connected.codes.qr.ok_or(RyzeError::NoCode)?;
    let picture = qr::png_data_url(&code.text).await.map_err(|_| RyzeError::NoCode)?;
    Ok(Json(ConnectAnswer {
        qr_code: Some(code.text),
        qr_code_base64: Some(picture),
        ..ConnectAnswer::without_code("QR code generated", "qr")
    }))
}
