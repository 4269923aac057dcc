//! The history of an instance: pages, and whether its chain holds.

use std::sync::Arc;

use berth_bus::KeyRing;
use berth_log::{ChainReport, LogRead, Place, decode_commit, read_around, verify};
use berth_proto::{CommitV2, InstanceId, RecordV1, StreamKey, commit::CallerV1, event::Event, public};
use berth_runtime::sealing::field;

use super::failure::Failure;

/// Commits that are read at once.
const COMMITS_PER_READ: usize = 100;

/// One event of the history.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The commit that it stands in.
    pub commit: Arc<CommitV2>,
    /// Its index in the commit.
    pub index: usize,
    /// Where the command that it answers came from; none if the receipt does not say, or it was erased.
    pub caller: Option<CallerV1>,
    /// The event; none if this release does not know its type.
    pub event: Option<Event>,
}

/// A page of the history.
#[derive(Debug, Clone)]
pub struct HistoryPage {
    /// Events in their order.
    pub entries: Vec<Entry>,
    /// The version of the last commit in the page; the next page starts after it.
    pub last_version: u64,
    /// Whether there are more.
    pub more: bool,
    /// Versions of commits that cannot be read.
    pub damaged: Vec<u64>,
}

/// Reads histories.
#[derive(Debug)]
pub struct Histories {
    pub(super) log: Arc<dyn LogRead>,
    pub(super) keys: KeyRing,
}

impl Histories {
    /// How many commits the whole log has, whatever they are of.
    pub async fn commits(&self) -> Result<u64, Failure> {
        let end = self.log.end().await?;
        Ok(end.0.values().map(|shard| shard.revision).sum())
    }

    /// Commits of an instance after a version, at most `limit`, as events.
    pub async fn page(&self, instance: InstanceId, after: u64, limit: usize) -> Result<HistoryPage, Failure> {
        let limit = limit.clamp(1, COMMITS_PER_READ);
        let stream = StreamKey::instance(instance);
        let mut places = read_around(&*self.log, &stream, after, limit + 1).await?;
        let more = places.len() > limit;
        places.truncate(limit);
        let mut page = HistoryPage { entries: Vec::new(), last_version: after, more, damaged: Vec::new() };
        for place in &places {
            // What cannot be read has no version of its own.
            let next = page.last_version.saturating_add(1);
            let (version, commit) = match place {
                Place::Commit(stored) if stored.tail.version > 0 => {
                    (stored.tail.version, decode_commit(stored).ok())
                }
                Place::Commit(_) => (next, None),
                Place::Damaged(version) => (*version, None),
            };
            page.last_version = version;
            match commit {
                Some(commit) => page.entries.extend(entries(commit)),
                None => page.damaged.push(version),
            }
        }
        self.open_callers(instance.as_bytes(), &mut page.entries).await;
        Ok(page)
    }

    /// The version of the last commit of an instance; 0 if there is none.
    pub(super) async fn last_version(&self, instance: InstanceId) -> Result<u64, Failure> {
        let tail = self.log.tail_place(&StreamKey::instance(instance)).await?;
        Ok(tail.map_or(0, |tail| tail.version))
    }

    /// Opens where the commands of an instance or an account came from. What was erased, or cannot be had at this moment, is
    /// left out: the history is shown without it.
    pub(super) async fn open_callers(&self, owner: &[u8; 16], entries: &mut [Entry]) {
        let sealed = |entry: &Entry| public::receipt_of(&entry.commit, entry.index)?.caller.clone();
        if !entries.iter().any(|entry| sealed(entry).is_some()) {
            return;
        }
        let Ok(Some(key)) = self.keys.key(owner).await else { return };
        for entry in entries {
            let json = sealed(entry).and_then(|it| key.open(owner, field::CALLER, &it).ok());
            entry.caller = json.and_then(|json| serde_json::from_slice(&json).ok());
        }
    }

    /// Walks the whole history of an instance and checks its chain.
    pub async fn verify(&self, instance: InstanceId) -> Result<ChainReport, Failure> {
        Ok(verify(&*self.log, &StreamKey::instance(instance)).await?)
    }
}

pub(super) fn entries(commit: CommitV2) -> Vec<Entry> {
    let commit = Arc::new(commit);
    let event = |record: &RecordV1| Event::from_record(record).ok();
    (0..commit.events.len())
        .map(|index| Entry {
            event: commit.events.get(index).and_then(event),
            caller: None,
            index,
            commit: Arc::clone(&commit),
        })
        .collect()
}
