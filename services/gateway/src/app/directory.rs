//! Look-ups of unique keys: a read of the directory entry's last commit, at the leader.
//!
//! A token, a name or a number is found by its keyed hash, which names one stream of the log. There is no
//! view that could lag and no barrier to wait for. What was found is cached only where the reader of the
//! instance itself notices that it is out of date.

use std::{sync::Arc, time::Duration};

use berth_log::{LogRead, decode_state};
use berth_proto::{
    CommandId, DirectoryId, InstanceId, StreamKey,
    directory::{DirectoryStateV1, FormerV1, HoldV1},
};
use quick_cache::sync::Cache;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};

use super::{coalesce::Coalesce, failure::Failure};

/// Entries that are remembered: about 300 bytes each.
const CACHED_ENTRIES_MAX: usize = 131_072;

/// Entries that are read at once.
const READS_AT_ONCE_MAX: usize = 256;
/// How long a look-up waits for its turn.
const READ_WAIT_MAX: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Directory {
    log: Arc<dyn LogRead>,
    reads: Coalesce<DirectoryId, Option<Arc<DirectoryStateV1>>>,
    /// Bounds the reads of entries that are not remembered: whoever tries tokens at random must not keep the
    /// log from its work.
    at_once: Semaphore,
    /// Written and read by every request; an entry is dropped by whoever notices that it is out of date.
    cache: Cache<DirectoryId, Arc<Known>>,
}

/// What is remembered of an entry.
#[derive(Debug)]
struct Known {
    hold: Arc<HoldV1>,
    /// Who held it before, the last one last.
    former: Vec<FormerV1>,
    /// When the look-up began that found it.
    since: Instant,
}

impl Directory {
    pub(super) fn new(log: Arc<dyn LogRead>) -> Self {
        Self {
            log,
            reads: Coalesce::new(),
            at_once: Semaphore::new(READS_AT_ONCE_MAX),
            cache: Cache::new(CACHED_ENTRIES_MAX),
        }
    }

    /// Who holds the entry now.
    pub(super) async fn fresh(&self, entry: DirectoryId) -> Result<Option<Arc<HoldV1>>, Failure> {
        let since = Instant::now();
        let state = self.state(entry).await?;
        let hold = state.as_ref().and_then(|state| state.hold.clone()).map(Arc::new);
        match (&hold, state) {
            (Some(hold), Some(state)) => {
                let known = Known { hold: Arc::clone(hold), former: state.former.clone(), since };
                self.cache.insert(entry, Arc::new(known));
            }
            _ => self.forget(entry),
        }
        Ok(hold)
    }

    /// Who held the entry when it was last looked at, if that is remembered.
    pub(super) fn known(&self, entry: DirectoryId) -> Option<Arc<HoldV1>> {
        self.cache.get(&entry).map(|known| Arc::clone(&known.hold))
    }

    /// Who holds the entry, by a look-up that began at most `age` ago: many streams of one token cost one look-up.
    pub(super) async fn recent(
        &self,
        entry: DirectoryId,
        age: Duration,
    ) -> Result<Option<Arc<HoldV1>>, Failure> {
        match self.cache.get(&entry).filter(|known| known.since.elapsed() < age) {
            Some(known) => Ok(Some(Arc::clone(&known.hold))),
            None => self.fresh(entry).await,
        }
    }

    /// Who held the entry when it was last looked at; the caller must compare with the instance itself and
    /// [`Self::forget`] what is out of date.
    pub(super) async fn cached(&self, entry: DirectoryId) -> Result<Option<Arc<HoldV1>>, Failure> {
        match self.known(entry) {
            Some(hold) => Ok(Some(hold)),
            None => self.fresh(entry).await,
        }
    }

    /// Which former holder knows a command, as the entry was when it was last looked at, or as it is if that is not
    /// remembered. Whoever is led on by what is remembered meets an instance that is deleted, and asks again after
    /// [`Self::forget`].
    pub(super) async fn former(
        &self,
        entry: DirectoryId,
        command: CommandId,
    ) -> Result<Option<InstanceId>, Failure> {
        let knows = |former: &[FormerV1]| {
            let known = former.iter().rev().find(|former| former.command_ids.contains(&command));
            known.and_then(|former| former.instance)
        };
        if let Some(known) = self.cache.get(&entry) {
            return Ok(knows(&known.former));
        }
        Ok(self.state(entry).await?.and_then(|state| knows(&state.former)))
    }

    /// Drops what is remembered of an entry.
    pub(super) fn forget(&self, entry: DirectoryId) {
        self.cache.remove(&entry);
    }

    /// The whole state of an entry.
    pub(super) async fn state(&self, entry: DirectoryId) -> Result<Option<Arc<DirectoryStateV1>>, Failure> {
        self.reads
            .read(entry, || async {
                let _permit = timeout(READ_WAIT_MAX, self.at_once.acquire())
                    .await
                    .map_err(|_| Failure::unavailable("the directory", "too many look-ups wait"))?;
                let Some(stored) = self.log.tail(&StreamKey::directory(entry)).await? else {
                    return Ok(None);
                };
                let (_, state) = decode_state::<DirectoryStateV1>(&stored)
                    .map_err(|error| Failure::unavailable("a directory entry", error))?;
                Ok(Some(Arc::new(state)))
            })
            .await
    }
}
