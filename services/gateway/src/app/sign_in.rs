//! What a page keeps of whoever signed in: never the token, but what the token is known by.

use std::time::Duration;

use berth_proto::{DirectoryId, Hash};
use subtle::ConstantTimeEq;

use super::{
    failure::Failure,
    principal::{Principal, Principals, principal_of},
};

/// How old a look-up may be by which a page believes that a token is still the present one.
const AGE_MAX: Duration = Duration::from_secs(1);

/// Who signed in, by what ends with the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedIn {
    /// The operator, by the digest of the root key.
    Root(Hash),
    /// An account or an instance, by the directory entry of its token.
    Holder {
        /// The entry.
        entry: DirectoryId,
        /// The version of an instance's token; 0 for an account, whose every token has an entry of its own.
        credential_version: u32,
    },
}

impl Principals {
    /// What to keep of whoever showed a token.
    pub fn signed_in(&self, principal: &Principal) -> SignedIn {
        match *principal {
            Principal::Root | Principal::Operator { .. } => SignedIn::Root(self.root_key_digest),
            Principal::Account { entry, .. } => SignedIn::Holder { entry, credential_version: 0 },
            Principal::Instance { entry, credential_version, .. } => {
                SignedIn::Holder { entry, credential_version }
            }
        }
    }

    /// Who signed in, if the token is still the present one; else [`Failure::Unauthorized`].
    pub async fn recognise(&self, signed_in: SignedIn) -> Result<Principal, Failure> {
        match signed_in {
            SignedIn::Root(digest) if bool::from(digest.0.ct_eq(&self.root_key_digest.0)) => {
                Ok(Principal::Root)
            }
            SignedIn::Root(_) => Err(Failure::Unauthorized),
            SignedIn::Holder { entry, credential_version } => {
                let hold = self.directory.recent(entry, AGE_MAX).await?;
                let now = hold.and_then(|hold| principal_of(entry, &hold));
                now.filter(|now| version_of(now) == credential_version).ok_or(Failure::Unauthorized)
            }
        }
    }

    /// A key that all gateways of the deployment have, for what a door seals.
    pub fn derived_key(&self, purpose: &str) -> [u8; 32] {
        self.keys.master().derive(purpose)
    }
}

const fn version_of(principal: &Principal) -> u32 {
    match principal {
        Principal::Instance { credential_version, .. } => *credential_version,
        Principal::Root | Principal::Operator { .. } | Principal::Account { .. } => 0,
    }
}
