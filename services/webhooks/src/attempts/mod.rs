//! The store of attempts: what was tried of a notice, when it is tried next, and what its endpoint answered.
//!
//! ```text
//! attempt ── begun, ended ──▶ relay (a stream on NATS) ── followed by every replica ──▶ table of this replica
//!                                       embedded: straight into the table
//! ```
//!
//! It is bounded, by thirty days and a gibibyte, and rests on nothing else: what is lost of it costs a notice its
//! back-off and a reader its log, and never a notice. Whoever takes the lease over waits until its table has come up
//! to the relay, so that a failover keeps every schedule. Answers are sealed under the data key of the instance and die
//! with it.

mod endpoints;
mod rows;
mod table;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use berth_bus::{Relay, RelayError, Relayed};
use berth_proto::{
    EncodeError, Partition, Timestamp,
    attempt::{AfterAttemptV1, DeliveryAttemptV1},
    codec,
    delivery::NoticeKeyV1,
};
use berth_runtime::Trouble;
use futures::StreamExt;
use thiserror::Error;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

pub(crate) use endpoints::Endpoints;
pub(crate) use rows::{Delivery, Tried, notice as notice_bytes};
pub(crate) use table::{Page, Places, Table, TableError};

use crate::schedule::{BreakerRule, plus};

/// How long to wait before the relay is asked again when it did not answer.
const PAUSE: Duration = Duration::from_millis(500);
/// How long the others were followed before a failure to is another one.
const SAID_AGAIN: Duration = Duration::from_secs(10);
/// How often what is old is dropped, a little at a time.
const PRUNE_EVERY: Duration = Duration::from_secs(20);
/// The name of the consumers of the relay.
const FOLLOWER: &str = "attempts";

/// An attempt cannot be noted, or the store cannot be opened.
#[derive(Debug, Error)]
pub enum AttemptsError {
    /// The table; a retry helps when the disk works.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The relay; a retry helps when NATS works.
    #[error("the attempt cannot be told to the other replicas")]
    Relay(#[from] RelayError),
    /// The attempt is too large. A retry does not help.
    #[error("the attempt cannot be written")]
    Encode(#[from] EncodeError),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Attempts {
    table: Arc<Table>,
    /// How endpoints fare. Folded by the follower of the relay, in its order; without one by whoever notes an attempt.
    endpoints: Arc<Endpoints>,
    relay: Option<Arc<dyn Relay>>,
    /// The relay did not say where it ends: every partition that is taken over asks it.
    unknown_end: Trouble,
    /// Held while an attempt is noted where there is no relay: records have their places in the order in which they are folded.
    order: Mutex<()>,
    /// How far the relay is followed. Written by the follower, read by whoever waits for it.
    followed: watch::Sender<u64>,
}

// === impl Attempts ===

impl Attempts {
    /// Opens the table in a folder. What cannot be opened is put aside: it is a log of a month, no truth.
    pub(crate) fn open(
        folder: &Path,
        relay: Option<Arc<dyn Relay>>,
        rule: BreakerRule,
    ) -> Result<Self, AttemptsError> {
        let table = Arc::new(Table::open(folder)?);
        let endpoints = Arc::new(Endpoints::open(table.endpoints()?, rule)?);
        Ok(Self {
            table,
            endpoints,
            relay,
            unknown_end: Trouble::default(),
            order: Mutex::default(),
            followed: watch::Sender::new(0),
        })
    }

    /// How far a notice is; none if it was never tried, or settled after its last attempt.
    pub(crate) fn tried(&self, notice: &NoticeKeyV1) -> Option<Tried> {
        self.table.delivery(notice).ok().flatten().and_then(|delivery| delivery.tried())
    }

    /// Since when a notice is tried without having been settled in between; none if it is not known.
    pub(crate) fn tried_since(&self, notice: &NoticeKeyV1) -> Option<Timestamp> {
        let attempts = self.table.attempts(notice).ok()?;
        let is_last = |attempt: &DeliveryAttemptV1| {
            attempt.end.as_ref().is_some_and(|end| matches!(end.then, AfterAttemptV1::Settled { .. }))
        };
        let since = attempts.iter().rev().take_while(|attempt| !is_last(attempt)).last();
        since.map(|attempt| attempt.started_at)
    }

    /// How endpoints fare.
    pub(crate) const fn endpoints(&self) -> &Arc<Endpoints> {
        &self.endpoints
    }

    /// The rows.
    pub(crate) const fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// Notes an attempt that began or ended, for this replica and the others.
    pub(crate) async fn note(&self, attempt: &DeliveryAttemptV1) -> Result<(), AttemptsError> {
        let record = codec::encode(attempt)?;
        let Some(relay) = &self.relay else {
            let _order = lock(&self.order);
            let sequence = self.table.next_sequence();
            self.table.apply(sequence, attempt)?;
            return Ok(self.endpoints.fold(sequence, attempt)?);
        };
        let partition = Partition::of(attempt.notice.instance.as_bytes());
        let sequence = relay.append(partition, record.into()).await?;
        Ok(self.table.apply(sequence, attempt)?)
    }

    /// Waits until this replica knows every attempt that is in the relay now.
    pub(crate) async fn caught_up(&self) {
        let Some(relay) = &self.relay else { return };
        let end = loop {
            match relay.end().await {
                Ok(end) => break end,
                Err(error) if self.unknown_end.begins() => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "webhooks wait for what other replicas tried"
                ),
                Err(_said) => {}
            }
            tokio::time::sleep(PAUSE).await;
        };
        self.unknown_end.ends();
        // A relay in which nothing is left has nothing to be waited for.
        let last = if end.first > end.last { 0 } else { end.last };
        let mut followed = self.followed.subscribe();
        let _closed = followed.wait_for(|followed| *followed >= last).await;
    }

    /// Follows what other replicas note, and drops what is old, until told to stop.
    pub(crate) async fn run(self: Arc<Self>, clock: Arc<dyn berth_runtime::Clock>, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.follow() => {}
            () = self.prune(clock) => {}
        }
    }

    async fn follow(&self) {
        let Some(relay) = &self.relay else { return std::future::pending().await };
        let mut fails = false;
        loop {
            let began = Instant::now();
            if let Err(error) = self.follow_on(relay.as_ref()).await {
                // Said once: one try after another fails while the servers are away.
                fails &= began.elapsed() < SAID_AGAIN;
                if !std::mem::replace(&mut fails, true) {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the attempts of other replicas cannot be followed at the moment"
                    );
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn follow_on(&self, relay: &dyn Relay) -> Result<(), AttemptsError> {
        let end = relay.end().await?;
        let (after, is_another) = self.table.begin(end)?;
        if is_another {
            self.endpoints.clear()?;
        }
        let mut records = relay.follow(FOLLOWER, after).await?;
        self.followed.send_replace(after);
        while let Some(Relayed { sequence, record }) = records.next().await.transpose()? {
            match codec::decode::<DeliveryAttemptV1>(&record) {
                Ok(attempt) => {
                    self.table.apply(sequence, &attempt)?;
                    self.endpoints.fold(sequence, &attempt)?;
                }
                Err(error) => {
                    tracing::warn!(%error, sequence, "an attempt of another replica cannot be read");
                }
            }
            self.table.followed(sequence);
            self.followed.send_replace(sequence);
        }
        Ok(())
    }

    async fn prune(&self, clock: Arc<dyn berth_runtime::Clock>) {
        loop {
            tokio::time::sleep(PRUNE_EVERY).await;
            let (table, endpoints, now) = (Arc::clone(&self.table), Arc::clone(&self.endpoints), clock.now());
            let pruned = berth_runtime::spawn_blocking(move || {
                table.prune(oldest_kept(now))?;
                endpoints.prune(now)
            });
            let pruned = pruned.await;
            if let Ok(Err(error)) = pruned {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "old attempts cannot be dropped at the moment"
                );
            }
        }
    }
}

/// Attempts of before are dropped.
fn oldest_kept(now: Timestamp) -> Timestamp {
    Timestamp(now.0 - (plus(Timestamp(0), berth_bus::relay::RELAY_AGE_MAX)).0)
}

/// A lock that a panic has poisoned guards numbers that are whole all the same.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use berth_notices::fixtures::{INSTANCE, at};
    use berth_proto::{
        AccountId, EndpointId,
        attempt::{AttemptEndV1, AttemptResultV1},
        delivery::NoticeClass,
    };
    use tokio::task::JoinSet;

    use super::*;
    use crate::schedule::Schedule;

    const ENDPOINT: EndpointId = EndpointId::from_bytes([2; 16]);

    fn failed(version: u64) -> DeliveryAttemptV1 {
        DeliveryAttemptV1 {
            notice: NoticeKeyV1 { instance: INSTANCE, version, endpoint: ENDPOINT, ordinal: 0 },
            account: AccountId::from_bytes([1; 16]),
            class: NoticeClass::Lifecycle,
            event: "instance.open".to_owned(),
            occurred_at: at(0),
            number: 1,
            started_at: at(1),
            end: Some(AttemptEndV1 {
                took_ms: 1,
                result: AttemptResultV1::TimedOut,
                answer: None,
                then: AfterAttemptV1::Waits { until: at(9) },
            }),
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_attempt_of_an_endpoint_is_passed_over_when_many_are_noted_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let rule = Schedule::default().breaker;
        let attempts = Arc::new(Attempts::open(folder.path(), None, rule).unwrap());
        let mut noting = JoinSet::new();
        for version in 1..=256 {
            let attempts = Arc::clone(&attempts);
            noting.spawn(async move { attempts.note(&failed(version)).await.unwrap() });
        }
        noting.join_all().await;
        assert_eq!(attempts.endpoints().of(ENDPOINT).unwrap().unwrap().failures, 256);
    }
}
