//! The feed of public events.

use async_trait::async_trait;
use berth_bus::{EventFeed, FeedError, LastEvent};
use berth_proto::Partition;
use bytes::Bytes;

use crate::world::{At, CutOff};

/// See the module.
#[derive(Debug)]
pub(crate) struct SharedFeed(pub(crate) At);

fn away(cut: CutOff) -> FeedError {
    FeedError(cut.into_boxed())
}

#[async_trait]
impl EventFeed for SharedFeed {
    async fn last(&self, subject: &str) -> Result<Option<LastEvent>, FeedError> {
        self.0.reach().await.map_err(away)?;
        let last = self.0.world.feed.last(subject).await?;
        self.0.way().await;
        Ok(last)
    }

    async fn add(
        &self,
        subject: &str,
        id: &str,
        payload: Bytes,
        after: u64,
    ) -> Result<Option<u64>, FeedError> {
        let answered = self.0.reach_to_write().await.map_err(away)?;
        let place = self.0.world.feed.add(subject, id, payload, after).await?;
        self.0.step(format_args!("publishes {id}: {place:?}"));
        answered.back(&self.0, place).await.map_err(away)
    }

    async fn noted(&self, partition: Partition) -> Result<Option<Bytes>, FeedError> {
        self.0.reach().await.map_err(away)?;
        let mark = self.0.world.feed.noted(partition).await?;
        self.0.way().await;
        Ok(mark)
    }

    async fn note(&self, partition: Partition, mark: Bytes) -> Result<(), FeedError> {
        let answered = self.0.reach_to_write().await.map_err(away)?;
        self.0.world.feed.note(partition, mark).await?;
        answered.back(&self.0, ()).await.map_err(away)
    }
}
