//! Damaged commits, and a log that lost some.

use std::sync::Arc;

use berth_bus::local::LocalBus;
use berth_log::{EventLog, Expected, LogRead, NewCommit, memory::MemoryLog};
use berth_proto::{
    CommitV2, InstanceId, StreamKey,
    codec::encode,
    command::ConnectV1,
    frame::RejectionCodeV1,
    instance::{MethodV1, PhaseV1},
};

use crate::world::{Wanted, World, unavailable};

/// Turns the commit that would be next into bytes that cannot be trusted.
type Damage = fn(CommitV2, InstanceId) -> Vec<u8>;

/// Puts bytes at the end of a stream, as nobody of ours would.
async fn append(world: &World, id: InstanceId, bytes: Vec<u8>) {
    let stream = StreamKey::instance(id);
    let tail = world.log.tail(&stream).await.unwrap().unwrap().tail;
    let commit = NewCommit {
        stream,
        version: tail.version + 1,
        command_id: None,
        traceparent: None,
        payload: bytes.into(),
    };
    world.log.append(commit, Expected::After(tail)).await.unwrap();
}

#[tokio::test]
async fn only_an_instance_whose_last_commit_is_damaged_refuses_commands() {
    let world = World::start().await;
    let other = world.instance("other", 9_999_999_999).await;
    let kinds: [Damage; 4] = [
        |_, _| vec![0; 100],
        |commit, other| encode(&CommitV2 { stream: StreamKey::instance(other), ..commit }).unwrap(),
        |commit, _| encode(&CommitV2 { version: 77, ..commit }).unwrap(),
        |mut commit, _| {
            let berth_proto::commit::CarriedV1::Full(state) = &mut commit.state else { unreachable!() };
            state.version = 99;
            encode(&commit).unwrap()
        },
    ];
    for (index, damage) in (0_u64..).zip(kinds) {
        let id = world.instance(&format!("shop-{index}"), 1_000_000_000 + index).await;
        let last = world.commits(StreamKey::instance(id)).await.pop().unwrap();
        let next = CommitV2 { version: last.version + 1, ..last };
        append(&world, id, damage(next, other)).await;
        // A keyed command would append to the state in memory; the conflict makes it look.
        let logout = world.keyed(id, berth_proto::command::LogoutV1 {}, &format!("k-{index}"));
        assert_eq!(world.rejected(&logout).await, RejectionCodeV1::Damaged, "kind {index}");
        assert_eq!(world.rejected(&world.logout(id)).await, RejectionCodeV1::Damaged, "kind {index}");
    }
    world.accepted(&world.logout(other)).await;
}

#[tokio::test]
async fn older_damage_blocks_nothing() {
    let world = World::start().await;
    let id = world.linked("shop", 1_111_111_111).await;
    let good = world.commits(StreamKey::instance(id)).await.pop().unwrap();
    append(&world, id, vec![0; 100]).await;
    append(&world, id, encode(&CommitV2 { version: good.version + 2, ..good }).unwrap()).await;
    world.accepted(&world.logout(id)).await;
}

#[tokio::test]
async fn nothing_is_built_on_a_log_that_lost_commits() {
    let folder = tempfile::tempdir().unwrap();
    let mut world =
        World::over_in(folder.path(), Arc::new(MemoryLog::new(1)), Arc::new(LocalBus::new())).await;
    world.add_replica().await;
    for number in 0..5 {
        world.instance(&format!("shop-{number}"), 1_000_000_000 + number).await;
    }
    // The attempt below can be ended only by a view that has followed so far.
    let id = world.instance("shop", 1_111_111_111).await;
    world.accepted(&world.request(id, ConnectV1 { method: MethodV1::Qr })).await;
    world.clock.advance_seconds(200);
    world
        .until("the view has followed", async || {
            matches!(world.state(id).await.unwrap().phase, PhaseV1::Created)
        })
        .await;
    world.stop().await;
    drop(world);
    let lost = Arc::new(MemoryLog::new(1));
    let mut world = World::over_in(folder.path(), lost, Arc::new(LocalBus::new())).await;
    world.add_replica().await;
    world.until("the loss is noticed", async || !world.ready()).await;
    let (_, create) = world.create_request(&Wanted::named("shop", 1_111_111_111)).await;
    assert!(unavailable(&world.send(&create).await));
    assert_eq!(world.log.appended(), 0);
}
