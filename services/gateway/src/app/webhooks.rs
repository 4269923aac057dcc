//! Webhook endpoints: sealing what a client configures and opening it for rendering.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use berth_notices::headers::{HEADER_BYTES_MAX, HEADERS_MAX, is_reserved_header};
use berth_proto::{
    EndpointId, InstanceId, Sealed, Timestamp,
    command::{ConfigureWebhookV1, RemoveWebhookV1, ReplaceWebhookV1, RotateWebhookSecretV1},
    frame::RejectionCodeV1,
    instance::WebhookV1,
};
use berth_runtime::{
    Clock, DataKey, Entropy, UrlPolicy,
    entropy::new_endpoint_id,
    sealing::field,
    url_policy::{UrlRefused, check_url},
};
use serde_json::Value;

use super::{
    call::Call,
    commands::{Answer, Commands},
    failure::Failure,
    record::Record,
};

/// Random bytes of a generated signing secret (Standard Webhooks recommends 24 to 64).
const SECRET_BYTES: usize = 32;
/// Bytes that a given secret may have.
const SECRET_BYTES_RANGE: std::ops::RangeInclusive<usize> = 24..=64;
/// Bytes of a URL.
const URL_BYTES_MAX: usize = 2 * 1024;

/// A webhook endpoint as a client wants it.
#[derive(Debug, Clone, Default)]
pub struct NewWebhook {
    /// The id of the endpoint to replace; a new one is made if there is none.
    pub id: Option<EndpointId>,
    /// The format of its bodies.
    pub format: &'static str,
    /// A text of the client's own, or empty. A dialect that has one endpoint for each label replaces by it.
    pub label: String,
    /// Whether it receives anything.
    pub enabled: bool,
    /// Where notices are sent; may be empty when it is disabled, and in a format whose notices then wait to be
    /// fetched.
    pub url: String,
    /// Custom headers.
    pub headers: BTreeMap<String, String>,
    /// The value of the `Authorization` header.
    pub authorization: Option<String>,
    /// The signing secret; made up if there is none.
    pub secret: Option<String>,
    /// Names of the events it wants, in the vocabulary of its format; empty is all.
    pub events: Vec<String>,
    /// Whether it is told of attempts after a logout too.
    pub after_logout_all: bool,
    /// Options of its format.
    pub options: Option<Value>,
    /// Whether headers that a sender must not set are kept for the echo instead of refused: they are never
    /// sent.
    pub lenient_headers: bool,
}

/// An endpoint's id and its secret in clear, shown once.
#[derive(Clone)]
pub struct WebhookSecret {
    /// The endpoint.
    pub id: EndpointId,
    /// `whsec_` and base64.
    pub secret: String,
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookSecret").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The secrets of an endpoint in clear.
#[derive(Clone)]
pub struct WebhookSecrets {
    /// The one that signs.
    pub secret: String,
    /// Those that sign beside it, and until when.
    pub former: Vec<(String, Timestamp)>,
}

impl std::fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookSecrets").field("former", &self.former.len()).finish_non_exhaustive()
    }
}

impl WebhookSecrets {
    /// Those of an endpoint that sign now.
    pub(super) fn of(webhook: &WebhookV1, now: Timestamp, open: impl Fn(&Sealed) -> Option<String>) -> Self {
        let former = webhook.old_secrets.iter().filter(|old| old.until > now);
        let former = former.filter_map(|old| Some((open(&old.secret)?, old.until))).collect();
        Self { secret: open(&webhook.secret).unwrap_or_default(), former }
    }
}

/// An endpoint opened for rendering.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Its id.
    pub id: EndpointId,
    /// The format of its bodies.
    pub format: String,
    /// Its label.
    pub label: String,
    /// Whether it receives anything.
    pub enabled: bool,
    /// Where notices are sent.
    pub url: String,
    /// Custom headers.
    pub headers: BTreeMap<String, String>,
    /// The value of the `Authorization` header.
    pub authorization: Option<String>,
    /// Names of the events it wants.
    pub events: Vec<String>,
    /// Whether it is told of attempts after a logout too.
    pub after_logout_all: bool,
    /// Options of its format.
    pub options: Option<Value>,
    /// When it was first configured.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Webhook {
    /// The endpoint, opened value by value; what cannot be opened is empty.
    pub(super) fn opened(webhook: &WebhookV1, open: impl Fn(&str, &Sealed) -> Option<String>) -> Self {
        let json = |field: &str, sealed: &Option<Sealed>| {
            let text = sealed.as_ref().and_then(|it| open(field, it));
            text.and_then(|text| serde_json::from_str(&text).ok())
        };
        Self {
            id: webhook.id,
            format: webhook.format.clone(),
            label: webhook.label.clone(),
            enabled: webhook.enabled,
            url: open(field::WEBHOOK_URL, &webhook.url).unwrap_or_default(),
            headers: json(field::WEBHOOK_HEADERS, &webhook.headers)
                .and_then(|value| serde_json::from_value(value).ok())
                .unwrap_or_default(),
            authorization: webhook
                .authorization
                .as_ref()
                .and_then(|sealed| open(field::WEBHOOK_AUTHORIZATION, sealed)),
            events: webhook.events.clone(),
            after_logout_all: webhook.after_logout_all,
            options: json(field::WEBHOOK_OPTIONS, &webhook.options),
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

impl Record {
    /// Opens an endpoint.
    pub fn open_webhook(&self, webhook: &WebhookV1) -> Webhook {
        Webhook::opened(webhook, |field, sealed| self.open(field, sealed))
    }

    /// The secret of an endpoint as it is stored.
    pub(super) fn webhook_secret(&self, webhook: &WebhookV1) -> WebhookSecret {
        let secret = self.open(field::WEBHOOK_SECRET, &webhook.secret).unwrap_or_default();
        WebhookSecret { id: webhook.id, secret }
    }

    /// The endpoints of one format, opened, in the order in which they were configured.
    pub fn open_webhooks_of(&self, format: &str) -> Vec<Webhook> {
        self.state.webhooks.iter().filter(|it| it.format == format).map(|it| self.open_webhook(it)).collect()
    }
}

/// Configures the endpoints of instances.
#[derive(Debug)]
pub struct Webhooks {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) url_policy: UrlPolicy,
    pub(super) commands: Arc<Commands>,
}

impl Webhooks {
    /// Adds an endpoint, or replaces the one with this id or (with `upsert`) with this format and label.
    /// The secret is the endpoint's as it is now. [`RejectionCodeV1::UnknownWebhook`] if an earlier try of the same
    /// keyed command added an endpoint that was removed since.
    pub async fn configure(
        &self,
        call: &Call,
        record: &Record,
        new: &NewWebhook,
        upsert: bool,
        enabled_max: u8,
    ) -> Result<(Answer, Webhook, WebhookSecret), Failure> {
        let key = record.key.clone().ok_or(Failure::NotFound)?;
        let (webhook, new_secret) = self.seal(record.id.as_bytes(), &key, new)?;
        let answer = self
            .commands
            .decide(call, record.id, ConfigureWebhookV1 { webhook, upsert, enabled_max })
            .await?;
        let id = answer.outcome.endpoint.unwrap_or(new_secret.id);
        let stored = answer.record.state.webhooks.iter().find(|webhook| webhook.id == id);
        let stored = stored.ok_or_else(|| Failure::Rejected(RejectionCodeV1::UnknownWebhook))?;
        let webhook = answer.record.open_webhook(stored);
        let secret = answer.record.webhook_secret(stored);
        Ok((answer, webhook, secret))
    }

    /// Replaces the endpoint that a change was made from, which stands in the record.
    /// [`RejectionCodeV1::Changed`] if it is another one by now.
    pub async fn replace(
        &self,
        call: &Call,
        record: &Record,
        seen: &WebhookV1,
        new: &NewWebhook,
    ) -> Result<(Answer, Webhook), Failure> {
        let key = record.key.clone().ok_or(Failure::NotFound)?;
        let (webhook, _) = self.seal(record.id.as_bytes(), &key, new)?;
        let replace = ReplaceWebhookV1 { seen: Box::new(seen.clone()), webhook };
        let answer = self.commands.decide(call, record.id, replace).await?;
        let stored = answer.record.state.webhooks.iter().find(|webhook| webhook.id == seen.id);
        let stored = stored.ok_or_else(|| Failure::Rejected(RejectionCodeV1::UnknownWebhook))?;
        let webhook = answer.record.open_webhook(stored);
        Ok((answer, webhook))
    }

    /// The secrets of an endpoint, opened; none if there is no such endpoint.
    pub fn secrets(&self, record: &Record, id: EndpointId) -> Option<WebhookSecrets> {
        let webhook = record.state.webhooks.iter().find(|webhook| webhook.id == id)?;
        let open = |sealed: &Sealed| record.open(field::WEBHOOK_SECRET, sealed);
        Some(WebhookSecrets::of(webhook, self.clock.now(), open))
    }

    /// Changes the secret of an endpoint to this one or one that is made up; the former one signs beside it for so many
    /// hours.
    pub async fn rotate(
        &self,
        call: &Call,
        record: &Record,
        id: EndpointId,
        secret: Option<&str>,
        overlap_hours: u32,
    ) -> Result<(Answer, WebhookSecrets), Failure> {
        let key = record.key.clone().ok_or(Failure::NotFound)?;
        let secret = self.secret(secret)?;
        let keep_until = keep_until(self.clock.now(), overlap_hours);
        let secret = key.seal(record.id.as_bytes(), field::WEBHOOK_SECRET, secret.as_bytes());
        let rotate = RotateWebhookSecretV1 { id, secret, keep_until, old_secrets: Vec::new() };
        let answer = self.commands.decide(call, record.id, rotate).await?;
        let secrets = self.secrets(&answer.record, id);
        let secrets = secrets.ok_or(Failure::Rejected(RejectionCodeV1::UnknownWebhook))?;
        Ok((answer, secrets))
    }

    /// A secret that was given, or one that is made up.
    pub(super) fn secret(&self, given: Option<&str>) -> Result<String, Failure> {
        if let Some(secret) = given {
            return checked_secret(secret);
        }
        let mut bytes = vec![0; SECRET_BYTES];
        self.entropy.fill(&mut bytes);
        Ok(format!("whsec_{}", STANDARD.encode(bytes)))
    }

    /// Removes an endpoint.
    pub async fn remove(&self, call: &Call, instance: InstanceId, id: EndpointId) -> Result<Answer, Failure> {
        self.commands.decide(call, instance, RemoveWebhookV1 { id }).await
    }

    /// Checks and seals an endpoint.
    pub(super) fn seal(
        &self,
        owner: &[u8; 16],
        key: &DataKey,
        new: &NewWebhook,
    ) -> Result<(WebhookV1, WebhookSecret), Failure> {
        self.check_webhook(new)?;
        let id = new.id.unwrap_or_else(|| new_endpoint_id(&*self.clock, &*self.entropy));
        let secret = self.secret(new.secret.as_deref())?;
        let headers = (!new.headers.is_empty()).then(|| {
            key.seal(owner, field::WEBHOOK_HEADERS, &serde_json::to_vec(&new.headers).unwrap_or_default())
        });
        let webhook = WebhookV1 {
            id,
            format: new.format.to_owned(),
            label: new.label.clone(),
            enabled: new.enabled,
            url: key.seal(owner, field::WEBHOOK_URL, new.url.as_bytes()),
            headers,
            authorization: new
                .authorization
                .as_ref()
                .map(|value| key.seal(owner, field::WEBHOOK_AUTHORIZATION, value.as_bytes())),
            secret: key.seal(owner, field::WEBHOOK_SECRET, secret.as_bytes()),
            old_secrets: Vec::new(),
            events: new.events.clone(),
            after_logout_all: new.after_logout_all,
            options: new
                .options
                .as_ref()
                .map(|options| key.seal(owner, field::WEBHOOK_OPTIONS, options.to_string().as_bytes())),
            created_at: self.clock.now(),
            updated_at: self.clock.now(),
        };
        Ok((webhook, WebhookSecret { id, secret }))
    }

    fn check_webhook(&self, new: &NewWebhook) -> Result<(), Failure> {
        let invalid = |field, problem| Err(Failure::Invalid { field, problem });
        // A release that does not know the format owes its endpoint nothing, and nobody makes up for it later.
        if new.format == berth_notices::formats::EVOLUTION_GO && !self.commands.write_version.account_wide() {
            return Err(Failure::Rejected(RejectionCodeV1::UpgradeNeeded));
        }
        if new.label.chars().count() > 128 || new.label.chars().any(char::is_control) {
            return invalid("label", "a label has at most 128 characters and no control characters");
        }
        if new.url.len() > URL_BYTES_MAX {
            return invalid("url", "a URL has at most 2,048 bytes");
        }
        let needs_url = new.enabled && !berth_notices::formats::is_pulled(new.format);
        if needs_url || !new.url.is_empty() {
            check_url(&new.url, &self.url_policy)
                .map_err(|refused| Failure::Invalid { field: "url", problem: refused_url(refused) })?;
        }
        if new.headers.len() > HEADERS_MAX {
            return invalid("headers", "an endpoint has at most 20 custom headers");
        }
        let names: BTreeSet<_> = new.headers.keys().map(|name| name.to_ascii_lowercase()).collect();
        if names.len() < new.headers.len() {
            return invalid("headers", "a header is given twice: its name counts in any case");
        }
        for (name, value) in &new.headers {
            let well_formed = axum::http::HeaderName::try_from(name).is_ok()
                && axum::http::HeaderValue::try_from(value).is_ok()
                && value.len() <= HEADER_BYTES_MAX;
            if !well_formed {
                return invalid(
                    "headers",
                    "a header has a token as its name and at most 4 KiB of visible text",
                );
            }
            if !new.lenient_headers && is_reserved_header(name) {
                return invalid("headers", "this header is set by the sender and cannot be configured");
            }
        }
        let authorization = new.authorization.as_deref().unwrap_or_default();
        if axum::http::HeaderValue::try_from(authorization).is_err() || authorization.len() > HEADER_BYTES_MAX
        {
            return invalid("authorization", "it has at most 4 KiB of visible text");
        }
        Ok(())
    }
}

/// Until when a former secret signs: without an overlap it has ended whatever the clock of whoever decides says.
pub(super) fn keep_until(now: Timestamp, overlap_hours: u32) -> Timestamp {
    match overlap_hours {
        0 => Timestamp(0),
        hours => now.plus_seconds(i64::from(hours) * 60 * 60),
    }
}

/// Why a URL cannot be used, and what the operator can do about it. Says nothing about what is behind an address.
const fn refused_url(refused: UrlRefused) -> &'static str {
    match refused {
        UrlRefused::Invalid => "an absolute URL of at most 2,048 bytes is expected",
        UrlRefused::Scheme => {
            "webhooks of this deployment must use https; the operator can allow http with BERTH_WEBHOOK_HTTP=allow"
        }
        UrlRefused::UserInfo => "the URL must not contain a user name or password",
        UrlRefused::Fragment => "the URL must not contain a fragment",
        UrlRefused::Port => {
            "the port must be 443 (80 for http), or 1024 or above, unless the operator names others with BERTH_WEBHOOK_PORTS"
        }
        UrlRefused::Address => {
            "the address is not one of the public internet; the operator can allow its range with BERTH_WEBHOOK_ALLOW"
        }
    }
}

fn checked_secret(secret: &str) -> Result<String, Failure> {
    let invalid =
        Failure::Invalid { field: "secret", problem: "a secret is `whsec_` and base64 of 24 to 64 bytes" };
    let bytes = secret.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
    match bytes {
        Some(bytes) if SECRET_BYTES_RANGE.contains(&bytes.len()) => Ok(secret.to_owned()),
        _ => Err(invalid),
    }
}
