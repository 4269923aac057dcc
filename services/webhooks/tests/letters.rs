//! Messages of an upstream are handed on unchanged, in order, and not after a logout.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use berth_bus::{Bus, Kept, Postbag, PostbagError};
use berth_proto::{
    InstanceId, Partition, Sealed, codec,
    command::{DisconnectV1, ReconnectV1},
    delivery::SettlementV1,
    instance::WebhookV1,
    letter::{LetterReplyV1, LetterV1},
    subject::letter_subject,
};
use berth_runtime::sealing::field;
use berth_webhooks::schedule::Schedule;
use bytes::Bytes;
use common::{DEADLINE, Receiver, World, quick, slow};
use serde_json::json;
use tokio::sync::watch;

/// A postbag that does not answer while it is held.
#[derive(Debug)]
struct Held {
    inner: Arc<dyn Postbag>,
    looks: watch::Sender<bool>,
    puts: watch::Sender<bool>,
}

impl Held {
    fn of(world: World) -> (World, Arc<Self>) {
        let (looks, puts) = (watch::Sender::new(false), watch::Sender::new(false));
        let held = Arc::new(Self { inner: world.postbag.clone(), looks, puts });
        (world.with_postbag(held.clone()), held)
    }
}

async fn let_go(held: &watch::Sender<bool>) {
    let mut held = held.subscribe();
    let _waited = held.wait_for(|held| !held).await;
}

#[async_trait]
impl Postbag for Held {
    async fn put(&self, instance: InstanceId, letter: Bytes) -> Result<u64, PostbagError> {
        let_go(&self.puts).await;
        self.inner.put(instance, letter).await
    }

    async fn holders(&self, partition: Partition) -> Result<Vec<(InstanceId, usize)>, PostbagError> {
        let_go(&self.looks).await;
        self.inner.holders(partition).await
    }

    async fn list(&self, instance: InstanceId) -> Result<Vec<Kept>, PostbagError> {
        self.inner.list(instance).await
    }

    async fn get(&self, instance: InstanceId, place: u64) -> Result<Option<Bytes>, PostbagError> {
        self.inner.get(instance, place).await
    }

    async fn erase(&self, instance: InstanceId, up_to: u64) -> Result<(), PostbagError> {
        self.inner.erase(instance, up_to).await
    }
}

impl World {
    /// The webhook of a client of Evolution API.
    fn users(&self, to: &Receiver, events: &[&str]) -> WebhookV1 {
        WebhookV1 {
            label: "default".to_owned(),
            events: events.iter().map(ToString::to_string).collect(),
            options: Some(self.seal(field::WEBHOOK_OPTIONS, r#"{"by_events": true, "jwt_key": "secret"}"#)),
            ..self.endpoint(1, "evolution", to.address)
        }
    }

    /// Hands a message over as a gateway does, again while nobody takes it.
    async fn message(&self, event: &str, number: u32) -> LetterReplyV1 {
        self.hand_over(&self.letter(event, number).await).await
    }

    async fn letter(&self, event: &str, number: u32) -> LetterV1 {
        LetterV1 {
            session: self.state().await.session,
            received_at: self.clock.now(),
            event: event.to_owned(),
            body: self.seal(field::LETTER, &body(event, number)),
        }
    }

    async fn hand_over(&self, letter: &LetterV1) -> LetterReplyV1 {
        let payload: Bytes = codec::encode(letter).unwrap().into();
        let asked = tokio::time::timeout(DEADLINE, async {
            loop {
                let reply = self.bus.request(&letter_subject(self.instance), payload.clone(), DEADLINE).await;
                match reply {
                    Ok(reply) => return codec::decode::<LetterReplyV1>(&reply).unwrap(),
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        });
        asked.await.unwrap()
    }

    /// Waits until nothing is kept any more.
    async fn until_nothing_is_kept(&self) {
        let partition = Partition::of(self.instance.as_bytes());
        let waited = tokio::time::timeout(DEADLINE, async {
            while !self.postbag.holders(partition).await.unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.unwrap();
    }
}

/// A body with a form of its own, which nobody who reads and writes it anew would keep.
fn body(event: &str, number: u32) -> String {
    format!(r#"{{ "event":"{event}","n": {number}, "instance":"shop" ,"data":{{"b":1,"a":1.0}} }}"#)
}

#[tokio::test]
async fn messages_are_handed_on_as_they_came_and_in_their_order() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    world.create(vec![world.users(&receiver, &["MESSAGES_UPSERT", "SEND_MESSAGE"])]).await;
    world.link().await;
    receiver.answer_once(503, &[]);
    receiver.answer_once(500, &[]);
    for number in 1..=3 {
        assert_eq!(world.message("messages.upsert", number).await, LetterReplyV1::Taken);
    }
    world.message("presence.update", 4).await;
    world.message("send.message", 5).await;
    let hits = receiver.received(6).await;
    let numbers: Vec<_> = hits.iter().map(|hit| hit.body["n"].clone()).collect();
    assert_eq!(numbers, [1, 1, 1, 2, 3, 5].map(|number| json!(number)), "what is not wanted is not told");
    for hit in &hits {
        let number = u32::try_from(hit.body["n"].as_u64().unwrap()).unwrap();
        assert_eq!(hit.bytes, body(hit.word(), number), "not a byte is another");
        assert!(hit.header("authorization").starts_with("Bearer ey"), "made from its jwt_key");
        assert_eq!(hit.header("x-shop"), "1");
    }
    assert_eq!((hits[3].path.as_str(), hits[5].path.as_str()), ("/1/messages-upsert", "/1/send-message"));
    let ids: Vec<_> = hits.iter().map(common::Hit::id).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3] && ids[3] != ids[4], "{ids:?}");
    world.until_nothing_is_kept().await;
}

#[tokio::test]
async fn what_waits_at_a_logout_is_never_told() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    world.create(vec![world.users(&receiver, &["MESSAGES_UPSERT", "LOGOUT_INSTANCE"])]).await;
    world.link().await;
    receiver.answer(503);
    for number in 1..=3 {
        world.message("messages.upsert", number).await;
    }
    receiver.received(2).await;
    world.logout().await;
    receiver.answer(200);
    assert_eq!(*world.settled(1).await.last().unwrap(), SettlementV1::Delivered);
    world.until_nothing_is_kept().await;
    let words = receiver.words();
    let end = words.iter().position(|word| word == "logout.instance").unwrap();
    assert_eq!(end + 1, words.len(), "nothing comes behind it: {words:?}");
    // What a former session's upstream says later is of no interest to the next one.
    let old = world.state().await.session;
    world.link().await;
    assert!(world.state().await.session >= old);
    world.message("messages.upsert", 4).await;
    let hits = receiver.received(words.len() + 1).await;
    assert_eq!(hits.last().unwrap().body["n"], 4);
}

#[tokio::test]
async fn the_end_of_a_session_is_told_after_a_message_that_is_under_way() {
    let (world, receiver, other) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let _replica = world.replica("a", slow()).await;
    let beside = WebhookV1 {
        events: vec!["instance.logged_out".to_owned()],
        ..world.endpoint(2, "native", other.address)
    };
    let users = world.users(&receiver, &["MESSAGES_UPSERT", "LOGOUT_INSTANCE"]);
    world.create(vec![users, beside]).await;
    world.link().await;
    receiver.hold(true);
    world.message("messages.upsert", 1).await;
    receiver.received(1).await;
    world.logout().await;
    other.received(1).await;
    assert_eq!(receiver.words(), ["messages.upsert"], "it waits for the message, and no other endpoint does");
    receiver.hold(false);
    receiver.received(2).await;
    assert_eq!(receiver.words(), ["messages.upsert", "logout.instance"]);
}

#[tokio::test]
async fn what_waits_while_an_instance_is_paused_is_told_when_it_goes_on() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    world.create(vec![world.users(&receiver, &["MESSAGES_UPSERT", "CONNECTION_UPDATE"])]).await;
    world.link().await;
    receiver.received(1).await;
    world.command(DisconnectV1 {}).await;
    receiver.received(2).await;
    world.message("messages.upsert", 1).await;
    world.command(ReconnectV1 {}).await;
    world.open().await;
    world.until_nothing_is_kept().await;
    let words = receiver.words();
    assert_eq!(words.iter().filter(|word| *word == "messages.upsert").count(), 1, "{words:?}");
}

#[tokio::test]
async fn whoever_takes_over_goes_on_with_what_waits() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let first = world.replica("a", slow()).await;
    world.create(vec![world.users(&receiver, &["MESSAGES_UPSERT"])]).await;
    world.link().await;
    receiver.answer_once(500, &[]);
    world.message("messages.upsert", 1).await;
    world.message("messages.upsert", 2).await;
    let before = receiver.received(1).await;
    first.crash().await;
    let _second = world.replica("b", quick()).await;
    let hits = receiver.received(3).await;
    assert_eq!([&hits[1].body["n"], &hits[2].body["n"]], [&json!(1), &json!(2)]);
    assert_eq!(hits[1].id(), before[0].id(), "the same message has the same id");
}

#[tokio::test]
async fn what_waits_for_its_next_attempt_at_a_logout_does_not_stay_until_then() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", slow()).await;
    world.create(vec![world.users(&receiver, &["MESSAGES_UPSERT"])]).await;
    world.link().await;
    receiver.answer_once(503, &[]);
    world.message("messages.upsert", 1).await;
    world.message("messages.upsert", 2).await;
    receiver.received(1).await;
    world.logout().await;
    world.until_nothing_is_kept().await;
    world.link().await;
    world.message("messages.upsert", 3).await;
    let hits = receiver.received(2).await;
    assert_eq!(hits[1].body["n"], 3, "it holds up nothing of the next session");
}

#[tokio::test]
async fn what_is_too_old_goes_while_an_instance_is_paused() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    world.create(vec![world.users(&receiver, &["MESSAGES_UPSERT"])]).await;
    world.link().await;
    world.command(DisconnectV1 {}).await;
    let letter = world.letter("messages.upsert", 1).await;
    let old = letter.received_at.plus_millis(-77 * 60 * 60 * 1000);
    assert_eq!(world.hand_over(&LetterV1 { received_at: old, ..letter }).await, LetterReplyV1::Taken);
    world.until_nothing_is_kept().await;
    assert!(receiver.hits().is_empty());
}

#[tokio::test]
async fn a_message_that_cannot_be_opened_holds_up_no_other() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    world.create(vec![world.users(&receiver, &["MESSAGES_UPSERT"])]).await;
    world.link().await;
    receiver.hold(true);
    world.message("messages.upsert", 1).await;
    receiver.received(1).await;
    let damaged = LetterV1 { body: Sealed(vec![7; 40]), ..world.letter("messages.upsert", 2).await };
    assert_eq!(world.hand_over(&damaged).await, LetterReplyV1::Taken);
    world.message("messages.upsert", 3).await;
    receiver.hold(false);
    let hits = receiver.received(2).await;
    assert_eq!(hits[1].body["n"], 3);
    world.until_nothing_is_kept().await;
}

#[tokio::test]
async fn a_postbag_that_does_not_answer_holds_up_no_notice() {
    let (world, postbag) = Held::of(World::new().await);
    let receiver = Receiver::start().await;
    postbag.looks.send_replace(true);
    let _replica = world.replica("a", Schedule { attempt_max: Duration::from_millis(300), ..quick() }).await;
    world.create(vec![world.users(&receiver, &["CONNECTION_UPDATE", "MESSAGES_UPSERT"])]).await;
    world.link().await;
    receiver.received(1).await;
    // Once it does, messages are taken too.
    postbag.looks.send_replace(false);
    world.message("messages.upsert", 1).await;
    let hits = receiver.received(2).await;
    assert_eq!(hits[1].body["n"], 1);
}

#[tokio::test]
async fn a_message_under_way_lands_while_the_postbag_is_slow() {
    let (world, postbag) = Held::of(World::new().await);
    let receiver = Receiver::start().await;
    let _replica = world.replica("a", slow()).await;
    world.create(vec![world.users(&receiver, &["MESSAGES_UPSERT", "LOGOUT_INSTANCE"])]).await;
    world.link().await;
    receiver.hold(true);
    world.message("messages.upsert", 1).await;
    receiver.received(1).await;
    postbag.puts.send_replace(true);
    let told = async {
        while postbag.puts.receiver_count() == 0 {
            tokio::task::yield_now().await;
        }
        world.logout().await;
        receiver.hold(false);
        receiver.received(2).await;
        assert_eq!(receiver.words(), ["messages.upsert", "logout.instance"]);
        postbag.puts.send_replace(false);
    };
    let (reply, ()) = tokio::join!(world.message("messages.upsert", 2), told);
    assert_eq!(reply, LetterReplyV1::Taken);
    world.until_nothing_is_kept().await;
    assert_eq!(receiver.words().len(), 2);
}
