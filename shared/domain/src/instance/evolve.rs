//! The fold: what each event makes of the state.

use berth_proto::{
    AccountId, DirectoryId, Sealed, Timestamp,
    event::{
        AbandonedV1, ConnectEndedV1, ConnectRequestedV1, DeviceLinkedV1, Event, InstanceCreatedV1,
        LinkPausedV1, LoggedOutV1, LogoutOriginV1, ReportedV1,
    },
    instance::{
        AttemptV1, CodeV1, ConnectionV1, EndCauseV1, EndedV1, EntriesV1, LinkV1, PauseV1, PermissionV1,
        PhaseV1, PriorV1, UnlinkStatusV1, UnlinkV1,
    },
    limits::UNLINKS_MAX,
};

use crate::instance::{State, binding, binding_block, link};

/// Folds an event that happened at a moment into the state.
///
/// An event that cannot follow the state (only a damaged or foreign history has one) leaves it as it is.
pub fn evolve(state: Option<State>, event: &Event, at: Timestamp) -> Option<State> {
    match (state, event) {
        (None, Event::InstanceCreated(created)) => Some(new_instance(created, at)),
        (None, Event::Abandoned(abandoned)) => Some(abandoned_instance(abandoned, at)),
        (None, _) => None,
        (Some(mut state), event) => {
            if apply(&mut state, event, at).is_some() {
                state.updated_at = at;
            }
            Some(state)
        }
    }
}

/// Changes the state; none if the event cannot follow it, which is then untouched.
fn apply(state: &mut State, event: &Event, at: Timestamp) -> Option<()> {
    let deleted = matches!(state.phase, PhaseV1::Deleted { .. });
    match event {
        Event::DeviceUnlinked(e) => return unlink_ended(state, e.attempt, UnlinkStatusV1::Confirmed),
        Event::UnlinkAbandoned(e) => return unlink_ended(state, e.attempt, UnlinkStatusV1::Abandoned),
        Event::InstanceCreated(_) | Event::Abandoned(_) => return None,
        _ if deleted => return None,
        Event::ConnectRequested(e) => return connect_requested(state, e, at),
        Event::QrIssued(e) => {
            let mut attempt = attempt_of(state, e.attempt)?.clone();
            let code = CodeV1 { index: e.index, digest: e.digest, issued_at: at, expires_at: e.expires_at };
            attempt.qr = Some(code);
            attempt.deadline = e.deadline;
            (attempt.epoch, attempt.report) = (e.reported.epoch, e.reported.number);
            state.phase = PhaseV1::Pairing(attempt);
        }
        Event::PairingCodeIssued(e) => {
            let mut attempt = attempt_of(state, e.attempt)?.clone();
            let code = CodeV1 { index: e.index, digest: e.digest, issued_at: at, expires_at: e.expires_at };
            attempt.pairing_code = Some(code);
            attempt.deadline = e.deadline;
            (attempt.epoch, attempt.report) = (e.reported.epoch, e.reported.number);
            state.phase = PhaseV1::Pairing(attempt);
        }
        Event::PairingCodeRefused(e) => {
            let attempt = attempt_of(state, e.attempt)?;
            (attempt.epoch, attempt.report) = (e.reported.epoch, e.reported.number);
        }
        Event::ConnectEnded(e) => return connect_ended(state, e, at),
        Event::DeviceLinked(e) => return device_linked(state, e, at),
        Event::ResumeRequested(e) => {
            let link = link(state).filter(|link| link.attempt == e.attempt)?.clone();
            state.phase = PhaseV1::Linked(LinkV1 { connection: ConnectionV1::Opening, since: at, ..link });
        }
        Event::StopRequested(e) => {
            running_link(state, e.attempt)?;
        }
        Event::ConnectionOpened(e) => connection(state, e.attempt, ConnectionV1::Open, e.reported, at)?,
        Event::ConnectionLost(e) => connection(state, e.attempt, ConnectionV1::Lost, e.reported, at)?,
        Event::LinkPaused(e) => return link_paused(state, e, at),
        Event::LoggedOut(e) => return logged_out(state, e, at),
        Event::WebhooksSuspended(_) => state.permission = PermissionV1::Silent,
        Event::QrWebhooksAllowed(_) => state.permission = PermissionV1::QrOnly,
        Event::WebhooksResumed(_) => state.permission = PermissionV1::Open,
        Event::WebhookConfigured(e) => match state.webhooks.iter_mut().find(|one| one.id == e.webhook.id) {
            Some(present) => present.clone_from(&e.webhook),
            None => state.webhooks.push(e.webhook.clone()),
        },
        Event::WebhookRemoved(e) => {
            let place = state.webhooks.iter().position(|one| one.id == e.id)?;
            state.webhooks.remove(place);
        }
        Event::WebhookSecretRotated(e) => {
            let webhook = state.webhooks.iter_mut().find(|one| one.id == e.id)?;
            webhook.secret.clone_from(&e.secret);
            webhook.old_secrets.clone_from(&e.old_secrets);
            webhook.updated_at = at;
        }
        Event::TokenRotated(e) => {
            state.credential_version = e.credential_version;
            state.jwt_version = e.jwt_version;
            if let Some(new) = &e.token {
                state.token.clone_from(&new.token);
                state.entries.token = new.entry;
            }
        }
        Event::SettingsChanged(e) => match state.settings.iter_mut().find(|one| one.owner == e.block.owner) {
            Some(present) => present.clone_from(&e.block),
            None => state.settings.push(e.block.clone()),
        },
        // It says what the settings before it come to.
        Event::Switched(_) => {}
        Event::InstanceMoved(e) => {
            state.account = e.account;
            state.entries.name = e.name_entry;
            state.entries.alias = e.alias_entry;
            // The key of its creation meant something in the former account only.
            state.entries.creation = None;
            state.jwt_version = e.jwt_version;
        }
        Event::InstanceRenamed(e) => {
            state.name.clone_from(&e.name);
            state.entries.name = e.name_entry;
        }
        Event::LinkBound(e) => {
            let before = state.phase == PhaseV1::Created && binding(state).is_none();
            before.then(|| state.settings.push(binding_block(&e.kind, &e.upstream, e.name.clone())))?;
        }
        Event::InstanceDeleted(_) => {
            // Whatever ran was ended by the events before; unlinks, entries, receipts and endpoints stay.
            match state.phase {
                PhaseV1::Created | PhaseV1::LoggedOut { .. } => state.phase = PhaseV1::Deleted { at },
                _ => return None,
            }
        }
    }
    Some(())
}

// === beginnings ===

fn new_instance(created: &InstanceCreatedV1, at: Timestamp) -> State {
    State {
        account: created.account,
        created_at: at,
        updated_at: at,
        number: created.number,
        name: created.name.clone(),
        token: created.token.clone(),
        entries: created.entries.clone(),
        credential_version: 1,
        jwt_version: 1,
        phase: PhaseV1::Created,
        session: 1,
        attempt: 0,
        // Silent, not open: see `permission.rs`.
        permission: PermissionV1::Silent,
        last_device: None,
        last_end: None,
        unlinks: Vec::new(),
        webhooks: Vec::new(),
        settings: created.settings.clone(),
        keyed: Vec::new(),
        unkeyed: Vec::new(),
    }
}

/// A tombstone without a life: a create that comes too late finds it and is refused.
fn abandoned_instance(abandoned: &AbandonedV1, at: Timestamp) -> State {
    let nowhere = DirectoryId::from_bytes([0; 16]);
    let created = InstanceCreatedV1 {
        account: abandoned.account,
        number: 0,
        name: Sealed(Vec::new()),
        token: Sealed(Vec::new()),
        entries: EntriesV1 { name: nowhere, token: nowhere, number: nowhere, alias: None, creation: None },
        settings: Vec::new(),
    };
    State { phase: PhaseV1::Deleted { at }, ..new_instance(&created, at) }
}

/// The tombstone of an instance that lived, but of which nothing can be read any more: nobody knows its number, its
/// name or its sessions.
pub fn lost_instance(account: AccountId, at: Timestamp) -> State {
    State { session: 0, ..abandoned_instance(&AbandonedV1 { account }, at) }
}

/// Whether a tombstone is that of a create that was given up: there never was such an instance.
pub const fn never_was(state: &State) -> bool {
    state.number == 0 && state.session > 0
}

/// Whether a tombstone is that of an instance of which nothing could be read any more.
pub const fn is_lost(state: &State) -> bool {
    state.number == 0 && state.session == 0
}

// === attempts ===

fn attempt_of(state: &mut State, number: u32) -> Option<&mut AttemptV1> {
    match &mut state.phase {
        PhaseV1::Connecting(attempt) | PhaseV1::Pairing(attempt) if attempt.number == number => Some(attempt),
        _ => None,
    }
}

fn connect_requested(state: &mut State, event: &ConnectRequestedV1, at: Timestamp) -> Option<()> {
    let prior = match state.phase {
        PhaseV1::Created => PriorV1::Created,
        PhaseV1::LoggedOut { at } => PriorV1::LoggedOut { at },
        _ => return None,
    };
    state.attempt = event.attempt;
    state.phase = PhaseV1::Connecting(AttemptV1 {
        number: event.attempt,
        method: event.method.clone(),
        started_at: at,
        deadline: event.deadline,
        prior,
        epoch: 0,
        report: 0,
        qr: None,
        pairing_code: None,
    });
    Some(())
}

fn connect_ended(state: &mut State, event: &ConnectEndedV1, at: Timestamp) -> Option<()> {
    state.phase = match attempt_of(state, event.attempt)?.prior {
        PriorV1::Created => PhaseV1::Created,
        PriorV1::LoggedOut { at } => PhaseV1::LoggedOut { at },
    };
    state.last_end = Some(EndedV1 { at, cause: EndCauseV1::Attempt, code: event.code });
    Some(())
}

fn device_linked(state: &mut State, event: &DeviceLinkedV1, at: Timestamp) -> Option<()> {
    // At an upstream a device may have been linked without an attempt of ours.
    let was_found = attempt_of(state, event.attempt).is_none();
    if was_found && !may_be_found(state, event.attempt) {
        return None;
    }
    state.attempt = event.attempt;
    state.last_device = Some(event.device.clone());
    state.phase = PhaseV1::Linked(LinkV1 {
        attempt: event.attempt,
        linked_at: at,
        connection: ConnectionV1::Opening,
        since: at,
        device: event.device.clone(),
        epoch: event.reported.epoch,
        report: event.reported.number,
    });
    Some(())
}

/// Whether a device of the next attempt may be found linked, although nobody here asked for it.
pub(super) fn may_be_found(state: &State, attempt: u32) -> bool {
    let is_next = state.attempt.checked_add(1) == Some(attempt);
    let is_free = matches!(state.phase, PhaseV1::Created | PhaseV1::LoggedOut { .. });
    is_next && is_free && binding(state).is_some_and(|it| it.on_upstream().is_some())
}

// === links ===

fn running_link(state: &mut State, attempt: u32) -> Option<&mut LinkV1> {
    match &mut state.phase {
        PhaseV1::Linked(link) if link.attempt == attempt => Some(link),
        _ => None,
    }
}

fn connection(
    state: &mut State,
    attempt: u32,
    connection: ConnectionV1,
    reported: ReportedV1,
    at: Timestamp,
) -> Option<()> {
    let link = running_link(state, attempt)?;
    link.connection = connection;
    link.since = at;
    (link.epoch, link.report) = (reported.epoch, reported.number);
    Some(())
}

fn link_paused(state: &mut State, event: &LinkPausedV1, at: Timestamp) -> Option<()> {
    let mut link = link(state).filter(|link| link.attempt == event.attempt)?.clone();
    if let Some(reported) = event.reported {
        (link.epoch, link.report) = (reported.epoch, reported.number);
    }
    state.phase = PhaseV1::Paused(PauseV1 {
        link,
        reason: event.reason,
        code: event.code,
        until: event.until,
        since: at,
    });
    state.last_end = Some(EndedV1 { at, cause: EndCauseV1::Pause, code: event.code });
    Some(())
}

fn logged_out(state: &mut State, event: &LoggedOutV1, at: Timestamp) -> Option<()> {
    link(state)?;
    state.phase = PhaseV1::LoggedOut { at };
    state.session = event.session.saturating_add(1);
    let cause = match event.origin {
        LogoutOriginV1::Command => EndCauseV1::Command,
        LogoutOriginV1::Phone => EndCauseV1::Phone,
        LogoutOriginV1::Server => EndCauseV1::Server,
        LogoutOriginV1::Delete => EndCauseV1::Delete,
    };
    state.last_end = Some(EndedV1 { at, cause, code: event.code });
    if let Some(pending) = &event.unlink {
        // The decision has made sure that a finished one is there to make room.
        while state.unlinks.len() >= UNLINKS_MAX {
            let finished = state.unlinks.iter().position(|one| one.status != UnlinkStatusV1::Pending);
            state.unlinks.remove(finished.unwrap_or(0));
        }
        state.unlinks.push(UnlinkV1 {
            attempt: pending.attempt,
            status: UnlinkStatusV1::Pending,
            deadline: pending.deadline,
        });
    }
    Some(())
}

fn unlink_ended(state: &mut State, attempt: u32, status: UnlinkStatusV1) -> Option<()> {
    state.unlinks.iter_mut().find(|one| one.attempt == attempt)?.status = status;
    Some(())
}
