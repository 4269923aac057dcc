//! One run of a link at a worker.

use std::sync::{Arc, atomic::Ordering};

use berth_proto::worker::{Answer, Next, Place, Run as RunOrder, Said, Start, ToWorker};
use tokio::sync::mpsc;

use super::pool::Worker;
use crate::driver::Link;

/// A worker that was chosen for a run.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) worker: Arc<Worker>,
    /// Whether the run counts as its load until this is dropped.
    counts: bool,
}

/// A run that a worker was asked for. Dropped, the worker is told that it is over.
#[derive(Debug)]
pub(super) struct Run {
    seat: Seat,
    place: Place,
    said: mpsc::Receiver<Said>,
    /// Whether the worker knows that it is over.
    is_over: bool,
    /// The report, if there was one, after which there is no device any more.
    last: Option<u64>,
}

/// What a worker is asked for.
#[derive(Debug, Clone)]
pub(super) enum Ask {
    Run(Start),
    Unlink,
}

impl Seat {
    /// For a link.
    pub(super) fn at(worker: Arc<Worker>) -> Self {
        worker.load.fetch_add(1, Ordering::Relaxed);
        Self { worker, counts: true }
    }

    /// For what is over in a moment: it takes no room from a link.
    pub(super) fn beside(worker: Arc<Worker>) -> Self {
        Self { worker, counts: false }
    }

    /// Asks the worker; none if it is gone.
    pub(super) async fn ask(self, link: &Link, ask: Ask) -> Option<Run> {
        let worker = Arc::clone(&self.worker);
        let (instance, attempt, epoch) = (link.instance, link.attempt, link.epoch);
        let place = Place { run: worker.next_run(), instance, attempt, epoch };
        let said = worker.listen(place);
        // From here on the worker may know of it: it is told to stop if this is dropped.
        let run = Run { seat: self, place, said, is_over: false, last: None };
        let order = match ask {
            Ask::Run(start) => ToWorker::Run(RunOrder { place, start }),
            Ask::Unlink => ToWorker::Unlink(place),
        };
        run.tell(order).await.then_some(run)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.counts {
            self.worker.leave();
        }
    }
}

impl Run {
    /// The next report; none if the worker is gone.
    pub(super) async fn next(&mut self) -> Option<Said> {
        self.said.recv().await
    }

    /// A report says that there is no device any more. Once that is committed nobody wants the run, and this may be dropped
    /// before the report is answered: the worker is told to delete the keys then too.
    pub(super) fn ends_with(&mut self, number: u64) {
        self.last = Some(number);
    }

    /// Answers a report. Unless it is to go on, the run is over.
    pub(super) async fn answer(&mut self, number: u64, next: Next) {
        self.is_over = next != Next::Continue;
        // Before it is said: the next report may be here at once.
        self.seat.worker.answered(self.place.run);
        self.tell(ToWorker::Answer(Answer { place: self.place, number, next })).await;
    }

    /// Whether the worker's session has it.
    async fn tell(&self, order: ToWorker) -> bool {
        let worker = &self.seat.worker;
        let sent = worker.over.run_until_cancelled(worker.orders.send(order)).await;
        matches!(sent, Some(Ok(())))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let place = self.place;
        let last_word = match self.last {
            _ if self.is_over => None,
            Some(number) => Some(ToWorker::Answer(Answer { place, number, next: Next::Wipe })),
            None => Some(ToWorker::Stop(place)),
        };
        self.seat.worker.forget(place, last_word);
    }
}
