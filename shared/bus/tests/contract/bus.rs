//! Request and reply, publish and subscribe.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use berth_bus::{
    Bus, NearBus, Request, RequestError,
    local::LocalBus,
    nats::NatsBus,
    port::{REQUESTS_WAITING_MAX, Requests},
};
use berth_runtime::Lifecycle;
use berth_test_support::NatsServer;
use bytes::Bytes;
use futures::{StreamExt, future::join_all};

use crate::support::{DEADLINE, client, eventually, in_time};

/// Two processes on one bus.
struct Two {
    here: Arc<dyn Bus>,
    there: Arc<dyn Bus>,
}

#[tokio::test]
async fn local() {
    let bus = LocalBus::new();
    suite(&Two { here: Arc::new(bus.clone()), there: Arc::new(bus) }).await;
}

#[tokio::test]
async fn nats() {
    let server = NatsServer::start().await;
    let lifecycle = Lifecycle::new();
    let here = Arc::new(NatsBus::new(client(&server, "here").await, &lifecycle));
    let there = Arc::new(NatsBus::new(client(&server, "there").await, &lifecycle));
    suite(&Two { here, there }).await;
    assert!(lifecycle.shut_down().await, "no reply is left behind");
}

/// Subjects on which it makes no difference who answers.
const ALIKE: &[&str] = &["alike.>", "apart.>"];

#[tokio::test]
async fn near() {
    let server = NatsServer::start().await;
    let lifecycle = Lifecycle::new();
    let far = NatsBus::new(client(&server, "here").await, &lifecycle);
    let there: Arc<dyn Bus> = Arc::new(NatsBus::new(client(&server, "there").await, &lifecycle));
    let two = Two { here: Arc::new(NearBus::new(Arc::new(far), ALIKE)), there };
    suite(&two).await;
    whoever_is_here_is_asked_first(&two).await;
    assert!(lifecycle.shut_down().await, "no reply is left behind");
}

async fn whoever_is_here_is_asked_first(two: &Two) {
    let mut here = two.here.serve("alike.>", "group").await.unwrap();
    let _others = two.there.serve("alike.>", "group").await.unwrap();
    for _ in 0..20 {
        let serve = async { next(&mut here).await.reply.send(Bytes::from_static(b"here")) };
        let (reply, ()) = futures::join!(ask(&two.here, "alike.a", "?"), serve);
        assert_eq!(reply.unwrap(), "here");
    }
    // Where nobody is here, the others are asked.
    let mut apart = two.there.serve("apart.>", "group").await.unwrap();
    let serve = async { next(&mut apart).await.reply.send(Bytes::from_static(b"there")) };
    let (reply, ()) = futures::join!(ask(&two.here, "apart.a", "?"), serve);
    assert_eq!(reply.unwrap(), "there");
    // Others reach whoever is here.
    drop(apart);
    let mut here = two.here.serve("apart.>", "other").await.unwrap();
    let serve = async { next(&mut here).await.reply.send(Bytes::from_static(b"here")) };
    let (reply, ()) = futures::join!(ask(&two.there, "apart.b", "?"), serve);
    assert_eq!(reply.unwrap(), "here");
}

async fn suite(two: &Two) {
    nobody_serves(two).await;
    a_request_reaches_its_server(two).await;
    a_group_shares_its_requests(two).await;
    every_group_gets_a_request(two).await;
    a_late_reply_harms_nobody(two).await;
    a_dropped_reply_is_a_time_out(two).await;
    a_server_that_left_is_nobody(two).await;
    a_subscriber_hears_its_subjects_in_order(two).await;
}

async fn ask(bus: &Arc<dyn Bus>, subject: &str, payload: &str) -> Result<Bytes, RequestError> {
    bus.request(subject, Bytes::copy_from_slice(payload.as_bytes()), DEADLINE).await
}

async fn next(requests: &mut Requests) -> Request {
    in_time(requests.next()).await.unwrap()
}

async fn nobody_serves(two: &Two) {
    let refused = ask(&two.here, "nobody.here", "?").await;
    assert!(matches!(refused, Err(RequestError::NoResponder { subject }) if subject == "nobody.here"));
}

async fn a_request_reaches_its_server(two: &Two) {
    let mut requests = two.there.serve("echo.*.x", "echo").await.unwrap();
    let serve = async {
        let request = next(&mut requests).await;
        assert_eq!(request.subject, "echo.a.x");
        request.reply.send(request.payload);
    };
    let (reply, ()) = futures::join!(ask(&two.here, "echo.a.x", "hello"), serve);
    assert_eq!(reply.unwrap(), "hello");
    let other = ask(&two.here, "echo.a.y", "hello").await;
    assert!(matches!(other, Err(RequestError::NoResponder { .. })));
}

async fn a_group_shares_its_requests(two: &Two) {
    const REQUESTS: usize = 100;
    let first = two.here.serve("shared.>", "group").await.unwrap();
    let second = two.there.serve("shared.>", "group").await.unwrap();
    let named = |requests: Requests, name: &'static str| requests.map(move |request| (name, request));
    let served = futures::stream::select(named(first, "first"), named(second, "second"))
        .take(REQUESTS)
        .map(|(name, request)| request.reply.send(Bytes::from_static(name.as_bytes())))
        .count();
    let asked = join_all((0..REQUESTS).map(|_| ask(&two.here, "shared.a", "?")));
    let (replies, served) = in_time(async { futures::join!(asked, served) }).await;
    assert_eq!(served, REQUESTS);
    let mut shares = BTreeMap::new();
    for reply in replies {
        *shares.entry(reply.unwrap()).or_insert(0) += 1;
    }
    assert_eq!(shares.len(), 2, "both have a share: {shares:?}");
}

async fn every_group_gets_a_request(two: &Two) {
    let mut ours = two.here.serve("both", "ours").await.unwrap();
    let mut theirs = two.there.serve("both", "theirs").await.unwrap();
    let serve = async {
        let (silent, answering) = futures::join!(next(&mut ours), next(&mut theirs));
        drop(silent.reply);
        answering.reply.send(Bytes::from_static(b"theirs"));
    };
    let (reply, ()) = futures::join!(ask(&two.here, "both", "?"), serve);
    assert_eq!(reply.unwrap(), "theirs");
}

async fn a_late_reply_harms_nobody(two: &Two) {
    let mut requests = two.there.serve("late", "late").await.unwrap();
    let early = two.here.request("late", Bytes::new(), Duration::from_millis(100)).await;
    assert!(matches!(early, Err(RequestError::TimedOut { .. })));
    next(&mut requests).await.reply.send(Bytes::from_static(b"too late"));
    let serve = async { next(&mut requests).await.reply.send(Bytes::from_static(b"in time")) };
    let (reply, ()) = futures::join!(ask(&two.here, "late", "?"), serve);
    assert_eq!(reply.unwrap(), "in time");
}

async fn a_dropped_reply_is_a_time_out(two: &Two) {
    let mut requests = two.there.serve("dropped", "dropped").await.unwrap();
    let asked = two.here.request("dropped", Bytes::new(), Duration::from_millis(300));
    let (reply, ()) = futures::join!(asked, async { drop(next(&mut requests).await) });
    assert!(matches!(reply, Err(RequestError::TimedOut { .. })));
}

async fn a_server_that_left_is_nobody(two: &Two) {
    drop(two.there.serve("left", "left").await.unwrap());
    eventually("the server is forgotten", || async {
        let asked = two.here.request("left", Bytes::new(), Duration::from_millis(50)).await;
        matches!(asked, Err(RequestError::NoResponder { .. }))
    })
    .await;
}

async fn a_subscriber_hears_its_subjects_in_order(two: &Two) {
    let mut heard = two.there.subscribe("tail.*").await.unwrap();
    for number in 0..10_u8 {
        two.here.publish("tail.a", Bytes::from(vec![number])).await.unwrap();
        two.here.publish("other.a", Bytes::from_static(b"not for you")).await.unwrap();
    }
    for number in 0..10_u8 {
        let (subject, payload) = in_time(heard.next()).await.unwrap();
        assert_eq!((subject.as_str(), payload.as_ref()), ("tail.a", [number].as_slice()));
    }
}

#[tokio::test]
async fn a_full_local_queue_refuses() {
    let bus = LocalBus::new();
    let mut requests = bus.serve("full", "full").await.unwrap();
    let fill = join_all((0..REQUESTS_WAITING_MAX).map(|_| bus.request("full", Bytes::new(), Duration::ZERO)));
    assert!(fill.await.iter().all(|asked| matches!(asked, Err(RequestError::TimedOut { .. }))));
    let refused = bus.request("full", Bytes::new(), DEADLINE).await;
    assert!(matches!(refused, Err(RequestError::Overloaded { .. })));
    drop(next(&mut requests).await);
    let taken = bus.request("full", Bytes::new(), Duration::ZERO).await;
    assert!(matches!(taken, Err(RequestError::TimedOut { .. })), "there is room again");
}

#[tokio::test]
async fn a_slow_local_subscriber_misses_messages_and_goes_on() {
    let bus = LocalBus::new();
    let mut heard = bus.subscribe("news").await.unwrap();
    for number in 0..5_000_u32 {
        bus.publish("news", Bytes::copy_from_slice(&number.to_be_bytes())).await.unwrap();
    }
    let (_, first) = heard.next().await.unwrap();
    assert_eq!(first.as_ref(), 0_u32.to_be_bytes());
    bus.publish("news", Bytes::from_static(b"last")).await.unwrap();
    let mut waiting = 1;
    while in_time(heard.next()).await.unwrap().1 != "last" {
        waiting += 1;
    }
    assert!(waiting < 5_000, "the others were missed");
}

#[tokio::test]
async fn without_a_server_a_request_fails_at_once() {
    let mut server = NatsServer::start().await;
    let bus = NatsBus::new(client(&server, "alone").await, &Lifecycle::new());
    server.kill();
    eventually("the connection is known to be lost", || async {
        let asked = bus.request("any", Bytes::new(), Duration::from_millis(50)).await;
        matches!(asked, Err(RequestError::Unavailable(_)))
    })
    .await;
    server.restart().await;
    eventually("the connection comes back", || async {
        let asked = bus.request("any", Bytes::new(), DEADLINE).await;
        matches!(asked, Err(RequestError::NoResponder { .. }))
    })
    .await;
}
