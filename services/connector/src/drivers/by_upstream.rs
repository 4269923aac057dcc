//! Which driver a link has: that of its upstream, the workers', or else the deployment's own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use berth_proto::InstanceId;
use berth_runtime::{MasterKey, UrlPolicy, config::UpstreamKind};
use berth_upstreams::{Callback, Upstream, Upstreams};
use tracing::warn;

use super::{
    evolution::{Evolution, Hearing},
    worker,
};
use crate::{
    driver::{Attendant, DeviceLink, Link, Reports, Start, UnlinkError},
    hanging::Hanging,
};

/// A driver for each upstream, that of the workers, and one for instances that asked for neither.
#[derive(Debug)]
pub struct ByUpstream {
    own: Arc<dyn DeviceLink>,
    upstreams: BTreeMap<String, Arc<dyn DeviceLink>>,
    /// None if the deployment has no workers.
    workers: Option<Arc<dyn DeviceLink>>,
}

impl ByUpstream {
    /// The drivers of these upstreams beside `own`. `master` makes the secrets by which the upstreams are known that call, and
    /// `policy` says where webhooks may go.
    pub fn new(
        own: Arc<dyn DeviceLink>,
        upstreams: &Upstreams,
        master: &MasterKey,
        policy: &UrlPolicy,
    ) -> Self {
        let driver = |upstream: &Arc<Upstream>| -> Arc<dyn DeviceLink> {
            let upstream = Arc::clone(upstream);
            let settings = &upstream.settings;
            let base = settings.callback.clone();
            let callback = base.map(|base| Callback::new(base, &settings.name, master.clone()));
            let hearing = Hearing { callback, policy: policy.clone() };
            match settings.kind {
                UpstreamKind::Evolution => Arc::new(Evolution::new(upstream, hearing)),
            }
        };
        let named = upstreams.all().iter().map(|one| (one.settings.name.clone(), driver(one)));
        Self { own, upstreams: named.collect(), workers: None }
    }

    /// With this driver for instances that asked for workers.
    #[must_use]
    pub fn with_workers(self, workers: Option<Arc<dyn DeviceLink>>) -> Self {
        Self { workers, ..self }
    }

    /// The driver of a link; none if what it asked for is not configured (any more).
    fn of(&self, link: &Link) -> Option<&Arc<dyn DeviceLink>> {
        match &link.upstream {
            None => Some(&self.own),
            Some(at) if at.kind == worker::KIND => self.workers.as_ref(),
            Some(at) => self.upstreams.get(&at.upstream),
        }
    }
}

#[async_trait]
impl DeviceLink for ByUpstream {
    async fn run(&self, link: Link, start: Start, reports: Arc<dyn Reports>) {
        if let Some(driver) = self.of(&link) {
            return driver.run(link, start, reports).await;
        }
        warn!(instance = %link.instance, upstream = ?link.upstream,
            "where the link of an instance is is not configured: nothing is known of it");
        std::future::pending::<()>().await;
    }

    fn hint(&self, instance: InstanceId) {
        for driver in self.upstreams.values() {
            driver.hint(instance);
        }
    }

    fn attendants(self: Arc<Self>) -> Vec<Attendant> {
        self.upstreams.values().flat_map(|driver| Arc::clone(driver).attendants()).collect()
    }

    fn unlink_max(&self, link: &Link) -> Duration {
        self.of(link).unwrap_or(&self.own).unlink_max(link)
    }

    fn abandon_max(&self, link: &Link) -> Duration {
        self.of(link).unwrap_or(&self.own).abandon_max(link)
    }

    fn unlink_pause_max(&self, link: &Link) -> Duration {
        self.of(link).unwrap_or(&self.own).unlink_pause_max(link)
    }

    async fn abandon(&self, link: &Link, ran: bool, hanging: &Hanging) {
        if let Some(driver) = self.of(link) {
            driver.abandon(link, ran, hanging).await;
        }
    }

    async fn has_device(&self, link: &Link) -> bool {
        match self.of(link) {
            Some(driver) => driver.has_device(link).await,
            None => true,
        }
    }

    async fn unlink(&self, link: Link, reports: Arc<dyn Reports>) -> Result<(), UnlinkError> {
        match self.of(&link) {
            Some(driver) => driver.unlink(link, reports).await,
            None => Err(UnlinkError::Unreachable),
        }
    }
}
