//! Events and carried state of an account.

use serde::{Deserialize, Serialize};

use crate::{
    codec::{DecodeError, EncodeError, Frozen, RecordV1, from_payload, types, wire_enum},
    commit::CarriedState,
    ids::{DirectoryId, EndpointId, Sealed},
    instance::WebhookV1,
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
        /// It has another name.
        203 v 1 => AccountRenamed(AccountRenamedV1),
        /// Its opaque attributes changed.
        204 v 1 => AccountAttributesChanged(AccountAttributesChangedV1),
        /// An endpoint that is told of all its instances was added or replaced.
        205 v 1 => AccountWebhookConfigured(AccountWebhookConfiguredV1),
        /// An endpoint that was told of all its instances was removed.
        206 v 1 => AccountWebhookRemoved(AccountWebhookRemovedV1),
        /// It is closed: its token ended, its instances are deleted.
        207 v 1 => AccountClosed(AccountClosedV1),
        /// Its instances have become what its last change asks of them.
        208 v 1 => AccountSettled(AccountSettledV1),
        /// Its instances are made on another upstream, or on none, unless their creates say where.
        209 v 1 => AccountUpstreamChosen(AccountUpstreamChosenV1),
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

/// See [`AccountEvent::AccountRenamed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRenamedV1 {
    /// What the operator calls it from now on.
    pub name: Sealed,
    /// The directory entry of that name.
    pub name_entry: DirectoryId,
}

/// See [`AccountEvent::AccountAttributesChanged`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountAttributesChangedV1 {
    /// What the operator keeps with it: JSON. None if nothing any more.
    pub attributes: Option<Sealed>,
}

/// See [`AccountEvent::AccountWebhookConfigured`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountWebhookConfiguredV1 {
    /// The endpoint as it is from now on, sealed for the account.
    pub webhook: WebhookV1,
}

/// See [`AccountEvent::AccountWebhookRemoved`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountWebhookRemovedV1 {
    /// The endpoint.
    pub webhook: EndpointId,
}

/// See [`AccountEvent::AccountClosed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountClosedV1 {}

/// See [`AccountEvent::AccountSettled`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSettledV1 {
    /// The version of the account that its instances follow.
    pub version: u64,
}

/// See [`AccountEvent::AccountUpstreamChosen`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountUpstreamChosenV1 {
    /// The name of the upstream in the configuration; none for the deployment's own driver.
    pub upstream: Option<String>,
}

/// The state of an account after a commit, as release 0.1.0 began with it.
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

/// The state of an account after a commit, before an upstream could be chosen for its instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountStateV2 {
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
    /// What the operator keeps with it: JSON.
    pub attributes: Option<Sealed>,
    /// Endpoints that are told of all its instances, sealed for the account.
    pub webhooks: Vec<WebhookV1>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// The version since which its instances have something to follow; none if they follow all.
    pub unsettled: Option<u64>,
}

impl Frozen for AccountStateV2 {
    const TYPE: u16 = types::ACCOUNT_STATE;
    const VERSION: u8 = 2;
    const BYTES_MAX: usize = limits::STATE_BYTES_MAX;

    fn from_earlier(version: u8, payload: &[u8]) -> Option<Result<Self, DecodeError>> {
        (version == AccountStateV1::VERSION).then(|| from_payload::<AccountStateV1>(payload).map(Self::from))
    }
}

impl From<AccountStateV1> for AccountStateV2 {
    fn from(earlier: AccountStateV1) -> Self {
        let AccountStateV1 {
            created_at,
            updated_at,
            name,
            token,
            token_entry,
            name_entry,
            credential_version,
        } = earlier;
        Self {
            created_at,
            updated_at,
            name,
            token,
            token_entry,
            name_entry,
            credential_version,
            attributes: None,
            webhooks: Vec::new(),
            closed_at: None,
            unsettled: None,
        }
    }
}

/// The state of an account after a commit. Commits carry it only where an upstream was chosen, and in the shape of before else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountStateV3 {
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
    /// What the operator keeps with it: JSON.
    pub attributes: Option<Sealed>,
    /// Endpoints that all its instances have, sealed for the account.
    pub webhooks: Vec<WebhookV1>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// The version since which its instances have something to follow; none if they follow all.
    pub unsettled: Option<u64>,
    /// The name of the upstream that its instances are made on, unless a create says where; none for the deployment's own
    /// driver.
    pub upstream: Option<String>,
}

impl CarriedState for AccountStateV3 {
    fn record(&self) -> Result<RecordV1, EncodeError> {
        self.without_upstream().map_or_else(|| RecordV1::of(self), |earlier| RecordV1::of(&earlier))
    }
}

impl AccountStateV3 {
    /// The same in the shape of before; none if an upstream was chosen, which that has no place for.
    fn without_upstream(&self) -> Option<AccountStateV2> {
        let Self {
            created_at,
            updated_at,
            name,
            token,
            token_entry,
            name_entry,
            credential_version,
            attributes,
            webhooks,
            closed_at,
            unsettled,
            upstream,
        } = self.clone();
        upstream.is_none().then_some(AccountStateV2 {
            created_at,
            updated_at,
            name,
            token,
            token_entry,
            name_entry,
            credential_version,
            attributes,
            webhooks,
            closed_at,
            unsettled,
        })
    }
}

impl Frozen for AccountStateV3 {
    const TYPE: u16 = types::ACCOUNT_STATE;
    const VERSION: u8 = 3;
    const BYTES_MAX: usize = limits::STATE_BYTES_MAX;

    fn from_earlier(version: u8, payload: &[u8]) -> Option<Result<Self, DecodeError>> {
        match version {
            AccountStateV1::VERSION => {
                Some(from_payload::<AccountStateV1>(payload).map(|state| AccountStateV2::from(state).into()))
            }
            AccountStateV2::VERSION => Some(from_payload::<AccountStateV2>(payload).map(Self::from)),
            _ => None,
        }
    }
}

impl From<AccountStateV2> for AccountStateV3 {
    fn from(earlier: AccountStateV2) -> Self {
        let AccountStateV2 {
            created_at,
            updated_at,
            name,
            token,
            token_entry,
            name_entry,
            credential_version,
            attributes,
            webhooks,
            closed_at,
            unsettled,
        } = earlier;
        Self {
            created_at,
            updated_at,
            name,
            token,
            token_entry,
            name_entry,
            credential_version,
            attributes,
            webhooks,
            closed_at,
            unsettled,
            upstream: None,
        }
    }
}
