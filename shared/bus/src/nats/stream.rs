//! What a stream of last values must be like, and what can be wrong with one.

use async_nats::jetstream::{
    context::{CreateStreamError, GetStreamError, PublishError},
    stream::{
        Config, ConsumerError, DeleteMessageError, DiscardPolicy, InfoError, RawMessageError, RetentionPolicy,
    },
};
use thiserror::Error;

/// A stream cannot be used as it is.
#[derive(Debug, Error)]
pub enum OpenError {
    /// It could be neither found nor made. A retry helps when NATS works.
    #[error("the stream {stream} can be neither found nor made")]
    Unavailable {
        /// The stream.
        stream: String,
        /// Why.
        #[source]
        source: CreateStreamError,
    },
    /// Whether it is there is not known. A retry helps when NATS works.
    #[error("the stream {stream} does not say whether it is there")]
    Unanswered {
        /// The stream.
        stream: String,
        /// Why.
        #[source]
        source: GetStreamError,
    },
    /// It exists with a setting that would lose or reveal what is kept in it. An operator has to mend it.
    #[error("the stream {stream} has another `{setting}` than this program needs")]
    Drift {
        /// The stream.
        stream: String,
        /// The setting, as NATS names it.
        setting: &'static str,
    },
    /// It is of a development version before the first release, in which whoever makes keys could also write over
    /// them. What it holds cannot be told from what was forged, so it is not taken over.
    #[error(
        "the stream {stream} was made by a development version before the first release, where a later message took \
         the place of a key: nothing of it is taken over; begin with a store of NATS that is empty"
    )]
    Former {
        /// The stream.
        stream: String,
    },
}

/// A stream did not do what it was asked for.
#[derive(Debug, Error)]
pub enum StreamError {
    /// There is no connection, so nothing was asked: it would wait in the client and could be stored long after
    /// its caller gave up. A retry helps when the connection is back.
    #[error("there is no connection to NATS")]
    NotConnected,
    /// Somebody else wrote the subject first. Read it again.
    #[error("the value was changed by somebody else")]
    Conflict,
    /// The write was not acknowledged: whether it was stored is not known. A retry helps when NATS works.
    #[error("the stream did not acknowledge a write")]
    Publish(#[source] PublishError),
    /// The read failed. A retry helps when NATS works.
    #[error("the stream did not answer a read")]
    Read(#[source] RawMessageError),
    /// Whether the stream is there is not known, or it is gone. A retry helps when NATS works.
    #[error("the stream {stream} is not there, or does not answer")]
    Unanswered {
        /// The stream.
        stream: String,
        /// Why.
        #[source]
        source: GetStreamError,
    },
    /// A setting of the stream was changed, so that it would lose or reveal what is kept in it. An operator has to
    /// mend it.
    #[error("the stream {stream} has another `{setting}` than this program needs")]
    Drift {
        /// The stream.
        stream: String,
        /// The setting, as NATS names it.
        setting: &'static str,
    },
    /// The stream did not say what it has. A retry helps when NATS works.
    #[error("the stream did not say which subjects it has")]
    Info(#[source] InfoError),
    /// The stream cannot be followed. A retry helps when NATS works.
    #[error("the stream cannot be followed")]
    Follow(#[source] ConsumerError),
    /// The message could not be erased. A retry helps when NATS works.
    #[error("the stream did not erase a message")]
    Erase(#[source] DeleteMessageError),
    /// The bytes are not ours. A retry does not help.
    #[error("the stored value is not of this program")]
    Malformed,
}

/// The settings that all our streams share; the rest is the caller's.
pub(super) fn settings(name: &str, subject: &str, replicas: usize) -> Config {
    Config {
        name: name.to_owned(),
        subjects: vec![subject.to_owned()],
        num_replicas: replicas,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        allow_direct: false,
        ..Config::default()
    }
}

/// Whether this is a stream of keys as development versions made it: without subjects for what was destroyed, and
/// with any number of messages for an owner.
pub(super) fn is_former(wanted: &Config, found: &Config) -> bool {
    wanted.discard_new_per_subject
        && !found.discard_new_per_subject
        && wanted.subjects.first() == found.subjects.first()
        && found.subjects.len() < wanted.subjects.len()
}

/// The first setting that differs and matters: another one would drop values, show stale ones, or keep them
/// from being erased.
pub(super) fn drift(wanted: &Config, found: &Config) -> Option<&'static str> {
    let unlimited = |limit: i64| limit <= 0;
    [
        ("subjects", wanted.subjects == found.subjects),
        ("storage", wanted.storage == found.storage),
        ("retention", wanted.retention == found.retention),
        ("discard", wanted.discard == found.discard),
        ("max_age", wanted.max_age == found.max_age),
        ("max_msgs", unlimited(wanted.max_messages) == unlimited(found.max_messages)),
        ("max_bytes", unlimited(wanted.max_bytes) == unlimited(found.max_bytes)),
        (
            "max_msgs_per_subject",
            wanted.max_messages_per_subject.max(0) == found.max_messages_per_subject.max(0),
        ),
        ("discard_new_per_subject", wanted.discard_new_per_subject == found.discard_new_per_subject),
        ("deny_delete", wanted.deny_delete == found.deny_delete),
        ("deny_purge", wanted.deny_purge == found.deny_purge),
        ("allow_direct", !found.allow_direct),
        ("allow_msg_ttl", wanted.allow_message_ttl == found.allow_message_ttl),
        ("allow_rollup_hdrs", !found.allow_rollup),
        ("allow_msg_counter", !found.allow_message_counter),
        ("allow_msg_schedules", !found.allow_message_schedules),
        ("subject_transform", found.subject_transform.is_none()),
        ("mirror", found.mirror.is_none()),
        ("sources", found.sources.is_none()),
        ("republish", found.republish.is_none()),
        ("no_ack", !found.no_ack),
        ("sealed", !found.sealed),
    ]
    .into_iter()
    .find_map(|(setting, same)| (!same).then_some(setting))
}
