//! Where a command came from and which command caused it, in the receipts of what was done for its sake.

use berth_proto::{
    Sealed, StreamKey,
    commit::{PrincipalV1, ReceiptV2},
    frame::CommandRequestV2,
};
use berth_runtime::sealing::field;

use crate::{
    accounts,
    world::{Wanted, World, accepted, rejected, unavailable},
};

const CALLER: &[u8] = br#"{"request_id":"abc-1","address":"192.0.2.1"}"#;

/// A request that says where it came from, sealed for an owner as a gateway does.
async fn from_somewhere(
    world: &World,
    request: impl Into<CommandRequestV2>,
    owner: &[u8; 16],
) -> CommandRequestV2 {
    let key = world.keys.key(owner).await.unwrap().unwrap();
    CommandRequestV2 { caller: Some(key.seal(owner, field::CALLER, CALLER)), ..request.into() }
}

async fn receipts(world: &World, stream: StreamKey) -> Vec<ReceiptV2> {
    world.commits(stream).await.into_iter().flat_map(|commit| commit.receipts).collect()
}

async fn opens(world: &World, owner: &[u8; 16], caller: Option<&Sealed>) -> bool {
    let key = world.keys.key(owner).await.unwrap().unwrap();
    caller.is_some_and(|caller| key.open(owner, field::CALLER, caller).unwrap() == CALLER)
}

#[tokio::test]
async fn the_receipt_of_an_accounts_command_keeps_what_was_sealed_for_it() {
    let world = World::start().await;
    let owner = [1; 16];
    world.keys.create(&owner, &*world.entropy).await.unwrap().unwrap();
    let create = from_somewhere(&world, accounts::create(&world, 1, "acme", "t1"), &owner).await;
    accepted(world.ask(&create).await);
    let rotate = from_somewhere(&world, accounts::rotate(&world, 1, "t2"), &owner).await;
    accepted(world.ask(&rotate).await);
    let kept = receipts(&world, create.target.stream()).await;
    assert_eq!(kept.len(), 2);
    for receipt in kept {
        assert!(opens(&world, &owner, receipt.caller.as_ref()).await);
    }
    for entry in [world.token_entry("t1"), world.token_entry("t2")] {
        let reserved = receipts(&world, StreamKey::directory(entry)).await;
        assert!(!reserved.is_empty() && reserved.iter().all(|receipt| receipt.caller.is_none()));
    }
}

#[tokio::test]
async fn a_create_that_is_continued_under_its_first_id_says_it_to_whoever_opens_that() {
    let world = World::start().await;
    let wanted = Wanted::named("shop", 1_111_111_111).keyed("c");
    let (first, request) = world.create_request(&wanted).await;
    let request = from_somewhere(&world, request, first.as_bytes()).await;
    world.log.fail_after(3);
    assert!(unavailable(&world.ask(&request).await));
    world.log.mend();
    let (second, retry) = world.create_request(&wanted).await;
    let retry = from_somewhere(&world, retry, second.as_bytes()).await;
    assert_eq!(accepted(world.ask(&retry).await).stream_id, first.into());
    let kept = receipts(&world, StreamKey::instance(first)).await;
    assert!(
        opens(&world, first.as_bytes(), kept[0].caller.as_ref()).await,
        "and not for the id that is none"
    );
}

#[tokio::test]
async fn a_create_that_is_given_up_names_the_command_that_began_it() {
    let mut world = World::start().await;
    // Refused: whoever decides gives it up himself.
    world.instance("one", 1_111_111_111).await;
    let taken = Wanted { token: "token-of-one".to_owned(), ..Wanted::named("two", 2_222_222_222) };
    let (refused, refusal) = world.create_request(&taken).await;
    rejected(world.send(&refusal).await);
    // Left half-way: the process manager does.
    let (left, request) = world.create_request(&Wanted::named("shop", 3_333_333_333)).await;
    world.log.fail_after(2);
    assert!(unavailable(&world.send(&request).await));
    world.crash().await;
    world.log.mend();
    world.add_replica().await;
    world.clock.advance_seconds(61);
    let given_up = async || !world.commits(StreamKey::instance(left)).await.is_empty();
    world.until("it is given up", given_up).await;
    for (id, command) in [(refused, refusal.command_id), (left, request.command_id)] {
        let [receipt] = receipts(&world, StreamKey::instance(id)).await.try_into().unwrap();
        assert_eq!((receipt.principal, receipt.causation), (PrincipalV1::Service, Some(command)));
    }
}
