//! `GET /rest/instance/pairingCode/{key}?phoneNumber=`

use axum::{
    Json,
    extract::{Query, rejection::QueryRejection},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::qrcode_base64::connect;
use crate::{
    app::check_phone,
    dialects::mega::{
        call::OnInstance,
        error::{ErrorBody, MegaError},
    },
};

/// The query of a pairing code. `customPairingCode` is accepted and has no effect: WhatsApp makes the code.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Phone {
    /// The phone to link, with its country code and nothing but digits.
    #[param(required = true, pattern = "^[1-9][0-9]{6,14}$")]
    phone_number: Option<String>,
}

/// A code to type on the phone.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TypedCode {
    /// `false`.
    error: bool,
    message: &'static str,
    /// Two groups of four characters.
    pairing_code: String,
}

/// The code, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "nothing but its schema is used")]
pub(super) enum CodeAnswer {
    Code(TypedCode),
    None(ErrorBody),
}

/// Starts or joins an attempt and answers with a code to type on the phone.
#[utoipa::path(
    get, operation_id = "pairing_code", path = "/rest/instance/pairingCode/{instance_key}", tag = "instance",
    params(("instance_key" = String, Path, description = "Name, id or number"), Phone),
    responses((status = 200, body = CodeAnswer), (status = 400, body = ErrorBody))
)]
pub(super) async fn handler(
    on: OnInstance,
    query: Result<Query<Phone>, QueryRejection>,
) -> Result<Json<TypedCode>, MegaError> {
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
    Ok(Json(TypedCode { error: false, message: "Pairing code generated", pairing_code: code }))
}
