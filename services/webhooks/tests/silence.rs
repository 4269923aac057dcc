//! Silence after a logout, whatever was pending at that moment.

mod common;

use std::collections::HashSet;

use berth_bus::Bus;
use berth_proto::{
    command::ConfigureWebhookV1, delivery::SettlementV1, instance::WebhookV1, subject::last_words_subject,
};
use berth_webhooks::{last_words::key_owner, signing::Secret};
use bytes::Bytes;
use common::{DEADLINE, Receiver, SECRET, World, quick, slow};

#[tokio::test]
async fn retries_that_are_pending_at_a_logout_are_cancelled() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", slow()).await;
    receiver.answer_once(500, &[]);
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    // The first notice failed and is due in five hours, the second waits behind it.
    receiver.received(1).await;
    world.logout().await;
    receiver.received(2).await;
    assert_eq!(receiver.words(), ["instance.linked", "instance.logged_out"]);
    let outcomes = world.settled(3).await;
    assert_eq!(
        outcomes,
        [SettlementV1::CancelledByLogout, SettlementV1::CancelledByLogout, SettlementV1::Delivered]
    );
}

#[tokio::test]
async fn a_disconnection_is_tried_until_it_is_delivered_under_one_id() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    world.create(vec![world.endpoint(1, "evolution", receiver.address)]).await;
    world.link().await;
    receiver.received(1).await;
    world.settled(1).await;
    receiver.answer(503);
    world.logout().await;
    let failed = receiver.received(5).await;
    let tries: HashSet<&str> = failed[1..].iter().map(common::Hit::id).collect();
    assert_eq!(tries.len(), 1, "the group is in order: nothing overtakes its first notice");
    // A new attempt shows a code meanwhile: it is not held up.
    world.connect().await;
    world.qr(1, 20).await;
    let mut seen = 5;
    while !receiver.words().iter().any(|word| word == "qrcode.updated") {
        seen += 1;
        receiver.received(seen).await;
    }
    receiver.answer(200);
    world.settled(5).await;
    let words = receiver.words();
    let last = |word: &str| words.iter().rposition(|found| found == word).unwrap();
    assert!(last("status.instance") < last("logout.instance"));
    assert!(last("logout.instance") < last("connection.update"));
}

#[tokio::test]
async fn a_link_supersedes_a_disconnection_that_was_never_delivered() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", slow()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    world.settled(2).await;
    receiver.answer(500);
    world.logout().await;
    receiver.received(3).await;
    receiver.answer(200);
    world.link().await;
    let outcomes = world.settled(5).await;
    assert_eq!(outcomes[2], SettlementV1::Superseded);
    assert_eq!(receiver.words()[3..], ["instance.linked", "instance.open"]);
}

#[tokio::test]
async fn two_logouts_have_two_ids() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    world.create(vec![world.endpoint(1, "mega", receiver.address)]).await;
    for session in 1..=2 {
        world.link().await;
        receiver.received(session * 2 - 1).await;
        world.logout().await;
        receiver.received(session * 2).await;
    }
    let hits = receiver.hits();
    assert_eq!(hits.len(), 4);
    assert_eq!(hits[1].body, hits[3].body);
    assert_ne!(hits[1].id(), hits[3].id());
}

#[tokio::test]
async fn an_endpoint_for_all_hears_of_attempts_after_a_logout() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    let everything = WebhookV1 { after_logout_all: true, ..world.endpoint(1, "native", receiver.address) };
    world.create(vec![everything]).await;
    world.link().await;
    world.logout().await;
    world.connect().await;
    receiver.received(6).await;
    assert_eq!(
        receiver.words(),
        [
            "instance.created",
            "instance.connecting",
            "instance.linked",
            "instance.open",
            "instance.logged_out",
            "instance.connecting",
        ]
    );
}

#[tokio::test]
async fn a_newer_code_takes_the_place_of_one_that_could_not_be_delivered() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.connect().await;
    receiver.answer(500);
    world.qr(1, 20).await;
    receiver.received(1).await;
    world.qr(2, 20).await;
    let mut seen = 1;
    while receiver.hits().last().unwrap().body["data"]["qr"]["index"] != 2 {
        seen += 1;
        receiver.received(seen).await;
    }
    receiver.answer(200);
    let outcomes = world.settled(2).await;
    assert!(matches!(outcomes[0], SettlementV1::Superseded | SettlementV1::Exhausted), "{outcomes:?}");
    let last = receiver.hits().last().unwrap().body["data"]["qr"].clone();
    assert_eq!((last["index"].clone(), last["text"].clone()), (2.into(), "2@code-1-2".into()));
}

#[tokio::test]
async fn a_deletion_cancels_what_is_pending_and_is_the_last_word() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", slow()).await;
    receiver.answer_once(500, &[]);
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    receiver.received(1).await;
    world.delete().await;
    receiver.received(2).await;
    assert_eq!(receiver.words(), ["instance.linked", "instance.deleted"]);
    let outcomes = world.settled(3).await;
    assert_eq!(
        outcomes.iter().filter(|one| **one == SettlementV1::CancelledByDelete).count(),
        2,
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn the_last_words_outlive_the_data_key_and_their_own_key_dies_with_them() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    world.create(vec![world.endpoint(1, "evolution", receiver.address)]).await;
    world.link().await;
    world.settled(1).await;
    receiver.answer(500);
    world.delete().await;
    // What the session-aggregate does after a delete.
    let subject = last_words_subject(world.instance);
    world.bus.request(&subject, Bytes::new(), DEADLINE).await.unwrap();
    world.keys.destroy(world.instance.as_bytes()).await.unwrap();
    let tries = receiver.hits().len();
    receiver.received(tries + 3).await;
    receiver.answer(200);
    let outcomes = world.settled(6).await;
    assert!(outcomes.iter().all(|outcome| *outcome == SettlementV1::Delivered), "{outcomes:?}");
    let hits = receiver.hits();
    let [.., last] = hits.as_slice() else { panic!("{hits:?}") };
    assert_eq!((last.word(), last.body["instance"].as_str()), ("remove.instance", Some("shop")));
    let timestamp = last.header("webhook-timestamp").parse().unwrap();
    let signature = Secret::parse(SECRET).unwrap().sign(last.id(), timestamp, &last.bytes);
    assert_eq!(last.header("webhook-signature"), signature);
    // Each of the two keys is destroyed where it was, and was never anywhere else.
    let (instance, last_words) = (*world.instance.as_bytes(), key_owner(world.instance));
    for (ring, destroyed, never) in
        [(&world.keys, instance, last_words), (&world.delivery_keys, last_words, instance)]
    {
        assert!(ring.key(&destroyed).await.unwrap().is_none());
        assert!(ring.key(&never).await.is_err());
    }
}

#[tokio::test]
async fn the_last_words_are_kept_although_the_deletion_is_not_the_last_that_was_noted() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    world.settled(2).await;
    receiver.answer(500);
    world.delete().await;
    // Whoever deleted it is late, and the unlink was confirmed meanwhile.
    world.unlinked().await;
    world.bus.request(&last_words_subject(world.instance), Bytes::new(), DEADLINE).await.unwrap();
    world.keys.destroy(world.instance.as_bytes()).await.unwrap();
    let tries = receiver.hits().len();
    receiver.received(tries + 1).await;
    receiver.answer(200);
    let outcomes = world.settled(3).await;
    assert_eq!(outcomes, [SettlementV1::Delivered; 3]);
    assert_eq!(receiver.words().last().map(String::as_str), Some("instance.deleted"));
}

#[tokio::test]
async fn instances_that_are_deleted_together_keep_their_last_words() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    let mut all = Vec::new();
    for _ in 0..100 {
        let one = world.beside().await;
        one.create(vec![WebhookV1 {
            events: vec!["instance.deleted".to_owned()],
            ..one.endpoint(1, "native", receiver.address)
        }])
        .await;
        one.delete().await;
        all.push(one);
    }
    let erased = all.iter().map(|one| async {
        world.bus.request(&last_words_subject(one.instance), Bytes::new(), DEADLINE).await.unwrap();
        one.keys.destroy(one.instance.as_bytes()).await.unwrap();
    });
    futures::future::join_all(erased).await;
    let hits = receiver.received(all.len()).await;
    let told: HashSet<_> = hits.iter().map(|hit| hit.body["data"]["instance"].clone().to_string()).collect();
    assert_eq!((told.len(), hits.len()), (all.len(), all.len()));
}

#[tokio::test]
async fn without_a_key_the_last_words_are_cancelled() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    world.delete().await;
    world.keys.destroy(world.instance.as_bytes()).await.unwrap();
    let subject = last_words_subject(world.instance);
    let _replica = world.replica("a", quick()).await;
    world.bus.request(&subject, Bytes::new(), DEADLINE).await.unwrap();
    let outcomes = world.settled(3).await;
    assert_eq!(outcomes, [SettlementV1::CancelledByDelete; 3]);
    assert!(receiver.hits().is_empty());
}

#[tokio::test]
async fn a_disabled_endpoint_is_told_nothing_more() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", slow()).await;
    receiver.answer_once(500, &[]);
    let hook = world.endpoint(1, "native", receiver.address);
    world.create(vec![hook.clone()]).await;
    world.link().await;
    receiver.received(1).await;
    let webhook = WebhookV1 { enabled: false, ..hook };
    world.command(ConfigureWebhookV1 { webhook, upsert: false, enabled_max: 0 }).await;
    let outcomes = world.settled(2).await;
    assert_eq!(outcomes, [SettlementV1::CancelledByEndpoint; 2]);
    world.logout().await;
    assert_eq!(receiver.words(), ["instance.linked"]);
}
