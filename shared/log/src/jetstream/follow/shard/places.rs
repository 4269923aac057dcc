//! What a consumer does not deliver: places that are read one by one at the leader.
//!
//! A server delivers whatever was published, and some of it ends the connection of whoever it is delivered to, or looks to
//! the client like a word of the server. So a follower whose consumer ends before it delivered anything reads on by places,
//! where headers are data; and for a while after it met such a message, since who published one publishes more.

use std::{str::FromStr as _, time::Duration};

use berth_proto::StreamKey;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::{Instant, sleep};

use super::{super::super::message::Message, ShardFollower, Step, unavailable};
use crate::{
    decode::decode_commit,
    local::check_start,
    port::{FollowError, Followed, LogRead as _, ReadError, ShardPosition, Stored},
};

/// Places that are read one by one at the leader before another consumer is tried: a message has at most 1 MiB unless the server is
/// told otherwise.
const PLACES_MAX: u64 = 8;
/// How many of them are asked for at once: each may be as large as a message.
const ASKED_MAX: usize = 8;
/// For how long a shard is read by places once a message was met that no client can be given.
const BY_PLACES: Duration = Duration::from_secs(30);
/// How often the end is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Every subject that there is.
const ANY_SUBJECT: &str = ">";

impl ShardFollower {
    /// Goes on without a consumer: by places as long as consumers do not get past them, else with another one.
    pub(super) async fn go_on(&mut self) -> Result<(), FollowError> {
        if let Some(until) = self.by_places
            && Instant::now() < until
        {
            if !self.read_places().await? {
                sleep(LOOK_EVERY).await;
            }
            return Ok(());
        }
        self.by_places = None;
        if self.fruitless > 0 {
            self.read_places().await?;
            self.fruitless = 0;
            if self.by_places.is_some() {
                return Ok(());
            }
        }
        self.connect().await?;
        if std::mem::take(&mut self.missed) {
            tracing::info!(shard = self.shard, consumer = self.name, "the log is followed again");
        }
        Ok(())
    }

    /// Reads the next places at the leader; whether there were any.
    async fn read_places(&mut self) -> Result<bool, FollowError> {
        let end = self.stream_position().await?;
        let before = self.read.unwrap_or(ShardPosition { revision: 0, ..end });
        check_start(self.shard, before, end)?;
        self.look_up(end.revision, PLACES_MAX).await?;
        let reached = self.read.map_or(0, |read| read.revision);
        self.pending = end.revision.saturating_sub(reached);
        if reached == end.revision {
            self.target = end.revision;
            self.look_for_end();
        }
        Ok(reached > before.revision)
    }

    /// Takes what the message is that the leader gave for the next place.
    async fn meet_looked_up(&mut self, message: Message) -> Result<(), FollowError> {
        if !message.is_deliverable() {
            self.by_places = Some(Instant::now() + BY_PLACES);
            self.note_undeliverable(&message).await?;
        }
        self.meet(message).await
    }

    /// Names a message that no client can be given. It counts unless a good commit stands behind it in its stream; if none does, this
    /// follower will meet it.
    async fn note_undeliverable(&self, message: &Message) -> Result<(), FollowError> {
        let (log, at) = (&self.log, (self.shard, message.sequence));
        log.unreadable.name_undeliverable(self.shard, message.sequence, &message.subject);
        let Ok(stream) = StreamKey::from_str(&message.subject) else {
            log.unreadable.note_undeliverable(None, at);
            return Ok(());
        };
        if !self.kinds.contains(&stream.kind()) {
            return Ok(());
        }
        let last = match log.tail(&stream).await {
            Ok(last) => last,
            Err(ReadError::Damaged(_)) => None,
            Err(error) => return Err(unavailable(error)),
        };
        let is_behind = |last: &Stored| last.tail.revision > message.sequence && decode_commit(last).is_ok();
        if !last.is_some_and(|last| is_behind(&last)) {
            log.unreadable.note_undeliverable(Some(stream), at);
        }
        Ok(())
    }

    /// Asks the stream's leader for so many places, not behind this one, which a consumer did not deliver: a replica may be
    /// behind, or have damaged files of its own, and some messages end the connection of whoever they are delivered to. What
    /// the leader cannot give nobody can.
    pub(super) async fn look_up(&mut self, up_to: u64, places: u64) -> Result<(), FollowError> {
        let Some(read) = self.read.filter(|read| read.revision < up_to) else { return Ok(()) };
        let last = up_to.min(read.revision.saturating_add(places));
        let (log, shard) = (&self.log, self.shard);
        let found: Vec<_> = stream::iter(read.revision + 1..=last)
            .map(|revision| log.next_of(shard, ANY_SUBJECT, revision))
            .buffered(ASKED_MAX)
            .try_collect()
            .await
            .map_err(unavailable)?;
        // Of another life of the stream nothing is to be believed, neither what it has nor what it lacks.
        let is_whole =
            found.last().is_some_and(|last| last.as_ref().is_some_and(|last| last.sequence <= up_to));
        let seen = ShardPosition { revision: if is_whole { last } else { up_to }, ..read };
        check_start(shard, seen, self.stream_position().await?)?;
        for message in found {
            let message = message.filter(|message| message.sequence <= up_to);
            let before = message.as_ref().map_or(up_to, |message| message.sequence - 1);
            // A leader that is new may not have applied all yet: only what a consumer passed over is believed to be gone.
            if places > 1 && self.read.is_some_and(|read| read.revision < before) {
                break;
            }
            self.pass_over(before);
            if let Some(message) = message
                && self.read.is_some_and(|read| read.revision < message.sequence)
            {
                self.meet_looked_up(message).await?;
            }
        }
        Ok(())
    }

    /// Goes on behind what the leader has not.
    fn pass_over(&mut self, up_to: u64) {
        let Some(read) = self.read.filter(|read| read.revision < up_to) else { return };
        self.log.unreadable.note(self.shard, read.revision + 1, up_to);
        let at = ShardPosition { revision: up_to, ..read };
        self.read = Some(at);
        let gone = Followed::Unreadable { shard: self.shard, after: read.revision, at };
        self.ready.push_back(Step::Met(gone));
    }
}
