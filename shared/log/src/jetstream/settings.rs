//! The streams that hold the log: creating them, and refusing those whose settings could lose commits.

use async_nats::jetstream::{
    Context, ErrorCode,
    context::{GetStreamError, GetStreamErrorKind},
    stream::{Config, DiscardPolicy, Info, PersistenceMode, RetentionPolicy, StorageType},
};
use berth_proto::{Partition, subject::PARTITIONS};
use thiserror::Error;

use super::{Absent, JetStreamOptions};
use crate::local::STORED_BYTES_MAX;

/// The metadata key under which each stream says how many shards the log has.
const SHARDS_KEY: &str = "berth-shards";
/// Bytes that a message's subject and headers may take beside its payload.
const MESSAGE_OVERHEAD_BYTES_MAX: usize = 1024;
/// The oldest server with everything that the log relies on.
const SERVER_VERSION_MIN: (u32, u32) = (2, 12);

/// The log on JetStream cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The server does not answer; a retry may help.
    #[error("JetStream is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server refuses to create a stream.
    #[error("stream {stream} cannot be created")]
    Create {
        /// The stream.
        stream: String,
        /// What the server says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server is too old.
    #[error("the NATS server has version {found}; {}.{} or newer is needed", SERVER_VERSION_MIN.0, SERVER_VERSION_MIN.1)]
    ServerVersion {
        /// What it says of itself.
        found: String,
    },
    /// The number of shards is fixed at the first start.
    #[error("the log was made with {recorded} shards and cannot be opened with {asked}")]
    Shards {
        /// What was recorded at the first start.
        recorded: String,
        /// What was asked for.
        asked: u8,
    },
    /// No log has so many shards.
    #[error("{asked} shards were asked for; 1 to {PARTITIONS} are possible")]
    ShardsRange {
        /// What was asked for.
        asked: u8,
    },
    /// A stream of the log is not there, and is not to be made: it was deleted. Restore it from a backup or a
    /// mirror.
    #[error("stream {stream} of the log is not there: restore it")]
    Missing {
        /// The stream.
        stream: String,
    },
    /// A setting of a stream could lose commits.
    #[error("stream {stream} has {setting} = {found}, which could lose commits; {wanted} is needed")]
    Drift {
        /// The stream.
        stream: String,
        /// The setting, as the server calls it.
        setting: &'static str,
        /// Its value.
        found: String,
        /// What it must be.
        wanted: String,
    },
}

/// The name of the stream of a shard.
pub fn stream_name(shard: u8) -> String {
    format!("BERTH_LOG_{shard}")
}

/// The settings that the stream of a shard is created with.
fn config(shard: u8, options: &JetStreamOptions) -> Config {
    let shards = options.shards;
    let of_shard = Partition::all().filter(|partition| partition.shard(shards) == shard);
    Config {
        name: stream_name(shard),
        description: Some(format!("The event log of Berth, shard {shard} of {shards}. Never purge it.")),
        subjects: of_shard.map(|partition| format!("berth.v1.log.*.{partition}.*")).collect(),
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        num_replicas: options.replicas,
        max_messages: -1,
        max_bytes: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        max_message_size: -1,
        deny_delete: true,
        deny_purge: true,
        allow_direct: true,
        metadata: [(SHARDS_KEY.to_owned(), shards.to_string())].into(),
        ..Config::default()
    }
}

/// Makes sure that every stream is there and safe.
///
/// Streams are created from the last shard to the first: where the first is, all were.
pub(super) async fn open(
    context: &Context,
    options: &JetStreamOptions,
    absent: Absent,
) -> Result<(), OpenError> {
    if !(1..=PARTITIONS).contains(&options.shards) {
        return Err(OpenError::ShardsRange { asked: options.shards });
    }
    let mut found = Vec::new();
    for shard in 0..options.shards {
        let info = info(context, shard).await?;
        if let Some(info) = &info {
            check_shards(info, options)?;
        }
        found.push((shard, info));
    }
    let complete = found.first().is_some_and(|(_, info)| info.is_some());
    let used = found.iter().any(|(_, info)| info.as_ref().is_some_and(|info| info.state.last_sequence > 0));
    for (shard, info) in found.into_iter().rev() {
        let info = match info {
            Some(info) => info,
            None if refuses(absent, complete || used) => {
                return Err(OpenError::Missing { stream: stream_name(shard) });
            }
            None => create(context, shard, options).await?,
        };
        check_shards(&info, options)?;
        if let Some(drift) = drift(&info.config, &config(shard, options)) {
            return Err(drift);
        }
        if info.config.num_replicas != options.replicas {
            tracing::warn!(
                stream = info.config.name,
                replicas = info.config.num_replicas,
                configured = options.replicas,
                "the stream has another number of replicas than configured; it is left as it is"
            );
        }
    }
    Ok(())
}

/// Whether a stream that is absent is not to be made.
const fn refuses(absent: Absent, others: bool) -> bool {
    match absent {
        Absent::Refused => true,
        Absent::Created => others,
        Absent::CreatedBesideOthers => false,
    }
}

/// Which life of a stream this is: the moment of its creation, in nanoseconds since the Unix epoch.
pub(super) fn incarnation(info: &Info) -> u64 {
    u64::try_from(info.created.unix_timestamp_nanos()).unwrap_or_default()
}

/// Refuses a server that is too old.
pub(super) fn check_version(version: &str) -> Result<(), OpenError> {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if found < SERVER_VERSION_MIN {
        return Err(OpenError::ServerVersion { found: version.to_owned() });
    }
    Ok(())
}

async fn info(context: &Context, shard: u8) -> Result<Option<Info>, OpenError> {
    match context.get_stream(stream_name(shard)).await {
        Ok(stream) => Ok(Some(stream.cached_info().clone())),
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => Err(OpenError::Unavailable(Box::new(error))),
    }
}

fn is_not_found(error: &GetStreamError) -> bool {
    matches!(error.kind(), GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

async fn create(context: &Context, shard: u8, options: &JetStreamOptions) -> Result<Info, OpenError> {
    let created = context.create_stream(config(shard, options)).await;
    match created {
        Ok(stream) => {
            tracing::info!(stream = stream_name(shard), "a stream of the log was created");
            Ok(stream.cached_info().clone())
        }
        // Another replica may have been faster; what it made is verified like any other.
        Err(source) => match info(context, shard).await? {
            Some(info) => Ok(info),
            None => Err(OpenError::Create { stream: stream_name(shard), source: Box::new(source) }),
        },
    }
}

fn check_shards(info: &Info, options: &JetStreamOptions) -> Result<(), OpenError> {
    let recorded = info.config.metadata.get(SHARDS_KEY).map_or("no", String::as_str);
    if recorded == options.shards.to_string() {
        Ok(())
    } else {
        Err(OpenError::Shards { recorded: recorded.to_owned(), asked: options.shards })
    }
}

/// The first dangerous difference of a stream's settings.
fn drift(found: &Config, wanted: &Config) -> Option<OpenError> {
    let sorted = |config: &Config| {
        let mut subjects = config.subjects.clone();
        subjects.sort();
        subjects
    };
    let is = |setting, safe: bool, found: String, wanted: &str| {
        (!safe).then(|| (setting, found, wanted.to_owned()))
    };
    let message_bytes = i32::try_from(STORED_BYTES_MAX + MESSAGE_OVERHEAD_BYTES_MAX).unwrap_or(i32::MAX);
    let size = found.max_message_size;
    [
        is(
            "retention",
            found.retention == RetentionPolicy::Limits,
            format!("{:?}", found.retention),
            "limits",
        ),
        is("storage", found.storage == StorageType::File, format!("{:?}", found.storage), "file"),
        is("discard", found.discard == DiscardPolicy::New, format!("{:?}", found.discard), "new"),
        is("max_age", found.max_age.is_zero(), format!("{:?}", found.max_age), "0"),
        is(
            "max_msgs_per_subject",
            found.max_messages_per_subject <= 0,
            found.max_messages_per_subject.to_string(),
            "-1",
        ),
        is("deny_delete", found.deny_delete, "false".to_owned(), "true"),
        is("deny_purge", found.deny_purge, "false".to_owned(), "true"),
        is("persist_mode", found.persist_mode != Some(PersistenceMode::Async), "async".to_owned(), "default"),
        is("no_ack", !found.no_ack, "true".to_owned(), "false"),
        is("sealed", !found.sealed, "true".to_owned(), "false"),
        is("allow_rollup_hdrs", !found.allow_rollup, "true".to_owned(), "false"),
        is("allow_msg_ttl", !found.allow_message_ttl, "true".to_owned(), "false"),
        is("allow_msg_counter", !found.allow_message_counter, "true".to_owned(), "false"),
        is("mirror", found.mirror.is_none(), "a mirror".to_owned(), "none"),
        is("sources", found.sources.as_ref().is_none_or(Vec::is_empty), "some".to_owned(), "none"),
        is("subject_transform", found.subject_transform.is_none(), "a transform".to_owned(), "none"),
        is(
            "subjects",
            sorted(found) == sorted(wanted),
            found.subjects.join(", "),
            &wanted.subjects.join(", "),
        ),
        is("max_msg_size", size <= 0 || size >= message_bytes, size.to_string(), &message_bytes.to_string()),
    ]
    .into_iter()
    .flatten()
    .next()
    .map(|(setting, value, wanted)| OpenError::Drift {
        stream: found.name.clone(),
        setting,
        found: value,
        wanted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shards_share_all_partitions_between_them() {
        for shards in [1, 3, 4, 64] {
            let options = JetStreamOptions { shards, replicas: 1 };
            let mut subjects: Vec<_> =
                (0..shards).flat_map(|shard| config(shard, &options).subjects).collect();
            assert_eq!(subjects.len(), usize::from(PARTITIONS));
            subjects.sort();
            subjects.dedup();
            assert_eq!(subjects.len(), usize::from(PARTITIONS));
        }
    }

    #[test]
    fn an_old_server_is_refused() {
        assert!(check_version("2.12.0").is_ok());
        assert!(check_version("2.15.1").is_ok());
        assert!(check_version("3.0.0-beta").is_ok());
        assert!(check_version("2.11.9").is_err());
        assert!(check_version("unknown").is_err());
    }
}
