//! What ends by itself: the sweeper's commands and the reader's view before them.

use berth_domain::instance::{
    ATTEMPT_SECONDS, ATTEMPT_SECONDS_MAX, BAN_SECONDS_MAX, attempt, deadlines, due, effective, next_deadline,
    state_word,
};
use berth_proto::{
    command::{Command, EndBanV1, ExpireAttemptV1},
    frame::RejectionCodeV1,
    instance::{PauseReasonV1, PermissionV1},
};

use crate::life::{Life, START, connect, delete, logout};

#[test]
fn an_attempt_that_nobody_reports_on_ends() {
    let mut life = Life::connecting();
    let (moment, command) = next_deadline(life.state()).unwrap();
    assert_eq!(command, Command::ExpireAttempt(ExpireAttemptV1 { attempt: 1 }));
    assert_eq!(life.refused(command.clone()), RejectionCodeV1::OutOfPlace);
    life.now = moment;
    assert_eq!(life.applied(command.clone()), ["ConnectEnded", "WebhooksSuspended"]);
    assert_eq!(life.words(), "created");
    life.unchanged(command);
    assert_eq!(next_deadline(life.state()), None);
}

#[test]
fn a_reader_counts_a_passed_deadline_as_ended() {
    let life = Life::pairing();
    let (moment, _) = next_deadline(life.state()).unwrap();
    let before = effective(life.state(), moment.plus_millis(-1));
    assert_eq!(state_word(&before.phase), "pairing");
    let after = effective(life.state(), moment);
    assert_eq!((state_word(&after.phase), after.permission), ("created", PermissionV1::Silent));
    assert_eq!(after.last_end.as_ref().unwrap().at, moment);
}

#[test]
fn a_ban_ends_at_its_moment() {
    let until = START.plus_seconds(3600);
    let mut life = Life::paused(PauseReasonV1::Banned, Some(until));
    assert_eq!(next_deadline(life.state()).unwrap().0, until);
    assert_eq!(life.refused(EndBanV1 { attempt: 1 }), RejectionCodeV1::OutOfPlace);
    life.now = until;
    life.unchanged(EndBanV1 { attempt: 7 });
    assert_eq!(life.applied(EndBanV1 { attempt: 1 }), ["ResumeRequested"]);
    life.unchanged(EndBanV1 { attempt: 1 });

    let mut life = Life::paused(PauseReasonV1::Banned, None);
    assert_eq!(next_deadline(life.state()), None, "a ban without a known end");
    assert_eq!(life.refused(EndBanV1 { attempt: 1 }), RejectionCodeV1::OutOfPlace);
}

#[test]
fn unlinks_have_deadlines_of_their_own_on_a_tombstone_too() {
    let mut life = Life::logged_out();
    life.wait_seconds(60).applied(connect());
    assert_eq!(deadlines(life.state()).len(), 2);
    life.report_linked();
    life.applied(logout());
    life.applied(delete());
    assert_eq!(deadlines(life.state()).len(), 2);
    let (moment, command) = next_deadline(life.state()).unwrap();
    life.now = moment;
    assert_eq!(life.applied(command), ["UnlinkAbandoned"]);
    assert_eq!(deadlines(life.state()).len(), 1);
}

/// How far a clock jumps: 30 days.
const JUMP_SECONDS: i64 = 30 * 24 * 60 * 60;

#[test]
fn an_attempt_of_a_clock_that_jumped_ahead_is_over_when_it_is_back() {
    let mut life = Life::pairing();
    life.applied(logout());
    life.wait_seconds(JUMP_SECONDS).applied(connect());
    let before = life.state().attempt;
    life.wait_seconds(-JUMP_SECONDS);

    assert_eq!(due(life.state(), life.now).len(), 1);
    let shown = effective(life.state(), life.now);
    assert_eq!((state_word(&shown.phase), shown.last_end.as_ref().unwrap().at), ("created", life.now));
    assert_eq!(life.applied(connect()), ["ConnectEnded", "ConnectRequested"]);
    let running = attempt(life.state()).unwrap();
    assert_eq!(running.number, before + 1);
    assert!(running.deadline <= life.now.plus_seconds(ATTEMPT_SECONDS));
    assert_eq!(due(life.state(), life.now), []);
}

#[test]
fn a_code_brings_a_deadline_that_lies_too_far_ahead_back() {
    let mut life = Life::connecting();
    life.wait_seconds(-JUMP_SECONDS);
    life.report_qr();
    let running = attempt(life.state()).unwrap();
    assert!(running.deadline <= life.now.plus_seconds(ATTEMPT_SECONDS_MAX));
}

#[test]
fn a_ban_of_a_clock_that_jumped_ahead_is_over_when_it_is_back_and_a_long_one_is_met_again() {
    let mut life = Life::paused(PauseReasonV1::Banned, Some(START.plus_seconds(JUMP_SECONDS)));
    let until = next_deadline(life.state()).unwrap().0;
    assert!(until <= life.now.plus_seconds(BAN_SECONDS_MAX), "noted as long as a ban is");
    assert_eq!(life.refused(EndBanV1 { attempt: 1 }), RejectionCodeV1::OutOfPlace);

    life.wait_seconds(-JUMP_SECONDS);
    assert_eq!(due(life.state(), life.now), [(until, EndBanV1 { attempt: 1 }.into())]);
    assert_eq!(life.applied(berth_proto::command::ReconnectV1 {}), ["ResumeRequested"]);
}

#[test]
fn an_unlink_of_a_clock_that_jumped_ahead_is_pursued_further() {
    let mut life = Life::linked();
    life.wait_seconds(JUMP_SECONDS).applied(logout());
    life.wait_seconds(-JUMP_SECONDS);
    let (_, command) = next_deadline(life.state()).unwrap();
    assert_eq!(due(life.state(), life.now), []);
    assert_eq!(life.refused(command), RejectionCodeV1::OutOfPlace, "a device is not left linked");
}
