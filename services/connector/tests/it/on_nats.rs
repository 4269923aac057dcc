//! Connectors in processes of their own, joined by a NATS server.

use berth_proto::instance::{ConnectionV1, PhaseV1, UnlinkStatusV1};
use berth_test_support::NatsServer;
use serde_json::json;

use crate::world::World;

const OWNS: &str = "owns the device links";

#[tokio::test(flavor = "multi_thread")]
async fn the_links_of_a_killed_connector_are_taken_over() {
    let server = NatsServer::start().await;
    let world = World::on_nats(&server).await;
    let first = world.connector_on_nats(&server, "first").await;
    world.until("the first owns the links", async || first.handle.status() == OWNS).await;
    let second = world.connector_on_nats(&server, "second").await;
    let (linked, pairing, leaving) = (world.linked().await, world.instance().await, world.linked().await);
    world.connect(pairing).await;
    world.until_qr(pairing, 1).await;
    assert!(world.code(pairing, "qr", 1).await.is_some());
    world.plays(leaving, json!({"action": "unlink_timeout"})).await;
    world.logout(leaving).await;
    let before = epoch(&world, linked).await;
    first.kill().await;

    world.until("the second owns the links", async || second.handle.status() == OWNS).await;
    world.until_unlink(leaving, UnlinkStatusV1::Confirmed).await;
    world.until_state(pairing, "the attempt is over", |state| state.phase == PhaseV1::Created).await;
    world.until("the link is resumed", async || epoch(&world, linked).await > before).await;
    // What happened before the kill happened once, and every owner says once that the link is open.
    let mut epochs = world.opened_epochs(linked).await;
    let said = epochs.len();
    epochs.dedup();
    assert_eq!((epochs.len(), epochs.is_sorted()), (said, true), "{epochs:?}");
    let mut events = world.events(linked).await;
    events.dedup();
    assert_eq!(
        events,
        [
            "InstanceCreated",
            "ConnectRequested",
            "QrWebhooksAllowed",
            "QrIssued",
            "DeviceLinked",
            "WebhooksResumed",
            "ConnectionOpened",
        ]
    );
    assert_eq!(world.events(pairing).await[3..], ["QrIssued", "ConnectEnded", "WebhooksSuspended"]);
    assert_eq!(world.events(leaving).await.iter().filter(|name| **name == "DeviceUnlinked").count(), 1);
    // It can be played with, and links a device, like the first.
    world.plays(linked, json!({"action": "logout_from_phone"})).await;
    world.link(pairing).await;
    assert!(second.lifecycle.shut_down().await, "it drains by itself");
}

async fn epoch(world: &World, id: berth_proto::InstanceId) -> u64 {
    match world.state(id).await.phase {
        PhaseV1::Linked(link) if link.connection == ConnectionV1::Open => link.epoch,
        _ => 0,
    }
}
