//! From what stands in a path to an instance of the caller's account.

use std::{net::IpAddr, sync::Arc, time::Duration};

use berth_bus::KeyRing;
use berth_proto::{AccountId, CommandId, DirectoryId, InstanceId, directory::PurposeV1};
use berth_runtime::{Unique, UniqueInAccount};

use super::{
    directory::Directory,
    failure::Failure,
    names::{as_uuid, check_name},
    principal::{Principal, Principals},
};

/// How long a name is remembered. After a rename it may come to stand for another instance, which is alive and would not
/// be noticed; the session-aggregate keeps it from that for a minute.
const NAME_AGE_MAX: Duration = Duration::from_secs(30);

/// What the text in a path may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// An id of ours, in base32.
    Id,
    /// An id of ours, as a hyphenated UUID.
    Uuid,
    /// A name within the account.
    Name,
    /// Ten digits.
    Number,
    /// A foreign id within the account.
    Alias,
}

/// Knows which instance a text names.
#[derive(Debug)]
pub struct Resolver {
    pub(super) keys: KeyRing,
    pub(super) directory: Arc<Directory>,
    pub(super) principals: Arc<Principals>,
}

impl Resolver {
    /// The instance that `text` names for this caller: the first of `order` that fits. The instance is not
    /// read; it may be deleted by now.
    pub async fn resolve(
        &self,
        principal: &Principal,
        text: &str,
        order: &[KeyKind],
    ) -> Result<InstanceId, Failure> {
        let account = principal.account().ok_or(Failure::Forbidden)?;
        self.resolve_in(account, text, order).await
    }

    /// The instance that `text` names in an account.
    pub async fn resolve_in(
        &self,
        account: AccountId,
        text: &str,
        order: &[KeyKind],
    ) -> Result<InstanceId, Failure> {
        for kind in order {
            let found = match kind {
                KeyKind::Id => text.parse::<InstanceId>().ok(),
                KeyKind::Uuid => as_uuid(text).map(InstanceId::from_uuid),
                KeyKind::Name => {
                    self.held(self.name_entry(account, text).await?, account, PurposeV1::Name).await?
                }
                KeyKind::Alias => {
                    self.held(self.alias_entry(account, text).await?, account, PurposeV1::Alias).await?
                }
                KeyKind::Number => self.held(self.number_entry(text), account, PurposeV1::Number).await?,
            };
            if let Some(instance) = found {
                return Ok(instance);
            }
        }
        Err(Failure::NotFound)
    }

    /// The instance with a number, whatever its account: for a dialect whose numbers are global.
    /// [`Failure::Unauthorized`] if the instance that had the number is deleted, since its tokens ended.
    /// [`Failure::Limited`] if the address `from` named too many numbers that nobody has.
    pub async fn resolve_number(
        &self,
        number: &str,
        from: Option<IpAddr>,
    ) -> Result<(AccountId, InstanceId), Failure> {
        let entry = self.number_entry(number).ok_or(Failure::NotFound)?;
        let Some(hold) = self.principals.guessed(entry, from).await? else {
            let state = self.directory.state(entry).await?;
            let had = state.is_some_and(|state| !state.former.is_empty());
            return Err(if had { Failure::Unauthorized } else { Failure::NotFound });
        };
        let instance =
            hold.instance.filter(|_| hold.purpose == PurposeV1::Number).ok_or(Failure::NotFound)?;
        Ok((hold.account, instance))
    }

    /// The instance that held this text before as one of `kinds` and that knows a keyed command: a keyed delete that
    /// is retried finds its own outcome, also after the name was used again.
    pub(super) async fn former_holder(
        &self,
        account: AccountId,
        text: &str,
        kinds: &[KeyKind],
        command: CommandId,
    ) -> Result<Option<InstanceId>, Failure> {
        for kind in kinds {
            let entry = match kind {
                KeyKind::Name => self.name_entry(account, text).await?,
                KeyKind::Alias => self.alias_entry(account, text).await?,
                KeyKind::Number => self.number_entry(text),
                KeyKind::Id | KeyKind::Uuid => None,
            };
            let Some(entry) = entry else { continue };
            if let Some(instance) = self.directory.former(entry, command).await? {
                return Ok(Some(instance));
            }
        }
        Ok(None)
    }

    /// Forgets what is remembered of a key after its instance turned out to be deleted.
    pub(super) async fn forget_key(&self, account: AccountId, text: &str) -> Result<(), Failure> {
        let entries = [
            self.name_entry(account, text).await?,
            self.alias_entry(account, text).await?,
            self.number_entry(text),
        ];
        for entry in entries.into_iter().flatten() {
            self.directory.forget(entry);
        }
        Ok(())
    }

    async fn held(
        &self,
        entry: Option<DirectoryId>,
        account: AccountId,
        purpose: PurposeV1,
    ) -> Result<Option<InstanceId>, Failure> {
        let Some(entry) = entry else { return Ok(None) };
        let hold = match purpose {
            PurposeV1::Name => self.directory.recent(entry, NAME_AGE_MAX).await?,
            _ => self.directory.cached(entry).await?,
        };
        Ok(hold
            .filter(|hold| hold.account == account && hold.purpose == purpose)
            .and_then(|hold| hold.instance))
    }

    async fn name_entry(&self, account: AccountId, name: &str) -> Result<Option<DirectoryId>, Failure> {
        let Ok(name) = check_name(name) else { return Ok(None) };
        let key = self.keys.key(account.as_bytes()).await?;
        Ok(key.map(|key| key.entry(UniqueInAccount::Name, &name)))
    }

    async fn alias_entry(&self, account: AccountId, alias: &str) -> Result<Option<DirectoryId>, Failure> {
        let key = self.keys.key(account.as_bytes()).await?;
        Ok(key.map(|key| key.entry(UniqueInAccount::Alias, alias)))
    }

    fn number_entry(&self, text: &str) -> Option<DirectoryId> {
        let digits = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| self.keys.master().entry(Unique::Number, text))
    }
}
