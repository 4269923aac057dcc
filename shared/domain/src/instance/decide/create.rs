//! Creating an instance, and giving up a create that never got that far.

use berth_proto::{
    Timestamp,
    command::{AbandonCreateV1, CreateInstanceV1},
    event::{AbandonedV1, Event, InstanceCreatedV1},
    frame::RejectionCodeV1,
    limits::SETTINGS_BLOCKS_MAX,
};

use super::webhooks;
use crate::instance::{
    Decision,
    binding::{bound, is_of_link},
    evolve,
};

/// An instance with its settings, then its webhooks one by one under the same rules as later ones.
pub(super) fn create(command: &CreateInstanceV1, now: Timestamp) -> Result<Decision, RejectionCodeV1> {
    if command.settings.len() > SETTINGS_BLOCKS_MAX {
        return Err(RejectionCodeV1::StateTooLarge);
    }
    let created = Event::from(InstanceCreatedV1 {
        account: command.account,
        number: command.number,
        name: command.name.clone(),
        token: command.token.clone(),
        entries: command.entries.clone(),
        settings: command.settings.iter().filter(|block| !is_of_link(&block.owner)).cloned().collect(),
    });
    let mut events = vec![created];
    events.extend(command.settings.iter().find_map(bound).map(Event::from));
    let state = events.iter().fold(None, |state, event| evolve(state, event, now));
    if let Some(state) = state {
        events.extend(webhooks::configure_all(state, &command.webhooks, now)?);
    }
    Ok(Decision::applied(0, events))
}

/// Tombstones an empty stream, so that a create that is still under way somewhere loses cleanly.
pub(super) fn abandon(command: &AbandonCreateV1) -> Decision {
    Decision::applied(0, vec![AbandonedV1 { account: command.account }.into()])
}
