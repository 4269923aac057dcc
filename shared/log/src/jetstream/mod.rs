//! The log on NATS JetStream: one stream per shard, one message per commit.
//!
//! `settings` makes the streams and refuses dangerous ones, `append` publishes and finds out what became of
//! it, `read` looks up at the leader, `follow` reads each shard in its order, over a `link` that can be made anew, `tags` tells
//! whose commits they are.
//!
//! Headers are for people and tools; what counts stands in the payload. Only two count themselves: the tag, and the expected
//! sequence, since whoever has the server deliver an old commit to where commits are appended has it refused by that header.

mod append;
mod follow;
mod generation;
mod link;
mod message;
mod read;
mod settings;
mod tags;

use std::{
    collections::BTreeMap,
    fmt,
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_nats::{Client, jetstream::stream::Stream};
use async_trait::async_trait;
use berth_proto::{Kind, StreamKey};
use lru::LruCache;
use tokio::time::Instant;

use self::{
    append::Publish,
    link::Links,
    message::{Headers, Message},
    tags::Claim,
};
pub use self::{
    link::{Dial, DialError},
    settings::{OpenError, stream_name},
    tags::{Tags, Untagged},
};
use crate::{
    local, metrics,
    port::{
        AppendError, Appended, EventLog, Expected, Follow, FollowError, LogRead, NewCommit, Position,
        ReadError, Stored, Tail,
    },
    unreadable::Unreadable,
};

/// The type and version of the frozen commit.
const TYPE_HEADER: &str = "Berth-Type";
/// The version of the commit in its stream.
const VERSION_HEADER: &str = "Berth-Version";
/// The first command that the commit answers.
const COMMAND_ID_HEADER: &str = "Berth-Command-Id";
/// The W3C trace context.
const TRACEPARENT_HEADER: &str = "traceparent";

/// How long one request to the server waits for its answer.
const REQUEST_WAIT_MAX: Duration = Duration::from_secs(2);
/// Ends of pages that are remembered, so that the next page starts there.
const PAGES_MAX: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// How the log lies on JetStream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JetStreamOptions {
    /// Into how many streams it is divided; fixed at the first start. 1 to 64.
    pub shards: u8,
    /// How many servers keep each stream when it is created; an existing one is left as it is.
    pub replicas: usize,
}

/// What opening does about a stream of the log that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// Nothing is made: the log was there before.
    Refused,
    /// All are made if none is there or none was used.
    Created,
    /// What is absent is made, whatever else is there: an operator accepted the loss.
    CreatedBesideOthers,
}

/// The log on JetStream. A clone is the same log.
#[derive(Clone)]
pub struct JetStreamLog {
    links: Arc<Links>,
    shards: u8,
    /// The revision of the last commit of a page that was read, by stream and version.
    pages: Arc<Mutex<LruCache<(StreamKey, u64), u64>>>,
    unreadable: Unreadable,
    /// Without them every commit counts as the deployment's own.
    tags: Option<Tags>,
}

impl JetStreamLog {
    /// Opens the log of a server, or creates its streams. Streams whose settings could lose commits are
    /// refused.
    pub async fn open(client: Client, options: JetStreamOptions) -> Result<Self, OpenError> {
        Self::open_with(client, options, Absent::Created).await
    }

    /// Opens the log of a server; `absent` says what is done about streams that are not there.
    pub async fn open_with(
        client: Client,
        options: JetStreamOptions,
        absent: Absent,
    ) -> Result<Self, OpenError> {
        metrics::describe(options.shards);
        settings::check_version(&client.server_info().version)?;
        let links = Links::new(client);
        settings::open(&links.current().context, &options, absent).await?;
        Ok(Self {
            links: Arc::new(links),
            shards: options.shards,
            pages: Arc::new(Mutex::new(LruCache::new(PAGES_MAX))),
            unreadable: Unreadable::default(),
            tags: None,
        })
    }

    /// The log, whose connection is made anew by this when nothing drives it any more: a follower's is lost for good when
    /// the client meets a message that it cannot bear.
    #[must_use]
    pub fn redialled(mut self, dial: Dial) -> Self {
        self.links = Arc::new(self.links.redialled(dial));
        self
    }

    async fn stream(&self, shard: u8) -> Result<Stream<()>, ReadError> {
        let stream = self.link().context.get_stream_no_info(stream_name(shard)).await;
        stream.map_err(|error| ReadError::Unavailable(Box::new(error)))
    }

    /// The same log, whose commits have tags from now on and are read by theirs.
    #[must_use]
    pub fn with_tags(self, tags: Tags) -> Self {
        Self { tags: Some(tags), ..self }
    }

    /// What a message of a shard says of whose commit it is.
    fn claim(&self, shard: u8, message: &Message) -> Claim {
        match (&message.headers, &self.tags) {
            // Nobody who writes commits makes such headers.
            (Headers::Unparsable, _) => Claim::Forged,
            (Headers::Parsed(_), None) => Claim::Untagged,
            (Headers::Parsed(headers), Some(tags)) => {
                tags.claim((shard, message.sequence), &message.subject, headers, &message.payload)
            }
        }
    }
}

impl fmt::Debug for JetStreamLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStreamLog").field("shards", &self.shards).finish_non_exhaustive()
    }
}

#[async_trait]
impl LogRead for JetStreamLog {
    async fn tail(&self, stream: &StreamKey) -> Result<Option<Stored>, ReadError> {
        self.read_tail(stream).await
    }

    async fn read(
        &self,
        stream: &StreamKey,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        self.read_page(stream, after_version, limit).await
    }

    async fn read_at(&self, stream: &StreamKey, at: Tail) -> Result<Option<Stored>, ReadError> {
        self.read_version(stream, at).await
    }

    async fn follow(&self, name: &str, kinds: &[Kind], from: Position) -> Result<Follow, FollowError> {
        follow::follow(self, name, kinds, from).await
    }

    async fn end(&self) -> Result<Position, ReadError> {
        // Whoever begins to follow asks for the end first.
        self.links.renew().await;
        self.read_end().await
    }

    async fn missing(&self) -> Result<BTreeMap<u8, u64>, ReadError> {
        self.read_missing().await
    }

    fn unreadable(&self) -> Option<String> {
        let forged = self.tags.as_ref().and_then(Tags::in_words);
        let both: Vec<_> = self.unreadable.in_words().into_iter().chain(forged).collect();
        (!both.is_empty()).then(|| both.join("; "))
    }

    fn shards(&self) -> u8 {
        self.shards
    }
}

#[async_trait]
impl EventLog for JetStreamLog {
    async fn append(&self, commit: NewCommit, expected: Expected) -> Result<Appended, AppendError> {
        let (bytes, begun) = (commit.payload.len(), Instant::now());
        let outcome = match local::check_size(&commit) {
            Ok(()) => {
                let publish = Publish::new(self, &commit, expected).tagged(self.tags.as_ref());
                append::append(self, commit, publish).await
            }
            Err(error) => Err(error),
        };
        metrics::appended(&outcome, bytes, begun);
        outcome
    }

    async fn append_forged(&self, commit: NewCommit, expected: Expected) -> Result<Appended, AppendError> {
        let publish = Publish::new(self, &commit, expected).without_tag();
        append::append(self, commit, publish).await
    }
}
