//! Ending: logout and delete. Neither asks the link, the socket or WhatsApp for anything.

use berth_proto::{
    Timestamp,
    command::DeleteV1,
    event::{
        AbandonReasonV1, ConnectEndedV1, EndReasonV1, Event, InstanceDeletedV1, LoggedOutV1, LogoutOriginV1,
        PendingUnlinkV1, UnlinkAbandonedV1, WebhooksSuspendedV1,
    },
    frame::RejectionCodeV1,
    instance::{AttemptV1, LinkV1, UnlinkStatusV1},
    limits::UNLINKS_MAX,
};

use super::link;
use crate::instance::{Decision, State, attempt, deadlines};

/// WhatsApp's code for a session that was logged out.
pub const LOGOUT_CODE: u16 = 401;

/// Ends the session, or the attempt that is under way.
///
/// A logout of an attempt returns to the state before it: there was no session that could end, so
/// a never linked instance is `created` again, and no disconnection is noticed. The connector unlinks the
/// device on its own if the phone completed the pairing at the same moment: its report is then refused.
pub(super) fn logout(state: &State, now: Timestamp) -> Decision {
    if let Some(attempt) = attempt(state) {
        return Decision::applied(attempt.number, attempt_cancelled(state, attempt));
    }
    match crate::instance::link(state) {
        Some(link) => {
            Decision::applied(link.attempt, session_ended(state, link, LogoutOriginV1::Command, now))
        }
        None => Decision::unchanged(0),
    }
}

/// Ends whatever runs and makes the instance a tombstone.
pub(super) fn delete(state: &State, command: &DeleteV1, now: Timestamp) -> Result<Decision, RejectionCodeV1> {
    let link = crate::instance::link(state);
    let live_attempt = link::live_attempt(state, now).is_some();
    if command.only_without_session && (link.is_some() || live_attempt) {
        return Err(RejectionCodeV1::HasSession);
    }
    let mut events = match (link, attempt(state)) {
        (Some(link), _) => session_ended(state, link, LogoutOriginV1::Delete, now),
        (None, Some(attempt)) => attempt_cancelled(state, attempt),
        (None, None) => Vec::new(),
    };
    events.push(InstanceDeletedV1 { session: state.session }.into());
    let ended = link.map(|link| link.attempt).or(attempt(state).map(|attempt| attempt.number));
    Ok(Decision::applied(ended.unwrap_or(0), events))
}

/// The events of an attempt that ended without a device: webhooks fall silent again.
pub(super) fn attempt_over(state: &State, attempt: u32, reason: EndReasonV1, code: u16) -> Vec<Event> {
    vec![
        ConnectEndedV1 { attempt, reason, code }.into(),
        WebhooksSuspendedV1 { session: state.session }.into(),
    ]
}

fn attempt_cancelled(state: &State, attempt: &AttemptV1) -> Vec<Event> {
    attempt_over(state, attempt.number, EndReasonV1::Cancelled, 0)
}

/// The events of a session that we end: the device is still to be unlinked. A fifth unlink gives up the
/// oldest that is still pursued.
fn session_ended(state: &State, link: &LinkV1, origin: LogoutOriginV1, now: Timestamp) -> Vec<Event> {
    let mut pending = state.unlinks.iter().filter(|unlink| unlink.status == UnlinkStatusV1::Pending);
    let mut events = Vec::with_capacity(3);
    if pending.clone().count() >= UNLINKS_MAX
        && let Some(oldest) = pending.next()
    {
        let abandoned = UnlinkAbandonedV1 { attempt: oldest.attempt, reason: AbandonReasonV1::Crowded };
        events.push(abandoned.into());
    }
    let unlink =
        PendingUnlinkV1 { attempt: link.attempt, deadline: now.plus_seconds(deadlines::UNLINK_SECONDS) };
    events.extend(session_over(state, origin, LOGOUT_CODE, Some(unlink)));
    events
}

/// The events of a session that is over, whoever ended it.
pub(super) fn session_over(
    state: &State,
    origin: LogoutOriginV1,
    code: u16,
    unlink: Option<PendingUnlinkV1>,
) -> [Event; 2] {
    let next = state.session.saturating_add(1);
    [
        LoggedOutV1 { session: state.session, origin, code, unlink }.into(),
        WebhooksSuspendedV1 { session: next }.into(),
    ]
}
