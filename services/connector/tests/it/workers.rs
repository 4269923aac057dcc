//! Links that workers run: placement, what becomes of what they say, and what they cannot do.

use std::sync::Arc;

use berth_connector::drivers::{by_upstream::ByUpstream, worker::Workers};
use berth_proto::{
    InstanceId,
    event::{EndReasonV1, Event, LogoutOriginV1},
    instance::{ConnectionV1, PauseReasonV1, PhaseV1, UnlinkStatusV1},
};
use berth_runtime::{MasterKey, SeededEntropy, UrlPolicy, sealing::field};
use berth_upstreams::Upstreams;
use serde_json::{Value, json};

use crate::{
    doubles::Nothing,
    worker::{Door, Run, TOKEN, Worker, hello},
    world::{Connector, World},
};

const JID: &str = "5511987654321:7@s.whatsapp.net";

fn linked() -> Value {
    let device = json!({ "jid": JID, "lid": "99:7@lid", "business_name": "Flores", "platform": "android" });
    json!({ "report": "linked", "device": device })
}

fn open() -> Value {
    json!({ "report": "open" })
}

fn qr(text: &str) -> Value {
    json!({ "report": "qr", "text": text, "valid_ms": 60_000 })
}

async fn stage() -> (World, Door, Connector) {
    let world = World::new().await;
    let door = Door::open(&world).await;
    let connector = world.connector_driven_by(door.driver.clone()).await;
    (world, door, connector)
}

/// A device that a worker linked and opened.
async fn link(world: &World, worker: &mut Worker) -> (InstanceId, Run) {
    let id = world.instance().await;
    world.connect(id).await;
    let run = Run::of(&worker.told("run").await);
    assert_eq!(worker.reports(&run, linked()).await, "continue");
    assert_eq!(worker.reports(&run, open()).await, "continue");
    world.until_open(id).await;
    (id, run)
}

#[tokio::test]
async fn a_worker_links_a_device_and_unlinks_it_after_a_logout() {
    let (world, door, _connector) = stage().await;
    let mut worker = door.worker("w1", 5).await;
    let id = world.instance().await;
    world.connect(id).await;
    let order = worker.told("run").await;
    assert_eq!((&order["start"], &order["attempt"]), (&json!("qr"), &json!(1)));
    assert_eq!(order["instance"], id.to_string());
    assert!(world.has_device_keys(id, 1).await, "where the keys will be is kept before there are any");
    let run = Run::of(&order);
    assert_eq!(worker.reports(&run, qr("2@ref,one")).await, "continue");
    world.until_qr(id, 1).await;
    assert_eq!(world.code(id, "qr", 1).await.as_deref(), Some("2@ref,one"));
    assert_eq!(worker.reports(&run, linked()).await, "continue");
    assert_eq!(worker.reports(&run, open()).await, "continue");
    world.until_open(id).await;
    let PhaseV1::Linked(link) = world.state(id).await.phase else { panic!("not linked") };
    assert_eq!(world.open(id, field::JID, &link.device.jid).await, JID);
    assert_eq!(world.open(id, field::PHONE, &link.device.phone).await, "5511987654321");

    world.logout(id).await;
    assert_eq!(Run::of(&worker.told("stop").await).place, run.place);
    let unlink = Run::of(&worker.told("unlink").await);
    assert_ne!(unlink.place["run"], run.place["run"]);
    assert_eq!(worker.reports(&unlink, json!({"report": "unlinked"})).await, "wipe");
    world.until_unlink(id, UnlinkStatusV1::Confirmed).await;
    world.until("the keys are forgotten", async || !world.has_device_keys(id, 1).await).await;
}

#[tokio::test]
async fn a_pairing_code_is_asked_for_with_its_number_and_may_be_refused() {
    let (world, door, _connector) = stage().await;
    let mut worker = door.worker("w1", 5).await;
    let id = world.instance().await;
    world.connect_by_code(id, "5511987654321").await;
    let order = worker.told("run").await;
    assert_eq!((&order["start"], &order["phone"]), (&json!("code"), &json!("5511987654321")));
    let run = Run::of(&order);
    let refused = json!({"report": "pairing_code_refused", "code": 429, "backoff_seconds": 30});
    assert_eq!(worker.reports(&run, refused).await, "continue");
    let code = json!({"report": "pairing_code", "text": "WZYEH1YY", "valid_ms": 180_000});
    assert_eq!(worker.reports(&run, code).await, "continue");
    assert_eq!(world.code(id, "pairing", 1).await.as_deref(), Some("WZYEH1YY"));
    assert_eq!(
        worker.reports(&run, json!({"report": "attempt_ended", "reason": "pair_error"})).await,
        "wipe"
    );
    assert!(world.events(id).await.contains(&"PairingCodeRefused"));
    world.until("where the keys would be is forgotten", async || !world.has_device_keys(id, 1).await).await;
}

#[tokio::test]
async fn links_go_where_there_is_room_and_wait_where_there_is_none() {
    let (world, door, _connector) = stage().await;
    let (mut small, mut large) = (door.worker("small", 1).await, door.worker("large", 2).await);
    let begin = async |worker: &mut Worker| {
        let id = world.instance().await;
        world.connect(id).await;
        assert_eq!(worker.told("run").await["instance"], id.to_string());
        id
    };
    begin(&mut large).await;
    begin(&mut small).await;
    let last = begin(&mut large).await;
    let waits = world.instance().await;
    world.connect(waits).await;
    small.hears_nothing().await;
    large.hears_nothing().await;
    world.logout(last).await;
    assert_eq!(large.told("stop").await["instance"], last.to_string());
    let next = large.hear().await.unwrap();
    // Where the keys would have been is asked too: nobody can know that there are none.
    let next = if next["kind"] == "unlink" { large.told("run").await } else { next };
    assert_eq!(next["instance"], waits.to_string());
}

#[tokio::test]
async fn an_instance_goes_to_a_worker_with_its_library_and_nothing_is_looked_for_before() {
    let world = World::new().await;
    let door = Door::open(&world).await;
    let links = ByUpstream::new(
        Arc::new(Nothing),
        &Upstreams::default(),
        &MasterKey::generate(&SeededEntropy::new(1)),
        &UrlPolicy::default(),
    );
    let links = links.with_workers(Some(Arc::clone(&door.driver) as _));
    let _connector = world.connector_driven_by(Arc::new(links)).await;
    let mut baileys = door.worker("b", 9).await;
    let mut other = door.connect(TOKEN).await.unwrap();
    let mut said = hello("m", "p", 1);
    said["library"] = json!("whatsmeow");
    other.say(&said).await;
    other.told("welcome").await;
    let id = world.instance_bound("worker", "whatsmeow", "shop").await;
    other.hears_nothing().await;
    world.connect(id).await;
    assert_eq!(other.told("run").await["instance"], id.to_string());
    baileys.hears_nothing().await;
}

#[tokio::test]
async fn an_attempt_ends_with_its_worker() {
    let (world, door, _connector) = stage().await;
    let mut worker = door.worker("w1", 5).await;
    let id = world.instance().await;
    world.connect(id).await;
    let run = Run::of(&worker.told("run").await);
    worker.reports(&run, qr("2@ref")).await;
    drop(worker);
    world.until_state(id, "the attempt ends", |state| matches!(state.phase, PhaseV1::Created)).await;
    let ended = world.history(id).await.into_iter().find_map(|event| match event {
        Event::ConnectEnded(ended) => Some(ended.reason),
        _ => None,
    });
    assert_eq!(ended, Some(EndReasonV1::OwnerLost));
    // The phone may have taken the code in the last moment: whoever has the keys is asked when it is back.
    let mut worker = door.worker("w1", 5).await;
    let unlink = Run::of(&worker.told("unlink").await);
    assert_eq!(worker.reports(&unlink, json!({"report": "no_device"})).await, "wipe");
    world.until("it is forgotten", async || !world.has_device_keys(id, 1).await).await;
}

#[tokio::test]
async fn a_link_is_lost_with_its_worker_and_goes_on_with_it_and_with_no_other() {
    let (world, door, _connector) = stage().await;
    let mut worker = door.worker("w1", 5).await;
    let (id, _run) = link(&world, &mut worker).await;
    let mut other = door.worker("w2", 500).await;
    drop(worker);
    world.until_connection(id, ConnectionV1::Lost).await;
    other.hears_nothing().await;
    let mut worker = door.worker("w1", 5).await;
    let order = worker.told("run").await;
    assert_eq!((&order["start"], &order["instance"]), (&json!("resume"), &json!(id.to_string())));
    assert_eq!(worker.reports(&Run::of(&order), open()).await, "continue");
    world.until_open(id).await;
    world.restart(id).await;
    worker.told("stop").await;
    assert_eq!(worker.told("run").await["start"], "reopen");
}

#[tokio::test]
async fn a_connector_that_takes_over_asks_under_a_higher_epoch() {
    let world = World::new().await;
    let door = Door::open(&world).await;
    let first = world.connector_driven_by(door.driver.clone()).await;
    let mut worker = door.worker("w1", 5).await;
    let (id, run) = link(&world, &mut worker).await;
    let pairing = world.instance().await;
    world.connect(pairing).await;
    let attempt = Run::of(&worker.told("run").await);
    worker.reports(&attempt, qr("2@ref")).await;
    first.kill().await;
    door.close().await;

    let door = Door::open(&world).await;
    let _second = world.connector_driven_by(door.driver.clone()).await;
    let mut worker = door.worker("w1", 5).await;
    let mut orders = [worker.hear().await.unwrap(), worker.hear().await.unwrap()];
    orders.sort_by_key(|order| order["kind"] != "run");
    let [resumed, unlink] = orders;
    assert_eq!((&resumed["start"], &resumed["instance"]), (&json!("resume"), &json!(id.to_string())));
    assert!(resumed["epoch"].as_u64() > run.place["epoch"].as_u64());
    worker.reports(&Run::of(&resumed), open()).await;
    assert_eq!((&unlink["kind"], &unlink["instance"]), (&json!("unlink"), &json!(pairing.to_string())));
    worker.reports(&Run::of(&unlink), json!({"report": "no_device"})).await;
    world.until_state(pairing, "an orphan ends", |state| matches!(state.phase, PhaseV1::Created)).await;
    // What the former one asked for is nothing any more.
    assert_eq!(worker.reports(&run, open()).await, "stop");
}

#[tokio::test]
async fn what_whatsapp_says_counts_the_same_for_every_library() {
    let (world, door, _connector) = stage().await;
    let mut worker = door.worker("w1", 50).await;
    for (report, origin, code) in [
        (json!({"report": "removed", "code": 401}), LogoutOriginV1::Phone, 401),
        (json!({"report": "refused", "code": 401}), LogoutOriginV1::Server, 401),
        (json!({"report": "refused", "code": 403}), LogoutOriginV1::Server, 403),
    ] {
        let (id, run) = link(&world, &mut worker).await;
        assert_eq!(worker.reports(&run, report).await, "wipe");
        let ended = world.history(id).await.into_iter().find_map(|event| match event {
            Event::LoggedOut(out) => Some((out.origin, out.code)),
            _ => None,
        });
        assert_eq!(ended, Some((origin, code)));
        assert!(!world.has_device_keys(id, 1).await);
    }
    for (report, reason, code) in [
        (
            json!({"report": "refused", "code": 402, "ban_code": 103, "ban_seconds": 60}),
            PauseReasonV1::Banned,
            103,
        ),
        (json!({"report": "refused", "code": 405}), PauseReasonV1::Outdated, 405),
        (json!({"report": "refused", "code": 400}), PauseReasonV1::Refused, 400),
        (json!({"report": "replaced"}), PauseReasonV1::Replaced, 409),
    ] {
        let (id, run) = link(&world, &mut worker).await;
        assert_eq!(worker.reports(&run, report).await, "stop");
        let PhaseV1::Paused(pause) = world.state(id).await.phase else { panic!("not paused") };
        assert_eq!((pause.reason, pause.code), (reason, code));
        assert_eq!(pause.until.is_some(), reason == PauseReasonV1::Banned);
        assert!(world.has_device_keys(id, 1).await);
    }
}

#[tokio::test]
async fn a_connection_that_is_back_at_once_was_never_lost_and_keys_that_are_gone_end_no_session() {
    let (world, door, _connector) = stage().await;
    let mut worker = door.worker("w1", 5).await;
    let (id, run) = link(&world, &mut worker).await;
    let lost = json!({"report": "lost", "code": 503, "source_code": "503 Connection Failure"});
    assert_eq!(worker.reports(&run, lost.clone()).await, "continue");
    assert_eq!(worker.reports(&run, open()).await, "continue");
    assert_eq!(world.events(id).await.iter().filter(|name| **name == "ConnectionOpened").count(), 1);
    worker.reports(&run, lost).await;
    world.until_connection(id, ConnectionV1::Lost).await;
    assert_eq!(worker.reports(&run, open()).await, "continue");
    world.until_open(id).await;
    assert_eq!(worker.reports(&run, json!({"report": "no_device"})).await, "stop");
    world.until_connection(id, ConnectionV1::Lost).await;
    assert_eq!(worker.told("run").await["start"], "resume", "they may be there again");
}

#[tokio::test]
async fn an_unlink_that_fails_is_tried_again_and_one_without_keys_is_given_up() {
    let (world, door, _connector) = stage().await;
    let mut worker = door.worker("w1", 5).await;
    for (report, status) in [
        (json!({"report": "refused", "code": 401}), UnlinkStatusV1::Confirmed),
        (json!({"report": "no_device"}), UnlinkStatusV1::Abandoned),
    ] {
        let (id, _run) = link(&world, &mut worker).await;
        world.logout(id).await;
        worker.told("stop").await;
        let first = Run::of(&worker.told("unlink").await);
        assert_eq!(worker.reports(&first, json!({"report": "unlink_failed"})).await, "stop");
        let second = Run::of(&worker.told("unlink").await);
        worker.reports(&second, report).await;
        world.until_unlink(id, status).await;
    }
}

#[tokio::test]
async fn who_is_no_worker_of_ours_is_sent_away() {
    let (_world, door, _connector) = stage().await;
    assert_eq!(door.connect("another-token-000001").await.err().map(|status| status.as_u16()), Some(401));
    assert_eq!(door.connect("").await.err().map(|status| status.as_u16()), Some(401));
    let refused = async |said: Value| {
        let mut worker = door.connect(TOKEN).await.unwrap();
        worker.say(&said).await;
        worker.refused().await
    };
    let mut later = hello("w", "p", 1);
    later["contracts"] = json!([2, 3]);
    assert_eq!(refused(later).await, "contract_unsupported");
    let mut other = hello("w", "p", 1);
    other["library"] = json!("venom");
    assert_eq!(refused(other).await, "library_unknown");
    assert_eq!(refused(json!({"kind": "heartbeat"})).await, "invalid_message");
    assert_eq!(refused(json!({"kind": "dance"})).await, "invalid_message");
    assert_eq!(refused(json!(["hello"])).await, "invalid_message");
    assert_eq!(refused(hello("", "p", 1)).await, "invalid_message");
    assert_eq!(refused(hello("w", "p", 0)).await, "invalid_message");
}

#[tokio::test]
async fn a_name_is_one_process_and_a_process_has_one_connection() {
    let (_world, door, _connector) = stage().await;
    let mut first = door.process("w1", "p1", 1).await;
    let mut second = door.connect(TOKEN).await.unwrap();
    second.say(&hello("w1", "p2", 1)).await;
    assert_eq!(second.refused().await, "name_taken");
    let mut again = door.process("w1", "p1", 1).await;
    assert_eq!(first.refused().await, "replaced");
    again.say(&hello("w1", "p1", 1)).await;
    assert_eq!(again.refused().await, "invalid_message");
}

#[tokio::test]
async fn a_worker_speaks_for_nobody_else_and_one_report_at_a_time() {
    let (world, door, _connector) = stage().await;
    let (mut mine, mut other) = (door.worker("w1", 5).await, door.worker("w2", 1).await);
    let (id, run) = link(&world, &mut mine).await;
    // The other one knows all of it, and it is not its own.
    assert_eq!(other.reports(&run, json!({"report": "removed", "code": 401})).await, "stop");
    let mut elsewhere = Run { place: run.place.clone() };
    elsewhere.place["epoch"] = json!(run.place["epoch"].as_u64().unwrap() - 1);
    assert_eq!(mine.reports(&elsewhere, json!({"report": "removed", "code": 401})).await, "stop");
    world.until_open(id).await;
    for _ in 0..50 {
        mine.try_say(&run.report(json!({"report": "lost"}))).await;
    }
    let mut last = None;
    while let Some(said) = mine.hear().await {
        last = Some(said);
    }
    assert_eq!(last.unwrap()["code"], "unanswered_report");
}

#[tokio::test]
async fn what_is_too_long_changes_nothing() {
    let (world, door, _connector) = stage().await;
    let mut worker = door.worker("w1", 5).await;
    let id = world.instance().await;
    world.connect(id).await;
    let run = Run::of(&worker.told("run").await);
    worker.say(&run.report(qr(&"x".repeat(20 * 1024)))).await;
    assert_eq!(worker.refused().await, "invalid_message");
    let mut worker = door.worker("w2", 5).await;
    worker.try_say(&run.report(qr(&"x".repeat(1024 * 1024)))).await;
    while worker.hear().await.is_some() {}
    assert!(!world.events(id).await.contains(&"QrIssued"));
}

#[test]
fn nothing_secret_is_shown() {
    let clock = Arc::new(berth_runtime::ManualClock::new(berth_proto::Timestamp(0)));
    let workers = Workers::new(vec!["baileys".to_owned()], TOKEN.to_owned().into(), clock);
    assert!(!format!("{workers:?}").contains(TOKEN));
}
