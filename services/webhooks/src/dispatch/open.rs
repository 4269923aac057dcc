//! Opens an endpoint: only when something is sent to it, and never kept.

use std::time::Duration;

use berth_notices::{asymmetric, pace::Pace, retries::Retries};
use berth_proto::{Sealed, Timestamp, instance::WebhookV1};
use berth_runtime::{DataKey, OpenError, sealing::field};
use serde_json::{Map, Value};

use crate::signing::Secret;

/// An endpoint, opened.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Empty: it sends nowhere, its notices are asked for.
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) authorization: Option<String>,
    pub(crate) secrets: Vec<Secret>,
    /// Whether an asymmetric signature stands beside each.
    pub(crate) asymmetric: bool,
    pub(crate) pace: Pace,
    /// When it wants to be tried again, if not as usual.
    pub(crate) retries: Option<Vec<Duration>>,
    pub(crate) options: Map<String, Value>,
}

/// Whose values an endpoint's are: the instance that has it, or its account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keyhole<'a> {
    pub(crate) key: &'a DataKey,
    pub(crate) owner: &'a [u8; 16],
}

// === impl Endpoint ===

impl Endpoint {
    /// An endpoint with every secret that signs now: the present one first.
    pub(crate) fn open(keyhole: Keyhole<'_>, webhook: &WebhookV1, now: Timestamp) -> Result<Self, OpenError> {
        let old = webhook.old_secrets.iter().filter(|old| old.until > now).map(|old| &old.secret);
        let mut secrets = Vec::new();
        for sealed in std::iter::once(&webhook.secret).chain(old) {
            // A secret that is not one does not hold a notice up: it goes out signed with the others.
            secrets.extend(Secret::parse(&keyhole.text(field::WEBHOOK_SECRET, sealed)?));
        }
        let options = keyhole.object(field::WEBHOOK_OPTIONS, webhook.options.as_ref())?;
        let headers = keyhole.object(field::WEBHOOK_HEADERS, webhook.headers.as_ref())?;
        Ok(Self {
            url: keyhole.text(field::WEBHOOK_URL, &webhook.url)?,
            headers: headers
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
                .collect(),
            authorization: webhook
                .authorization
                .as_ref()
                .map(|sealed| keyhole.text(field::WEBHOOK_AUTHORIZATION, sealed))
                .transpose()?,
            secrets,
            asymmetric: asymmetric::is_wanted(&options),
            pace: Pace::of(&options),
            retries: Retries::of(&options).map(|retries| retries.delays()),
            options,
        })
    }
}

// === impl Keyhole ===

impl Keyhole<'_> {
    fn text(&self, field: &str, sealed: &Sealed) -> Result<String, OpenError> {
        self.key.open_text(self.owner, field, sealed)
    }

    /// A sealed JSON object; an empty one if there is none or it is something else.
    fn object(&self, field: &str, sealed: Option<&Sealed>) -> Result<Map<String, Value>, OpenError> {
        let Some(sealed) = sealed else { return Ok(Map::new()) };
        Ok(serde_json::from_str(&self.text(field, sealed)?).unwrap_or_default())
    }
}
