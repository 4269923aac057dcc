//! The version of an account that the commits of its instances name: by it a notice to the account's own endpoints is
//! derived, from the very state of the account that whoever decided knew.
//!
//! It is remembered for a second. So an endpoint hears what is decided a second after the answer that made it at the latest,
//! whichever replica decides, and at once where there is one; and an account whose instances are busy costs a read a second.
//!
//! No command fails because the stream of its account cannot be read, and none waits long for it: what was known before serves
//! meanwhile. Where nothing is known the commit names no version, and is told to none of the account's own endpoints.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use berth_log::LogRead;
use berth_proto::{AccountId, StreamKey};
use berth_runtime::chain;
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

/// How long a version counts as the present one, and how long a read that failed is not repeated.
const FRESH_MAX: Duration = Duration::from_secs(1);
/// How long a command waits for the account's stream if a version is known.
const READ_MAX: Duration = Duration::from_millis(200);
/// The same if none is: without one the account's endpoints do not hear of what is decided.
const FIRST_READ_MAX: Duration = Duration::from_secs(1);
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
    /// The version of an account, as it was at most a second ago; while the account cannot be read, as it was known last. 0 if it
    /// has no stream, or nothing is known of it and it cannot be read.
    pub(crate) async fn of(&self, log: &dyn LogRead, account: AccountId) -> u64 {
        let asked_at = Instant::now();
        let known = self.lock().get(&account).copied();
        if let Some(known) = known.filter(|known| asked_at - known.at < FRESH_MAX) {
            return known.version;
        }
        let patience = if known.is_some() { READ_MAX } else { FIRST_READ_MAX };
        match (read(log, account, patience).await, known) {
            (Ok(version), _) => self.note(account, Known { version, at: asked_at }),
            (Err(reason), Some(Known { version, .. })) => {
                debug!(%account, reason, "what was known last of an account serves: it cannot be read");
                self.note(account, Known { version, at: asked_at })
            }
            (Err(reason), None) => {
                warn!(%account, reason, "an account cannot be read: its webhooks do not hear of what is decided now");
                0
            }
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

/// Reads the version of an account, or says in words why that did not work. Its place is enough, which the log also knows of a
/// commit that is damaged.
async fn read(log: &dyn LogRead, account: AccountId, patience: Duration) -> Result<u64, String> {
    match timeout(patience, log.tail_place(&StreamKey::account(account))).await {
        Ok(Ok(place)) => Ok(place.map_or(0, |place| place.version)),
        Ok(Err(error)) => Err(chain(&error)),
        Err(_) => Err("the log does not answer in time".to_owned()),
    }
}

#[cfg(test)]
mod tests;
