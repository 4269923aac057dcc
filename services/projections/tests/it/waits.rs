//! Whoever wrote waits until lists show it.

use std::pin::pin;

use berth_proto::query::{QueryReplyV1, QueryV1, STANDS_WAIT_MS_MAX};
use futures::{
    FutureExt as _,
    future::{Either, join_all, select},
};

use crate::world::{World, account, all, instance, until};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_the_view_is_told_when_lists_show_it_and_keeps_nobody_from_a_list() {
    let world = World::new().await;
    let replica = world.start("one").await;
    let stands = async |number, version| {
        let query = QueryV1::Stands { instance: instance(number), version, wait_ms: STANDS_WAIT_MS_MAX };
        world.ask(&query).await
    };
    for number in 0..20 {
        world.create(instance(number), account(1), "Loja").await;
        until("it is told", || async {
            (stands(number, 1).await == QueryReplyV1::Stands(true)).then_some(())
        })
        .await;
        assert_eq!(world.ids(&all(1, 500)).await.last(), Some(&instance(number)));
    }
    // More than are answered at once wait for what does not come.
    let listed = all(1, 500);
    let mut waiting = pin!(join_all((0..32).map(|_| stands(0, 2))));
    let Either::Right((page, _)) = select(waiting.as_mut(), pin!(world.page(&listed))).await else {
        panic!("a list waits for those who wait");
    };
    assert_eq!(page.rows.len(), 20);
    assert!(waiting.await.iter().all(|stands| *stands == QueryReplyV1::Stands(false)));
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_as_there_are_are_told() {
    let world = World::new().await;
    let replica = world.start("one").await;
    let stands = QueryV1::Stands { instance: instance(1), version: 1, wait_ms: STANDS_WAIT_MS_MAX };
    let mut waiting = pin!(join_all((0..500).map(|_| world.ask(&stands))));
    assert!(waiting.as_mut().now_or_never().is_none(), "it is not there");
    world.create(instance(1), account(1), "Loja").await;
    assert!(waiting.await.iter().all(|stands| *stands == QueryReplyV1::Stands(true)));
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_waited_in_vain_keep_no_place_while_the_view_stands_still() {
    let world = World::new().await;
    let replica = world.start("one").await;
    let stands = QueryV1::Stands { instance: instance(1), version: 1, wait_ms: STANDS_WAIT_MS_MAX };
    // More than wait at once and are taken.
    join_all((0..9_000).map(|_| world.ask(&stands))).await;
    let mut waiting = pin!(world.ask(&stands));
    assert!(waiting.as_mut().now_or_never().is_none(), "it is not there");
    world.create(instance(1), account(1), "Loja").await;
    assert_eq!(waiting.await, QueryReplyV1::Stands(true));
    replica.stop().await;
}
