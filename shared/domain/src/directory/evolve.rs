//! The fold: what each event makes of the state.

use berth_proto::directory::FORMER_MAX;

use super::{Event, State};

/// Folds an event.
pub fn evolve(mut state: State, event: &Event) -> State {
    match event {
        Event::Reserved(reserved) => state.hold = Some(reserved.hold.clone()),
        Event::Released(released) => {
            state.hold = None;
            state.former.push(released.former.clone());
            let surplus = state.former.len().saturating_sub(FORMER_MAX);
            state.former.drain(..surplus);
        }
    }
    state
}
