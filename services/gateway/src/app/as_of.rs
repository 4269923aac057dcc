//! The instance as it was at a moment.

use berth_log::{Place, decode_commit, read_around};
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
        'pages: loop {
            let page = read_around(&*self.inner.log, &stream, after, COMMITS_PER_READ).await?;
            let full = page.len() == COMMITS_PER_READ;
            for place in &page {
                after += 1;
                // What is damaged is passed over.
                let Place::Commit(stored) = place else { continue };
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
