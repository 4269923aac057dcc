//! The account, the name, the token and the opaque settings.

use berth_proto::{
    Timestamp,
    command::{ChangeSettingsV1, MoveV1, RenameV1, RotateTokenV1, SwitchV1},
    event::{
        Event, InstanceMovedV1, InstanceRenamedV1, SettingsChangedV1, SwitchedV1, TokenRotatedV1,
        WebhookRemovedV1,
    },
    frame::RejectionCodeV1,
    limits::SETTINGS_BLOCKS_MAX,
};

use super::webhooks;
use crate::instance::{Decision, State, binding::is_of_link, evolve};

/// Another account owns it from now on; its session, token and number stay, and JWTs that name the former
/// account end. In the same step it loses the former account's endpoints, so that nothing is told there any more,
/// and gets those of the new one.
pub(super) fn move_to(state: &State, command: &MoveV1, now: Timestamp) -> Result<Decision, RejectionCodeV1> {
    if state.account == command.account {
        return Ok(Decision::unchanged(0));
    }
    let inherited = state.webhooks.iter().filter(|webhook| webhook.is_of_account());
    let mut events: Vec<Event> =
        inherited.map(|webhook| WebhookRemovedV1 { id: webhook.id }.into()).collect();
    let moved = InstanceMovedV1 {
        account: command.account,
        name_entry: command.name_entry,
        alias_entry: command.alias_entry,
        jwt_version: state.jwt_version.saturating_add(1),
    };
    events.push(moved.into());
    let after = events.iter().try_fold(state.clone(), |state, event| evolve(Some(state), event, now));
    let after = after.ok_or(RejectionCodeV1::OutOfPlace)?;
    events.extend(webhooks::configure_all(after, &command.webhooks, now)?);
    Ok(Decision::applied(0, events))
}

/// Another name; whatever the instance is doing goes on.
pub(super) fn rename(state: &State, command: &RenameV1) -> Decision {
    if state.entries.name == command.name_entry {
        return Decision::unchanged(0);
    }
    let RenameV1 { name, name_entry } = command.clone();
    Decision::applied(0, vec![InstanceRenamedV1 { name, name_entry }.into()])
}

/// A new token ends the old one and every JWT; without a token only the JWTs end.
pub(super) fn rotate_token(state: &State, command: &RotateTokenV1) -> Decision {
    let credential_version = match &command.token {
        Some(new) if new.entry == state.entries.token => return Decision::unchanged(0),
        Some(_) => state.credential_version.saturating_add(1),
        None => state.credential_version,
    };
    let rotated = TokenRotatedV1 {
        credential_version,
        jwt_version: state.jwt_version.saturating_add(1),
        token: command.token.clone(),
    };
    Decision::applied(0, vec![rotated.into()])
}

/// One block replaces the block of the same owner.
pub(super) fn change_settings(
    state: &State,
    command: &ChangeSettingsV1,
) -> Result<Decision, RejectionCodeV1> {
    Ok(match changed(state, command)? {
        None => Decision::unchanged(0),
        Some(changed) => Decision::applied(0, vec![changed.into()]),
    })
}

/// The same with the word of what it comes to, since nobody behind us can read the block.
pub(super) fn switch(state: &State, command: &SwitchV1) -> Result<Decision, RejectionCodeV1> {
    Ok(match changed(state, &command.change)? {
        None => Decision::unchanged(0),
        Some(changed) => Decision::applied(0, vec![changed.into(), SwitchedV1 { on: command.on }.into()]),
    })
}

fn changed(state: &State, command: &ChangeSettingsV1) -> Result<Option<SettingsChangedV1>, RejectionCodeV1> {
    if is_of_link(&command.block.owner) {
        return Err(RejectionCodeV1::OutOfPlace);
    }
    let present = state.settings.iter().find(|block| block.owner == command.block.owner);
    // Sealed values of one field are equal if their texts are.
    if present == Some(&command.block) {
        return Ok(None);
    }
    if command.expected.is_some() && present.map(|block| &block.body) != command.expected.as_ref() {
        return Err(RejectionCodeV1::Changed);
    }
    if present.is_none() && state.settings.len() >= SETTINGS_BLOCKS_MAX {
        return Err(RejectionCodeV1::StateTooLarge);
    }
    Ok(Some(SettingsChangedV1 { block: command.block.clone() }))
}
