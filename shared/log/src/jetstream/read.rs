//! Reading at the leader of a stream (`STREAM.MSG.GET`): what was acknowledged is seen there.
//!
//! Direct gets are answered by any replica, which may be behind the last acknowledgement.

use std::{
    collections::BTreeMap,
    sync::{MutexGuard, PoisonError},
};

use async_nats::jetstream::{ErrorCode, stream::InfoError};
use berth_proto::StreamKey;
use bytes::Bytes;
use futures::TryStreamExt;
use lru::LruCache;
use thiserror::Error;

use super::{
    Claim, JetStreamLog, VERSION_HEADER,
    message::{Headers, Message},
    settings::incarnation,
    tags::Placed,
};
use crate::{
    decode::decode_anywhere,
    port::{Position, ReadError, ShardPosition, Stored, Tail},
};

/// What a message says of itself, if it is the deployment's own.
pub(super) fn stored(
    stream: StreamKey,
    shard: u8,
    revision: u64,
    headers: &Headers,
    payload: Bytes,
    is_own: bool,
) -> Stored {
    let mut stored = Stored { stream, tail: Tail { version: 0, revision }, shard, payload, forged: !is_own };
    if stored.forged {
        return stored;
    }
    let header = match headers {
        Headers::Parsed(headers) => headers.get(VERSION_HEADER).and_then(|text| text.as_str().parse().ok()),
        Headers::Unparsable => None,
    };
    stored.tail.version =
        header.unwrap_or_else(|| decode_anywhere(&stored).map_or(0, |commit| commit.version));
    stored
}

/// The server counts messages of a subject and gives none.
#[derive(Debug, Error)]
#[error("the NATS server has messages of {subject} and cannot read them")]
struct Unreadable {
    subject: String,
}

impl JetStreamLog {
    pub(super) async fn read_tail(&self, stream: &StreamKey) -> Result<Option<Stored>, ReadError> {
        let shard = stream.partition().shard(self.shards);
        let subject = stream.subject();
        match self.last_of(shard, &subject).await? {
            Some(last) => {
                let sequence = last.sequence;
                Ok(Some(self.judged(*stream, shard, last, sequence).await?))
            }
            None => self.has_none_of(shard, &subject).await.map(|()| None),
        }
    }

    /// [`ReadError::Damaged`] if the stream has messages of this subject. A server that cannot read one any more answers
    /// as if it had none.
    async fn has_none_of(&self, shard: u8, subject: &str) -> Result<(), ReadError> {
        let stream = self.stream(shard).await?;
        let counted = match stream.info_with_subjects(subject).await {
            Ok(mut counted) => counted.try_next().await,
            Err(error) => Err(error),
        };
        match counted {
            Ok(None) => Ok(()),
            // One that was stored since may be counted, and was not there when it was asked for.
            Ok(Some(_)) => match self.last_of(shard, subject).await? {
                None => Err(ReadError::Damaged(Box::new(Unreadable { subject: subject.to_owned() }))),
                Some(_) => Ok(()),
            },
            Err(error) if is_deleted(&error) => Ok(()),
            Err(error) => Err(ReadError::Unavailable(Box::new(error))),
        }
    }

    /// The commit of a stream with a version: one read if it still lies where it once lay, and one for the place in its tag if this process
    /// does not know that.
    pub(super) async fn read_version(
        &self,
        stream: &StreamKey,
        at: Tail,
    ) -> Result<Option<Stored>, ReadError> {
        let shard = stream.partition().shard(self.shards);
        let subject = stream.subject();
        if let Some(message) = self.next_of(shard, &subject, at.revision.max(1)).await? {
            // Whoever names this place may have it from a follower, which knows less of whose a commit is.
            let sequence = message.sequence;
            let found = self.judged(*stream, shard, message, sequence).await?;
            if found.tail.version == at.version {
                return Ok(Some(found));
            }
        }
        let page = self.read_page(stream, at.version.saturating_sub(1), 1).await?;
        Ok(page.into_iter().next().filter(|found| found.tail.version == at.version))
    }

    /// Commits of a stream after a version.
    ///
    /// JetStream knows no versions. A page that follows another starts where that one ended; any other
    /// place is found by halving. The remembered place may be of a former life of the stream, so it is
    /// believed only if the right commit stands there.
    pub(super) async fn read_page(
        &self,
        stream: &StreamKey,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let remembered = self.pages().get(&(*stream, after_version)).copied();
        if let Some(revision) = remembered {
            let page = self.read_from(stream, revision + 1, after_version, limit).await?;
            // What is forged or cannot be read has no version.
            if page.first().is_some_and(|first| [0, after_version + 1].contains(&first.tail.version)) {
                return Ok(page);
            }
            let is_last = |tail: Stored| tail.tail == Tail { version: 0, revision };
            if page.is_empty() && self.read_tail(stream).await?.is_some_and(is_last) {
                return Ok(page);
            }
        }
        match self.start_of_page(stream, after_version).await? {
            Some(sequence) => self.read_from(stream, sequence, after_version, limit).await,
            None => Ok(Vec::new()),
        }
    }

    /// Commits of a stream from a sequence on, one request for each.
    async fn read_from(
        &self,
        stream: &StreamKey,
        mut sequence: u64,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        let shard = stream.partition().shard(self.shards);
        let subject = stream.subject();
        let mut page: Vec<Stored> = Vec::new();
        let mut place = after_version;
        while page.len() < limit {
            let Some(message) = self.next_of(shard, &subject, sequence).await? else { break };
            let none_since = std::mem::replace(&mut sequence, message.sequence + 1);
            let stored = self.judged(*stream, shard, message, none_since).await?;
            place = stored.tail.version.max(place.saturating_add(1));
            page.push(stored);
        }
        if let Some(last) = page.last() {
            self.pages().put((*stream, place), last.tail.revision);
        }
        Ok(page)
    }

    fn pages(&self) -> MutexGuard<'_, LruCache<(StreamKey, u64), u64>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sequence after the commit with that version and not after the next one, found by halving, since
    /// versions grow with sequences; none if there is no next one.
    async fn start_of_page(&self, stream: &StreamKey, after_version: u64) -> Result<Option<u64>, ReadError> {
        if after_version == 0 {
            return Ok(Some(1));
        }
        let Some(tail) = self.read_tail(stream).await? else { return Ok(None) };
        let unreadable = tail.tail.version == 0;
        if tail.tail.version <= after_version && !unreadable {
            return Ok(None);
        }
        // The first commit with a later version has a sequence in low..=high.
        let (mut low, mut high) = (1, tail.tail.revision);
        while low < high {
            let middle = low + (high - low) / 2;
            let Some((sequence, version)) = self.version_at(stream, middle).await? else { break };
            if version.is_none_or(|version| version > after_version) {
                high = middle;
            } else {
                low = sequence + 1;
            }
        }
        Ok(Some(low))
    }

    /// The sequence and the version of the first commit at a sequence or after it. The version of one that cannot
    /// be read follows from the next that can, since versions have no gaps; none if there is no such commit.
    async fn version_at(
        &self,
        stream: &StreamKey,
        sequence: u64,
    ) -> Result<Option<(u64, Option<u64>)>, ReadError> {
        let shard = stream.partition().shard(self.shards);
        let subject = stream.subject();
        let (mut first, mut unreadable, mut next) = (None, 0, sequence);
        while let Some(message) = self.next_of(shard, &subject, next).await? {
            let at = *first.get_or_insert(message.sequence);
            let none_since = std::mem::replace(&mut next, message.sequence + 1);
            match self.judged(*stream, shard, message, none_since).await?.tail.version {
                0 => unreadable += 1,
                version => return Ok(Some((at, Some(version.saturating_sub(unreadable))))),
            }
        }
        Ok(first.map(|at| (at, None)))
    }

    /// What a message comes to in its stream, of whose subject there is none from `none_since` up to it.
    async fn judged(
        &self,
        stream: StreamKey,
        shard: u8,
        message: Message,
        none_since: u64,
    ) -> Result<Stored, ReadError> {
        let claim = self.claim(shard, &message);
        let is_own = match claim {
            Claim::Untagged => true,
            Claim::Behind { predecessor, .. } if none_since <= predecessor + 1 => true,
            Claim::Behind { predecessor, .. } => {
                self.is_next_behind(&stream, (shard, message.sequence), predecessor).await?
            }
            Claim::Forged => false,
        };
        let Message { sequence, headers, payload, .. } = message;
        self.learn((shard, sequence), claim, Placed::answered(is_own));
        self.tell(stream, (shard, sequence), Placed::answered(is_own));
        Ok(stored(stream, shard, sequence, &headers, payload, is_own))
    }

    /// Whether the message of a stream at a revision is the first one behind another revision: the leader is asked, once for
    /// the last commit of a stream.
    pub(super) async fn is_next_behind(
        &self,
        stream: &StreamKey,
        (shard, revision): (u8, u64),
        predecessor: u64,
    ) -> Result<bool, ReadError> {
        if self.tags.as_ref().is_some_and(|tags| tags.is_placed(stream, revision)) {
            return Ok(true);
        }
        let next = self.next_of(shard, &stream.subject(), predecessor + 1).await?;
        // One that the server cannot read any more is told of elsewhere.
        Ok(next.is_none_or(|next| next.sequence >= revision))
    }

    /// Takes up from a message in which generation it was written, if it is surely the deployment's own.
    pub(super) fn learn(&self, at: (u8, u64), claim: Claim, placed: Placed) {
        if let (Claim::Behind { generation, .. }, Placed::Surely, Some(tags)) = (claim, placed, &self.tags) {
            tags.written(at, generation);
        }
    }

    /// Remembers of a message of a stream whose it is.
    pub(super) fn tell(&self, stream: StreamKey, (shard, revision): (u8, u64), placed: Placed) {
        let Some(tags) = &self.tags else { return };
        tags.met(shard, revision);
        match placed {
            Placed::Surely => tags.place(stream, revision),
            Placed::Perhaps => {}
            Placed::No => tags.note_forged(stream, shard, revision),
        }
    }

    /// A server whose files were damaged goes on with what is left of them, and keeps the end: nothing else tells of the
    /// commits between.
    pub(super) async fn read_missing(&self) -> Result<BTreeMap<u8, u64>, ReadError> {
        let counted = (0..self.shards).map(async |shard| match self.stream(shard).await?.get_info().await {
            Ok(info) => Ok((shard, info.state.last_sequence.saturating_sub(info.state.messages))),
            Err(error) if is_deleted(&error) => Ok((shard, 0)),
            Err(error) => Err(ReadError::Unavailable(Box::new(error))),
        });
        let counted = futures::future::try_join_all(counted).await?;
        Ok(counted.into_iter().filter(|(_, missing)| *missing > 0).collect())
    }

    /// The end of every stream that is there. One that was deleted is absent, as its commits are.
    pub(super) async fn read_end(&self) -> Result<Position, ReadError> {
        let infos = (0..self.shards).map(async |shard| match self.stream(shard).await?.get_info().await {
            Ok(info) => {
                let revision = info.state.last_sequence;
                Ok(Some((shard, ShardPosition { incarnation: incarnation(&info), revision })))
            }
            Err(error) if is_deleted(&error) => Ok(None),
            Err(error) => Err(ReadError::Unavailable(Box::new(error))),
        });
        let end = Position(futures::future::try_join_all(infos).await?.into_iter().flatten().collect());
        if let Some(tags) = &self.tags {
            end.0.iter().for_each(|(shard, at)| tags.met(*shard, at.revision));
        }
        Ok(end)
    }
}

fn is_deleted(error: &InfoError) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<async_nats::jetstream::Error>())
        .is_some_and(|error| error.error_code() == ErrorCode::STREAM_NOT_FOUND)
}
