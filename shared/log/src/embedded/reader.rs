//! Reading the log: the newest commits from memory, everything else on a thread for blocking work, within one
//! snapshot.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use berth_proto::{Kind, StreamKey};

use super::{
    EmbeddedLog,
    store::{Damage, Snapshot, Store, StoreError},
};
use crate::{
    local::{self, FOLLOW_PAGE_BYTES_MAX, FOLLOW_PAGE_COMMITS_MAX, Local, Page},
    port::{Follow, FollowError, LogRead, Position, ReadError, ShardPosition, Stored, Tail},
    window::Window,
};

/// Where commits are read from.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) store: Arc<Store>,
    pub(super) window: Arc<Window>,
}

#[async_trait]
impl LogRead for EmbeddedLog {
    async fn tail(&self, stream: &StreamKey) -> Result<Option<Stored>, ReadError> {
        let (stream, shard) = (*stream, stream.partition().shard(self.shards));
        blocking(&self.source.store, move |tables| tables.tail(&stream, shard)).await
    }

    async fn tail_place(&self, stream: &StreamKey) -> Result<Option<Tail>, ReadError> {
        let stream = *stream;
        blocking(&self.source.store, move |tables| tables.tail_of(&stream)).await
    }

    async fn read(
        &self,
        stream: &StreamKey,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        let (stream, shard) = (*stream, stream.partition().shard(self.shards));
        blocking(&self.source.store, move |tables| tables.page(&stream, shard, after_version, limit)).await
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

    fn shards(&self) -> u8 {
        self.shards
    }
}

#[async_trait]
impl Local for Source {
    async fn page(&self, shard: u8, after: u64, up_to: u64, kinds: &[Kind]) -> Result<Page, ReadError> {
        if let Some(page) = self.window.page(shard, (after, up_to), kinds) {
            return Ok(page);
        }
        let kinds = kinds.to_vec();
        blocking(&self.store, move |tables| shard_page(tables, shard, (after, up_to), &kinds)).await
    }
}

fn shard_page(
    tables: &Snapshot<'_>,
    shard: u8,
    (after, up_to): (u64, u64),
    kinds: &[Kind],
) -> Result<Page, StoreError> {
    let mut page = Page { commits: Vec::new(), reached: after };
    let mut bytes = 0;
    for stored in tables.shard(shard, (after, up_to))?.take(FOLLOW_PAGE_COMMITS_MAX) {
        let stored = stored?;
        bytes += stored.payload.len();
        page.reached = stored.tail.revision;
        if kinds.contains(&stored.stream.kind()) {
            page.commits.push(Arc::new(stored.into()));
        }
        if bytes >= FOLLOW_PAGE_BYTES_MAX {
            break;
        }
    }
    if page.reached == after && after < up_to {
        return Err(Damage::Row { shard, revision: after + 1 }.into());
    }
    Ok(page)
}

async fn blocking<T: Send + 'static>(
    store: &Arc<Store>,
    reader: impl FnOnce(&Snapshot<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ReadError> {
    let store = Arc::clone(store);
    tokio::task::spawn_blocking(move || store.read(reader))
        .await
        .map_err(|ended| ReadError::Unavailable(Box::new(ended)))?
        .map_err(ReadError::from)
}
