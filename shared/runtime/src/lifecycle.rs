//! Shutdown is a type: stop taking work, drain with a deadline, then abort.
//!
//! A process ends because it was asked to, or because a task of ours panicked: a role that lost a loop must
//! not go on looking alive, and whoever supervises the process starts it again.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::Suspension;

/// How long a process drains before it aborts what is left.
pub const DRAIN_MAX: Duration = Duration::from_secs(5);

/// The life of a process: every task of ours is spawned on it, and every loop of ours watches it.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    stop: CancellationToken,
    abort: CancellationToken,
    tasks: TaskTracker,
    /// Set by a task that panics or gives up, read once at the end.
    crashed: Arc<AtomicBool>,
    /// What suspends its tasks, in a simulation.
    suspension: Option<Suspension>,
}

/// How a process came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Asked to stop, and everything ended by itself.
    Drained,
    /// Asked to stop, and something had to be aborted.
    Aborted,
    /// A task of ours panicked or gave up.
    Crashed,
}

impl Lifecycle {
    /// A life that nobody has asked to end.
    pub fn new() -> Self {
        Self::default()
    }

    /// A life whose tasks this suspends, for a simulation.
    #[must_use]
    pub fn suspended_by(self, suspension: Suspension) -> Self {
        Self { suspension: Some(suspension), ..self }
    }

    /// Cancelled when no new work shall be taken.
    pub const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Cancelled when even running work shall end at once.
    pub const fn abort(&self) -> &CancellationToken {
        &self.abort
    }

    /// Spawns a task that a drain waits for. It is dropped at its next await when the process aborts. If it
    /// panics, the process drains and ends as [`Ending::Crashed`].
    pub fn spawn<F>(&self, task: F) -> tokio::task::JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let abort = self.abort.clone();
        let alarm = Alarm(self.clone());
        if let Some(suspension) = self.suspension.clone() {
            let task = Box::pin(task);
            return self.tasks.spawn(async move {
                let _alarm = alarm;
                abort.run_until_cancelled(suspension.hold(task)).await
            });
        }
        self.tasks.spawn(async move {
            let _alarm = alarm;
            abort.run_until_cancelled(task).await
        })
    }

    /// Ends the process as crashed: for a loop that cannot go on.
    pub fn crash(&self) {
        self.crashed.store(true, Ordering::SeqCst);
        self.stop.cancel();
    }

    /// Asks every task to stop, waits for them up to [`DRAIN_MAX`], then aborts the rest. Says whether all
    /// ended by themselves.
    pub async fn shut_down(&self) -> bool {
        self.stop.cancel();
        self.tasks.close();
        let drained = tokio::time::timeout(DRAIN_MAX, self.tasks.wait()).await.is_ok();
        self.abort_now().await;
        drained && !self.crashed.load(Ordering::SeqCst)
    }

    async fn abort_now(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.abort.cancel();
        self.tasks.wait().await;
    }

    /// Runs until somebody stops the process, then drains. `signal` ends when the next signal came: the first
    /// asks the process to stop, the second aborts what still runs.
    pub async fn run_until(&self, mut signal: impl AsyncFnMut()) -> Ending {
        tokio::select! {
            () = self.stop.cancelled() => tracing::warn!("stopping, since a part of the process failed"),
            () = signal() => tracing::info!("asked to stop, draining"),
        }
        let drained = tokio::select! {
            drained = self.shut_down() => drained,
            () = signal() => {
                tracing::warn!("asked to stop again, aborting");
                self.abort_now().await;
                false
            }
        };
        match (self.crashed.load(Ordering::SeqCst), drained) {
            (true, _) => Ending::Crashed,
            (false, true) => Ending::Drained,
            (false, false) => Ending::Aborted,
        }
    }
}

/// Raises the alarm when it is dropped by a panic.
struct Alarm(Lifecycle);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.crash();
        }
    }
}

/// SIGINT and SIGTERM, heard from the moment that this exists.
#[derive(Debug)]
pub struct Termination {
    interrupt: Signal,
    terminate: Signal,
}

impl Termination {
    /// Hears the signals from now on, so that none between two calls of [`Self::next`] is missed.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// The next of them.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn a_loop_that_watches_the_stop_drains() {
        let life = Lifecycle::new();
        let stop = life.stop().clone();
        let task = life.spawn(async move { stop.cancelled().await });
        assert_eq!(life.run_until(once()).await, Ending::Drained);
        assert_eq!(task.await.unwrap(), Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_end_is_aborted_after_the_drain() {
        let life = Lifecycle::new();
        let task = life.spawn(pending::<()>());
        assert_eq!(life.run_until(once()).await, Ending::Aborted);
        assert_eq!(task.await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_second_signal_aborts_at_once() {
        let life = Lifecycle::new();
        let task = life.spawn(pending::<()>());
        assert_eq!(life.run_until(async || ()).await, Ending::Aborted);
        assert_eq!(task.await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_panic_in_a_task_ends_the_process_as_crashed() {
        let life = Lifecycle::new();
        let stop = life.stop().clone();
        life.spawn(async move { stop.cancelled().await });
        life.spawn(async { panic!("a loop is gone") });
        assert_eq!(life.run_until(async || pending().await).await, Ending::Crashed);
    }

    #[tokio::test]
    async fn a_loop_that_gives_up_ends_the_process_as_crashed() {
        let life = Lifecycle::new();
        life.crash();
        assert_eq!(life.run_until(async || pending().await).await, Ending::Crashed);
    }

    /// A signal that comes once.
    fn once() -> impl AsyncFnMut() {
        let mut came = false;
        async move || {
            if std::mem::replace(&mut came, true) {
                pending::<()>().await;
            }
        }
    }
}
