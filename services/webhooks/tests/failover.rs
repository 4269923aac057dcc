//! A back-off outlives the process that noted it, on either engine, and so does the log of deliveries.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::sync::Arc;

use berth_bus::nats::{NatsRelay, connect};
use berth_proto::{
    attempt::AttemptResultV1,
    deliveries::{DeliveriesPageV1, StandingV1},
    delivery::SettlementV1,
};
use berth_test_support::NatsServer;
use common::{Receiver, Replica, World, slow};

/// An endpoint that is put off for an hour by what it answered, beside one that takes everything.
async fn put_off(world: &World, receiver: &Receiver, beside: &Receiver) {
    receiver.answer_once(503, &[("retry-after", "3600")]);
    let hooks = [world.endpoint(1, "native", receiver.address), world.endpoint(2, "native", beside.address)];
    world.create(hooks.to_vec()).await;
    world.link().await;
    receiver.received(1).await;
    world.settled(2).await;
    // Noted as ended: whoever takes over finds no attempt of unknown fate.
    let waiting = || async {
        let waiting = StandingV1::Waiting;
        let (page, _) =
            world.page(DeliveriesPageV1 { standings: vec![waiting], ..World::everything() }).await;
        page.iter().any(|one| one.last == Some(AttemptResultV1::Answered { status: 503 }))
    };
    while !waiting().await {
        tokio::task::yield_now().await;
    }
}

/// The next dispatcher tries nothing before its time, and shows what the former one did.
async fn goes_on(world: &World, receiver: &Receiver, beside: &Receiver, next: Replica) {
    world.lost().await;
    beside.received(3).await;
    world.settled(3).await;
    assert_eq!(receiver.words(), ["instance.linked"], "it is tried when it asked to be tried");
    let waiting = DeliveriesPageV1 { standings: vec![StandingV1::Waiting], ..World::everything() };
    let (page, next_page) = world.page(waiting).await;
    let [one] = page.as_slice() else { panic!("{page:?}") };
    assert_eq!((one.attempts, one.event.as_str()), (1, "instance.linked"));
    let put_off = one.next_at.unwrap().seconds() - one.last_at.unwrap().seconds();
    assert!(put_off >= 3_600 && next_page.is_none(), "{put_off}");
    // A logout cancels it all the same.
    world.logout().await;
    receiver.received(2).await;
    assert_eq!(receiver.words(), ["instance.linked", "instance.logged_out"]);
    next.crash().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_what_an_endpoint_asked_for() {
    let (world, receiver, beside) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let first = world.replica("a", slow()).await;
    put_off(&world, &receiver, &beside).await;
    first.crash().await;
    let again = world.replica("a", slow()).await;
    goes_on(&world, &receiver, &beside, again).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_nats_another_replica_keeps_what_an_endpoint_asked_for() {
    let server = NatsServer::start().await;
    let client = connect(&server.url(), None, "webhooks").await.unwrap();
    let relay = Arc::new(NatsRelay::open(client, 1).await.unwrap());
    let world = World::new().await.with_relay(relay);
    let (receiver, beside) = (Receiver::start().await, Receiver::start().await);
    let first = world.replica("a", slow()).await;
    let second = world.replica("b", slow()).await;
    put_off(&world, &receiver, &beside).await;
    first.crash().await;
    goes_on(&world, &receiver, &beside, second).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_nats_a_replica_without_its_data_learns_everything_from_the_others() {
    let server = NatsServer::start().await;
    let client = connect(&server.url(), None, "webhooks").await.unwrap();
    let relay = Arc::new(NatsRelay::open(client, 1).await.unwrap());
    let world = World::new().await.with_relay(relay);
    let (receiver, beside) = (Receiver::start().await, Receiver::start().await);
    let first = world.replica("a", slow()).await;
    put_off(&world, &receiver, &beside).await;
    first.crash().await;
    let fresh = world.replica("c", slow()).await;
    goes_on(&world, &receiver, &beside, fresh).await;
    let delivered = StandingV1::Settled { outcome: SettlementV1::Delivered };
    let last = world.replica("d", slow()).await;
    let (page, _) = world.page(DeliveriesPageV1 { standings: vec![delivered], ..World::everything() }).await;
    assert!(page.len() >= 3, "{page:?}");
    last.crash().await;
}
