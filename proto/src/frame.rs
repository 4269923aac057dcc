//! Commands and their answers on the bus.

use serde::{Deserialize, Serialize};

use crate::{
    codec::{self, DecodeError, EncodeError, Frozen, RecordV1, from_payload, types},
    commit::{Hash, OriginV1, OutcomeV1, PrincipalV1},
    ids::{AccountId, CommandId, DirectoryId, EndpointId, InstanceId, Sealed, StreamId},
    instance::WebhookV1,
    limits,
    subject::StreamKey,
    time::Timestamp,
};

/// A command on its way to the session-aggregate, as release 0.1.0 began with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRequestV1 {
    /// Its id: the same for every retry.
    pub command_id: CommandId,
    /// Whether the client sent an `Idempotency-Key`.
    pub keyed: bool,
    /// Keyed digest of route, resolved instance and body.
    pub digest: Hash,
    /// Who asks.
    pub principal: PrincipalV1,
    /// How it came in.
    pub origin: OriginV1,
    /// The command that caused this one.
    pub causation: Option<CommandId>,
    /// What is asked of what.
    pub target: TargetV1,
}

/// What is asked of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TargetV1 {
    /// A [`crate::command::Command`] for an instance.
    Instance {
        /// The instance.
        instance: InstanceId,
        /// The command.
        command: RecordV1,
    },
    /// Create an account.
    CreateAccount {
        /// Its id.
        account: AccountId,
        /// What the operator calls it.
        name: Sealed,
        /// The directory entry of the name.
        name_entry: DirectoryId,
        /// Its token.
        token: Sealed,
        /// The directory entry of the token.
        token_entry: DirectoryId,
    },
    /// Change the token of an account.
    RotateAccountToken {
        /// The account.
        account: AccountId,
        /// The new token.
        token: Sealed,
        /// Its directory entry.
        token_entry: DirectoryId,
    },
    /// Change what an account is called, or what is kept with it.
    ChangeAccount {
        /// The account.
        account: AccountId,
        /// Its new name and the directory entry of that; none to keep the old one.
        name: Option<(Sealed, DirectoryId)>,
        /// Its new attributes; none to keep the old ones.
        attributes: Option<Sealed>,
    },
    /// Add or replace an endpoint that all instances of an account have.
    ConfigureAccountWebhook {
        /// The account.
        account: AccountId,
        /// The endpoint, sealed for the account.
        webhook: WebhookV1,
    },
    /// Remove such an endpoint.
    RemoveAccountWebhook {
        /// The account.
        account: AccountId,
        /// The endpoint.
        webhook: EndpointId,
    },
    /// Close an account: its token ends, its instances are deleted.
    CloseAccount {
        /// The account.
        account: AccountId,
    },
    /// Create an account with something that is kept with it.
    CreateDescribedAccount {
        /// Its id.
        account: AccountId,
        /// What the operator calls it.
        name: Sealed,
        /// The directory entry of the name.
        name_entry: DirectoryId,
        /// Its token.
        token: Sealed,
        /// The directory entry of the token.
        token_entry: DirectoryId,
        /// What the operator keeps with it: JSON.
        attributes: Sealed,
    },
    /// Disable an endpoint that all instances of an account have, since it wants nothing more.
    DisableAccountWebhook {
        /// The account.
        account: AccountId,
        /// The endpoint.
        webhook: EndpointId,
        /// When it was last changed as far as whoever asks knows: one that was changed since is not disabled.
        seen: Timestamp,
    },
    /// Replace an endpoint that all instances of an account have, unless it was changed since the change was made from it.
    ReplaceAccountWebhook {
        /// The account.
        account: AccountId,
        /// The endpoint as whoever asks knows it.
        seen: Box<WebhookV1>,
        /// As it shall be.
        webhook: WebhookV1,
    },
    /// Change the signing secret of an endpoint of an account; the present one signs beside it for a while.
    RotateAccountWebhookSecret {
        /// The account.
        account: AccountId,
        /// The endpoint.
        webhook: EndpointId,
        /// The new secret, sealed for the account.
        secret: Sealed,
        /// Until when the present secret still signs.
        keep_until: Timestamp,
    },
    /// Choose the upstream that the instances of an account are made on, unless a create says where.
    ChooseAccountUpstream {
        /// The account.
        account: AccountId,
        /// The name of the upstream; none for the deployment's own driver.
        upstream: Option<String>,
    },
}

impl TargetV1 {
    /// The stream that decides.
    pub const fn stream(&self) -> StreamKey {
        match self {
            Self::Instance { instance, .. } => StreamKey::instance(*instance),
            Self::CreateAccount { account, .. }
            | Self::CreateDescribedAccount { account, .. }
            | Self::RotateAccountToken { account, .. }
            | Self::ChangeAccount { account, .. }
            | Self::ConfigureAccountWebhook { account, .. }
            | Self::RemoveAccountWebhook { account, .. }
            | Self::DisableAccountWebhook { account, .. }
            | Self::ReplaceAccountWebhook { account, .. }
            | Self::RotateAccountWebhookSecret { account, .. }
            | Self::ChooseAccountUpstream { account, .. }
            | Self::CloseAccount { account } => StreamKey::account(*account),
        }
    }
}

impl Frozen for CommandRequestV1 {
    const TYPE: u16 = types::COMMAND_REQUEST;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::FRAME_BYTES_MAX;
}

/// A command on its way to the session-aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRequestV2 {
    /// Its id: the same for every retry.
    pub command_id: CommandId,
    /// Whether the client sent an `Idempotency-Key`.
    pub keyed: bool,
    /// Keyed digest of route, resolved instance and body.
    pub digest: Hash,
    /// Who asks.
    pub principal: PrincipalV1,
    /// How it came in.
    pub origin: OriginV1,
    /// The command that caused this one.
    pub causation: Option<CommandId>,
    /// What is asked of what.
    pub target: TargetV1,
    /// A [`crate::commit::CallerV1`] as JSON, sealed for the instance or account; none for a service's command.
    pub caller: Option<Sealed>,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
}

impl Frozen for CommandRequestV2 {
    const TYPE: u16 = types::COMMAND_REQUEST;
    const VERSION: u8 = 2;
    const BYTES_MAX: usize = limits::FRAME_BYTES_MAX;

    fn from_earlier(version: u8, payload: &[u8]) -> Option<Result<Self, DecodeError>> {
        let earlier = || from_payload::<CommandRequestV1>(payload).map(Self::from);
        (version == CommandRequestV1::VERSION).then(earlier)
    }
}

impl From<CommandRequestV1> for CommandRequestV2 {
    fn from(earlier: CommandRequestV1) -> Self {
        let CommandRequestV1 { command_id, keyed, digest, principal, origin, causation, target } = earlier;
        let (caller, traceparent) = (None, None);
        Self { command_id, keyed, digest, principal, origin, causation, target, caller, traceparent }
    }
}

impl CommandRequestV2 {
    /// A service's own command. Its id follows from the digest, so that a repetition is the same command.
    pub fn of_service(digest: Hash, via: &str, target: TargetV1) -> Self {
        Self {
            command_id: CommandId::of_digest(&digest),
            keyed: false,
            digest,
            principal: PrincipalV1::Service,
            origin: OriginV1 { via: via.to_owned() },
            causation: None,
            target,
            caller: None,
            traceparent: None,
        }
    }

    /// The bytes to be sent. A command that says nothing of its caller and its trace is sent in the earlier shape,
    /// which every replica reads during an upgrade.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        if self.caller.is_some() || self.traceparent.is_some() {
            return codec::encode(self);
        }
        let Self { command_id, keyed, digest, principal, origin, causation, target, .. } = self.clone();
        codec::encode(&CommandRequestV1 { command_id, keyed, digest, principal, origin, causation, target })
    }
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommandReplyV1 {
    /// Decided and, if it changed anything or was keyed, durable.
    Accepted(AcceptedV1),
    /// Decided against; nothing changed.
    Rejected(RejectionV1),
    /// Not decided; the same command may be sent again.
    Unavailable {
        /// Why, for the operator's log.
        reason: String,
    },
    /// Not decided, since the log has no room. The same command may be sent again, which helps once somebody made some:
    /// not at once.
    NoRoom {
        /// Why, for the operator's log.
        reason: String,
    },
}

impl Frozen for CommandReplyV1 {
    const TYPE: u16 = types::COMMAND_REPLY;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::FRAME_BYTES_MAX;
}

/// A command that was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedV1 {
    /// The instance or account: for a create, the one that the first try made.
    pub stream_id: StreamId,
    /// What it came to.
    pub outcome: OutcomeV1,
    /// Whether this is the stored outcome of an earlier try.
    pub replayed: bool,
    /// The version of the stream now.
    pub version: u64,
    /// The state of the stream now.
    pub state: RecordV1,
}

/// Why a command was decided against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectionV1 {
    /// The reason.
    pub code: RejectionCodeV1,
    /// The state that it was decided on, if there is one.
    pub state: Option<RecordV1>,
}

/// Why a command was decided against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionCodeV1 {
    /// There is no such instance or account.
    NotFound,
    /// The instance is deleted.
    Deleted,
    /// There is no session: never linked, or logged out.
    NoSession,
    /// The number is banned.
    Banned,
    /// There is a session or an attempt, and the command wants none.
    HasSession,
    /// A report on another attempt than the present one.
    StaleAttempt,
    /// A report of an older epoch.
    StaleEpoch,
    /// The state does not allow the report.
    OutOfPlace,
    /// The token that was shown is no longer the present one.
    StaleCredential,
    /// The idempotency key was used for another request.
    KeyReused,
    /// The name is taken.
    NameTaken,
    /// The token is taken.
    TokenTaken,
    /// The number is taken.
    NumberTaken,
    /// The foreign id is taken.
    AliasTaken,
    /// There is no such webhook endpoint.
    UnknownWebhook,
    /// More webhook endpoints than are allowed.
    TooManyWebhooks,
    /// The webhook configuration is larger than allowed.
    WebhooksTooLarge,
    /// The settings or the whole state are larger than allowed.
    StateTooLarge,
    /// What the command builds on has changed meanwhile.
    Changed,
    /// The instance exists already.
    Exists,
    /// The last commit of the stream is damaged: it refuses commands until an operator decides.
    Damaged,
    /// Whoever sends on the subject that it came on may not ask for this, or not as this principal.
    NotForSender,
    /// What it comes to has no place in the formats that the deployment writes yet: its write version has to be raised.
    UpgradeNeeded,
    /// The instance that had this name at the upstream is deleted, and what it left there is still being ended.
    StillLeaving,
}
