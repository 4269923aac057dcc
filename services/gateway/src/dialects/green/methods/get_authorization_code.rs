//! `getAuthorizationCode`

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::{
    app::check_phone,
    dialects::green::{call::OnInstance, error::GreenError},
};

/// How long the answer waits for a code.
const WAIT: Duration = Duration::from_secs(20);

/// Starts or joins an attempt and answers with a code to type on the phone.
pub(super) async fn run(on: &OnInstance, body: Map<String, Value>) -> Result<Value, GreenError> {
    let phone = match body.get("phoneNumber") {
        None => return Err(GreenError::Validation("'phoneNumber' is required".to_owned())),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.clone(),
        Some(_) => return Err(GreenError::Validation("'phoneNumber' must be a number".to_owned())),
    };
    check_phone(&phone).map_err(|error| GreenError::Validation(format!("'phoneNumber': {error}")))?;
    let connected = on.app.connect(&on.call, on.instance, Some(&phone), WAIT).await?;
    Ok(match connected.codes.pairing {
        Some(code) => json!({"status": true, "code": code.text}),
        None => json!({"status": false, "code": ""}),
    })
}
