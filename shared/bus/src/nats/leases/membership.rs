//! The lease of a process: taken, renewed, and given back when nothing is held under it any more.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::{
    super::{outage::is_away, stream::StreamError},
    Inner, JoinError, Life,
    bucket::{self, unless_conflict},
};
use crate::{
    metrics,
    port::{LEASE_SECONDS, LeaseError},
};

/// How long a lease lasts in the bucket.
const LEASE: Duration = Duration::from_secs(LEASE_SECONDS);
/// How much earlier than the bucket the holder considers its lease ended.
const MARGIN: Duration = Duration::from_millis(500);
/// How often the holder renews.
const RENEW_EVERY: Duration = Duration::from_millis(LEASE_SECONDS * 1_000 / 3);
/// The pause before a renewal that failed is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(250);
/// The pause before a process that lost its lease asks for one again.
const REJOIN_AFTER: Duration = Duration::from_millis(500);
/// How long the lease of somebody under our name is watched: one that is not renewed has ended by then.
const WATCH_MAX: Duration = Duration::from_secs(LEASE_SECONDS + 2);
/// How long the mark of a lease that was given back stays.
const FREE_TTL: Duration = Duration::from_secs(1);

/// A lease that this process holds as far as it knows.
pub(super) struct Membership {
    inner: Arc<Inner>,
    life: Life,
    /// The sequence of the last message that we wrote.
    revision: u64,
    /// When the last renewal that succeeded was sent.
    renewed: Instant,
}

/// How a membership came to its end.
#[derive(PartialEq, Eq)]
enum End {
    /// The process stops, and holds nothing any more.
    Left,
    Lost,
}

impl Inner {
    /// Is a member until the process stops, however often the lease is lost. Begins once something is asked for.
    pub(super) async fn be_member(self: Arc<Self>) {
        let stop = self.lifecycle.stop().clone();
        if stop.run_until_cancelled(self.wait_until_able()).await.is_none() {
            return;
        }
        let mut life = Life::default();
        while !stop.is_cancelled() {
            life = life.next();
            match stop.run_until_cancelled(Membership::take(&self, life)).await {
                None => return,
                Some(Ok(membership)) => {
                    self.trouble.send_replace(None);
                    if membership.keep().await == End::Left {
                        return;
                    }
                }
                Some(Err(error)) => {
                    let reason = berth_runtime::chain(&error);
                    if !is_away() {
                        tracing::error!(
                            member = %self.seat,
                            error = reason,
                            "this process is no member of its deployment and owns nothing: asking again"
                        );
                    }
                    self.trouble.send_replace(Some(reason));
                }
            }
            stop.run_until_cancelled(sleep(REJOIN_AFTER)).await;
        }
    }
}

impl Membership {
    /// Takes the name, unless somebody lives under it.
    async fn take(inner: &Arc<Inner>, life: Life) -> Result<Self, JoinError> {
        inner.bucket().restore().await.map_err(JoinError::Open)?;
        loop {
            let free = wait_until_free(inner).await?;
            let member = bucket::encode_member(&inner.member(life)).map_err(unavailable)?;
            let renewed = Instant::now();
            let subject = bucket::member_subject(&inner.seat);
            let taken = inner.bucket().write(&subject, member, Some(free), Some(LEASE)).await;
            if let Some(revision) = unless_conflict(taken).map_err(unavailable)? {
                let membership = Self { inner: Arc::clone(inner), life, revision, renewed };
                inner.begin_life(life, membership.ends());
                return Ok(membership);
            }
        }
    }

    /// Renews the lease until it is lost, or the process has stopped and given back what it held.
    async fn keep(mut self) -> End {
        tracing::info!(member = %self.inner.seat, "this process is a member of its deployment");
        let end = self.renew_until_end().await;
        self.inner.news.send_modify(|news| news.life = None);
        metrics::member(false);
        match end {
            End::Lost => tracing::warn!(member = %self.inner.seat, "the lease of this process is lost"),
            End::Left => self.give_back().await,
        }
        end
    }

    async fn renew_until_end(&mut self) -> End {
        let inner = Arc::clone(&self.inner);
        let mut next = self.renewed + RENEW_EVERY;
        let left = inner.left(self.life);
        tokio::pin!(left);
        loop {
            tokio::select! {
                () = &mut left => return End::Left,
                () = sleep_until(next.min(self.ends())) => {}
            }
            let ends = self.ends();
            next = match timeout_at(ends, self.renew()).await {
                Ok(Ok(())) => self.renewed + RENEW_EVERY,
                Ok(Err(StreamError::Conflict)) | Err(_) => return End::Lost,
                Ok(Err(error)) => {
                    if !is_away() {
                        tracing::warn!(member = %inner.seat, %error, "a lease could not be renewed yet");
                    }
                    Instant::now() + RETRY_AFTER
                }
            };
            if Instant::now() >= self.ends() {
                return End::Lost;
            }
            inner.ends.send_replace(self.ends());
        }
    }

    /// When we consider the lease ended.
    fn ends(&self) -> Instant {
        self.renewed + LEASE - MARGIN
    }

    async fn renew(&mut self) -> Result<(), StreamError> {
        match self.write(self.revision).await {
            Err(StreamError::Conflict) => self.adopt().await,
            renewed => renewed,
        }
    }

    async fn write(&mut self, expected: u64) -> Result<(), StreamError> {
        let member = bucket::encode_member(&self.inner.member(self.life))?;
        let subject = bucket::member_subject(&self.inner.seat);
        let sent = Instant::now();
        self.revision = self.inner.bucket().write(&subject, member, Some(expected), Some(LEASE)).await?;
        self.renewed = sent;
        Ok(())
    }

    /// After a conflict: a renewal of ours that was not acknowledged may have been stored all the same. Then
    /// the lease is still ours, and the renewal is repeated on top of that one.
    async fn adopt(&mut self) -> Result<(), StreamError> {
        let last = self.inner.bucket().last(&bucket::member_subject(&self.inner.seat)).await?;
        let last = last.ok_or(StreamError::Conflict)?;
        let start = self.inner.start_of(self.life);
        let is_ours = bucket::decode_member(&last.payload).is_some_and(|member| member.start == start);
        if is_ours { self.write(last.sequence).await } else { Err(StreamError::Conflict) }
    }

    /// Frees the name, unless somebody else has it by now.
    async fn give_back(self) {
        let subject = bucket::member_subject(&self.inner.seat);
        let bucket = self.inner.bucket();
        let free = bucket.write(&subject, Bytes::new(), Some(self.revision), Some(FREE_TTL)).await;
        if let Err(error) = free {
            tracing::info!(member = %self.inner.seat, %error, "a lease was not given back; it ends by itself");
        }
    }
}

impl Inner {
    /// Ends when the process has been asked to stop and everything that it held is given back. Before that it says that
    /// it leaves, so that nobody waits for what it gives back.
    async fn left(&self, life: Life) {
        self.lifecycle.stop().cancelled().await;
        let mark = bucket::leaving_subject(&self.seat, &self.start_of(life));
        if let Err(error) = self.bucket().write(&mark, Bytes::new(), None, Some(LEASE)).await {
            tracing::info!(member = %self.seat, %error, "nobody was told that this process is about to stop");
        }
        let mut held = self.held.subscribe();
        let _closed = held.wait_for(HashSet::is_empty).await;
    }

    fn begin_life(&self, life: Life, ends: Instant) {
        self.ends.send_replace(ends);
        self.news.send_modify(|news| news.life = Some(life));
        metrics::member(true);
        self.look.notify_one();
    }
}

/// Waits until nobody lives under our name; says after which message it may be taken.
pub(super) async fn wait_until_free(inner: &Inner) -> Result<u64, JoinError> {
    let (subject, began, mut seen) = (bucket::member_subject(&inner.seat), Instant::now(), None);
    loop {
        let Some(last) = inner.bucket().last(&subject).await.map_err(unavailable)? else { return Ok(0) };
        let Some(member) = bucket::decode_member(&last.payload) else { return Ok(last.sequence) };
        if inner.was_us(&member.start) {
            return Ok(last.sequence);
        }
        let is_renewed = seen.replace(last.sequence).is_some_and(|before| before != last.sequence);
        if is_renewed || began.elapsed() > WATCH_MAX {
            return Err(JoinError::Taken { seat: inner.seat.clone(), address: member.address });
        }
        sleep(RETRY_AFTER).await;
    }
}

fn unavailable(error: StreamError) -> JoinError {
    JoinError::Unavailable(LeaseError(error.into()))
}
