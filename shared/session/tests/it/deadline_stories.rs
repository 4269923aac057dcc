//! What ends by itself: the sweeper's commands and the reader's view before them.

use berth_proto::{
    command::{Command, EndBanV1, ExpireAttemptV1},
    frame::RejectionCodeV1,
    instance::{PauseReasonV1, PermissionV1},
};
use berth_session::{deadlines, effective, next_deadline, state_word};

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
