//! Sending again on request: in order, under the same ids, through the same gate.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::time::Duration;

use berth_proto::{
    CommandId, EndpointId, Timestamp,
    attempt::AttemptResultV1,
    command::ConfigureWebhookV1,
    delivery::SettlementV1,
    instance::WebhookV1,
    redelivery::{RedeliveryReplyV1, RedeliveryRequestV1},
};
use berth_webhooks::schedule::Schedule;
use common::{Hit, Receiver, World, quick, slow};

const ENDPOINT: EndpointId = EndpointId::from_bytes([1; 16]);
const SILENT: RedeliveryReplyV1 = RedeliveryReplyV1::Silent { by: SettlementV1::CancelledByLogout };

fn recover() -> RedeliveryRequestV1 {
    RedeliveryRequestV1::Recover { endpoint: ENDPOINT, since: Timestamp(0) }
}

fn resend(hit: &Hit) -> RedeliveryRequestV1 {
    RedeliveryRequestV1::Resend { endpoint: ENDPOINT, id: hit.id()[4..].parse().unwrap() }
}

fn done(deliveries: u32) -> RedeliveryReplyV1 {
    RedeliveryReplyV1::Done { deliveries, more: false }
}

/// Two tries, a moment apart.
fn short() -> Schedule {
    Schedule { delays: vec![Duration::from_millis(10)], ..quick() }
}

#[tokio::test]
async fn after_an_outage_one_request_brings_back_what_was_given_up() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let replica = world.replica("a", short()).await;
    receiver.answer(500);
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    assert_eq!(world.settled(2).await, [SettlementV1::Exhausted; 2]);
    let failed = receiver.hits();
    receiver.answer(200);
    assert_eq!(world.redeliver(recover()).await, done(2));
    // What is owed again is owed by the log: a crash loses nothing of it.
    replica.crash().await;
    let _again = world.replica("a", short()).await;
    assert_eq!(world.settled(4).await[2..], [SettlementV1::Delivered; 2]);
    let hits = receiver.hits();
    let told = &hits[failed.len()..];
    let words: Vec<_> = told.iter().map(Hit::word).collect();
    assert!(words.starts_with(&["instance.linked"]) && words.ends_with(&["instance.open"]), "{words:?}");
    assert_eq!(told[0].id(), failed[0].id());
    assert_eq!(world.redeliver(recover()).await, done(0));
}

#[tokio::test]
async fn one_is_sent_again_unless_the_instance_is_silent() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.connect().await;
    world.qr(1, 20).await;
    world.linked().await;
    world.open().await;
    world.settled(3).await;
    let hits = receiver.hits();
    let named = |word: &str| hits.iter().find(|hit| hit.word() == word).unwrap();
    assert_eq!(world.redeliver(resend(named("instance.linked"))).await, done(1));
    let again = receiver.received(hits.len() + 1).await;
    let last = again.last().unwrap();
    assert_eq!((last.id(), last.word()), (named("instance.linked").id(), "instance.linked"));
    world.settled(4).await;
    if let Some(code) = hits.iter().find(|hit| hit.word() == "instance.qr") {
        assert_eq!(
            world.redeliver(resend(code)).await,
            RedeliveryReplyV1::Unknown,
            "a code lives for seconds"
        );
    }
    let unknown = RedeliveryRequestV1::Resend { endpoint: ENDPOINT, id: CommandId::from_bytes([7; 16]) };
    assert_eq!(world.redeliver(unknown).await, RedeliveryReplyV1::Unknown);

    world.logout().await;
    world.settled(5).await;
    let all = receiver.hits();
    let disconnection = all.iter().find(|hit| hit.word() == "instance.logged_out").unwrap();
    for asked in [resend(named("instance.linked")), resend(disconnection), recover()] {
        assert_eq!(world.redeliver(asked).await, SILENT);
    }
    assert_eq!(world.redeliver(RedeliveryRequestV1::Test { endpoint: ENDPOINT }).await, SILENT);
    // A link lifts the silence and brings nothing of before back by itself.
    world.link().await;
    let told = receiver.received(all.len() + 2).await;
    let words: Vec<_> = told[all.len()..].iter().map(Hit::word).collect();
    assert_eq!(words, ["instance.linked", "instance.open"]);
}

#[tokio::test]
async fn what_waits_is_tried_now_in_order() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", slow()).await;
    receiver.answer_once(503, &[("retry-after", "7200")]);
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    receiver.received(1).await;
    let asked = RedeliveryRequestV1::RetryNow { endpoint: ENDPOINT };
    // It waits as soon as its attempt has ended.
    while world.redeliver(asked.clone()).await == done(0) && receiver.hits().len() < 2 {
        tokio::task::yield_now().await;
    }
    receiver.received(3).await;
    assert_eq!(receiver.words(), ["instance.linked", "instance.linked", "instance.open"]);
    assert_eq!(world.settled(2).await, [SettlementV1::Delivered; 2]);
}

#[tokio::test]
async fn an_endpoint_is_tried_with_a_notice_that_says_nothing() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    let hook = world.endpoint(1, "evolution", receiver.address);
    world.create(vec![hook.clone()]).await;
    world.link().await;
    world.settled(1).await;
    let told = receiver.hits().len();
    receiver.say_once(418, "no tea for Bearer mine");
    let asked = RedeliveryRequestV1::Test { endpoint: ENDPOINT };
    let RedeliveryReplyV1::Tested { id, end } = world.redeliver(asked.clone()).await else {
        panic!("it is sent");
    };
    assert_eq!(end.result, AttemptResultV1::Answered { status: 418 });
    let answer = world.opened(berth_runtime::sealing::field::ANSWER, &end.answer.unwrap());
    assert_eq!(answer, "no tea for [redacted]");
    let hit = receiver.hits()[told].clone();
    assert_eq!((hit.word(), hit.id()), ("webhook.test", format!("msg_{id}").as_str()));
    assert_eq!(world.settlements().await.len(), 1, "it is no notice");

    let webhook = WebhookV1 { enabled: false, ..hook };
    world.command(ConfigureWebhookV1 { webhook, upsert: false, enabled_max: 0 }).await;
    let refused = RedeliveryReplyV1::Silent { by: SettlementV1::CancelledByEndpoint };
    assert_eq!(world.redeliver(asked).await, refused);
    let unknown = RedeliveryRequestV1::Test { endpoint: EndpointId::from_bytes([9; 16]) };
    assert_eq!(world.redeliver(unknown).await, RedeliveryReplyV1::Unknown);
}
