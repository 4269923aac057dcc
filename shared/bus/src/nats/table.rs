//! One stream with the last values of its subjects: read at the leader, written by compare and set.

use std::{fmt, sync::Arc, time::Duration};

use async_nats::{
    Client,
    connection::State,
    jetstream::{
        Context, ErrorCode,
        consumer::{PullConsumer, pull},
        context::{GetStreamError, GetStreamErrorKind, PublishError, PublishErrorKind},
        message::{PublishMessage, StreamMessage},
        stream::{Config, Info, RawMessageError, RawMessageErrorKind, Stream},
    },
};
use bytes::Bytes;
use futures::TryStreamExt;
use tokio::time::sleep;

use super::stream::{OpenError, StreamError, drift, is_former};

/// How often a write is repeated while another one to its subject is under way on a cluster.
const IN_FLIGHT_TRIES_MAX: u32 = 20;
/// The pause before such a repetition.
const IN_FLIGHT_PAUSE: Duration = Duration::from_millis(10);
/// The header that says of which subjects the expected sequence is the last; the client has no name for it.
const EXPECTED_OF_HEADER: &str = "Nats-Expected-Last-Subject-Sequence-Subject";
/// Messages of one subject that one call erases. More than two would mean many crashes in the same place.
const ERASED_AT_ONCE_MAX: usize = 1_024;

/// A stream, by its name only: whether it exists shows with each call.
#[derive(Clone)]
pub(super) struct Table {
    client: Client,
    context: Context,
    stream: Stream<()>,
    /// What it must be like.
    settings: Arc<Config>,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({})", self.settings.name)
    }
}

impl Table {
    /// Finds the stream or makes it, and checks that it keeps what it is given. `timeout` is for each call.
    pub(super) async fn open(
        client: Client,
        settings: &Config,
        timeout: Duration,
    ) -> Result<Self, OpenError> {
        let mut context = async_nats::jetstream::new(client.clone());
        context.set_timeout(timeout);
        let name = settings.name.clone();
        let unavailable = |source| OpenError::Unavailable { stream: name.clone(), source };
        let found = context.get_or_create_stream(settings.clone()).await.map_err(unavailable)?;
        Self::of(client, context, settings, &found.cached_info().config).await
    }

    /// Finds the stream and checks it; none if it is not there.
    pub(super) async fn find(
        client: Client,
        settings: &Config,
        timeout: Duration,
    ) -> Result<Option<Self>, OpenError> {
        let mut context = async_nats::jetstream::new(client.clone());
        context.set_timeout(timeout);
        match context.get_stream(&settings.name).await {
            Ok(found) => Self::of(client, context, settings, &found.cached_info().config).await.map(Some),
            Err(error) if is_gone(&error) => Ok(None),
            Err(source) => Err(OpenError::Unanswered { stream: settings.name.clone(), source }),
        }
    }

    async fn of(
        client: Client,
        context: Context,
        settings: &Config,
        found: &Config,
    ) -> Result<Self, OpenError> {
        let name = settings.name.clone();
        if is_former(settings, found) {
            return Err(OpenError::Former { stream: name });
        }
        if let Some(setting) = drift(settings, found) {
            return Err(OpenError::Drift { stream: name, setting });
        }
        if found.num_replicas != settings.num_replicas {
            tracing::warn!(
                stream = name,
                found = found.num_replicas,
                wanted = settings.num_replicas,
                "a stream has another number of replicas than configured"
            );
        }
        let stream = context
            .get_stream_no_info(&name)
            .await
            .map_err(|_| OpenError::Drift { stream: name.clone(), setting: "name" })?;
        Ok(Self { client, context, stream, settings: Arc::new(settings.clone()) })
    }

    /// Looks whether the stream is still there, and is still what it was when it was opened.
    pub(super) async fn check(&self) -> Result<(), StreamError> {
        self.connected()?;
        let stream = self.settings.name.clone();
        let found = match self.context.get_stream(&stream).await {
            Ok(found) => found,
            Err(source) => return Err(StreamError::Unanswered { stream, source }),
        };
        match drift(&self.settings, &found.cached_info().config) {
            Some(setting) => Err(StreamError::Drift { stream, setting }),
            None => Ok(()),
        }
    }

    /// What the stream says of itself.
    pub(super) async fn look(&self) -> Result<Info, StreamError> {
        self.connected()?;
        let stream = self.settings.name.clone();
        let found = self.context.get_stream(&stream).await;
        let found = found.map_err(|source| StreamError::Unanswered { stream, source })?;
        Ok(found.cached_info().clone())
    }

    /// A name that nobody else has, for a consumer: two with one name share the messages.
    pub(super) fn unique_name(&self, of: &str) -> String {
        let inbox = self.client.new_inbox();
        format!("berth-{of}-{}", inbox.rsplit('.').next().unwrap_or(&inbox))
    }

    /// Makes a consumer of the stream.
    pub(super) async fn consumer(&self, config: pull::Config) -> Result<PullConsumer, StreamError> {
        self.connected()?;
        let made = self.context.create_consumer_on_stream(config, &self.settings.name).await;
        made.map_err(StreamError::Follow)
    }

    /// Makes the stream anew if there is none any more; says whether it did. Only a stream in memory may be gone.
    pub(super) async fn restore(&self, settings: &Config) -> Result<bool, OpenError> {
        // A server that does not answer says nothing of the stream.
        if !matches!(self.context.get_stream(&self.settings.name).await, Err(error) if is_gone(&error)) {
            return Ok(false);
        }
        let unavailable = |source| OpenError::Unavailable { stream: self.settings.name.clone(), source };
        self.context.get_or_create_stream(settings.clone()).await.map_err(unavailable)?;
        Ok(true)
    }

    fn connected(&self) -> Result<(), StreamError> {
        match self.client.connection_state() {
            State::Connected => Ok(()),
            State::Pending | State::Disconnected => Err(StreamError::NotConnected),
        }
    }

    /// The last message of a subject.
    pub(super) async fn last(&self, subject: &str) -> Result<Option<StreamMessage>, StreamError> {
        self.connected()?;
        found(self.stream.get_last_raw_message_by_subject(subject).await)
    }

    /// The first message of a subject that has this sequence or a later one.
    pub(super) async fn next(&self, subject: &str, from: u64) -> Result<Option<StreamMessage>, StreamError> {
        self.connected()?;
        found(self.stream.get_first_raw_message_by_subject(subject, from).await)
    }

    /// The subjects of a filter that have a message. Who may see no message may still ask for this.
    pub(super) async fn subjects(&self, filter: &str) -> Result<Vec<String>, StreamError> {
        Ok(self.counts(filter).await?.into_iter().map(|(subject, _messages)| subject).collect())
    }

    /// The same, and how many messages each has.
    pub(super) async fn counts(&self, filter: &str) -> Result<Vec<(String, usize)>, StreamError> {
        self.connected()?;
        let info = self.stream.info_with_subjects(filter).await.map_err(StreamError::Info)?;
        info.try_collect().await.map_err(StreamError::Info)
    }

    /// Stores a message and returns its sequence. With `expected`, only if the subject's last message has that
    /// sequence (0: there is none).
    pub(super) async fn write(
        &self,
        subject: &str,
        payload: Bytes,
        expected: Option<u64>,
        ttl: Option<Duration>,
    ) -> Result<u64, StreamError> {
        let mut message = self.message(payload);
        if let Some(sequence) = expected {
            message = message.expected_last_subject_sequence(sequence);
        }
        if let Some(ttl) = ttl {
            message = message.ttl(whole_seconds(ttl));
        }
        self.publish(subject, message).await
    }

    /// Stores a message and returns its sequence, only if the last message of all subjects of a filter, which the
    /// message's own is one of, has that sequence (0: there is none).
    pub(super) async fn write_after(
        &self,
        subject: &str,
        payload: Bytes,
        filter: &str,
        expected: u64,
    ) -> Result<u64, StreamError> {
        let message = self.message(payload).expected_last_subject_sequence(expected);
        self.publish(subject, message.header(EXPECTED_OF_HEADER, filter)).await
    }

    /// The same with an id by which the server knows a message that it stored a moment ago: it is not stored again.
    pub(super) async fn write_identified(
        &self,
        subject: &str,
        id: &str,
        payload: Bytes,
        expected: u64,
    ) -> Result<u64, StreamError> {
        let message = self.message(payload).expected_last_subject_sequence(expected);
        self.publish(subject, message.message_id(id)).await
    }

    fn message(&self, payload: Bytes) -> PublishMessage {
        PublishMessage::build().payload(payload).expected_stream(&self.settings.name)
    }

    async fn publish(&self, subject: &str, message: PublishMessage) -> Result<u64, StreamError> {
        for _ in 0..IN_FLIGHT_TRIES_MAX {
            self.connected()?;
            match self.publish_once(subject, message.clone()).await {
                Err(error) if is_in_flight(&error) => sleep(IN_FLIGHT_PAUSE).await,
                Err(error) if is_conflict(&error) => return Err(StreamError::Conflict),
                result => return result.map_err(StreamError::Publish),
            }
        }
        Err(StreamError::Conflict)
    }

    async fn publish_once(&self, subject: &str, message: PublishMessage) -> Result<u64, PublishError> {
        let ack = self.context.send_publish(subject.to_owned(), message).await?.await?;
        Ok(ack.sequence)
    }

    /// Overwrites every message of a subject that was stored before `sequence`, the oldest first. Repeated
    /// after a crash, it goes on where it stopped.
    pub(super) async fn erase_before(&self, subject: &str, sequence: u64) -> Result<(), StreamError> {
        let mut tried = 0;
        for _ in 0..ERASED_AT_ONCE_MAX {
            let oldest = self.next(subject, 1).await?;
            let Some(oldest) = oldest.filter(|oldest| oldest.sequence < sequence) else {
                return Ok(());
            };
            // Somebody else may erase it at the same time; only one that stays there is an error.
            match self.stream.delete_message(oldest.sequence).await {
                Err(error) if tried == oldest.sequence => return Err(StreamError::Erase(error)),
                _ => tried = oldest.sequence,
            }
        }
        Err(StreamError::Conflict)
    }
}

fn is_gone(error: &GetStreamError) -> bool {
    match error.kind() {
        GetStreamErrorKind::JetStream(error) => error.error_code() == ErrorCode::STREAM_NOT_FOUND,
        _ => false,
    }
}

/// NATS counts times to live in whole seconds, at least one.
fn whole_seconds(ttl: Duration) -> Duration {
    let seconds = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
    Duration::from_secs(seconds.max(1))
}

fn found(result: Result<StreamMessage, RawMessageError>) -> Result<Option<StreamMessage>, StreamError> {
    match result {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(StreamError::Read(error)),
    }
}

/// Whether a cluster refused a write because another one to the same subject was not yet decided: nothing was
/// stored, and the same write may succeed in a moment.
fn is_in_flight(error: &PublishError) -> bool {
    code(error) == Some(ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT)
}

/// Whether a write was refused because of what stands there.
fn is_conflict(error: &PublishError) -> bool {
    error.kind() == PublishErrorKind::WrongLastSequence
}

fn code(error: &PublishError) -> Option<ErrorCode> {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<async_nats::jetstream::Error>())
        .map(async_nats::jetstream::Error::error_code)
}
