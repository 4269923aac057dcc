//! In which generation of formats a log was written, as the tags of its own commits say.

use std::collections::BTreeMap;

use futures::future::try_join_all;

use super::{Claim, JetStreamLog, message::Message, tags::is_obligatory};
use crate::port::ReadError;

/// Messages at the end of each shard that are looked at.
const LOOKS_MAX: u64 = 1_024;

impl JetStreamLog {
    /// The newest generation whose writers left commits among the last messages of each shard; none if none of these has a tag of this
    /// deployment.
    pub async fn last_generation(&self) -> Result<Option<u16>, ReadError> {
        let end = self.read_end().await?;
        let looks = end.0.iter().map(|(shard, end)| self.last_of_shard(*shard, end.revision));
        Ok(try_join_all(looks).await?.into_iter().flatten().max())
    }

    /// The revision and the generation of the first commit of each shard that was written in one where each commit has a tag; a shard
    /// without one is absent. Reads the log from its beginning on, a request for each message.
    pub async fn first_obligatory(&self) -> Result<BTreeMap<u8, (u64, u16)>, ReadError> {
        let firsts = try_join_all((0..self.shards).map(|shard| self.first_of_shard(shard))).await?;
        Ok((0..).zip(firsts).filter_map(|(shard, first)| Some((shard, first?))).collect())
    }

    async fn first_of_shard(&self, shard: u8) -> Result<Option<(u64, u16)>, ReadError> {
        let mut next = 1;
        while let Some(message) = self.next_of(shard, ">", next).await? {
            next = message.sequence + 1;
            if let Some(generation) = self.generation_of(shard, &message, is_obligatory).await? {
                return Ok(Some((message.sequence, generation)));
            }
        }
        Ok(None)
    }

    /// The generation of the last commit before the end of a shard that has a tag.
    async fn last_of_shard(&self, shard: u8, end: u64) -> Result<Option<u16>, ReadError> {
        for revision in (end.saturating_sub(LOOKS_MAX) + 1..=end).rev() {
            let found = self.next_of(shard, ">", revision).await?.filter(|found| found.sequence == revision);
            if let Some(message) = found
                && let Some(generation) = self.generation_of(shard, &message, |_| true).await?
            {
                return Ok(Some(generation));
            }
        }
        Ok(None)
    }

    /// The generation that a message was written in, if it is one that is asked about and the message has a tag and stands where that
    /// says.
    async fn generation_of(
        &self,
        shard: u8,
        message: &Message,
        is_asked: impl Fn(u16) -> bool,
    ) -> Result<Option<u16>, ReadError> {
        let Claim::Behind { predecessor, generation, .. } = self.claim(shard, message) else {
            return Ok(None);
        };
        if !is_asked(generation) {
            return Ok(None);
        }
        let first = self.next_of(shard, &message.subject, predecessor + 1).await?;
        Ok(first.is_some_and(|first| first.sequence == message.sequence).then_some(generation))
    }
}
