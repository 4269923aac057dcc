//! What endpoints answer, and what they cannot make us do.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall fail there")]

mod common;

use std::time::Duration;

use berth_bus::{Bus, Request};
use berth_proto::{
    codec,
    command::{Command, ConfigureWebhookV1},
    commit::{OutcomeCodeV1, OutcomeV1},
    delivery::SettlementV1,
    frame::{AcceptedV1, CommandReplyV1, CommandRequestV2, RejectionCodeV1, RejectionV1, TargetV1},
    instance::{InstanceStateV1, WebhookV1},
    subject::{CommandSubject, Decider, Sender},
};
use berth_runtime::sealing::field;
use berth_webhooks::schedule::Schedule;
use common::{Receiver, World, command_at, quick, slow};
use futures::StreamExt;

/// Decides and answers the command by which an endpoint of the instance is disabled.
async fn disables(world: &World, request: Request) -> InstanceStateV1 {
    let asked: CommandRequestV2 = codec::decode(&request.payload).unwrap();
    let TargetV1::Instance { instance, command } = asked.target else { panic!("{asked:?}") };
    assert_eq!(instance, world.instance);
    let subject: CommandSubject = request.subject.parse().unwrap();
    assert_eq!(subject.sender, Sender::Delivery);
    let state = world.command(Command::from_record(&command).unwrap()).await;
    let outcome = OutcomeV1 { code: OutcomeCodeV1::Applied, attempt: 0, endpoint: None };
    let accepted =
        AcceptedV1 { stream_id: instance.into(), outcome, replayed: false, version: 0, state: command };
    request.reply.send(codec::encode(&CommandReplyV1::Accepted(accepted)).unwrap().into());
    state
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled() {
    for (status, headers) in [(410, vec![]), (200, vec![("webhook-delivery", "disable")])] {
        let (world, receiver) = (World::new().await, Receiver::start().await);
        let _replica = world.replica("a", slow()).await;
        let mut commands = world.bus.serve(Decider::Owner.filter(), "session-aggregate").await.unwrap();
        receiver.answer_once(status, &headers);
        world.create(vec![world.endpoint(1, "native", receiver.address)]).await;
        world.link().await;
        let request = commands.next().await.unwrap();
        let asked: CommandRequestV2 = codec::decode(&request.payload).unwrap();
        let linked_at = world.version_of("DeviceLinked").await;
        assert_eq!(asked.causation, Some(command_at(linked_at)), "the report that the notice told of");
        let disabled = disables(&world, request).await;
        assert!(!disabled.webhooks[0].enabled);
        assert_eq!(world.settled(2).await, [SettlementV1::CancelledByEndpoint; 2]);
        world.logout().await;
        assert_eq!(receiver.words(), ["instance.linked"]);
    }
}

#[tokio::test]
async fn an_endpoint_that_was_changed_since_is_not_disabled() {
    let (world, former, present) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    let mut commands = world.bus.serve(Decider::Owner.filter(), "session-aggregate").await.unwrap();
    former.answer_once(410, &[]);
    world.create(vec![world.endpoint(1, "native", former.address)]).await;
    world.link().await;
    let request = commands.next().await.unwrap();
    // Meanwhile its owner puts the URL right.
    let webhook = world.endpoint(1, "native", present.address);
    world.command(ConfigureWebhookV1 { webhook, upsert: false, enabled_max: 0 }).await;
    let asked: CommandRequestV2 = codec::decode(&request.payload).unwrap();
    let TargetV1::Instance { command, .. } = asked.target else { panic!("{asked:?}") };
    let code = world.decided(Command::from_record(&command).unwrap()).await.unwrap_err();
    assert_eq!(code, RejectionCodeV1::Changed);
    let rejected = CommandReplyV1::Rejected(RejectionV1 { code, state: None });
    request.reply.send(codec::encode(&rejected).unwrap().into());
    let hits = present.received(2).await;
    assert_eq!(hits[0].id(), former.hits()[0].id());
    assert_eq!(world.settled(2).await, [SettlementV1::Delivered; 2]);
    let state = world.state().await;
    assert!(state.webhooks[0].enabled);
    assert_eq!(state.webhooks[0].url, world.endpoint(1, "native", present.address).url);
}

#[tokio::test]
async fn an_endpoint_is_tried_again_as_often_as_it_asks_for() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", slow()).await;
    receiver.answer(500);
    let once = world.seal(field::WEBHOOK_OPTIONS, r#"{"retries":[]}"#);
    let hook = WebhookV1 { options: Some(once), ..world.endpoint(1, "native", receiver.address) };
    world.create(vec![hook]).await;
    world.link().await;
    // The usual schedule would have it wait for hours.
    assert_eq!(world.settled(2).await, [SettlementV1::Exhausted; 2]);
    assert_eq!(receiver.hits().len(), 2);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let elsewhere = Receiver::start().await;
    let _replica = world.replica("a", quick()).await;
    receiver.answer_once(307, &[("location", &format!("http://{}/", elsewhere.address))]);
    world.create(vec![world.endpoint(1, "mega", receiver.address)]).await;
    world.link().await;
    let hits = receiver.received(2).await;
    assert_eq!(hits[0].id(), hits[1].id());
    assert_eq!(world.settled(1).await, [SettlementV1::Delivered]);
    assert!(elsewhere.hits().is_empty());
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_never_reached() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let mut schedule = quick();
    schedule.delays.truncate(1);
    let _replica = world.replica("a", schedule).await;
    let mut hook = world.endpoint(1, "mega", receiver.address);
    // Not in the allow-list, in whatever spelling.
    hook.url = world.seal(field::WEBHOOK_URL, &format!("http://[::1]:{}/", receiver.address.port()));
    world.create(vec![hook]).await;
    world.link().await;
    assert_eq!(world.settled(1).await, [SettlementV1::Exhausted]);
    assert!(receiver.hits().is_empty());
}

#[tokio::test]
async fn an_endpoint_on_this_machine_can_be_named_localhost() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", slow()).await;
    let mut hook = world.endpoint(1, "mega", receiver.address);
    hook.url = world.seal(field::WEBHOOK_URL, &format!("http://localhost:{}/", receiver.address.port()));
    world.create(vec![hook]).await;
    world.link().await;
    assert_eq!(world.settled(1).await, [SettlementV1::Delivered]);
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_in_time_is_tried_again() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let schedule = Schedule { attempt_max: Duration::from_millis(200), ..quick() };
    let _replica = world.replica("a", schedule).await;
    receiver.hold(true);
    world.create(vec![world.endpoint(1, "mega", receiver.address)]).await;
    world.link().await;
    let hits = receiver.received(3).await;
    receiver.hold(false);
    assert_eq!(world.settled(1).await, [SettlementV1::Delivered]);
    assert!(hits.iter().all(|hit| hit.id() == hits[0].id()));
}

#[tokio::test]
async fn green_api_takes_nothing_but_200_and_keeps_the_order() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    for status in [204, 500, 201] {
        receiver.answer_once(status, &[]);
    }
    world.create(vec![world.endpoint(1, "green", receiver.address)]).await;
    world.link().await;
    let hits = receiver.received(6).await;
    let states: Vec<_> = hits.iter().map(|hit| hit.body["stateInstance"].as_str().unwrap_or("-")).collect();
    assert_eq!(states, ["starting", "starting", "starting", "starting", "authorized", "-"]);
    assert_eq!(world.settled(3).await, [SettlementV1::Delivered; 3]);
    assert_eq!(world.settlements().await[0].attempts, 4);
}

#[tokio::test]
async fn a_filter_and_a_muted_endpoint_hear_what_they_asked_for() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    let mut filtered = world.endpoint(1, "evolution", receiver.address);
    filtered.events = vec!["LOGOUT_INSTANCE".to_owned()];
    filtered.options = Some(world.seal(field::WEBHOOK_OPTIONS, r#"{"by_events":true}"#));
    let mut muted = world.endpoint(2, "green", receiver.address);
    muted.options = Some(world.seal(field::WEBHOOK_OPTIONS, r#"{"state_webhook":false}"#));
    world.create(vec![filtered, muted]).await;
    world.link().await;
    world.settled(3).await;
    world.logout().await;
    let hits = receiver.received(1).await;
    assert_eq!((hits[0].path.as_str(), hits[0].word()), ("/1/logout-instance", "logout.instance"));
    world.settled(5).await;
    assert_eq!(receiver.hits().len(), 1);
}
