//! Webhook endpoints.

use berth_proto::{
    Timestamp,
    codec::encoded_len,
    command::{
        ConfigureWebhookV1, DisableWebhookV1, RemoveWebhookV1, ReplaceWebhookV1, RotateWebhookSecretV1,
    },
    event::{Event, WebhookConfiguredV1, WebhookRemovedV1, WebhookSecretRotatedV1},
    frame::RejectionCodeV1,
    instance::{OldSecretV1, WebhookV1},
    limits::{
        ACCOUNT_WEBHOOK_CONFIG_BYTES_MAX, ACCOUNT_WEBHOOKS_MAX, WEBHOOK_CONFIG_BYTES_MAX, WEBHOOKS_MAX,
    },
};

use crate::instance::{Decision, State, evolve};

/// Rotated secrets of one endpoint that still sign (rule R10).
pub const OLD_SECRETS_MAX: usize = 3;
/// Seconds for which a rotated secret may still sign: seven days (rule R10).
pub const OLD_SECRET_SECONDS_MAX: i64 = 7 * 24 * 60 * 60;

/// Adds an endpoint, or replaces the one with its id (or, for an upsert, with its format and label), whose secrets
/// stay: they are changed by their own command, and a receiver that is not told of a new one would refuse
/// everything.
pub(super) fn configure(
    state: &State,
    command: &ConfigureWebhookV1,
    now: Timestamp,
) -> Result<Decision, RejectionCodeV1> {
    let mut webhook = command.webhook.clone();
    let labelled =
        state.webhooks.iter().find(|one| one.format == webhook.format && one.label == webhook.label);
    let present = match labelled {
        Some(one) if command.upsert => {
            webhook.id = one.id;
            Some(one)
        }
        // Endpoints without a label are told apart by their ids alone.
        Some(one) if one.id != webhook.id && !webhook.label.is_empty() => {
            return Err(RejectionCodeV1::Exists);
        }
        _ => state.webhooks.iter().find(|one| one.id == webhook.id),
    };
    if let Some(one) = present {
        webhook.secret.clone_from(&one.secret);
        webhook.old_secrets.clone_from(&one.old_secrets);
    }
    webhook.created_at = present.map_or(now, |one| one.created_at);
    // The copy of an account's endpoint keeps the moment of that: by it a copy says of which state it is one.
    let stamp = webhook.is_of_account().then_some(webhook.updated_at);
    webhook.updated_at = stamp.or(present.map(|one| one.updated_at)).unwrap_or(now);
    if present == Some(&webhook) {
        return Ok(Decision::unchanged(0).about(webhook.id));
    }
    webhook.updated_at = stamp.unwrap_or(now);
    check_bounds(state, &webhook, command.enabled_max)?;
    let id = webhook.id;
    Ok(Decision::applied(0, vec![WebhookConfiguredV1 { webhook }.into()]).about(id))
}

/// Replaces an endpoint, unless it was changed since the change was made from it: two changes at once, or a change and a
/// disabling, are decided one after the other, and neither undoes the other.
pub(super) fn replace(
    state: &State,
    command: &ReplaceWebhookV1,
    now: Timestamp,
) -> Result<Decision, RejectionCodeV1> {
    let ReplaceWebhookV1 { seen, webhook } = command;
    let present =
        state.webhooks.iter().find(|one| one.id == seen.id).ok_or(RejectionCodeV1::UnknownWebhook)?;
    if *present != **seen || webhook.id != seen.id {
        return Err(RejectionCodeV1::Changed);
    }
    configure(state, &ConfigureWebhookV1 { webhook: webhook.clone(), upsert: false, enabled_max: 0 }, now)
}

/// Adds endpoints one by one under the same rules as a single one; gives the events.
pub(super) fn configure_all(
    mut state: State,
    webhooks: &[WebhookV1],
    now: Timestamp,
) -> Result<Vec<Event>, RejectionCodeV1> {
    let mut events = Vec::new();
    for webhook in webhooks {
        let command = ConfigureWebhookV1 { webhook: webhook.clone(), upsert: false, enabled_max: 0 };
        for event in configure(&state, &command, now)?.events {
            state = evolve(Some(state), &event, now).ok_or(RejectionCodeV1::OutOfPlace)?;
            events.push(event);
        }
    }
    Ok(events)
}

/// Disables an endpoint that wants nothing more, unless it was changed since it said so (rule R18): whoever changed
/// it wants something of it.
pub(super) fn disable(
    state: &State,
    command: &DisableWebhookV1,
    now: Timestamp,
) -> Result<Decision, RejectionCodeV1> {
    let seen = &command.seen;
    let present =
        state.webhooks.iter().find(|one| one.id == seen.id).ok_or(RejectionCodeV1::UnknownWebhook)?;
    if present != seen {
        return Err(RejectionCodeV1::Changed);
    }
    if !present.enabled {
        return Ok(Decision::unchanged(0).about(seen.id));
    }
    // A copy of the account's endpoint stays a copy of that state of it, and is not enabled before there is a newer one.
    let updated_at = if present.is_of_account() { present.updated_at } else { now };
    let webhook = WebhookV1 { enabled: false, updated_at, ..present.clone() };
    Ok(Decision::applied(0, vec![WebhookConfiguredV1 { webhook }.into()]).about(seen.id))
}

/// Removes an endpoint.
pub(super) fn remove(state: &State, command: &RemoveWebhookV1) -> Result<Decision, RejectionCodeV1> {
    if state.webhooks.iter().all(|one| one.id != command.id) {
        return Err(RejectionCodeV1::UnknownWebhook);
    }
    Ok(Decision::applied(0, vec![WebhookRemovedV1 { id: command.id }.into()]).about(command.id))
}

/// Changes the signing secret of an endpoint; the present one signs beside it for a while.
pub(super) fn rotate_secret(
    state: &State,
    command: &RotateWebhookSecretV1,
    now: Timestamp,
) -> Result<Decision, RejectionCodeV1> {
    let webhook =
        state.webhooks.iter().find(|one| one.id == command.id).ok_or(RejectionCodeV1::UnknownWebhook)?;
    if webhook.secret == command.secret {
        return Ok(Decision::unchanged(0).about(command.id));
    }
    let latest = now.plus_seconds(OLD_SECRET_SECONDS_MAX);
    let retired = OldSecretV1 { secret: webhook.secret.clone(), until: command.keep_until.min(latest) };
    let mut old_secrets: Vec<_> =
        webhook.old_secrets.iter().chain([&retired]).filter(|old| old.until > now).cloned().collect();
    let surplus = old_secrets.len().saturating_sub(OLD_SECRETS_MAX);
    old_secrets.drain(..surplus);
    let mut rotated = webhook.clone();
    rotated.secret.clone_from(&command.secret);
    rotated.old_secrets.clone_from(&old_secrets);
    check_bounds(state, &rotated, 0)?;
    let event = WebhookSecretRotatedV1 { id: command.id, secret: command.secret.clone(), old_secrets };
    Ok(Decision::applied(0, vec![event.into()]).about(command.id))
}

/// The bounds on all endpoints together, as they would be with this one. Those of the account and those of the
/// instance itself do not take each other's places.
fn check_bounds(state: &State, webhook: &WebhookV1, enabled_max: u8) -> Result<(), RejectionCodeV1> {
    let (count_max, bytes_max) = if webhook.is_of_account() {
        (ACCOUNT_WEBHOOKS_MAX, ACCOUNT_WEBHOOK_CONFIG_BYTES_MAX)
    } else {
        (WEBHOOKS_MAX, WEBHOOK_CONFIG_BYTES_MAX)
    };
    let others = state.webhooks.iter().filter(|one| one.is_of_account() == webhook.is_of_account());
    let all = || others.clone().filter(|one| one.id != webhook.id).chain(std::iter::once(webhook));
    if all().count() > count_max {
        return Err(RejectionCodeV1::TooManyWebhooks);
    }
    let enabled = all().filter(|one| one.enabled && one.format == webhook.format).count();
    if webhook.enabled && enabled_max != 0 && enabled > usize::from(enabled_max) {
        return Err(RejectionCodeV1::TooManyWebhooks);
    }
    let mut bytes = 0_usize;
    for one in all() {
        bytes = bytes.saturating_add(encoded_len(one).map_err(|_| RejectionCodeV1::WebhooksTooLarge)?);
    }
    if bytes > bytes_max { Err(RejectionCodeV1::WebhooksTooLarge) } else { Ok(()) }
}
