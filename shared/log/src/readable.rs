//! The state that the readable part of a stream comes to: for looking back, and past what is damaged.

use berth_proto::{
    CommitV2, Hash, RecordV1, StreamKey, Timestamp,
    commit::{CarriedState, CarriedV1, DamageV1, SinceV1},
};

use crate::{
    around::{Pages, Place},
    chain::hash_of,
    decode::decode_commit,
    port::{LogRead, ReadError, Stored, Tail},
};

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

/// The end of a stream whose last commit cannot be used, or rests on the state of one that cannot.
#[derive(Debug, Clone)]
pub struct DamagedTail<S> {
    /// The last commit: what an append builds on.
    pub tail: Tail,
    /// What a commit that is appended all the same says of it.
    pub damage: DamageV1,
    /// The last readable commit; none if nothing can be read.
    pub readable: Option<Readable<S>>,
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
    Ok(walk::<S>(log, stream, wanted).await?.found.and_then(|found| found.state().ok()))
}

/// The end of a stream, if it is damaged; none if the stream is empty or its last commit can be used. An error if not
/// even its place is known.
pub async fn damaged_tail<S: CarriedState>(
    log: &dyn LogRead,
    stream: &StreamKey,
) -> Result<Option<DamagedTail<S>>, ReadError> {
    let Some(place) = log.tail_place(stream).await? else { return Ok(None) };
    let Walked { found, places, last, after_found } = walk::<S>(log, stream, |_| true).await?;
    let readable = found.and_then(|found| found.state().ok());
    let good_version = readable.as_ref().map_or(0, |readable: &Readable<S>| readable.tail.version);
    if good_version == places {
        return Ok(None);
    }
    // An engine that knows no versions learns that of the last commit from the number of those before it.
    let revision = last.map_or(place.revision, |last| last.revision);
    let damage = DamageV1 { version: good_version + 1, stored: after_found, good_version };
    Ok(Some(DamagedTail { tail: Tail { version: places, revision }, damage, readable }))
}

/// What a walk through a stream came to.
#[derive(Default)]
struct Walked {
    /// The last commit whose state is known.
    found: Option<Found>,
    /// How many places were walked over.
    places: u64,
    /// The last of them; none if the store could not give it.
    last: Option<Tail>,
    /// The hash of the bytes that stand after the found commit; none if the store could not give them.
    after_found: Option<Hash>,
}

async fn walk<S: CarriedState>(
    log: &dyn LogRead,
    stream: &StreamKey,
    wanted: impl Fn(&CommitV2) -> bool + Send,
) -> Result<Walked, ReadError> {
    let mut walked = Walked::default();
    let mut pages = Pages::after(log, stream, 0);
    while let Some(page) = pages.next().await? {
        for place in page {
            let stored = match place {
                Place::Commit(stored) => Some(stored),
                Place::Damaged(_) => None,
            };
            let commit = stored.as_ref().and_then(|stored| decode_commit(stored).ok());
            if commit.as_ref().is_some_and(|commit| !wanted(commit)) {
                return Ok(walked);
            }
            walked.step::<S>(stream, stored.as_ref(), commit);
        }
    }
    Ok(walked)
}

// === impl Walked ===

impl Walked {
    fn step<S: CarriedState>(
        &mut self,
        stream: &StreamKey,
        stored: Option<&Stored>,
        commit: Option<CommitV2>,
    ) {
        let follows_found = self.found.as_ref().map_or(0, |found| found.tail.version) == self.places;
        self.places += 1;
        self.last = stored.map(|stored| stored.tail);
        if let (Some(stored), Some(commit)) = (stored, commit)
            && self.take::<S>(stream, stored, commit)
        {
            self.after_found = None;
        } else if follows_found {
            self.after_found = stored.map(|stored| Hash::of_bytes(&stored.payload));
        }
    }

    /// Goes on to a commit if its state is known.
    fn take<S: CarriedState>(&mut self, stream: &StreamKey, stored: &Stored, commit: CommitV2) -> bool {
        let (tail, hash) = (stored.tail, hash_of(stream, commit.previous, stored));
        let occurred_at = commit.occurred_at;
        match (commit.state, &mut self.found) {
            (CarriedV1::Full(record), found) if record.open::<S>().is_ok() => {
                let full_version = tail.version;
                *found = Some(Found { tail, hash, occurred_at, full_version, record, since: None });
            }
            (CarriedV1::Since(since), Some(found)) if since.version == found.full_version => {
                (found.tail, found.hash, found.occurred_at) = (tail, hash, occurred_at);
                found.since = Some(since);
            }
            _ => return false,
        }
        true
    }
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
