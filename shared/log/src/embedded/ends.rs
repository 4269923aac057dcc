//! Where streams end, as far as somebody asked: who asks whether a stream still ends where it did need not look into the engine.
//!
//! It belongs to the open engine and goes with it: what a failed write left in doubt is never said from here.

use std::time::Duration;

use berth_proto::StreamKey;
use quick_cache::{
    DefaultHashBuilder, UnitWeighter,
    sync::{Cache, DefaultLifecycle, GuardResult},
};

use super::store::StoreError;
use crate::port::Tail;

/// Streams whose end is kept, the last ones asked for: about 100 bytes each.
const STREAMS_MAX: usize = 131_072;

/// The ends of streams.
#[derive(Debug)]
pub(super) struct StreamEnds(
    Cache<StreamKey, Tail, UnitWeighter, DefaultHashBuilder, DefaultLifecycle<StreamKey, Tail>>,
);

impl StreamEnds {
    pub(super) fn none() -> Self {
        Self::of(STREAMS_MAX)
    }

    fn of(streams_max: usize) -> Self {
        Self(Cache::new(streams_max))
    }

    /// The end of a stream, which `look` reads from the engine if it is not known.
    ///
    /// `look` has to begin its snapshot itself: what it finds is kept only if no commit of the stream was stored since before that.
    pub(super) fn of_stream(
        &self,
        stream: &StreamKey,
        look: impl FnOnce() -> Result<Option<Tail>, StoreError>,
    ) -> Result<Option<Tail>, StoreError> {
        match self.0.get_value_or_guard(stream, Some(Duration::ZERO)) {
            GuardResult::Value(tail) => Ok(Some(tail)),
            GuardResult::Guard(guard) => {
                let found = look()?;
                if let Some(tail) = found {
                    // Refused if the place was taken away meanwhile, by `moved`.
                    let _ = guard.insert(tail);
                }
                Ok(found)
            }
            // Another one looks.
            GuardResult::Timeout => look(),
        }
    }

    /// Commits of these streams are stored: whoever asks from now on has to look, and what somebody finds who looks already is
    /// not kept. Comes before any of them is acknowledged.
    pub(super) fn moved<'a>(&self, streams: impl Iterator<Item = &'a StreamKey>) {
        for stream in streams {
            self.0.remove(stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use berth_proto::InstanceId;

    use super::*;

    fn stream() -> StreamKey {
        StreamKey::instance(InstanceId::from_bytes([7; 16]))
    }

    const fn tail(version: u64) -> Tail {
        Tail { version, revision: 10 + version }
    }

    #[test]
    fn an_end_is_looked_up_once_and_again_when_it_moved() {
        let (ends, stream) = (StreamEnds::none(), stream());
        let ask = |found: Option<u64>| ends.of_stream(&stream, || Ok(found.map(tail))).unwrap();
        assert_eq!(ask(None), None, "what does not exist is not kept");
        assert_eq!(ask(Some(1)), Some(tail(1)));
        assert_eq!(ask(Some(7)), Some(tail(1)), "nobody looked");
        ends.moved([&stream].into_iter());
        assert_eq!(ask(Some(2)), Some(tail(2)));
    }

    #[test]
    fn what_was_found_before_a_commit_is_not_kept_behind_it() {
        let (ends, stream) = (StreamEnds::none(), stream());
        let found = ends.of_stream(&stream, || {
            // Its snapshot is older than the commit that is stored now.
            ends.moved([&stream].into_iter());
            Ok(Some(tail(1)))
        });
        assert_eq!(found.unwrap(), Some(tail(1)));
        assert_eq!(ends.of_stream(&stream, || Ok(Some(tail(2)))).unwrap(), Some(tail(2)));
    }

    #[test]
    fn nobody_waits_for_who_looks() {
        let (ends, stream) = (StreamEnds::none(), stream());
        let found = ends.of_stream(&stream, || ends.of_stream(&stream, || Ok(Some(tail(3)))));
        assert_eq!(found.unwrap(), Some(tail(3)));
    }

    #[test]
    fn a_failed_look_keeps_nothing() {
        let (ends, stream) = (StreamEnds::none(), stream());
        assert!(ends.of_stream(&stream, || Err(StoreError::Closed)).is_err());
        assert_eq!(ends.of_stream(&stream, || Ok(Some(tail(1)))).unwrap(), Some(tail(1)));
    }
}
