//! `GET` and `POST /v1/instances/{i}/webhooks/{w}/secret`

use axum::{extract::State, http::StatusCode, response::Response};
use berth_notices::asymmetric::AsymmetricKey;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{get::find_to_change, webhook::check_own};
use crate::{
    app::{App, Failure, WebhookSecrets},
    native::{
        ORDER,
        body::Json,
        call::{Caller, KeyAndWebhook},
        problem::Problem,
        render::{answer, time},
    },
};

/// Hours for which the former secret signs beside the new one if the request does not say.
const OVERLAP_HOURS_DEFAULT: u32 = 24;
/// The most: seven days.
const OVERLAP_HOURS_MAX: u32 = 7 * 24;

/// How a secret is changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"overlap_hours": 24})))]
pub(super) struct RotateRequest {
    /// The new secret: `whsec_` and base64 of 24 to 64 bytes; made up if it is left out.
    pub(super) secret: Option<String>,
    /// Hours for which the former secret signs beside it: 0 (it ends at once) to 168, 24 if it is left out.
    #[schema(minimum = 0, maximum = 168)]
    overlap_hours: Option<u32>,
}

impl RotateRequest {
    /// Hours for which the former secret signs.
    pub(super) fn hours(&self) -> Result<u32, Problem> {
        let hours = self.overlap_hours.unwrap_or(OVERLAP_HOURS_DEFAULT);
        if hours > OVERLAP_HOURS_MAX {
            return Err(Problem::invalid("`overlap_hours`: 0 to 168 is expected."));
        }
        Ok(hours)
    }
}

/// The secrets of an endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "public_key": "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
    "former": [{
        "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "public_key": "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", "until": "2026-11-22T10:07:38.691027Z"
    }]
})))]
pub(super) struct SecretsBody {
    /// The one that signs.
    secret: String,
    /// What checks its ed25519 signatures (`v1a`), for receivers that shall not be able to sign: `whpk_` and base64.
    public_key: String,
    /// Those that sign beside it for a while, the newest last.
    former: Vec<FormerSecretBody>,
}

/// A former secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FormerSecretBody {
    secret: String,
    /// What checks its ed25519 signatures.
    public_key: String,
    /// Until when it signs.
    until: String,
}

/// Shows the signing secrets of an endpoint.
#[utoipa::path(
    get, operation_id = "get_webhook_secret", path = "/v1/instances/{i}/webhooks/{w}/secret", tag = "webhooks",
    params(("i" = String, Path, description = "Id, name or number"), ("w" = String, Path, description = "Id")),
    responses((status = 200, body = SecretsBody))
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    key: KeyAndWebhook,
) -> Result<Response, Problem> {
    let record = app.finder.find(&caller.principal, &key.0, &ORDER).await?;
    let secrets = app.webhooks.secrets(&record, key.1).ok_or(Failure::NotFound)?;
    Ok(answer(StatusCode::OK, SecretsBody::of(secrets), false))
}

/// Changes the signing secret of an endpoint; the former one signs beside it for a while.
#[utoipa::path(
    post, operation_id = "rotate_webhook_secret", path = "/v1/instances/{i}/webhooks/{w}/secret", tag = "webhooks",
    request_body = RotateRequest,
    params(
        ("i" = String, Path, description = "Id, name or number"), ("w" = String, Path, description = "Id"),
        ("Idempotency-Key" = Option<String>, Header)
    ),
    responses((status = 200, body = SecretsBody), (status = 409, body = Problem), (status = 410, body = Problem))
)]
pub(super) async fn rotate(
    State(app): State<App>,
    caller: Caller,
    key: KeyAndWebhook,
    body: Json<RotateRequest>,
) -> Result<Response, Problem> {
    let record = find_to_change(&app, &caller.principal, &key.0).await?;
    check_own(&app, &record, key.1).await?;
    let hours = body.value.hours()?;
    // The key belongs to this endpoint: the same change of another one is another request.
    let sent = [key.1.as_bytes().as_slice(), &body.bytes].concat();
    let call = caller.call("POST /v1/instances/{i}/webhooks/{w}/secret", &sent);
    let (answered, secrets) =
        app.webhooks.rotate(&call, &record, key.1, body.value.secret.as_deref(), hours).await?;
    Ok(answer(StatusCode::OK, SecretsBody::of(secrets), answered.replayed))
}

impl SecretsBody {
    pub(super) fn of(secrets: WebhookSecrets) -> Self {
        let former = secrets.former.into_iter();
        let former = former.map(|(secret, until)| FormerSecretBody {
            public_key: public_key(&secret),
            secret,
            until: time(until),
        });
        Self { public_key: public_key(&secrets.secret), secret: secrets.secret, former: former.collect() }
    }
}

fn public_key(secret: &str) -> String {
    AsymmetricKey::of_text(secret).map(|key| key.public()).unwrap_or_default()
}
