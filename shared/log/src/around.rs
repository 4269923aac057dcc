//! Reading a stream around rows that the store cannot give: a page is refused for the sake of one row.

use berth_proto::{CommitV2, StreamKey};

use crate::{
    decode::{DecodeError, decode_commit},
    port::{LogRead, ReadError, Stored},
};

/// Commits that are read at once.
const PAGE_COMMITS_MAX: usize = 256;

/// What stands at a place of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A commit as it was read; its bytes may still be damaged.
    Commit(Stored),
    /// The commit with this version cannot be given.
    Damaged(u64),
}

/// As [`LogRead::read`], with a mark at each place whose row is damaged or was passed over: a NATS server gives the
/// messages that it can read and says nothing of the others. If even the place of the last commit is not
/// known, nobody knows where the stream ends, and reading ends with the first mark.
pub async fn read_around(
    log: &dyn LogRead,
    stream: &StreamKey,
    after_version: u64,
    limit: usize,
) -> Result<Vec<Place>, ReadError> {
    match log.read(stream, after_version, limit).await {
        Err(ReadError::Damaged(_)) => {}
        page => return Ok(without_gaps(after_version, page?, limit)),
    }
    let end = match log.tail_place(stream).await {
        Ok(tail) => Some(tail.map_or(0, |tail| tail.version)),
        Err(ReadError::Damaged(_)) => None,
        Err(error) => return Err(error),
    };
    let mut places = Vec::new();
    let mut version = after_version;
    while places.len() < limit && end.is_none_or(|end| version < end) {
        match log.read(stream, version, 1).await {
            Ok(page) if page.is_empty() => break,
            Ok(page) => places.extend(page.into_iter().map(Place::Commit)),
            Err(ReadError::Damaged(_)) => {
                places.push(Place::Damaged(version.saturating_add(1)));
                if end.is_none() {
                    break;
                }
            }
            Err(error) => return Err(error),
        }
        version = version.saturating_add(1);
    }
    Ok(places)
}

/// Reads a stream page by page, as [`read_around`] does, up to its end.
#[derive(Debug)]
pub struct Pages<'a> {
    log: &'a dyn LogRead,
    stream: &'a StreamKey,
    /// The version after which the next page begins.
    after: u64,
    /// The last revision that was met. Where versions cannot be read, an engine that finds pages by them may give commits again:
    /// what does not stand behind it is nothing new.
    met: u64,
    is_at_end: bool,
}

// === impl Pages ===

impl<'a> Pages<'a> {
    /// The pages of a stream after a version.
    pub const fn after(log: &'a dyn LogRead, stream: &'a StreamKey, version: u64) -> Self {
        Self { log, stream, after: version, met: 0, is_at_end: false }
    }

    /// The next page, a few hundred places at most; none at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Place>>, ReadError> {
        if self.is_at_end {
            return Ok(None);
        }
        let mut page = read_around(self.log, self.stream, self.after, PAGE_COMMITS_MAX).await?;
        let read = page.len();
        let is_known = page.iter().any(|place| place.revision().is_some());
        page.retain(|place| place.revision().is_none_or(|revision| revision > self.met));
        let last = page.iter().rev().find_map(Place::revision);
        // Marks alone say nothing of where they stand: with nothing new beside them they are those of before.
        let goes_on = last.is_some() || !is_known;
        self.met = last.unwrap_or(self.met);
        self.after = self.after.saturating_add(read as u64);
        self.is_at_end = !goes_on || read < PAGE_COMMITS_MAX;
        Ok(Some(page).filter(|page| goes_on && !page.is_empty()))
    }
}

// === impl Place ===

impl Place {
    /// The commit that stands there; none if it is damaged. One that a newer release wrote is an error.
    pub fn commit(&self) -> Result<Option<CommitV2>, DecodeError> {
        self.decoded(decode_commit)
    }

    /// What is read out of the commit that stands there; none if that is damaged. What a newer release wrote is an error: it may say
    /// whatever is looked for.
    pub fn decoded<T>(
        &self,
        decode: impl FnOnce(&Stored) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        let Self::Commit(stored) = self else { return Ok(None) };
        match decode(stored) {
            Err(error) if !error.is_newer() => Ok(None),
            decoded => decoded.map(Some),
        }
    }

    const fn revision(&self) -> Option<u64> {
        match self {
            Self::Commit(stored) => Some(stored.tail.revision),
            Self::Damaged(_) => None,
        }
    }
}

/// A page with a mark for each version that is missing in it, at most `limit` places.
fn without_gaps(after_version: u64, page: Vec<Stored>, limit: usize) -> Vec<Place> {
    let mut places = Vec::with_capacity(page.len());
    // Whoever asks for what is after the last number there is asks for nothing.
    let mut next = after_version.saturating_add(1);
    for stored in page {
        // One whose version cannot be read stands where the next one is expected.
        let version = stored.tail.version.max(next);
        let missing = (next..version).map(Place::Damaged).take(limit.saturating_sub(places.len()));
        places.extend(missing);
        if places.len() >= limit {
            break;
        }
        places.push(Place::Commit(stored));
        next = version.saturating_add(1);
    }
    places
}

#[cfg(test)]
mod tests {
    use berth_proto::InstanceId;
    use bytes::Bytes;

    use super::*;
    use crate::port::Tail;

    fn page(versions: &[u64]) -> Vec<Stored> {
        let stream = StreamKey::instance(InstanceId::from_bytes([1; 16]));
        let stored = |&version: &u64| {
            let tail = Tail { version, revision: version };
            Stored { stream, tail, shard: 0, payload: Bytes::new(), forged: false }
        };
        versions.iter().map(stored).collect()
    }

    /// The versions of a page; those that are missing are negative.
    fn seen(after: u64, versions: &[u64], limit: usize) -> Vec<i64> {
        let places = without_gaps(after, page(versions), limit);
        let shown = |place: Place| match place {
            Place::Commit(stored) => i64::try_from(stored.tail.version).unwrap(),
            Place::Damaged(version) => -i64::try_from(version).unwrap(),
        };
        places.into_iter().map(shown).collect()
    }

    #[test]
    fn what_a_page_passes_over_is_marked() {
        assert_eq!(seen(0, &[1, 2, 3], 10), [1, 2, 3]);
        assert_eq!(seen(0, &[2, 5], 10), [-1, 2, -3, -4, 5]);
        assert_eq!(seen(4, &[7], 10), [-5, -6, 7]);
        assert_eq!(seen(4, &[], 10), [0_i64; 0]);
        assert_eq!(seen(u64::MAX, &[], 10), [0_i64; 0]);
        assert_eq!(seen(1, &[0, 3], 10), [0, 3], "one of an unknown version stands in its place");
    }

    #[test]
    fn marks_count_as_places_of_the_page() {
        assert_eq!(seen(0, &[1_000_000], 3), [-1, -2, -3]);
        assert_eq!(seen(0, &[1, 4], 3), [1, -2, -3]);
        assert_eq!(seen(0, &[1, 3], 3), [1, -2, 3]);
    }
}
