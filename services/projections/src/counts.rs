//! How many instances of an account are in each state: a walk over its part of the index of states.
//!
//! A row that holds a number would rest on every stream of the account, and could not be told right from wrong by any one
//! of them. The walk reads keys alone, but for states in which a deadline may have passed, and those are few.

use std::collections::BTreeMap;

use berth_proto::{AccountId, Timestamp, instance::InstanceStateV1};
use berth_views::{ViewError, ViewReader};

use crate::{
    class::{Class, word_at},
    records::{id_of, record, state_prefix},
};

/// Keys that are read at once.
const KEYS_AT_ONCE: usize = 1_024;

/// The number of instances by the words for their states at `now`. Blocking.
pub(crate) fn counts(
    view: &dyn ViewReader,
    account: AccountId,
    now: Timestamp,
) -> Result<BTreeMap<&'static str, u64>, ViewError> {
    let mut counts = BTreeMap::new();
    for class in Class::ALL {
        let prefix = state_prefix(account, class);
        let mut after: Option<Vec<u8>> = None;
        loop {
            let keys = view.scan(&prefix, after.as_deref(), KEYS_AT_ONCE)?;
            let read = keys.len();
            if let (Some(word), true) = (class.word(), read > 0) {
                *counts.entry(word).or_default() += read as u64;
            } else {
                for (key, _) in &keys {
                    let record = id_of(key).map(|id| record(view, id.instance())).transpose()?.flatten();
                    let state = record.and_then(|record| record.state.open::<InstanceStateV1>().ok());
                    if let Some(state) = state {
                        *counts.entry(word_at(&state, now)).or_default() += 1;
                    }
                }
            }
            if read < KEYS_AT_ONCE {
                break;
            }
            after = keys.into_iter().next_back().map(|(key, _)| key);
        }
    }
    Ok(counts)
}
