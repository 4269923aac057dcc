//! What an instance holds, when nothing of the instance itself tells: a look through the whole directory.

use std::{collections::BTreeMap, time::Duration};

use berth_log::{FollowError, Followed, Position, ReadError, decode_state};
use berth_proto::{
    DirectoryId, InstanceId, Kind,
    directory::{DirectoryStateV1, HoldV1},
};
use futures::StreamExt;
use thiserror::Error;
use tokio::time::timeout;

use super::Directory;
use crate::trouble::Trouble;

/// How long a look through the directory may take.
const SEARCH_SECONDS_MAX: u64 = 60;

/// The directory was not read to its end. A retry helps.
#[derive(Debug, Error)]
enum SearchError {
    #[error("the directory cannot be followed")]
    Follow(#[from] FollowError),
    #[error("the directory ended before its end was reached")]
    Ended,
    #[error("the directory was not read within {SEARCH_SECONDS_MAX} seconds")]
    Slow,
}

impl Directory {
    /// Every key that an instance holds now. Reads the directory from its beginning, so that it is for the one case
    /// in which there is no other way.
    pub(crate) async fn held_by(&self, instance: InstanceId) -> Result<Vec<(DirectoryId, HoldV1)>, Trouble> {
        let searched = timeout(Duration::from_secs(SEARCH_SECONDS_MAX), self.search(instance)).await;
        searched
            .unwrap_or(Err(SearchError::Slow))
            .map_err(|error| ReadError::Unavailable(Box::new(error)).into())
    }

    async fn search(&self, instance: InstanceId) -> Result<Vec<(DirectoryId, HoldV1)>, SearchError> {
        let mut entries = BTreeMap::new();
        let mut follow = self.writer.log().follow("search", &[Kind::Directory], Position::default()).await?;
        while let Some(next) = follow.next().await {
            let commit = match next? {
                Followed::Commit(commit, _) => commit,
                // Which entry it was nobody knows, nor whose: what is found is released all the same.
                Followed::Unreadable { .. } => continue,
                Followed::CaughtUp(_) => return Ok(entries.into_iter().collect()),
            };
            let entry = DirectoryId::from_bytes(*commit.stored().stream.id());
            // A damaged entry tells nothing; whoever looks it up is told so.
            let Ok((_, state)) = decode_state::<DirectoryStateV1>(commit.stored()) else { continue };
            match state.hold.filter(|hold| hold.instance == Some(instance)) {
                Some(hold) => entries.insert(entry, hold),
                None => entries.remove(&entry),
            };
        }
        Err(SearchError::Ended)
    }
}
