//! Connectors in processes of their own, joined by a NATS server.

use std::{sync::Arc, time::Duration};

use berth_bus::{
    Cluster, Identity, Introduction, MemberId,
    member::preferred,
    nats::{NatsCluster, NatsLeases, connect, new_start},
};
use berth_proto::{
    InstanceId, Partition,
    command::{ReportLinkedV1, ReportV1},
    instance::{ConnectionV1, PhaseV1, UnlinkStatusV1},
};
use berth_runtime::{Clock, Lifecycle, Role, SystemClock, SystemEntropy};
use berth_test_support::NatsServer;
use futures::{StreamExt, future::join_all, stream};
use serde_json::json;

use crate::world::{Connector, World};

const OWNS: &str = "owns the device links";
/// Links that two connectors share.
const LINKS: usize = 400;
/// Devices that are linked at once in a story.
const AT_ONCE: usize = 32;
/// Within which the links of a connector that died are another's.
const MOVES_MAX: Duration = Duration::from_secs(15);

/// Whose the links of an instance are, of the first and the second.
fn is_of_the_first(id: InstanceId) -> bool {
    let members = ["first", "second"].map(|name| name.parse::<MemberId>().unwrap());
    preferred(Partition::of(id.as_bytes()), &members) == Some(&members[0])
}

/// Waits until each owns its part.
async fn they_share(world: &World, first: &Connector, second: &Connector) {
    let status = |owned: usize| format!("{OWNS} of {owned} of 64 partitions");
    let members = ["first", "second"].map(|name| name.parse::<MemberId>().unwrap());
    let owned = Partition::all().filter(|partition| preferred(*partition, &members) == Some(&members[0]));
    let owned = owned.count();
    world
        .until("each owns its part", async || {
            first.handle.status() == status(owned) && second.handle.status() == status(64 - owned)
        })
        .await;
}

/// An instance whose links are the first one's.
async fn of_the_first(world: &World) -> InstanceId {
    loop {
        let id = world.instance().await;
        if is_of_the_first(id) {
            return id;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_links_of_a_killed_connector_are_taken_over() {
    let server = NatsServer::start().await;
    let world = World::on_nats(&server).await;
    let first = world.connector_on_nats(&server, "first").await;
    world.until("the first owns the links", async || first.handle.status() == OWNS).await;
    let second = world.connector_on_nats(&server, "second").await;
    they_share(&world, &first, &second).await;
    let (linked, pairing, leaving) =
        (of_the_first(&world).await, of_the_first(&world).await, of_the_first(&world).await);
    world.link(linked).await;
    world.link(leaving).await;
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

/// An instance whose device was linked by somebody who is gone.
async fn linked_before(world: &World) -> InstanceId {
    let id = world.instance().await;
    world.connect(id).await;
    world.save_device_keys(id, 1).await;
    let (report, device) = (ReportV1 { attempt: 1, epoch: 1, number: 1 }, world.device(id).await);
    assert_eq!(world.report(id, ReportLinkedV1 { report, device }).await, Ok(()));
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn two_connectors_share_many_links_and_those_of_a_killed_one_are_resumed_by_the_other_alone() {
    let server = NatsServer::start().await;
    let world = World::on_nats(&server).await;
    let ids: Vec<_> =
        stream::iter(0..LINKS).map(|_| linked_before(&world)).buffer_unordered(AT_ONCE).collect().await;
    let first = world.connector_on_nats(&server, "first").await;
    let second = world.connector_on_nats(&server, "second").await;
    they_share(&world, &first, &second).await;
    let claims = claims(&server).await;
    let claimed: Vec<_> =
        ids.iter().map(|id| claims[usize::from(Partition::of(id.as_bytes()).number())]).collect();
    world.until("every link is open at its owner", async || epochs(&world, &ids).await == claimed).await;
    let of_first = ids.iter().filter(|id| is_of_the_first(**id)).count();
    assert!((LINKS / 4..LINKS * 3 / 4).contains(&of_first), "{of_first} of {LINKS}");
    let before = claimed;
    first.kill().await;
    let resumed = world.until("the links of the first are resumed", async || {
        let now = epochs(&world, &ids).await;
        let moved = now.iter().zip(&before).filter(|(now, before)| now > before).count();
        assert!(moved <= of_first, "no link of the second begins anew");
        moved == of_first
    });
    tokio::time::timeout(MOVES_MAX, resumed).await.expect("in time");
    assert!(second.lifecycle.shut_down().await, "it drains by itself");
}

/// The epoch under which each partition is held.
async fn claims(server: &NatsServer) -> Vec<u64> {
    let lifecycle = Lifecycle::new();
    let client = connect(&server.url(), None, "watcher").await.unwrap();
    let identity = Identity {
        seat: "gateway.watcher".parse().unwrap(),
        start: new_start(&SystemEntropy),
        former: None,
        version: "",
        since: SystemClock.now(),
        introduction: Introduction::default(),
    };
    let leases = NatsLeases::open(client, 1, identity, &lifecycle, Arc::new(SystemClock)).await.unwrap();
    let claims = NatsCluster::new(leases, Vec::new()).claims().await.unwrap();
    let of_links = claims.iter().filter(|claim| claim.lease.role == Role::Connector);
    let epochs = of_links.map(|claim| claim.epoch).collect();
    lifecycle.shut_down().await;
    epochs
}

async fn epochs(world: &World, ids: &[InstanceId]) -> Vec<u64> {
    join_all(ids.iter().map(|id| epoch(world, *id))).await
}

async fn epoch(world: &World, id: InstanceId) -> u64 {
    match world.state(id).await.phase {
        PhaseV1::Linked(link) if link.connection == ConnectionV1::Open => link.epoch,
        _ => 0,
    }
}
