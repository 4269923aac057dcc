//! The connector's reports: what counts, what is late, and who is fenced off.

use berth_proto::{
    Hash,
    command::{
        ReportLinkedV1, ReportOpenV1, ReportPairingCodeRefusedV1, ReportPairingCodeV1, ReportPausedV1,
        ReportV1,
    },
    event::EndReasonV1,
    frame::RejectionCodeV1,
    instance::{EndCauseV1, PauseReasonV1, UnlinkStatusV1},
};

use crate::life::{Life, connect, connect_phone, device, disconnect, ended, logout, lost, phone_logout, qr};

#[test]
fn a_repeated_report_changes_nothing() {
    let mut life = Life::connecting();
    let report = life.report();
    let command = qr(report, life.now.plus_seconds(20));
    life.applied(command.clone());
    life.unchanged(command);

    let report = life.report();
    let linked = ReportLinkedV1 { report, device: device(1) };
    life.applied(linked.clone());
    life.unchanged(linked);

    let report = life.report();
    life.applied(ReportOpenV1 { report });
    life.unchanged(ReportOpenV1 { report });
    life.report_lost();
    life.unchanged(ReportOpenV1 { report });
    assert_eq!(life.words(), "linked/lost", "an old report does not open it again");

    let report = life.report();
    life.applied(phone_logout(report));
    life.unchanged(phone_logout(report));
}

#[test]
fn a_report_on_another_attempt_is_refused() {
    let mut life = Life::pairing();
    life.applied(connect_phone("5511"));
    let late = ReportV1 { attempt: 1, epoch: 9, number: 9 };
    assert_eq!(life.refused(qr(late, life.now)), RejectionCodeV1::StaleAttempt);
    assert_eq!(
        life.refused(ReportLinkedV1 { report: late, device: device(1) }),
        RejectionCodeV1::StaleAttempt
    );
    assert_eq!(life.refused(ended(late, EndReasonV1::CodesExhausted)), RejectionCodeV1::StaleAttempt);
    assert_eq!(life.refused(lost(late)), RejectionCodeV1::StaleAttempt);
}

#[test]
fn a_link_that_completes_after_its_attempt_was_cancelled_is_refused() {
    let mut life = Life::pairing();
    life.applied(logout());
    let report = life.report();
    assert_eq!(life.refused(ReportLinkedV1 { report, device: device(1) }), RejectionCodeV1::StaleAttempt);
    assert_eq!(life.words(), "created");
}

#[test]
fn a_report_that_does_not_fit_the_state_is_refused() {
    let mut life = Life::pairing();
    let report = life.report();
    assert_eq!(life.refused(ReportOpenV1 { report }), RejectionCodeV1::OutOfPlace);
    assert_eq!(life.refused(lost(report)), RejectionCodeV1::OutOfPlace);
    assert_eq!(life.refused(phone_logout(report)), RejectionCodeV1::OutOfPlace);

    let mut life = Life::open();
    let report = life.report();
    assert_eq!(life.refused(qr(report, life.now)), RejectionCodeV1::OutOfPlace);
    life.applied(disconnect());
    assert_eq!(life.refused(ReportOpenV1 { report }), RejectionCodeV1::OutOfPlace);
}

#[test]
fn a_former_owner_can_do_no_harm() {
    let mut life = Life::open();
    let former = life.report();
    life.new_owner();
    assert_eq!(life.report_open(), ["ConnectionOpened"], "the new owner's epoch is recorded");
    assert_eq!(life.refused(lost(former)), RejectionCodeV1::StaleEpoch);
    assert_eq!(life.refused(phone_logout(former)), RejectionCodeV1::StaleEpoch);
    let paused = ReportPausedV1 { report: former, reason: PauseReasonV1::Replaced, code: 0, until: None };
    assert_eq!(life.refused(paused), RejectionCodeV1::StaleEpoch);
    assert_eq!(life.words(), "linked/open");
}

#[test]
fn an_orphaned_attempt_is_ended_by_the_new_owner() {
    let mut life = Life::pairing();
    life.new_owner();
    let report = life.report();
    let command = ended(report, EndReasonV1::OwnerLost);
    assert_eq!(life.applied(command.clone()), ["ConnectEnded", "WebhooksSuspended"]);
    assert_eq!(life.words(), "created");
    assert_eq!(life.state().last_end.as_ref().unwrap().cause, EndCauseV1::Attempt);
    life.unchanged(command);
}

#[test]
fn a_pairing_code_is_shown_beside_the_qr_and_may_be_refused() {
    let mut life = Life::created();
    life.applied(connect_phone("5511"));
    life.report_qr();
    let report = life.report();
    let expires_at = life.now.plus_seconds(180);
    let code = ReportPairingCodeV1 { report, index: 1, digest: Hash([3; 32]), expires_at };
    assert_eq!(life.applied(code), ["PairingCodeIssued"]);
    let attempt = berth_domain::instance::attempt(life.state()).unwrap();
    assert!(attempt.qr.is_some() && attempt.pairing_code.is_some());
    assert_eq!(attempt.deadline, expires_at.plus_seconds(60));
    let report = life.report();
    let refused = ReportPairingCodeRefusedV1 { report, code: 429, backoff_seconds: 60 };
    assert_eq!(life.applied(refused.clone()), ["PairingCodeRefused"]);
    life.unchanged(refused);
    assert_eq!(life.words(), "pairing");
}

#[test]
fn the_phone_ends_the_session_without_an_unlink() {
    for mut life in [Life::open(), Life::paused(PauseReasonV1::Replaced, None)] {
        let report = life.report();
        assert_eq!(life.applied(phone_logout(report)), ["LoggedOut", "WebhooksSuspended"]);
        assert_eq!(life.words(), "logged_out");
        assert!(life.state().unlinks.is_empty());
        assert_eq!(life.state().last_end.as_ref().unwrap().cause, EndCauseV1::Phone);
    }
}

#[test]
fn a_logout_from_the_phone_that_comes_second_confirms_the_unlink() {
    let mut life = Life::logged_out();
    let report = life.report();
    assert_eq!(life.applied(phone_logout(report)), ["DeviceUnlinked"]);
    assert_eq!(life.state().unlinks[0].status, UnlinkStatusV1::Confirmed);
    life.unchanged(phone_logout(report));
}

#[test]
fn a_pause_without_a_device_ends_the_attempt() {
    let mut life = Life::connecting();
    let report = life.report();
    let outdated = ReportPausedV1 { report, reason: PauseReasonV1::Outdated, code: 405, until: None };
    assert_eq!(life.applied(outdated), ["ConnectEnded", "WebhooksSuspended"]);
    assert_eq!(life.state().last_end.as_ref().unwrap().code, 405);
}

#[test]
fn a_paused_link_changes_only_when_it_is_banned() {
    let mut life = Life::open();
    life.applied(disconnect());
    let report = life.report();
    life.unchanged(ReportPausedV1 { report, reason: PauseReasonV1::Replaced, code: 440, until: None });
    let until = Some(life.now.plus_seconds(60));
    assert_eq!(life.report_paused(PauseReasonV1::Banned, until), ["LinkPaused"]);
    let report = life.report();
    life.unchanged(ReportPausedV1 { report, reason: PauseReasonV1::Banned, code: 402, until });
    assert_eq!(life.refused(connect()), RejectionCodeV1::Banned);
}
