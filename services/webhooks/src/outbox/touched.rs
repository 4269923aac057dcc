//! Which rows changed: how the dispatcher learns what to look at without reading everything.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::{Mutex, PoisonError},
};

use berth_proto::{AccountId, EndpointId, InstanceId, delivery::NoticeKeyV1};

/// Notices and instances that are remembered; beyond that the dispatcher looks at everything once.
const TOUCHED_MAX: usize = 65_536;

/// Rows that changed. Written by the fold, drained by the dispatcher.
#[derive(Debug, Default)]
pub struct Touched(Mutex<Inner>);

/// Instances that something happened to, and which of their notices have another row or none.
pub(crate) type Changes = BTreeMap<InstanceId, BTreeSet<NoticeKeyV1>>;

/// Accounts that something happened to, and which of their endpoints are told nothing more by that.
pub(crate) type Gone = BTreeMap<AccountId, BTreeSet<EndpointId>>;

#[derive(Debug, Default)]
struct Inner {
    /// Touched since the last drain.
    fresh: Changes,
    /// How much that is.
    count: usize,
    /// Drained last time: their batch may not have been written by then, so they are handed out once more.
    again: Changes,
    /// Accounts that something happened to, and which of their endpoints are told nothing more by that: since the last drain, and
    /// drained last time.
    accounts: [Gone; 2],
    /// Whether more were touched than are remembered.
    overflow: bool,
}

/// What a drain gives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Drained {
    /// Look at these.
    These {
        /// Touched since the last drain.
        fresh: Changes,
        /// Handed out before.
        again: Changes,
    },
    /// Look at everything.
    Everything,
}

// === impl Touched ===

impl Touched {
    /// Notes that something happened to an instance, and which of its notices have another row or none by that.
    pub(crate) fn add(&self, instance: InstanceId, notices: impl IntoIterator<Item = NoticeKeyV1>) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Inner { fresh, count, overflow, .. } = &mut *inner;
        if *count >= TOUCHED_MAX {
            *overflow = true;
            return;
        }
        let of_instance = fresh.entry(instance).or_default();
        let before = of_instance.len();
        of_instance.extend(notices);
        *count += 1 + of_instance.len() - before;
    }

    /// Notes that something happened to an account, and which of its endpoints are told nothing more by that. Those beyond what
    /// is remembered only learn later that nothing speaks against an endpoint any more, or something does.
    pub(crate) fn add_account(&self, account: AccountId, gone: Vec<EndpointId>) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [fresh, _] = &mut inner.accounts;
        if fresh.len() < TOUCHED_MAX {
            fresh.entry(account).or_default().extend(gone);
        }
    }

    /// Accounts that were touched since this was asked last and the time before that, as with [`Self::drain`].
    pub(crate) fn drain_accounts(&self) -> Gone {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [fresh, again] = &mut inner.accounts;
        let fresh = mem::take(fresh);
        let mut both = mem::replace(again, fresh.clone());
        for (account, gone) in fresh {
            both.entry(account).or_default().extend(gone);
        }
        both
    }

    /// What was touched since the last drain and in the one before. Called after the view said that rows
    /// changed: a fold notes a row before its batch is written, and says so after.
    pub(crate) fn drain(&self) -> Drained {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = mem::take(&mut inner.fresh);
        inner.count = 0;
        let again = mem::replace(&mut inner.again, fresh.clone());
        if mem::take(&mut inner.overflow) { Drained::Everything } else { Drained::These { fresh, again } }
    }
}
