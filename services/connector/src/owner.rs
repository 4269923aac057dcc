//! The owner of the links of those partitions that are this replica's.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use berth_bus::hold_all;
use berth_domain::instance::UNLINK_SECONDS;
use berth_proto::{InstanceId, Partition};
use berth_runtime::{Lifecycle, Role};
use berth_views::{ViewError, ViewReader, ViewState};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::sleep,
};
use tracing::{debug, warn};

use crate::{
    Ports, Settings,
    links::{Ends, Links},
    metrics, simulate,
    tenure::{REPORTS_AT_ONCE, Tenure},
    wanted::{Wanted, WantedView},
};

/// Rows that are read at once when partitions were gained.
const PAGE_ROWS: usize = 512;
/// How long one wait for the view to follow the log may take.
const REACHED_MAX: Duration = Duration::from_secs(10);
/// Pause before a view that is being built is looked at again.
const VIEW_RETRY: Duration = Duration::from_millis(200);
/// Partitions that come or go and wait to be followed.
const CHANGES_MAX: usize = 128;

/// How long after it was given up what is left of an attempt is still looked for: whoever was away until then forgets it. Of an instance
/// that is deleted, the session-aggregate does by then.
const ENDS_LOOKED_FOR_SECONDS: i64 = UNLINK_SECONDS;

/// What the owner works with.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) ports: Ports,
    pub(crate) settings: Settings,
    pub(crate) view: Arc<dyn ViewReader>,
    pub(crate) wanted: Arc<WantedView>,
    /// How many partitions are owned; read by the readiness check.
    pub(crate) owns: Arc<AtomicUsize>,
    pub(crate) lifecycle: Lifecycle,
}

/// A partition comes or goes.
enum Change {
    /// Its links run here from now on.
    Gained(Links),
    /// They are to end here: whoever asked is handed them.
    Gone(berth_bus::Tenure, oneshot::Sender<Links>),
}

/// The links of the partitions that are owned.
type Owned = BTreeMap<Partition, Links>;

impl Owner {
    /// Owns the links of whatever partition is this replica's, until the life cycle ends.
    pub(crate) async fn run(self) {
        let stop = self.lifecycle.stop().clone();
        let (changes, coming) = mpsc::channel(CHANGES_MAX);
        let reporting = Arc::new(Semaphore::new(REPORTS_AT_ONCE));
        let holding = hold_all(&*self.ports.leases, Role::Connector, &stop, |held| {
            self.reign(held, Arc::clone(&reporting), changes.clone())
        });
        tokio::select! {
            () = holding => {}
            () = self.follow(coming) => {}
        }
    }

    /// Owns the links of a partition until it is lost or the process stops.
    async fn reign(&self, held: berth_bus::Tenure, reporting: Arc<Semaphore>, changes: mpsc::Sender<Change>) {
        let tenure =
            Tenure::new(self.ports.clone(), Arc::clone(&self.settings.driver), held.clone(), reporting);
        let links = Links::new(Arc::new(tenure), self.lifecycle.clone());
        let owning = async {
            // An attempt that ended meanwhile must not be started.
            self.caught_up().await;
            let _closed = changes.send(Change::Gained(links)).await;
            std::future::pending::<()>().await;
        };
        let owned = async {
            tokio::select! {
                biased;
                () = self.lifecycle.stop().cancelled() => {}
                () = held.asked_back() => {}
                _over = held.run(owning) => {}
            }
            held.end();
            let (hand, handed) = oneshot::channel();
            if changes.send(Change::Gone(held.clone(), hand)).await.is_ok()
                && let Ok(links) = handed.await
            {
                links.stop().await;
            }
        };
        tokio::join!(owned, simulate::serve(&self.ports, self.settings.controls.clone(), &held));
    }

    /// Starts what the view wants of gained partitions, then follows its changes.
    async fn follow(&self, mut coming: mpsc::Receiver<Change>) {
        let mut view_changes = self.view.changes();
        let watching = self.wanted.watch();
        let (mut owned, mut again) = (Owned::new(), HashSet::new());
        let mut rows = view_changes.borrow().rows;
        loop {
            tokio::select! {
                biased;
                change = coming.recv() => match change {
                    Some(change) => self.change(&mut owned, change, &mut coming).await,
                    None => return,
                },
                // A view that is closed changes no more: the process ends.
                Ok(()) = view_changes.changed() => {
                    let touched = watching.take();
                    // A batch may have been on its way to the store when its instances were drained: they are looked at
                    // again after the next change.
                    for instance in again.union(&touched) {
                        if let Some(links) = owned.get_mut(&Partition::of(instance.as_bytes())) {
                            self.reconcile(links, *instance).await;
                        }
                    }
                    again = touched;
                    let now = view_changes.borrow_and_update().rows;
                    if now != rows {
                        rows = now;
                        self.everything_anew(&mut owned).await;
                    }
                }
            }
        }
    }

    /// Notes a change and those that wait behind it: partitions come many at a time, and are read together.
    async fn change(&self, owned: &mut Owned, first: Change, coming: &mut mpsc::Receiver<Change>) {
        let (mut gained, mut next) = (HashSet::new(), Some(first));
        while let Some(change) = next {
            match change {
                Change::Gained(links) => {
                    let partition = links.held().partition();
                    gained.insert(partition);
                    owned.insert(partition, links);
                }
                Change::Gone(held, hand) => {
                    let partition = held.partition();
                    let is_its =
                        owned.get(&partition).is_some_and(|links| links.held().epoch() == held.epoch());
                    if let Some(links) = is_its.then(|| owned.remove(&partition)).flatten() {
                        gained.remove(&partition);
                        // Dropped by somebody who is gone, they end too.
                        drop(hand.send(links));
                    }
                }
            }
            next = coming.try_recv().ok();
        }
        self.owns.store(owned.len(), Ordering::Relaxed);
        metrics::owned(owned.len());
        if !gained.is_empty() {
            let ends = self.everything(owned, &gained).await;
            for (partition, ends) in ends {
                if let Some(links) = owned.get(&partition) {
                    links.see_to_ends(ends);
                }
            }
        }
    }

    /// Waits until the view has read what was there: an attempt that ended meanwhile must not be started, and on
    /// a log that lost commits nothing is.
    async fn caught_up(&self) {
        loop {
            match self.ports.log.end().await {
                Ok(end) => match self.view.reached(&end, REACHED_MAX).await {
                    Ok(()) if !matches!(self.view.state(), ViewState::Halted(_)) => return,
                    Ok(()) => {}
                    Err(error) => warn!(%error, "the wanted links are not known yet"),
                },
                Err(error) => warn!(%error, "where the log ends is not known yet"),
            }
            sleep(VIEW_RETRY).await;
        }
    }

    /// Reconciles every row that there is of these partitions. Gives the attempts that are over of which something may be left.
    async fn everything(&self, owned: &mut Owned, gained: &HashSet<Partition>) -> HashMap<Partition, Ends> {
        let long_over = self.ports.clock.now().plus_seconds(-ENDS_LOOKED_FOR_SECONDS);
        let mut ends: HashMap<Partition, Ends> = HashMap::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = match self.page(after.clone()).await {
                Ok(page) => page,
                // A view that is still made of the log is how every process begins.
                Err(error) => {
                    match error {
                        ViewError::Rebuilding => debug!(%error, "the wanted links cannot be read yet"),
                        error => warn!(%error, "the wanted links cannot be read yet"),
                    }
                    sleep(VIEW_RETRY).await;
                    continue;
                }
            };
            let full = page.len() == PAGE_ROWS;
            for (key, row) in &page {
                let Ok(id) = <[u8; 16]>::try_from(key.as_slice()) else { continue };
                let partition = Partition::of(&id);
                if gained.contains(&partition)
                    && let (Some(links), Some(wanted)) = (owned.get_mut(&partition), Wanted::read(row))
                {
                    let instance = InstanceId::from_bytes(id);
                    links.reconcile(instance, Some(&wanted));
                    let Wanted { ended, binding, .. } = wanted;
                    if let Some(end) = ended.filter(|end| end.deadline > long_over) {
                        ends.entry(partition).or_default().push((instance, end, binding));
                    }
                }
            }
            after = page.last().map(|(key, _)| key.clone());
            if !full {
                return ends;
            }
        }
    }

    /// Reconciles every row of the owned partitions, and every link that has none, after other rows took the place of those
    /// that were read.
    async fn everything_anew(&self, owned: &mut Owned) {
        let all = owned.keys().copied().collect();
        // What is left of attempts was seen to when the partitions were gained.
        let _ends = self.everything(owned, &all).await;
        for links in owned.values_mut() {
            for instance in links.instances() {
                self.reconcile(links, instance).await;
            }
        }
    }

    /// Rows are read off the asynchronous threads, since a read may wait for the disk.
    async fn page(&self, after: Option<Vec<u8>>) -> Result<Vec<berth_views::Row>, ViewError> {
        let view = Arc::clone(&self.view);
        berth_runtime::spawn_blocking(move || view.scan(&[], after.as_deref(), PAGE_ROWS))
            .await
            .map_err(|error| ViewError::Store(error.to_string().into()))?
    }

    async fn reconcile(&self, links: &mut Links, instance: InstanceId) {
        loop {
            match self.view.get(instance.as_bytes()) {
                Ok(row) => return links.reconcile(instance, row.as_deref().and_then(Wanted::read).as_ref()),
                Err(error) => {
                    warn!(instance = %instance, %error, "a wanted link cannot be read yet");
                    sleep(VIEW_RETRY).await;
                }
            }
        }
    }
}
