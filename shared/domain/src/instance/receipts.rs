//! The commands that an instance remembers, so that a repeated one is answered and not decided again.

use berth_proto::{
    CommandId, CommitV2, DecodeError,
    commit::{PrincipalV1, ReceiptV2},
    event::Event,
    instance::{RememberedV1, remember_in},
    limits::{KEYED_RECEIPTS_MAX, UNKEYED_RECEIPTS_MAX},
};

use crate::instance::{State, evolve};

/// Notes a command that the commit with this version answers.
///
/// A keyed command goes to the ring of 32, a client's command without a key to the ring of 8. What our own
/// services send (reports and the clock's commands) is deduplicated by its content and takes no slot, so that
/// a busy link cannot push a client's retry out.
pub fn remember(state: &mut State, receipt: &ReceiptV2, version: u64) {
    let (ring, max) = match (receipt.keyed, receipt.principal) {
        (true, _) => (&mut state.keyed, KEYED_RECEIPTS_MAX),
        (false, PrincipalV1::Service) => return,
        (false, PrincipalV1::Root | PrincipalV1::Account { .. } | PrincipalV1::Instance { .. }) => {
            (&mut state.unkeyed, UNKEYED_RECEIPTS_MAX)
        }
    };
    if ring.iter().any(|known| known.command_id == receipt.command_id) {
        return;
    }
    let outcome = receipt.outcome.clone();
    let (command_id, digest) = (receipt.command_id, receipt.digest);
    remember_in(ring, max, &[RememberedV1 { command_id, digest, version, outcome }]);
}

/// What the instance remembers of a command, if it still does.
pub fn remembered(state: &State, command_id: CommandId) -> Option<&RememberedV1> {
    state.keyed.iter().chain(&state.unkeyed).find(|known| known.command_id == command_id)
}

/// The state without the commands that it remembers: for everybody but those who decide.
pub fn forgetful(state: &State) -> State {
    State { keyed: Vec::new(), unkeyed: Vec::new(), ..state.clone() }
}

/// Folds a whole commit into the state before it: its events, then its receipts.
///
/// Fails if an event is of a type or version that this release does not know, or damaged.
pub fn fold_commit(state: Option<State>, commit: &CommitV2) -> Result<Option<State>, DecodeError> {
    let mut state = state;
    for record in &commit.events {
        state = evolve(state, &Event::from_record(record)?, commit.occurred_at);
    }
    if let Some(state) = &mut state {
        for receipt in &commit.receipts {
            remember(state, receipt, commit.version);
        }
    }
    Ok(state)
}
