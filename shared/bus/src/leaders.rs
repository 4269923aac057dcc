//! Which streams that commands need have no leader at this moment, as a process last saw it.
//!
//! A stream of several servers has no leader once most of these are away: nothing of it is read or appended until they are
//! back, and no retry helps before. A leader that dies among enough others has a successor within seconds, and is waited for.

use std::{future::pending, time::Duration};

use tokio::{sync::watch, time::timeout};

/// What a stream is for that no command is decided without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Led {
    /// A shard of the log.
    Log(u8),
    /// The data keys.
    Keys,
}

/// The streams without a leader. Written by the watch of the process, read by whoever would wait for them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Leaders(watch::Receiver<Vec<Led>>);

// === impl Led ===

impl Led {
    /// The part of a deployment that the stream belongs to, for clients.
    pub const fn part(self) -> &'static str {
        match self {
            Self::Log(_) => "the log",
            Self::Keys => "the key store",
        }
    }
}

// === impl Leaders ===

impl Leaders {
    /// What a watch says from now on: what has no leader.
    pub const fn of(leaderless: watch::Receiver<Vec<Led>>) -> Self {
        Self(leaderless)
    }

    /// Nothing is led, where all is one process.
    pub fn of_one_process() -> Self {
        Self(watch::channel(Vec::new()).1)
    }

    /// Whether this had no leader when it was looked last.
    pub fn lacks(&self, led: Led) -> bool {
        self.0.borrow().contains(&led)
    }

    /// What had no leader when it was looked last.
    pub fn leaderless(&self) -> Vec<Led> {
        self.0.borrow().clone()
    }

    /// Waits until something has been without a leader for so long, seen from now on, and gives one of what that is.
    pub async fn lacking_for(&self, time: Duration) -> Led {
        let mut seen = self.0.clone();
        loop {
            // Nobody watches any more, so nothing more will be heard.
            let is_alone = seen.wait_for(|now| !now.is_empty()).await.is_err();
            if is_alone {
                return pending().await;
            }
            let led = timeout(time, async { seen.wait_for(Vec::is_empty).await.map(drop) }).await;
            match led {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return pending().await,
                Err(_) => {
                    if let Some(lacking) = seen.borrow().first() {
                        return *lacking;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(2);

    #[tokio::test(start_paused = true)]
    async fn what_is_led_again_in_time_is_not_lacking() {
        let (sender, leaderless) = watch::channel(Vec::new());
        let leaders = Leaders::of(leaderless);
        let mut lacking = Box::pin(leaders.lacking_for(LONG));
        for leaderless in [vec![Led::Log(1)], Vec::new(), vec![Led::Keys]] {
            sender.send_replace(leaderless);
            assert!(timeout(LONG / 2, &mut lacking).await.is_err());
        }
        assert_eq!(lacking.await, Led::Keys);
        assert!(leaders.lacks(Led::Keys) && !leaders.lacks(Led::Log(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn one_process_lacks_nothing() {
        let leaders = Leaders::of_one_process();
        assert!(timeout(2 * LONG, leaders.lacking_for(LONG)).await.is_err());
        assert_eq!(leaders.leaderless(), []);
    }
}
