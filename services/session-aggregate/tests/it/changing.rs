//! Changing what an account is called and what is kept with it.

use berth_proto::{
    Hash,
    account::AccountStateV3,
    commit::OutcomeCodeV1,
    frame::{AcceptedV1, CommandRequestV1, RejectionCodeV1},
};
use berth_runtime::Unique;

use crate::{
    accounts::{change, create},
    world::World,
};

async fn holds(world: &World, name: &str) -> bool {
    let entry = world.keys.master().entry(Unique::AccountName, name);
    world.entry(entry).await.is_some_and(|state| state.hold.is_some())
}

fn texts(accepted: &AcceptedV1) -> (String, Option<String>) {
    let state: AccountStateV3 = accepted.state.open().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(state.name.0), state.attributes.map(|attributes| text(attributes.0)))
}

#[tokio::test]
async fn an_account_gets_another_name_and_attributes() {
    let world = World::start().await;
    world.accepted(&create(&world, 1, "acme", "t1")).await;
    world.accepted(&create(&world, 2, "other", "t2")).await;
    let renaming = change(&world, 1, Some("apex"), None);
    let renamed = world.accepted(&renaming).await;
    assert_eq!(texts(&renamed), ("apex".to_owned(), None));
    assert!(holds(&world, "apex").await && !holds(&world, "acme").await);
    let described = world.accepted(&change(&world, 1, None, Some("{}"))).await;
    assert_eq!(texts(&described), ("apex".to_owned(), Some("{}".to_owned())));
    assert!(world.accepted(&renaming).await.replayed);
    let reused = CommandRequestV1 { digest: Hash([2; 32]), ..renaming };
    assert_eq!(world.rejected(&reused).await, RejectionCodeV1::KeyReused);
    let same = world.accepted(&change(&world, 1, Some("apex"), Some("{}"))).await;
    assert_eq!((same.outcome.code, same.version), (OutcomeCodeV1::Unchanged, described.version));
    let both = change(&world, 1, Some("other"), Some("[]"));
    assert_eq!(world.rejected(&both).await, RejectionCodeV1::NameTaken);
    assert_eq!(world.rejected(&change(&world, 7, Some("new"), None)).await, RejectionCodeV1::NotFound);
    // A former name may be had again, by the same account or another one.
    world.accepted(&change(&world, 1, Some("acme"), None)).await;
    world.accepted(&change(&world, 2, Some("apex"), None)).await;
    world.clock.advance_seconds(61);
    assert!(holds(&world, "acme").await && holds(&world, "apex").await && !holds(&world, "other").await);
}

#[tokio::test]
async fn a_rename_that_crashed_leaves_only_the_present_name() {
    for steps in 1..4 {
        let mut world = World::start().await;
        world.accepted(&create(&world, 1, "acme", "t1")).await;
        world.log.fail_after(steps);
        world.send(&change(&world, 1, Some("apex"), None)).await;
        world.crash().await;
        world.log.mend();
        world.add_replica().await;
        world.clock.advance_seconds(61);
        let renamed = steps > 1;
        world
            .until("one name is left", async || {
                (holds(&world, "acme").await, holds(&world, "apex").await) == (!renamed, renamed)
            })
            .await;
        assert!(
            world.entry(world.token_entry("t1")).await.unwrap().hold.is_some(),
            "the token is not touched"
        );
    }
}
