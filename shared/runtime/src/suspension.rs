//! A process that stands still: none of its tasks goes on, time passes, and messages wait.
//!
//! For a simulation, where many processes share a thread: what SIGSTOP does to one of them, since nothing else stops the timers
//! of a single one. Never for a process that serves anybody.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

/// Suspends a life, again and again. Cheap to clone; all clones suspend the same one.
#[derive(Debug, Clone, Default)]
pub struct Suspension(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    is_suspended: bool,
    /// Tasks that would have gone on meanwhile, in their order.
    waiting: Vec<Waker>,
}

impl Suspension {
    /// From now on nothing goes on.
    pub fn suspend(&self) {
        self.inner().is_suspended = true;
    }

    /// Everything goes on, and sees how much time has passed.
    pub fn resume(&self) {
        let waiting = {
            let mut inner = self.inner();
            inner.is_suspended = false;
            std::mem::take(&mut inner.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Whether nothing goes on.
    pub fn is_suspended(&self) -> bool {
        self.inner().is_suspended
    }

    /// A task that goes on only while the life is not suspended.
    pub(crate) async fn hold<F: Future>(self, mut task: Pin<Box<F>>) -> F::Output {
        poll_fn(
            move |context| {
                if self.keeps(context.waker()) { Poll::Pending } else { task.as_mut().poll(context) }
            },
        )
        .await
    }

    fn keeps(&self, waker: &Waker) -> bool {
        let mut inner = self.inner();
        if inner.is_suspended {
            inner.waiting.push(waker.clone());
        }
        inner.is_suspended
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        sync::mpsc,
        time::{Instant, sleep, timeout},
    };

    use super::*;
    use crate::Lifecycle;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn nothing_goes_on_and_what_came_meanwhile_is_there() {
        let suspension = Suspension::default();
        let life = Lifecycle::new().suspended_by(suspension.clone());
        let (asked, mut questions) = mpsc::unbounded_channel::<u32>();
        let (answers, mut heard) = mpsc::unbounded_channel();
        life.spawn(async move {
            while let Some(question) = questions.recv().await {
                sleep(SECOND).await;
                answers.send((question, Instant::now())).unwrap();
            }
        });
        let begun = Instant::now();
        asked.send(1).unwrap();
        sleep(SECOND / 2).await;
        suspension.suspend();
        asked.send(2).unwrap();
        assert!(timeout(30 * SECOND, heard.recv()).await.is_err());
        suspension.resume();
        let (first, at) = heard.recv().await.unwrap();
        assert_eq!(first, 1, "its timer had ended long ago");
        assert!(at - begun >= 30 * SECOND + SECOND / 2, "and it sees how late it is");
        assert_eq!(heard.recv().await.unwrap().0, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_suspended_life_can_be_killed() {
        let suspension = Suspension::default();
        let life = Lifecycle::new().suspended_by(suspension.clone());
        let task = life.spawn(std::future::pending::<()>());
        suspension.suspend();
        life.abort().cancel();
        life.shut_down().await;
        assert_eq!(task.await.unwrap(), None);
    }
}
