//! What was sent can be looked at, attempt by attempt, and says no secret.

mod common;

use std::sync::Arc;

use async_trait::async_trait;
use berth_log::{EventLog, LogRead as _, ReadError, Stored, memory::MemoryLog};
use berth_proto::{
    CommandId, EndpointId, InstanceId, Kind, StreamKey,
    attempt::{AttemptResultV1, DeliveryAttemptV1},
    deliveries::{DeliveriesPageV1, DeliveriesReplyV1, DeliveriesRequestV1, DeliveryV1, StandingV1},
    delivery::SettlementV1,
};
use berth_runtime::sealing::field;
use berth_test_support::{Doubled, LogDouble};
use common::{Receiver, World, quick, slow};

const ENDPOINT: EndpointId = EndpointId::from_bytes([1; 16]);

fn settled(outcome: SettlementV1) -> StandingV1 {
    StandingV1::Settled { outcome }
}

async fn one(world: &World, id: CommandId) -> (DeliveryV1, Vec<DeliveryAttemptV1>) {
    let asked = DeliveriesRequestV1::One { instance: world.instance, endpoint: ENDPOINT, id };
    match world.deliveries(asked).await {
        DeliveriesReplyV1::One(delivery, attempts) => (delivery, attempts),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_attempt_is_there_with_what_was_answered_and_without_secrets() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    receiver.say_once(500, "who is Bearer mine?");
    receiver.say_once(502, "");
    receiver.say_once(200, &"ok".repeat(8_000));
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    world.settled(2).await;
    let asked = DeliveriesPageV1 { endpoint: Some((world.instance, ENDPOINT)), ..World::everything() };
    let (page, next) = world.page(asked).await;
    let shown: Vec<_> = page.iter().map(|one| (one.event.as_str(), one.attempts, one.standing)).collect();
    let delivered = settled(SettlementV1::Delivered);
    assert_eq!(shown, [("instance.open", 1, delivered), ("instance.linked", 3, delivered)]);
    assert_eq!(next, None);

    let hits = receiver.hits();
    let id = hits[0].id().strip_prefix("msg_").unwrap().parse().unwrap();
    let (delivery, attempts) = one(&world, id).await;
    assert_eq!(delivery, page[1]);
    let results: Vec<_> = attempts.iter().map(|one| one.end.as_ref().unwrap().result).collect();
    assert_eq!(results, [500, 502, 200].map(|status| AttemptResultV1::Answered { status }));
    let answer = |attempt: &DeliveryAttemptV1| {
        let sealed = attempt.end.as_ref().unwrap().answer.clone()?;
        Some(world.opened(field::ANSWER, &sealed))
    };
    let answers: Vec<_> = attempts.iter().map(answer).collect();
    assert_eq!(answers[0].as_deref(), Some("who is [redacted]?"));
    assert_eq!((answers[1].as_deref(), answers[2].as_ref().unwrap().len()), (None, 8 * 1024));

    let unknown = DeliveriesRequestV1::One {
        instance: world.instance,
        endpoint: ENDPOINT,
        id: CommandId::from_bytes([7; 16]),
    };
    assert_eq!(world.deliveries(unknown).await, DeliveriesReplyV1::Unknown);
}

#[tokio::test]
async fn of_a_code_no_answer_is_kept() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    receiver.say_once(200, "thanks for 2@code-1-1");
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.connect().await;
    world.qr(1, 20).await;
    world.settled(1).await;
    let id = receiver.hits()[0].id().strip_prefix("msg_").unwrap().parse().unwrap();
    let (delivery, attempts) = one(&world, id).await;
    assert_eq!(delivery.event, "instance.qr");
    assert_eq!(attempts[0].end.as_ref().unwrap().answer, None);
}

#[tokio::test]
async fn what_waits_behind_a_failure_is_listed_and_an_account_sees_its_failures_and_no_others() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", slow()).await;
    receiver.answer(500);
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    receiver.received(1).await;
    let waiting = vec![StandingV1::Waiting];
    let of_endpoint = DeliveriesPageV1 {
        endpoint: Some((world.instance, ENDPOINT)),
        standings: waiting.clone(),
        ..World::everything()
    };
    let shown = loop {
        let (page, _) = world.page(of_endpoint.clone()).await;
        let shown: Vec<_> = page.iter().map(|one| (one.event.clone(), one.attempts)).collect();
        if page.len() == 2 && page[1].last.is_some() {
            break shown;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(shown, [("instance.open".to_owned(), 0), ("instance.linked".to_owned(), 1)]);
    let nobody = InstanceId::from_bytes([9; 16]);
    let owed = DeliveriesRequestV1::Owed { instances: vec![nobody, world.instance] };
    assert_eq!(world.deliveries(owed).await, DeliveriesReplyV1::Owed(vec![0, 2]));

    let other = world.beside().await;
    let beside = Receiver::start().await;
    other.create(vec![other.endpoint(1, "native", beside.address)]).await;
    other.link().await;
    beside.received(2).await;
    let failures = DeliveriesPageV1 { standings: waiting, ..World::everything() };
    let (page, _) = world.page(failures.clone()).await;
    assert_eq!(page.iter().map(|one| one.event.as_str()).collect::<Vec<_>>(), ["instance.linked"]);
    let stranger = DeliveriesPageV1 { account: berth_proto::AccountId::from_bytes([2; 16]), ..failures };
    assert!(world.page(stranger).await.0.is_empty());
    let mine = DeliveriesPageV1 { instance: Some(other.instance), ..World::everything() };
    assert!(world.page(mine).await.0.iter().all(|one| one.notice.instance == other.instance));
}

/// A log of which one commit cannot be read any more.
#[derive(Debug)]
struct Garbled(MemoryLog, u64);

#[async_trait]
impl LogDouble for Garbled {
    fn beneath(&self) -> &dyn EventLog {
        &self.0
    }

    async fn read(&self, stream: &StreamKey, after: u64, limit: usize) -> Result<Vec<Stored>, ReadError> {
        let mut page = self.0.read(stream, after, limit).await?;
        for stored in &mut page {
            if stream.kind() == Kind::Instance && stored.tail.version == self.1 && limit == 1 {
                stored.payload = stored.payload.slice(..20);
            }
        }
        Ok(page)
    }
}

#[tokio::test]
async fn what_cannot_be_made_is_parked_with_its_reason_and_holds_nothing_up() {
    let log = Arc::new(Doubled(Garbled(MemoryLog::new(4), 3)));
    let (world, receiver) = (World::with_log(log).await, Receiver::start().await);
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.link().await;
    assert_eq!(world.version_of("DeviceLinked").await, 3);
    let _replica = world.replica("a", slow()).await;
    receiver.received(1).await;
    assert_eq!(receiver.words(), ["instance.open"]);
    let outcomes = world.settled(2).await;
    assert_eq!(outcomes, [SettlementV1::Exhausted, SettlementV1::Delivered]);
    let exhausted = vec![settled(SettlementV1::Exhausted)];
    let (page, _) = world.page(DeliveriesPageV1 { standings: exhausted, ..World::everything() }).await;
    let [parked] = page.as_slice() else { panic!("{page:?}") };
    assert_eq!(parked.last, Some(AttemptResultV1::Unreadable));
}
