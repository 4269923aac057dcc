//! Decisions: whether somebody may still add to the stream.

use berth_proto::delivery::DispatcherChangedV1;
use thiserror::Error;

use super::{Event, State};

/// A dispatcher with a higher epoch has taken the partition over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a dispatcher with epoch {epoch} has taken over")]
pub struct Fenced {
    /// Its epoch.
    pub epoch: u64,
}

/// What the stream is to be told for the sake of these events. The dispatcher with an `epoch` takes the partition
/// over by its first word; a guest without one adds to the stream whoever dispatches.
pub fn decide(state: Option<&State>, epoch: Option<u64>, events: &[Event]) -> Result<Vec<Event>, Fenced> {
    let present = state.map_or(0, |state| state.epoch);
    let epoch = epoch.unwrap_or(present);
    if present > epoch {
        return Err(Fenced { epoch: present });
    }
    let taken_over = (present < epoch).then(|| DispatcherChangedV1 { epoch }.into());
    Ok(taken_over.into_iter().chain(events.iter().cloned()).collect())
}
