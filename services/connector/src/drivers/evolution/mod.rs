//! Instances on an Evolution API that somebody runs: it is asked how their links stand, and in the mode `drive` it
//! does what was decided.
//!
//! What it says is never more than a claim. A state counts when it is said again; a logout that it answers with SUCCESS
//! is one that was asked for; and its errors change nothing but what is known of a link. Looks are counted rather than
//! timed: what stands after so many of them stood for so many pauses between them.
//!
//! The session's keys stay there. What is kept of a device here is its name there, since a device outlives its
//! instance's own key, and its JID, since another one may be linked there in its place.

mod abandon;
mod cadence;
mod find;
mod hints;
mod keep;
mod listen;
mod pair;
mod probe;
mod sessions;
mod shown;
mod unlink;
mod webhook;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use berth_proto::InstanceId;
use berth_runtime::{UrlPolicy, config::UpstreamHear};
use berth_upstreams::{Callback, Upstream, UpstreamError, evolution::Row};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use self::{
    cadence::Cadence, hints::Hints, listen::Listener, pair::Pairing, probe::Probe, sessions::Sessions,
    webhook::Webhooks,
};
use crate::{
    driver::{Attendant, DeviceFacts, DeviceLink, Link, Next, Report, Reports, Start, UnlinkError},
    hanging::Hanging,
    keys::LinkKeysError,
};

/// Pause before a store that does not work is asked again.
const STORE_RETRY: Duration = Duration::from_secs(1);
/// What the platform of a phone is called when nobody says it.
const PLATFORM: &str = "unknown";

/// The driver of one upstream.
#[derive(Debug)]
pub struct Evolution {
    upstream: Arc<Upstream>,
    probe: Probe,
    cadence: Cadence,
    webhooks: Webhooks,
    sessions: Sessions,
    hints: Arc<Hints>,
}

/// How an upstream tells Berth what happens there.
#[derive(Debug, Clone)]
pub struct Hearing {
    /// Where it calls; none if nobody said where it reaches Berth: then its webhooks stay as they are.
    pub callback: Option<Callback>,
    /// Where webhooks of this deployment may go: one that leads elsewhere is not taken over.
    pub policy: UrlPolicy,
}

/// What is kept of an attempt in the place of the keys of its device. It is there before anything is looked at or asked for, so that
/// what the attempt began is ended by whoever comes after a crash, also when the instance is erased; and until it is gone, nobody
/// else gets the name there.
#[derive(Serialize, Deserialize)]
struct Material {
    /// The instance's name there.
    name: String,
    /// The JID of the device; none as long as none was seen.
    jid: Option<String>,
    /// Whether codes were asked for, by it or by an attempt before it, which leaves its end to it.
    #[serde(default = "is_so")]
    has_asked: bool,
}

/// Nothing was kept of an attempt before it asked for codes once.
const fn is_so() -> bool {
    true
}

impl Evolution {
    /// A driver of this upstream.
    pub fn new(upstream: Arc<Upstream>, hearing: Hearing) -> Self {
        let hints = Arc::<Hints>::default();
        Self {
            probe: Probe::new(Arc::clone(&upstream)),
            cadence: Cadence::new(upstream.settings.poll, Arc::clone(&hints)),
            webhooks: Webhooks::new(Arc::clone(&upstream), hearing),
            sessions: Sessions::default(),
            upstream,
            hints,
        }
    }

    /// The instance's name there, also when the instance is erased; none if nothing tells it any more.
    async fn name(&self, link: &Link) -> Option<String> {
        match link.upstream.as_ref().and_then(|at| at.name.clone()) {
            Some(name) => Some(name),
            None => kept(link).await.ok().flatten().map(|kept| kept.name),
        }
    }

    /// Keeps what there is to keep of a device, then says that it is linked and open. False if it could not be kept: it is there
    /// at the next look, too.
    async fn linked(&self, link: &Link, row: Row, jid: String, reports: &dyn Reports) -> bool {
        if !store(link, &Material { name: row.name.clone(), jid: Some(jid.clone()), has_asked: true }).await {
            return false;
        }
        if reports.report(Report::Linked(facts(row, jid))).await == Next::Continue {
            reports.report(Report::Open).await;
        }
        true
    }
}

#[async_trait]
impl DeviceLink for Evolution {
    async fn run(&self, link: Link, start: Start, reports: Arc<dyn Reports>) {
        let Some(name) = self.name(&link).await else { return std::future::pending().await };
        let _running = self.sessions.begin(&name, &link, start == Start::Watch);
        let _hinted = self.hints.hear(link.instance, &name);
        let run = async {
            match start {
                Start::Watch => self.watch(&link, &name, &*reports).await,
                Start::PairByQr => Pairing::new(self, &link, &name, None, &*reports).run().await,
                Start::PairByCode { phone } => {
                    Pairing::new(self, &link, &name, Some(&phone), &*reports).run().await;
                }
                Start::Resume => self.keep(&link, &name, &*reports).await,
                Start::Reopen => {
                    if self.upstream.is_driven() {
                        // What came of it is seen by the next looks.
                        let _asked = self.upstream.client.restart(&name).await;
                    }
                    self.keep(&link, &name, &*reports).await;
                }
            }
        };
        tokio::select! {
            () = run => {}
            () = self.webhooks.see_to(&link, &name, &*reports) => {}
        }
    }

    fn hint(&self, instance: InstanceId) {
        self.hints.tell(instance);
    }

    fn attendants(self: Arc<Self>) -> Vec<Attendant> {
        if self.upstream.settings.hear == UpstreamHear::Poll {
            return Vec::new();
        }
        let listen: Attendant = Box::new(move || {
            let driver = Arc::clone(&self);
            Box::pin(async move { Listener::new(&driver.upstream, &driver.hints).run().await })
        });
        vec![listen]
    }

    fn unlink_max(&self, _link: &Link) -> Duration {
        unlink::TRY_MAX
    }

    fn abandon_max(&self, _link: &Link) -> Duration {
        abandon::JOINED_MAX + unlink::TRY_MAX
    }

    fn unlink_pause_max(&self, _link: &Link) -> Duration {
        unlink::PAUSE_MAX
    }

    async fn abandon(&self, link: &Link, ran: bool, hanging: &Hanging) {
        let kept = kept(link).await;
        // It never began there, or was ended.
        if matches!(kept, Ok(None)) {
            return;
        }
        // What cannot be read may say anything.
        let has_asked = kept.as_ref().map_or(true, |kept| kept.as_ref().is_some_and(|it| it.has_asked));
        // Where it is only looked by now, codes may be anybody's, but for those of an attempt that ran until now.
        if has_asked
            && (self.upstream.is_driven() || ran)
            && let Some(name) = self.name(link).await
        {
            self.end_attempt(link, &name, hanging).await;
        }
        // A device that was seen is still to be unlinked.
        if matches!(kept, Ok(Some(Material { jid: None, .. }))) {
            let _stays_and_is_ended_again = link.keys.delete().await;
        }
    }

    async fn has_device(&self, link: &Link) -> bool {
        kept(link).await.map_or(true, |kept| kept.is_some_and(|it| it.jid.is_some()))
    }

    async fn unlink(&self, link: Link, reports: Arc<dyn Reports>) -> Result<(), UnlinkError> {
        self.unlinked(&link, &*reports).await
    }
}

/// What is kept, as soon as the store answers. It fails if what is there cannot be read.
async fn kept(link: &Link) -> Result<Option<Material>, LinkKeysError> {
    loop {
        match link.keys.get().await {
            Ok(kept) => {
                let read = kept.map(|kept| serde_json::from_slice(&kept));
                return read.transpose().map_err(|_| LinkKeysError::Damaged);
            }
            Err(LinkKeysError::Store(_)) => sleep(STORE_RETRY).await,
            Err(damaged @ LinkKeysError::Damaged) => return Err(damaged),
        }
    }
}

/// Stores it; false if that does not work.
async fn store(link: &Link, material: &Material) -> bool {
    let kept = serde_json::to_vec(material).unwrap_or_default();
    link.keys.put(&kept).await.is_ok()
}

fn facts(row: Row, jid: String) -> DeviceFacts {
    let phone = jid.split(['@', ':']).next().unwrap_or_default().to_owned();
    DeviceFacts {
        jid,
        lid: None,
        phone,
        push_name: row.profile_name,
        business_name: None,
        picture_url: row.picture_url,
        platform: PLATFORM.to_owned(),
    }
}

/// What an operator reads of a link that cannot be looked at.
fn source_code(error: UpstreamError) -> &'static str {
    match error {
        UpstreamError::Setup | UpstreamError::Unreachable => "upstream_unreachable",
        UpstreamError::TimedOut => "upstream_timed_out",
        UpstreamError::KeyRefused => "upstream_refuses_the_key",
        UpstreamError::NotFound => "vanished_at_the_upstream",
        UpstreamError::Status(_) | UpstreamError::NoSocket => "upstream_failed",
        UpstreamError::Redirected => "upstream_redirects",
        UpstreamError::TooLarge | UpstreamError::Unexpected | UpstreamError::OtherInstance => {
            "upstream_answers_nonsense"
        }
        UpstreamError::Loop => "upstream_is_this_deployment",
    }
}
