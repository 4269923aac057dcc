//! Room for letters that are being sent: so many at once, and of those so many for one account.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use berth_proto::AccountId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Letters that are being sent at once, over all partitions of a replica.
const DELIVERED_AT_ONCE_MAX: usize = 128;
/// Of one account: endpoints that never answer leave room for those of others.
const OF_ACCOUNT_MAX: usize = 32;
/// Accounts that are known before it is looked which of them have nothing under way any more.
const ACCOUNTS_MAX: usize = 1_024;

/// See the module.
#[derive(Debug)]
pub(super) struct Slots {
    all: Arc<Semaphore>,
    accounts: Mutex<HashMap<AccountId, Weak<Semaphore>>>,
}

/// Room for one letter, until this is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _of_account: Option<OwnedSemaphorePermit>,
    _of_all: Option<OwnedSemaphorePermit>,
}

impl Default for Slots {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(DELIVERED_AT_ONCE_MAX)), accounts: Mutex::default() }
    }
}

impl Slots {
    /// Waits until there is room for one more letter of an account.
    pub(super) async fn take(&self, account: AccountId) -> Slot {
        // The account's first: what waits for that takes nothing of what all share. Neither is ever closed.
        let of_account = self.of(account).acquire_owned().await.ok();
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok();
        Slot { _of_account: of_account, _of_all: of_all }
    }

    fn of(&self, account: AccountId) -> Arc<Semaphore> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = accounts.get(&account).and_then(Weak::upgrade) {
            return known;
        }
        if accounts.len() >= ACCOUNTS_MAX {
            accounts.retain(|_, room| room.strong_count() > 0);
        }
        let room = Arc::new(Semaphore::new(OF_ACCOUNT_MAX));
        accounts.insert(account, Arc::downgrade(&room));
        room
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt as _, future::join_all};

    use super::*;

    const fn account(number: u8) -> AccountId {
        AccountId::from_bytes([number; 16])
    }

    #[tokio::test]
    async fn an_account_leaves_room_for_others() {
        let slots = Slots::default();
        let mut first = join_all((0..OF_ACCOUNT_MAX).map(|_| slots.take(account(1)))).await;
        assert!(slots.take(account(1)).now_or_never().is_none(), "it has its share");
        let mut others = Vec::new();
        for number in 2..=4 {
            others.extend(join_all((0..OF_ACCOUNT_MAX).map(|_| slots.take(account(number)))).await);
        }
        assert!(slots.take(account(5)).now_or_never().is_none(), "all have what there is");
        others.pop();
        assert!(slots.take(account(1)).now_or_never().is_none());
        let fifth = slots.take(account(5)).await;
        drop(fifth);
        first.pop();
        slots.take(account(1)).await;
    }

    #[tokio::test]
    async fn accounts_without_a_letter_are_forgotten() {
        let slots = Slots::default();
        let kept = slots.take(account(0)).await;
        for number in 0..3 * ACCOUNTS_MAX as u128 {
            slots.take(AccountId::from_bytes((number << 8).to_be_bytes())).await;
        }
        let known = slots.accounts.lock().unwrap();
        assert!(known.len() <= ACCOUNTS_MAX && known.contains_key(&account(0)));
        drop(kept);
    }
}
