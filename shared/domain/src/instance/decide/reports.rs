//! The connector's reports.
//!
//! A report counts if it is about the present attempt or link, by the newest owner of it, and newer than the
//! last one that counted. A repeated report changes nothing; one of a former owner, or of another attempt, is
//! refused, so that a fenced-off connector can do no harm.

use berth_proto::{
    Timestamp,
    command::{
        ReportAttemptEndedV1, ReportLinkedV1, ReportLoggedOutV1, ReportLostV1, ReportOpenV1,
        ReportPairingCodeRefusedV1, ReportPairingCodeV1, ReportPausedV1, ReportQrV1, ReportUnlinkedV1,
        ReportV1,
    },
    event::{
        ConnectionLostV1, ConnectionOpenedV1, DeviceLinkedV1, DeviceUnlinkedV1, EndReasonV1, Event,
        LinkPausedV1, LogoutOriginV1, PairingCodeIssuedV1, PairingCodeRefusedV1, QrIssuedV1, ReportedV1,
        UnlinkAbandonedV1, WebhooksResumedV1,
    },
    frame::RejectionCodeV1,
    instance::{AttemptV1, ConnectionV1, LinkV1, PauseReasonV1, PhaseV1, UnlinkStatusV1},
};

use super::end;
use crate::instance::{Decision, State, attempt, deadlines, evolve::may_be_found, link};

type Decided = Result<Decision, RejectionCodeV1>;

/// Whether a report says something that was not said before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Freshness {
    /// The present owner goes on.
    Next,
    /// A new owner's first report that counts.
    NewOwner,
    /// It counted already, or a later one did.
    Repeated,
}

fn freshness(report: &ReportV1, epoch: u64, number: u64) -> Result<Freshness, RejectionCodeV1> {
    match report.epoch.cmp(&epoch) {
        std::cmp::Ordering::Less => Err(RejectionCodeV1::StaleEpoch),
        std::cmp::Ordering::Equal if report.number <= number => Ok(Freshness::Repeated),
        std::cmp::Ordering::Equal => Ok(Freshness::Next),
        std::cmp::Ordering::Greater => Ok(Freshness::NewOwner),
    }
}

const fn reported(report: &ReportV1) -> ReportedV1 {
    ReportedV1 { epoch: report.epoch, number: report.number }
}

/// Decides a report about the running attempt.
fn on_attempt(state: &State, report: &ReportV1, events: impl FnOnce(&AttemptV1) -> Vec<Event>) -> Decided {
    let Some(running) = attempt(state).filter(|attempt| attempt.number == report.attempt) else {
        let linked_since = link(state).is_some_and(|link| link.attempt == report.attempt);
        let rejection =
            if linked_since { RejectionCodeV1::OutOfPlace } else { RejectionCodeV1::StaleAttempt };
        return Err(rejection);
    };
    match freshness(report, running.epoch, running.report)? {
        Freshness::Repeated => Ok(Decision::unchanged(report.attempt)),
        Freshness::Next | Freshness::NewOwner => Ok(Decision::applied(report.attempt, events(running))),
    }
}

/// The link that a report is about, running or paused.
fn link_of<'a>(state: &'a State, report: &ReportV1) -> Result<&'a LinkV1, RejectionCodeV1> {
    if let Some(link) = link(state).filter(|link| link.attempt == report.attempt) {
        return Ok(link);
    }
    let running = attempt(state).is_some_and(|attempt| attempt.number == report.attempt);
    Err(if running { RejectionCodeV1::OutOfPlace } else { RejectionCodeV1::StaleAttempt })
}

// === reports on an attempt ===

pub(super) fn qr(state: &State, command: &ReportQrV1, now: Timestamp) -> Decided {
    on_attempt(state, &command.report, |running| {
        let event = QrIssuedV1 {
            attempt: running.number,
            index: command.index,
            digest: command.digest,
            expires_at: command.expires_at,
            deadline: deadlines::prolonged(running, command.expires_at, now),
            reported: reported(&command.report),
        };
        vec![event.into()]
    })
}

pub(super) fn pairing_code(state: &State, command: &ReportPairingCodeV1, now: Timestamp) -> Decided {
    on_attempt(state, &command.report, |running| {
        let event = PairingCodeIssuedV1 {
            attempt: running.number,
            index: command.index,
            digest: command.digest,
            expires_at: command.expires_at,
            deadline: deadlines::prolonged(running, command.expires_at, now),
            reported: reported(&command.report),
        };
        vec![event.into()]
    })
}

pub(super) fn pairing_code_refused(state: &State, command: &ReportPairingCodeRefusedV1) -> Decided {
    on_attempt(state, &command.report, |running| {
        let event = PairingCodeRefusedV1 {
            attempt: running.number,
            code: command.code,
            backoff_seconds: command.backoff_seconds,
            reported: reported(&command.report),
        };
        vec![event.into()]
    })
}

/// The attempt that was started last and has ended is no error: the connector repeats a report whose
/// answer it missed.
pub(super) fn attempt_ended(state: &State, command: &ReportAttemptEndedV1) -> Decided {
    if attempt(state).is_none() && link(state).is_none() && state.attempt == command.report.attempt {
        return Ok(Decision::unchanged(command.report.attempt));
    }
    on_attempt(state, &command.report, |running| {
        end::attempt_over(state, running.number, command.reason, command.code)
    })
}

pub(super) fn linked(state: &State, command: &ReportLinkedV1) -> Decided {
    if link(state).is_some_and(|link| link.attempt == command.report.attempt) {
        return Ok(Decision::unchanged(command.report.attempt));
    }
    let events = |attempt| {
        let linked =
            DeviceLinkedV1 { attempt, device: command.device.clone(), reported: reported(&command.report) };
        vec![linked.into(), WebhooksResumedV1 { session: state.session }.into()]
    };
    // Somebody linked it at the upstream.
    if may_be_found(state, command.report.attempt) {
        return Ok(Decision::applied(command.report.attempt, events(command.report.attempt)));
    }
    on_attempt(state, &command.report, |running| events(running.number))
}

// === reports on a link ===

/// Decides a change of the connection. The same connection under a new owner is an event too: it keeps
/// the epoch that fences the former one off.
fn on_connection(
    state: &State,
    report: &ReportV1,
    connection: ConnectionV1,
    event: impl FnOnce() -> Event,
) -> Decided {
    let link = link_of(state, report)?;
    let freshness = freshness(report, link.epoch, link.report)?;
    if freshness == Freshness::Repeated {
        return Ok(Decision::unchanged(report.attempt));
    }
    if !matches!(state.phase, PhaseV1::Linked(_)) {
        return Err(RejectionCodeV1::OutOfPlace);
    }
    if link.connection == connection && freshness == Freshness::Next {
        return Ok(Decision::unchanged(report.attempt));
    }
    Ok(Decision::applied(report.attempt, vec![event()]))
}

pub(super) fn open(state: &State, command: &ReportOpenV1) -> Decided {
    on_connection(state, &command.report, ConnectionV1::Open, || {
        let report = &command.report;
        ConnectionOpenedV1 { attempt: report.attempt, reported: reported(report) }.into()
    })
}

pub(super) fn lost(state: &State, command: &ReportLostV1) -> Decided {
    on_connection(state, &command.report, ConnectionV1::Lost, || {
        ConnectionLostV1 {
            attempt: command.report.attempt,
            code: command.code,
            source_code: command.source_code.clone(),
            reported: reported(&command.report),
        }
        .into()
    })
}

/// Stops the link. Without a device there is nothing to keep: an attempt ends as refused. A link that is
/// paused already changes only if it turns out to be banned, or banned until another moment.
pub(super) fn paused(state: &State, command: &ReportPausedV1, now: Timestamp) -> Decided {
    let report = &command.report;
    let until = command.until.map(|until| until.min(now.plus_seconds(deadlines::BAN_SECONDS_MAX)));
    if attempt(state).is_some() {
        return on_attempt(state, report, |running| {
            end::attempt_over(state, running.number, EndReasonV1::Refused, command.code)
        });
    }
    let link = link_of(state, report)?;
    if freshness(report, link.epoch, link.report)? == Freshness::Repeated {
        return Ok(Decision::unchanged(report.attempt));
    }
    if let PhaseV1::Paused(pause) = &state.phase {
        let news = command.reason == PauseReasonV1::Banned
            && (pause.reason != PauseReasonV1::Banned || pause.until != until);
        if !news {
            return Ok(Decision::unchanged(report.attempt));
        }
    }
    let paused = LinkPausedV1 {
        attempt: report.attempt,
        reason: command.reason,
        code: command.code,
        until,
        reported: Some(reported(report)),
    };
    Ok(Decision::applied(report.attempt, vec![paused.into()]))
}

/// The session was ended from outside. If we ended it a moment before, the device is unlinked by now.
pub(super) fn logged_out(state: &State, command: &ReportLoggedOutV1) -> Decided {
    let report = &command.report;
    if matches!(command.origin, LogoutOriginV1::Command | LogoutOriginV1::Delete) {
        return Err(RejectionCodeV1::OutOfPlace);
    }
    let unlink = state.unlinks.iter().find(|unlink| unlink.attempt == report.attempt);
    if let Some(unlink) = unlink {
        return Ok(match unlink.status {
            UnlinkStatusV1::Confirmed => Decision::unchanged(report.attempt),
            UnlinkStatusV1::Pending | UnlinkStatusV1::Abandoned => confirmed(report.attempt),
        });
    }
    if matches!(state.phase, PhaseV1::LoggedOut { .. }) && state.attempt == report.attempt {
        return Ok(Decision::unchanged(report.attempt));
    }
    let link = link_of(state, report)?;
    if freshness(report, link.epoch, link.report)? == Freshness::Repeated {
        return Ok(Decision::unchanged(report.attempt));
    }
    let events = end::session_over(state, command.origin, command.code, None);
    Ok(Decision::applied(report.attempt, events.into()))
}

// === reports on an unlink ===

/// A confirmation counts even after the unlink was given up; giving up counts once. Epochs are not compared:
/// what WhatsApp confirmed is true, whoever asked.
pub(super) fn unlinked(state: &State, command: &ReportUnlinkedV1) -> Decided {
    let attempt = command.report.attempt;
    let unlink =
        state.unlinks.iter().find(|unlink| unlink.attempt == attempt).ok_or(RejectionCodeV1::StaleAttempt)?;
    Ok(match (unlink.status, command.abandoned) {
        (UnlinkStatusV1::Pending | UnlinkStatusV1::Abandoned, None) => confirmed(attempt),
        (UnlinkStatusV1::Pending, Some(reason)) => {
            Decision::applied(attempt, vec![UnlinkAbandonedV1 { attempt, reason }.into()])
        }
        (UnlinkStatusV1::Confirmed, _) | (UnlinkStatusV1::Abandoned, Some(_)) => Decision::unchanged(attempt),
    })
}

fn confirmed(attempt: u32) -> Decision {
    Decision::applied(attempt, vec![DeviceUnlinkedV1 { attempt }.into()])
}
