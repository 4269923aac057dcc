//! What was created through this gateway a moment ago: its lists wait for that, since whoever creates an instance lists right
//! after it.

use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use berth_proto::{AccountId, InstanceId};
use lru::LruCache;
use tokio::time::Instant;

/// Accounts that created something last.
const ACCOUNTS_MAX: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();
/// Instances of an account that lists wait for, the last ones: of many at once nobody looks for each.
const INSTANCES_MAX: usize = 16;
/// How long a create counts as just done: views are behind by less.
const MOMENT: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Debug)]
pub(super) struct JustCreated(Mutex<LruCache<AccountId, VecDeque<Created>>>);

/// An instance and the version of its stream that was answered, and when.
#[derive(Debug, Clone, Copy)]
struct Created {
    instance: InstanceId,
    version: u64,
    at: Instant,
}

impl JustCreated {
    pub(super) fn new() -> Self {
        Self(Mutex::new(LruCache::new(ACCOUNTS_MAX)))
    }

    /// An account created an instance.
    pub(super) fn note(&self, account: AccountId, instance: InstanceId, version: u64) {
        let mut accounts = self.accounts();
        let created = accounts.get_or_insert_mut(account, VecDeque::new);
        if created.len() == INSTANCES_MAX {
            created.pop_front();
        }
        created.push_back(Created { instance, version, at: Instant::now() });
    }

    /// What an account created a moment ago and is not known to be listed yet, and the versions that are to be: whoever lists at the
    /// same time as another one waits as well.
    pub(super) fn unlisted(&self, account: AccountId) -> Vec<(InstanceId, u64)> {
        let mut accounts = self.accounts();
        let Some(created) = accounts.get_mut(&account) else { return Vec::new() };
        created.retain(|created| created.at.elapsed() < MOMENT);
        created.iter().map(|Created { instance, version, .. }| (*instance, *version)).collect()
    }

    /// Lists show it: nobody waits for it any more.
    pub(super) fn forget(&self, account: AccountId, instance: InstanceId) {
        if let Some(created) = self.accounts().get_mut(&account) {
            created.retain(|created| created.instance != instance);
        }
    }

    fn accounts(&self) -> MutexGuard<'_, LruCache<AccountId, VecDeque<Created>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const ACCOUNT: AccountId = AccountId::from_bytes([1; 16]);

    fn instance(number: u8) -> InstanceId {
        InstanceId::from_bytes([number; 16])
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_ones_of_an_account_are_waited_for_until_they_are_listed_and_not_for_long() {
        let just = JustCreated::new();
        for number in 1..=20 {
            just.note(ACCOUNT, instance(number), 3);
        }
        assert!(just.unlisted(AccountId::from_bytes([2; 16])).is_empty(), "another account's");
        let waited_for = just.unlisted(ACCOUNT);
        assert_eq!(waited_for.len(), INSTANCES_MAX);
        assert_eq!(waited_for.last(), Some(&(instance(20), 3)));
        assert_eq!(just.unlisted(ACCOUNT), waited_for, "two may list at the same time");
        just.forget(ACCOUNT, instance(20));
        assert_eq!(just.unlisted(ACCOUNT).len(), INSTANCES_MAX - 1);
        advance(MOMENT).await;
        assert!(just.unlisted(ACCOUNT).is_empty(), "it is long ago");
    }
}
