//! The webhook that an instance has at an Evolution API, and Berth's own in its place.

use std::{collections::BTreeMap, fmt};

use berth_runtime::MasterKey;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

/// The header with the secret that Berth's own webhook is called with. It has a name of its own, since the product puts a token
/// of its making into `authorization` for who asks for that.
pub const SECRET_HEADER: &str = "x-berth-callback";

/// What says how a link stands: Berth looks by itself, and tells it in its own order.
const ABOUT_LINKS: [&str; 10] = [
    "connection.update",
    "qrcode.updated",
    "status.instance",
    "logout.instance",
    "remove.instance",
    "instance.create",
    "instance.delete",
    "creds.update",
    "refresh.token",
    "application.startup",
];

/// Whether an event, in either of the product's spellings, says how a link stands.
pub fn is_about_link(event: &str) -> bool {
    ABOUT_LINKS.contains(&event.replace(['_', '-'], ".").to_lowercase().as_str())
}

/// How the webhook of an instance is configured there.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Whether it is told anything.
    pub enabled: bool,
    /// Where.
    pub url: String,
    /// Headers, a `jwt_key` among them.
    pub headers: BTreeMap<String, String>,
    /// Whether the event stands at the end of the URL.
    pub by_events: bool,
    /// Whether media stand in the body.
    pub base64: bool,
    /// Names of events; none is all.
    pub events: Vec<String>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("enabled", &self.enabled).finish_non_exhaustive()
    }
}

impl Webhook {
    /// As it is shown; none if there is none.
    pub(crate) fn read(row: &Value) -> Option<Self> {
        let flag = |name: &str| row.get(name).and_then(Value::as_bool).unwrap_or_default();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let headers = row.get("headers").and_then(Value::as_object).into_iter().flatten();
        let events = row.get("events").and_then(Value::as_array).into_iter().flatten();
        Some(Self {
            enabled: flag("enabled"),
            url: row.as_object()?.get("url").and_then(Value::as_str).unwrap_or_default().to_owned(),
            headers: headers.map(|(name, value)| (name.clone(), text(value))).collect(),
            by_events: flag("webhookByEvents"),
            base64: flag("webhookBase64"),
            events: events.filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        })
    }

    /// As it is set.
    pub(crate) fn to_set(&self) -> Value {
        let Self { enabled, url, headers, by_events, base64, events } = self;
        json!({ "webhook": {
            "enabled": enabled, "url": url, "headers": headers, "byEvents": by_events, "base64": base64,
            "events": events,
        } })
    }

    /// Whether it tells somebody something.
    pub fn is_on(&self) -> bool {
        self.enabled && !self.url.is_empty()
    }
}

/// Where an upstream calls Berth, and how Berth knows it.
#[derive(Clone)]
pub struct Callback {
    base: Url,
    upstream: String,
    master: MasterKey,
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Callback {
    /// At this address.
    pub fn new(base: Url, upstream: &str, master: MasterKey) -> Self {
        Self { base, upstream: upstream.to_owned(), master }
    }

    /// Whether this deployment set a webhook, for whatever instance: nobody would want it back.
    pub fn made(&self, webhook: &Webhook) -> bool {
        let instance = webhook.url.rsplit('/').next().unwrap_or_default();
        let shown = webhook.headers.get(SECRET_HEADER);
        is_ours(webhook, &self.upstream, instance)
            && shown == Some(&secret(&self.master, &self.upstream, instance))
    }

    /// Whether another deployment of Berth set a webhook: one that drives the same upstream, or did.
    pub fn is_anothers(&self, webhook: &Webhook) -> bool {
        webhook.headers.contains_key(SECRET_HEADER) && !self.made(webhook)
    }

    /// The webhook by which the upstream tells Berth everything of an instance.
    pub fn webhook(&self, instance: &str, base64: bool) -> Webhook {
        let base = self.base.as_str().trim_end_matches('/');
        let secret = secret(&self.master, &self.upstream, instance);
        Webhook {
            enabled: true,
            url: format!("{base}{}", path(&self.upstream, instance)),
            headers: BTreeMap::from([(SECRET_HEADER.to_owned(), secret)]),
            by_events: false,
            base64,
            events: Vec::new(),
        }
    }
}

/// The path at which an upstream tells what happens to an instance.
pub fn path(upstream: &str, instance: &str) -> String {
    format!("/v1/upstreams/{upstream}/heard/{instance}")
}

/// The secret that goes with it: another one for each instance.
pub fn secret(master: &MasterKey, upstream: &str, instance: &str) -> String {
    master.request_digest(&[b"upstream_callback", upstream.as_bytes(), instance.as_bytes()]).to_string()
}

/// Whether a webhook is the one that Berth, at whatever address, set for an instance.
pub fn is_ours(webhook: &Webhook, upstream: &str, instance: &str) -> bool {
    webhook.url.ends_with(&path(upstream, instance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_read_as_it_is_shown_and_set_as_it_is_asked_for() {
        let row = json!({
            "id": "x", "url": "https://shop.example/hook", "enabled": true, "webhookByEvents": true, "webhookBase64": false,
            "headers": {"authorization": "Bearer mine", "n": 1}, "events": ["MESSAGES_UPSERT"],
        });
        let webhook = Webhook::read(&row).unwrap();
        assert!(webhook.is_on() && webhook.by_events && !webhook.base64);
        let set = webhook.to_set();
        assert_eq!(set["webhook"]["headers"], json!({"authorization": "Bearer mine", "n": "1"}));
        assert_eq!(set["webhook"]["events"], json!(["MESSAGES_UPSERT"]));
        assert_eq!(set["webhook"]["byEvents"], json!(true));
        assert_eq!(Webhook::read(&Value::Null), None);
        assert!(!Webhook::read(&json!({"url": "x", "headers": null})).unwrap().is_on());
        assert!(!format!("{webhook:?}").contains("shop.example"));
    }

    #[test]
    fn berths_own_webhook_is_known_at_any_address_and_has_a_secret_for_each_instance() {
        let master = MasterKey::generate(&berth_runtime::SeededEntropy::new(1));
        let at = |base: &str| Callback::new(Url::parse(base).unwrap(), "evo1", master.clone());
        let shop = at("http://10.0.0.1:8480").webhook("shop-id", true);
        assert_eq!(shop.url, "http://10.0.0.1:8480/v1/upstreams/evo1/heard/shop-id");
        assert!(is_ours(&at("https://berth.example/").webhook("shop-id", false), "evo1", "shop-id"));
        assert!(!is_ours(&shop, "evo1", "bar-id") && !is_ours(&shop, "evo2", "shop-id"));
        let elsewhere = at("https://berth.example");
        assert!(elsewhere.made(&shop), "of whatever instance");
        let replaced = MasterKey::generate(&berth_runtime::SeededEntropy::new(3)).rooted(&master.root());
        let later = Callback::new(Url::parse("http://10.0.0.1:8480").unwrap(), "evo1", replaced);
        assert!(later.made(&shop) && !later.is_anothers(&shop), "under a former master key too");
        let other = Callback::new(
            Url::parse("http://10.0.0.1:8480").unwrap(),
            "evo1",
            MasterKey::generate(&berth_runtime::SeededEntropy::new(2)),
        );
        assert!(!other.made(&shop) && other.is_anothers(&shop), "of another deployment");
        assert!(!elsewhere.is_anothers(&shop) && !other.is_anothers(&Webhook::default()));
        assert!(!elsewhere.made(&Webhook { headers: BTreeMap::new(), ..shop.clone() }));
        let bar = at("http://10.0.0.1:8480").webhook("bar-id", true);
        assert_ne!(shop.headers, bar.headers);
    }
}
