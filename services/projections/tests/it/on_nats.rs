//! The same lists when replicas and askers are joined by a NATS server.

use std::sync::Arc;

use berth_bus::{
    local::LocalLeases,
    nats::{NatsBus, connect},
};
use berth_runtime::Lifecycle;
use berth_test_support::NatsServer;

use crate::world::{World, account, all, instance, until};

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_answer_over_nats() {
    let server = NatsServer::start().await;
    let client = connect(&server.url(), None, "projections").await.unwrap();
    let life = Lifecycle::new();
    let folder = tempfile::tempdir().unwrap();
    let leases = LocalLeases::open(folder.path().join("leases")).await.unwrap();
    let world = World::with(folder, Arc::new(NatsBus::new(client, &life)), Arc::new(leases)).await;
    let (one, two) = (world.start("one").await, world.start("two").await);
    let ids: Vec<_> = (0..40).map(instance).collect();
    for id in &ids {
        world.create(*id, account(1), "Loja").await;
    }
    until("both replicas answer alike", || async {
        for _ in 0..8 {
            if world.ids(&all(1, 7)).await != ids {
                return None;
            }
        }
        Some(())
    })
    .await;
    two.stop().await;
    world.finds(&all(1, 500), &ids).await;
    one.stop().await;
    life.shut_down().await;
}
