//! Decisions on the endpoints of an account.
//!
//! All of them hear every instance of the account. Of a dialect's format ([`WebhookV1::is_of_account`]) there is one each, which
//! takes the place of the former; of the others there are as many as fit.

use berth_proto::{
    EndpointId, Sealed, Timestamp,
    account::{AccountWebhookConfiguredV1, AccountWebhookRemovedV1},
    codec::encoded_len,
    frame::RejectionCodeV1,
    instance::{OldSecretV1, WebhookV1},
    limits::{
        ACCOUNT_WEBHOOK_CONFIG_BYTES_MAX, ACCOUNT_WEBHOOKS_MAX, ACCOUNT_WIDE_WEBHOOK_CONFIG_BYTES_MAX,
        ACCOUNT_WIDE_WEBHOOKS_MAX,
    },
};

use super::{State, decide::Decision};
use crate::instance::{OLD_SECRET_SECONDS_MAX, OLD_SECRETS_MAX};

/// Adds an endpoint. One of a dialect's takes the place of the one of its format; another that is there already was added by an
/// earlier try of the same command, whatever was changed of it since.
pub(super) fn configure(state: &State, webhook: &WebhookV1, now: Timestamp) -> Decision {
    let present = if webhook.is_of_account() {
        state.webhooks.iter().find(|one| one.format == webhook.format)
    } else if state.webhooks.iter().any(|one| one.id == webhook.id) {
        return Ok(Vec::new());
    } else {
        None
    };
    put(state, present, webhook, now)
}

/// Replaces an endpoint, unless it was changed since the change was made from it: two changes at once, or a change and a
/// disabling, are decided one after the other, and neither undoes the other.
pub(super) fn replace(state: &State, seen: &WebhookV1, webhook: &WebhookV1, now: Timestamp) -> Decision {
    let present = find(state, seen.id)?;
    if present != seen || webhook.id != seen.id || webhook.format != seen.format {
        return Err(RejectionCodeV1::Changed);
    }
    put(state, Some(present), webhook, now)
}

/// Disables an endpoint that wants nothing more, unless it was changed since it said so (rule R18): whoever changed it
/// wants something of it.
pub(super) fn disable(state: &State, webhook: EndpointId, seen: Timestamp, now: Timestamp) -> Decision {
    let present = find(state, webhook)?;
    if !present.enabled {
        return Ok(Vec::new());
    }
    if present.updated_at != seen {
        return Err(RejectionCodeV1::Changed);
    }
    let webhook = WebhookV1 { enabled: false, updated_at: later(present, now), ..present.clone() };
    Ok(vec![AccountWebhookConfiguredV1 { webhook }.into()])
}

/// Removes an endpoint.
pub(super) fn remove(state: &State, webhook: EndpointId) -> Decision {
    find(state, webhook)?;
    Ok(vec![AccountWebhookRemovedV1 { webhook }.into()])
}

/// Changes the signing secret of an endpoint; the present one signs beside it for a while.
pub(super) fn rotate_secret(
    state: &State,
    webhook: EndpointId,
    secret: &Sealed,
    keep_until: Timestamp,
    now: Timestamp,
) -> Decision {
    let present = find(state, webhook)?;
    if present.secret == *secret {
        return Ok(Vec::new());
    }
    let until = keep_until.min(now.plus_seconds(OLD_SECRET_SECONDS_MAX));
    let retired = OldSecretV1 { secret: present.secret.clone(), until };
    let signing = present.old_secrets.iter().chain([&retired]).filter(|old| old.until > now);
    let mut old_secrets: Vec<_> = signing.cloned().collect();
    let surplus = old_secrets.len().saturating_sub(OLD_SECRETS_MAX);
    old_secrets.drain(..surplus);
    let updated_at = later(present, now);
    let webhook = WebhookV1 { secret: secret.clone(), old_secrets, updated_at, ..present.clone() };
    check_bounds(state, &webhook)?;
    Ok(vec![AccountWebhookConfiguredV1 { webhook }.into()])
}

/// An endpoint that is replaced keeps its id and its secrets, as an instance's does.
fn put(state: &State, present: Option<&WebhookV1>, webhook: &WebhookV1, now: Timestamp) -> Decision {
    let mut webhook = WebhookV1 { created_at: now, updated_at: now, ..webhook.clone() };
    if let Some(present) = present {
        webhook.id = present.id;
        webhook.secret.clone_from(&present.secret);
        webhook.old_secrets.clone_from(&present.old_secrets);
        webhook.created_at = present.created_at;
        if (WebhookV1 { updated_at: present.updated_at, ..webhook.clone() }) == *present {
            return Ok(Vec::new());
        }
        webhook.updated_at = later(present, now);
    }
    check_bounds(state, &webhook)?;
    Ok(vec![AccountWebhookConfiguredV1 { webhook }.into()])
}

/// The bounds on all endpoints of its kind together, as they would be with this one.
fn check_bounds(state: &State, webhook: &WebhookV1) -> Result<(), RejectionCodeV1> {
    let (count_max, bytes_max) = if webhook.is_of_account() {
        (ACCOUNT_WEBHOOKS_MAX, ACCOUNT_WEBHOOK_CONFIG_BYTES_MAX)
    } else {
        (ACCOUNT_WIDE_WEBHOOKS_MAX, ACCOUNT_WIDE_WEBHOOK_CONFIG_BYTES_MAX)
    };
    let others = state.webhooks.iter().filter(|one| one.is_of_account() == webhook.is_of_account());
    let all = || others.clone().filter(|one| one.id != webhook.id).chain([webhook]);
    if all().count() > count_max {
        return Err(RejectionCodeV1::TooManyWebhooks);
    }
    let mut bytes = 0_usize;
    for one in all() {
        bytes = bytes.saturating_add(encoded_len(one).map_err(|_| RejectionCodeV1::WebhooksTooLarge)?);
    }
    if bytes > bytes_max { Err(RejectionCodeV1::WebhooksTooLarge) } else { Ok(()) }
}

fn find(state: &State, webhook: EndpointId) -> Result<&WebhookV1, RejectionCodeV1> {
    state.webhooks.iter().find(|one| one.id == webhook).ok_or(RejectionCodeV1::UnknownWebhook)
}

/// The moment of a change: later than before whatever the clock says, since it tells of which state of the endpoint
/// something is said.
fn later(present: &WebhookV1, now: Timestamp) -> Timestamp {
    now.max(Timestamp(present.updated_at.0.saturating_add(1)))
}
