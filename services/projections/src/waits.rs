//! Those who wait until lists show what they wrote: one look after each change of the view serves all of them.

use std::{sync::Arc, time::Duration};

use berth_proto::InstanceId;
use berth_runtime::{Lifecycle, spawn_blocking};
use berth_views::{ViewError, ViewReader};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::records::record;

/// Those who wait at the same time, about 100 bytes each; more are answered as if they had waited.
const WAITS_AT_ONCE_MAX: usize = 4_096;

/// Somebody who waits.
#[derive(Debug)]
struct Wait {
    instance: InstanceId,
    version: u64,
    /// Told once the view has it; closed by whoever waits no more.
    stands: oneshot::Sender<()>,
}

/// Takes those who wait.
#[derive(Debug)]
pub(crate) struct Waits(mpsc::Sender<Wait>);

// === impl Waits ===

impl Waits {
    /// Begins to look, until the life cycle ends.
    pub(crate) fn start(view: Arc<dyn ViewReader>, lifecycle: &Lifecycle) -> Self {
        let (begun, waits) = mpsc::channel(WAITS_AT_ONCE_MAX);
        let stop = lifecycle.stop().clone();
        lifecycle.spawn(async move {
            stop.run_until_cancelled(serve(view, waits)).await;
        });
        Self(begun)
    }

    /// Whether the view has a version of an instance, by then at the latest. What has a record is found in lists (see
    /// [`record`]); by which class it is found may be a moment behind a later version than its first.
    pub(crate) async fn stands(&self, instance: InstanceId, version: u64, wait: Duration) -> bool {
        let (stands, told) = oneshot::channel();
        if self.0.try_send(Wait { instance, version, stands }).is_err() {
            return false;
        }
        matches!(timeout(wait, told).await, Ok(Ok(())))
    }
}

/// Looks after each change, and when somebody new waits.
async fn serve(view: Arc<dyn ViewReader>, mut waits: mpsc::Receiver<Wait>) {
    let mut changes = view.changes();
    let mut waiting = Vec::new();
    loop {
        let room = WAITS_AT_ONCE_MAX - waiting.len();
        tokio::select! {
            taken = waits.recv_many(&mut waiting, room), if room > 0 => if taken == 0 { return },
            told = changes.changed(), if !waiting.is_empty() => if told.is_err() { return },
        }
        // What changes from here on is looked at again.
        changes.mark_unchanged();
        waiting.retain(|wait| !wait.stands.is_closed());
        let view = Arc::clone(&view);
        // Whom the view cannot tell now waits in vain.
        waiting = match spawn_blocking(move || look(&*view, waiting)).await {
            Ok(Ok(waiting)) => waiting,
            Ok(Err(_)) | Err(_) => Vec::new(),
        };
    }
}

/// Tells those for whom the view stands, and gives back the others.
fn look(view: &dyn ViewReader, waiting: Vec<Wait>) -> Result<Vec<Wait>, ViewError> {
    let mut others = Vec::with_capacity(waiting.len());
    for wait in waiting {
        if record(view, wait.instance)?.is_some_and(|row| row.version >= wait.version) {
            // Whoever waited may have gone.
            let _gone = wait.stands.send(());
        } else {
            others.push(wait);
        }
    }
    Ok(others)
}
