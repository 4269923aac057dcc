//! Reading the file. Every read runs on a thread for blocking work, within one snapshot.

use std::sync::Arc;

use async_trait::async_trait;
use berth_proto::{Kind, StreamKey};

use super::{
    EmbeddedLog,
    keys::stored,
    store::{Snapshot, Store, StoreError, damaged},
};
use crate::{
    local::{self, FOLLOW_PAGE_BYTES_MAX, FOLLOW_PAGE_COMMITS_MAX, Local, Page},
    port::{Follow, FollowError, LogRead, Position, ReadError, ShardPosition, Stored},
};

#[async_trait]
impl LogRead for EmbeddedLog {
    async fn tail(&self, stream: &StreamKey) -> Result<Option<Stored>, ReadError> {
        let (stream, shard) = (*stream, stream.partition().shard(self.shards));
        blocking(&self.store, move |tables| tables.tail(&stream, shard)).await
    }

    async fn read(
        &self,
        stream: &StreamKey,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        let (stream, shard) = (*stream, stream.partition().shard(self.shards));
        blocking(&self.store, move |tables| tables.page(&stream, shard, after_version, limit)).await
    }

    async fn follow(&self, _name: &str, kinds: &[Kind], from: Position) -> Result<Follow, FollowError> {
        local::follow(Arc::clone(&self.store), self.incarnation, kinds, &from, self.ends.clone())
    }

    async fn end(&self) -> Result<Position, ReadError> {
        let incarnation = self.incarnation;
        let ends = self.ends.borrow().clone();
        let shards = (0..).zip(ends.iter());
        Ok(Position(
            shards.map(|(shard, &revision)| (shard, ShardPosition { incarnation, revision })).collect(),
        ))
    }

    fn shards(&self) -> u8 {
        self.shards
    }
}

#[async_trait]
impl Local for Arc<Store> {
    async fn page(&self, shard: u8, after: u64, up_to: u64, kinds: &[Kind]) -> Result<Page, ReadError> {
        let kinds = kinds.to_vec();
        blocking(self, move |tables| shard_page(tables, shard, (after, up_to), &kinds)).await
    }
}

fn shard_page(
    tables: &Snapshot,
    shard: u8,
    (after, up_to): (u64, u64),
    kinds: &[Kind],
) -> Result<Page, StoreError> {
    let mut page = Page { commits: Vec::new(), reached: after };
    let mut bytes = 0;
    let rows = tables.commits.range((shard, after.saturating_add(1))..=(shard, up_to))?;
    for row in rows.take(FOLLOW_PAGE_COMMITS_MAX) {
        let (key, row) = row?;
        let revision = key.value().1;
        let stored = stored(shard, revision, row.value()).ok_or_else(|| damaged(shard, revision))?;
        bytes += stored.payload.len();
        if kinds.contains(&stored.stream.kind()) {
            page.commits.push(stored);
        }
        page.reached = revision;
        if bytes >= FOLLOW_PAGE_BYTES_MAX {
            break;
        }
    }
    Ok(page)
}

async fn blocking<T: Send + 'static>(
    store: &Arc<Store>,
    reader: impl FnMut(&Snapshot) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ReadError> {
    let store = Arc::clone(store);
    tokio::task::spawn_blocking(move || store.read(reader))
        .await
        .map_err(|ended| ReadError::Unavailable(Box::new(ended)))?
        .map_err(ReadError::from)
}
