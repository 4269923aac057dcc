//! Those who wait until lists show what they wrote: one look after a change of the view serves all of them.

use std::{sync::Arc, time::Duration};

use berth_proto::InstanceId;
use berth_runtime::{Lifecycle, spawn_blocking};
use berth_views::ViewReader;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};

use crate::records::record;

/// Those who wait at the same time, about 100 bytes each; more are answered as if they had waited. Whoever waits no more keeps no place.
const WAITS_AT_ONCE_MAX: usize = 4_096;
/// The pause between two looks at all of them: where the view changes all the time, they do not keep it from that.
const LOOKS_PAUSE: Duration = Duration::from_millis(5);

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
pub(crate) struct Waits {
    begun: mpsc::Sender<Wait>,
    places: Semaphore,
}

// === impl Waits ===

impl Waits {
    /// Begins to look, until the life cycle ends.
    pub(crate) fn start(view: Arc<dyn ViewReader>, lifecycle: &Lifecycle) -> Self {
        let (begun, waits) = mpsc::channel(WAITS_AT_ONCE_MAX);
        let stop = lifecycle.stop().clone();
        lifecycle.spawn(async move {
            stop.run_until_cancelled(serve(view, waits)).await;
        });
        Self { begun, places: Semaphore::new(WAITS_AT_ONCE_MAX) }
    }

    /// Whether the view has a version of an instance, by then at the latest. What has a record is found in lists (see
    /// [`record`]); by which class it is found may be a moment behind a later version than its first.
    pub(crate) async fn stands(&self, instance: InstanceId, version: u64, wait: Duration) -> bool {
        let Ok(_place) = self.places.try_acquire() else { return false };
        let (stands, told) = oneshot::channel();
        if self.begun.try_send(Wait { instance, version, stands }).is_err() {
            return false;
        }
        matches!(timeout(wait, told).await, Ok(Ok(())))
    }
}

/// Looks when somebody new waits, at that one, and after changes, at all.
async fn serve(view: Arc<dyn ViewReader>, mut waits: mpsc::Receiver<Wait>) {
    let mut changes = view.changes();
    let (mut waiting, mut next_look) = (Vec::<Wait>::new(), Instant::now());
    loop {
        let change = async {
            sleep_until(next_look).await;
            changes.changed().await
        };
        let mut looked_at = Vec::new();
        tokio::select! {
            taken = waits.recv_many(&mut looked_at, WAITS_AT_ONCE_MAX) => if taken == 0 { return },
            told = change, if !waiting.is_empty() => {
                if told.is_err() {
                    return;
                }
                looked_at.append(&mut waiting);
                next_look = Instant::now() + LOOKS_PAUSE;
            }
        }
        waiting.retain(|wait| !wait.stands.is_closed());
        looked_at.retain(|wait| !wait.stands.is_closed());
        let view = Arc::clone(&view);
        // Of one that panics nobody is told.
        waiting.extend(spawn_blocking(move || look(&*view, looked_at)).await.unwrap_or_default());
    }
}

/// Tells those for whom the view stands, and gives back the others: also those of whom it cannot tell now.
fn look(view: &dyn ViewReader, waiting: Vec<Wait>) -> Vec<Wait> {
    let mut others = Vec::new();
    for wait in waiting {
        match record(view, wait.instance) {
            Ok(Some(row)) if row.version >= wait.version => {
                // Whoever waited may have gone.
                let _gone = wait.stands.send(());
            }
            Ok(_) | Err(_) => others.push(wait),
        }
    }
    others
}
