//! Instances: who is linked, who ended the session, and whether webhooks may go out.
//!
//! - **id and stream**: [`InstanceId`](berth_proto::InstanceId), [`StreamKey::instance`](berth_proto::StreamKey::instance).
//! - **events**: [`Event`]. Their names are the storage format.
//! - **state and fold**: [`State`], [`evolve()`]. Whoever appends folds the events of a decision, then notes the
//!   command with [`remember`]; whoever reads a history does both at once with [`fold_commit`]. Either way the same
//!   state results, and it rides in the commit.
//! - **decisions**: [`decide()`], [`deadlines()`], and what the state permits: [`may_send`].

mod binding;
mod deadlines;
mod decide;
mod evolve;
mod messaging;
mod permission;
mod receipts;
mod words;

use berth_proto::{
    Timestamp,
    commit::{OutcomeCodeV1, OutcomeV1},
    ids::EndpointId,
    instance::{AttemptV1, InstanceStateV1, LinkV1, PhaseV1},
};

pub use berth_proto::delivery::NoticeClass;
pub use berth_proto::event::Event;
pub use binding::{
    Binding, LeftThere, UPSTREAM_WEBHOOK, WORKER, binding, binding_block, binding_in, left_there,
};
pub use deadlines::{
    AHEAD_SECONDS, ATTEMPT_SECONDS, ATTEMPT_SECONDS_MAX, BAN_SECONDS_MAX, CODE_GRACE_SECONDS, SKEW_SECONDS,
    UNLINK_SECONDS, deadlines, due, effective, next_deadline,
};
pub use decide::{LOGOUT_CODE, OLD_SECRET_SECONDS_MAX, OLD_SECRETS_MAX, decide};
pub use evolve::{evolve, is_lost, lost_instance, never_was};
pub use messaging::{Unusable, may_message};
pub use permission::{Bearing, Notice, Verdict, may_send, verdict};
pub use receipts::{fold_commit, forgetful, remember, remembered};
pub use words::{STATE_DETAILS, STATE_WORDS, connection_word, detail_word, pause_word, state_word};

/// The state of an instance; none before it exists.
pub type State = InstanceStateV1;

/// What a decision may look at besides the state and the command.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// The present moment of whoever decides. It may be before the previous commit's, if that one was decided by a
    /// clock that was ahead: what is to last from now on rests on this one, not on the history's.
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

impl Decision {
    fn of(code: OutcomeCodeV1, attempt: u32, events: Vec<Event>) -> Self {
        Self { events, outcome: OutcomeV1 { code, attempt, endpoint: None } }
    }

    fn applied(attempt: u32, events: Vec<Event>) -> Self {
        Self::of(OutcomeCodeV1::Applied, attempt, events)
    }

    fn unchanged(attempt: u32) -> Self {
        Self::of(OutcomeCodeV1::Unchanged, attempt, Vec::new())
    }

    fn joined(attempt: u32) -> Self {
        Self::of(OutcomeCodeV1::Joined, attempt, Vec::new())
    }

    fn about(mut self, endpoint: EndpointId) -> Self {
        self.outcome.endpoint = Some(endpoint);
        self
    }
}

/// Whether there is anything that a logout would end: a linked device, running or paused, or an attempt.
pub fn has_session(state: &State) -> bool {
    link(state).is_some() || attempt(state).is_some()
}

/// The running attempt, if there is one.
pub fn attempt(state: &State) -> Option<&AttemptV1> {
    match &state.phase {
        PhaseV1::Connecting(attempt) | PhaseV1::Pairing(attempt) => Some(attempt),
        PhaseV1::Created
        | PhaseV1::Linked(_)
        | PhaseV1::Paused(_)
        | PhaseV1::LoggedOut { .. }
        | PhaseV1::Deleted { .. } => None,
    }
}

/// The linked device, running or paused, if there is one.
pub fn link(state: &State) -> Option<&LinkV1> {
    match &state.phase {
        PhaseV1::Linked(link) => Some(link),
        PhaseV1::Paused(pause) => Some(&pause.link),
        PhaseV1::Created
        | PhaseV1::Connecting(_)
        | PhaseV1::Pairing(_)
        | PhaseV1::LoggedOut { .. }
        | PhaseV1::Deleted { .. } => None,
    }
}
