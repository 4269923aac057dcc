//! The webhook that an instance has there. While the upstream is driven it is Berth's: what the upstream would tell its user
//! after a logout here passes Berth first. When it is only looked at, the user has it back.
//!
//! What is configured there is kept in the log before anything is changed, and given back before it is said that it was: a crash
//! anywhere is gone on with by whoever runs the link next.

use std::{sync::Arc, time::Duration};

use berth_runtime::check_url;
use berth_upstreams::{
    Upstream, UpstreamError, Webhook,
    webhook::{Callback, is_ours},
};
use tokio::time::sleep;
use tracing::{debug, info, warn};

use super::Hearing;
use crate::driver::{Link, Next, Report, Reports, UserWebhook};

/// Looks at an instance between two at its webhook: somebody may set it at the upstream itself.
const LOOKS_BETWEEN: u32 = 30;

/// How a webhook is then.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// As it is to be; it is looked at again.
    Right,
    /// It cannot be kept how it is, so it is not taken over; that is tried again.
    Refused,
    /// Nothing is to be done about it, as long as this link runs.
    Left,
}

/// The webhooks of the instances at one upstream.
#[derive(Debug)]
pub(super) struct Webhooks {
    upstream: Arc<Upstream>,
    hearing: Hearing,
}

impl Webhooks {
    pub(super) const fn new(upstream: Arc<Upstream>, hearing: Hearing) -> Self {
        Self { upstream, hearing }
    }

    /// Sees to the webhook of an instance for as long as its link runs.
    pub(super) async fn see_to(&self, link: &Link, name: &str, reports: &dyn Reports) {
        loop {
            let pause = match self.right(link, name, reports).await {
                Ok(Outcome::Right | Outcome::Refused) => self.upstream.settings.poll * LOOKS_BETWEEN,
                Ok(Outcome::Left) => return std::future::pending().await,
                Err(error) => {
                    debug!(instance = %link.instance, %error, "the webhook of an instance at its upstream is not seen to yet");
                    self.upstream.settings.poll
                }
            };
            sleep(pause.max(Duration::from_millis(1))).await;
        }
    }

    /// Sees to it once, before something is done after which the upstream would go on telling.
    pub(super) async fn try_to_right(&self, link: &Link, name: &str, reports: &dyn Reports) {
        if let Err(error) = self.right(link, name, reports).await {
            warn!(instance = %link.instance, %error,
                "the webhook of an instance at its upstream is not Berth's yet: it may be told after a logout");
        }
    }

    async fn right(&self, link: &Link, name: &str, reports: &dyn Reports) -> Result<Outcome, UpstreamError> {
        match (self.upstream.is_driven(), &self.hearing.callback) {
            (true, Some(callback)) => self.take(callback, link, name, reports).await,
            (true, None) => Ok(Outcome::Left),
            (false, _) => self.give_back(link, name, reports).await,
        }
    }

    /// Makes it Berth's.
    async fn take(
        &self,
        callback: &Callback,
        link: &Link,
        name: &str,
        reports: &dyn Reports,
    ) -> Result<Outcome, UpstreamError> {
        let (client, id) = (&self.upstream.client, link.instance.to_string());
        let there = client.webhook(name).await?.unwrap_or_default();
        // That of an instance which was deleted here, whose name there is another's now, has nobody who wants it back.
        let is_left_over = callback.made(&there) && !is_ours(&there, &self.upstream.settings.name, &id);
        let there = if is_left_over { Webhook::default() } else { there };
        let ours = callback.webhook(&id, there.base64);
        if is_ours(&there, &self.upstream.settings.name, &id) {
            if is_as(&there, &ours) {
                return Ok(Outcome::Right);
            }
        } else {
            if there.is_on() && callback.is_anothers(&there) {
                warn!(instance = %link.instance,
                    "the webhook of an instance is another deployment's of Berth, which drives the same upstream or did: it is left to that until somebody sets it anew there");
                return Ok(Outcome::Refused);
            }
            if there.is_on() && check_url(&there.url, &self.hearing.policy).is_err() {
                warn!(instance = %link.instance,
                    "the webhook of an instance leads where webhooks of this deployment may not go: the upstream goes on telling it");
                return Ok(Outcome::Left);
            }
            if reports.report(Report::WebhookTaken(there)).await == Next::Stop {
                warn!(instance = %link.instance,
                    "the webhook of an instance at its upstream is not taken over yet, since what it is cannot be kept");
                return Ok(Outcome::Refused);
            }
            info!(instance = %link.instance, "the webhook of an instance at its upstream is taken over");
        }
        client.set_webhook(name, &ours).await?;
        Ok(Outcome::Right)
    }

    /// Makes it its user's again.
    async fn give_back(
        &self,
        link: &Link,
        name: &str,
        reports: &dyn Reports,
    ) -> Result<Outcome, UpstreamError> {
        let taken = link.upstream.as_ref().and_then(|at| at.webhook.as_ref());
        // It never was taken: nothing is asked of who is only looked at.
        let Some(UserWebhook { webhook, endpoint }) = taken else { return Ok(Outcome::Left) };
        let (client, id) = (&self.upstream.client, link.instance.to_string());
        let there = client.webhook(name).await?;
        if there.is_some_and(|there| is_ours(&there, &self.upstream.settings.name, &id)) {
            client.set_webhook(name, webhook).await?;
            info!(instance = %link.instance, "the webhook of an instance at its upstream is given back");
        }
        if let Some(endpoint) = *endpoint {
            reports.report(Report::WebhookGivenBack { endpoint }).await;
        }
        Ok(Outcome::Left)
    }
}

/// Whether a webhook tells what another one would. The upstream shows all events where none was chosen.
fn is_as(there: &Webhook, ours: &Webhook) -> bool {
    let plain = |webhook: &Webhook| Webhook { events: Vec::new(), ..webhook.clone() };
    plain(there) == plain(ours)
}
