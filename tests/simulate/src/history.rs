//! Everything that stands in the log in the end.

use std::collections::BTreeMap;

use berth_log::{Followed, LogRead, Position, Stored, decode_commit, memory::MemoryLog, verify};
use berth_proto::{CommitV2, Kind, StreamKey};
use futures::StreamExt;

/// The commits of each stream.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) streams: BTreeMap<String, (StreamKey, Vec<CommitV2>)>,
    pub(crate) commits: u64,
    /// What is wrong with the streams themselves.
    pub(crate) faults: Vec<String>,
}

// === impl History ===

impl History {
    /// Reads the whole log and verifies its chains.
    pub(crate) async fn read(log: &MemoryLog) -> Self {
        let mut history = Self::default();
        let mut follow = match log.follow("history", &Kind::ALL, Position::default()).await {
            Ok(follow) => follow,
            Err(error) => {
                history.faults.push(format!("P8: the log cannot be read: {error}"));
                return history;
            }
        };
        while let Some(Ok(followed)) = follow.next().await {
            match followed {
                Followed::Commit(commit, _) => history.take(commit.stored()),
                Followed::Unreadable { .. } => {}
                Followed::CaughtUp(_) => break,
            }
        }
        for (stream, commits) in history.streams.values() {
            match verify(log, stream).await {
                Ok(report) => {
                    if let Some(fault) = report.fault {
                        history.faults.push(format!("P8: {stream} is not in order: {fault:?}"));
                    } else if report.commits != commits.len() as u64 {
                        history.faults.push(format!("P8: {stream} has {} commits", report.commits));
                    }
                }
                Err(error) => history.faults.push(format!("P8: {stream} cannot be read: {error}")),
            }
        }
        history
    }

    fn take(&mut self, stored: &Stored) {
        self.commits += 1;
        let stream = stored.stream;
        match decode_commit(stored) {
            Ok(commit) => {
                let entry = self.streams.entry(stream.subject()).or_insert_with(|| (stream, Vec::new()));
                entry.1.push(commit);
            }
            Err(error) => self.faults.push(format!("P8: a commit of {stream} cannot be read: {error}")),
        }
    }

    pub(crate) fn of(&self, stream: &StreamKey) -> &[CommitV2] {
        self.streams.get(&stream.subject()).map(|(_, commits)| commits.as_slice()).unwrap_or_default()
    }
}
