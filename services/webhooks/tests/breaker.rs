//! An endpoint that takes nothing is left alone, asked again by one notice at a time, and after days disabled.

mod common;

use std::{collections::HashSet, sync::Arc, time::Duration};

use berth_bus::{
    Bus, Relay,
    nats::{NatsRelay, connect},
};
use berth_proto::{
    EndpointId, RecordV1, Timestamp,
    attempt::AttemptResultV1,
    codec,
    command::{Command, ConfigureWebhookV1},
    commit::{OutcomeCodeV1, OutcomeV1},
    deliveries::{DeliveriesPageV1, DeliveriesReplyV1, DeliveriesRequestV1, StandingV1},
    delivery::SettlementV1,
    frame::{AcceptedV1, CommandReplyV1, CommandRequestV2, TargetV1},
    redelivery::{RedeliveryReplyV1, RedeliveryRequestV1},
    subject::Decider,
};
use berth_runtime::{Clock, ManualClock, SystemClock};
use berth_test_support::NatsServer;
use berth_webhooks::schedule::{BreakerRule, Schedule};
use common::{DEADLINE, Receiver, Replica, World, quick, slow};
use futures::StreamExt;

const ENDPOINT: EndpointId = EndpointId::from_bytes([1; 16]);
/// As long as it takes until somebody looks.
const FOR_LONG: BreakerRule =
    BreakerRule { failures: 5, open_min: Duration::from_hours(1), open_max: Duration::from_hours(1) };

/// Instances of an account, whose endpoint fails for each of them.
async fn failing(world: &World, receiver: &Receiver, count: usize) -> Vec<World> {
    receiver.answer(500);
    let mut failed = Vec::new();
    world.account_has(&[world.endpoint_of_account(1, "codechat.business", receiver.address).await]).await;
    for _ in 0..count {
        let one = world.beside().await;
        one.create(Vec::new()).await;
        one.link().await;
        failed.push(one);
    }
    receiver.received(count).await;
    // Each of them is noted as ended.
    let ended = async || {
        let waiting = DeliveriesPageV1 { standings: vec![StandingV1::Waiting], ..World::everything() };
        let (page, _) = world.page(waiting).await;
        page.iter().filter(|one| one.last == Some(AttemptResultV1::Answered { status: 500 })).count()
    };
    while ended().await < count {
        tokio::task::yield_now().await;
    }
    failed
}

/// Another instance of which something is to be told to the endpoint that fails, and to one that does not.
async fn another(world: &World, beside: &Receiver) -> World {
    let one = world.beside().await;
    one.create(vec![one.endpoint(2, "mega", beside.address)]).await;
    let before = beside.hits().len();
    one.link().await;
    beside.received(before + 1).await;
    one
}

/// It is still left alone by whoever dispatches now, and asked again when somebody says so.
async fn goes_on(world: &World, receiver: &Receiver, beside: &Receiver, next: Replica) {
    let failed = receiver.hits().len();
    let held = another(world, beside).await;
    assert_eq!(receiver.hits().len(), failed, "it is left alone");
    receiver.answer(200);
    let asked = RedeliveryRequestV1::RetryNow { endpoint: ENDPOINT };
    assert!(matches!(held.redeliver(asked).await, RedeliveryReplyV1::Done { .. }));
    // The probe closes it, and what waited is sent.
    let more = another(world, beside).await;
    assert_eq!(held.settled(2).await, [SettlementV1::Delivered; 2]);
    assert_eq!(more.settled(2).await, [SettlementV1::Delivered; 2]);
    assert!(held.settlements().await.iter().all(|settled| settled.attempts == 1), "waiting used up none");
    next.crash().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_breaker_outlives_a_restart() {
    let (world, receiver, beside) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let rule = Schedule { breaker: FOR_LONG, ..slow() };
    let first = world.replica("a", rule.clone()).await;
    failing(&world, &receiver, 5).await;
    first.crash().await;
    let again = world.replica("a", rule).await;
    goes_on(&world, &receiver, &beside, again).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_in_memory_is_sent_when_a_breaker_closes() {
    let (world, receiver, beside) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let _replica = world.replica("a", Schedule { breaker: FOR_LONG, ..slow() }).await;
    failing(&world, &receiver, 5).await;
    let mut waiting = Vec::new();
    for _ in 0..8 {
        waiting.push(another(&world, &beside).await);
    }
    receiver.answer(200);
    let asked = RedeliveryRequestV1::RetryNow { endpoint: ENDPOINT };
    waiting[7].redeliver(asked).await;
    for one in waiting {
        assert_eq!(one.settled(2).await, [SettlementV1::Delivered; 2]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_nats_an_open_breaker_is_everybodys_and_outlives_its_owner() {
    let server = NatsServer::start().await;
    let client = connect(&server.url(), None, "webhooks").await.unwrap();
    let relay: Arc<dyn Relay> = Arc::new(NatsRelay::open(client, 1).await.unwrap());
    let world = World::new().await.with_relay(relay);
    let (receiver, beside) = (Receiver::start().await, Receiver::start().await);
    let rule = Schedule { breaker: FOR_LONG, ..slow() };
    let first = world.replica("a", rule.clone()).await;
    let second = world.replica("b", rule).await;
    failing(&world, &receiver, 5).await;
    // Whoever has the partition of this one knows it.
    let failed = receiver.hits().len();
    another(&world, &beside).await;
    assert_eq!(receiver.hits().len(), failed);
    first.crash().await;
    goes_on(&world, &receiver, &beside, second).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_notice_at_a_time_asks_again_and_the_rest_waits_until_it_is_taken() {
    let (world, receiver, beside) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let breaker = BreakerRule {
        failures: 5,
        open_min: Duration::from_millis(300),
        open_max: Duration::from_millis(300),
    };
    let _replica = world.replica("a", Schedule { breaker, ..slow() }).await;
    failing(&world, &receiver, 5).await;
    let oldest = another(&world, &beside).await;
    let newer = another(&world, &beside).await;
    receiver.hold(true);
    let probed = receiver.received(6).await;
    let page = DeliveriesPageV1 { endpoint: Some((oldest.instance, ENDPOINT)), ..World::everything() };
    let (page, _) = world.page(page).await;
    let oldest_id = format!("msg_{}", page.last().unwrap().id);
    assert_eq!(probed[5].id(), oldest_id, "the oldest that is due");
    // Nothing else is sent while it is not known what came of that one.
    another(&world, &beside).await;
    assert_eq!(receiver.hits().len(), 6);
    receiver.answer(200);
    receiver.hold(false);
    oldest.settled(2).await;
    assert_eq!(newer.settled(2).await, [SettlementV1::Delivered; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_uses_up_no_try_and_a_notice_is_given_up_when_its_schedule_would_have_ended() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let ms = Duration::from_millis;
    let breaker = BreakerRule { failures: 3, open_min: ms(20), open_max: ms(20) };
    let delays = [vec![ms(10); 5], vec![Duration::from_hours(5)]].concat();
    let _replica = world.replica("a", Schedule { breaker, delays, ..slow() }).await;
    receiver.answer(500);
    world.create(vec![world.endpoint(1, "mega", receiver.address)]).await;
    world.link().await;
    // Without the breaker the seventh try would be hours away.
    let hits = receiver.received(12).await;
    assert_eq!(hits.iter().map(common::Hit::id).collect::<HashSet<_>>().len(), 1);
    receiver.answer(200);
    assert_eq!(world.settled(1).await, [SettlementV1::Delivered]);
    assert_eq!(world.settlements().await[0].attempts, 4);
    let page = DeliveriesPageV1 { endpoint: Some((world.instance, ENDPOINT)), ..World::everything() };
    let (page, _) = world.page(page).await;
    let one = DeliveriesRequestV1::One { instance: world.instance, endpoint: ENDPOINT, id: page[0].id };
    let DeliveriesReplyV1::One(_, attempts) = world.deliveries(one).await else { panic!() };
    let numbers: Vec<_> = attempts.iter().map(|attempt| attempt.number).collect();
    assert!(numbers.starts_with(&[1, 2, 3, 3, 3]) && numbers.ends_with(&[3, 4]), "{numbers:?}");

    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", Schedule { breaker, delays: vec![ms(100); 9], ..slow() }).await;
    receiver.answer(500);
    world.create(vec![world.endpoint(1, "mega", receiver.address)]).await;
    world.link().await;
    assert_eq!(world.settled(1).await, [SettlementV1::Exhausted]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_changed_is_tried_at_once() {
    let (world, former, present) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let breaker = BreakerRule { failures: 2, ..FOR_LONG };
    let schedule = Schedule { delays: vec![Duration::from_millis(1); 9], breaker, ..slow() };
    let _replica = world.replica("a", schedule).await;
    former.answer(500);
    world.create(vec![world.endpoint(1, "native", former.address)]).await;
    world.connect().await;
    world.linked().await;
    former.received(2).await;
    let webhook = world.endpoint(1, "native", present.address);
    world.command(ConfigureWebhookV1 { webhook, upsert: false, enabled_max: 0 }).await;
    assert_eq!(world.settled(1).await, [SettlementV1::Delivered]);
    assert_eq!((former.hits().len(), present.hits().len()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn green_api_endpoints_keep_their_own_rule() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", Schedule { breaker: FOR_LONG, ..quick() }).await;
    receiver.answer(500);
    world.create(vec![world.endpoint(1, "green", receiver.address)]).await;
    world.link().await;
    receiver.received(9).await;
    receiver.answer(200);
    assert_eq!(world.settled(3).await, [SettlementV1::Delivered; 3]);
}

/// Whether the attempt of this moment is noted as one that failed.
async fn has_failed(world: &World, now: Timestamp) -> bool {
    let (page, _) = world.page(World::everything()).await;
    page.iter().any(|one| one.last_at == Some(now) && one.next_at.is_some())
}

// On one thread: a clock that is set by hand is to stand still until what was noted is known everywhere.
#[tokio::test]
async fn five_days_of_failures_disable_an_endpoint_that_is_still_the_same() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let (world, receiver) = (World::new().await.with_clock(clock.clone()), Receiver::start().await);
    let delays = vec![Duration::from_hours(24); 9];
    let _replica = world.replica("a", Schedule { delays, jitter_percent: 0, ..slow() }).await;
    let mut commands = world.bus.serve(Decider::Owner.filter(), "session-aggregate").await.unwrap();
    receiver.answer(500);
    world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
    world.connect().await;
    world.linked().await;
    // Attempts 23 hours apart: the sixth comes before five days are over.
    for attempt in 1..=6 {
        receiver.received(attempt).await;
        while !has_failed(&world, clock.now()).await {
            tokio::task::yield_now().await;
        }
        clock.advance_seconds(23 * 60 * 60);
        world.redeliver(RedeliveryRequestV1::RetryNow { endpoint: ENDPOINT }).await;
    }
    let request = tokio::time::timeout(DEADLINE, commands.next()).await.unwrap().unwrap();
    let asked: CommandRequestV2 = codec::decode(&request.payload).unwrap();
    let TargetV1::Instance { instance, command } = asked.target else { panic!("{asked:?}") };
    let state = world.command(Command::from_record(&command).unwrap()).await;
    assert!(!state.webhooks[0].enabled);
    let outcome = OutcomeV1 { code: OutcomeCodeV1::Applied, attempt: 0, endpoint: None };
    let (stream_id, state): (_, RecordV1) = (instance.into(), command);
    let accepted = AcceptedV1 { stream_id, outcome, replayed: false, version: 0, state };
    request.reply.send(codec::encode(&CommandReplyV1::Accepted(accepted)).unwrap().into());
    assert_eq!(world.settled(1).await, [SettlementV1::CancelledByEndpoint]);
    assert_eq!(receiver.hits().len(), 7);
}
