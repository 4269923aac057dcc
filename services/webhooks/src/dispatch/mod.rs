//! The dispatcher: whoever owns a partition sends what its instances' endpoints are owed.
//!
//! The owner of a partition reads the outbox, keeps what is owed in lanes, tries heads of lanes that are due and settles what
//! came to an end. One loop does so for all partitions of a replica, so that the bounds on attempts hold for the process.
//! A partition that another replica is to have is handed over when what is in flight of it is done. Losing it drops everything
//! of it at once, running attempts included: their fate is unknown and the next owner repeats them under the same id. The
//! owner also serves those who fetch notices that have nowhere to be sent to.

mod attempt;
mod board;
mod breakers;
mod desk;
mod disable;
mod dispatching;
mod done;
mod extent;
mod failing;
#[cfg(test)]
mod fixtures;
mod foreign;
mod heads;
mod intake;
mod lane;
mod open;
mod owned;
mod paces;
mod partitions;
mod permit;
mod prepare;
mod pull;
mod receipt;
mod redelivery;
mod relief;
mod report;
mod reporting;
mod review;
mod scan;
mod send;
mod serving;
mod settle;
mod shares;
mod test_notice;
mod together;
mod trace;
mod turns;
mod unsettled;

use std::{sync::Arc, time::Duration};

use berth_bus::{Leases, Tenure, hold_all};
use berth_runtime::{Lifecycle, Role};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

pub(crate) use attempt::Tools;
use desk::Desk;
pub(crate) use disable::{Because, disable};
use dispatching::Dispatching;
pub use heads::Room;
pub(crate) use open::{Endpoint, Keyhole};
pub(crate) use permit::{Fault, Owner, Permit, Reach, read};
use pull::Queue;
use redelivery::{Order, Redelivery};
pub(crate) use scan::of_endpoint;
use settle::Settler;
pub(crate) use settle::{SettleError, note_as_guest};

use crate::{
    letters::{Letters, former_life},
    metrics,
    outbox::Touched,
};

/// What is asked of the loop from beside it and waits for it: a few from each partition.
const ORDERS_WAITING_MAX: usize = 256;
/// Who fetches notices at once, most of them waiting for one.
const PULLS_MAX: usize = 4_096;
/// Requests to send again that are worked on at once.
const REDELIVERIES_MAX: usize = 16;

/// How long the next owner of a partition waits for what is in flight here.
const HAND_OVER_MAX: Duration = Duration::from_secs(5);

/// What a dispatcher works with.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    pub(crate) tools: Tools,
    pub(crate) leases: Arc<dyn Leases>,
    pub(crate) touched: Arc<Touched>,
    pub(crate) letters: Letters,
    /// Each attempt is a task of it.
    pub(crate) lifecycle: Lifecycle,
}

/// What the partitions of a dispatcher share.
struct Shared {
    tools: Tools,
    desk: Arc<Desk>,
    orders: mpsc::Sender<Order>,
    pulls: Arc<Semaphore>,
    redeliveries: Arc<Semaphore>,
    letters: Letters,
    /// Cancelled when the loop has ended: nothing is tried or settled any more.
    ended: CancellationToken,
}

// === impl Dispatcher ===

impl Dispatcher {
    /// Dispatches what is to be dispatched here until told to stop; then finishes what is in flight.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let Self { tools, leases, touched, letters, lifecycle } = self;
        let (orders, ordered) = mpsc::channel(ORDERS_WAITING_MAX);
        let desk = Arc::new(Desk::default());
        let shared = Shared {
            tools: tools.clone(),
            desk: Arc::clone(&desk),
            orders,
            pulls: Arc::new(Semaphore::new(PULLS_MAX)),
            redeliveries: Arc::new(Semaphore::new(REDELIVERIES_MAX)),
            letters,
            ended: CancellationToken::new(),
        };
        let dispatching = async {
            Dispatching::new(tools, touched, desk, ordered, (lifecycle, stop.clone())).run().await;
            metrics::idle();
            shared.ended.cancel();
        };
        tokio::join!(dispatching, hold_all(&*leases, Role::Webhooks, &stop, |tenure| shared.reign(tenure)));
    }
}

// === impl Shared ===

impl Shared {
    /// Dispatches what a partition owes for as long as it is held, or until the loop has ended.
    async fn reign(&self, tenure: Tenure) {
        let settler = Settler::new(&self.tools, tenure.clone());
        let (tools, desk, orders) = (self.tools.clone(), self.desk.clone(), self.orders.clone());
        let queue = Queue { tools: tools.clone(), settler: settler.clone(), desk };
        let redelivery = Redelivery { tools: tools.clone(), settler: settler.clone(), orders };
        let (known, letters_known) = oneshot::channel();
        let dispatched = async {
            tokio::select! {
                biased;
                () = self.ended.cancelled() => {}
                () = tenure.asked_back() => {}
                _over = tenure.run(self.take(settler.clone(), letters_known)) => {}
            }
            self.let_go(&tenure).await;
            tenure.end();
        };
        tokio::join!(
            dispatched,
            self.letters.serve(tools.clone(), &tenure, known),
            serving::serve(queue, tools.clone(), settler.clone(), self.pulls.clone()),
            serving::serve(redelivery, tools, settler.clone(), self.redeliveries.clone()),
        );
    }

    /// Hands a partition to the loop, for as long as it is held. What other replicas tried is known before anything is tried
    /// here: a failover keeps every back-off. So is of whom a letter may be under way: the end of a session waits for it, but
    /// nobody waits to know it for longer than such a letter lives.
    async fn take(&self, settler: Settler, letters_known: oneshot::Receiver<()>) {
        self.tools.attempts.caught_up().await;
        let _known = timeout(former_life(&self.tools), letters_known).await;
        let _ended = self.orders.send(Order::Take(settler)).await;
        std::future::pending::<()>().await;
    }

    /// Waits until the loop has let go of a partition, so that the next owner may have it. What is in flight is finished,
    /// if that does not keep the next owner waiting.
    async fn let_go(&self, tenure: &Tenure) {
        let (done, mut gone) = oneshot::channel();
        // A loop that has ended drops what it was asked.
        if self.orders.send(Order::LetGo { tenure: tenure.clone(), done }).await.is_ok()
            && timeout(HAND_OVER_MAX, &mut gone).await.is_err()
        {
            tenure.end();
            let _done = gone.await;
        }
    }
}
