//! `GET`, `PATCH` and `DELETE /v1/instances/{i}/webhooks/{w}`

use std::collections::BTreeMap;

use axum::{extract::State, http::StatusCode, response::Response};
use berth_notices::{
    asymmetric,
    formats::{Format, NATIVE, by_name},
    pace::Pace,
    retries::Retries,
};
use berth_proto::{EndpointId, frame::RejectionCodeV1};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::{
    get::find_to_change,
    webhooks::{AfterLogout, Whose, check_events, checked, checked_retries, removed_since},
};
use crate::{
    app::{App, Call, Failure, NewWebhook, Record, Webhook},
    native::{
        ORDER,
        body::Json,
        call::{Caller, KeyAndWebhook},
        code::Code,
        problem::Problem,
        render::{WebhookBody, answer, removed},
    },
};

/// How often a change is made again since others changed the endpoint meanwhile.
pub(super) const PATCH_TRIES_MAX: u32 = 8;

/// What shall be another at an endpoint; whatever is left out stays.
#[expect(clippy::option_option, reason = "null and absent mean different things in a patch")]
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"enabled": false})))]
pub(super) struct WebhookPatch {
    /// Where notices are sent.
    url: Option<String>,
    /// Names of the events it wants; empty is all.
    pub(super) events: Option<Vec<String>>,
    /// Custom headers.
    headers: Option<BTreeMap<String, String>>,
    /// The value of the `Authorization` header; null sends none.
    #[serde(default, deserialize_with = "some")]
    #[schema(value_type = Option<String>)]
    authorization: Option<Option<String>>,
    /// `silent` or `all`.
    after_logout: Option<AfterLogout>,
    /// A text of the client's own, at most 128 characters.
    label: Option<String>,
    /// Whether it receives anything.
    enabled: Option<bool>,
    /// Whether an ed25519 signature (`v1a`) stands beside each usual one.
    ed25519: Option<bool>,
    /// Notices that it is sent in a second at most, from 1 to 1,000; null is without a bound of its own.
    #[serde(default, deserialize_with = "some")]
    #[schema(value_type = Option<u32>)]
    rate: Option<Option<u32>>,
    /// Notices that it is sent at the same time at most, from 1 to 192; null is without a bound of its own.
    #[serde(default, deserialize_with = "some")]
    #[schema(value_type = Option<u32>)]
    concurrency: Option<Option<u32>>,
    /// Seconds after which a notice that failed is tried again; null is the usual schedule, `[]` one attempt.
    #[serde(default, deserialize_with = "some")]
    #[schema(value_type = Option<Vec<u32>>)]
    retries: Option<Option<Vec<u32>>>,
}

/// Tells a field that is null from one that is left out.
#[expect(clippy::option_option, reason = "null and absent mean different things in a patch")]
fn some<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Shows an endpoint.
#[utoipa::path(
    get, operation_id = "get_webhook", path = "/v1/instances/{i}/webhooks/{w}", tag = "webhooks",
    params(("i" = String, Path, description = "Id, name or number"), ("w" = String, Path, description = "Id")),
    responses((status = 200, body = WebhookBody))
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    key: KeyAndWebhook,
) -> Result<Response, Problem> {
    let record = app.finder.find(&caller.principal, &key.0, &ORDER).await?;
    let webhook = WebhookBody::of(opened(&record, key.1)?, None);
    let failing = app.deliveries.failing(&record).await;
    Ok(answer(StatusCode::OK, webhook.faring(failing.get(&key.1)), false))
}

/// Changes an endpoint; its secret stays.
#[utoipa::path(
    patch, operation_id = "patch_webhook", path = "/v1/instances/{i}/webhooks/{w}", tag = "webhooks", request_body = WebhookPatch,
    params(
        ("i" = String, Path, description = "Id, name or number"), ("w" = String, Path, description = "Id"),
        ("Idempotency-Key" = Option<String>, Header)
    ),
    responses(
        (status = 200, body = WebhookBody), (status = 409, body = Problem), (status = 410, body = Problem)
    )
)]
pub(super) async fn patch(
    State(app): State<App>,
    caller: Caller,
    key: KeyAndWebhook,
    body: Json<WebhookPatch>,
) -> Result<Response, Problem> {
    // The key belongs to this endpoint: the same change of another one is another request.
    let sent = [key.1.as_bytes().as_slice(), &body.bytes].concat();
    let call = caller.call("PATCH /v1/instances/{i}/webhooks/{w}", &sent);
    let mut tries = 0;
    loop {
        tries += 1;
        match try_to_patch(&app, &call, &key, &body.value).await {
            // Made again from what it is now, so that both changes hold.
            Err(Refused::Changed) if tries < PATCH_TRIES_MAX => {}
            Err(Refused::Changed) => return Err(Failure::Rejected(RejectionCodeV1::Changed).into()),
            Err(Refused::Told(problem)) => return Err(*problem),
            Ok(response) => return Ok(response),
        }
    }
}

/// Why a change was not made.
enum Refused {
    /// Somebody else changed the endpoint since it was read.
    Changed,
    Told(Box<Problem>),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Told(Box::new(problem))
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        match failure.rejection() {
            Some(RejectionCodeV1::Changed) => Self::Changed,
            _ => Problem::from(failure).into(),
        }
    }
}

async fn try_to_patch(
    app: &App,
    call: &Call,
    key: &KeyAndWebhook,
    patch: &WebhookPatch,
) -> Result<Response, Refused> {
    let record = find_to_change(app, &call.principal, &key.0).await?;
    check_own(app, &record, key.1).await?;
    let Some(seen) = record.state.webhooks.iter().find(|webhook| webhook.id == key.1) else {
        let removed = app.commands.was_decided(call, &record).await?;
        return Err(if removed { removed_since().into() } else { Failure::NotFound.into() });
    };
    let webhook = record.open_webhook(seen);
    if let Some(events) = &patch.events {
        check_events(&webhook.format, Whose::Instance, events)?;
    }
    let (answered, webhook) =
        app.webhooks.replace(call, &record, seen, &patched(webhook, patch.clone())?).await?;
    Ok(answer(StatusCode::OK, WebhookBody::of(webhook, None), answered.replayed))
}

/// Removes an endpoint; notices that wait for it are cancelled.
#[utoipa::path(
    delete, operation_id = "delete_webhook", path = "/v1/instances/{i}/webhooks/{w}", tag = "webhooks",
    params(
        ("i" = String, Path, description = "Id, name or number"), ("w" = String, Path, description = "Id"),
        ("Idempotency-Key" = Option<String>, Header)
    ),
    responses(
        (status = 204, description = "Removed"), (status = 409, body = Problem), (status = 410, body = Problem)
    )
)]
pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    key: KeyAndWebhook,
) -> Result<Response, Problem> {
    let record = find_to_change(&app, &caller.principal, &key.0).await?;
    check_own(&app, &record, key.1).await?;
    let call = caller.call("DELETE /v1/instances/{i}/webhooks/{w}", key.1.as_bytes());
    let answered = app.webhooks.remove(&call, record.id, key.1).await?;
    Ok(removed(answered.replayed))
}

/// Refuses to change at an instance what is its account's.
pub(super) async fn check_own(app: &App, record: &Record, id: EndpointId) -> Result<(), Problem> {
    let is_of_account = match record.state.webhooks.iter().find(|webhook| webhook.id == id) {
        Some(own) => own.is_of_account(),
        None => app.accounts.read(record.state.account).await?.webhook(id).is_some(),
    };
    if is_of_account {
        let told = "The webhook is the account's, for all its instances: it is changed and removed at \
             `/v1/webhooks/{w}`, with the account's token.";
        return Err(Problem::new(Code::WebhookOfAccount, told));
    }
    Ok(())
}

fn opened(record: &Record, id: EndpointId) -> Result<Webhook, Failure> {
    let webhook = record.state.webhooks.iter().find(|webhook| webhook.id == id).ok_or(Failure::NotFound)?;
    Ok(record.open_webhook(webhook))
}

/// An endpoint with what shall be another at it.
pub(super) fn patched(webhook: Webhook, patch: WebhookPatch) -> Result<NewWebhook, Problem> {
    let present = Pace::of_options(webhook.options.as_ref());
    let pace = checked(Pace {
        rate: patch.rate.unwrap_or(present.rate),
        concurrency: patch.concurrency.unwrap_or(present.concurrency),
    })?;
    let retries = match patch.retries {
        Some(wanted) => checked_retries(&webhook.format, wanted)?,
        None => Retries::of_options(webhook.options.as_ref()),
    };
    let options = match patch.ed25519 {
        Some(wanted) => asymmetric::wanting(webhook.options, wanted),
        None => webhook.options,
    };
    Ok(NewWebhook {
        id: Some(webhook.id),
        format: by_name(&webhook.format).map_or(NATIVE, Format::name),
        label: patch.label.unwrap_or(webhook.label),
        enabled: patch.enabled.unwrap_or(webhook.enabled),
        url: patch.url.unwrap_or(webhook.url),
        headers: patch.headers.unwrap_or(webhook.headers),
        authorization: patch.authorization.unwrap_or(webhook.authorization),
        secret: None,
        events: patch.events.unwrap_or(webhook.events),
        after_logout_all: patch.after_logout.map_or(webhook.after_logout_all, |it| it == AfterLogout::All),
        options: Retries::on(retries, pace.on(options)),
        // Headers that a dialect keeps for its echo are not this patch's.
        lenient_headers: webhook.format != "native",
    })
}
