//! Connect, reconnect, restart and disconnect in every state.

use berth_proto::{frame::RejectionCodeV1, instance::PauseReasonV1};

use crate::life::{Life, connect, connect_phone, create, delete, device, disconnect, qr, reconnect, restart};

#[test]
fn an_instance_is_created_once() {
    let mut life = Life::unborn();
    assert_eq!(life.refused(connect()), RejectionCodeV1::NotFound);
    assert_eq!(life.applied(create()), ["InstanceCreated"]);
    assert_eq!(life.words(), "created");
    assert_eq!(life.refused(create()), RejectionCodeV1::Exists);
    life.applied(delete());
    assert_eq!(life.refused(create()), RejectionCodeV1::Deleted);
}

#[test]
fn the_first_link_from_connect_to_open() {
    let mut life = Life::created();
    assert_eq!(life.applied(connect()), ["ConnectRequested", "QrWebhooksAllowed"]);
    assert_eq!(life.words(), "connecting");
    assert_eq!(life.report_qr(), ["QrIssued"]);
    assert_eq!(life.report_qr(), ["QrIssued"]);
    assert_eq!(life.words(), "pairing");
    assert_eq!(life.report_linked(), ["DeviceLinked", "WebhooksResumed"]);
    assert_eq!(life.words(), "linked/opening");
    assert_eq!(life.state().last_device, Some(device(1)));
    assert_eq!(life.report_open(), ["ConnectionOpened"]);
    assert_eq!(life.words(), "linked/open");
    life.unchanged(connect());
}

#[test]
fn a_second_connect_joins_and_another_method_replaces() {
    for mut life in [Life::connecting(), Life::pairing()] {
        life.joined(connect());
        life.joined(reconnect());
        assert_eq!(life.applied(connect_phone("5511")), ["ConnectEnded", "ConnectRequested"]);
        assert_eq!((life.words().as_str(), life.state().attempt), ("connecting", 2));
        life.joined(connect_phone("5511"));
        assert_eq!(life.applied(connect_phone("5522")), ["ConnectEnded", "ConnectRequested"]);
    }
}

#[test]
fn a_connect_does_not_join_an_attempt_that_nobody_ended() {
    let mut life = Life::connecting();
    life.wait_seconds(124);
    life.joined(connect());
    life.wait_seconds(1);
    assert_eq!(life.refused(reconnect()), RejectionCodeV1::NoSession);
    assert_eq!(life.refused(restart()), RejectionCodeV1::NoSession);
    assert_eq!(life.applied(connect()), ["ConnectEnded", "ConnectRequested"]);
    assert_eq!(life.state().attempt, 2);
}

#[test]
fn a_code_prolongs_its_attempt_but_not_for_ever() {
    let mut life = Life::connecting();
    let report = life.report();
    let command = qr(report, life.now.plus_seconds(1_000_000));
    let now = life.now;
    life.applied(command);
    let deadline = berth_domain::instance::attempt(life.state()).unwrap().deadline;
    assert_eq!(deadline, now.plus_seconds(600));
    life.report_qr();
    assert_eq!(berth_domain::instance::attempt(life.state()).unwrap().deadline, deadline, "never earlier");
}

#[test]
fn reconnect_needs_a_session() {
    for mut life in [Life::created(), Life::logged_out()] {
        assert_eq!(life.refused(reconnect()), RejectionCodeV1::NoSession);
        assert_eq!(life.refused(restart()), RejectionCodeV1::NoSession);
    }
    let mut life = Life::open();
    life.unchanged(reconnect());
    life.report_lost();
    assert_eq!(life.words(), "linked/lost");
    life.unchanged(connect());
    assert_eq!(life.applied(reconnect()), ["ResumeRequested"]);
    assert_eq!(life.words(), "linked/opening");
}

#[test]
fn restart_opens_the_connection_anew() {
    let mut life = Life::open();
    assert_eq!(life.applied(restart()), ["ResumeRequested"]);
    assert_eq!(life.words(), "linked/opening");
    Life::pairing().unchanged(restart());
}

#[test]
fn a_paused_link_is_resumed_without_a_code() {
    for reason in [PauseReasonV1::Replaced, PauseReasonV1::Outdated, PauseReasonV1::Refused] {
        let life = Life::paused(reason, None);
        assert_eq!(life.words(), "paused");
        assert_eq!(life.clone().applied(connect()), ["ResumeRequested"]);
        assert_eq!(life.clone().applied(reconnect()), ["ResumeRequested"]);
        assert_eq!(life.clone().applied(restart()), ["ResumeRequested"]);
    }
}

#[test]
fn a_banned_number_is_not_tried_before_its_ban_ends() {
    let until = crate::life::START.plus_seconds(3600);
    let mut life = Life::paused(PauseReasonV1::Banned, Some(until));
    assert_eq!(life.refused(connect()), RejectionCodeV1::Banned);
    assert_eq!(life.refused(reconnect()), RejectionCodeV1::Banned);
    assert_eq!(life.refused(restart()), RejectionCodeV1::Banned);
    life.wait_seconds(3600);
    assert_eq!(life.applied(connect()), ["ResumeRequested"]);

    let mut life = Life::paused(PauseReasonV1::Banned, None);
    assert_eq!(life.applied(connect()), ["ResumeRequested"], "WhatsApp knows when the ban ends");
}

#[test]
fn disconnect_keeps_the_link() {
    let mut life = Life::open();
    assert_eq!(life.applied(disconnect()), ["StopRequested", "LinkPaused"]);
    assert_eq!(life.words(), "paused");
    life.unchanged(disconnect());
    life.applied(connect());
    assert_eq!(life.state().attempt, 1, "the device is the same");

    let mut life = Life::pairing();
    assert_eq!(life.applied(disconnect()), ["ConnectEnded", "WebhooksSuspended"]);
    life.unchanged(disconnect());
}
