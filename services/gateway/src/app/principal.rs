//! From a token to who asks.

use std::{net::IpAddr, sync::Arc, time::Duration};

use berth_bus::KeyRing;
use berth_proto::{
    AccountId, DirectoryId, Hash, InstanceId,
    commit::PrincipalV1,
    directory::{HoldV1, PurposeV1},
};
use berth_runtime::Unique;
use subtle::ConstantTimeEq;

use super::{directory::Directory, failure::Failure, guesses::Guesses, names::check_token};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal {
    /// The operator, with the root key.
    Root,
    /// The operator in an account, with the root key: for a dialect whose admin token may do what a business may.
    Operator {
        /// The account.
        account: AccountId,
    },
    /// An account, with its token.
    Account {
        /// The account.
        account: AccountId,
        /// The directory entry of the token, by which a stream asks whether it is still the account's.
        entry: DirectoryId,
    },
    /// An instance, with its token.
    Instance {
        /// The account that owns it.
        account: AccountId,
        /// The instance.
        instance: InstanceId,
        /// The version of the token that was shown.
        credential_version: u32,
        /// The directory entry of the token, looked up again when the version is out of date.
        entry: DirectoryId,
    },
}

/// What an instance says of who may act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) instance: InstanceId,
    pub(super) account: AccountId,
    /// The version of its token.
    pub(super) credential_version: u32,
    pub(super) deleted: bool,
}

impl Principal {
    /// Whether the caller may act on an instance. [`Failure::Unauthorized`] for a token that was rotated or ended with the
    /// instance; [`Failure::Forbidden`] for the operator's key, which manages accounts and not what is in them.
    pub(super) fn admit(&self, held: &Held) -> Result<(), Failure> {
        match *self {
            Self::Root => Err(Failure::Forbidden),
            Self::Account { account, .. } | Self::Operator { account } => {
                if account == held.account {
                    Ok(())
                } else {
                    Err(Failure::NotFound)
                }
            }
            Self::Instance { instance, .. } if instance != held.instance => Err(Failure::NotFound),
            Self::Instance { credential_version, .. } => {
                let is_present = !held.deleted && credential_version == held.credential_version;
                if is_present { Ok(()) } else { Err(Failure::Unauthorized) }
            }
        }
    }

    /// The account that the caller acts in; none for the root key.
    pub const fn account(&self) -> Option<AccountId> {
        match self {
            Self::Root => None,
            Self::Operator { account } | Self::Account { account, .. } | Self::Instance { account, .. } => {
                Some(*account)
            }
        }
    }

    /// Whether the caller may act on every instance of its account.
    pub const fn is_account(&self) -> bool {
        matches!(self, Self::Account { .. } | Self::Operator { .. })
    }

    pub(super) const fn to_wire(self) -> PrincipalV1 {
        match self {
            Self::Root | Self::Operator { .. } => PrincipalV1::Root,
            Self::Account { account, .. } => PrincipalV1::Account { account },
            Self::Instance { account, instance, credential_version, .. } => {
                PrincipalV1::Instance { account, instance, credential_version }
            }
        }
    }
}

/// Knows who shows which token.
#[derive(Debug)]
pub struct Principals {
    pub(super) keys: KeyRing,
    pub(super) directory: Arc<Directory>,
    pub(super) guesses: Arc<Guesses>,
    pub(super) root_key_digest: Hash,
}

impl Principals {
    /// Who shows this token. [`Failure::Unauthorized`] if nobody does, [`Failure::Limited`] if the address `from`
    /// showed too many that nobody has.
    pub async fn authenticate(&self, token: &str, from: Option<IpAddr>) -> Result<Principal, Failure> {
        check_token(token).map_err(|_| Failure::Unauthorized)?;
        if self.is_root_key(token) {
            return Ok(Principal::Root);
        }
        let entry = self.keys.master().entry(Unique::Token, token);
        let hold = match self.guessed(entry, from).await? {
            // An account's token has no instance whose tail would tell that it was rotated.
            Some(hold) if hold.purpose == PurposeV1::AccountToken => self.directory.fresh(entry).await?,
            other => other,
        };
        hold.and_then(|hold| principal_of(entry, &hold)).ok_or(Failure::Unauthorized)
    }

    /// Who holds an entry that an unknown caller names, as it is remembered or looked up.
    pub(super) async fn guessed(
        &self,
        entry: DirectoryId,
        from: Option<IpAddr>,
    ) -> Result<Option<Arc<HoldV1>>, Failure> {
        if let Some(known) = self.directory.known(entry) {
            return Ok(Some(known));
        }
        let guess = self.guesses.begin(from).await?;
        let found = self.directory.fresh(entry).await;
        if !matches!(found, Ok(None)) {
            guess.give_back();
        }
        found
    }

    /// Who holds an instance's token by now, if that is another one than remembered: its version may have risen, and
    /// the token of a deleted instance is free for the next one. None if it is the same, or not an instance's token;
    /// [`Failure::Unauthorized`] if nobody holds it any more.
    ///
    /// Asked before anybody is refused for what is remembered of a token here.
    pub async fn present_holder(&self, principal: &Principal) -> Result<Option<Principal>, Failure> {
        let Principal::Instance { entry, .. } = *principal else { return Ok(None) };
        let hold = self.directory.fresh(entry).await?;
        let now = hold.and_then(|hold| principal_of(entry, &hold)).ok_or(Failure::Unauthorized)?;
        Ok((now != *principal).then_some(now))
    }

    /// Whether what was shown when a stream was opened still opens it: [`Failure::Unauthorized`] if the account's token
    /// was rotated or the account closed. Of an instance's token its own last commit says that: see
    /// [`Records::read_with_deleted`](super::Records::read_with_deleted). The look-up begins after this call, or at most `age` before it.
    pub(super) async fn stands(&self, principal: &Principal, age: Duration) -> Result<(), Failure> {
        let Principal::Account { entry, .. } = *principal else { return Ok(()) };
        let hold = self.directory.recent(entry, age).await?;
        let now = hold.and_then(|hold| principal_of(entry, &hold));
        if now == Some(*principal) { Ok(()) } else { Err(Failure::Unauthorized) }
    }

    /// Whether a token is the root key, which nobody else may have.
    pub(super) fn is_root_key(&self, token: &str) -> bool {
        let digest = self.keys.master().request_digest(&[b"root", token.as_bytes()]);
        bool::from(digest.0.ct_eq(&self.root_key_digest.0))
    }
}

pub(super) fn principal_of(entry: DirectoryId, hold: &HoldV1) -> Option<Principal> {
    match (hold.purpose, hold.instance) {
        (PurposeV1::AccountToken, _) => Some(Principal::Account { account: hold.account, entry }),
        (PurposeV1::InstanceToken, Some(instance)) => Some(Principal::Instance {
            account: hold.account,
            instance,
            credential_version: hold.credential_version,
            entry,
        }),
        _ => None,
    }
}
