//! `getAuthorizationCode`

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    app::check_phone,
    dialects::green::{
        call::OnInstance,
        error::{ErrorBody, GreenError},
    },
};

/// How long the answer waits for a code.
const WAIT: Duration = Duration::from_secs(20);

/// The phone that a code is asked for.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it documents a body that is read field by field, for the texts of its errors")]
#[schema(rename_all = "camelCase")]
pub(super) struct AuthorizationCodeRequest {
    /// With the country's code and without `+`; a string of digits is taken too.
    #[schema(minimum = 1_000_000, maximum = 999_999_999_999_999_u64)]
    phone_number: u64,
}

/// A code to type on the phone.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuthorizationCode {
    /// False if there is no code, for example because a device is linked.
    status: bool,
    /// Eight characters, or empty.
    code: String,
}

/// Starts or joins an attempt and answers with a code to type on the phone.
#[utoipa::path(
    post, operation_id = "getAuthorizationCode", tag = "account", request_body = AuthorizationCodeRequest,
    path = "/waInstance{idInstance}/getAuthorizationCode/{apiTokenInstance}",
    responses((status = 200, body = AuthorizationCode), (status = 400, body = ErrorBody), (status = 413, body = ErrorBody))
)]
pub(super) async fn run(on: &OnInstance, body: Map<String, Value>) -> Result<AuthorizationCode, GreenError> {
    let phone = match body.get("phoneNumber") {
        None => return Err(GreenError::Validation("'phoneNumber' is required".to_owned())),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.clone(),
        Some(_) => return Err(GreenError::Validation("'phoneNumber' must be a number".to_owned())),
    };
    check_phone(&phone).map_err(|error| GreenError::Validation(format!("'phoneNumber': {error}")))?;
    let connected = match on.app.codes.connect(&on.call, on.instance, Some(&phone), WAIT).await {
        Err(failure) if super::is_refusal(&failure) => None,
        other => Some(other?),
    };
    let code = connected.and_then(|connected| connected.codes.pairing).map(|code| code.text);
    Ok(AuthorizationCode { status: code.is_some(), code: code.unwrap_or_default() })
}
