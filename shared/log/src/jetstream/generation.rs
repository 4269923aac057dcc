//! In which generation of formats a log was written, as the tags of its last commits say.

use futures::future::try_join_all;

use super::{
    JetStreamLog,
    message::{Headers, Message},
};
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

    /// The generation of the last commit before the end of a shard that has a tag.
    async fn last_of_shard(&self, shard: u8, end: u64) -> Result<Option<u16>, ReadError> {
        let Some(tags) = &self.tags else { return Ok(None) };
        for revision in (end.saturating_sub(LOOKS_MAX) + 1..=end).rev() {
            let found = self.next_of(shard, ">", revision).await?.filter(|found| found.sequence == revision);
            let generation = found.and_then(|Message { subject, headers, payload, .. }| match headers {
                Headers::Parsed(headers) => tags.generation(&subject, &headers, &payload),
                Headers::Unparsable => None,
            });
            if generation.is_some() {
                return Ok(generation);
            }
        }
        Ok(None)
    }
}
