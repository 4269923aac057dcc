//! `POST /instance/pair`

use axum::{Json, extract::Request};
use berth_proto::instance::PhaseV1;
use serde::Serialize;
use utoipa::ToSchema;

use super::qr::WAIT;
use crate::{
    app::check_phone,
    dialects::evolution_go::{
        answer::Success,
        bodies,
        call::{OnInstance, object, text},
        error::{ErrorBody, GoError},
    },
};

/// A code to type on the phone.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PairData {
    /// Two groups of four characters.
    pairing_code: String,
}

/// Starts or joins an attempt by pairing code and answers with the code.
#[utoipa::path(
    post, operation_id = "pair", path = "/evolution-go/instance/pair", tag = "instance",
    request_body = bodies::Pair,
    responses(
        (status = 200, body = Success<PairData>), (status = 400, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "A device is linked, or the number is banned.")
    )
)]
pub(super) async fn handler(on: OnInstance, request: Request) -> Result<Json<Success<PairData>>, GoError> {
    let body = object(request).await?;
    let phone = text(&body, "phone")?.ok_or_else(|| GoError::Invalid("phone is required".to_owned()))?;
    let phone: String = phone.chars().take_while(|c| *c != '@').filter(char::is_ascii_digit).collect();
    check_phone(&phone).map_err(|error| GoError::field("phone", &error.to_string()))?;
    let connected = on.connect(Some(&phone), WAIT).await?;
    if let PhaseV1::Linked(_) | PhaseV1::Paused(_) = &connected.record.state.phase {
        return Err(GoError::LoggedIn("instance is already authenticated"));
    }
    let code = connected.codes.pairing;
    let code =
        code.ok_or(GoError::NoCode("no pairing code available. Please wait a moment and try again"))?;
    let pairing_code = match code.text.split_at_checked(4) {
        Some((first, second)) => format!("{first}-{second}"),
        None => code.text,
    };
    Ok(Success::of(PairData { pairing_code }))
}
