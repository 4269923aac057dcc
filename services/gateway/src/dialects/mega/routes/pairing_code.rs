//! `GET /rest/instance/pairingCode/{key}?phoneNumber=`

use axum::{
    Json,
    extract::{Query, rejection::QueryRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::qrcode_base64::connect;
use crate::{
    app::check_phone,
    dialects::mega::{call::OnInstance, error::MegaError},
};

/// The query of a pairing code. `customPairingCode` is accepted and has no effect: WhatsApp makes the code.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Phone {
    phone_number: Option<String>,
}

/// Starts or joins an attempt and answers with a code to type on the phone.
pub(super) async fn handler(
    on: OnInstance,
    query: Result<Query<Phone>, QueryRejection>,
) -> Result<Json<Value>, MegaError> {
    let required = || MegaError::Invalid("phoneNumber is required".to_owned());
    let phone =
        query.map_err(|_| required())?.0.phone_number.filter(|it| !it.is_empty()).ok_or_else(required)?;
    check_phone(&phone).map_err(|error| MegaError::Invalid(format!("phoneNumber: {error}")))?;
    let connected = connect(&on, Some(&phone)).await?;
    let code =
        connected.codes.pairing.ok_or(MegaError::NoCode("Pairing code is not available, try again"))?;
    let code = match code.text.split_at_checked(4) {
        Some((first, second)) => format!("{first}-{second}"),
        None => code.text,
    };
    Ok(Json(json!({"error": false, "message": "Pairing code generated", "pairingCode": code})))
}
