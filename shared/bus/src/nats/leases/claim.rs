//! Holding partitions: who is preferred claims, whoever had it before gives back first or is gone.
//!
//! The epoch of each claim is a number that does not end, raised by compare and set when the partition is taken. It is
//! never lower than the seconds since 1970, so that a bucket that was lost and made again does not lower it, unless a
//! partition was taken more than once a second all the time or the clock was set back.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{oneshot, watch},
    time::{Instant, sleep},
};

use super::{
    super::stream::StreamError,
    Inner, Life,
    bucket::{self, Claim, Holder, unless_conflict},
};
use crate::{
    lease::Lease,
    member::Roster,
    metrics::CountedPartition,
    port::{Grant, Holds, LeaseGuard},
};

/// How often somebody who waits looks whether a partition was given back.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The pause before a claim that could not be made is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How often is tried to give a partition back.
const GIVE_BACK_TRIES: u32 = 3;

/// A partition that this process holds as far as it knows.
pub(super) struct Held {
    life: Life,
    epoch: u64,
    revision: u64,
    reserved: Reserved,
    _counted: CountedPartition,
}

/// Keeps the tasks of one process from a partition that one of them holds, or asks for at this moment.
struct Reserved {
    inner: Arc<Inner>,
    lease: Lease,
}

// === impl Reserved ===

impl Reserved {
    fn of(inner: &Arc<Inner>, lease: Lease) -> Option<Self> {
        let mut is_new = false;
        inner.held.send_if_modified(|held| {
            is_new = held.insert(lease);
            is_new
        });
        is_new.then(|| Self { inner: Arc::clone(inner), lease })
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.inner.held.send_if_modified(|held| held.remove(&self.lease));
    }
}

// === impl Inner ===

impl Inner {
    /// Waits until the partition is to be ours and nobody else's, and takes it.
    pub(super) async fn hold(self: &Arc<Self>, lease: Lease) -> Grant {
        self.asks(lease.role);
        let mut news = self.news.subscribe();
        loop {
            let wanted = news.borrow_and_update().life.filter(|_| self.is_preferred(lease));
            let Some(life) = wanted else {
                // The sender is ours, so it is there.
                let _changed = news.changed().await;
                continue;
            };
            let pause = match self.claim(lease, life).await {
                Ok(Some(held)) => return held.grant(),
                Ok(None) => LOOK_EVERY,
                Err(error) => {
                    tracing::debug!(%lease, %error, "a partition cannot be claimed now");
                    RETRY_AFTER
                }
            };
            sleep(pause).await;
        }
    }

    fn is_preferred(&self, lease: Lease) -> bool {
        self.news.borrow().roster.owner(lease) == Some(&self.seat)
    }

    /// Takes a partition that nobody holds.
    async fn claim(self: &Arc<Self>, lease: Lease, life: Life) -> Result<Option<Held>, StreamError> {
        let Some(reserved) = Reserved::of(self, lease) else { return Ok(None) };
        let entries = self.bucket();
        let subject = bucket::claim_subject(lease);
        let last = entries.last(&subject).await?;
        let before = last.as_ref().and_then(|last| Claim::decode(&last.payload));
        if let Some(holder) = before.as_ref().and_then(|claim| claim.holder.as_ref())
            && self.is_alive(holder).await?
        {
            return Ok(None);
        }
        let seconds = u64::try_from(self.clock.now().millis() / 1_000).unwrap_or_default();
        let epoch = seconds.max(before.map_or(0, |claim| claim.epoch) + 1);
        let holder = Holder { seat: self.seat.clone(), start: self.start_of(life) };
        let claim = Claim { epoch, holder: Some(holder) }.encode();
        let written = entries.write(&subject, claim, Some(last.map_or(0, |last| last.sequence)), None).await;
        let Some(revision) = unless_conflict(written)? else { return Ok(None) };
        // Had our lease ended by now, somebody else could hold the partition with the epoch below ours.
        let held = || {
            let counted = CountedPartition::of(lease.role);
            Held { life, epoch, revision, reserved, _counted: counted }
        };
        Ok(self.lives(life).then(held))
    }

    /// Whether this process still lives that life, by its own clock.
    fn lives(&self, life: Life) -> bool {
        self.news.borrow().life == Some(life) && Instant::now() < *self.ends.borrow()
    }

    /// Whether whoever claimed a partition still lives the life in which it did. What stands there of ours is of a life
    /// that is over, or was not given back: nobody of this process holds it.
    async fn is_alive(&self, holder: &Holder) -> Result<bool, StreamError> {
        if holder.seat == self.seat {
            return Ok(false);
        }
        let last = self.bucket().last(&bucket::member_subject(&holder.seat)).await?;
        let member = last.and_then(|last| bucket::decode_member(&last.payload));
        Ok(member.is_some_and(|member| member.start == holder.start))
    }
}

// === impl Held ===

impl Held {
    fn grant(self) -> Grant {
        let (guard, given_back) = oneshot::channel();
        let (lost, told) = watch::channel(false);
        let (epoch, life, inner) = (self.epoch, self.life, Arc::clone(&self.reserved.inner));
        // One that is to be another's is held until it is given back: that one waits.
        let holds = Holds::new(move || inner.lives(life));
        let lifecycle = self.reserved.inner.lifecycle.clone();
        let _task = lifecycle.spawn(self.keep(given_back, lost));
        Grant { epoch, holds, lost: told, guard: LeaseGuard(guard) }
    }

    /// Keeps the partition until it is given back, and says so when it has to be: since our lease ended, or since it is to
    /// be another member's, which waits until ours is given back.
    async fn keep(mut self, mut given_back: oneshot::Receiver<()>, lost: watch::Sender<bool>) {
        let inner = Arc::clone(&self.reserved.inner);
        let lease = self.reserved.lease;
        let mut news = inner.news.subscribe();
        let over = async {
            let of_another = |roster: &Roster| roster.owner(lease).is_some_and(|owner| *owner != inner.seat);
            drop(news.wait_for(|news| news.life != Some(self.life) || of_another(&news.roster)).await);
        };
        tokio::select! {
            _closed = &mut given_back => {}
            () = over => {
                lost.send_replace(true);
                let _closed = given_back.await;
            }
        }
        lost.send_replace(true);
        self.give_back().await;
    }

    /// Frees the partition, unless somebody else has it by now.
    async fn give_back(&mut self) {
        let subject = bucket::claim_subject(self.reserved.lease);
        let free = Claim { epoch: self.epoch, holder: None }.encode();
        for _ in 0..GIVE_BACK_TRIES {
            let bucket = self.reserved.inner.bucket();
            match bucket.write(&subject, free.clone(), Some(self.revision), None).await {
                Ok(_) | Err(StreamError::Conflict) => return,
                Err(error) => tracing::debug!(%error, subject, "a partition is not given back yet"),
            }
            sleep(LOOK_EVERY).await;
        }
        tracing::debug!(subject, "a partition was not given back: it is free when this process is gone");
    }
}
