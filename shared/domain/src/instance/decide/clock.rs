//! The clock's commands: they record that a deadline has passed.
//!
//! The sweeper works from a view that may lag. What is over already is therefore no error, and what is not
//! yet over is refused, so that no sweeper's wrong clock can end anything early.

use berth_proto::{
    Timestamp,
    command::{AbandonUnlinkV1, EndBanV1, ExpireAttemptV1},
    event::{AbandonReasonV1, EndReasonV1, ResumeCauseV1, ResumeRequestedV1, UnlinkAbandonedV1},
    frame::RejectionCodeV1,
    instance::{PauseReasonV1, PhaseV1, UnlinkStatusV1},
};

use super::end;
use crate::instance::{Decision, State, attempt, deadlines};

/// Ends an attempt whose deadline has passed.
pub(super) fn expire_attempt(
    state: &State,
    command: &ExpireAttemptV1,
    now: Timestamp,
) -> Result<Decision, RejectionCodeV1> {
    let Some(running) = attempt(state).filter(|attempt| attempt.number == command.attempt) else {
        return Ok(Decision::unchanged(command.attempt));
    };
    if !deadlines::attempt_is_over(running.deadline, now) {
        return Err(RejectionCodeV1::OutOfPlace);
    }
    let events = end::attempt_over(state, running.number, EndReasonV1::Expired, 0);
    Ok(Decision::applied(running.number, events))
}

/// Gives up an unlink whose deadline has passed; on a tombstone too.
pub(super) fn abandon_unlink(
    state: &State,
    command: &AbandonUnlinkV1,
    now: Timestamp,
) -> Result<Decision, RejectionCodeV1> {
    let pursued = state
        .unlinks
        .iter()
        .find(|unlink| unlink.attempt == command.attempt && unlink.status == UnlinkStatusV1::Pending);
    let Some(unlink) = pursued else {
        return Ok(Decision::unchanged(command.attempt));
    };
    if !deadlines::passed(unlink.deadline, now) {
        return Err(RejectionCodeV1::OutOfPlace);
    }
    let abandoned = UnlinkAbandonedV1 { attempt: unlink.attempt, reason: AbandonReasonV1::Deadline };
    Ok(Decision::applied(unlink.attempt, vec![abandoned.into()]))
}

/// Opens a link again whose ban has ended.
pub(super) fn end_ban(
    state: &State,
    command: &EndBanV1,
    now: Timestamp,
) -> Result<Decision, RejectionCodeV1> {
    let PhaseV1::Paused(pause) = &state.phase else {
        return Ok(Decision::unchanged(command.attempt));
    };
    if pause.link.attempt != command.attempt || pause.reason != PauseReasonV1::Banned {
        return Ok(Decision::unchanged(command.attempt));
    }
    if pause.until.is_none_or(|until| !deadlines::ban_is_over(until, now)) {
        return Err(RejectionCodeV1::OutOfPlace);
    }
    let resume = ResumeRequestedV1 { attempt: command.attempt, cause: ResumeCauseV1::BanEnded };
    Ok(Decision::applied(command.attempt, vec![resume.into()]))
}
