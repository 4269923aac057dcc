//! The state that the readable part of a stream comes to: for looking back, and past what is damaged.

use berth_proto::{
    CommitV2, Hash, RecordV1, StreamKey, Timestamp,
    commit::{CarriedState, CarriedV1, SinceV1},
};

use crate::{
    around::{Place, read_around},
    chain::hash_of,
    decode::decode_commit,
    port::{LogRead, ReadError, Tail},
};

/// Commits that are read at once.
const PAGE_COMMITS_MAX: usize = 100;

/// The last readable commit of a part of a stream, and the state after it.
#[derive(Debug, Clone)]
pub struct Readable<S> {
    /// Its version and revision.
    pub tail: Tail,
    /// Its hash.
    pub hash: Hash,
    /// When it was decided.
    pub occurred_at: Timestamp,
    /// The state after it.
    pub state: S,
}

/// A commit whose state is known, while reading goes on.
struct Found {
    tail: Tail,
    hash: Hash,
    occurred_at: Timestamp,
    full_version: u64,
    record: RecordV1,
    since: Option<SinceV1>,
}

/// Reads a stream from its first commit as long as `wanted` says so, and gives the last commit whose state can be
/// read. What is damaged is passed over, and so is a commit that rests on the state of one that is.
pub async fn last_readable<S: CarriedState>(
    log: &dyn LogRead,
    stream: &StreamKey,
    wanted: impl Fn(&CommitV2) -> bool + Send,
) -> Result<Option<Readable<S>>, ReadError> {
    let mut after = 0;
    let mut found: Option<Found> = None;
    'pages: loop {
        let page = read_around(log, stream, after, PAGE_COMMITS_MAX).await?;
        let full_page = page.len() == PAGE_COMMITS_MAX;
        for place in &page {
            after += 1;
            let Place::Commit(stored) = place else { continue };
            let Ok(commit) = decode_commit(stored) else { continue };
            if !wanted(&commit) {
                break 'pages;
            }
            let (tail, hash) = (stored.tail, hash_of(stream, commit.previous, stored));
            let occurred_at = commit.occurred_at;
            match (commit.state, &mut found) {
                (CarriedV1::Full(record), _) if record.type_id == S::TYPE => {
                    let full_version = tail.version;
                    found = Some(Found { tail, hash, occurred_at, full_version, record, since: None });
                }
                (CarriedV1::Since(since), Some(found)) if since.version == found.full_version => {
                    (found.tail, found.hash, found.occurred_at) = (tail, hash, occurred_at);
                    found.since = Some(since);
                }
                _ => {}
            }
        }
        if !full_page {
            break;
        }
    }
    Ok(found.and_then(|found| found.state().ok()))
}

// === impl Found ===

impl Found {
    fn state<S: CarriedState>(self) -> Result<Readable<S>, berth_proto::DecodeError> {
        let mut state: S = self.record.open()?;
        if let Some(since) = &self.since {
            state.remember_since(since);
        }
        Ok(Readable { tail: self.tail, hash: self.hash, occurred_at: self.occurred_at, state })
    }
}
