//! Following: one ordered pull consumer per shard, made again after every trouble at the place that was
//! reached, and checked against the stream each time.
//!
//! It is not async-nats's own ordered consumer because that one makes itself again without a look at the
//! stream, and would wait for ever for sequences that a recreated or rolled-back stream has not reached.

use std::{
    collections::{BTreeMap, VecDeque},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use async_nats::jetstream::{
    self, Context,
    consumer::{AckPolicy, DeliverPolicy, pull},
};
use berth_proto::{Kind, StreamKey};
use futures::{StreamExt, stream};

use super::{
    JetStreamLog,
    read::stored,
    settings::{incarnation, stream_name},
};
use crate::{
    local::check_start,
    port::{Follow, FollowError, Followed, Position, ShardPosition},
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

/// What the follower of one shard meets.
enum Step {
    Commit(Followed),
    /// Everything is read that was there when the consumer was made, or that the server knows of now.
    AtEnd(u8, ShardPosition),
}

/// The follower of one shard.
struct ShardFollower {
    context: Context,
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
    messages: Option<pull::Stream>,
    ready: VecDeque<Step>,
    ended: bool,
}

pub(super) async fn follow(
    log: &JetStreamLog,
    name: &str,
    kinds: &[Kind],
    from: Position,
) -> Result<Follow, FollowError> {
    let mut shards = Vec::new();
    for shard in 0..log.shards {
        let inbox = log.client.new_inbox();
        let unique = inbox.rsplit('.').next().unwrap_or(&inbox);
        let mut follower = ShardFollower {
            context: log.context.clone(),
            shard,
            name: format!("berth-{name}-{shard}-{unique}"),
            serial: 0,
            kinds: kinds.to_vec(),
            read: from.0.get(&shard).copied(),
            target: 0,
            target_said: false,
            delivered: 0,
            messages: None,
            ready: VecDeque::new(),
            ended: false,
        };
        follower.connect().await?;
        shards.push(Box::pin(stream::unfold(follower, |mut follower| async move {
            let step = follower.next().await?;
            Some((step, follower))
        })));
    }
    let merger = Merger {
        shards: stream::select_all(shards),
        at_end: BTreeMap::new(),
        behind: true,
        ready: None,
        count: log.shards,
    };
    Ok(Box::pin(stream::unfold(merger, |mut merger| async move {
        let next = merger.next().await?;
        Some((next, merger))
    })))
}

// === impl ShardFollower ===

impl ShardFollower {
    async fn next(&mut self) -> Option<Result<Step, FollowError>> {
        let mut pause = PAUSE_MIN;
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Some(Ok(step));
            }
            if self.ended {
                return None;
            }
            if let Some(messages) = &mut self.messages {
                match messages.next().await {
                    Some(Ok(message)) => {
                        pause = PAUSE_MIN;
                        self.take(message);
                    }
                    Some(Err(error)) => {
                        tracing::debug!(shard = self.shard, %error, "a consumer of the log failed");
                        self.messages = None;
                    }
                    None => self.messages = None,
                }
                continue;
            }
            match self.connect().await {
                Ok(()) => {
                    tracing::info!(shard = self.shard, consumer = self.name, "the log is followed again");
                }
                Err(error @ FollowError::Unavailable(_)) => {
                    tracing::warn!(
                        shard = self.shard,
                        consumer = self.name,
                        error = &error as &dyn std::error::Error,
                        "the log cannot be followed at the moment"
                    );
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
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
            filter_subjects: subjects_of(&self.kinds),
            inactive_threshold: INACTIVE_MAX,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let consumer = self
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
        self.delivered = 0;
        self.read = Some(from);
        self.target = before.revision;
        self.target_said = false;
        if consumer.cached_info().num_pending == 0 {
            self.at_end(from);
        }
        Ok(())
    }

    async fn stream_position(&self) -> Result<ShardPosition, FollowError> {
        match self.context.get_stream(stream_name(self.shard)).await {
            Ok(stream) => {
                let info = stream.cached_info();
                Ok(ShardPosition { incarnation: incarnation(info), revision: info.state.last_sequence })
            }
            // Also when the stream is not there: a cluster that recovers may say so for a moment. One that
            // was deleted is another one when it comes back.
            Err(error) => Err(unavailable(error)),
        }
    }

    fn take(&mut self, message: jetstream::Message) {
        let Ok(info) = message.info() else {
            self.messages = None;
            return;
        };
        let Some(read) = self.read else { return };
        if info.consumer_sequence != self.delivered + 1 {
            tracing::debug!(shard = self.shard, "a message was lost on the way; the consumer is made again");
            self.messages = None;
            return;
        }
        self.delivered += 1;
        let (revision, pending) = (info.stream_sequence, info.pending);
        let position = ShardPosition { revision, ..read };
        self.read = Some(position);
        if let Ok(stream) = StreamKey::from_str(&message.subject) {
            let message = message.message;
            let stored = stored(stream, self.shard, revision, message.headers.as_ref(), message.payload);
            let commit = Arc::new(stored.into());
            self.ready.push_back(Step::Commit(Followed::Commit(commit, position)));
        } else {
            tracing::error!(subject = %message.subject, revision, "a message of the log has a subject that is not ours");
        }
        if pending == 0 || (!self.target_said && revision >= self.target) {
            self.at_end(position);
        }
    }

    /// What is between the last message of the wanted kinds and the end that was seen is of other kinds.
    fn at_end(&mut self, position: ShardPosition) {
        let position = ShardPosition { revision: position.revision.max(self.target), ..position };
        self.target_said = true;
        self.read = Some(position);
        self.ready.push_back(Step::AtEnd(self.shard, position));
    }
}

// === impl Merger ===

/// The shards as one.
struct Merger<S> {
    shards: stream::SelectAll<S>,
    /// The shards that are at their end.
    at_end: BTreeMap<u8, ShardPosition>,
    /// Whether anything came since the reader was last told that it is caught up.
    behind: bool,
    ready: Option<Followed>,
    count: u8,
}

impl<S: stream::Stream<Item = Result<Step, FollowError>> + Unpin> Merger<S> {
    async fn next(&mut self) -> Option<Result<Followed, FollowError>> {
        loop {
            if let Some(ready) = self.ready.take() {
                return Some(Ok(ready));
            }
            match self.shards.next().await? {
                Ok(Step::Commit(commit)) => {
                    if let Followed::Commit(commit, _) = &commit {
                        self.at_end.remove(&commit.stored().shard);
                    }
                    self.behind = true;
                    return Some(Ok(commit));
                }
                Ok(Step::AtEnd(shard, position)) => {
                    self.behind |= self.at_end.insert(shard, position) != Some(position);
                    if self.behind && self.at_end.len() == usize::from(self.count) {
                        self.behind = false;
                        self.ready = Some(Followed::CaughtUp(Position(self.at_end.clone())));
                    }
                }
                // One shard that is lost ends all: nothing more is to be built on this log.
                Err(error) => {
                    self.shards.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}

/// What a consumer of these kinds asks for; all of them need no filter.
fn subjects_of(kinds: &[Kind]) -> Vec<String> {
    if Kind::ALL.iter().all(|kind| kinds.contains(kind)) {
        return Vec::new();
    }
    kinds.iter().map(|kind| format!("berth.v1.log.{}.*.*", kind.as_str())).collect()
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> FollowError {
    FollowError::Unavailable(Box::new(error))
}
