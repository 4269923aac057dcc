//! Shutdown is a type: stop taking work, drain with a deadline, then abort.

use std::{future::Future, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long a process drains before it aborts what is left.
pub const DRAIN_MAX: Duration = Duration::from_secs(5);

/// The life of a process: every task of ours is spawned on it, and every loop of ours watches it.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    stop: CancellationToken,
    abort: CancellationToken,
    tasks: TaskTracker,
}

impl Lifecycle {
    /// A life that nobody has asked to end.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when no new work shall be taken.
    pub const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Cancelled when even running work shall end at once.
    pub const fn abort(&self) -> &CancellationToken {
        &self.abort
    }

    /// Spawns a task that a drain waits for. It is dropped at its next await when the process aborts.
    pub fn spawn<F>(&self, task: F) -> tokio::task::JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let abort = self.abort.clone();
        self.tasks.spawn(async move { abort.run_until_cancelled(task).await })
    }

    /// Asks every task to stop, waits for them up to [`DRAIN_MAX`], then aborts the rest. Says whether all
    /// ended by themselves.
    pub async fn shut_down(&self) -> bool {
        self.stop.cancel();
        self.tasks.close();
        let drained = tokio::time::timeout(DRAIN_MAX, self.tasks.wait()).await.is_ok();
        self.abort.cancel();
        self.tasks.wait().await;
        drained
    }
}
