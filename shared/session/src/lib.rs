//! The session domain: states, decisions and the webhook permission; pure.
//!
//! [`decide`] turns a command into events and [`evolve`] folds an event into the state. Neither reads a
//! clock, a random number, a network or a disk: everything they need is an argument. Personal values
//! arrive sealed; the domain compares and moves them and never opens one.

use berth_proto::{
    Timestamp, command::Command, commit::OutcomeV1, event::Event, frame::RejectionCodeV1,
    instance::InstanceStateV1,
};

/// The state of an instance; none before it exists.
pub type State = InstanceStateV1;

/// What a decision may look at besides the state and the command.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// The moment of the decision: never before the previous commit's.
    pub now: Timestamp,
}

/// What a command comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What happens; empty if the state is already as wanted.
    pub events: Vec<Event>,
    /// What the command's receipt says.
    pub outcome: OutcomeV1,
}

/// Decides a command on a state.
pub fn decide(
    state: Option<&State>,
    command: &Command,
    context: &Context,
) -> Result<Decision, RejectionCodeV1> {
    let _ = (state, command, context);
    Err(RejectionCodeV1::NotFound)
}

/// Folds an event that happened at a moment into the state.
///
/// An event that cannot follow the state (only a damaged or foreign history has one) leaves it as it is.
pub fn evolve(state: Option<State>, event: &Event, at: Timestamp) -> Option<State> {
    let _ = (event, at);
    state
}
