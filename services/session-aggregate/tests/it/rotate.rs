//! Rotating an instance's token.

use berth_proto::{commit::PrincipalV1, frame::RejectionCodeV1};
use futures::future::join_all;

use crate::world::{World, accepted, unavailable};

#[tokio::test]
async fn the_new_token_is_found_under_its_version_and_the_old_one_is_not() {
    let world = World::start().await;
    let id = world.instance("shop", 1_111_111_111).await;
    let request = world.keyed(id, world.rotate(id, "second"), "r");
    let done = world.accepted(&request).await;
    let hold = world.entry(world.token_entry("second")).await.unwrap().hold.unwrap();
    assert_eq!((hold.instance, hold.credential_version), (Some(id), 2));
    assert_eq!(world.holder(world.token_entry("token-of-shop")).await, None);
    let again = world.accepted(&request).await;
    assert!(again.replayed);
    assert_eq!(again.state, done.state);
    world.verify(id).await;
}

#[tokio::test]
async fn a_taken_token_is_refused_and_a_rejected_rotation_reserves_nothing() {
    let world = World::start().await;
    let id = world.instance("shop", 1_111_111_111).await;
    world.instance("other", 2_222_222_222).await;
    let taken = world.request(id, world.rotate(id, "token-of-other"));
    assert_eq!(world.rejected(&taken).await, RejectionCodeV1::TokenTaken);
    let mut stale = world.request(id, world.rotate(id, "third"));
    stale.principal = PrincipalV1::Instance { account: world.account, instance: id, credential_version: 7 };
    assert_eq!(world.rejected(&stale).await, RejectionCodeV1::StaleCredential);
    assert_eq!(world.entry(world.token_entry("third")).await, None);
}

#[tokio::test]
async fn a_retried_rotation_continues_after_a_crash_at_any_step() {
    for steps in 0..4 {
        let mut world = World::start().await;
        let id = world.instance("shop", 1_111_111_111).await;
        let request = world.keyed(id, world.rotate(id, "second"), "r");
        world.log.fail_after(steps);
        let first = world.send(&request).await;
        assert_eq!(unavailable(&first), steps < 2, "after {steps}");
        world.crash().await;
        world.log.mend();
        world.add_replica().await;
        world.accepted(&request).await;
        let hold = world.entry(world.token_entry("second")).await.unwrap().hold.unwrap();
        assert_eq!((hold.instance, hold.credential_version), (Some(id), 2));
        assert_eq!(world.state(id).await.unwrap().entries.token, world.token_entry("second"));
        world.verify(id).await;
    }
}

#[tokio::test]
async fn rotations_at_once_leave_one_token_that_works() {
    let mut world = World::start().await;
    world.add_replica().await;
    let id = world.instance("shop", 1_111_111_111).await;
    let tokens: Vec<String> = (0..8).map(|number| format!("t-{number}")).collect();
    let requests: Vec<_> = tokens.iter().map(|token| world.request(id, world.rotate(id, token))).collect();
    for reply in join_all(requests.iter().map(|request| world.send(request))).await {
        accepted(reply);
    }
    let state = world.state(id).await.unwrap();
    assert_eq!(state.credential_version, 9);
    let mut held = 0;
    for token in tokens.iter().map(|token| world.token_entry(token)) {
        if let Some(hold) = world.entry(token).await.unwrap().hold {
            assert_eq!((token, hold.credential_version), (state.entries.token, 9));
            held += 1;
        }
    }
    assert_eq!(held, 1);
    world.verify(id).await;
}
