//! A fault that befalls a process amid a call, before or after what it does is done.
//!
//! Simulated time stands still while anybody can go on, so that a fault that comes at a time finds a process that waits. What lies
//! between two of its writes takes no time: there a fault has to be put.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// A call that was met: it goes no further while this is there.
#[derive(Debug)]
pub(crate) struct Met(#[expect(dead_code, reason = "its end is what is waited for")] oneshot::Sender<()>);

/// Lies in wait for one process.
#[derive(Debug, Default)]
pub(crate) struct Ambush(Mutex<Option<Waiting>>);

#[derive(Debug)]
struct Waiting {
    /// Moments that are let pass before.
    moments: u64,
    met: oneshot::Sender<Met>,
}

// === impl Ambush ===

impl Ambush {
    fn waiting(&self) -> MutexGuard<'_, Option<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the process has come to so many moments more, and holds it there.
    pub(crate) async fn lie(&self, moments: u64) -> Option<Met> {
        let (met, meets) = oneshot::channel();
        *self.waiting() = Some(Waiting { moments, met });
        meets.await.ok()
    }

    /// A moment of the process, at which it may be held.
    pub(crate) async fn pass(&self) {
        let waiting = {
            let mut waiting = self.waiting();
            match &mut *waiting {
                Some(Waiting { moments: 0, .. }) => waiting.take(),
                Some(Waiting { moments, .. }) => {
                    *moments -= 1;
                    None
                }
                None => None,
            }
        };
        let Some(Waiting { met, .. }) = waiting else { return };
        let (go_on, held) = oneshot::channel();
        // Whoever lay in wait may have given up.
        if met.send(Met(go_on)).is_ok() {
            let _released = held.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, time::Duration};

    use tokio::{task::yield_now, time::timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_met_goes_no_further_until_it_is_let_go() {
        let ambush = Ambush::default();
        ambush.pass().await;
        let mut calls = pin!(async {
            for _ in 0..3 {
                yield_now().await;
                ambush.pass().await;
            }
        });
        let met = tokio::select! {
            met = ambush.lie(2) => met.unwrap(),
            () = &mut calls => unreachable!("it is held at the third"),
        };
        assert!(timeout(Duration::from_mins(1), &mut calls).await.is_err(), "it is held");
        drop(met);
        calls.await;
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gave_up_holds_nobody() {
        let ambush = Ambush::default();
        assert!(timeout(Duration::from_secs(1), ambush.lie(0)).await.is_err());
        ambush.pass().await;
    }
}
