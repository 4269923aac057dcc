//! Events and carried state of an account.

use serde::{Deserialize, Serialize};

use crate::{
    codec::{Frozen, types, wire_enum},
    ids::{DirectoryId, Sealed},
    limits,
    time::Timestamp,
};

wire_enum!(
    /// Something that happened to an account.
    AccountEvent, max limits::STATE_BYTES_MAX, {
        /// The account exists.
        201 v 1 => AccountCreated(AccountCreatedV1),
        /// Its token changed.
        202 v 1 => AccountTokenRotated(AccountTokenRotatedV1),
    }
);

/// See [`AccountEvent::AccountCreated`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCreatedV1 {
    /// What the operator calls it.
    pub name: Sealed,
    /// Its token.
    pub token: Sealed,
    /// The directory entry of the token.
    pub token_entry: DirectoryId,
    /// The directory entry of its name, unique in the deployment.
    pub name_entry: DirectoryId,
}

/// See [`AccountEvent::AccountTokenRotated`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountTokenRotatedV1 {
    /// The version of the token from now on.
    pub credential_version: u32,
    /// The new token.
    pub token: Sealed,
    /// Its directory entry.
    pub token_entry: DirectoryId,
}

/// The state of an account after a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountStateV1 {
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// What the operator calls it.
    pub name: Sealed,
    /// Its token.
    pub token: Sealed,
    /// The directory entry of the token.
    pub token_entry: DirectoryId,
    /// The directory entry of its name.
    pub name_entry: DirectoryId,
    /// Raised when the token changes.
    pub credential_version: u32,
}

impl Frozen for AccountStateV1 {
    const TYPE: u16 = types::ACCOUNT_STATE;
    const VERSION: u8 = 1;
    const BYTES_MAX: usize = limits::STATE_BYTES_MAX;
}
