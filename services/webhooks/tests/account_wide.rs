//! Endpoints that stand with an account and hear all of its instances, each with its own order and silence.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod common;

use std::{collections::BTreeSet, sync::Arc};

use berth_bus::{
    Bus,
    nats::{NatsRelay, connect},
};
use berth_log::{
    embedded::EmbeddedLog,
    jetstream::{JetStreamLog, JetStreamOptions},
};
use berth_proto::{
    EndpointId, InstanceId, StreamKey, Timestamp, codec,
    command::{ChangeSettingsV1, Command, LogoutV1, RemoveWebhookV1},
    commit::{OutcomeCodeV1, OutcomeV1},
    deliveries::{DeliveriesReplyV1, DeliveriesRequestV1},
    delivery::SettlementV1,
    frame::{AcceptedV1, CommandReplyV1, CommandRequestV2, TargetV1},
    instance::{SettingsBlockV1, WebhookV1},
    redelivery::{RedeliveryReplyV1, RedeliveryRequestV1},
    subject::{CommandSubject, Decider, last_words_subject},
};
use berth_runtime::{SystemEntropy, sealing::field};
use berth_test_support::NatsServer;
use berth_webhooks::{
    schedule::{BreakerRule, Schedule},
    signing::Secret,
};
use bytes::Bytes;
use common::{ACCOUNT, DEADLINE, Receiver, SECRET, World, quick, slow};
use futures::StreamExt;

const ENDPOINT: EndpointId = EndpointId::from_bytes([1; 16]);

/// What a receiver was told of an instance, in order and once each.
fn told(receiver: &Receiver, instance: InstanceId) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let hits = receiver.hits().into_iter().filter(|hit| hit.body["data"]["instance"] == instance.to_string());
    hits.filter(|hit| seen.insert(hit.id().to_owned())).map(|hit| hit.word().to_owned()).collect()
}

/// Waits until it was told just this of an instance.
async fn until_told(receiver: &Receiver, instance: InstanceId, words: &[&str]) {
    let waited = tokio::time::timeout(DEADLINE, async {
        while told(receiver, instance).len() < words.len() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    });
    let _late = waited.await;
    assert_eq!(told(receiver, instance), words);
}

/// From the first session to the second: two instances and one endpoint, two dispatchers, and a crash between any two steps.
async fn each_instance_by_itself(world: World) {
    let receiver = Receiver::start().await;
    let other = world.beside().await;
    let mut replicas = vec![world.replica("a", quick()).await, world.replica("b", quick()).await];
    let endpoint = world.endpoint_of_account(1, "native", receiver.address).await;
    world.account_has(std::slice::from_ref(&endpoint)).await;
    let restart = async |replicas: &mut Vec<common::Replica>, name| {
        replicas.remove(0).crash().await;
        replicas.push(world.replica(name, quick()).await);
    };
    for one in [&world, &other] {
        one.create(Vec::new()).await;
        one.link().await;
    }
    let (first, second) = (world.instance, other.instance);
    let mut of_first = vec!["instance.linked", "instance.open"];
    let mut of_second = of_first.clone();
    until_told(&receiver, first, &of_first).await;
    restart(&mut replicas, "a").await;
    until_told(&receiver, second, &of_second).await;
    world.logout().await;
    restart(&mut replicas, "b").await;
    other.lost().await;
    of_first.push("instance.logged_out");
    until_told(&receiver, first, &of_first).await;
    restart(&mut replicas, "a").await;
    world.connect().await;
    other.open().await;
    world.linked().await;
    of_first.push("instance.linked");
    of_second.extend(["instance.lost", "instance.open"]);
    until_told(&receiver, first, &of_first).await;
    until_told(&receiver, second, &of_second).await;
    let hit = &receiver.hits()[0];
    assert_eq!((hit.header("authorization"), hit.header("x-tenant")), ("Bearer ours", "7"));
    let timestamp = hit.header("webhook-timestamp").parse().unwrap();
    let signature = Secret::parse(SECRET).unwrap().sign(hit.id(), timestamp, &hit.bytes);
    assert_eq!(hit.header("webhook-signature"), signature);

    if world.relay.is_none() {
        // Then each dispatcher knows only what it tried itself.
        return;
    }
    world.settled(4).await;
    other.settled(4).await;
    let of_endpoint = DeliveriesRequestV1::OfEndpoint { endpoint: ENDPOINT, page: World::everything() };
    let DeliveriesReplyV1::Page { deliveries, .. } = world.deliveries(of_endpoint).await else { panic!() };
    let instances: BTreeSet<_> = deliveries.iter().map(|one| one.notice.instance).collect();
    assert_eq!((deliveries.len(), instances), (8, BTreeSet::from([world.instance, other.instance])));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_an_account_hears_each_instance_by_itself() {
    each_instance_by_itself(World::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_embedded_log_an_endpoint_of_an_account_hears_each_instance_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(&folder.path().join("log"), 4, &SystemEntropy).unwrap();
    each_instance_by_itself(World::with_log(Arc::new(log)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_nats_an_endpoint_of_an_account_hears_each_instance_by_itself() {
    let server = NatsServer::start().await;
    let client = connect(&server.url(), None, "webhooks").await.unwrap();
    let relay = Arc::new(NatsRelay::open(client.clone(), 1).await.unwrap());
    let log = JetStreamLog::open(client, JetStreamOptions { shards: 4, replicas: 1 }).await.unwrap();
    each_instance_by_itself(World::with_log(Arc::new(log)).await.with_relay(relay)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_told_to_whom_the_version_that_it_names_has() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    let endpoint = world.endpoint_of_account(1, "native", receiver.address).await;
    let without = world.account_has(&[]).await;
    let with = world.account_has(std::slice::from_ref(&endpoint)).await;
    world.decides_with(without);
    world.create(Vec::new()).await;
    world.connect().await;
    // Whoever decided did not know of it yet.
    world.linked().await;
    world.decides_with(with);
    world.open().await;
    receiver.received(1).await;
    world.settled(1).await;
    // Here whoever decides knows what no dispatcher was told of: another endpoint, which is to come.
    let second = world.endpoint_of_account(2, "native", receiver.address).await;
    world.decides_with(with + 1);
    world.lost().await;
    let both = vec![endpoint, second];
    world.account_becomes(|state| state.webhooks = both).await;
    assert_eq!(world.settled(3).await, [SettlementV1::Delivered; 3]);
    let mut paths: Vec<_> =
        receiver.hits().iter().map(|hit| format!("{} {}", hit.path, hit.word())).collect();
    paths.sort();
    assert_eq!(paths, ["/1 instance.lost", "/1 instance.open", "/2 instance.lost"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_it_is_still_there_is_asked_at_each_attempt() {
    for gone in ["removed", "disabled", "closed"] {
        let (world, receiver) = (World::new().await, Receiver::start().await);
        let _replica = world.replica("a", quick()).await;
        let endpoint = world.endpoint_of_account(1, "native", receiver.address).await;
        world.account_has(std::slice::from_ref(&endpoint)).await;
        receiver.answer(500);
        world.create(Vec::new()).await;
        world.link().await;
        receiver.received(3).await;
        let at = world.clock.now();
        world
            .account_becomes(|state| match gone {
                "removed" => state.webhooks.clear(),
                "disabled" => state.webhooks[0].enabled = false,
                _ => state.closed_at = Some(at),
            })
            .await;
        assert_eq!(world.settled(2).await, [SettlementV1::CancelledByEndpoint; 2], "{gone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_changed_is_tried_at_once_although_it_was_left_alone() {
    let (world, former, present) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let long = std::time::Duration::from_hours(1);
    let breaker = BreakerRule { failures: 2, open_min: long, open_max: long };
    let schedule = Schedule { delays: vec![std::time::Duration::from_millis(1); 9], breaker, ..slow() };
    let _replica = world.replica("a", schedule).await;
    former.answer(500);
    let endpoint = world.endpoint_of_account(1, "native", former.address).await;
    world.account_has(std::slice::from_ref(&endpoint)).await;
    world.create(Vec::new()).await;
    world.connect().await;
    world.linked().await;
    former.received(2).await;
    let moved = world.endpoint_of_account(1, "native", present.address).await;
    let updated_at = world.clock.now();
    world.account_becomes(|state| state.webhooks = vec![WebhookV1 { updated_at, ..moved }]).await;
    assert_eq!(world.settled(1).await, [SettlementV1::Delivered]);
    assert_eq!((former.hits().len(), present.hits().len()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_wants_nothing_more_is_disabled_with_the_account() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", slow()).await;
    let mut commands = world.bus.serve(Decider::Owner.filter(), "session-aggregate").await.unwrap();
    receiver.answer(410);
    let endpoint = world.endpoint_of_account(1, "native", receiver.address).await;
    world.account_has(std::slice::from_ref(&endpoint)).await;
    world.create(Vec::new()).await;
    world.link().await;
    let request = commands.next().await.unwrap();
    let asked: CommandRequestV2 = codec::decode(&request.payload).unwrap();
    let subject: CommandSubject = request.subject.parse().unwrap();
    assert!(subject.is_of(&StreamKey::account(ACCOUNT)));
    let seen = endpoint.updated_at;
    assert_eq!(asked.target, TargetV1::DisableAccountWebhook { account: ACCOUNT, webhook: ENDPOINT, seen });
    world.account_becomes(|state| state.webhooks[0].enabled = false).await;
    let outcome = OutcomeV1 { code: OutcomeCodeV1::Applied, attempt: 0, endpoint: None };
    let state = Command::from(LogoutV1 {}).to_record().unwrap();
    let accepted = AcceptedV1 { stream_id: ACCOUNT.into(), outcome, replayed: false, version: 0, state };
    request.reply.send(codec::encode(&CommandReplyV1::Accepted(accepted)).unwrap().into());
    assert_eq!(world.settled(2).await, [SettlementV1::CancelledByEndpoint; 2]);
    assert_eq!(receiver.hits().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_hears_of_deletions_also_when_its_account_is_gone_by_then() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    let endpoint = world.endpoint_of_account(1, "native", receiver.address).await;
    world.account_has(&[WebhookV1 { events: vec!["instance.delete*".to_owned()], ..endpoint }]).await;
    world.create(Vec::new()).await;
    world.link().await;
    receiver.answer(500);
    let now = world.clock.now();
    world.account_becomes(|state| state.closed_at = Some(now)).await;
    world.delete().await;
    world.bus.request(&last_words_subject(world.instance), Bytes::new(), DEADLINE).await.unwrap();
    world.keys.destroy(world.instance.as_bytes()).await.unwrap();
    world.keys.destroy(ACCOUNT.as_bytes()).await.unwrap();
    let tries = receiver.hits().len();
    receiver.received(tries + 3).await;
    receiver.answer(200);
    assert_eq!(world.settled(1).await, [SettlementV1::Delivered]);
    let hits = receiver.hits();
    let last = hits.last().unwrap();
    assert_eq!((last.word(), &last.body["data"]["name"]), ("instance.deleted", &"shop".into()));
    let timestamp = last.header("webhook-timestamp").parse().unwrap();
    let signature = Secret::parse(SECRET).unwrap().sign(last.id(), timestamp, &last.bytes);
    assert_eq!(last.header("webhook-signature"), signature);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_damaged_keeps_no_instance_from_its_own_last_words() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    let wide = world.endpoint_of_account(2, "native", receiver.address).await;
    let sound = world.account_has(&[wide]).await;
    world.damage_account().await;
    world.decides_with(sound + 1);
    let own = world.endpoint(1, "native", receiver.address);
    world.create(vec![WebhookV1 { events: vec!["instance.deleted".to_owned()], ..own }]).await;
    world.link().await;
    world.delete().await;
    world.bus.request(&last_words_subject(world.instance), Bytes::new(), DEADLINE).await.unwrap();
    world.keys.destroy(world.instance.as_bytes()).await.unwrap();
    assert_eq!(world.settled(1).await, [SettlementV1::Delivered]);
    let hits = receiver.hits();
    assert_eq!((hits[0].path.as_str(), hits[0].word()), ("/1", "instance.deleted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn its_word_of_a_deletion_names_the_instance_as_every_other_word_did() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    let endpoint = world.endpoint_of_account(1, "codechat.business", receiver.address).await;
    world.account_has(std::slice::from_ref(&endpoint)).await;
    world.create(Vec::new()).await;
    let body = world.seal(field::SETTINGS, r#"{"external_id":"crm-7"}"#);
    let block = SettingsBlockV1 { owner: "codechat".to_owned(), body };
    world.command(ChangeSettingsV1 { block, expected: None }).await;
    world.link().await;
    let alive = world.settled(1).await.len();
    receiver.answer(500);
    world.delete().await;
    world.bus.request(&last_words_subject(world.instance), Bytes::new(), DEADLINE).await.unwrap();
    world.keys.destroy(world.instance.as_bytes()).await.unwrap();
    let tries = receiver.hits().len();
    receiver.received(tries + 3).await;
    receiver.answer(200);
    assert_eq!(world.settled(alive + 2).await[alive..], [SettlementV1::Delivered; 2]);
    let hits = receiver.hits();
    let ids: BTreeSet<_> =
        hits.iter().filter_map(|hit| hit.body["instance"]["instanceId"].as_str()).collect();
    assert_eq!(ids, BTreeSet::from(["crm-7"]));
    let last = hits.last().unwrap();
    let headers = (last.header("x-instanceId"), last.header("x-tenant"));
    assert_eq!((last.word(), headers), ("state.instance", ("crm-7", "7")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_up_is_sent_again_and_a_silent_instance_stays_silent() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica =
        world.replica("a", Schedule { delays: vec![std::time::Duration::from_millis(10)], ..quick() }).await;
    let endpoint = world.endpoint_of_account(1, "native", receiver.address).await;
    world.account_has(std::slice::from_ref(&endpoint)).await;
    receiver.answer(500);
    world.create(Vec::new()).await;
    world.link().await;
    assert_eq!(world.settled(2).await, [SettlementV1::Exhausted; 2]);
    receiver.answer(200);
    let recover = RedeliveryRequestV1::Recover { endpoint: ENDPOINT, since: Timestamp(0) };
    let all = RedeliveryReplyV1::Done { deliveries: 2, more: false };
    assert_eq!(world.redeliver(recover.clone()).await, all);
    assert_eq!(world.settled(4).await[2..], [SettlementV1::Delivered; 2]);
    world.logout().await;
    world.settled(5).await;
    let silent = RedeliveryReplyV1::Silent { by: SettlementV1::CancelledByLogout };
    assert_eq!(world.redeliver(recover).await, silent);
    assert_eq!(world.redeliver(RedeliveryRequestV1::Test { endpoint: ENDPOINT }).await, silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_of_an_endpoint_of_an_account_is_about_no_instance() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    let endpoint = world.endpoint_of_account(1, "native", receiver.address).await;
    world.account_has(std::slice::from_ref(&endpoint)).await;
    let of_account = world.of_the_account();
    let test = |endpoint| of_account.redeliver(RedeliveryRequestV1::TestOfAccount { endpoint });
    let RedeliveryReplyV1::Tested { id, .. } = test(ENDPOINT).await else { panic!() };
    let hit = &receiver.hits()[0];
    assert_eq!((hit.id(), hit.word()), (format!("msg_{id}").as_str(), "webhook.test"));
    assert_eq!(hit.body["data"], serde_json::json!({ "account": ACCOUNT.to_string() }));
    let unknown = test(EndpointId::from_bytes([9; 16])).await;
    assert_eq!(unknown, RedeliveryReplyV1::Unknown);
    of_account.account_becomes(|state| state.webhooks[0].enabled = false).await;
    let disabled = RedeliveryReplyV1::Silent { by: SettlementV1::CancelledByEndpoint };
    assert_eq!(test(ENDPOINT).await, disabled);
    assert_eq!(receiver.hits().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_a_former_release_gave_an_instance_is_told_once_and_can_be_taken_back_meanwhile() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    let endpoint = world.endpoint_of_account(1, "codechat.business", receiver.address).await;
    let version = world.account_has(std::slice::from_ref(&endpoint)).await;
    // Commits of the earlier formats name no version: the copy is told of them.
    world.decides_with(0);
    receiver.answer(500);
    world.create(vec![world.endpoint(1, "codechat.business", receiver.address)]).await;
    world.connect().await;
    world.linked().await;
    world.open().await;
    receiver.received(2).await;
    world.decides_with(version);
    world.lost().await;
    world.command(RemoveWebhookV1 { id: ENDPOINT }).await;
    world.open().await;
    receiver.received(receiver.hits().len() + 2).await;
    receiver.answer(200);
    assert_eq!(world.settled(3).await, [SettlementV1::Delivered; 3], "each of them once");
    let ids: BTreeSet<_> = receiver.hits().iter().map(|hit| hit.id().to_owned()).collect();
    assert_eq!(ids.len(), 3);
    world.logout().await;
    assert_eq!(world.settled(4).await.len(), 4);
    // What the account takes away is gone, whatever stands at an instance.
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let _replica = world.replica("a", quick()).await;
    world.account_has(&[]).await;
    world.decides_with(0);
    world.create(vec![world.endpoint(1, "codechat.business", receiver.address)]).await;
    world.link().await;
    assert_eq!(world.settled(1).await, [SettlementV1::CancelledByEndpoint]);
    assert!(receiver.hits().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_an_endpoint_is_cancelled_as_soon_as_it_is_removed_or_disabled() {
    for removed in [true, false] {
        let (world, receiver) = (World::new().await, Receiver::start().await);
        let _replica = world.replica("a", slow()).await;
        let endpoint = world.endpoint_of_account(1, "native", receiver.address).await;
        let beside = world.endpoint_of_account(2, "native", receiver.address).await;
        world.account_has(&[endpoint.clone(), beside.clone()]).await;
        let other = world.beside().await;
        receiver.answer(503);
        for one in [&world, &other] {
            one.create(Vec::new()).await;
            one.link().await;
        }
        receiver.received(4).await;
        // Nothing of it is due for hours, and nothing happens to the instances.
        let left = WebhookV1 { enabled: false, ..endpoint };
        world.account_has(&if removed { vec![beside] } else { vec![left, beside] }).await;
        for one in [&world, &other] {
            assert_eq!(one.settled(2).await, [SettlementV1::CancelledByEndpoint; 2]);
            assert!(one.settlements().await.iter().all(|settled| settled.notice.endpoint == ENDPOINT));
        }
        assert_eq!(receiver.hits().len(), 4);
    }
}
