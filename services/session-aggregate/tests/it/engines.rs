//! The same story on every engine that keeps its log on a disk.

use std::sync::Arc;

use berth_bus::local::LocalBus;
use berth_log::{EventLog, embedded::EmbeddedLog};
use berth_proto::{
    StreamKey,
    command::{ConnectV1, LogoutV1},
    frame::CommandReplyV1,
    instance::{MethodV1, PhaseV1},
};
use berth_runtime::SystemEntropy;
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
    assert_eq!(accepted(world.create(&wanted).await).stream_id, half);

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
