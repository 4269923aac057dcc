//! The instance as it was at a moment.

use berth_log::{ReadError, decode_commit};
use berth_proto::{InstanceId, RecordV1, StreamKey, Timestamp, codec};

use super::{App, failure::Failure, record::Record};

/// Commits that are read at once.
const COMMITS_PER_READ: usize = 100;

impl App {
    /// The instance as it was at a moment: after the last commit that is not later. None before the first.
    pub async fn as_of(&self, instance: InstanceId, moment: Timestamp) -> Result<Option<Record>, Failure> {
        let stream = StreamKey::instance(instance);
        let mut after = 0;
        let mut found: Option<(u64, RecordV1)> = None;
        let mut limit = COMMITS_PER_READ;
        'pages: loop {
            let page = match self.inner.log.read(&stream, after, limit).await {
                // A page is refused for the sake of one row: one by one, it is passed over.
                Err(ReadError::Damaged(_)) if limit > 1 => {
                    limit = 1;
                    continue;
                }
                Err(ReadError::Damaged(_)) => {
                    after += 1;
                    continue;
                }
                page => page?,
            };
            let full = page.len() == limit;
            for stored in &page {
                after += 1;
                let Ok(commit) = decode_commit(stored) else { continue };
                if commit.occurred_at > moment {
                    break 'pages;
                }
                found = Some((commit.version, commit.state));
            }
            if !full {
                break;
            }
        }
        match found {
            Some((version, state)) if state.type_id == codec::types::INSTANCE_STATE => {
                self.open_record_as_stored(instance, version, &state).await.map(Some)
            }
            _ => Ok(None),
        }
    }
}
