//! The webhook that an instance's user has at the upstream, while Berth has taken it over: an endpoint here, and a block of
//! settings that keeps how it was.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use berth_domain::instance::UPSTREAM_WEBHOOK;
use berth_proto::{
    EndpointId, Hash, InstanceId, Sealed, Timestamp,
    command::ReportWebhookTakenV1,
    instance::{InstanceStateV1, WebhookV1},
};
use berth_runtime::{DataKey, Entropy, OpenError, sealing::field};
use berth_upstreams::Webhook;
use serde_json::{Map, Value, json};

use crate::driver::UserWebhook;

/// The vocabulary of the endpoint that is made of it, and its label: what clients of that vocabulary see as their webhook.
const FORMAT: &str = "evolution";
const LABEL: &str = "default";
/// How a signing secret begins, and its bytes.
const SECRET_PREFIX: &str = "whsec_";
const SECRET_BYTES: usize = 32;

/// Seals and opens for one instance.
pub(crate) struct Taken<'a> {
    pub(crate) key: &'a DataKey,
    pub(crate) instance: InstanceId,
}

impl Taken<'_> {
    /// What is reported of a webhook that is to be taken over.
    pub(crate) fn report(
        &self,
        webhook: &Webhook,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> ReportWebhookTakenV1 {
        let kept = self.seal(field::SETTINGS, &serde_json::to_string(webhook).unwrap_or_default());
        let webhook = webhook.is_on().then(|| self.endpoint(webhook, now, entropy));
        ReportWebhookTakenV1 { kept, webhook }
    }

    /// What is to be given back: what the endpoint that was made of it says now, or how it was. One that was configured here
    /// while the upstream told nobody is its user's too.
    pub(crate) fn users(&self, state: &InstanceStateV1) -> Option<UserWebhook> {
        let block = state.settings.iter().find(|block| block.owner == UPSTREAM_WEBHOOK)?;
        let kept: Webhook = serde_json::from_str(&self.open(field::SETTINGS, &block.body).ok()?).ok()?;
        let endpoint = state.webhooks.iter().find(|one| one.format == FORMAT && one.label == LABEL);
        let endpoint = endpoint.filter(|one| one.id == self.endpoint_id() || (one.enabled && !kept.is_on()));
        let opened = endpoint.and_then(|one| Some((self.opened(one).ok()?, one.id)));
        Some(match opened {
            Some((webhook, id)) => UserWebhook { webhook, endpoint: Some(id) },
            None => UserWebhook { webhook: kept, endpoint: None },
        })
    }

    /// One for each instance, so that a repeat makes no second endpoint.
    fn endpoint_id(&self) -> EndpointId {
        let Hash(hash) = Hash::over(b"berth.v1.upstream_webhook", &[self.instance.as_bytes()]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(hash.split_at(16).0);
        EndpointId::from_bytes(bytes)
    }

    /// The endpoint, as clients of the vocabulary would have configured it.
    fn endpoint(&self, webhook: &Webhook, now: Timestamp, entropy: &dyn Entropy) -> WebhookV1 {
        let mut headers = webhook.headers.clone();
        let jwt_key = headers.remove("jwt_key");
        let authorization_name =
            headers.keys().find(|name| name.eq_ignore_ascii_case("authorization")).cloned();
        let authorization = authorization_name.as_ref().and_then(|name| headers.remove(name));
        let options = json!({
            "by_events": webhook.by_events,
            "base64": webhook.base64,
            "jwt_key": jwt_key,
            "authorization_name": authorization_name,
        });
        let mut secret = [0; SECRET_BYTES];
        entropy.fill(&mut secret);
        let headers = json!(headers).to_string();
        WebhookV1 {
            id: self.endpoint_id(),
            format: FORMAT.to_owned(),
            label: LABEL.to_owned(),
            enabled: webhook.enabled,
            url: self.seal(field::WEBHOOK_URL, &webhook.url),
            headers: Some(self.seal(field::WEBHOOK_HEADERS, &headers)),
            authorization: authorization.map(|value| self.seal(field::WEBHOOK_AUTHORIZATION, &value)),
            secret: self.seal(field::WEBHOOK_SECRET, &format!("{SECRET_PREFIX}{}", STANDARD.encode(secret))),
            old_secrets: Vec::new(),
            events: webhook.events.clone(),
            after_logout_all: false,
            options: Some(self.seal(field::WEBHOOK_OPTIONS, &options.to_string())),
            created_at: now,
            updated_at: now,
        }
    }

    /// The webhook that an endpoint would be at the upstream.
    fn opened(&self, endpoint: &WebhookV1) -> Result<Webhook, OpenError> {
        let object = |field: &str, sealed: Option<&Sealed>| -> Result<Map<String, Value>, OpenError> {
            let text = sealed.map(|sealed| self.open(field, sealed)).transpose()?;
            Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
        };
        let options = object(field::WEBHOOK_OPTIONS, endpoint.options.as_ref())?;
        let flag = |name: &str| options.get(name).and_then(Value::as_bool).unwrap_or_default();
        let text = |name: &str| options.get(name).and_then(Value::as_str);
        let mut headers: BTreeMap<String, String> =
            object(field::WEBHOOK_HEADERS, endpoint.headers.as_ref())?
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
                .collect();
        if let Some(sealed) = &endpoint.authorization {
            let name = text("authorization_name").unwrap_or("authorization");
            headers.insert(name.to_owned(), self.open(field::WEBHOOK_AUTHORIZATION, sealed)?);
        }
        headers.extend(text("jwt_key").map(|key| ("jwt_key".to_owned(), key.to_owned())));
        Ok(Webhook {
            enabled: endpoint.enabled,
            url: self.open(field::WEBHOOK_URL, &endpoint.url)?,
            headers,
            by_events: flag("by_events"),
            base64: flag("base64"),
            events: endpoint.events.clone(),
        })
    }

    fn seal(&self, field: &str, text: &str) -> Sealed {
        self.key.seal(self.instance.as_bytes(), field, text.as_bytes())
    }

    fn open(&self, field: &str, sealed: &Sealed) -> Result<String, OpenError> {
        self.key.open_text(self.instance.as_bytes(), field, sealed)
    }
}
