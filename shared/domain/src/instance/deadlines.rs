//! Deadlines in the state: when a reader counts something as ended, and the command that records it.

use std::borrow::Cow;

use berth_proto::{
    Timestamp,
    command::{AbandonUnlinkV1, Command, EndBanV1, ExpireAttemptV1},
    instance::{AttemptV1, PauseReasonV1, PhaseV1, UnlinkStatusV1},
};

use crate::instance::{Context, State, attempt, decide, evolve};

/// Seconds in which an attempt must show its first code: some dials of 20 s each with their back-off.
pub const ATTEMPT_SECONDS: i64 = 120;
/// Seconds that an attempt lives on after its last code ended: for the next one, a new socket or the
/// phone's answer.
pub const CODE_GRACE_SECONDS: i64 = 60;
/// Seconds from now that a code may prolong an attempt to, whatever its report says.
pub const ATTEMPT_SECONDS_MAX: i64 = 600;
/// Seconds by which the clocks of two machines may differ without harm.
pub const SKEW_SECONDS: i64 = 5;
/// Seconds for which the unlink of a device is pursued: 24 hours.
pub const UNLINK_SECONDS: i64 = 24 * 60 * 60;
/// Seconds from now that a ban may be known to last. One that lasts longer is met again when the link is opened then.
pub const BAN_SECONDS_MAX: i64 = 7 * 24 * 60 * 60;
/// Seconds by which a moment may lie further ahead than it ever can, before it counts as given by a clock that was
/// wrong and has come back since.
pub const AHEAD_SECONDS: i64 = 60;

/// The deadline of an attempt that has just shown a code: never earlier than the one it had, and never further ahead
/// than an attempt may last.
pub(crate) fn prolonged(attempt: &AttemptV1, expires_at: Timestamp, now: Timestamp) -> Timestamp {
    let wanted = expires_at.plus_seconds(CODE_GRACE_SECONDS);
    attempt.deadline.max(wanted).min(now.plus_seconds(ATTEMPT_SECONDS_MAX))
}

/// Whether a deadline has passed on every clock.
pub(crate) fn passed(deadline: Timestamp, now: Timestamp) -> bool {
    deadline.plus_seconds(SKEW_SECONDS) <= now
}

/// Whether a moment lies further ahead than one that is at most `longest_seconds` from now can. A clock gave it that
/// had jumped ahead; nobody waits for that clock's moment.
fn is_too_far(moment: Timestamp, longest_seconds: i64, now: Timestamp) -> bool {
    moment > now.plus_seconds(longest_seconds + AHEAD_SECONDS)
}

/// Whether an attempt is over: its deadline has passed on every clock, or lies further ahead than an attempt lasts.
pub(crate) fn attempt_is_over(deadline: Timestamp, now: Timestamp) -> bool {
    passed(deadline, now) || is_too_far(deadline, ATTEMPT_SECONDS_MAX, now)
}

/// Whether a ban until then is over: the moment has come, or lies further ahead than a ban is noted.
pub(crate) fn ban_is_over(until: Timestamp, now: Timestamp) -> bool {
    until <= now || is_too_far(until, BAN_SECONDS_MAX, now)
}

/// Everything in the state that ends by itself: the moment from which the command that records it is
/// accepted, and that command. In no order.
pub fn deadlines(state: &State) -> Vec<(Timestamp, Command)> {
    let mut found = Vec::new();
    if let Some(attempt) = attempt(state) {
        let command = ExpireAttemptV1 { attempt: attempt.number };
        found.push((attempt.deadline.plus_seconds(SKEW_SECONDS), command.into()));
    }
    if let PhaseV1::Paused(pause) = &state.phase
        && pause.reason == PauseReasonV1::Banned
        && let Some(until) = pause.until
    {
        found.push((until, EndBanV1 { attempt: pause.link.attempt }.into()));
    }
    for unlink in state.unlinks.iter().filter(|unlink| unlink.status == UnlinkStatusV1::Pending) {
        let command = AbandonUnlinkV1 { attempt: unlink.attempt };
        found.push((unlink.deadline.plus_seconds(SKEW_SECONDS), command.into()));
    }
    found
}

/// What of [`deadlines`] is to be recorded now, the earliest first: what has passed, and what a clock that had jumped
/// ahead put where it can never lie. An unlink is the exception: it is pursued rather too long than too short, since
/// whoever gives it up leaves a device linked.
pub fn due(state: &State, now: Timestamp) -> Vec<(Timestamp, Command)> {
    let is_due = |moment: Timestamp, command: &Command| {
        moment <= now
            || match command {
                Command::ExpireAttempt(_) => {
                    attempt(state).is_some_and(|attempt| attempt_is_over(attempt.deadline, now))
                }
                Command::EndBan(_) => ban_is_over(moment, now),
                _ => false,
            }
    };
    let mut due = deadlines(state);
    due.retain(|(moment, command)| is_due(*moment, command));
    due.sort_by_key(|(moment, _)| *moment);
    due
}

/// The earliest of [`deadlines`]: when the sweeper has to send what.
pub fn next_deadline(state: &State) -> Option<(Timestamp, Command)> {
    deadlines(state).into_iter().min_by_key(|(moment, _)| *moment)
}

/// The state as a reader must show it at `now`: what has passed its deadline counts as ended although
/// nobody recorded it yet.
pub fn effective(state: &State, now: Timestamp) -> Cow<'_, State> {
    let mut shown = Cow::Borrowed(state);
    for (moment, command) in due(state, now) {
        if let Ok(decision) = decide(Some(&shown), &command, &Context { now }) {
            let mut folded = Some(shown.into_owned());
            for event in &decision.events {
                folded = evolve(folded, event, moment.min(now));
            }
            // A fold of an existing state never loses it.
            shown = Cow::Owned(folded.unwrap_or_else(|| state.clone()));
        }
    }
    shown
}
