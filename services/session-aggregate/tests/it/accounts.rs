//! Accounts: only the operator makes them, names and tokens are unique.

use berth_proto::{
    AccountId, CommandId, Hash, Sealed,
    account::AccountStateV3,
    commit::{OriginV1, PrincipalV1},
    frame::{CommandRequestV1, RejectionCodeV1, TargetV1},
};
use berth_runtime::{Entropy, Unique};

use crate::world::{World, unavailable};

pub(crate) fn request(world: &World, target: TargetV1) -> CommandRequestV1 {
    CommandRequestV1 {
        command_id: CommandId::from_bytes(world.entropy.bytes16()),
        keyed: true,
        digest: Hash([1; 32]),
        principal: PrincipalV1::Root,
        origin: OriginV1 { via: "native".to_owned() },
        causation: None,
        target,
    }
}

pub(crate) fn create(world: &World, account: u8, name: &str, token: &str) -> CommandRequestV1 {
    let master = world.keys.master();
    request(
        world,
        TargetV1::CreateAccount {
            account: AccountId::from_bytes([account; 16]),
            name: Sealed(name.into()),
            name_entry: master.entry(Unique::AccountName, name),
            token: Sealed(token.into()),
            token_entry: master.entry(Unique::Token, token),
        },
    )
}

pub(crate) fn rotate(world: &World, account: u8, token: &str) -> CommandRequestV1 {
    request(
        world,
        TargetV1::RotateAccountToken {
            account: AccountId::from_bytes([account; 16]),
            token: Sealed(token.into()),
            token_entry: world.token_entry(token),
        },
    )
}

pub(crate) fn change(
    world: &World,
    account: u8,
    name: Option<&str>,
    attributes: Option<&str>,
) -> CommandRequestV1 {
    let named = |name: &str| (Sealed(name.into()), world.keys.master().entry(Unique::AccountName, name));
    request(
        world,
        TargetV1::ChangeAccount {
            account: AccountId::from_bytes([account; 16]),
            name: name.map(named),
            attributes: attributes.map(|attributes| Sealed(attributes.into())),
        },
    )
}

#[tokio::test]
async fn an_account_is_created_once_and_its_keys_are_unique() {
    let world = World::start().await;
    let first = create(&world, 1, "acme", "t1");
    let done = world.accepted(&first).await;
    assert_eq!(done.stream_id.account(), AccountId::from_bytes([1; 16]));
    // A retry brings another made-up token: nothing is reserved for it.
    let retried = CommandRequestV1 { command_id: first.command_id, ..create(&world, 1, "acme", "t9") };
    let appended = world.log.appended();
    let again = world.accepted(&retried).await;
    assert_eq!((again.stream_id, again.replayed), (done.stream_id, true));
    let state: AccountStateV3 = again.state.open().unwrap();
    assert_eq!(state.token_entry, world.token_entry("t1"));
    let reused = CommandRequestV1 { digest: Hash([2; 32]), ..create(&world, 1, "else", "t9") };
    let reused = CommandRequestV1 { command_id: first.command_id, ..reused };
    assert_eq!(world.rejected(&reused).await, RejectionCodeV1::KeyReused);
    assert_eq!(world.log.appended(), appended);
    assert_eq!(world.rejected(&create(&world, 3, "acme", "t3")).await, RejectionCodeV1::NameTaken);
    assert_eq!(world.rejected(&create(&world, 3, "other", "t1")).await, RejectionCodeV1::TokenTaken);
    world.accepted(&create(&world, 3, "other", "t3")).await;
}

#[tokio::test]
async fn a_create_is_remembered_however_often_its_token_was_rotated() {
    let world = World::start().await;
    let first = create(&world, 1, "acme", "t0");
    world.accepted(&first).await;
    for turn in 1..=33 {
        world.accepted(&rotate(&world, 1, &format!("t{turn}"))).await;
    }
    assert!(world.accepted(&first).await.replayed);
}

#[tokio::test]
async fn a_create_that_died_half_way_is_continued_by_its_retry() {
    let world = World::start().await;
    let first = create(&world, 1, "acme", "t1");
    // Its name and its token are reserved, then the log is gone.
    world.log.fail_after(2);
    assert!(unavailable(&world.send(&first).await));
    world.log.mend();
    let retried = CommandRequestV1 { command_id: first.command_id, ..create(&world, 1, "acme", "t2") };
    let done = world.accepted(&retried).await;
    assert!(!done.replayed);
    let state: AccountStateV3 = done.state.open().unwrap();
    assert_eq!(state.token_entry, world.token_entry("t2"));
}

#[tokio::test]
async fn a_rotated_account_token_ends_the_old_one() {
    let world = World::start().await;
    world.accepted(&create(&world, 1, "acme", "t1")).await;
    let rotation = rotate(&world, 1, "t2");
    let state: AccountStateV3 = world.accepted(&rotation).await.state.open().unwrap();
    assert_eq!(state.credential_version, 2);
    let hold = world.entry(world.token_entry("t2")).await.unwrap().hold.unwrap();
    assert_eq!((hold.account, hold.credential_version), (AccountId::from_bytes([1; 16]), 2));
    assert!(world.entry(world.token_entry("t1")).await.unwrap().hold.is_none());
    assert!(world.accepted(&rotation).await.replayed);
    let reused = CommandRequestV1 { digest: Hash([2; 32]), ..rotation };
    assert_eq!(world.rejected(&reused).await, RejectionCodeV1::KeyReused);
    assert_eq!(world.rejected(&rotate(&world, 7, "t7")).await, RejectionCodeV1::NotFound);
}

#[tokio::test]
async fn only_the_operator_makes_accounts() {
    let world = World::start().await;
    let mut forged = create(&world, 1, "acme", "t1");
    forged.principal = world.as_account();
    assert_eq!(world.rejected(&forged).await, RejectionCodeV1::NotFound);
    assert_eq!(world.log.appended(), 0);
}

#[tokio::test]
async fn an_account_may_take_a_former_token_back() {
    let world = World::start().await;
    world.accepted(&create(&world, 1, "acme", "t1")).await;
    for (token, former) in [("t2", "t1"), ("t1", "t2")] {
        world.accepted(&rotate(&world, 1, token)).await;
        world.clock.advance_seconds(61);
        assert!(world.entry(world.token_entry(token)).await.unwrap().hold.is_some());
        assert!(world.entry(world.token_entry(former)).await.unwrap().hold.is_none());
    }
}

#[tokio::test]
async fn an_account_that_is_refused_keeps_its_key_only_if_it_may_be_asked_for_again() {
    let world = World::start().await;
    world.accepted(&create(&world, 1, "acme", "t-1")).await;
    for (account, keyed) in [(2, true), (3, false)] {
        let owner = [account; 16];
        world.keys.create(&owner, &*world.entropy).await.unwrap().unwrap();
        let refused = CommandRequestV1 { keyed, ..create(&world, account, "acme", "t-2") };
        assert_eq!(world.rejected(&refused).await, RejectionCodeV1::NameTaken);
        assert_eq!(world.keys.key(&owner).await.unwrap().is_some(), keyed);
    }
}
