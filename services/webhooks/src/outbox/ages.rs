//! How long ago notices were settled and accounts were told of endpoints, and forgetting it.
//!
//! What a commit of a delivery stream settled or told stands in one row under its partition and version, and the oldest such
//! version of the partition in another: a queue whose both ends are found without a scan, which a fold does not have. Time
//! is that of the commits, so the rows depend on the log alone.

use berth_proto::{CommitV2, Timestamp, delivery::NoticeKeyV1};
use berth_views::{ApplyError, Rows};

use super::{
    BATCH, Batch, CommitStands, OLDEST, SETTLED, SETTLED_KEPT, SettledRow, read_row,
    reports::{Told, told_key},
    row_key, unreadable, write,
};
use crate::schedule::plus;

/// Batches that are looked at with one commit. A commit adds one at most, so that the queue gets shorter while its end is
/// old.
const BATCHES_FORGOTTEN_MAX: usize = 4;

/// Notes what a commit settled and told, if it did.
pub(super) fn note(commit: &CommitV2, batch: &Batch, rows: &mut dyn Rows) -> Result<(), ApplyError> {
    if !(batch.notices.is_empty() && batch.told.is_empty()) {
        rows.put(&batch_key(commit, commit.version), write(batch).map_err(unreadable)?);
    }
    Ok(())
}

/// Forgets what was settled and told long before a commit of the same stream.
pub(super) fn forget(commit: &CommitV2, rows: &mut dyn Rows) -> Result<(), ApplyError> {
    let oldest_key = oldest_key(commit);
    let oldest = rows.get(&oldest_key).map_err(unreadable)?.and_then(|row| read_row::<u64>(&row));
    let mut version = oldest.unwrap_or(1);
    for _ in 0..BATCHES_FORGOTTEN_MAX {
        if version > commit.version {
            break;
        }
        let key = batch_key(commit, version);
        if let Some(batch) = rows.get(&key).map_err(unreadable)?.and_then(|row| read_row::<Batch>(&row)) {
            if plus(batch.at, SETTLED_KEPT) > commit.occurred_at {
                break;
            }
            for notice in &batch.notices {
                forget_one(notice, batch.at, rows)?;
            }
            for (account, endpoint) in &batch.told {
                let key = told_key(*account, *endpoint);
                let told = rows.get(&key).map_err(unreadable)?.and_then(|row| read_row::<Told>(&row));
                // Unless something else was told of it since.
                if told.is_some_and(|told| told.version <= version) {
                    rows.remove(&key);
                }
            }
            rows.remove(&key);
        }
        version += 1;
    }
    if oldest != Some(version) {
        rows.put(&oldest_key, write(&version).map_err(unreadable)?);
    }
    Ok(())
}

/// Forgets how a notice was settled then, unless it was settled again since.
fn forget_one(notice: &NoticeKeyV1, at: Timestamp, rows: &mut dyn Rows) -> Result<(), ApplyError> {
    let key = row_key(SETTLED, notice);
    let row = rows.get(&key).map_err(unreadable)?.and_then(|row| read_row::<SettledRow>(&row));
    let Some(row) = row.filter(|row| row.at <= at) else { return Ok(()) };
    match row.commit {
        CommitStands::Applied { .. } => rows.remove(&key),
        CommitStands::Awaited | CommitStands::Overdue => {
            let row = SettledRow { commit: CommitStands::Overdue, ..row };
            rows.put(&key, write(&row).map_err(unreadable)?);
        }
    }
    Ok(())
}

// === keys ===

fn batch_key(commit: &CommitV2, version: u64) -> Vec<u8> {
    [[BATCH].as_slice(), partition(commit), &version.to_be_bytes()].concat()
}

fn oldest_key(commit: &CommitV2) -> Vec<u8> {
    [[OLDEST].as_slice(), partition(commit)].concat()
}

/// What names the partition in its stream's key.
fn partition(commit: &CommitV2) -> &[u8] {
    commit.stream.id()
}
