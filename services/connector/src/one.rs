//! One link of one tenure, from where the log says it is until nobody wants it any more.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use berth_domain::instance::{UNLINK_SECONDS, WORKER, left_there};
use berth_proto::{
    CommandId, InstanceId, Sealed, Timestamp,
    event::EndReasonV1,
    instance::{InstanceStateV1, PhaseV1},
};
use berth_runtime::Pauses;
use futures::FutureExt;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    driver::{AtUpstream, Link, Report, Reports, Start},
    hanging::Hanging,
    keys::{LinkKeys, LinkKeysError},
    reports::LinkReports,
    tenure::Tenure,
    unlink::{delete_keys, pursue, try_once},
    wanted::{Stage, WantedBinding},
};

/// The first pause before a link is opened again whose driver ended although it is wanted; doubled up to
/// [`REOPEN_PAUSE_MAX`].
const REOPEN_PAUSE_FIRST: Duration = Duration::from_secs(1);
/// The longest such pause.
const REOPEN_PAUSE_MAX: Duration = Duration::from_mins(5);
/// Attempts of former owners that are looked at at once, over all partitions: a takeover may find many, and links come first.
static ENDS_LOOKED_AT: Semaphore = Semaphore::const_new(16);
/// How long one of these looks may take: what does not answer shall not keep the others from theirs.
const END_LOOK_MAX: Duration = Duration::from_secs(5);
/// Pause before a store that does not work is asked again.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// One link.
#[derive(Debug)]
pub(crate) struct One {
    tenure: Arc<Tenure>,
    /// Without where the instance is: see [`Self::bound`].
    link: Link,
    binding: Option<Box<WantedBinding>>,
    reports: Arc<LinkReports>,
}

impl One {
    pub(crate) fn new(
        tenure: &Arc<Tenure>,
        instance: InstanceId,
        attempt: u32,
        cause: Option<CommandId>,
        binding: Option<&WantedBinding>,
    ) -> Self {
        let ports = &tenure.ports;
        let (store, entropy) = (Arc::clone(&ports.device_keys), Arc::clone(&ports.entropy));
        let keys = LinkKeys::new(instance, attempt, store, ports.keys.master().clone(), entropy);
        Self {
            tenure: Arc::clone(tenure),
            link: Link { instance, attempt, epoch: tenure.held.epoch(), keys, upstream: None },
            binding: binding.cloned().map(Box::new),
            reports: LinkReports::new(tenure, instance, attempt, cause),
        }
    }

    /// Runs the link until it ends or is told to stop.
    pub(crate) async fn run(&self, stage: Stage, reopen: bool, stop: &CancellationToken) {
        // A link that is kept lasts for years: boxed, what comes before takes no room in it.
        let linked = match stage {
            Stage::Requested { phone } => Box::pin(self.pair(phone, stop)).await,
            Stage::Pairing => Box::pin(self.end_orphan()).await,
            Stage::Watched => Box::pin(self.watch(stop)).await,
            Stage::Linked => true,
        };
        if linked {
            self.keep(if reopen { Start::Reopen } else { Start::Resume }, stop).await;
        }
    }

    /// The link, with where the instance is. Waits for the key that its name there is sealed with.
    async fn bound(&self) -> Link {
        let mut link = self.link.clone();
        if let Some(binding) = &self.binding {
            let name = self.reports.name_at_upstream(&binding.name).await;
            let WantedBinding { kind, upstream, .. } = &**binding;
            let (kind, upstream) = (kind.clone(), upstream.clone());
            let webhook = match self.state().await {
                Some(state) if kind != WORKER => self.reports.users_webhook(&state).await,
                Some(_) | None => None,
            };
            link.upstream = Some(Box::new(AtUpstream { kind, upstream, name, webhook }));
        }
        link
    }

    /// Looks for a device that somebody links at the upstream. Says whether there is one to keep now.
    async fn watch(&self, stop: &CancellationToken) -> bool {
        let mut pauses = Pauses::new(REOPEN_PAUSE_FIRST, REOPEN_PAUSE_MAX);
        while self.drive(Start::Watch, stop).await {
            match stop.run_until_cancelled(self.stands()).await {
                Some(Stands::Linked) => return true,
                // What was kept of a device that nobody took up is personal.
                Some(Stands::Unknown) => delete_keys(&self.link).await,
                Some(Stands::Attempt | Stands::Known) | None => {}
            }
            if stop.run_until_cancelled(pauses.wait()).await.is_none() {
                return false;
            }
        }
        false
    }

    /// Unlinks the device, however often it takes until the deadline.
    pub(crate) async fn unlink(&self, deadline: Timestamp) {
        pursue(&self.tenure, &self.bound().await, deadline, &self.reports).await;
    }

    /// Links a device. Says whether there is one to keep now.
    async fn pair(&self, phone: Option<Sealed>, stop: &CancellationToken) -> bool {
        // Known before the key that it is sealed with may be destroyed.
        let link = stop.run_until_cancelled(Box::pin(self.bound())).await;
        let reason = match self.first(phone).await {
            Some(start) => {
                self.drive(start, stop).await;
                EndReasonV1::Unreachable
            }
            None => EndReasonV1::Refused,
        };
        self.settle(reason, link.as_ref(), true).await
    }

    /// How an attempt begins; none if it cannot.
    async fn first(&self, phone: Option<Sealed>) -> Option<Start> {
        let Some(sealed) = phone else { return Some(Start::PairByQr) };
        let phone = self.reports.pairing_phone(&sealed).await;
        if phone.is_none() {
            warn!(instance = %self.link.instance, attempt = self.link.attempt,
                "the number for a pairing code cannot be opened: the attempt ends");
        }
        phone.map(|phone| Start::PairByCode { phone })
    }

    /// Ends the attempt of a former owner: its references belong to the socket of whoever ran it. Says whether
    /// there is a device to keep: that owner's last report may have been decided only now.
    ///
    /// If the phone completed the pairing before that owner died, the device is unlinked: a first try comes
    /// before the attempt is ended, since the next owner would not look at an ended one. At an upstream it would.
    async fn end_orphan(&self) -> bool {
        if !self.is_on_upstream()
            && self.has_keys().await
            && self.stands().await == Stands::Attempt
            && try_once(&self.tenure, &self.bound().await, &self.reports).await.is_ok()
        {
            delete_keys(&self.link).await;
        }
        let link = Box::pin(self.bound()).await;
        self.settle(EndReasonV1::OwnerLost, Some(&link), true).await
    }

    /// Runs the driver until it ends or is told to stop. Says whether it ended by itself.
    async fn drive(&self, start: Start, stop: &CancellationToken) -> bool {
        let run = async {
            // Boxed, since it is over in a moment and the driver runs for years.
            let link = Box::pin(self.bound()).await;
            self.tenure.driver.run(link, start, Arc::clone(&self.reports) as _).await;
        };
        let Some(ended) = stop.run_until_cancelled(AssertUnwindSafe(run).catch_unwind()).await else {
            return false;
        };
        if ended.is_err() {
            error!(instance = %self.link.instance, attempt = self.link.attempt, "a driver of a link panicked");
        }
        true
    }

    /// Sees to it that the log and the device agree when nobody works on an attempt any more. An attempt that
    /// still runs is ended; a device that no record knows is unlinked, since nobody else ever would. Says
    /// whether the attempt has linked a device, which is then to be kept. `ran` says whether it ran until now.
    async fn settle(&self, reason: EndReasonV1, link: Option<&Link>, ran: bool) -> bool {
        let mut stands = self.stands().await;
        if stands == Stands::Attempt {
            self.reports.report(Report::AttemptEnded { reason, code: 0 }).await;
            stands = self.stands().await;
        }
        if stands == Stands::Unknown {
            self.reports.hide().await;
            let deadline = self.given_up_at().await;
            if let Some(link) = link {
                self.abandon(link, ran, deadline).await;
            }
            if self.has_keys().await {
                // What is kept of an attempt without a device is nothing that could be unlinked.
                if self.tenure.driver.has_device(link.unwrap_or(&self.link)).await {
                    Box::pin(self.disown(deadline)).await;
                } else {
                    delete_keys(&self.link).await;
                }
            }
        }
        stands == Stands::Linked
    }

    /// Whether an attempt that is over may have left something at its upstream, since whoever ran it did not come to end it: also if that
    /// is not known soon. What is given up by now is forgotten instead.
    pub(crate) async fn has_left_something(&self, deadline: Timestamp) -> bool {
        let looking = async {
            let _permit = ENDS_LOOKED_AT.acquire().await;
            self.has_keys().await && self.stands().await == Stands::Unknown
        };
        let is_left = timeout(END_LOOK_MAX, looking).await.unwrap_or(true);
        let is_given_up = self.tenure.ports.clock.now() >= deadline;
        if is_left && is_given_up {
            let _forgotten_by_the_next_owner = self.link.keys.delete().await;
        }
        is_left && !is_given_up
    }

    /// Ends it.
    pub(crate) async fn end_what_is_left(&self) {
        info!(instance = %self.link.instance, attempt = self.link.attempt,
            "an attempt that is over may have left something at its upstream: that is ended");
        let link = Box::pin(self.bound()).await;
        self.settle(EndReasonV1::OwnerLost, Some(&link), false).await;
    }

    /// Ends what the attempt began elsewhere, however often it takes until that is given up.
    async fn abandon(&self, link: &Link, ran: bool, deadline: Timestamp) {
        let (driver, clock) = (&self.tenure.driver, &self.tenure.ports.clock);
        let mut pauses = Pauses::new(REOPEN_PAUSE_FIRST, driver.unlink_pause_max(link));
        let hanging = Hanging::new(Arc::clone(clock));
        while timeout(driver.abandon_max(link), driver.abandon(link, ran, &hanging)).await.is_err()
            && clock.now() < deadline
        {
            warn!(instance = %link.instance, attempt = link.attempt,
                "what an attempt began at its upstream is not ended yet: trying again");
            pauses.wait().await;
        }
    }

    /// Whether the instance has neither the deployment's own driver nor workers.
    fn is_on_upstream(&self) -> bool {
        self.binding.as_ref().is_some_and(|it| it.kind != WORKER)
    }

    /// Keeps a link open. A driver ends when it has said why, or when a report of it was refused; if the log
    /// wants the link nevertheless, it is run again.
    async fn keep(&self, mut start: Start, stop: &CancellationToken) {
        let mut pauses = Pauses::new(REOPEN_PAUSE_FIRST, REOPEN_PAUSE_MAX);
        loop {
            let begun = Instant::now();
            if !self.drive(std::mem::replace(&mut start, Start::Resume), stop).await
                || stop.run_until_cancelled(self.stands()).await != Some(Stands::Linked)
            {
                return;
            }
            warn!(instance = %self.link.instance, attempt = self.link.attempt,
                "a driver ended although its link is wanted: the link is opened again");
            if begun.elapsed() > REOPEN_PAUSE_MAX {
                pauses.restart();
            }
            if stop.run_until_cancelled(pauses.wait()).await.is_none() {
                return;
            }
        }
    }

    async fn disown(&self, deadline: Timestamp) {
        info!(instance = %self.link.instance, attempt = self.link.attempt,
            "a device was linked by an attempt that is over: it is unlinked");
        self.unlink(deadline).await;
    }

    /// When what an attempt that is over may have left is given up: from then on another instance may have its name at the upstream.
    async fn given_up_at(&self) -> Timestamp {
        let left = self.state().await.as_ref().and_then(left_there);
        let left = left.filter(|left| left.attempt == self.link.attempt);
        let from_now = self.tenure.ports.clock.now().plus_seconds(UNLINK_SECONDS);
        left.map_or(from_now, |left| left.until)
    }

    async fn has_keys(&self) -> bool {
        loop {
            match self.link.keys.get().await {
                Ok(keys) => return keys.is_some(),
                Err(LinkKeysError::Damaged) => return true,
                Err(LinkKeysError::Store(_)) => sleep(STORE_RETRY).await,
            }
        }
    }

    /// What the log says of the attempt at this moment.
    async fn stands(&self) -> Stands {
        let attempt = self.link.attempt;
        let Some(state) = self.state().await else { return Stands::Unknown };
        if berth_domain::instance::attempt(&state).is_some_and(|running| running.number == attempt) {
            return Stands::Attempt;
        }
        if berth_domain::instance::link(&state).is_some_and(|link| link.attempt == attempt) {
            let open = matches!(state.phase, PhaseV1::Linked(_));
            return if open { Stands::Linked } else { Stands::Known };
        }
        let unlink = state.unlinks.iter().any(|unlink| unlink.attempt == attempt);
        if unlink { Stands::Known } else { Stands::Unknown }
    }

    async fn state(&self) -> Option<InstanceStateV1> {
        self.tenure.state_of(self.link.instance).await
    }
}

/// What the log says of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// It runs.
    Attempt,
    /// The device that it linked shall be connected.
    Linked,
    /// The device that it linked is paused, or is or was to be unlinked: that is seen to elsewhere.
    Known,
    /// Nothing: it ended without a device, as far as the log knows.
    Unknown,
}
