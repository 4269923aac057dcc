//! `POST /v1/instances/{i}/connect`

use std::time::Duration;

use axum::{extract::State, http::StatusCode, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::{App, check_phone},
    native::{
        ORDER,
        body::Json,
        call::{Caller, Key},
        live_codes::{PairingCodeBody, QrBody},
        problem::Problem,
        render::{InstanceBody, answer},
    },
};

/// How long the answer waits for the first code if the request does not say, in milliseconds.
const WAIT_DEFAULT_MS: u64 = 20_000;
/// How long it waits at most.
const WAIT_MAX_MS: u64 = 60_000;

/// How a device shall be linked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"method": "qr"}), json!({"method": "pairing_code", "phone": "5511987654321"})))]
pub(super) struct ConnectRequest {
    /// `qr` (default) or `pairing_code`.
    method: Option<Method>,
    /// The digits of the phone that a pairing code is for.
    #[schema(pattern = "^[1-9][0-9]{6,14}$")]
    phone: Option<String>,
    /// Milliseconds to wait for the first code: at most 60,000, 20,000 if it is left out.
    #[schema(maximum = 60_000)]
    wait_ms: Option<u64>,
}

/// How a device is linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Method {
    Qr,
    PairingCode,
}

/// An instance that connects.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConnectBody {
    #[serde(flatten)]
    instance: InstanceBody,
    /// The QR code to scan; none when there was none in time or a device is linked already.
    qr: Option<QrBody>,
    /// The code to type on the phone.
    pairing_code: Option<PairingCodeBody>,
}

/// Links a device: answers with the first code, or at once if a device is linked.
#[utoipa::path(
    post, operation_id = "connect_instance", path = "/v1/instances/{i}/connect", tag = "lifecycle", request_body = ConnectRequest,
    params(
        ("i" = String, Path, description = "Id, name or number"),
        ("Idempotency-Key" = Option<String>, Header)
    ),
    responses(
        (status = 200, body = ConnectBody), (status = 409, body = Problem), (status = 410, body = Problem)
    )
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    body: Json<ConnectRequest>,
) -> Result<Response, Problem> {
    let Json { value: request, bytes } = body;
    let wait_ms = request.wait_ms.unwrap_or(WAIT_DEFAULT_MS);
    if wait_ms > WAIT_MAX_MS {
        return Err(Problem::invalid("`wait_ms`: at most 60000 is expected."));
    }
    let phone = match (request.method.unwrap_or(Method::Qr), request.phone) {
        (Method::Qr, None) => None,
        (Method::Qr, Some(_)) => {
            return Err(Problem::invalid("`phone`: only with the method `pairing_code`."));
        }
        (Method::PairingCode, None) => return Err(Problem::invalid("`phone`: needed for a pairing code.")),
        (Method::PairingCode, Some(phone)) => {
            check_phone(&phone).map_err(|error| Problem::invalid(format!("`phone`: {error}.")))?;
            Some(phone)
        }
    };
    let call = caller.call("POST /v1/instances/{i}/connect", &bytes);
    let connected =
        app.finder.connect(&call, &key.0, &ORDER, phone.as_deref(), Duration::from_millis(wait_ms)).await?;
    let qr = match &connected.codes.qr {
        Some(code) => Some(QrBody::of(code).await?),
        None => None,
    };
    let body = ConnectBody {
        instance: InstanceBody::of(&connected.record),
        qr,
        pairing_code: connected.codes.pairing.as_ref().map(PairingCodeBody::of),
    };
    Ok(answer(StatusCode::OK, body, connected.replayed))
}
