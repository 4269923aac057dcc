//! The webhook that an instance has at its upstream: taken while Berth drives it, given back when it only looks.

use berth_proto::{
    Timestamp,
    command::{ConfigureWebhookV1, ReportWebhookGivenBackV1, ReportWebhookTakenV1},
    event::{Event, SettingsChangedV1, WebhookRemovedV1},
    frame::RejectionCodeV1,
    instance::SettingsBlockV1,
    limits::SETTINGS_BLOCKS_MAX,
};

use super::webhooks;
use crate::instance::{Decision, State, binding::UPSTREAM_WEBHOOK};

/// Keeps how it was configured, so that it can be given back, and tells from here whom it told. Whoever said here already what
/// clients of that vocabulary are told is not overruled.
pub(super) fn webhook_taken(
    state: &State,
    report: &ReportWebhookTakenV1,
    now: Timestamp,
) -> Result<Decision, RejectionCodeV1> {
    let block = SettingsBlockV1 { owner: UPSTREAM_WEBHOOK.to_owned(), body: report.kept.clone() };
    let present = state.settings.iter().find(|one| one.owner == block.owner);
    let mut events: Vec<Event> = Vec::new();
    if present != Some(&block) {
        if present.is_none() && state.settings.len() >= SETTINGS_BLOCKS_MAX {
            return Err(RejectionCodeV1::StateTooLarge);
        }
        events.push(SettingsChangedV1 { block }.into());
    }
    if let Some(webhook) = &report.webhook
        && !state.webhooks.iter().any(|one| one.format == webhook.format && one.label == webhook.label)
    {
        let configure = ConfigureWebhookV1 { webhook: webhook.clone(), upsert: false, enabled_max: 0 };
        events.extend(webhooks::configure(state, &configure, now)?.events);
    }
    Ok(if events.is_empty() { Decision::unchanged(0) } else { Decision::applied(0, events) })
}

/// The endpoint that was made of it goes: the upstream tells it again.
pub(super) fn webhook_given_back(state: &State, report: &ReportWebhookGivenBackV1) -> Decision {
    let id = report.endpoint;
    if state.webhooks.iter().any(|one| one.id == id) {
        Decision::applied(0, vec![WebhookRemovedV1 { id }.into()]).about(id)
    } else {
        Decision::unchanged(0)
    }
}
