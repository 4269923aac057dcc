//! Commits that only answer commands carry no state, and a deployment that does not write them yet.

use berth_domain::instance::forgetful;
use berth_log::{LogRead, decode_commit, rehydrate};
use berth_proto::{
    StreamKey, WriteVersion,
    codec::peek,
    command::{ChangeSettingsV1, LogoutV1},
    commit::{CarriedV1, CommitV1, CommitV2},
    instance::{InstanceStateV1, SettingsBlockV1},
    limits::COMMITS_WITHOUT_STATE_MAX,
};
use berth_session_aggregate::Settings;

use crate::world::World;

/// Bytes of settings, so that a state is large.
const SETTINGS_BYTES: usize = 40_000;

async fn with_large_settings(world: &World) -> berth_proto::InstanceId {
    let id = world.instance("shop", 1_111_111_111).await;
    let block =
        SettingsBlockV1 { owner: "native".to_owned(), body: berth_proto::Sealed(vec![7; SETTINGS_BYTES]) };
    world.accepted(&world.request(id, ChangeSettingsV1 { block, expected: None })).await;
    id
}

#[tokio::test]
async fn a_command_that_changes_nothing_does_not_write_the_state_again() {
    let mut world = World::start().await;
    let id = with_large_settings(&world).await;
    let stream = StreamKey::instance(id);
    let full = world.log.tail(&stream).await.unwrap().unwrap().tail;
    let rounds = 2 * COMMITS_WITHOUT_STATE_MAX + 3;
    for round in 0..rounds {
        let logout = world.keyed(id, LogoutV1 {}, &format!("k-{round}"));
        let done = world.accepted(&logout).await;
        let stored = world.log.tail(&stream).await.unwrap().unwrap();
        // What a reader finds is what the answer was rendered from.
        let found = rehydrate::<InstanceStateV1>(&*world.log, &stored).await.unwrap();
        assert_eq!(forgetful(&found.state), done.state.open::<InstanceStateV1>().unwrap());
        if round % 20 == 0 {
            // A replica that remembers nothing goes on from what it reads.
            world.crash().await;
            world.add_replica().await;
            assert!(world.accepted(&logout).await.replayed);
        }
    }
    world.verify(id).await;
    let page = world.log.read(&stream, full.version, 1_000).await.unwrap();
    let whole: Vec<u64> = page
        .iter()
        .map(|stored| decode_commit(stored).unwrap())
        .filter(|commit| matches!(commit.state, CarriedV1::Full(_)))
        .map(|commit| commit.version - full.version)
        .collect();
    let every = COMMITS_WITHOUT_STATE_MAX + 1;
    assert_eq!(whole, [every, 2 * every]);
    let bytes: usize = page.iter().map(|stored| stored.payload.len()).sum();
    assert!(bytes < 6 * SETTINGS_BYTES, "{rounds} commands that changed nothing wrote {bytes} bytes");
    world.stop().await;
}

#[tokio::test]
async fn a_deployment_writes_the_formats_that_its_write_version_allows() {
    let mut world = World::without_replica().await;
    let oldest = Settings { write_version: WriteVersion::OLDEST, ..Settings::default() };
    world.add_replica_with(oldest).await;
    let id = world.linked("shop", 1_111_111_111).await;
    let stream = StreamKey::instance(id);
    world.accepted(&world.logout(id)).await;
    for key in ["a", "b"] {
        world.accepted(&world.keyed(id, LogoutV1 {}, key)).await;
    }
    let page = world.log.read(&stream, 0, 1_000).await.unwrap();
    for stored in &page {
        assert_eq!(peek(&stored.payload).unwrap().1, 1);
        // As a replica of the earlier release reads it.
        berth_proto::codec::decode::<CommitV1>(&stored.payload).unwrap();
    }
    world.crash().await;
    world.add_replica().await;
    world.accepted(&world.keyed(id, LogoutV1 {}, "c")).await;
    let last = world.log.tail(&stream).await.unwrap().unwrap();
    assert_eq!(peek(&last.payload).unwrap().1, 2);
    let commit: CommitV2 = decode_commit(&last).unwrap();
    let base = page.last().unwrap().tail.version;
    assert!(matches!(commit.state, CarriedV1::Since(since) if since.version == base));
    world.verify(id).await;
    world.stop().await;
}
