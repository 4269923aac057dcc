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

    /// What had no leader when it was looked last.
    pub fn leaderless(&self) -> Vec<Led> {
        self.0.borrow().clone()
    }

    /// Waits until one of these has been without a leader for so long, seen from now on, and gives it.
    pub async fn lacking_for(&self, needed: &[Led], time: Duration) -> Led {
        let mut seen = self.0.clone();
        let lacking = |now: &Vec<Led>| needed.iter().copied().find(|led| now.contains(led));
        loop {
            let Ok(led) = seen.wait_for(|now| lacking(now).is_some()).await.map(|now| lacking(&now)) else {
                // Nobody watches any more, so nothing more will be heard.
                return pending().await;
            };
            let Some(led) = led else { continue };
            let led_again = async { seen.wait_for(|now| !now.contains(&led)).await.map(drop) };
            match timeout(time, led_again).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return pending().await,
                Err(_) => return led,
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
        let mut lacking = Box::pin(leaders.lacking_for(&[Led::Log(1), Led::Keys], LONG));
        // The last of them without the one before, though something is lacking all the time; and never another shard.
        for leaderless in [vec![Led::Log(1)], vec![Led::Log(2)], vec![Led::Log(2), Led::Keys]] {
            sender.send_replace(leaderless);
            assert!(timeout(LONG / 2, &mut lacking).await.is_err());
        }
        assert_eq!(lacking.await, Led::Keys);
    }

    #[tokio::test(start_paused = true)]
    async fn one_process_lacks_nothing() {
        let leaders = Leaders::of_one_process();
        assert!(timeout(2 * LONG, leaders.lacking_for(&[Led::Keys], LONG)).await.is_err());
        assert_eq!(leaders.leaderless(), []);
    }
}
