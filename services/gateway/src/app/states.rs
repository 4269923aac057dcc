//! The states of instances as the log has them now.
//!
//! A state that was read before counts only as long as the log says that the commit it was read from is still the last one of its
//! instance: whatever was acknowledged is seen, and what did not change is neither read nor taken apart again, where the log can tell
//! that without reading. States are kept encoded, with everything personal in them sealed, and without the commands that they
//! remember, which no reader is shown.

use std::sync::Arc;

use berth_log::{LogRead, ReadError, StateError, Stored, Tail, TailSince, rehydrate};
use berth_proto::{InstanceId, RecordV1, StreamKey, frame::RejectionCodeV1, instance::InstanceStateV1};
use quick_cache::{Weighter, sync::Cache};

use super::failure::Failure;

/// Bytes of states that are kept: a hundred thousand small ones.
const KEPT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What a state takes besides its encoded bytes, roughly.
const ENTRY_BYTES: usize = 192;
/// Encoded bytes of a small state, about.
const STATE_BYTES: usize = 384;

/// Reads states.
#[derive(Debug)]
pub(super) struct States {
    log: Arc<dyn LogRead>,
    /// The states that were asked for last; written and read by every request for an instance.
    kept: Cache<InstanceId, Arc<KeptState>, Bytes>,
}

/// A state, encoded, and the commit that was the last one when it was read.
#[derive(Debug)]
struct KeptState {
    tail: Tail,
    state: RecordV1,
}

// === impl States ===

impl States {
    pub(super) fn new(log: &Arc<dyn LogRead>) -> Self {
        Self::within(log, KEPT_BYTES_MAX)
    }

    fn within(log: &Arc<dyn LogRead>, bytes_max: usize) -> Self {
        let kept = Cache::with_weighter(bytes_max / (STATE_BYTES + ENTRY_BYTES), bytes_max as u64, Bytes);
        Self { log: Arc::clone(log), kept }
    }

    /// The state of an instance and the version of its last commit, by a look at the log that begins after this call; none if
    /// there is no such instance. It remembers no commands.
    ///
    /// [`RejectionCodeV1::Damaged`] if the last commit cannot be used; another failure may be gone at the next try.
    pub(super) async fn read(&self, instance: InstanceId) -> Result<Option<(u64, InstanceStateV1)>, Failure> {
        let stream = StreamKey::instance(instance);
        let known = self.kept.get(&instance);
        let stored = match &known {
            None => self.log.tail(&stream).await?,
            Some(known) => match self.log.tail_since(&stream, known.tail).await? {
                TailSince::Other(stored) => stored,
                TailSince::Same => {
                    let state = known.state.open();
                    let state = state.map_err(|error| Failure::unavailable("an instance's state", error))?;
                    return Ok(Some((known.tail.version, state)));
                }
            },
        };
        let Some(stored) = stored else { return Ok(None) };
        let (version, state) = self.taken_apart(&stored).await?;
        let state = InstanceStateV1 { keyed: Vec::new(), unkeyed: Vec::new(), ..state };
        self.keep(instance, stored.tail, &state);
        Ok(Some((version, state)))
    }

    /// The same with the commands that it remembers, of which nothing is kept.
    pub(super) async fn read_remembering(
        &self,
        instance: InstanceId,
    ) -> Result<Option<(u64, InstanceStateV1)>, Failure> {
        match self.log.tail(&StreamKey::instance(instance)).await? {
            Some(stored) => self.taken_apart(&stored).await.map(Some),
            None => Ok(None),
        }
    }

    async fn taken_apart(&self, stored: &Stored) -> Result<(u64, InstanceStateV1), Failure> {
        match rehydrate::<InstanceStateV1>(&*self.log, stored).await {
            Ok(read) => Ok((read.commit.version, read.state)),
            Err(StateError::Decode(_) | StateError::Read(ReadError::Damaged(_))) => {
                Err(Failure::Rejected(RejectionCodeV1::Damaged))
            }
            Err(StateError::Read(error)) => Err(error.into()),
        }
    }

    fn keep(&self, instance: InstanceId, tail: Tail, state: &InstanceStateV1) {
        // What cannot be written is read each time.
        let Ok(mut state) = RecordV1::of(state) else { return };
        state.body.shrink_to_fit();
        self.kept.insert(instance, Arc::new(KeptState { tail, state }));
    }
}

/// What a state takes in memory.
#[derive(Debug, Clone, Copy)]
struct Bytes;

impl Weighter<InstanceId, Arc<KeptState>> for Bytes {
    fn weight(&self, _instance: &InstanceId, kept: &Arc<KeptState>) -> u64 {
        (kept.state.body.len() + ENTRY_BYTES) as u64
    }
}

#[cfg(test)]
mod tests;
