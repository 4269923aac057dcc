//! Opens an endpoint: only when something is sent to it, and never kept.

use berth_notices::{asymmetric, open::Opener};
use berth_proto::{Timestamp, instance::WebhookV1};
use berth_runtime::{OpenError, sealing::field};
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
    pub(crate) options: Map<String, Value>,
}

// === impl Endpoint ===

impl Endpoint {
    /// An endpoint with every secret that signs now: the present one first.
    pub(crate) fn open(opener: Opener<'_>, webhook: &WebhookV1, now: Timestamp) -> Result<Self, OpenError> {
        let old = webhook.old_secrets.iter().filter(|old| old.until > now).map(|old| &old.secret);
        let mut secrets = Vec::new();
        for sealed in std::iter::once(&webhook.secret).chain(old) {
            // A secret that is not one does not hold a notice up: it goes out signed with the others.
            secrets.extend(Secret::parse(&opener.text(field::WEBHOOK_SECRET, sealed)?));
        }
        let options = opener.object(field::WEBHOOK_OPTIONS, webhook.options.as_ref())?;
        let headers = opener.object(field::WEBHOOK_HEADERS, webhook.headers.as_ref())?;
        Ok(Self {
            url: opener.text(field::WEBHOOK_URL, &webhook.url)?,
            headers: headers
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
                .collect(),
            authorization: webhook
                .authorization
                .as_ref()
                .map(|sealed| opener.text(field::WEBHOOK_AUTHORIZATION, sealed))
                .transpose()?,
            secrets,
            asymmetric: asymmetric::is_wanted(&options),
            options,
        })
    }
}
