//! Appending: one publish that names the last message of its subject, and finding out what became of it.
//!
//! The expected sequence is what makes everything here safe: the same commit may be published any number of
//! times, even by a buffer that is flushed after we gave up, and is stored at most once.

use std::{str::FromStr, time::Duration};

use async_nats::{
    HeaderMap, HeaderValue, Request,
    client::RequestErrorKind,
    header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_EXPECTED_STREAM},
    jetstream::{ErrorCode, publish::PublishAck, response::Response},
};
use berth_proto::codec;
use berth_runtime::Pauses;
use bytes::Bytes;
use tokio::time::Instant;

use super::{
    COMMAND_ID_HEADER, Claim, JetStreamLog, TRACEPARENT_HEADER, TYPE_HEADER, Tags, VERSION_HEADER,
    settings::stream_name, tags::TAG_HEADER,
};
use crate::port::{APPEND_RESOLVE_MAX, AppendError, Appended, Expected, NewCommit, ReadError, Tail};

/// How long one publish waits for its answer: shorter than an election, so that the subject is looked at in
/// between.
const PUBLISH_WAIT_MAX: Duration = Duration::from_secs(2);
/// The first pause before the same commit is published again; doubled each time.
const PAUSE_MIN: Duration = Duration::from_millis(5);
/// The longest such pause.
const PAUSE_MAX: Duration = Duration::from_millis(250);

/// The server says that another append to this subject is in flight. async-nats knows no error kind for it.
const IN_FLIGHT: ErrorCode = ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT;

/// What stands in the place of a tag where there is none for good.
const NO_TAG: &str = "none";

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What one publish came to.
enum Published {
    /// Stored at this sequence.
    Stored(u64),
    /// The subject has another last sequence. Perhaps because an earlier publish of this commit is stored.
    Moved(Source),
    /// Certainly not stored by this publish; another may be.
    Refused(Source),
    /// Not stored: no room.
    Full(Source),
    /// Not stored: larger than the stream takes.
    TooLarge,
    /// Stored or not, or to be stored later.
    Unknown(Source),
}

/// What stands after the expected message of a subject.
enum After {
    /// This very commit.
    Ours(Tail),
    /// Another commit: ours is not stored and never will be.
    Theirs,
    /// Nothing yet.
    Nothing,
}

pub(super) async fn append(
    log: &JetStreamLog,
    commit: NewCommit,
    publish: Publish,
) -> Result<Appended, AppendError> {
    let (stream, shard) = (commit.stream, publish.shard);
    let appended = |tail: Tail| {
        if let Some(tags) = &log.tags {
            tags.met(shard, tail.revision);
            tags.place(stream, tail.revision);
        }
        Appended { tail, shard }
    };
    let deadline = Instant::now() + APPEND_RESOLVE_MAX;
    let mut pauses = Pauses::new(PAUSE_MIN, PAUSE_MAX);
    // Whether any publish so far may be stored, now or later.
    let mut perhaps_stored = false;
    let last = loop {
        let source = match publish.send(log, deadline).await {
            Published::Stored(revision) => {
                return Ok(appended(Tail { version: commit.version, revision }));
            }
            Published::TooLarge => return Err(AppendError::TooLarge { bytes: commit.payload.len() }),
            Published::Full(source) if !perhaps_stored => return Err(AppendError::Full(source)),
            Published::Full(source) | Published::Refused(source) => source,
            Published::Moved(source) | Published::Unknown(source) => {
                perhaps_stored = true;
                source
            }
        };
        if perhaps_stored {
            match publish.look(log, &commit).await {
                Ok(After::Ours(tail)) => return Ok(appended(tail)),
                Ok(After::Theirs) => return Err(AppendError::Conflict { stream }),
                Ok(After::Nothing) | Err(_) => {}
            }
        }
        if Instant::now() + pauses.next() >= deadline {
            break source;
        }
        tracing::debug!(%stream, error = &*source as &dyn std::error::Error, "the commit is published again");
        pauses.wait().await;
    };
    Err(if perhaps_stored {
        AppendError::Unknown { stream, source: last }
    } else {
        AppendError::Unavailable(last)
    })
}

/// A commit as it is published, again and again if need be.
pub(super) struct Publish {
    subject: String,
    headers: HeaderMap,
    payload: Bytes,
    expected: Expected,
    shard: u8,
}

impl Publish {
    pub(super) fn new(log: &JetStreamLog, commit: &NewCommit, expected: Expected) -> Self {
        let (subject, shard) = (commit.stream.subject(), commit.stream.partition().shard(log.shards));
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, revision(expected).to_string());
        headers.insert(NATS_EXPECTED_STREAM, stream_name(shard));
        headers.insert(VERSION_HEADER, commit.version.to_string());
        if let Ok((type_id, version)) = codec::peek(&commit.payload) {
            headers.insert(TYPE_HEADER, format!("{type_id}.{version}"));
        }
        if let Some(command_id) = commit.command_id {
            headers.insert(COMMAND_ID_HEADER, command_id.to_string());
        }
        // It comes from outside; one that does not fit in a header is left out.
        if let Some(Ok(traceparent)) = commit.traceparent.as_deref().map(HeaderValue::from_str) {
            headers.insert(TRACEPARENT_HEADER, traceparent);
        }
        Self { subject, headers, payload: commit.payload.clone(), expected, shard }
    }

    /// As the deployment's own.
    pub(super) fn tagged(mut self, tags: Option<&Tags>) -> Self {
        if let Some(tags) = tags {
            let tag = tags.tag(&self.subject, self.shard, revision(self.expected), &self.payload);
            self.headers.insert(TAG_HEADER, tag);
        }
        self
    }

    /// As nobody's, also where commits need no tag.
    pub(super) fn without_tag(mut self) -> Self {
        self.headers.insert(TAG_HEADER, NO_TAG);
        self
    }

    async fn send(&self, log: &JetStreamLog, deadline: Instant) -> Published {
        let wait = deadline.saturating_duration_since(Instant::now()).min(PUBLISH_WAIT_MAX);
        let request =
            Request::new().headers(self.headers.clone()).payload(self.payload.clone()).timeout(Some(wait));
        let message = match log.link().client.send_request(self.subject.clone(), request).await {
            Ok(message) => message,
            Err(error) => {
                return match error.kind() {
                    RequestErrorKind::NoResponders => Published::Refused(Box::new(error)),
                    RequestErrorKind::MaxPayloadExceeded => Published::TooLarge,
                    _ => Published::Unknown(Box::new(error)),
                };
            }
        };
        match serde_json::from_slice::<Response<PublishAck>>(&message.payload) {
            Ok(Response::Ok(ack)) if self.may_stand_at(&ack) => Published::Stored(ack.sequence),
            // Whoever follows the log sees where the answer is awaited, and can have another one brought there.
            Ok(Response::Ok(ack)) => {
                let said = format!("number {} of the stream {}", ack.sequence, ack.stream);
                Published::Unknown(format!("the answer names {said}, where it cannot stand").into())
            }
            Ok(Response::Err { error }) => sort(error),
            Err(error) => Published::Unknown(Box::new(error)),
        }
    }

    /// Whether an answer can be the one to this commit: it stands in the stream that was asked for, behind what it follows.
    fn may_stand_at(&self, ack: &PublishAck) -> bool {
        ack.stream == stream_name(self.shard) && ack.sequence > revision(self.expected)
    }

    /// Looks, at the leader, what stands after the expected message.
    async fn look(&self, log: &JetStreamLog, commit: &NewCommit) -> Result<After, ReadError> {
        let expected = revision(self.expected);
        if let Some(next) = log.next_of(self.shard, &self.subject, expected + 1).await? {
            let is_forged = log.claim(self.shard, &next) == Claim::Forged
                && self.headers.get(TAG_HEADER).is_some_and(|tag| tag.as_str() != NO_TAG);
            return Ok(if next.payload == commit.payload && !is_forged {
                After::Ours(Tail { version: commit.version, revision: next.sequence })
            } else {
                After::Theirs
            });
        }
        let last = log.last_of(self.shard, &self.subject).await?.map_or(0, |last| last.sequence);
        // An end before the expected one is an end that never was, or was lost: our commit cannot follow it.
        Ok(if last < expected { After::Theirs } else { After::Nothing })
    }
}

const fn revision(expected: Expected) -> u64 {
    match expected {
        Expected::Empty => 0,
        Expected::After(tail) => tail.revision,
    }
}

fn sort(error: async_nats::jetstream::Error) -> Published {
    let unavailable = error.code() == 503;
    match error.error_code() {
        // What is in flight may be an earlier publish of this commit, so it is looked for, too.
        ErrorCode::STREAM_WRONG_LAST_SEQUENCE | IN_FLIGHT => Published::Moved(Box::new(error)),
        ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM => Published::TooLarge,
        ErrorCode::STREAM_STORE_FAILED
        | ErrorCode::STORAGE_RESOURCES_EXCEEDED
        | ErrorCode::INSUFFICIENT_RESOURCES
        | ErrorCode::ACCOUNT_RESOURCES_EXCEEDED => Published::Full(Box::new(error)),
        _ if unavailable => Published::Unknown(Box::new(error)),
        _ => Published::Refused(Box::new(error)),
    }
}
