//! Logout, delete and the unlinks that they leave.

use berth_proto::{
    command::{AbandonUnlinkV1, ReportUnlinkedV1, ReportV1},
    event::AbandonReasonV1,
    frame::RejectionCodeV1,
    instance::{EndCauseV1, PauseReasonV1, UnlinkStatusV1},
};

use crate::life::{
    Life, connect, connect_phone, create, delete, delete_idle, disconnect, logout, reconnect, restart,
    unlinked,
};

fn statuses(life: &Life) -> Vec<(u32, UnlinkStatusV1)> {
    life.state().unlinks.iter().map(|unlink| (unlink.attempt, unlink.status)).collect()
}

#[test]
fn a_logout_ends_the_session_from_every_linked_state() {
    let mut lost = Life::open();
    lost.report_lost();
    let paused = Life::paused(PauseReasonV1::Replaced, None);
    for mut life in [Life::linked(), Life::open(), lost, paused] {
        assert_eq!(life.applied(logout()), ["LoggedOut", "WebhooksSuspended"]);
        assert_eq!(life.words(), "logged_out");
        assert_eq!(life.state().session, 2);
        assert_eq!(life.state().last_end.as_ref().unwrap().cause, EndCauseV1::Command);
        assert_eq!(statuses(&life), [(1, UnlinkStatusV1::Pending)]);
        life.unchanged(logout());
        assert_eq!(life.refused(reconnect()), RejectionCodeV1::NoSession);
    }
}

#[test]
fn a_logout_of_an_attempt_returns_to_the_state_before_it() {
    for mut life in [Life::connecting(), Life::pairing()] {
        assert_eq!(life.applied(logout()), ["ConnectEnded", "WebhooksSuspended"]);
        assert_eq!((life.words().as_str(), life.state().session), ("created", 1));
        life.unchanged(logout());
    }
    let mut life = Life::logged_out();
    let phase = life.state().phase.clone();
    life.applied(connect());
    life.applied(logout());
    assert_eq!((&life.state().phase, life.state().session), (&phase, 2));
    Life::created().unchanged(logout());
}

#[test]
fn an_unlink_is_confirmed_once_even_late() {
    let mut life = Life::logged_out();
    assert_eq!(life.applied(unlinked(1)), ["DeviceUnlinked"]);
    life.unchanged(unlinked(1));
    assert_eq!(life.refused(unlinked(2)), RejectionCodeV1::StaleAttempt);

    let mut life = Life::logged_out();
    let report = ReportV1 { attempt: 1, epoch: 1, number: 9 };
    let given_up = ReportUnlinkedV1 { report, abandoned: Some(AbandonReasonV1::KeysLost) };
    assert_eq!(life.applied(given_up.clone()), ["UnlinkAbandoned"]);
    life.unchanged(given_up);
    assert_eq!(life.applied(unlinked(1)), ["DeviceUnlinked"]);
}

#[test]
fn an_unlink_is_given_up_after_a_day() {
    let mut life = Life::logged_out();
    life.wait_seconds(24 * 60 * 60);
    assert_eq!(life.refused(AbandonUnlinkV1 { attempt: 1 }), RejectionCodeV1::OutOfPlace);
    life.wait_seconds(5);
    assert_eq!(life.applied(AbandonUnlinkV1 { attempt: 1 }), ["UnlinkAbandoned"]);
    life.unchanged(AbandonUnlinkV1 { attempt: 1 });
}

#[test]
fn no_connect_or_second_logout_loses_an_unlink() {
    let mut life = Life::logged_out();
    for attempt in 2..=4 {
        life.applied(connect());
        life.report_linked();
        assert_eq!(life.applied(logout()).len(), 2);
        assert_eq!(life.state().unlinks.len(), attempt);
    }
    life.applied(connect());
    life.report_linked();
    assert_eq!(life.applied(logout()), ["UnlinkAbandoned", "LoggedOut", "WebhooksSuspended"]);
    let attempts: Vec<_> = statuses(&life).into_iter().map(|(attempt, _)| attempt).collect();
    assert_eq!(attempts, [2, 3, 4, 5], "the oldest was given up and made room");

    life.applied(unlinked(4));
    life.applied(connect());
    life.report_linked();
    assert_eq!(life.applied(logout()).len(), 2, "a finished one makes room by itself");
    let attempts: Vec<_> = statuses(&life).into_iter().map(|(attempt, _)| attempt).collect();
    assert_eq!(attempts, [2, 3, 5, 6]);
}

#[test]
fn a_delete_ends_what_runs_and_leaves_a_tombstone() {
    assert_eq!(Life::created().applied(delete()), ["InstanceDeleted"]);
    assert_eq!(Life::logged_out().applied(delete_idle()), ["InstanceDeleted"]);
    assert_eq!(Life::pairing().applied(delete()), ["ConnectEnded", "WebhooksSuspended", "InstanceDeleted"]);
    let mut life = Life::open();
    assert_eq!(life.applied(delete()), ["LoggedOut", "WebhooksSuspended", "InstanceDeleted"]);
    assert_eq!(life.words(), "deleted");
    assert_eq!(life.state().last_end.as_ref().unwrap().cause, EndCauseV1::Delete);
}

#[test]
fn a_delete_can_be_refused_while_there_is_a_session() {
    for mut life in [Life::connecting(), Life::open(), Life::paused(PauseReasonV1::Asked, None)] {
        assert_eq!(life.refused(delete_idle()), RejectionCodeV1::HasSession);
    }
    let mut life = Life::connecting();
    life.wait_seconds(200);
    assert_eq!(life.applied(delete_idle()).len(), 3, "an attempt past its deadline does not count");
}

#[test]
fn a_tombstone_refuses_everything_but_the_end_of_its_unlinks() {
    let mut life = Life::deleted();
    assert_eq!(life.refused(create()), RejectionCodeV1::Deleted);
    assert_eq!(life.refused(connect()), RejectionCodeV1::Deleted);
    assert_eq!(life.refused(connect_phone("5511")), RejectionCodeV1::Deleted);
    assert_eq!(life.refused(restart()), RejectionCodeV1::Deleted);
    assert_eq!(life.refused(disconnect()), RejectionCodeV1::Deleted);
    assert_eq!(life.refused(logout()), RejectionCodeV1::Deleted);
    assert_eq!(life.refused(delete()), RejectionCodeV1::Deleted);
    assert_eq!(life.applied(unlinked(1)), ["DeviceUnlinked"]);
    assert_eq!(life.words(), "deleted");
}
