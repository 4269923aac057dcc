//! The fold: what each event makes of the state.

use super::{Event, State};

/// Folds an event; none is the state of a partition in which nothing happened.
pub fn evolve(state: Option<State>, event: &Event) -> State {
    let State { epoch, settled } = state.unwrap_or(State { epoch: 0, settled: 0 });
    match event {
        Event::NoticesSettled(by) => {
            State { epoch, settled: settled.saturating_add(by.notices.len() as u64) }
        }
        Event::DispatcherChanged(to) => State { epoch: to.epoch, settled },
        Event::LastWordsKept(_) | Event::NoticesReopened(_) | Event::EndpointReported(_) => {
            State { epoch, settled }
        }
    }
}
