//! One link of one tenure, from where the log says it is until nobody wants it any more.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use berth_proto::{
    InstanceId, Sealed, StreamKey, Timestamp, codec::decode, commit::CommitV1, event::EndReasonV1,
    instance::InstanceStateV1,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    driver::{Link, Next, Report, Reports, Start},
    keys::{LinkKeys, LinkKeysError},
    reports::LinkReports,
    tenure::Tenure,
    unlink::{delete_keys, pursue, try_once},
    wanted::Stage,
};

/// The first pause before a link is opened again whose driver ended without a word; doubled up to
/// [`REOPEN_PAUSE_MAX`].
const REOPEN_PAUSE_FIRST: Duration = Duration::from_secs(1);
/// The longest such pause.
const REOPEN_PAUSE_MAX: Duration = Duration::from_mins(5);
/// Pause before a store that does not work is asked again.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// One link.
#[derive(Debug)]
pub(crate) struct One {
    tenure: Arc<Tenure>,
    link: Link,
    reports: Arc<LinkReports>,
}

impl One {
    pub(crate) fn new(tenure: &Arc<Tenure>, instance: InstanceId, attempt: u32) -> Self {
        let ports = &tenure.ports;
        let (store, entropy) = (Arc::clone(&ports.device_keys), Arc::clone(&ports.entropy));
        let keys = LinkKeys::new(instance, attempt, store, ports.keys.master().clone(), entropy);
        Self {
            tenure: Arc::clone(tenure),
            link: Link { instance, attempt, keys },
            reports: LinkReports::new(tenure, instance, attempt),
        }
    }

    /// Runs the link until it ends or is told to stop.
    pub(crate) async fn run(&self, stage: Stage, stop: &CancellationToken) {
        // A link that is kept lasts for years: boxed, what comes before takes no room in it.
        match stage {
            Stage::Requested { phone } => {
                let Some(start) = Box::pin(self.first(phone)).await else { return };
                Box::pin(self.pair(start, stop)).await;
            }
            Stage::Pairing => Box::pin(self.end_orphan()).await,
            Stage::Linked => self.keep(stop).await,
        }
    }

    /// Unlinks the device, however often it takes until the deadline.
    pub(crate) async fn unlink(&self, deadline: Timestamp) {
        pursue(&self.tenure, &self.link, deadline, &self.reports).await;
    }

    /// Ends the attempt of a former owner: its references belong to the socket of whoever ran it.
    ///
    /// If the phone completed the pairing before that owner died, the device is unlinked: a first try comes
    /// before the attempt is ended, since the next owner would not look at an ended one.
    async fn end_orphan(&self) {
        if self.has_keys().await && try_once(&self.tenure, &self.link, &self.reports).await.is_ok() {
            delete_keys(&self.link).await;
        }
        self.reports.report(Report::AttemptEnded { reason: EndReasonV1::OwnerLost, code: 0 }).await;
        self.disown().await;
    }

    /// How an attempt begins; none if it cannot, which is reported.
    async fn first(&self, phone: Option<Sealed>) -> Option<Start> {
        let Some(sealed) = phone else { return Some(Start::PairByQr) };
        let phone = self.reports.pairing_phone(&sealed).await;
        if phone.is_none() {
            warn!(instance = %self.link.instance, attempt = self.link.attempt,
                "the number for a pairing code cannot be opened: the attempt ends");
            self.reports.report(Report::AttemptEnded { reason: EndReasonV1::Refused, code: 0 }).await;
        }
        phone.map(|phone| Start::PairByCode { phone })
    }

    /// Links a device, and keeps the link if it came to one.
    async fn pair(&self, start: Start, stop: &CancellationToken) {
        let watched = Arc::new(Watched::new(&self.reports));
        let run = self.tenure.driver.run(self.link.clone(), start, Arc::clone(&watched) as _);
        let stopped = stop.run_until_cancelled(run).await.is_none();
        match watched.seen() {
            Seen::Linked if !stopped => self.keep_after(REOPEN_PAUSE_FIRST, stop).await,
            Seen::Nothing if !stopped => {
                let ended = Report::AttemptEnded { reason: EndReasonV1::Unreachable, code: 0 };
                self.reports.report(ended).await;
            }
            Seen::Nothing | Seen::Linked | Seen::Over | Seen::Refused => {}
        }
        Box::pin(self.disown()).await;
    }

    /// Keeps a link open. A driver ends by itself only when it has said why; if it did not, it is run again.
    async fn keep(&self, stop: &CancellationToken) {
        let mut pause = REOPEN_PAUSE_FIRST;
        loop {
            let watched = Arc::new(Watched::new(&self.reports));
            let run = self.tenure.driver.run(self.link.clone(), Start::Resume, Arc::clone(&watched) as _);
            if stop.run_until_cancelled(run).await.is_none() {
                return;
            }
            match watched.seen() {
                Seen::Over | Seen::Refused => return,
                Seen::Nothing | Seen::Linked => {}
            }
            warn!(instance = %self.link.instance, attempt = self.link.attempt,
                "a driver ended without saying why: the link is opened again");
            if stop.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
            pause = (pause * 2).min(REOPEN_PAUSE_MAX);
        }
    }

    async fn keep_after(&self, pause: Duration, stop: &CancellationToken) {
        if stop.run_until_cancelled(sleep(pause)).await.is_some() {
            self.keep(stop).await;
        }
    }

    /// Unlinks a device that no record knows: the phone completed the pairing when the attempt was ended
    /// already, or its owner died before it could say so. Nobody would ever unlink it.
    async fn disown(&self) {
        if !self.has_keys().await || self.is_recorded().await {
            return;
        }
        info!(instance = %self.link.instance, attempt = self.link.attempt,
            "a device was linked by an attempt that is over: it is unlinked");
        let deadline = self.tenure.ports.clock.now().plus_seconds(berth_session::UNLINK_SECONDS);
        self.unlink(deadline).await;
        delete_keys(&self.link).await;
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

    /// Whether the log has anything to say of the attempt: that it runs, that it linked the device, or that the
    /// device is being unlinked.
    async fn is_recorded(&self) -> bool {
        let attempt = self.link.attempt;
        let Some(state) = self.state().await else { return false };
        berth_session::attempt(&state).is_some_and(|running| running.number == attempt)
            || berth_session::link(&state).is_some_and(|link| link.attempt == attempt)
            || state.unlinks.iter().any(|unlink| unlink.attempt == attempt)
    }

    async fn state(&self) -> Option<InstanceStateV1> {
        let stream = StreamKey::instance(self.link.instance);
        loop {
            match self.tenure.ports.log.tail(&stream).await {
                Ok(None) => return None,
                Ok(Some(stored)) => {
                    let commit = decode::<CommitV1>(&stored.payload);
                    match commit.and_then(|commit| commit.state.open()) {
                        Ok(state) => return Some(state),
                        Err(error) => warn!(instance = %self.link.instance, %error,
                            "the last commit cannot be read: whether a device is known is asked again"),
                    }
                }
                Err(error) => warn!(instance = %self.link.instance, %error,
                    "the log cannot be read: whether a device is known is asked again"),
            }
            sleep(STORE_RETRY).await;
        }
    }
}

/// What the reports of a run of the driver came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// No device, and no end.
    Nothing,
    /// A device is linked, and nothing has ended.
    Linked,
    /// The driver said that the attempt or the link is over.
    Over,
    /// A report was refused: the log knows another state of this link.
    Refused,
}

impl Seen {
    const ALL: [Self; 4] = [Self::Nothing, Self::Linked, Self::Over, Self::Refused];
}

/// Passes reports on and notices what they come to.
#[derive(Debug)]
struct Watched {
    reports: Arc<LinkReports>,
    /// A [`Seen`]; written by each report, read when the run has ended.
    seen: AtomicU8,
}

impl Watched {
    fn new(reports: &Arc<LinkReports>) -> Self {
        Self { reports: Arc::clone(reports), seen: AtomicU8::new(Seen::Nothing as u8) }
    }

    fn seen(&self) -> Seen {
        let seen = self.seen.load(Ordering::SeqCst);
        Seen::ALL.into_iter().find(|one| *one as u8 == seen).unwrap_or(Seen::Nothing)
    }
}

#[async_trait]
impl Reports for Watched {
    async fn report(&self, report: Report) -> Next {
        let said = match &report {
            Report::Linked(_) => Some(Seen::Linked),
            Report::AttemptEnded { .. } | Report::Paused { .. } | Report::LoggedOut { .. } => {
                Some(Seen::Over)
            }
            Report::Qr { .. }
            | Report::PairingCode { .. }
            | Report::PairingCodeRefused { .. }
            | Report::Open
            | Report::Lost { .. }
            | Report::Unlinked => None,
        };
        let next = self.reports.report(report).await;
        let seen = if next == Next::Stop { Some(Seen::Refused) } else { said };
        if let Some(seen) = seen {
            self.seen.store(seen as u8, Ordering::SeqCst);
        }
        next
    }
}
