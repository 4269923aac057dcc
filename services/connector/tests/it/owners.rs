//! Several connectors: one owns the links, another goes on when it is gone.

use std::sync::atomic::Ordering;

use berth_proto::{
    command::{ReportLinkedV1, ReportOpenV1, ReportV1},
    frame::RejectionCodeV1,
    instance::{ConnectionV1, PhaseV1, UnlinkStatusV1},
};
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_new_owner_ends_the_attempt_of_a_dead_one() {
    let world = World::new().await;
    let first = world.connector().await;
    let id = world.instance().await;
    world.connect(id).await;
    world.until_qr(id, 1).await;
    first.kill().await;
    let _second = world.connector().await;
    world.until_state(id, "the attempt is over", |state| state.phase == PhaseV1::Created).await;
    let events = world.events(id).await;
    assert_eq!(events[events.len() - 2..], ["ConnectEnded", "WebhooksSuspended"]);
    world.link(id).await;
}

#[tokio::test]
async fn a_new_owner_starts_an_attempt_that_nobody_has_begun() {
    let world = World::new().await;
    let id = world.instance().await;
    world.connect(id).await;
    let _connector = world.connector().await;
    world.until_qr(id, 1).await;
}

#[tokio::test]
async fn a_new_owner_resumes_links_and_pursues_unlinks() {
    let world = World::new().await;
    let first = world.connector().await;
    let (open, leaving, stopped) = (world.linked().await, world.linked().await, world.linked().await);
    world.accepted(stopped, berth_proto::command::DisconnectV1 {}).await;
    world.plays(leaving, json!({"action": "unlink_timeout"})).await;
    world.logout(leaving).await;
    first.kill().await;
    let _second = world.connector().await;
    world.until_unlink(leaving, UnlinkStatusV1::Confirmed).await;
    // The unlink was its work, so the last epoch is its.
    let epoch = world.leases.epoch();
    world
        .until_state(open, "the new owner has it", |state| {
            matches!(&state.phase, PhaseV1::Linked(link)
                if link.connection == ConnectionV1::Open && link.epoch == epoch)
        })
        .await;
    world.plays(open, json!({"action": "drop"})).await;
    assert!(matches!(world.state(stopped).await.phase, PhaseV1::Paused(_)));
    assert_eq!(world.play(stopped, json!({"action": "drop"})).await["code"], "not_connected");
    let former = ReportV1 { attempt: 1, epoch: epoch - 1, number: 1_000 };
    assert_eq!(world.report(open, ReportOpenV1 { report: former }).await, Err(RejectionCodeV1::StaleEpoch));
}

#[tokio::test]
async fn a_device_that_nobody_reported_is_unlinked_by_the_next_owner() {
    let world = World::new().await;
    let first = world.connector().await;
    let id = world.instance().await;
    world.connect(id).await;
    world.until_qr(id, 1).await;
    world.bus.closed.store(true, Ordering::SeqCst);
    let (bus, payload) = (world.bus.inner.clone(), json!({"action": "scan"}).to_string());
    let subject = berth_proto::subject::simulate_subject(id);
    let scanning = first
        .lifecycle
        .spawn(async move { bus.request(&subject, payload.into(), crate::world::PATIENCE).await.is_ok() });
    world
        .until("the device is linked", async || world.bus.sent().iter().any(|sent| sent.1 == "ReportLinked"))
        .await;
    first.kill().await;
    drop(scanning);
    world.bus.open();
    assert!(world.has_device_keys(id, 1).await);
    let _second = world.connector().await;
    world.until_state(id, "the attempt is over", |state| state.phase == PhaseV1::Created).await;
    world.until("the device is unlinked", async || !world.has_device_keys(id, 1).await).await;
}

#[tokio::test]
async fn a_device_that_a_dead_owner_reports_late_is_kept() {
    let world = World::new().await;
    let first = world.connector().await;
    let id = world.instance().await;
    world.connect(id).await;
    world.until_qr(id, 1).await;
    let epoch = world.leases.epoch();
    first.kill().await;
    // The next owner is about to end the attempt when the report of the dead one is decided.
    world.bus.closed.store(true, Ordering::SeqCst);
    let _second = world.connector().await;
    world
        .until("the end is tried", async || {
            world.bus.sent().iter().any(|sent| sent.1 == "ReportAttemptEnded")
        })
        .await;
    world.save_device_keys(id, 1).await;
    let late = ReportV1 { attempt: 1, epoch, number: 1_000 };
    let device = world.device(id).await;
    assert_eq!(world.report(id, ReportLinkedV1 { report: late, device }).await, Ok(()));
    world.bus.open();
    world.until_open(id).await;
    assert!(!world.events(id).await.contains(&"ConnectEnded"));
}

#[tokio::test]
async fn whoever_loses_the_lease_says_nothing_more() {
    let world = World::new().await;
    let connector = world.connector_scaled(100).await;
    let (pairing, linked) = (world.instance().await, world.linked().await);
    world.connect(pairing).await;
    world.until_qr(pairing, 1).await;
    world.leases.take_away();
    world.until("it stands by", async || connector.handle.status() == "stands by for the device links").await;
    let (sent, before) = (world.bus.sent().len(), world.events(pairing).await);
    assert!(connector.handle.ready());
    // Codes would have rotated many times by now.
    world.logout(linked).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(world.bus.sent().len(), sent);
    assert_eq!(world.events(pairing).await, before);
    assert_eq!(world.state(linked).await.unlinks.last().unwrap().status, UnlinkStatusV1::Pending);
    // It may own them again, under a higher epoch.
    world.leases.release();
    world.until_unlink(linked, UnlinkStatusV1::Confirmed).await;
    world.until_state(pairing, "the attempt is over", |state| state.phase == PhaseV1::Created).await;
}

#[tokio::test]
async fn a_report_that_waits_when_the_lease_is_lost_is_not_sent_again() {
    let world = World::new().await;
    let connector = world.connector().await;
    let id = world.instance().await;
    world.bus.deaf.store(true, Ordering::SeqCst);
    world.connect(id).await;
    world.until("a report is tried", async || world.bus.sent().len() >= 2).await;
    world.leases.take_away();
    world.until("it stands by", async || connector.handle.status() == "stands by for the device links").await;
    let sent = world.bus.sent().len();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(world.bus.sent().len(), sent);
}

#[tokio::test]
async fn an_owner_that_meets_a_newer_one_gives_up_its_links() {
    let world = World::new().await;
    let _connector = world.connector().await;
    let id = world.linked().await;
    let first = world.leases.epoch();
    // A newer owner has reported although the lease seems to be held.
    let report = ReportV1 { attempt: 1, epoch: first + 1, number: 1 };
    assert_eq!(world.report(id, ReportOpenV1 { report }).await, Ok(()));
    world.restart(id).await;
    world.until("the lease was taken anew", async || world.leases.epoch() > first).await;
}

#[tokio::test]
async fn a_stop_ends_the_links_and_gives_the_lease_back() {
    let world = World::new().await;
    let first = world.connector().await;
    let id = world.linked().await;
    assert!(first.lifecycle.shut_down().await, "it drains by itself");
    let epoch = world.leases.epoch() + 1;
    let _second = world.connector().await;
    world
        .until_state(id, "the next owner has it", |state| {
            matches!(&state.phase, PhaseV1::Linked(link)
                if link.connection == ConnectionV1::Open && link.epoch >= epoch)
        })
        .await;
}

#[tokio::test]
async fn one_that_stands_by_takes_the_links_over() {
    let world = World::new().await;
    let first = world.connector().await;
    let id = world.linked().await;
    let second = world.connector().await;
    world.until("it stands by", async || second.handle.status() == "stands by for the device links").await;
    let before = world.bus.sent().len();
    first.kill().await;
    world.until("it owns the links", async || second.handle.status() == "owns the device links").await;
    world.until("it has reported", async || world.bus.sent().len() > before).await;
    world.plays(id, json!({"action": "logout_from_phone"})).await;
    assert!(matches!(world.state(id).await.phase, PhaseV1::LoggedOut { .. }));
}
