//! `GET /instance/connect/{instance}`

use std::time::Duration;

use axum::Json;
use berth_proto::instance::PhaseV1;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    app::{Connected, LiveCodes, check_phone},
    dialects::evolution::{ORDER, call::OnInstance, error::EvolutionError, words},
    http::{qr, query::LenientQuery},
};

/// How long the answer waits for a code.
const WAIT: Duration = Duration::from_secs(20);

/// The query of a connect.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Options {
    number: Option<String>,
}

/// Starts or joins an attempt and answers with its code, or with the state of a linked instance.
pub(super) async fn handler(
    on: OnInstance,
    LenientQuery(options): LenientQuery<Options>,
) -> Result<Json<Value>, EvolutionError> {
    let number = options.number.filter(|number| !number.is_empty());
    let connected = connect(&on, number.as_deref()).await?;
    let state = words::state(&connected.record.state.phase);
    Ok(Json(match &connected.record.state.phase {
        PhaseV1::Linked(_) => json!({"instance": {"instanceName": connected.record.name, "state": state}}),
        PhaseV1::Created
        | PhaseV1::Connecting(_)
        | PhaseV1::Pairing(_)
        | PhaseV1::Paused(_)
        | PhaseV1::LoggedOut { .. }
        | PhaseV1::Deleted { .. } => code_of(&connected.codes),
    }))
}

/// Connects by QR code, or by pairing code for a number.
pub(super) async fn connect(on: &OnInstance, number: Option<&str>) -> Result<Connected, EvolutionError> {
    let digits: Option<String> =
        number.map(|number| number.chars().take_while(|c| *c != '@').filter(char::is_ascii_digit).collect());
    if let Some(digits) = &digits {
        check_phone(digits).map_err(|error| EvolutionError::Refused(format!("number: {error}")))?;
    }
    on.map(on.app.connect_on(&on.call, &on.name, &ORDER, digits.as_deref(), WAIT).await)
}

/// The object of the codes; `{"count": 0}` when there is none.
pub(super) fn code_of(codes: &LiveCodes) -> Value {
    let mut object = Map::new();
    if codes.qr.is_some() || codes.pairing.is_some() {
        let pairing = codes.pairing.as_ref().map(|code| code.text.replace('-', ""));
        object.insert("pairingCode".to_owned(), json!(pairing));
    }
    if let Some(code) = &codes.qr {
        object.insert("code".to_owned(), json!(code.text));
        if let Ok(picture) = qr::png_data_url(&code.text) {
            object.insert("base64".to_owned(), json!(picture));
        }
    }
    let index = codes.qr.as_ref().or(codes.pairing.as_ref()).map_or(0, |code| code.index);
    object.insert("count".to_owned(), json!(index));
    Value::Object(object)
}
