//! Why a process could not be started, and with which code it ends.

use std::{io, net::SocketAddr, path::PathBuf};

use berth_bus::{KeyRingError, KeyStoreError, local::FileError, nats};
use berth_log::{embedded, jetstream};
use berth_runtime::{ConfigError, http::BindError, telemetry::TelemetryError};
use thiserror::Error;

use crate::{account::AccountError, exit, folder::FolderError, rebuild::RebuildError, transfer::Fault};

/// The process could not be started.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The log was made with another number of shards.
    #[error(
        "`log_shards` (BERTH_LOG_SHARDS) is {asked}, but this log was made with {recorded} shards, which cannot \
         be changed: set it to {recorded}"
    )]
    Shards {
        /// What was recorded at the first start.
        recorded: String,
        /// What is set.
        asked: u8,
    },
    /// The embedded log cannot be opened.
    #[error(transparent)]
    EmbeddedLog(embedded::OpenError),
    /// A file of the embedded engine cannot be opened.
    #[error(transparent)]
    File(#[from] FileError),
    /// Nothing can ask an upstream.
    #[error("upstreams cannot be asked")]
    Upstreams(#[from] berth_upstreams::UpstreamError),
    /// Nothing can ask the collector of traces.
    #[error("the collector of traces cannot be asked")]
    Collector(#[source] reqwest::Error),
    /// The views cannot be thrown away.
    #[error("the views cannot be thrown away")]
    Views(#[from] berth_views::OpenError),
    /// Views are not built anew.
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
    /// The evidence key is none.
    #[error("the evidence key (BERTH_EVIDENCE_KEY, or `evidence.key` in the data folder) is no key")]
    EvidenceKey(#[source] berth_evidence::InvalidKey),
    /// There is no key yet that could be followed by another.
    #[error("nothing was signed yet: start with the new key instead")]
    NothingSigned,
    /// What is published about the log cannot be read or added to.
    #[error("what is published about the log cannot be read or added to")]
    Evidence(#[from] berth_evidence::BoardError),
    /// The log does not answer.
    #[error(transparent)]
    Read(#[from] berth_log::ReadError),
    /// No process answers where one should listen.
    #[error(
        "nothing answers at http://{address}/readyz: is the process running, and `http` (BERTH_HTTP) its address?"
    )]
    NoAnswer {
        /// Where it was asked.
        address: SocketAddr,
        /// What happened.
        #[source]
        source: io::Error,
    },
    /// NATS does not answer.
    #[error("`nats_url` (BERTH_NATS_URL) cannot be used")]
    Nats(#[source] nats::ConnectError),
    /// The process may not do on NATS what it has to.
    #[error(
        "the user of this process on NATS lacks a permission ({what}): give it those that `berth provision --permissions` \
         prints for its role"
    )]
    Denied {
        /// What they did not permit.
        what: String,
        /// What came of that.
        #[source]
        source: Box<Failure>,
    },
    /// A stream of NATS cannot be used.
    #[error(transparent)]
    Stream(#[from] nats::OpenError),
    /// The durable reader of an account cannot be made.
    #[error(
        "a durable reader of public events cannot be made: has the user of NATS the rights of the operator?"
    )]
    Reader(#[from] nats::StreamError),
    /// The process cannot become a member of its deployment.
    #[error(transparent)]
    Member(#[from] nats::JoinError),
    /// The log on JetStream cannot be used.
    #[error(transparent)]
    JetStream(jetstream::OpenError),
    /// The key store does not answer, or the master key is another one.
    #[error("{}", wrong_key(_0))]
    Keys(#[source] KeyRingError),
    /// The master key was retired.
    #[error(
        "`master_key` (BERTH_MASTER_KEY) was retired by `berth keys retire`: give the one that took its place"
    )]
    RetiredKey,
    /// A master key that is used cannot be retired.
    #[error(
        "this is the master key that is used: another one must take its place first (`berth keys rotate`)"
    )]
    OnlyKey,
    /// A master key that nothing was ever opened with.
    #[error("this is no master key of the deployment")]
    UnknownKey,
    /// The log is not the one that was seen, or not all of it.
    #[error(
        "the log lost acknowledged commits, or is not the log of this deployment: {0}; restore it, or accept the \
         loss with `berth recover --accept-rollback`"
    )]
    Vanished(String),
    /// The log has commits, and the keys that belong to them are not there.
    #[error(
        "the log has commits, but the keys that belong to it are not in the key store, and were not destroyed: \
         restore the key store from its backup"
    )]
    KeysMissing,
    /// The record of the deployment does not answer.
    #[error("the record of the deployment, which is kept with the keys, cannot be read or written")]
    Deployment(#[source] KeyStoreError),
    /// The record of the deployment is not one of ours.
    #[error("the record of the deployment, which is kept with the keys, is damaged")]
    DeploymentDamaged(#[source] serde_json::Error),
    /// Somebody else wrote into the record of the deployment.
    #[error(
        "the record of the deployment does not say up to where commits may be without an authentication tag, or somebody else said \
         so: a process of an earlier release wrote it, or an intruder; restore it from the backup of the keys, or make that place \
         anew with `berth recover --border`"
    )]
    BorderForged,
    /// The record of the deployment is older than the log.
    #[error(
        "the record of the deployment says generation {recorded}, and the log was written in generation {written}: somebody put the \
         record back, or an old backup of the keys was restored: restore the one of now, or raise it again with \
         `berth recover --border`"
    )]
    WentBack {
        /// What the record says.
        recorded: u16,
        /// What the log was written in.
        written: u16,
    },
    /// What is made anew must not be used meanwhile.
    #[error(
        "{member}{} runs: stop every process first, or wait 15 seconds if it has just ended",
        at(address)
    )]
    Runs {
        /// Its role and name.
        member: String,
        /// Where it listens.
        address: String,
    },
    /// Others kept changing the record of the deployment.
    #[error("the record of the deployment was changed by others again and again")]
    Contended,
    /// Nobody has made the record yet.
    #[error("no session-aggregate has started this deployment yet")]
    NotStarted,
    /// A later release has raised what the deployment writes.
    #[error(
        "this deployment writes formats of generation {recorded}, and this release knows {}: start a newer one; if no release writes \
         them, somebody else wrote the record: restore it from the backup of the keys, or make it anew with `berth recover --border`",
        berth_proto::WriteVersion::NEWEST.number()
    )]
    WriteVersion {
        /// What the record says.
        recorded: u16,
    },
    /// A process that runs is not ready for what is to be written.
    #[error(
        "nothing is raised to formats of generation {next}: {member}{} {}", at(address), in_words(*reads, *writes, *next)
    )]
    Behind {
        /// Its role and name.
        member: String,
        /// Where it listens.
        address: String,
        /// The newest generation that its release reads; 0 if it does not say.
        reads: u16,
        /// The one that it writes; 0 if it does not say.
        writes: u16,
        /// The one that was to be written.
        next: u16,
    },
    /// What is to be imported is not to be.
    #[error("{} is not imported, and nothing was changed", path.display())]
    Export {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: Fault,
    },
    /// A folder has no deployment.
    #[error("there is no deployment in {}", folder.display())]
    NothingThere {
        /// The folder.
        folder: PathBuf,
    },
    /// An import is for a deployment that has nothing.
    #[error(
        "there is a deployment in {place} already, and an import fills only one that has nothing yet: name another data \
         folder, or another server"
    )]
    NotEmpty {
        /// Where.
        place: String,
    },
    /// What is there was not written by an import of this export.
    #[error(
        "an import of another export was begun here and is not finished, or somebody wrote here meanwhile: go on with the \
         former one, or begin with an empty folder or server"
    )]
    AnotherImport,
    /// An import was interrupted.
    #[error(
        "an import into this deployment was begun and is not finished: run the same `berth import` again, which goes on"
    )]
    ImportUnfinished,
    /// The log would have another number of shards.
    #[error(
        "`log_shards` (BERTH_LOG_SHARDS) is {asked}, and the export has {exported} shards: set it to {exported}, or begin a \
         new log with --reshard, whose commits have other numbers and whose checkpoints name the former ones"
    )]
    OtherShards {
        /// How many the export has.
        exported: u8,
        /// What is set.
        asked: u8,
    },
    /// What was signed would not be gone on with.
    #[error(
        "give the evidence key of the deployment (BERTH_EVIDENCE_KEY): the first start would make another one here, which can \
         sign nothing"
    )]
    EvidenceKeyNeeded,
    /// An export has everything or is none.
    #[error(
        "{count} commits are gone from within shard {shard} of the log: what lacks something is not exported"
    )]
    Lacks {
        /// The shard.
        shard: u8,
        /// How many.
        count: u64,
    },
    /// An export has everything or is none.
    #[error(
        "the log cannot give commits {first} to {last} of shard {shard}: what lacks something is not exported"
    )]
    Gap {
        /// The shard.
        shard: u8,
        /// The first one.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// One process alone writes to an embedded log, which knows no forged commits.
    #[error(
        "{count} commits of the export were forged where it was made, which only a log on NATS can tell from the deployment's own: \
         import it there"
    )]
    ForgedCommits {
        /// How many.
        count: u64,
    },
    /// A line cannot be written.
    #[error("a line of the export cannot be written")]
    Unwritable(#[source] serde_json::Error),
    /// The log cannot be read in its order.
    #[error("the log cannot be read in its order")]
    Follow(#[from] berth_log::FollowError),
    /// A commit was not appended.
    #[error("the import was interrupted: run it again, and it goes on where it stopped")]
    Append(#[source] berth_log::AppendError),
    /// The account `default` cannot be had.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The address cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A role cannot be started.
    #[error("the role {role} cannot be started")]
    Role {
        /// Which one.
        role: berth_runtime::Role,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The certificate of the listener cannot be used.
    #[error("`http_tls_cert` (BERTH_HTTP_TLS_CERT) and `http_tls_key` (BERTH_HTTP_TLS_KEY) cannot be used")]
    Tls(#[from] berth_runtime::http::TlsError),
    /// Telemetry cannot be set up.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The operating system refused something that every process needs.
    #[error("the system refused {what}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

fn wrong_key(error: &KeyRingError) -> &'static str {
    match error {
        KeyRingError::Unwrap(_) => {
            "`master_key` (BERTH_MASTER_KEY) is not the one that this deployment was started with"
        }
        KeyRingError::Store(_) => "the key store does not answer",
        KeyRingError::Missing => "a key is not in the key store",
    }
}

impl From<embedded::OpenError> for Failure {
    fn from(error: embedded::OpenError) -> Self {
        match error {
            embedded::OpenError::Shards { recorded, asked } => {
                Self::Shards { recorded: recorded.to_string(), asked }
            }
            other => Self::EmbeddedLog(other),
        }
    }
}

impl From<jetstream::OpenError> for Failure {
    fn from(error: jetstream::OpenError) -> Self {
        match error {
            jetstream::OpenError::Shards { recorded, asked } => Self::Shards { recorded, asked },
            other => Self::JetStream(other),
        }
    }
}

impl From<KeyRingError> for Failure {
    fn from(error: KeyRingError) -> Self {
        Self::Keys(error)
    }
}

fn at(address: &str) -> String {
    if address.is_empty() { String::new() } else { format!(" at {address}") }
}

/// Why a process is not ready for the next generation of formats, and what to do.
fn in_words(reads: u16, writes: u16, next: u16) -> String {
    if reads < next {
        "is of a release that does not read them: replace it first, or wait 15 seconds if it has just ended"
            .to_owned()
    } else {
        format!("still writes those of generation {writes}: start it again first")
    }
}

impl Failure {
    /// The exit code: whether starting again can help.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::JetStream(
                jetstream::OpenError::Unavailable(_)
                | jetstream::OpenError::Create { .. }
                | jetstream::OpenError::Missing { .. },
            ) => exit::UNAVAILABLE,
            Self::Rebuild(error) if !error.may_be_tried_again() => exit::USAGE,
            Self::Config(_)
            | Self::Folder(_)
            | Self::Shards { .. }
            | Self::EmbeddedLog(_)
            | Self::JetStream(_)
            | Self::File(_)
            | Self::Views(_)
            | Self::Keys(KeyRingError::Unwrap(_))
            | Self::Vanished(_)
            | Self::EvidenceKey(_)
            | Self::NothingSigned
            | Self::Evidence(
                berth_evidence::BoardError::Entry { .. }
                | berth_evidence::BoardError::Sign(_)
                | berth_evidence::BoardError::AnotherKey,
            )
            | Self::KeysMissing
            | Self::RetiredKey
            | Self::OnlyKey
            | Self::UnknownKey
            | Self::Tls(_)
            | Self::DeploymentDamaged(_)
            | Self::BorderForged
            | Self::WentBack { .. }
            | Self::WriteVersion { .. }
            | Self::Export { .. }
            | Self::NothingThere { .. }
            | Self::NotEmpty { .. }
            | Self::AnotherImport
            | Self::OtherShards { .. }
            | Self::EvidenceKeyNeeded
            | Self::ForgedCommits { .. }
            | Self::Lacks { .. }
            | Self::Denied { .. }
            | Self::Gap { .. }
            | Self::Account(AccountError::TokenTaken | AccountError::NoToken)
            | Self::Nats(
                nats::ConnectError::Credentials(_)
                | nats::ConnectError::Address(_)
                | nats::ConnectError::Refused(_)
                | nats::ConnectError::NoJetStream,
            )
            | Self::Stream(nats::OpenError::Drift { .. } | nats::OpenError::Former { .. })
            | Self::Member(
                nats::JoinError::Taken { .. }
                | nats::JoinError::Open(nats::OpenError::Drift { .. } | nats::OpenError::Former { .. }),
            ) => exit::USAGE,
            _ => exit::UNAVAILABLE,
        }
    }
}
