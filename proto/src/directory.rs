//! Events and carried state of a directory entry: one tiny aggregate for each unique key.

use serde::{Deserialize, Serialize};

use crate::{
    codec::{Frozen, types, wire_enum},
    commit::{CarriedState, Hash},
    ids::{AccountId, CommandId, InstanceId, Sealed},
    instance::EntriesV1,
    limits,
    time::Timestamp,
};

wire_enum!(
    /// Something that happened to a directory entry.
    DirectoryEvent, max limits::STATE_BYTES_MAX, {
        /// The key belongs to an instance or an account from now on.
        301 v 1 => Reserved(ReservedV1),
        /// The key is free again.
        302 v 1 => Released(ReleasedV1),
    }
);

/// See [`DirectoryEvent::Reserved`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservedV1 {
    /// Who holds it.
    pub hold: HoldV1,
}

/// See [`DirectoryEvent::Released`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedV1 {
    /// Who held it.
    pub former: FormerV1,
}

/// Who holds a unique key, and what a create has generated under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldV1 {
    /// What kind of key it is.
    pub purpose: PurposeV1,
    /// The account.
    pub account: AccountId,
    /// The instance; none for an account's token or name.
    pub instance: Option<InstanceId>,
    /// The version of the token, 0 for other keys.
    pub credential_version: u32,
    /// The command that reserved it.
    pub command_id: CommandId,
    /// The digest of that command.
    pub digest: Hash,
    /// When.
    pub at: Timestamp,
    /// What a create generated, so that any retry continues from it; only in its first entry.
    pub blueprint: Option<BlueprintV1>,
}

/// What kind of key a directory entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PurposeV1 {
    /// The name of an instance within its account.
    Name,
    /// The token of an instance.
    InstanceToken,
    /// The token of an account.
    AccountToken,
    /// The number of an instance.
    Number,
    /// A foreign id of an instance within its account.
    Alias,
    /// The idempotency key of a create.
    Creation,
    /// The name of an account.
    AccountName,
    /// The name of an instance at its upstream, whichever account it belongs to. A release that knows only the write version 2
    /// cannot read it.
    NameAtUpstream,
}

/// What a create generated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlueprintV1 {
    /// The number of the instance.
    pub number: u64,
    /// The name of the instance.
    pub name: Sealed,
    /// The token of the instance.
    pub token: Sealed,
    /// Every entry that the create reserves, so that one that is given up leaves none behind.
    pub entries: EntriesV1,
}

/// Who held a key before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerV1 {
    /// The instance, if it was one's.
    pub instance: Option<InstanceId>,
    /// The last keyed commands of the instance, so that a keyed delete that is retried after the key was
    /// used again finds its own outcome.
    pub command_ids: Vec<CommandId>,
}

/// The state of a directory entry after a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryStateV1 {
    /// Who holds it now.
    pub hold: Option<HoldV1>,
    /// Who held it last, at most [`FORMER_MAX`], newest last.
    pub former: Vec<FormerV1>,
}

/// Former holders that an entry remembers.
pub const FORMER_MAX: usize = 4;

impl CarriedState for DirectoryStateV1 {}

impl Frozen for DirectoryStateV1 {
    const TYPE: u16 = types::DIRECTORY_STATE;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::STATE_BYTES_MAX;
}
