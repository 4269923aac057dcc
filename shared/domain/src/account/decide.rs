//! Decisions: what each command comes to.

use berth_proto::{
    DirectoryId, EndpointId, Timestamp,
    account::{
        AccountAttributesChangedV1, AccountClosedV1, AccountCreatedV1, AccountRenamedV1, AccountSettledV1,
        AccountTokenRotatedV1, AccountWebhookConfiguredV1, AccountWebhookRemovedV1,
    },
    codec::encoded_len,
    directory::PurposeV1,
    frame::{RejectionCodeV1, TargetV1},
    instance::WebhookV1,
    limits::{ACCOUNT_WEBHOOK_CONFIG_BYTES_MAX, ACCOUNT_WEBHOOKS_MAX},
};

use super::{Event, State};

type Decision = Result<Vec<Event>, RejectionCodeV1>;

/// Decides a command on an account: no event if it is so already.
pub fn decide(state: Option<&State>, command: &TargetV1, now: Timestamp) -> Decision {
    let creates = matches!(command, TargetV1::CreateAccount { .. } | TargetV1::CreateDescribedAccount { .. });
    let state = match state {
        None if creates => return Ok(create(command)),
        Some(_) if creates => return Err(RejectionCodeV1::Exists),
        Some(state) if state.closed_at.is_none() => state,
        _ => return Err(RejectionCodeV1::NotFound),
    };
    match command {
        TargetV1::RotateAccountToken { token_entry, .. } if *token_entry == state.token_entry => {
            Ok(Vec::new())
        }
        TargetV1::RotateAccountToken { token, token_entry, .. } => {
            let credential_version = state.credential_version.saturating_add(1);
            let (token, token_entry) = (token.clone(), *token_entry);
            Ok(vec![AccountTokenRotatedV1 { credential_version, token, token_entry }.into()])
        }
        TargetV1::ChangeAccount { name, attributes, .. } => {
            let name = name.iter().filter(|(_, entry)| *entry != state.name_entry);
            let renamed = name.map(|(name, name_entry)| {
                AccountRenamedV1 { name: name.clone(), name_entry: *name_entry }.into()
            });
            // Sealed values of one field are equal if their texts are.
            let attributes = attributes.iter().filter(|new| state.attributes.as_ref() != Some(new));
            let changed =
                attributes.map(|new| AccountAttributesChangedV1 { attributes: Some(new.clone()) }.into());
            Ok(renamed.chain(changed).collect())
        }
        TargetV1::CloseAccount { .. } => Ok(vec![AccountClosedV1 {}.into()]),
        TargetV1::ConfigureAccountWebhook { webhook, .. } => configure(state, webhook, now),
        TargetV1::ReplaceAccountWebhook { seen, webhook, .. } => replace(state, seen, webhook, now),
        TargetV1::RemoveAccountWebhook { webhook, .. } => remove(state, *webhook),
        TargetV1::DisableAccountWebhook { webhook, seen, .. } => disable(state, *webhook, *seen, now),
        TargetV1::CreateAccount { .. }
        | TargetV1::CreateDescribedAccount { .. }
        | TargetV1::Instance { .. } => Err(RejectionCodeV1::NotFound),
    }
}

/// Says that the instances follow the account as it was after the commit with this version; nothing if they
/// need not follow it.
pub fn settle(state: &State, version: u64) -> Option<Event> {
    state.unsettled.filter(|since| *since <= version)?;
    Some(AccountSettledV1 { version }.into())
}

/// A key of the directory that an account has to hold before an event may say that it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The key.
    pub entry: DirectoryId,
    /// What for.
    pub purpose: PurposeV1,
    /// The version of the token, 0 for a name.
    pub credential_version: u32,
}

/// What has to be reserved before these events are appended, in this order.
pub fn claims(events: &[Event]) -> Vec<Claim> {
    let name = |entry| Claim { entry, purpose: PurposeV1::AccountName, credential_version: 0 };
    let token =
        |entry, credential_version| Claim { entry, purpose: PurposeV1::AccountToken, credential_version };
    let of = |event: &Event| match event {
        Event::AccountCreated(created) => vec![name(created.name_entry), token(created.token_entry, 1)],
        Event::AccountTokenRotated(rotated) => vec![token(rotated.token_entry, rotated.credential_version)],
        Event::AccountRenamed(renamed) => vec![name(renamed.name_entry)],
        Event::AccountAttributesChanged(_)
        | Event::AccountWebhookConfigured(_)
        | Event::AccountWebhookRemoved(_)
        | Event::AccountClosed(_)
        | Event::AccountSettled(_) => Vec::new(),
    };
    events.iter().flat_map(of).collect()
}

/// The keys of the directory that an account held before and does not use any more.
pub fn given_up(before: &State, after: &State) -> Vec<DirectoryId> {
    let mut entries = vec![before.name_entry, before.token_entry];
    entries.retain(|entry| ![after.name_entry, after.token_entry].contains(entry));
    entries
}

fn create(command: &TargetV1) -> Vec<Event> {
    let (TargetV1::CreateAccount { name, name_entry, token, token_entry, .. }
    | TargetV1::CreateDescribedAccount { name, name_entry, token, token_entry, .. }) = command
    else {
        return Vec::new();
    };
    let created = AccountCreatedV1 {
        name: name.clone(),
        token: token.clone(),
        token_entry: *token_entry,
        name_entry: *name_entry,
    };
    let mut events = vec![created.into()];
    if let TargetV1::CreateDescribedAccount { attributes, .. } = command {
        events.push(AccountAttributesChangedV1 { attributes: Some(attributes.clone()) }.into());
    }
    events
}

/// An endpoint that is replaced keeps its id and its secrets, as an instance's does.
fn configure(state: &State, webhook: &WebhookV1, now: Timestamp) -> Decision {
    if !webhook.is_of_account() {
        return Err(RejectionCodeV1::OutOfPlace);
    }
    let mut webhook = WebhookV1 { created_at: now, updated_at: now, ..webhook.clone() };
    if let Some(present) = state.webhooks.iter().find(|one| one.format == webhook.format) {
        webhook.id = present.id;
        webhook.secret.clone_from(&present.secret);
        webhook.old_secrets.clone_from(&present.old_secrets);
        webhook.created_at = present.created_at;
        if (WebhookV1 { updated_at: present.updated_at, ..webhook.clone() }) == *present {
            return Ok(Vec::new());
        }
        webhook.updated_at = later(present, now);
    }
    let all = || state.webhooks.iter().filter(|one| one.id != webhook.id).chain([&webhook]);
    if all().count() > ACCOUNT_WEBHOOKS_MAX {
        return Err(RejectionCodeV1::TooManyWebhooks);
    }
    let mut bytes = 0_usize;
    for one in all() {
        bytes = bytes.saturating_add(encoded_len(one).map_err(|_| RejectionCodeV1::WebhooksTooLarge)?);
    }
    if bytes > ACCOUNT_WEBHOOK_CONFIG_BYTES_MAX {
        return Err(RejectionCodeV1::WebhooksTooLarge);
    }
    Ok(vec![AccountWebhookConfiguredV1 { webhook }.into()])
}

/// Replaces an endpoint, unless it was changed since the change was made from it: two changes at once, or a change and a
/// disabling, are decided one after the other, and neither undoes the other.
fn replace(state: &State, seen: &WebhookV1, webhook: &WebhookV1, now: Timestamp) -> Decision {
    let present =
        state.webhooks.iter().find(|one| one.id == seen.id).ok_or(RejectionCodeV1::UnknownWebhook)?;
    if present != seen || webhook.id != seen.id || webhook.format != seen.format {
        return Err(RejectionCodeV1::Changed);
    }
    configure(state, webhook, now)
}

/// Disables an endpoint that wants nothing more, unless it was changed since it said so (rule R18): whoever changed it
/// wants something of it.
fn disable(state: &State, webhook: EndpointId, seen: Timestamp, now: Timestamp) -> Decision {
    let present =
        state.webhooks.iter().find(|one| one.id == webhook).ok_or(RejectionCodeV1::UnknownWebhook)?;
    if !present.enabled {
        return Ok(Vec::new());
    }
    if present.updated_at != seen {
        return Err(RejectionCodeV1::Changed);
    }
    let webhook = WebhookV1 { enabled: false, updated_at: later(present, now), ..present.clone() };
    Ok(vec![AccountWebhookConfiguredV1 { webhook }.into()])
}

/// The moment of a change: later than before whatever the clock says, since instances tell by it of which state they have a
/// copy.
fn later(present: &WebhookV1, now: Timestamp) -> Timestamp {
    now.max(Timestamp(present.updated_at.0.saturating_add(1)))
}

fn remove(state: &State, webhook: EndpointId) -> Decision {
    if state.webhooks.iter().all(|one| one.id != webhook) {
        return Err(RejectionCodeV1::UnknownWebhook);
    }
    Ok(vec![AccountWebhookRemovedV1 { webhook }.into()])
}
