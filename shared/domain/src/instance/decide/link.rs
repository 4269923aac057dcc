//! Linking a device, and opening and closing the link that there is.

use berth_proto::{
    Timestamp,
    command::ConnectV1,
    event::{
        ConnectEndedV1, ConnectRequestedV1, EndReasonV1, Event, LinkPausedV1, QrWebhooksAllowedV1,
        ResumeCauseV1, ResumeRequestedV1, StopRequestedV1,
    },
    frame::RejectionCodeV1,
    instance::{AttemptV1, ConnectionV1, PauseReasonV1, PauseV1, PhaseV1},
};

use super::end;
use crate::instance::{Decision, State, deadlines};

/// The running attempt, unless it is over by its deadline and nobody recorded that yet.
pub(super) fn live_attempt(state: &State, now: Timestamp) -> Option<&AttemptV1> {
    crate::instance::attempt(state).filter(|attempt| !deadlines::attempt_is_over(attempt.deadline, now))
}

/// Links a device, joins the attempt that does it already, or opens a paused link.
pub(super) fn connect(
    state: &State,
    command: &ConnectV1,
    now: Timestamp,
) -> Result<Decision, RejectionCodeV1> {
    match &state.phase {
        PhaseV1::Created | PhaseV1::LoggedOut { .. } => {
            let number = state.attempt.saturating_add(1);
            let allowed = QrWebhooksAllowedV1 { session: state.session };
            Ok(Decision::applied(number, vec![requested(number, command, now), allowed.into()]))
        }
        PhaseV1::Connecting(running) | PhaseV1::Pairing(running) => {
            let expired = live_attempt(state, now).is_none();
            if !expired && running.method == command.method {
                return Ok(Decision::joined(running.number));
            }
            // Codes are allowed already, so the permission needs no event of its own.
            let reason = if expired { EndReasonV1::Expired } else { EndReasonV1::Replaced };
            let ended = ConnectEndedV1 { attempt: running.number, reason, code: 0 };
            let number = state.attempt.saturating_add(1);
            Ok(Decision::applied(number, vec![ended.into(), requested(number, command, now)]))
        }
        PhaseV1::Linked(link) => Ok(Decision::unchanged(link.attempt)),
        PhaseV1::Paused(pause) => resume_paused(pause, ResumeCauseV1::Reconnect, now),
        PhaseV1::Deleted { .. } => Err(RejectionCodeV1::Deleted),
    }
}

/// Opens the link that there is. A running attempt is joined: it opens a link if it succeeds.
pub(super) fn reconnect(state: &State, now: Timestamp) -> Result<Decision, RejectionCodeV1> {
    match &state.phase {
        PhaseV1::Linked(link) if link.connection == ConnectionV1::Open => {
            Ok(Decision::unchanged(link.attempt))
        }
        PhaseV1::Linked(link) => Ok(resumed(link.attempt, ResumeCauseV1::Reconnect)),
        PhaseV1::Paused(pause) => resume_paused(pause, ResumeCauseV1::Reconnect, now),
        PhaseV1::Connecting(_) | PhaseV1::Pairing(_) => {
            let running = live_attempt(state, now).ok_or(RejectionCodeV1::NoSession)?;
            Ok(Decision::joined(running.number))
        }
        PhaseV1::Created | PhaseV1::LoggedOut { .. } => Err(RejectionCodeV1::NoSession),
        PhaseV1::Deleted { .. } => Err(RejectionCodeV1::Deleted),
    }
}

/// Closes the connection and opens it again. An attempt has no connection to restart and goes on.
pub(super) fn restart(state: &State, now: Timestamp) -> Result<Decision, RejectionCodeV1> {
    match &state.phase {
        PhaseV1::Linked(link) => Ok(resumed(link.attempt, ResumeCauseV1::Restart)),
        PhaseV1::Paused(pause) => resume_paused(pause, ResumeCauseV1::Restart, now),
        PhaseV1::Connecting(_) | PhaseV1::Pairing(_) => {
            let running = live_attempt(state, now).ok_or(RejectionCodeV1::NoSession)?;
            Ok(Decision::unchanged(running.number))
        }
        PhaseV1::Created | PhaseV1::LoggedOut { .. } => Err(RejectionCodeV1::NoSession),
        PhaseV1::Deleted { .. } => Err(RejectionCodeV1::Deleted),
    }
}

/// Closes the connection and keeps the link. Decided at once, like a logout: the connector follows.
pub(super) fn disconnect(state: &State) -> Decision {
    match &state.phase {
        PhaseV1::Linked(link) => {
            let stop = StopRequestedV1 { attempt: link.attempt };
            let paused = LinkPausedV1 {
                attempt: link.attempt,
                reason: PauseReasonV1::Asked,
                code: 0,
                until: None,
                reported: None,
            };
            Decision::applied(link.attempt, vec![stop.into(), paused.into()])
        }
        PhaseV1::Connecting(running) | PhaseV1::Pairing(running) => Decision::applied(
            running.number,
            end::attempt_over(state, running.number, EndReasonV1::Cancelled, 0),
        ),
        PhaseV1::Paused(pause) => Decision::unchanged(pause.link.attempt),
        PhaseV1::Created | PhaseV1::LoggedOut { .. } | PhaseV1::Deleted { .. } => Decision::unchanged(0),
    }
}

fn requested(number: u32, command: &ConnectV1, now: Timestamp) -> Event {
    ConnectRequestedV1 {
        attempt: number,
        method: command.method.clone(),
        deadline: now.plus_seconds(deadlines::ATTEMPT_SECONDS),
    }
    .into()
}

fn resumed(attempt: u32, cause: ResumeCauseV1) -> Decision {
    Decision::applied(attempt, vec![ResumeRequestedV1 { attempt, cause }.into()])
}

/// A banned number is not tried while the ban is known to last. One without a known end may be tried:
/// WhatsApp answers.
fn resume_paused(pause: &PauseV1, cause: ResumeCauseV1, now: Timestamp) -> Result<Decision, RejectionCodeV1> {
    let banned = pause.reason == PauseReasonV1::Banned
        && pause.until.is_some_and(|until| !deadlines::ban_is_over(until, now));
    if banned { Err(RejectionCodeV1::Banned) } else { Ok(resumed(pause.link.attempt, cause)) }
}
