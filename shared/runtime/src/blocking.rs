//! Work that blocks its thread: on threads that are there for it, unless the process is to have one thread only.

use std::cell::Cell;

use tokio::task::JoinHandle;

thread_local! {
    /// Whether work that blocks is done on this very thread.
    static ONE_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// From now on work that is begun on this thread stays on it, as a task among the others. For a simulation, whose runs
/// can be repeated only while nothing happens beside its one thread. Never for a process that serves anybody.
pub fn keep_on_this_thread() {
    ONE_THREAD.set(true);
}

/// Does work that blocks, beside the tasks of the runtime. It goes on to its end once it has begun, whether somebody waits
/// for it or not.
#[expect(clippy::disallowed_methods, reason = "the one place that decides where such work is done")]
pub fn spawn_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    if ONE_THREAD.get() {
        return tokio::spawn(async move { work() });
    }
    tokio::task::spawn_blocking(work)
}

#[cfg(test)]
mod tests {
    use std::thread::{self, current};

    use super::*;

    #[tokio::test]
    async fn it_has_a_thread_of_its_own_unless_told_otherwise() {
        let here = current().id();
        assert_ne!(spawn_blocking(|| current().id()).await.unwrap(), here);
        keep_on_this_thread();
        assert_eq!(spawn_blocking(|| current().id()).await.unwrap(), here);
        assert!(!thread::spawn(|| ONE_THREAD.get()).join().unwrap(), "others are left alone");
        ONE_THREAD.set(false);
    }
}
