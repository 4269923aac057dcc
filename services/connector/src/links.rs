//! The links that run: started, stopped and restarted as the wanted rows say.

use std::{collections::HashMap, sync::Arc};

use berth_proto::{InstanceId, Timestamp, event::EndReasonV1};
use berth_runtime::{Lifecycle, sealing::field};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{
    Ports,
    driver::{DeviceLink, Link, Next, Report, Reports, Start},
    keys::LinkKeys,
    metrics,
    reports::LinkReports,
    unlink::{delete_keys, pursue},
    wanted::{Stage, Wanted, WantedLink},
};

/// The links of one epoch. Dropped when the lease is lost: every task ends at its next await.
#[derive(Debug)]
pub(crate) struct Links {
    ports: Ports,
    driver: Arc<dyn DeviceLink>,
    lifecycle: Lifecycle,
    epoch: u64,
    /// Cancelled when the lease is lost.
    held: CancellationToken,
    running: HashMap<InstanceId, Running>,
    /// Unlinks that are pursued, and whether they are done.
    unlinking: HashMap<(InstanceId, u32), CancellationToken>,
}

/// A link that runs, or ended and waits for what the log says next.
#[derive(Debug)]
struct Running {
    attempt: u32,
    resumed: u64,
    stop: CancellationToken,
}

impl Links {
    pub(crate) fn new(ports: Ports, driver: Arc<dyn DeviceLink>, lifecycle: Lifecycle, epoch: u64) -> Self {
        Self {
            ports,
            driver,
            lifecycle,
            epoch,
            held: CancellationToken::new(),
            running: HashMap::new(),
            unlinking: HashMap::new(),
        }
    }

    /// Makes the links of an instance what its row wants.
    pub(crate) fn reconcile(&mut self, instance: InstanceId, wanted: Option<&Wanted>) {
        self.reconcile_link(instance, wanted.and_then(|wanted| wanted.link.as_ref()));
        let unlinks = wanted.map(|wanted| wanted.unlinks.as_slice()).unwrap_or_default();
        for (attempt, deadline) in unlinks {
            self.unlink(instance, *attempt, *deadline);
        }
        // One that the row still asks for is kept although it is done: the view has not followed yet.
        self.unlinking.retain(|(of, attempt), done| {
            let asked = unlinks.iter().any(|(wanted, _)| wanted == attempt);
            *of != instance || asked || !done.is_cancelled()
        });
        metrics::links(self.running.len());
    }

    fn reconcile_link(&mut self, instance: InstanceId, wanted: Option<&WantedLink>) {
        let runs_as_wanted = match (self.running.get(&instance), wanted) {
            (Some(running), Some(wanted)) => {
                running.attempt == wanted.attempt && running.resumed >= wanted.resumed
            }
            (None, None) => true,
            _ => false,
        };
        if runs_as_wanted {
            return;
        }
        if let Some(running) = self.running.remove(&instance) {
            running.stop.cancel();
        }
        if let Some(wanted) = wanted {
            self.start(instance, wanted);
        }
    }

    fn start(&mut self, instance: InstanceId, wanted: &WantedLink) {
        let stop = self.held.child_token();
        let link = self.link(instance, wanted.attempt);
        let reports = LinkReports::new(&self.ports, instance, wanted.attempt, self.epoch);
        debug!(instance = %instance, attempt = wanted.attempt, epoch = self.epoch, "a link starts");
        let task = run(self.ports.clone(), Arc::clone(&self.driver), link, wanted.stage.clone(), reports);
        let stopped = stop.clone();
        self.lifecycle.spawn(async move { stopped.run_until_cancelled(task).await });
        self.running.insert(instance, Running { attempt: wanted.attempt, resumed: wanted.resumed, stop });
    }

    fn unlink(&mut self, instance: InstanceId, attempt: u32, deadline: Timestamp) {
        if self.unlinking.contains_key(&(instance, attempt)) {
            return;
        }
        let done = CancellationToken::new();
        self.unlinking.insert((instance, attempt), done.clone());
        let link = self.link(instance, attempt);
        let reports = LinkReports::new(&self.ports, instance, attempt, self.epoch);
        let (ports, driver, held) = (self.ports.clone(), Arc::clone(&self.driver), self.held.child_token());
        self.lifecycle.spawn(async move {
            held.run_until_cancelled(pursue(&ports, &driver, link, deadline, reports)).await;
            done.cancel();
        });
    }

    fn link(&self, instance: InstanceId, attempt: u32) -> Link {
        let keys = LinkKeys {
            instance,
            attempt,
            store: Arc::clone(&self.ports.device_keys),
            master: self.ports.keys.master().clone(),
            entropy: Arc::clone(&self.ports.entropy),
        };
        Link { instance, attempt, keys }
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        self.held.cancel();
        metrics::links(0);
    }
}

/// Runs a link from where the log says it is.
async fn run(ports: Ports, driver: Arc<dyn DeviceLink>, link: Link, stage: Stage, reports: Arc<LinkReports>) {
    let start = match stage {
        Stage::Requested { phone: None } => Start::PairByQr,
        Stage::Requested { phone: Some(sealed) } => {
            let key = ports.keys.key(link.instance.as_bytes()).await.ok().flatten();
            let phone = key
                .and_then(|key| key.open_text(link.instance.as_bytes(), field::PAIRING_PHONE, &sealed).ok());
            match phone {
                Some(phone) => Start::PairByCode { phone },
                None => return,
            }
        }
        // The references of an attempt belong to the socket of whoever ran it.
        Stage::Pairing => {
            let ended = Report::AttemptEnded { reason: EndReasonV1::OwnerLost, code: 0 };
            reports.report(ended).await;
            return;
        }
        Stage::Linked => Start::Resume,
    };
    let pairing = start != Start::Resume;
    let watched = Arc::new(Watched {
        reports: Arc::clone(&reports),
        orphan: std::sync::atomic::AtomicBool::new(false),
    });
    driver.run(link.clone(), start, Arc::clone(&watched) as _).await;
    if pairing && watched.orphan.load(std::sync::atomic::Ordering::Relaxed) {
        // The device was linked after the attempt had been ended: nobody wants it, so it is unlinked at once.
        let deadline = ports.clock.now().plus_seconds(berth_session::UNLINK_SECONDS);
        pursue(&ports, &driver, link.clone(), deadline, reports).await;
        delete_keys(&link).await;
    }
}

/// Notices when a device was linked that nobody wants any more.
#[derive(Debug)]
struct Watched {
    reports: Arc<LinkReports>,
    /// Written when the report of a linked device was rejected, read when the link ended.
    orphan: std::sync::atomic::AtomicBool,
}

#[async_trait::async_trait]
impl Reports for Watched {
    async fn report(&self, report: Report) -> Next {
        let linked = matches!(report, Report::Linked(_));
        let next = self.reports.report(report).await;
        if linked && next == Next::Stop {
            self.orphan.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        next
    }
}
