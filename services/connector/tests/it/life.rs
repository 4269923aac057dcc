//! The life of a link: shown, scanned, opened, lost, restarted, stopped.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use berth_connector::driver::{DeviceFacts, DeviceLink, Link, Next, Report, Reports, Start, UnlinkError};
use berth_proto::{
    command::{DisconnectV1, ReportAttemptEndedV1, ReportOpenV1, ReportV1},
    event::EndReasonV1,
    frame::RejectionCodeV1,
    instance::{ConnectionV1, PauseReasonV1, PhaseV1, UnlinkStatusV1},
    subject::code_key,
};
use berth_runtime::sealing::field;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_connect_shows_a_code_and_a_scan_links_the_device() {
    let world = World::new().await;
    let connector = world.connector().await;
    let id = world.instance().await;
    world.connect(id).await;
    world.until_qr(id, 1).await;
    // The text was there before anybody was told of the code.
    let text = world.code(id, "qr", 1).await.unwrap();
    assert!(text.starts_with("https://wa.me/settings/linked_devices#"), "{text}");
    assert_eq!(world.play(id, json!({"action": "drop"})).await["code"], "not_linked");
    world.plays(id, json!({"action": "scan", "phone": "5511912345678", "push_name": "Ana"})).await;
    world.until_open(id).await;
    let state = world.state(id).await;
    let device = &berth_domain::instance::link(&state).unwrap().device;
    assert_eq!(world.open(id, field::PHONE, &device.phone).await, "5511912345678");
    assert_eq!(world.open(id, field::JID, &device.jid).await, "5511912345678@s.whatsapp.net");
    assert_eq!(world.open(id, field::PUSH_NAME, device.push_name.as_ref().unwrap()).await, "Ana");
    assert!(world.has_device_keys(id, 1).await);
    assert_eq!(connector.handle.status(), "owns the device links");
    assert!(connector.handle.ready());
}

#[tokio::test]
async fn codes_rotate_to_the_sixth_and_the_attempt_ends() {
    let world = World::new().await;
    let _connector = world.connector_scaled(400).await;
    let id = world.instance().await;
    world.connect(id).await;
    world
        .until_state(id, "the attempt is over", |state| state.phase == PhaseV1::Created && state.attempt == 1)
        .await;
    let mut expected = vec!["InstanceCreated", "ConnectRequested", "QrWebhooksAllowed"];
    expected.extend(["QrIssued"; 6]);
    expected.extend(["ConnectEnded", "WebhooksSuspended"]);
    assert_eq!(world.events(id).await, expected);
    // A new attempt begins at the first code again.
    world.connect(id).await;
    world.until_qr(id, 1).await;
}

#[tokio::test]
async fn a_pairing_code_is_shown_beside_the_qr_code() {
    let world = World::new().await;
    let _connector = world.connector().await;
    let id = world.instance().await;
    world.connect_by_code(id, "5511955554444").await;
    world
        .until_state(id, "a pairing code is shown", |state| {
            berth_domain::instance::attempt(state).is_some_and(|attempt| attempt.pairing_code.is_some())
        })
        .await;
    assert_eq!(world.code(id, "pairing", 1).await.unwrap().len(), 8);
    assert!(world.code(id, "qr", 1).await.is_some());
    world.plays(id, json!({"action": "enter_code"})).await;
    world.until_open(id).await;
    let state = world.state(id).await;
    let phone = &berth_domain::instance::link(&state).unwrap().device.phone;
    assert_eq!(world.open(id, field::PHONE, phone).await, "5511955554444");
}

#[tokio::test]
async fn an_attempt_can_go_wrong_in_every_way() {
    let world = World::new().await;
    let _connector = world.connector().await;
    let id = world.instance().await;
    world.plays(id, json!({"action": "refuse_pairing_code", "code": 452})).await;
    world.connect_by_code(id, "5511987654321").await;
    world
        .until("the code is refused", async || world.events(id).await.last() == Some(&"PairingCodeRefused"))
        .await;
    world.plays(id, json!({"action": "pair_error"})).await;
    assert_eq!(world.state(id).await.phase, PhaseV1::Created);
    // One that never shows a code ends at its deadline.
    world.plays(id, json!({"action": "never_show_code"})).await;
    world.connect(id).await;
    world.clock.advance_seconds(berth_domain::instance::ATTEMPT_SECONDS + 60);
    world
        .until_state(id, "the attempt is over", |state| state.phase == PhaseV1::Created && state.attempt == 2)
        .await;
    world.plays(id, json!({"action": "heal"})).await;
    world.link(id).await;
}

#[tokio::test]
async fn a_number_that_cannot_be_opened_ends_the_attempt() {
    let world = World::new().await;
    let _connector = world.connector().await;
    let id = world.instance().await;
    let phone = world.seal(id, field::NAME, "of another field").await;
    let method = berth_proto::instance::MethodV1::PairingCode { phone };
    world.accepted(id, berth_proto::command::ConnectV1 { method }).await;
    world.until_state(id, "the attempt is over", |state| state.phase == PhaseV1::Created).await;
}

#[tokio::test]
async fn a_restart_and_a_reconnect_open_the_link_again_each_time() {
    let world = World::new().await;
    let _connector = world.connector().await;
    let id = world.linked().await;
    for opened in 2..5 {
        world.restart(id).await;
        world.until_open(id).await;
        let events = world.events(id).await;
        assert_eq!(events.iter().filter(|name| **name == "ConnectionOpened").count(), opened, "{events:?}");
    }
    world.accepted(id, DisconnectV1 {}).await;
    world
        .until("the link is stopped", async || {
            world.play(id, json!({"action": "drop"})).await["code"] == "not_connected"
        })
        .await;
    world.reconnect(id).await;
    world.until_open(id).await;
    world.plays(id, json!({"action": "drop"})).await;
}

#[tokio::test]
async fn a_drop_is_told_after_its_grace_and_a_short_one_never() {
    let world = World::new().await;
    let _connector = world.connector_scaled(50).await;
    let id = world.linked().await;
    world.plays(id, json!({"action": "drop", "returns": false})).await;
    world.until_connection(id, ConnectionV1::Lost).await;
    world.plays(id, json!({"action": "return"})).await;
    world.until_open(id).await;
    let before = world.events(id).await;
    world.plays(id, json!({"action": "drop", "returns": false})).await;
    world.plays(id, json!({"action": "return"})).await;
    // The next thing that is told is the logout: the drop before it was none.
    world.plays(id, json!({"action": "logout_from_phone"})).await;
    let after = world.events(id).await;
    assert_eq!(after[before.len()..], ["LoggedOut", "WebhooksSuspended"]);
}

#[tokio::test]
async fn what_stops_a_link_pauses_the_instance_and_a_reconnect_opens_it() {
    let world = World::new().await;
    let _connector = world.connector().await;
    let id = world.linked().await;
    for (action, reason, code) in [
        ("replace", PauseReasonV1::Replaced, 409),
        ("outdated", PauseReasonV1::Outdated, 405),
        ("refuse", PauseReasonV1::Refused, 400),
    ] {
        world.plays(id, json!({"action": action})).await;
        world
            .until_state(id, "the link is paused", |state| {
                matches!(&state.phase, PhaseV1::Paused(pause) if pause.reason == reason && pause.code == code)
            })
            .await;
        world.reconnect(id).await;
        world.until_open(id).await;
    }
    world.plays(id, json!({"action": "ban", "seconds": 3600})).await;
    world
        .until_state(
            id,
            "the ban is known",
            |state| matches!(&state.phase, PhaseV1::Paused(pause) if pause.until.is_some()),
        )
        .await;
    // The sweeper records the end of the ban, and the link opens by itself.
    world.clock.advance_seconds(3_600);
    world.until_open(id).await;
}

#[tokio::test]
async fn late_reports_of_an_older_attempt_change_nothing() {
    let world = World::new().await;
    let _connector = world.connector().await;
    let id = world.instance().await;
    world.connect(id).await;
    world.until_qr(id, 1).await;
    world.logout(id).await;
    world.connect(id).await;
    world.until_qr(id, 1).await;
    let before = world.events(id).await;
    let report = ReportV1 { attempt: 1, epoch: world.leases.epoch(), number: 1_000 };
    let ended = ReportAttemptEndedV1 { report, reason: EndReasonV1::CodesExhausted, code: 0 };
    assert_eq!(world.report(id, ended).await, Err(RejectionCodeV1::StaleAttempt));
    assert_eq!(world.report(id, ReportOpenV1 { report }).await, Err(RejectionCodeV1::StaleAttempt));
    assert_eq!(world.events(id).await, before);
    world.plays(id, json!({"action": "scan"})).await;
    world.until_open(id).await;
    assert!(world.has_device_keys(id, 2).await && !world.has_device_keys(id, 1).await);
}

#[tokio::test]
async fn a_report_without_an_answer_is_sent_again_as_the_same_command() {
    let world = World::new().await;
    let _connector = world.connector().await;
    let id = world.instance().await;
    world.bus.deaf.store(true, Ordering::SeqCst);
    world.connect(id).await;
    world.until("the report is sent again", async || world.bus.sent().len() >= 3).await;
    world.bus.deaf.store(false, Ordering::SeqCst);
    let sent = world.bus.sent();
    assert!(sent.iter().all(|(_, name, command)| *name == "ReportQr" && *command == sent[0].2), "{sent:?}");
    world.plays(id, json!({"action": "scan"})).await;
    world.until_open(id).await;
    let shown = world.events(id).await.iter().filter(|name| **name == "QrIssued").count();
    assert_eq!(shown, 1);
}

#[tokio::test]
async fn reports_go_out_in_their_order_after_the_aggregate_was_away() {
    let world = World::new().await;
    let _connector = world.connector_scaled(400).await;
    let id = world.instance().await;
    world.bus.closed.store(true, Ordering::SeqCst);
    world.connect(id).await;
    world.until("the first code waits", async || !world.bus.sent().is_empty()).await;
    // Its text is there although nobody was told of it.
    assert!(world.volatile.get(&code_key(id, 1, "qr", 1)).await.unwrap().is_some());
    assert_eq!(world.state(id).await.attempt, 1);
    assert!(matches!(world.state(id).await.phase, PhaseV1::Connecting(_)));
    world.bus.open();
    world.until_state(id, "the attempt is over", |state| state.phase == PhaseV1::Created).await;
    let names: Vec<_> = world.bus.sent().into_iter().map(|(_, name, _)| name).collect();
    assert_eq!(names.last(), Some(&"ReportAttemptEnded"));
    assert!(names[..names.len() - 1].iter().all(|name| *name == "ReportQr"));
}

#[tokio::test]
async fn a_driver_that_ends_without_a_word_is_noticed() {
    let world = World::new().await;
    let _connector = world.connector_driven_by(Arc::new(Mute)).await;
    let id = world.instance().await;
    world.connect(id).await;
    world
        .until_state(id, "the attempt is over", |state| state.phase == PhaseV1::Created && state.attempt == 1)
        .await;
    assert!(world.events(id).await.contains(&"ConnectEnded"));
}

/// A driver that ends at once.
#[derive(Debug)]
struct Mute;

#[async_trait::async_trait]
impl DeviceLink for Mute {
    async fn run(&self, _: Link, _: Start, _: Arc<dyn Reports>) {}

    async fn unlink(&self, _: Link, _: Arc<dyn Reports>) -> Result<(), UnlinkError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_driver_that_stumbles_loses_no_link() {
    let world = World::new().await;
    let _connector = world.connector_driven_by(Arc::new(Stumbling::default())).await;
    let id = world.instance().await;
    world.connect(id).await;
    world.until_open(id).await;
    assert!(!world.events(id).await.contains(&"ConnectEnded"));
    world.logout(id).await;
    world.until_unlink(id, UnlinkStatusV1::Confirmed).await;
}

/// A driver that ends after the pairing, then says something out of place, then panics, and works at last; and
/// that panics at its first unlink.
#[derive(Debug, Default)]
struct Stumbling {
    runs: AtomicUsize,
    unlinks: AtomicUsize,
}

#[async_trait::async_trait]
impl DeviceLink for Stumbling {
    async fn run(&self, link: Link, start: Start, reports: Arc<dyn Reports>) {
        if start != Start::Resume {
            link.keys.put(b"material").await.unwrap();
            reports.report(Report::Linked(DeviceFacts::default())).await;
            return;
        }
        match self.runs.fetch_add(1, Ordering::SeqCst) {
            0 => {
                let ended = Report::AttemptEnded { reason: EndReasonV1::PairError, code: 0 };
                assert_eq!(reports.report(ended).await, Next::Stop);
            }
            1 => panic!("a driver stumbles"),
            _ => {
                reports.report(Report::Open).await;
                std::future::pending::<()>().await;
            }
        }
    }

    async fn unlink(&self, _: Link, reports: Arc<dyn Reports>) -> Result<(), UnlinkError> {
        assert!(self.unlinks.fetch_add(1, Ordering::SeqCst) > 0, "a driver stumbles");
        reports.report(Report::Unlinked).await;
        Ok(())
    }
}

#[tokio::test]
async fn a_code_that_nobody_was_told_of_does_not_stay() {
    let world = World::new().await;
    let _connector = world.connector().await;
    let id = world.instance().await;
    world.bus.closed.store(true, Ordering::SeqCst);
    world.connect(id).await;
    world.until("a code is shown", async || world.code(id, "qr", 1).await.is_some()).await;
    world.logout(id).await;
    world.until("the code is gone", async || world.code(id, "qr", 1).await.is_none()).await;
    world.bus.open();
    assert!(!world.events(id).await.contains(&"QrIssued"));
}
