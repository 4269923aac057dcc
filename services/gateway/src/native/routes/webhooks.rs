//! `POST` and `GET /v1/instances/{i}/webhooks`

use std::collections::BTreeMap;

use axum::{extract::State, http::StatusCode, response::Response};
use berth_notices::{
    asymmetric,
    formats::{CHOICES, ENDPOINT_EVENTS, NATIVE, RetryRule, by_name, event_names, names},
    pace::{CONCURRENCY_MAX, Pace, RATE_MAX},
    retries::{RETRIES_MAX, RETRIES_SECONDS_MAX, RETRY_SECONDS_MAX, Retries},
};
use berth_proto::frame::RejectionCodeV1;
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::get::find_to_change;
use crate::{
    app::{App, NewWebhook},
    native::{
        ORDER,
        body::Json,
        call::{Caller, Key},
        code::Code,
        problem::Problem,
        render::{WebhookBody, answer},
    },
};

/// The formats in the document.
struct Format;

impl PartialSchema for Format {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(CHOICES)).into()
    }
}

impl ToSchema for Format {}

/// Characters of an unknown event's name that an error repeats.
const EVENT_SHOWN_CHARS_MAX: usize = 64;

/// A webhook endpoint as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"url": "https://example.com/hook", "events": ["instance.linked", "instance.logged_out"]})))]
pub(super) struct WebhookRequest {
    /// Where notices are sent: https, and a public address unless the operator allows others.
    url: String,
    /// Names of the events it wants, in the vocabulary of its format; all if it is left out. In the native format the end
    /// of a name can be `*`.
    #[serde(default)]
    events: Vec<String>,
    /// `native` (default) or a dialect's name: the format of the bodies.
    #[schema(value_type = Option<Format>)]
    format: Option<String>,
    /// Custom headers, at most 20.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The value of the `Authorization` header.
    authorization: Option<String>,
    /// `silent` (default): nothing between a logout and the next link but codes. `all`: everything.
    after_logout: Option<AfterLogout>,
    /// A text of the client's own, at most 128 characters; empty if it is left out.
    label: Option<String>,
    /// Whether it receives anything: true if it is left out.
    enabled: Option<bool>,
    /// The signing secret: `whsec_` and base64 of 24 to 64 bytes; made up if it is left out.
    secret: Option<String>,
    /// Whether an ed25519 signature (`v1a`) stands beside each usual one; not if it is left out.
    ed25519: Option<bool>,
    /// Notices that it is sent in a second at most, from 1 to 1,000; without a bound of its own if it is left out.
    rate: Option<u32>,
    /// Notices that it is sent at the same time at most, from 1 to 192; without a bound of its own if it is left out.
    concurrency: Option<u32>,
    /// Seconds after which a notice that failed is tried again, one after the other: at most 20 of up to a day each, 75 h 35 min
    /// in all. The usual schedule if it is left out; `[]` is one attempt.
    retries: Option<Vec<u32>>,
}

/// What an endpoint is told after a logout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AfterLogout {
    Silent,
    All,
}

impl WebhookRequest {
    /// The endpoint as the app takes it.
    pub(super) fn into_new(self, of: Whose) -> Result<NewWebhook, Problem> {
        let format = self.format.as_deref().unwrap_or("native");
        let format = CHOICES.into_iter().find(|known| *known == format).ok_or_else(|| {
            Problem::invalid(format!("`format`: one of {} is expected.", CHOICES.join(", ")))
        })?;
        check_events(format, of, &self.events)?;
        let pace = checked(Pace { rate: self.rate, concurrency: self.concurrency })?;
        let retries = checked_retries(format, self.retries)?;
        Ok(NewWebhook {
            id: None,
            format,
            label: self.label.unwrap_or_default(),
            enabled: self.enabled.unwrap_or(true),
            url: self.url,
            headers: self.headers,
            authorization: self.authorization,
            secret: self.secret,
            events: self.events,
            after_logout_all: self.after_logout == Some(AfterLogout::All),
            options: Retries::on(retries, pace.on(asymmetric::wanting(None, self.ed25519 == Some(true)))),
            lenient_headers: false,
        })
    }
}

/// Refuses a bound that no endpoint can have.
pub(super) fn checked(pace: Pace) -> Result<Pace, Problem> {
    let is_within = |wanted: Option<u32>, max| wanted.is_none_or(|wanted| (1..=max).contains(&wanted));
    if !is_within(pace.rate, RATE_MAX) {
        return Err(Problem::invalid(format!("`rate`: from 1 to {RATE_MAX} notices a second are expected.")));
    }
    if !is_within(pace.concurrency, CONCURRENCY_MAX) {
        return Err(Problem::invalid(format!(
            "`concurrency`: from 1 to {CONCURRENCY_MAX} notices at once are expected."
        )));
    }
    Ok(pace)
}

/// Refuses delays that no endpoint can have, and any of an endpoint whose format has a rule of its own.
pub(super) fn checked_retries(format: &str, seconds: Option<Vec<u32>>) -> Result<Option<Retries>, Problem> {
    let Some(seconds) = seconds else { return Ok(None) };
    if by_name(format).is_some_and(|format| format.retry_rule() != RetryRule::Standard) {
        let told = format!("`retries`: the format `{format}` has a schedule of its own.");
        return Err(Problem::invalid(told));
    }
    Retries::new(seconds).map(Some).ok_or_else(|| {
        Problem::invalid(format!(
            "`retries`: at most {RETRIES_MAX} delays of 1 to {RETRY_SECONDS_MAX} seconds are expected, \
             {RETRIES_SECONDS_MAX} in all."
        ))
    })
}

/// Whose an endpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// An instance's.
    Instance,
    /// The account's, which is told of endpoints too.
    Account,
}

/// Refuses a filter with a name or wildcard that matches nothing of the native format: nobody would notice. The filters of the
/// other formats may name what their products tell and this service never does.
pub(super) fn check_events(format: &str, of: Whose, events: &[String]) -> Result<(), Problem> {
    let mut known = event_names(NATIVE);
    if of == Whose::Account {
        known.extend(ENDPOINT_EVENTS);
    }
    let is_known = |entry: &String| known.iter().any(|event| names(NATIVE, entry, event));
    match events.iter().find(|entry| format == NATIVE && !is_known(entry)) {
        None => Ok(()),
        Some(unknown) => {
            let shown: String = unknown.chars().take(EVENT_SHOWN_CHARS_MAX).collect();
            let known = known.join(", ");
            Err(Problem::invalid(format!("`events`: {shown:?} matches none of {known}.")))
        }
    }
}

/// The endpoints of an instance, or of an account.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WebhooksBody {
    pub(super) webhooks: Vec<WebhookBody>,
}

/// Adds an endpoint; the answer shows its secret once.
#[utoipa::path(
    post, operation_id = "create_webhook", path = "/v1/instances/{i}/webhooks", tag = "webhooks", request_body = WebhookRequest,
    params(("i" = String, Path, description = "Id, name or number"), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 201, body = WebhookBody), (status = 409, body = Problem), (status = 410, body = Problem)
    )
)]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    body: Json<WebhookRequest>,
) -> Result<Response, Problem> {
    let record = find_to_change(&app, &caller.principal, &key.0).await?;
    let call = caller.call("POST /v1/instances/{i}/webhooks", &body.bytes);
    let new = body.value.into_new(Whose::Instance)?;
    let added = app.webhooks.configure(&call, &record, &new, false, 0).await;
    let (answered, webhook, secret) = added.map_err(|failure| match failure.rejection() {
        // Nothing asked for an id: so this is a repeat of a request whose webhook is gone.
        Some(RejectionCodeV1::UnknownWebhook) => removed_since(),
        _ => failure.into(),
    })?;
    Ok(answer(StatusCode::CREATED, WebhookBody::of(webhook, Some(secret.secret)), answered.replayed))
}

/// The answer to a repeat of a request whose endpoint is gone meanwhile.
pub(super) fn removed_since() -> Problem {
    Problem::new(
        Code::WebhookRemoved,
        "The webhook that this request added or changed was removed since: use a new Idempotency-Key for another.",
    )
}

/// Lists the endpoints of an instance, whatever their format.
#[utoipa::path(
    get, operation_id = "list_webhooks", path = "/v1/instances/{i}/webhooks", tag = "webhooks",
    params(("i" = String, Path, description = "Id, name or number")),
    responses((status = 200, body = WebhooksBody))
)]
pub(super) async fn list(State(app): State<App>, caller: Caller, key: Key) -> Result<Response, Problem> {
    let record = app.finder.find(&caller.principal, &key.0, &ORDER).await?;
    let failing = app.deliveries.failing(&record).await;
    let webhooks = record
        .state
        .webhooks
        .iter()
        .map(|webhook| WebhookBody::of(record.open_webhook(webhook), None).faring(failing.get(&webhook.id)))
        .collect();
    Ok(answer(StatusCode::OK, WebhooksBody { webhooks }, false))
}
