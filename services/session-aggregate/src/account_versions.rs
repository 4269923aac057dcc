//! The version of an account that the commits of its instances name: by it a notice to the account's own endpoints is
//! derived, from the very state of the account that whoever decided knew.
//!
//! It is remembered for a second. So an endpoint hears what is decided a second after the answer that made it at the latest,
//! whichever replica decides, and at once where there is one; and an account whose instances are busy costs a read a second.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use berth_log::{LogRead, ReadError};
use berth_proto::{AccountId, StreamKey};
use tokio::time::Instant;

/// How long a version counts as the present one.
const FRESH_MAX: Duration = Duration::from_secs(1);
/// Accounts that are remembered; beyond that all of them are read anew.
const KNOWN_MAX: usize = 65_536;

/// See the module. Raised by whoever appends to an account, read by whoever decides on an instance.
#[derive(Debug, Default)]
pub(crate) struct AccountVersions(Mutex<HashMap<AccountId, Known>>);

#[derive(Debug, Clone, Copy)]
struct Known {
    version: u64,
    at: Instant,
}

// === impl AccountVersions ===

impl AccountVersions {
    /// The version of an account, as it was at most a second ago. What was known before serves while the account cannot be
    /// read: no command of an instance waits for another stream than its own.
    pub(crate) async fn of(&self, log: &dyn LogRead, account: AccountId) -> Result<u64, ReadError> {
        let asked_at = Instant::now();
        let known = self.lock().get(&account).copied();
        if let Some(known) = known.filter(|known| asked_at - known.at < FRESH_MAX) {
            return Ok(known.version);
        }
        match log.tail(&StreamKey::account(account)).await {
            Ok(tail) => {
                let version = tail.map_or(0, |stored| stored.tail.version);
                Ok(self.note(account, Known { version, at: asked_at }))
            }
            Err(error) => known.map(|known| known.version).ok_or(error),
        }
    }

    /// The account has this version now.
    pub(crate) fn raise(&self, account: AccountId, version: u64) {
        self.note(account, Known { version, at: Instant::now() });
    }

    /// Remembers what was read, unless a later version is known; gives what is known then.
    fn note(&self, account: AccountId, read: Known) -> u64 {
        let mut all = self.lock();
        if all.len() >= KNOWN_MAX && !all.contains_key(&account) {
            all.clear();
        }
        let known = all.entry(account).or_insert(read);
        if read.version >= known.version {
            *known = Known { version: read.version, at: read.at.max(known.at) };
        }
        known.version
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AccountId, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use berth_log::{EventLog, Expected, NewCommit, memory::MemoryLog};

    use super::*;

    async fn append(log: &MemoryLog, account: AccountId, after: u64) {
        let stream = StreamKey::account(account);
        let expected =
            log.tail(&stream).await.unwrap().map_or(Expected::Empty, |one| Expected::After(one.tail));
        let new = NewCommit {
            stream,
            version: after + 1,
            command_id: None,
            traceparent: None,
            payload: vec![u8::try_from(after).unwrap()].into(),
        };
        log.append(new, expected).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_version_is_at_most_a_second_old_and_never_goes_back() {
        let (log, account) = (Arc::new(MemoryLog::new(1)), AccountId::from_bytes([1; 16]));
        let versions = AccountVersions::default();
        assert_eq!(versions.of(&*log, account).await.unwrap(), 0, "one without a stream");
        append(&log, account, 0).await;
        assert_eq!(versions.of(&*log, account).await.unwrap(), 0);
        tokio::time::advance(FRESH_MAX).await;
        assert_eq!(versions.of(&*log, account).await.unwrap(), 1);
        versions.raise(account, 3);
        assert_eq!(versions.of(&*log, account).await.unwrap(), 3, "what was appended here is known at once");
        tokio::time::advance(FRESH_MAX).await;
        assert_eq!(versions.of(&*log, account).await.unwrap(), 3, "a reader that lags does not take it back");
    }
}
