//! The same story on every engine that keeps its log on a disk.

use std::sync::Arc;

use berth_bus::{
    Bus,
    local::LocalBus,
    nats::{NatsBus, connect},
};
use berth_log::{
    EventLog,
    embedded::EmbeddedLog,
    jetstream::{JetStreamLog, JetStreamOptions},
};
use berth_proto::{
    StreamKey,
    command::{ConnectV1, LogoutV1},
    frame::CommandReplyV1,
    instance::{MethodV1, PhaseV1},
};
use berth_runtime::{Lifecycle, SystemEntropy};
use berth_test_support::NatsServer;
use futures::future::join_all;

use crate::world::{Wanted, World, accepted};

#[tokio::test]
async fn embedded() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Arc::new(EmbeddedLog::open(folder.path(), 4, &SystemEntropy).unwrap()) as Arc<dyn EventLog>;
    let state = tempfile::tempdir().unwrap();
    let mut world = World::over_in(state.path(), open(), Arc::new(LocalBus::new())).await;
    let request = story(&mut world).await;
    world.stop().await;
    drop(world);
    // Everything is there after a start from the disk, and the repeated command is known.
    let mut world = World::over_in(state.path(), open(), Arc::new(LocalBus::new())).await;
    world.add_replica().await;
    assert!(world.accepted(&request).await.replayed);
}

#[tokio::test]
async fn jetstream() {
    let server = NatsServer::start().await;
    let lifecycle = Lifecycle::new();
    let client = connect(&server.url(), None, "test").await.unwrap();
    let options = JetStreamOptions { shards: 4, replicas: 1 };
    let log = Arc::new(JetStreamLog::open(client.clone(), options).await.unwrap());
    let asker: Arc<dyn Bus> = Arc::new(NatsBus::new(client, &lifecycle));
    let mut world = World::over(log, asker).await;
    let request = story(&mut world).await;
    world.crash().await;
    world.add_replica().await;
    assert!(world.accepted(&request).await.replayed);
    world.stop().await;
    lifecycle.shut_down().await;
}

#[tokio::test]
async fn a_damaged_instance_is_deleted_embedded() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(EmbeddedLog::open(folder.path(), 4, &SystemEntropy).unwrap());
    crate::damage::a_damaged_instance_can_be_deleted(World::over(log, Arc::new(LocalBus::new())).await).await;
}

#[tokio::test]
async fn a_damaged_instance_is_deleted_jetstream() {
    let server = NatsServer::start().await;
    let lifecycle = Lifecycle::new();
    let client = connect(&server.url(), None, "test").await.unwrap();
    let options = JetStreamOptions { shards: 4, replicas: 1 };
    let log = Arc::new(JetStreamLog::open(client.clone(), options).await.unwrap());
    let bus: Arc<dyn Bus> = Arc::new(NatsBus::new(client, &lifecycle));
    crate::damage::a_damaged_instance_can_be_deleted(World::over(log, bus).await).await;
    lifecycle.shut_down().await;
}

#[tokio::test]
async fn replicas_on_connections_of_their_own_share_the_commands_of_one_server() {
    let server = NatsServer::start().await;
    let lifecycle = Lifecycle::new();
    let mut buses = Vec::new();
    for name in ["asker", "one", "two"] {
        let client = connect(&server.url(), None, name).await.unwrap();
        buses.push(Arc::new(NatsBus::new(client, &lifecycle)) as Arc<dyn Bus>);
    }
    let client = connect(&server.url(), None, "log").await.unwrap();
    let options = JetStreamOptions { shards: 4, replicas: 1 };
    let log = Arc::new(JetStreamLog::open(client, options).await.unwrap());
    let mut world = World::over(log, Arc::clone(&buses[0])).await;
    world.add_replica_on(Arc::clone(&buses[1])).await;
    world.add_replica_on(Arc::clone(&buses[2])).await;
    let id = world.instance("shop", 1_111_111_111).await;
    for round in 0..20 {
        // The same key, twice at once: to the owner of the partition, and to either replica.
        let request = world.keyed(id, LogoutV1 {}, &format!("k-{round}"));
        let (left, right) = tokio::join!(world.send(&request), world.send_to_any(&request));
        assert_eq!(accepted(left).outcome, accepted(right).outcome);
    }
    let commits = world.commits(StreamKey::instance(id)).await;
    let mut receipts: Vec<_> =
        commits.iter().flat_map(|commit| &commit.receipts).map(|receipt| receipt.command_id).collect();
    let all = receipts.len();
    receipts.sort_unstable();
    receipts.dedup();
    assert_eq!((receipts.len(), all), (21, 21));
    world.verify(id).await;
    world.stop().await;
    lifecycle.shut_down().await;
}

#[tokio::test]
async fn a_server_that_goes_away_in_the_middle_leaves_nothing_half_done() {
    let mut server = NatsServer::start().await;
    let lifecycle = Lifecycle::new();
    let client = connect(&server.url(), None, "test").await.unwrap();
    let options = JetStreamOptions { shards: 4, replicas: 1 };
    let log = Arc::new(JetStreamLog::open(client.clone(), options).await.unwrap());
    let bus: Arc<dyn Bus> = Arc::new(NatsBus::new(client, &lifecycle));
    let mut world = World::over(log, bus).await;
    world.add_replica().await;
    let id = world.linked("shop", 1_111_111_111).await;
    let logout = world.keyed(id, LogoutV1 {}, "k");
    server.kill();
    assert!(!world.try_send(&logout).await, "nothing is acknowledged without the server");
    server.restart().await;
    world.until("the retried command is accepted", async || world.try_send(&logout).await).await;
    let commits = world.commits(StreamKey::instance(id)).await;
    let receipts = commits.iter().flat_map(|commit| &commit.receipts);
    assert_eq!(receipts.filter(|receipt| receipt.command_id == logout.command_id).count(), 1);
    world.verify(id).await;
    world.crash().await;
    lifecycle.shut_down().await;
}

/// Two replicas, a crash, commands at once, a delete. Gives a command that was accepted.
async fn story(world: &mut World) -> berth_proto::frame::CommandRequestV1 {
    world.add_replica().await;
    world.add_replica().await;
    let id = world.linked("shop", 1_111_111_111).await;
    let logouts: Vec<_> = (0..32).map(|key| world.keyed(id, LogoutV1 {}, &format!("k-{key}"))).collect();
    for reply in join_all(logouts.iter().chain(&logouts).map(|request| world.send(request))).await {
        accepted(reply);
    }
    let commits = world.commits(StreamKey::instance(id)).await;
    let receipts: Vec<_> =
        commits.iter().flat_map(|commit| &commit.receipts).map(|receipt| receipt.command_id).collect();
    for request in &logouts {
        assert_eq!(receipts.iter().filter(|id| **id == request.command_id).count(), 1);
    }
    world.verify(id).await;

    let wanted = Wanted::named("half", 2_222_222_222).keyed("c");
    let (half, create) = world.create_request(&wanted).await;
    world.log.fail_after(3);
    assert!(matches!(world.send(&create).await, CommandReplyV1::Unavailable { .. }));
    world.crash().await;
    world.log.mend();
    world.add_replica().await;
    assert_eq!(accepted(world.create(&wanted).await).stream_id.instance(), half);

    world.accepted(&world.request(half, ConnectV1 { method: MethodV1::Qr })).await;
    world.clock.advance_seconds(200);
    world
        .until("the attempt is ended", async || {
            matches!(world.state(half).await.unwrap().phase, PhaseV1::Created)
        })
        .await;
    world.accepted(&world.delete(half)).await;
    accepted(world.create(&Wanted::named("half", 2_222_222_222)).await);
    logouts.last().unwrap().clone()
}
