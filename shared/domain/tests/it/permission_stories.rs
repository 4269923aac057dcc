//! Silence after a logout, told notice by notice.

use berth_domain::instance::{Notice, NoticeClass, Verdict, may_send, verdict};
use berth_proto::{delivery::SettlementV1, instance::PermissionV1};

use crate::life::{Life, connect, delete, logout};

fn notice(class: NoticeClass, session: u32) -> Notice {
    Notice { class, session, after_logout_all: false }
}

#[test]
fn a_new_instance_is_silent_until_a_device_is_linked() {
    let mut life = Life::created();
    assert!(!may_send(life.state(), notice(NoticeClass::Lifecycle, 1)));
    assert!(!may_send(life.state(), notice(NoticeClass::Qr, 1)));
    life.applied(connect());
    assert!(may_send(life.state(), notice(NoticeClass::Qr, 1)));
    assert!(!may_send(life.state(), notice(NoticeClass::Lifecycle, 1)));
    life.report_linked();
    assert!(may_send(life.state(), notice(NoticeClass::Lifecycle, 1)));
}

#[test]
fn after_a_logout_only_the_disconnection_goes_out() {
    let mut life = Life::logged_out();
    assert!(may_send(life.state(), notice(NoticeClass::Disconnect, 1)));
    for class in [NoticeClass::Lifecycle, NoticeClass::Qr] {
        assert!(!may_send(life.state(), notice(class, 2)));
        let settled = Verdict::Settle(SettlementV1::CancelledByLogout);
        assert_eq!(verdict(life.state(), notice(class, 1)), settled);
    }
    life.applied(connect());
    assert_eq!(life.state().permission, PermissionV1::QrOnly);
    assert!(may_send(life.state(), notice(NoticeClass::Disconnect, 1)));
    assert!(may_send(life.state(), notice(NoticeClass::Qr, 2)));
    life.applied(logout());
    assert_eq!(life.state().permission, PermissionV1::Silent);
    life.applied(connect());
    life.report_linked();
    let superseded = Verdict::Settle(SettlementV1::Superseded);
    assert_eq!(verdict(life.state(), notice(NoticeClass::Disconnect, 1)), superseded);
    assert!(!may_send(life.state(), notice(NoticeClass::Lifecycle, 1)), "of the session before");
    life.applied(logout());
    assert_eq!(verdict(life.state(), notice(NoticeClass::Disconnect, 1)), superseded);
    assert!(may_send(life.state(), notice(NoticeClass::Disconnect, 2)));
}

#[test]
fn an_endpoint_may_ask_to_be_told_everything() {
    let mut life = Life::logged_out();
    let all = Notice { after_logout_all: true, ..notice(NoticeClass::Lifecycle, 2) };
    assert!(may_send(life.state(), all));
    life.applied(connect());
    assert!(may_send(life.state(), all));
    life.applied(delete());
    assert!(!may_send(life.state(), all));
}

#[test]
fn a_deletion_blocks_all_but_its_own_notice() {
    let life = Life::deleted();
    let cancelled = Verdict::Settle(SettlementV1::CancelledByDelete);
    for class in [NoticeClass::Lifecycle, NoticeClass::Disconnect, NoticeClass::Qr] {
        assert_eq!(verdict(life.state(), notice(class, 1)), cancelled);
    }
    assert!(may_send(life.state(), notice(NoticeClass::Deletion, 1)));
}
