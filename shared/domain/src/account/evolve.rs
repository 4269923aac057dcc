//! The fold: what each event makes of the state.

use berth_proto::{Timestamp, instance::WebhookV1};

use super::{Event, State};

/// The state after an event of the commit with this version. None if the event has no state to stand on.
pub fn evolve(state: Option<State>, event: &Event, version: u64, at: Timestamp) -> Option<State> {
    let mut state = match (state, event) {
        (None, Event::AccountCreated(created)) => {
            return Some(State {
                created_at: at,
                updated_at: at,
                name: created.name.clone(),
                token: created.token.clone(),
                token_entry: created.token_entry,
                name_entry: created.name_entry,
                credential_version: 1,
                attributes: None,
                webhooks: Vec::new(),
                closed_at: None,
                unsettled: None,
                upstream: None,
            });
        }
        (state, _) => state?,
    };
    match event {
        Event::AccountCreated(_) => return None,
        Event::AccountTokenRotated(rotated) => {
            state.token = rotated.token.clone();
            state.token_entry = rotated.token_entry;
            state.credential_version = rotated.credential_version;
        }
        Event::AccountRenamed(renamed) => {
            state.name = renamed.name.clone();
            state.name_entry = renamed.name_entry;
        }
        Event::AccountAttributesChanged(changed) => state.attributes.clone_from(&changed.attributes),
        Event::AccountUpstreamChosen(chosen) => state.upstream.clone_from(&chosen.upstream),
        Event::AccountWebhookConfigured(configured) => {
            let webhook = configured.webhook.clone();
            // Instances have copies of a dialect's where the first formats are written. The others are followed by nobody: notices
            // name the version of the account that they rest on.
            let is_copied = webhook.is_of_account();
            match state.webhooks.iter_mut().find(|one| one.id == webhook.id) {
                Some(present) => *present = webhook,
                None => state.webhooks.push(webhook),
            }
            state.unsettled = if is_copied { Some(version) } else { state.unsettled };
        }
        Event::AccountWebhookRemoved(removed) => {
            let is_removed = |one: &WebhookV1| one.id == removed.webhook;
            if state.webhooks.iter().any(|one| is_removed(one) && one.is_of_account()) {
                state.unsettled = Some(version);
            }
            state.webhooks.retain(|one| !is_removed(one));
        }
        Event::AccountClosed(_) => {
            state.closed_at = Some(at);
            state.unsettled = Some(version);
        }
        // Nothing of the account itself: it did not change now.
        Event::AccountSettled(settled) => {
            state.unsettled = state.unsettled.filter(|since| *since > settled.version);
            return Some(state);
        }
    }
    state.updated_at = at;
    Some(state)
}
