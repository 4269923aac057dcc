//! Leases in a key-value bucket, each a message that ends unless its holder renews it.
//!
//! A lease is taken, renewed and given back by compare and set, so that two processes never hold it as the
//! bucket sees it. The holder counts its time from *before* it sent the last renewal that succeeded and stops
//! a margin earlier than the bucket does. A process that was suspended may still believe for a moment that it
//! holds a lease that another one has: then its lower epoch gives it away.
//!
//! A lease stands at `lease.<role>.all` and its epoch at `epoch.<role>.all`, so that a user of NATS may write those of its
//! own role only; a partition's number would stand in the place of `all`.
//!
//! The epoch of each lease is a number that does not end, raised by compare and set when the lease was taken.
//! It is never lower than the seconds since 1970, so that a bucket that was lost and made again does not
//! lower it, unless leases were taken more than once a second all the time or the clock was set back.

use std::{fmt, sync::Arc, time::Duration};

use async_nats::{
    Client,
    jetstream::stream::{Config, StorageType},
};
use async_trait::async_trait;
use berth_runtime::{Clock, Lifecycle};
use bytes::Bytes;
use tokio::{
    sync::{oneshot, watch},
    time::{Instant, sleep, sleep_until, timeout_at},
};

use super::{
    stream::{OpenError, StreamError, settings},
    table::Table,
};
use crate::{
    lease::Lease,
    port::{Grant, LEASE_SECONDS, LeaseError, LeaseGuard, Leases},
};

/// The stream of the bucket.
const STREAM: &str = "KV_berth_leases";
/// What the stream stores.
const SUBJECTS: &str = "$KV.berth_leases.>";
/// How long a lease lasts in the bucket.
const LEASE: Duration = Duration::from_secs(LEASE_SECONDS);
/// How much earlier than the bucket the holder considers its lease ended.
const MARGIN: Duration = Duration::from_millis(500);
/// How often the holder renews.
const RENEW_EVERY: Duration = Duration::from_millis(LEASE_SECONDS * 1_000 / 3);
/// The pause before a renewal that failed is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(250);
/// How often somebody who waits looks whether the lease is free.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long one call to NATS may take: short, so that a renewal can be tried more than once.
const CALL_MAX: Duration = Duration::from_secs(1);
/// How long the mark of a lease that was given back stays.
const FREE_TTL: Duration = Duration::from_secs(1);
/// The value of a lease between taking it and the first renewal, which writes the epoch.
const TAKEN: &[u8] = b"taken";

/// Leases on NATS.
#[derive(Clone)]
pub struct NatsLeases {
    client: Client,
    replicas: usize,
    /// The bucket, as it was found at the start.
    bucket: Table,
    lifecycle: Lifecycle,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for NatsLeases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NatsLeases")
    }
}

/// A lease that this process holds as far as it knows.
struct Held {
    table: Table,
    subject: String,
    epoch: u64,
    /// The sequence of the last message that we wrote.
    revision: u64,
    /// When the last renewal that succeeded was sent.
    renewed: Instant,
}

/// How a lease came to its end.
enum End {
    GivenBack,
    Lost,
}

// === impl NatsLeases ===

impl NatsLeases {
    /// Finds or makes the bucket, with that number of replicas. Renewals are tasks of the life, so a drain
    /// waits until its leases are given back; the clock serves the epoch only.
    pub async fn open(
        client: Client,
        replicas: usize,
        lifecycle: &Lifecycle,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let bucket = bucket(client.clone(), replicas).await?;
        Ok(Self { client, replicas, bucket, lifecycle: lifecycle.clone(), clock })
    }

    /// The leases that somebody holds, whoever it is. One that its holder left without a word counts until it ends,
    /// one that was given back for a moment. For this alone a process need not be able to read a lease.
    pub async fn held(&self) -> Result<Vec<Lease>, LeaseError> {
        let asked = self.bucket.subjects("$KV.berth_leases.lease.*.*").await;
        let subjects = asked.map_err(|error| LeaseError(error.into()))?;
        let is_held = |lease: &Lease| subjects.contains(&subject_of(*lease));
        Ok(Lease::ALL.into_iter().filter(is_held).collect())
    }

    /// Takes the lease if it is free.
    async fn take(&self, table: &Table, lease: Lease) -> Result<Option<Held>, StreamError> {
        let subject = subject_of(lease);
        let free = match table.last(&subject).await? {
            None => 0,
            Some(message) if is_held(&message.payload) => return Ok(None),
            Some(message) => message.sequence,
        };
        let renewed = Instant::now();
        let taken = table.write(&subject, Bytes::from_static(TAKEN), Some(free), Some(LEASE)).await;
        let Some(revision) = unless_conflict(taken)? else {
            return Ok(None);
        };
        // Should this fail, the lease ends by itself; a conflict says that it has ended already.
        let Some(epoch) = unless_conflict(self.raise_epoch(table, lease).await)? else {
            return Ok(None);
        };
        let held = Held { table: table.clone(), subject, epoch, revision, renewed };
        // Had the lease ended by now, somebody else could hold it with the epoch below ours.
        Ok((Instant::now() < held.ends()).then_some(held))
    }

    async fn raise_epoch(&self, table: &Table, lease: Lease) -> Result<u64, StreamError> {
        let subject = format!("$KV.berth_leases.epoch.{lease}");
        let (before, expected) = match table.last(&subject).await? {
            // One that is not ours says nothing, as if the bucket had been lost.
            Some(message) => (decode(&message.payload).unwrap_or_default(), message.sequence),
            None => (0, 0),
        };
        let seconds = u64::try_from(self.clock.now().millis() / 1_000).unwrap_or_default();
        let epoch = seconds.max(before + 1);
        table.write(&subject, encode(epoch), Some(expected), None).await?;
        Ok(epoch)
    }

    fn grant(&self, held: Held) -> Grant {
        let (guard, given_back) = oneshot::channel();
        let (lost, told) = watch::channel(false);
        let epoch = held.epoch;
        let _task = self.lifecycle.spawn(held.keep(given_back, lost));
        Grant { epoch, lost: told, guard: LeaseGuard(guard) }
    }
}

#[async_trait]
impl Leases for NatsLeases {
    async fn hold(&self, lease: Lease) -> Result<Grant, LeaseError> {
        // Also makes a bucket again that was lost since the start.
        let table = bucket(self.client.clone(), self.replicas).await;
        let table = table.map_err(|error| LeaseError(error.into()))?;
        loop {
            match self.take(&table, lease).await {
                Ok(Some(held)) => return Ok(self.grant(held)),
                Ok(None) => sleep(LOOK_EVERY).await,
                Err(error) => return Err(LeaseError(error.into())),
            }
        }
    }
}

// === impl Held ===

impl Held {
    /// Renews the lease until it is given back or lost.
    async fn keep(mut self, mut given_back: oneshot::Receiver<()>, lost: watch::Sender<bool>) {
        let end = self.renew_until_end(&mut given_back).await;
        lost.send_replace(true);
        match end {
            End::Lost => tracing::warn!(lease = self.subject, epoch = self.epoch, "a lease is lost"),
            End::GivenBack => self.give_back().await,
        }
    }

    async fn renew_until_end(&mut self, given_back: &mut oneshot::Receiver<()>) -> End {
        let mut next = self.renewed + RENEW_EVERY;
        loop {
            tokio::select! {
                _closed = &mut *given_back => return End::GivenBack,
                () = sleep_until(next.min(self.ends())) => {}
            }
            let ends = self.ends();
            next = match timeout_at(ends, self.renew()).await {
                Ok(Ok(())) => self.renewed + RENEW_EVERY,
                Ok(Err(StreamError::Conflict)) | Err(_) => return End::Lost,
                Ok(Err(error)) => {
                    tracing::warn!(lease = self.subject, %error, "a lease could not be renewed yet");
                    Instant::now() + RETRY_AFTER
                }
            };
            if Instant::now() >= self.ends() {
                return End::Lost;
            }
        }
    }

    /// When we consider the lease ended.
    fn ends(&self) -> Instant {
        self.renewed + LEASE - MARGIN
    }

    async fn renew(&mut self) -> Result<(), StreamError> {
        let sent = Instant::now();
        match self.table.write(&self.subject, encode(self.epoch), Some(self.revision), Some(LEASE)).await {
            Ok(revision) => {
                self.revision = revision;
                self.renewed = sent;
                Ok(())
            }
            Err(StreamError::Conflict) => self.adopt().await,
            Err(error) => Err(error),
        }
    }

    /// After a conflict: a renewal of ours that was not acknowledged may have been stored all the same. Then
    /// the lease is still ours, and the renewal is repeated on top of that one.
    async fn adopt(&mut self) -> Result<(), StreamError> {
        let last = self.table.last(&self.subject).await?;
        let ours = last.filter(|message| decode(&message.payload) == Some(self.epoch));
        let expected = ours.ok_or(StreamError::Conflict)?.sequence;
        let sent = Instant::now();
        let renewal = self.table.write(&self.subject, encode(self.epoch), Some(expected), Some(LEASE));
        self.revision = renewal.await?;
        self.renewed = sent;
        Ok(())
    }

    /// Frees the lease, unless somebody else has it by now.
    async fn give_back(self) {
        let free = self.table.write(&self.subject, Bytes::new(), Some(self.revision), Some(FREE_TTL)).await;
        if let Err(error) = free {
            tracing::info!(lease = self.subject, %error, "a lease was not given back; it ends by itself");
        }
    }
}

/// Whether somebody holds a lease whose last message this is. The server can be made to put an answer of its own there,
/// which would hold the lease for ever if it counted.
fn is_held(payload: &[u8]) -> bool {
    payload == TAKEN || decode(payload).is_some()
}

/// Finds or makes the bucket.
async fn bucket(client: Client, replicas: usize) -> Result<Table, OpenError> {
    let settings = Config {
        storage: StorageType::File,
        max_messages_per_subject: 1,
        allow_message_ttl: true,
        ..settings(STREAM, SUBJECTS, replicas)
    };
    Table::open(client, &settings, CALL_MAX).await
}

/// Where a lease stands.
fn subject_of(lease: Lease) -> String {
    format!("$KV.berth_leases.lease.{lease}")
}

fn encode(epoch: u64) -> Bytes {
    Bytes::copy_from_slice(&epoch.to_be_bytes())
}

fn decode(payload: &[u8]) -> Option<u64> {
    payload.try_into().ok().map(u64::from_be_bytes)
}

fn unless_conflict<T>(result: Result<T, StreamError>) -> Result<Option<T>, StreamError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(StreamError::Conflict) => Ok(None),
        Err(error) => Err(error),
    }
}
