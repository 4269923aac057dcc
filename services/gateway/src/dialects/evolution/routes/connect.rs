//! `GET /instance/connect/{instance}`

use std::time::Duration;

use axum::Json;
use berth_proto::{
    frame::RejectionCodeV1,
    instance::{ConnectionV1, PhaseV1},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::connection_state::StateAnswer;
use crate::{
    app::{Connected, Failure, LiveCodes, check_phone},
    dialects::evolution::{
        ORDER,
        call::OnInstance,
        error::{ErrorBody, EvolutionError},
    },
    http::{qr, query::LenientQuery},
};

/// How long the answer waits for a code: there are clients that give up after five seconds.
pub(super) const WAIT: Duration = Duration::from_millis(4_500);

/// The query of a connect.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Options {
    /// The phone to link by pairing code, with its country code.
    number: Option<String>,
}

/// A connected instance's state, or the code of the attempt.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum ConnectAnswer {
    State(StateAnswer),
    Code(CodeAnswer),
    Refused(RefusedAnswer),
}

/// Why nothing was done: as the product says it, with status 200.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefusedAnswer {
    /// True.
    error: bool,
    message: String,
}

impl RefusedAnswer {
    /// The answer with this text.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { error: true, message: message.into() }
    }

    /// The answer to a failure that is a ban.
    pub(super) fn of_ban<T>(result: &Result<T, Failure>) -> Option<Self> {
        let Err(Failure::Rejected(RejectionCodeV1::Banned)) = result else { return None };
        Some(Self::new("The number is banned at this moment"))
    }
}

/// The codes that are shown at this moment; `count` alone, 0, while there is none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CodeAnswer {
    /// Eight characters; null beside a QR code alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[expect(clippy::option_option, reason = "clients tell null from absent")]
    pub(super) pairing_code: Option<Option<String>>,
    /// The text of the QR code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<String>,
    /// The QR code as a `data:` URL of a PNG.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) base64: Option<String>,
    /// Which code of the attempt it is.
    pub(super) count: u32,
}

impl CodeAnswer {
    pub(super) async fn of(codes: &LiveCodes) -> Self {
        let picture = match &codes.qr {
            Some(code) => qr::png_data_url(&code.text).await.ok(),
            None => None,
        };
        let pairing = codes.pairing.as_ref().map(|code| code.text.replace('-', ""));
        Self {
            pairing_code: (codes.qr.is_some() || pairing.is_some()).then_some(pairing),
            code: codes.qr.as_ref().map(|code| code.text.clone()),
            base64: picture,
            count: codes.qr.as_ref().or(codes.pairing.as_ref()).map_or(0, |code| code.index),
        }
    }

    /// No code yet.
    pub(super) const fn none() -> Self {
        Self { pairing_code: None, code: None, base64: None, count: 0 }
    }
}

/// Starts or joins an attempt and answers with its code, or with the state of a connected instance.
#[utoipa::path(
    get, operation_id = "connect", path = "/instance/connect/{instance}", tag = "instance",
    params(("instance" = String, Path, description = "Name, id or number"), Options),
    responses((status = 200, body = ConnectAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(
    on: OnInstance,
    LenientQuery(options): LenientQuery<Options>,
) -> Result<Json<ConnectAnswer>, EvolutionError> {
    let number = options.number.filter(|number| !number.is_empty());
    let phone = number.as_deref().map(phone).transpose()?;
    let result = on.app.finder.connect(&on.call, &on.name, &ORDER, phone.as_deref(), WAIT).await;
    if let Some(banned) = RefusedAnswer::of_ban(&result) {
        return Ok(Json(ConnectAnswer::Refused(banned)));
    }
    let connected = on.map(result)?;
    Ok(Json(match &connected.record.state.phase {
        PhaseV1::Linked(link) if link.connection == ConnectionV1::Open => {
            ConnectAnswer::State(StateAnswer::of(&connected.record))
        }
        // A linked device that comes back, or is resumed by this call, has no code to show.
        PhaseV1::Linked(_)
        | PhaseV1::Created
        | PhaseV1::Connecting(_)
        | PhaseV1::Pairing(_)
        | PhaseV1::Paused(_)
        | PhaseV1::LoggedOut { .. }
        | PhaseV1::Deleted { .. } => ConnectAnswer::Code(CodeAnswer::of(&connected.codes).await),
    }))
}

/// The phone of a `number`, which may be a JID or have other characters between its digits.
pub(super) fn phone(number: &str) -> Result<String, EvolutionError> {
    let digits: String = number.chars().take_while(|c| *c != '@').filter(char::is_ascii_digit).collect();
    check_phone(&digits).map_err(|error| EvolutionError::Refused(format!("number: {error}")))?;
    Ok(digits)
}

/// Connects by QR code, or by pairing code for a phone.
pub(super) async fn connect(on: &OnInstance, phone: Option<&str>) -> Result<Connected, EvolutionError> {
    on.map(on.app.finder.connect(&on.call, &on.name, &ORDER, phone, WAIT).await)
}
