//! The follower of one shard: a consumer and what it delivers.

mod places;

use std::{collections::VecDeque, str::FromStr, sync::Arc, time::Duration};

use async_nats::{
    connection::State,
    jetstream::{
        self,
        consumer::{AckPolicy, DeliverPolicy, pull},
    },
};
use berth_proto::{Kind, StreamKey};
use berth_runtime::Pauses;
use futures::StreamExt;
use tokio::time::{Instant, sleep};

use super::super::{
    Claim, JetStreamLog,
    message::{Headers, Message},
    read::stored,
    settings::{incarnation, stream_name},
    tags::{Placed, Recent},
};
use crate::{
    local::check_start,
    port::{FollowError, Followed, ShardPosition},
};

/// Commits that one pull asks for.
const PULL_COMMITS_MAX: usize = 1000;
/// Bytes that one pull asks for.
const PULL_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long one pull stands.
const PULL_EXPIRES: Duration = Duration::from_secs(30);
/// How often an idle server says that it is there. Two missing ones make the consumer anew.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// After how long without a reader the server forgets a consumer.
const INACTIVE_MAX: Duration = Duration::from_secs(30);
/// The first pause before a consumer is made again; doubled each time.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// The longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// How long a consumer may deliver nothing although it has not reached the end, before the stream itself is asked for
/// what comes next.
const STALLED_MAX: Duration = Duration::from_secs(5);
/// The same for one that has reached the end, as far as it knows: as long at first, doubled each time up to this.
const IDLE_MAX: Duration = Duration::from_secs(20);

/// What the follower of one shard meets.
pub(super) enum Step {
    Met(Followed),
    /// Everything is read that was there when the consumer was made, or that the server knows of now.
    AtEnd(u8, ShardPosition),
}

/// The follower of one shard.
pub(super) struct ShardFollower {
    log: JetStreamLog,
    shard: u8,
    /// The consumer's name without its serial number; unique, since two with one name share the messages.
    name: String,
    serial: u64,
    kinds: Vec<Kind>,
    /// None until the shard was first seen.
    read: Option<ShardPosition>,
    /// The end of the shard when the consumer was made, and whether it was already said to be reached.
    target: u64,
    target_said: bool,
    /// The consumer's own number of the last message, without a gap unless one was lost on the way.
    delivered: u64,
    /// Messages that the consumer says it still has.
    pending: u64,
    messages: Option<pull::Stream>,
    /// How long the consumer may be silent at the end before the stream is asked.
    idle: Duration,
    /// Consumers that ended before they delivered anything: perhaps for what they would have delivered.
    fruitless: u32,
    /// Until when no consumer is made.
    by_places: Option<Instant>,
    /// A message that came before others which are not read, and how far these go.
    ahead: Option<jetstream::Message>,
    skipped_to: Option<u64>,
    /// What was read last.
    recent: Recent,
    ready: VecDeque<Step>,
    /// Whether it was told that the shard cannot be followed.
    missed: bool,
    ended: bool,
}

// === impl ShardFollower ===

impl ShardFollower {
    /// A follower of these kinds after a position, if it is one of the shard as that is now.
    pub(super) async fn start(
        log: &JetStreamLog,
        shard: u8,
        name: &str,
        kinds: &[Kind],
        read: Option<ShardPosition>,
    ) -> Result<Self, FollowError> {
        log.links.renew().await;
        let inbox = log.link().client.new_inbox();
        let unique = inbox.rsplit('.').next().unwrap_or(&inbox);
        let mut follower = Self {
            log: log.clone(),
            shard,
            name: format!("berth-{name}-{shard}-{unique}"),
            serial: 0,
            kinds: kinds.to_vec(),
            read,
            target: 0,
            target_said: false,
            delivered: 0,
            pending: 0,
            messages: None,
            idle: STALLED_MAX,
            fruitless: 0,
            by_places: None,
            ahead: None,
            skipped_to: None,
            recent: Recent::after(read.map_or(0, |read| read.revision)),
            ready: VecDeque::new(),
            missed: false,
            ended: false,
        };
        follower.connect().await?;
        Ok(follower)
    }

    pub(super) async fn next(&mut self) -> Option<Result<Step, FollowError>> {
        let mut pauses = Pauses::new(PAUSE_MIN, PAUSE_MAX);
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Some(Ok(step));
            }
            if self.ended {
                return None;
            }
            match self.step().await {
                Ok(()) => pauses.restart(),
                Err(error @ FollowError::Unavailable(_)) => {
                    // That the connection is lost is told by whoever opened it, and once for all shards.
                    if self.log.link().client.connection_state() == State::Connected {
                        self.missed = true;
                        tracing::warn!(
                            shard = self.shard,
                            consumer = self.name,
                            error = &error as &dyn std::error::Error,
                            "the log cannot be followed at the moment"
                        );
                    }
                    self.log.links.renew().await;
                    pauses.wait().await;
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
    }

    /// Goes on by whatever comes next: what was passed over, the next message, or another consumer.
    async fn step(&mut self) -> Result<(), FollowError> {
        if let Some(up_to) = self.skipped_to {
            self.look_up(up_to, 1).await?;
            if self.read.is_some_and(|read| read.revision >= up_to) {
                self.skipped_to = None;
                self.look_for_end();
            }
            return Ok(());
        }
        if let Some(message) = self.ahead.take() {
            return self.take(message).await;
        }
        let patience = if self.is_behind() { STALLED_MAX } else { self.idle };
        let Some(messages) = &mut self.messages else { return self.go_on().await };
        tokio::select! {
            biased;
            next = messages.next() => match next {
                Some(Ok(message)) => self.take(message).await?,
                Some(Err(error)) => {
                    tracing::debug!(shard = self.shard, %error, "a consumer of the log failed");
                    self.end_consumer();
                }
                None => self.end_consumer(),
            },
            () = sleep(patience) => {
                // A consumer waits behind what it cannot read, and passes over what looks like a word of the server.
                let Ok(end) = self.stream_position().await else { return Ok(()) };
                if self.is_behind() || self.read.is_some_and(|read| read.revision < end.revision) {
                    self.look_up(end.revision, 1).await?;
                    self.end_consumer();
                } else {
                    self.idle = (self.idle * 2).min(IDLE_MAX);
                }
            }
        }
        Ok(())
    }

    /// Whether there is more than was read, as far as the consumer or the stream have said.
    fn is_behind(&self) -> bool {
        self.pending > 0 || self.read.is_some_and(|read| read.revision < self.target)
    }

    fn end_consumer(&mut self) {
        self.fruitless = self.fruitless.saturating_add(u32::from(self.delivered == 0));
        self.messages = None;
    }

    /// Makes a consumer after what was read. The stream is looked at before, for its end, and after, so that
    /// the consumer is certainly one of the stream that was looked at.
    async fn connect(&mut self) -> Result<(), FollowError> {
        let before = self.stream_position().await?;
        let from = self.read.unwrap_or(ShardPosition { incarnation: before.incarnation, revision: 0 });
        check_start(self.shard, from, before)?;
        self.serial += 1;
        let config = pull::Config {
            name: Some(format!("{}-{}", self.name, self.serial)),
            description: Some("A follower of the log of Berth.".to_owned()),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from.revision + 1 },
            ack_policy: AckPolicy::None,
            inactive_threshold: INACTIVE_MAX,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let consumer = self
            .log
            .link()
            .context
            .create_consumer_on_stream(config, stream_name(self.shard))
            .await
            .map_err(unavailable)?;
        let after = self.stream_position().await?;
        check_start(self.shard, before, after)?;
        let messages = consumer
            .stream()
            .max_messages_per_batch(PULL_COMMITS_MAX)
            .max_bytes_per_batch(PULL_BYTES_MAX)
            .expires(PULL_EXPIRES)
            .heartbeat(HEARTBEAT)
            .messages()
            .await
            .map_err(unavailable)?;
        self.messages = Some(messages);
        self.idle = STALLED_MAX;
        (self.delivered, self.pending) = (0, consumer.cached_info().num_pending);
        self.read = Some(from);
        self.target = before.revision;
        self.target_said = false;
        (self.ahead, self.skipped_to) = (None, None);
        self.look_for_end();
        Ok(())
    }

    async fn stream_position(&self) -> Result<ShardPosition, FollowError> {
        match self.log.link().context.get_stream(stream_name(self.shard)).await {
            Ok(stream) => {
                let info = stream.cached_info();
                Ok(ShardPosition { incarnation: incarnation(info), revision: info.state.last_sequence })
            }
            // Also when the stream is not there: a cluster that recovers may say so for a moment. One that
            // was deleted is another one when it comes back.
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn take(&mut self, message: jetstream::Message) -> Result<(), FollowError> {
        let Ok(info) = message.info() else {
            self.end_consumer();
            return Ok(());
        };
        let Some(read) = self.read else { return Ok(()) };
        let (number, revision, pending) = (info.consumer_sequence, info.stream_sequence, info.pending);
        if number != self.delivered + 1 {
            tracing::debug!(shard = self.shard, "a message was lost on the way; the consumer is made again");
            self.end_consumer();
            return Ok(());
        }
        if revision > read.revision + 1 {
            // It comes again when what is before it was looked for.
            (self.skipped_to, self.ahead) = (Some(revision - 1), Some(message));
            return Ok(());
        }
        (self.delivered, self.pending, self.idle) = (number, pending, STALLED_MAX);
        // What was read from the stream itself may come by once more.
        if revision > read.revision {
            let async_nats::Message { subject, headers, payload, .. } = message.message;
            let headers = Headers::Parsed(headers.unwrap_or_default());
            let (sequence, subject) = (revision, subject.to_string());
            self.meet(Message { sequence, subject, headers, payload }).await?;
        }
        self.look_for_end();
        Ok(())
    }

    /// Takes what stands at the next place. If it cannot be said whose it is, it comes again.
    async fn meet(&mut self, message: Message) -> Result<(), FollowError> {
        let Some(read) = self.read else { return Ok(()) };
        let revision = message.sequence;
        let at = ShardPosition { revision, ..read };
        match StreamKey::from_str(&message.subject) {
            Ok(stream) if self.kinds.contains(&stream.kind()) => {
                let claim = self.log.claim(self.shard, &message);
                let placed = match claim {
                    Claim::Untagged => Placed::Surely,
                    Claim::Behind { predecessor, after, .. } => {
                        self.is_next_behind(&stream, revision, predecessor, after).await?
                    }
                    Claim::Forged => Placed::No,
                };
                self.log.learn((self.shard, revision), claim, placed);
                // What lies far back is not asked for soon.
                if placed == Placed::No || revision > self.target {
                    self.log.tell(stream, (self.shard, revision), placed);
                }
                self.recent.push(stream, revision);
                let Message { headers, payload, .. } = message;
                let commit = stored(stream, self.shard, revision, &headers, payload, placed != Placed::No);
                self.log.unreadable.went_on(&commit);
                self.ready.push_back(Step::Met(Followed::Commit(Arc::new(commit.into()), at)));
            }
            Ok(_) => {}
            Err(_) => {
                let subject = message.subject;
                tracing::error!(subject, revision, "a message of the log has a subject that is not ours");
            }
        }
        self.read = Some(at);
        Ok(())
    }

    /// Whether the next message, of this stream, is its first one behind its predecessor.
    async fn is_next_behind(
        &mut self,
        stream: &StreamKey,
        revision: u64,
        predecessor: u64,
        after: u64,
    ) -> Result<Placed, FollowError> {
        if let Some(known) = self.recent.is_next_behind(stream, predecessor, after) {
            return Ok(known);
        }
        let asked = self.log.is_next_behind(stream, (self.shard, revision), predecessor).await;
        asked.map(Placed::answered).map_err(|error| {
            self.end_consumer();
            unavailable(error)
        })
    }

    /// Says that the end is reached if it is: the one that was there when the consumer was made, once, and each time that
    /// the consumer has no more.
    fn look_for_end(&mut self) {
        let Some(read) = self.read else { return };
        if read.revision < self.target {
            if self.pending == 0 {
                // The consumer has no more, and the stream does.
                self.skipped_to = Some(self.target);
            }
        } else if self.pending == 0 || !self.target_said {
            self.target_said = true;
            self.ready.push_back(Step::AtEnd(self.shard, read));
        }
    }
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> FollowError {
    FollowError::Unavailable(Box::new(error))
}
