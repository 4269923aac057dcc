//! The owner of the links: one replica at a time, under a lease.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use berth_bus::{Grant, Lease};
use berth_proto::InstanceId;
use berth_runtime::{Lifecycle, Role};
use berth_views::{ViewError, ViewReader, ViewState};
use tokio::time::sleep;
use tracing::{info, warn};

use crate::{
    Ports, Settings,
    links::Links,
    simulate,
    tenure::Tenure,
    wanted::{Wanted, WantedView},
};

/// Pause before the lease is asked for again when leases do not work.
const LEASE_RETRY: Duration = Duration::from_secs(2);
/// Rows that are read at once when the lease was gained.
const PAGE_ROWS: usize = 512;
/// How long one wait for the view to follow the log may take.
const REACHED_MAX: Duration = Duration::from_secs(10);
/// Pause before a view that is being built is looked at again.
const VIEW_RETRY: Duration = Duration::from_millis(200);

/// What the owner works with.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) ports: Ports,
    pub(crate) settings: Settings,
    pub(crate) view: Arc<dyn ViewReader>,
    pub(crate) wanted: Arc<WantedView>,
    /// Read by the readiness check.
    pub(crate) owns: Arc<AtomicBool>,
    pub(crate) lifecycle: Lifecycle,
}

impl Owner {
    /// Owns the links whenever this replica holds the lease, until the life cycle ends.
    pub(crate) async fn run(self) {
        let stop = self.lifecycle.stop().clone();
        while !stop.is_cancelled() {
            let grant =
                match stop.run_until_cancelled(self.ports.leases.hold(Lease::whole(Role::Connector))).await {
                    Some(Ok(grant)) => grant,
                    Some(Err(error)) => {
                        warn!(%error, "no lease for the device links: asking again");
                        stop.run_until_cancelled(sleep(LEASE_RETRY)).await;
                        continue;
                    }
                    None => return,
                };
            info!(epoch = grant.epoch, "this replica owns the device links");
            self.owns.store(true, Ordering::Relaxed);
            let fenced = self.while_held(grant).await;
            self.owns.store(false, Ordering::Relaxed);
            if fenced {
                stop.run_until_cancelled(sleep(LEASE_RETRY)).await;
            }
        }
    }

    /// Owns the links until the lease is lost or the process stops. Says whether another owner was met while
    /// the lease seemed to be held.
    async fn while_held(&self, grant: Grant) -> bool {
        let Grant { epoch, mut lost, guard: _guard, .. } = grant;
        let tenure = Arc::new(Tenure::new(self.ports.clone(), Arc::clone(&self.settings.driver), epoch));
        let mut links = Links::new(Arc::clone(&tenure), self.lifecycle.clone());
        let mut fenced = false;
        tokio::select! {
            biased;
            () = self.lifecycle.stop().cancelled() => {}
            _ = lost.wait_for(|lost| *lost) => warn!(epoch, "the device links are another replica's now"),
            () = tenure.over.cancelled() => fenced = true,
            () = self.follow(&mut links) => {}
            () = simulate::serve(&self.ports, self.settings.controls.clone()) => {}
        }
        links.stop().await;
        fenced
    }

    /// Starts what the view wants, then follows its changes.
    async fn follow(&self, links: &mut Links) {
        let mut view_changes = self.view.changes();
        let watching = self.wanted.watch();
        self.caught_up().await;
        // Whatever is drained here may be of a batch that `everything` does not see yet.
        let mut again = watching.take();
        self.everything(links).await;
        loop {
            let changed = watching.take();
            // A batch may have been on its way to the store when its instances were drained: they are looked at
            // again after the next change.
            for instance in again.union(&changed) {
                self.reconcile(links, *instance).await;
            }
            again = changed;
            if view_changes.changed().await.is_err() {
                return;
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

    /// Reconciles every row that there is.
    async fn everything(&self, links: &mut Links) {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = match self.page(after.clone()).await {
                Ok(page) => page,
                Err(error) => {
                    warn!(%error, "the wanted links cannot be read yet");
                    sleep(VIEW_RETRY).await;
                    continue;
                }
            };
            let full = page.len() == PAGE_ROWS;
            for (key, row) in &page {
                if let (Ok(id), Some(wanted)) = (<[u8; 16]>::try_from(key.as_slice()), Wanted::read(row)) {
                    links.reconcile(InstanceId::from_bytes(id), Some(&wanted));
                }
            }
            after = page.last().map(|(key, _)| key.clone());
            if !full {
                return;
            }
        }
    }

    /// Rows are read off the asynchronous threads, since a read may wait for the disk.
    async fn page(&self, after: Option<Vec<u8>>) -> Result<Vec<berth_views::Row>, ViewError> {
        let view = Arc::clone(&self.view);
        tokio::task::spawn_blocking(move || view.scan(&[], after.as_deref(), PAGE_ROWS))
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
