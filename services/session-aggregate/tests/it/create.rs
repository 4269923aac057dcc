//! Creating: unique keys, retries, and a crash after every step.

use berth_proto::{
    AccountId, InstanceId, StreamKey,
    command::LogoutV1,
    commit::PrincipalV1,
    frame::{RejectionCodeV1, TargetV1},
    instance::PhaseV1,
};
use berth_runtime::{UniqueInAccount, sealing::field};
use futures::future::join_all;

use crate::world::{Wanted, World, accepted, rejected, unavailable};

fn everything() -> Wanted {
    Wanted {
        alias: Some("external".to_owned()),
        settings: vec![("native".to_owned(), "{\"a\":1}".to_owned())],
        webhooks: vec!["https://example.com/a".to_owned()],
        ..Wanted::named("shop", 1_111_111_111).keyed("create-1")
    }
}

#[tokio::test]
async fn a_create_reserves_every_key_and_settles() {
    let world = World::start().await;
    let wanted = everything();
    let (id, request) = world.create_request(&wanted).await;
    let done = world.accepted(&request).await;
    assert_eq!((done.stream_id.instance(), done.replayed), (id, false));
    for entry in [
        world.account_entry(UniqueInAccount::Name, "shop").await,
        world.account_entry(UniqueInAccount::Alias, "external").await,
        world.token_entry("token-of-shop"),
        world.number_entry(1_111_111_111),
    ] {
        assert_eq!(world.holder(entry).await, Some(id));
    }
    let creation = world.account_entry(UniqueInAccount::Creation, "create-1").await;
    world
        .until("the blueprint is dropped", async || {
            world.entry(creation).await.unwrap().hold.unwrap().blueprint.is_none()
        })
        .await;
    let state = world.state(id).await.unwrap();
    assert_eq!((state.settings.len(), state.webhooks.len()), (1, 1));
    world.verify(id).await;
}

#[tokio::test]
async fn a_retry_after_a_crash_at_any_step_gives_the_same_instance() {
    for keyed in [true, false] {
        for steps in 0..7 {
            let mut world = World::start().await;
            let mut wanted = everything();
            if !keyed {
                wanted.key = None;
            }
            let (first_id, mut request) = world.create_request(&wanted).await;
            world.log.fail_after(steps);
            let first = world.send(&request).await;
            world.crash().await;
            world.log.mend();
            world.add_replica().await;
            if keyed {
                // Another gateway retries: it generates everything anew.
                request = world.create_request(&wanted).await.1;
            }
            let done = world.accepted(&request).await;
            let made = if steps == 0 && keyed { done.stream_id.instance() } else { first_id };
            assert_eq!(done.stream_id.instance(), made, "keyed {keyed}, crash after {steps}");
            if !unavailable(&first) {
                assert!(done.replayed);
            }
            // Its values are sealed for the id that it has.
            let key = world.keys.key(made.as_bytes()).await.unwrap().unwrap();
            let state = world.state(made).await.unwrap();
            let text = |name, sealed| key.open_text(made.as_bytes(), name, sealed).unwrap();
            assert_eq!(text(field::NAME, &state.name), "shop");
            assert_eq!(text(field::TOKEN, &state.token), "token-of-shop");
            assert_eq!(text(field::SETTINGS, &state.settings[0].body), "{\"a\":1}");
            assert_eq!(text(field::WEBHOOK_URL, &state.webhooks[0].url), "https://example.com/a");
            for entry in [state.entries.name, state.entries.token, state.entries.number] {
                assert_eq!(world.holder(entry).await, Some(made));
            }
            world.verify(made).await;
        }
    }
}

#[tokio::test]
async fn of_two_creates_of_one_name_one_wins() {
    let mut world = World::start().await;
    world.add_replica().await;
    for round in 0_u64..10 {
        let name = format!("shop-{round}");
        let wanted = |number: u64, token: &str| Wanted {
            token: format!("{token}-{round}"),
            ..Wanted::named(&name, 1_000_000_000 + number + 10 * round)
        };
        let keyed = wanted(2, "right").keyed(&format!("k-{round}"));
        let left = world.create_request(&wanted(1, "left")).await;
        let right = world.create_request(&keyed).await;
        let replies = join_all([world.send(&left.1), world.send(&right.1)]).await;
        let won =
            replies.iter().filter(|reply| matches!(reply, berth_proto::frame::CommandReplyV1::Accepted(_)));
        assert_eq!(won.count(), 1);
        let left_won = matches!(replies[0], berth_proto::frame::CommandReplyV1::Accepted(_));
        for (reply, won) in replies.into_iter().zip([left_won, !left_won]) {
            if !won {
                assert_eq!(rejected(reply), RejectionCodeV1::NameTaken);
            }
        }
        let (loser, number) = if left_won { ("right", keyed.number) } else { ("left", keyed.number - 1) };
        assert_eq!(world.holder(world.token_entry(&format!("{loser}-{round}"))).await, None);
        assert_eq!(world.holder(world.number_entry(number)).await, None);
    }
}

#[tokio::test]
async fn what_is_taken_is_named_and_everything_else_is_released() {
    let world = World::start().await;
    let first = Wanted { alias: Some("ext".to_owned()), ..Wanted::named("one", 1_111_111_111) };
    accepted(world.create(&first).await);
    let other = |name: &str, number| Wanted::named(name, number).keyed(&format!("{name}{number}"));
    let cases = [
        (
            Wanted { token: "token-of-one".to_owned(), ..other("two", 2_222_222_222) },
            RejectionCodeV1::TokenTaken,
        ),
        (other("two", 1_111_111_111), RejectionCodeV1::NumberTaken),
        (
            Wanted { alias: Some("ext".to_owned()), ..other("two", 3_333_333_333) },
            RejectionCodeV1::AliasTaken,
        ),
        (other("one", 4_444_444_444), RejectionCodeV1::NameTaken),
    ];
    for (wanted, code) in cases {
        let (id, request) = world.create_request(&wanted).await;
        assert_eq!(world.rejected(&request).await, code);
        let creation = world.account_entry(UniqueInAccount::Creation, &wanted.key.unwrap()).await;
        assert_eq!(world.holder(creation).await, None, "{code:?}");
        assert_eq!(world.holder(world.account_entry(UniqueInAccount::Name, "two").await).await, None);
        assert_ne!(world.holder(world.number_entry(wanted.number)).await, Some(id));
    }
    accepted(world.create(&other("two", 2_222_222_222)).await);
}

#[tokio::test]
async fn a_name_never_equals_a_number_of_its_account() {
    let world = World::start().await;
    accepted(world.create(&Wanted::named("one", 1_111_111_111)).await);
    assert_eq!(
        rejected(world.create(&Wanted::named("1111111111", 2_222_222_222)).await),
        RejectionCodeV1::NameTaken
    );
    accepted(world.create(&Wanted::named("3333333333", 4_444_444_444)).await);
    assert_eq!(
        rejected(world.create(&Wanted::named("two", 3_333_333_333)).await),
        RejectionCodeV1::NumberTaken
    );
    accepted(world.create(&Wanted::named("two", 5_555_555_555)).await);
}

#[tokio::test]
async fn a_key_that_created_answers_again_and_refuses_another_body() {
    let world = World::start().await;
    let wanted = everything();
    let first = accepted(world.create(&wanted).await);
    let again = accepted(world.create(&wanted).await);
    assert!(again.replayed);
    assert_eq!((again.stream_id.instance(), again.outcome), (first.stream_id.instance(), first.outcome));
    let other = Wanted { token: "another".to_owned(), ..wanted.clone() };
    assert_eq!(rejected(world.create(&other).await), RejectionCodeV1::KeyReused);
    // Long after the ring of receipts has forgotten it.
    for number in 0..40 {
        world.accepted(&world.keyed(first.stream_id.instance(), LogoutV1 {}, &format!("k-{number}"))).await;
    }
    let late = accepted(world.create(&wanted).await);
    assert_eq!((late.stream_id.instance(), late.replayed), (first.stream_id.instance(), true));
}

#[tokio::test]
async fn a_retry_whose_answer_was_lost_is_answered_again() {
    let world = World::start().await;
    let first = accepted(world.create(&everything()).await);
    // Its values are for another id, whose key goes with the first answer.
    let (other, retry) = world.create_request(&everything()).await;
    assert_ne!(other, first.stream_id.instance());
    for _ in 0..2 {
        let again = world.accepted(&retry).await;
        assert_eq!((again.stream_id.instance(), again.replayed), (first.stream_id.instance(), true));
    }
}

#[tokio::test]
async fn one_key_through_two_gateways_at_once_is_one_instance() {
    let mut world = World::start().await;
    world.add_replica().await;
    for round in 0_u64..10 {
        let wanted = Wanted { alias: None, ..Wanted::named(&format!("shop-{round}"), 1_000_000_000 + round) };
        let left = world.create_request(&wanted.clone().keyed(&format!("k{round}"))).await.1;
        let numbered = Wanted { number: 2_000_000_000 + round, ..wanted }.keyed(&format!("k{round}"));
        let right = world.create_request(&numbered).await.1;
        let replies = join_all([world.send(&left), world.send(&right)]).await;
        let ids: Vec<_> = replies.into_iter().map(|reply| accepted(reply).stream_id.instance()).collect();
        assert_eq!(ids[0], ids[1]);
        let state = world.state(ids[0]).await.unwrap();
        let other = if state.number < 2_000_000_000 { 2_000_000_000 } else { 1_000_000_000 } + round;
        assert_eq!(world.holder(world.number_entry(other)).await, None, "the other number stays free");
        assert_eq!(world.holder(world.number_entry(state.number)).await, Some(ids[0]));
        world.verify(ids[0]).await;
    }
}

#[tokio::test]
async fn nobody_creates_in_another_account() {
    let world = World::start().await;
    let (_, mut request) = world.create_request(&everything()).await;
    request.principal =
        berth_proto::commit::PrincipalV1::Account { account: berth_proto::AccountId::from_bytes([9; 16]) };
    assert_eq!(world.rejected(&request).await, RejectionCodeV1::NotFound);
    assert_eq!(world.log.appended(), 0);
}

#[tokio::test]
async fn a_create_that_is_refused_leaves_a_tombstone_that_nobody_can_wake() {
    let world = World::start().await;
    accepted(world.create(&Wanted::named("one", 1_111_111_111)).await);
    let taken = Wanted { token: "token-of-one".to_owned(), ..Wanted::named("two", 2_222_222_222) };
    let (id, request) = world.create_request(&taken).await;
    assert_eq!(world.rejected(&request).await, RejectionCodeV1::TokenTaken);
    let state = world.state(id).await.unwrap();
    assert!(matches!(state.phase, PhaseV1::Deleted { .. }));
    assert_eq!(world.commits(StreamKey::instance(id)).await.len(), 1);
    assert!(world.keys.key(id.as_bytes()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_create_that_is_refused_leaves_no_key_and_costs_nobody_elses() {
    let world = World::start().await;
    let there = world.instance("first", 1_111_111_111).await;
    let wanted = Wanted::named("first", 2_222_222_222);
    let (id, request) = world.create_request(&wanted).await;
    assert_eq!(world.rejected(&request).await, RejectionCodeV1::NameTaken);
    assert!(world.keys.key(id.as_bytes()).await.unwrap().is_none());
    // Refused under the id of something that exists, it costs that no key.
    let stranger = PrincipalV1::Account { account: AccountId::from_bytes([9; 16]) };
    for owner in [*there.as_bytes(), *world.account.as_bytes()] {
        let (_, mut request) = world.create_request(&wanted).await;
        let TargetV1::Instance { instance, .. } = &mut request.target else { unreachable!() };
        *instance = InstanceId::from_bytes(owner);
        request.principal = stranger;
        assert_eq!(world.rejected(&request).await, RejectionCodeV1::NotFound);
        assert!(world.keys.key(&owner).await.unwrap().is_some());
    }
}
