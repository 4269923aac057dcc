//! Reading the log, within one snapshot: the newest commits from memory, the end of a stream where it is asked for,
//! pages on a thread for blocking work.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use berth_proto::{Kind, StreamKey};

use super::{
    EmbeddedLog,
    pages::{Pages, Reading},
    store::{Snapshot, Store, StoreError, end_of, guarded, tail, tail_since},
    tables::Tables,
};
use crate::{
    local::{self, FOLLOW_PAGE_BYTES_MAX, FOLLOW_PAGE_COMMITS_MAX, Local, Page},
    port::{Follow, FollowError, LogRead, Position, ReadError, ShardPosition, Stored, Tail, TailSince},
    unreadable::Unreadable,
    window::Window,
};

/// Where commits are read from.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) store: Arc<Store>,
    pub(super) window: Arc<Window>,
    /// What is behind the window, for all who read it at the same time.
    pub(super) pages: Arc<Pages>,
    pub(super) unreadable: Unreadable,
}

#[async_trait]
impl LogRead for EmbeddedLog {
    async fn tail(&self, stream: &StreamKey) -> Result<Option<Stored>, ReadError> {
        let (stream, shard) = (*stream, stream.partition().shard(self.shards));
        here(&self.source.store, move |tables| tail(tables, &stream, shard)).await
    }

    async fn tail_since(&self, stream: &StreamKey, seen: Tail) -> Result<TailSince, ReadError> {
        let (stream, shard) = (*stream, stream.partition().shard(self.shards));
        here(&self.source.store, move |tables| tail_since(tables, &stream, shard, seen)).await
    }

    async fn tail_place(&self, stream: &StreamKey) -> Result<Option<Tail>, ReadError> {
        let stream = *stream;
        here(&self.source.store, move |tables| end_of(tables, &stream)).await
    }

    async fn read(
        &self,
        stream: &StreamKey,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        let (stream, shard) = (*stream, stream.partition().shard(self.shards));
        blocking(&self.source.store, move |tables| {
            Snapshot::of(tables).page(&stream, shard, after_version, limit)
        })
        .await
    }

    async fn read_at(&self, stream: &StreamKey, at: Tail) -> Result<Option<Stored>, ReadError> {
        let (stream, shard) = (*stream, stream.partition().shard(self.shards));
        here(&self.source.store, move |tables| Snapshot::of(tables).near(&stream, shard, at)).await
    }

    async fn follow(&self, _name: &str, kinds: &[Kind], from: Position) -> Result<Follow, FollowError> {
        local::follow(self.source.clone(), self.incarnation, kinds, &from, self.ends.clone())
    }

    async fn end(&self) -> Result<Position, ReadError> {
        let incarnation = self.incarnation;
        let ends = self.ends.borrow().clone();
        let shards = (0..).zip(ends.iter());
        Ok(Position(
            shards.map(|(shard, &revision)| (shard, ShardPosition { incarnation, revision })).collect(),
        ))
    }

    async fn missing(&self) -> Result<BTreeMap<u8, u64>, ReadError> {
        Ok(BTreeMap::new())
    }

    fn unreadable(&self) -> Option<String> {
        self.source.unreadable.in_words()
    }

    fn shards(&self) -> u8 {
        self.shards
    }
}

#[async_trait]
impl Local for Source {
    type Behind = Reading;

    fn behind(&self) -> Reading {
        Pages::reading(&self.pages)
    }

    async fn page(&self, shard: u8, after: u64, up_to: u64, kinds: &[Kind]) -> Result<Page, ReadError> {
        if let Some(page) = self.window.page(shard, (after, up_to), kinds) {
            self.pages.forget_old();
            return Ok(page);
        }
        let (store, unreadable) = (Arc::clone(&self.store), self.unreadable.clone());
        let read = move || {
            let page = store.read(|tables| shard_page(tables, shard, (after, up_to)))?;
            if let Some(after) = page.unreadable {
                unreadable.note(shard, after + 1, page.reached);
            }
            Ok::<_, StoreError>(page)
        };
        self.pages.page((shard, after), kinds, read).await
    }
}

fn shard_page(tables: &Snapshot<'_>, shard: u8, (after, up_to): (u64, u64)) -> Result<Page, StoreError> {
    let mut page = Page { commits: Vec::new(), unreadable: None, reached: after };
    let read = guarded(|| read_on(tables, shard, up_to, &mut page));
    match read {
        // What comes next is looked at by itself, once everything before it was told.
        Ok(()) | Err(StoreError::Damaged(_)) if page.reached > after => Ok(page),
        Ok(()) | Err(StoreError::Damaged(_)) if after < up_to => {
            pass_over(tables, shard, up_to, &mut page)?;
            Ok(page)
        }
        read => read.map(|()| page),
    }
}

/// Reads commits into a page until it is full, or until something is in the way.
fn read_on(tables: &Snapshot<'_>, shard: u8, up_to: u64, page: &mut Page) -> Result<(), StoreError> {
    let mut bytes = 0;
    for stored in tables.shard(shard, (page.reached, up_to))?.take(FOLLOW_PAGE_COMMITS_MAX) {
        let stored = stored?;
        bytes += stored.payload.len();
        page.take(stored, &Kind::ALL);
        if bytes >= FOLLOW_PAGE_BYTES_MAX {
            break;
        }
    }
    Ok(())
}

/// Looks place by place where reading in order failed: one block that the engine refuses holds many rows, and so does one
/// of its files that is gone. Ends with what can be read, or with the page.
fn pass_over(tables: &Snapshot<'_>, shard: u8, up_to: u64, page: &mut Page) -> Result<(), StoreError> {
    let after = page.reached;
    let places = after + 1..=up_to;
    for revision in places.take(FOLLOW_PAGE_COMMITS_MAX) {
        match tables.place(shard, revision) {
            Ok(Some(stored)) if page.unreadable.is_none() => {
                page.take(stored, &Kind::ALL);
                return Ok(());
            }
            Ok(Some(_)) => return Ok(()),
            Ok(None) | Err(StoreError::Damaged(_)) => {
                page.unreadable = Some(after);
                page.reached = revision;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Looks something up on the thread that asks. It takes some microseconds, or as long as one block takes to be read from the
/// disk; another thread took several times as long to wake, and that was most of what a read cost.
async fn here<T: Send + 'static>(
    store: &Arc<Store>,
    reader: impl Fn(&Tables) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ReadError> {
    match store.with_now(&reader) {
        Some(read) => read.map_err(ReadError::from),
        None => blocking(store, reader).await,
    }
}

async fn blocking<T: Send + 'static>(
    store: &Arc<Store>,
    reader: impl FnOnce(&Tables) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ReadError> {
    let store = Arc::clone(store);
    berth_runtime::spawn_blocking(move || store.with(reader))
        .await
        .map_err(|ended| ReadError::Unavailable(Box::new(ended)))?
        .map_err(ReadError::from)
}

#[cfg(test)]
mod tests {
    use berth_proto::InstanceId;
    use berth_runtime::SystemEntropy;
    use futures::StreamExt;

    use super::*;
    use crate::port::{EventLog, Expected, Followed, NewCommit};

    async fn read_to_the_end(follow: &mut Follow) -> usize {
        let mut commits = 0;
        while let Followed::Commit(..) = follow.next().await.unwrap().unwrap() {
            commits += 1;
        }
        commits
    }

    #[tokio::test]
    async fn what_readers_share_that_are_behind_goes_when_the_last_one_has_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let log = EmbeddedLog::open(folder.path(), 2, &SystemEntropy).unwrap();
        for number in 0..8 {
            let stream = StreamKey::instance(InstanceId::from_bytes([number; 16]));
            let payload = vec![number; 100].into();
            let commit = NewCommit { stream, version: 1, command_id: None, traceparent: None, payload };
            log.append(commit, Expected::Empty).await.unwrap();
        }
        // As after a start.
        log.source.window.clear();
        let begin = || log.follow("test", &Kind::ALL, Position::default());
        let (mut slow, mut fast) = (begin().await.unwrap(), begin().await.unwrap());
        assert!(slow.next().await.is_some(), "it has begun");
        assert_eq!(read_to_the_end(&mut fast).await, 8);
        assert!(log.source.pages.count() > 0, "it is behind");
        assert_eq!(read_to_the_end(&mut slow).await, 7);
        assert_eq!(log.source.pages.count(), 0);
        let mut gone = begin().await.unwrap();
        assert!(gone.next().await.is_some() && log.source.pages.count() > 0);
        drop(gone);
        assert_eq!(log.source.pages.count(), 0, "nobody is behind who is gone");
    }
}
