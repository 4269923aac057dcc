//! Decisions: what each command comes to.

use berth_proto::{
    DirectoryId, Timestamp,
    account::{
        AccountAttributesChangedV1, AccountClosedV1, AccountCreatedV1, AccountRenamedV1, AccountSettledV1,
        AccountTokenRotatedV1, AccountUpstreamChosenV1,
    },
    directory::PurposeV1,
    frame::{RejectionCodeV1, TargetV1},
};

use super::{
    Event, State,
    webhooks::{configure, disable, remove, replace, rotate_secret},
};

pub(super) type Decision = Result<Vec<Event>, RejectionCodeV1>;

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
        TargetV1::ChooseAccountUpstream { upstream, .. } if *upstream == state.upstream => Ok(Vec::new()),
        TargetV1::ChooseAccountUpstream { upstream, .. } => {
            Ok(vec![AccountUpstreamChosenV1 { upstream: upstream.clone() }.into()])
        }
        TargetV1::ConfigureAccountWebhook { webhook, .. } => configure(state, webhook, now),
        TargetV1::ReplaceAccountWebhook { seen, webhook, .. } => replace(state, seen, webhook, now),
        TargetV1::RemoveAccountWebhook { webhook, .. } => remove(state, *webhook),
        TargetV1::DisableAccountWebhook { webhook, seen, .. } => disable(state, *webhook, *seen, now),
        TargetV1::RotateAccountWebhookSecret { webhook, secret, keep_until, .. } => {
            rotate_secret(state, *webhook, secret, *keep_until, now)
        }
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
        | Event::AccountUpstreamChosen(_)
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
