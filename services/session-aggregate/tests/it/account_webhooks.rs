//! Webhooks of an account: every instance is told by them, those to come included. A deployment that writes the formats of release 0.1.0
//! has copies of them in its instances; one that writes newer ones takes them back.

use berth_log::{EventLog, Expected, LogRead, NewCommit};
use berth_proto::{
    AccountId, CommandId, EndpointId, Hash, InstanceId, RecordV1, StreamKey, Timestamp, WriteVersion,
    account::AccountStateV3,
    command::{ConfigureWebhookV1, DisableWebhookV1},
    commit::PrincipalV1,
    event::Event,
    frame::{CommandRequestV1, RejectionCodeV1, TargetV1},
    instance::{PermissionV1, WebhookV1},
    subject::{LAST_WORDS_FILTER, last_words_subject},
};
use berth_runtime::{UniqueInAccount, sealing::field};
use berth_session_aggregate::Settings;
use bytes::Bytes;
use futures::{FutureExt, StreamExt};

use crate::{
    accounts::request,
    closing::{account_state, close, is_gone, world_of_acme},
    moving::{self, move_to, target},
    world::{BEGIN, Wanted, World, accepted},
};

/// After this no create of before can still succeed.
const SETTLED_AFTER_SECONDS: i64 = 61;

/// A service in a deployment that still writes the formats of before accounts had endpoints of their own.
fn copies() -> Settings {
    Settings { write_version: WriteVersion::new(2).unwrap(), ..Settings::default() }
}

async fn copying() -> World {
    let mut world = World::without_replica().await;
    world.add_replica_with(copies()).await;
    world
}

/// An endpoint of the account, sealed for it.
async fn endpoint(world: &World, format: &str, url: &str) -> WebhookV1 {
    endpoint_of(world, world.account, format, url).await
}

async fn endpoint_of(world: &World, account: AccountId, format: &str, url: &str) -> WebhookV1 {
    let owner = account.as_bytes();
    let key = world.keys.key(owner).await.unwrap().unwrap();
    WebhookV1 {
        id: EndpointId::from_bytes([u8::try_from(url.len()).unwrap(); 16]),
        format: format.to_owned(),
        label: "main".to_owned(),
        enabled: true,
        url: key.seal(owner, field::WEBHOOK_URL, url.as_bytes()),
        headers: Some(key.seal(owner, field::WEBHOOK_HEADERS, b"{}")),
        authorization: None,
        secret: key.seal(owner, field::WEBHOOK_SECRET, format!("secret of {url}").as_bytes()),
        old_secrets: Vec::new(),
        events: Vec::new(),
        after_logout_all: false,
        options: None,
        created_at: BEGIN,
        updated_at: BEGIN,
    }
}

fn configure(world: &World, webhook: WebhookV1) -> CommandRequestV1 {
    let target = TargetV1::ConfigureAccountWebhook { account: world.account, webhook };
    CommandRequestV1 { principal: world.as_account(), ..request(world, target) }
}

fn remove(world: &World, webhook: EndpointId) -> CommandRequestV1 {
    let target = TargetV1::RemoveAccountWebhook { account: world.account, webhook };
    CommandRequestV1 { principal: world.as_account(), ..request(world, target) }
}

/// The endpoints of an instance: URL and secret as the instance's key opens them, and whether they are on.
async fn endpoints(world: &World, id: InstanceId) -> Vec<(EndpointId, String, String, bool)> {
    let key = world.keys.key(id.as_bytes()).await.unwrap().unwrap();
    let open = |field: &str, sealed| key.open_text(id.as_bytes(), field, sealed).unwrap();
    let state = world.state(id).await.unwrap();
    let opened = state.webhooks.iter().map(|one| {
        let url = open(field::WEBHOOK_URL, &one.url);
        (one.id, url, open(field::WEBHOOK_SECRET, &one.secret), one.enabled)
    });
    opened.collect()
}

async fn until_has(world: &World, id: InstanceId, url: &str, enabled: bool) {
    world
        .until(&format!("it has {url}"), async || {
            matches!(&endpoints(world, id).await[..], [(_, has, _, on)] if has == url && *on == enabled)
        })
        .await;
}

async fn until_settled(world: &World) {
    world.clock.advance_seconds(SETTLED_AFTER_SECONDS);
    world.until("it is settled", async || account_state(world).await.unsettled.is_none()).await;
}

#[tokio::test]
async fn instances_that_are_there_and_those_to_come_follow_it_from_the_first_to_the_last_change() {
    let world = copying().await;
    let shop = world.instance("shop", 1_111_111_111).await;
    let first = endpoint(&world, "codechat.business", "https://a.example").await;
    let done = world.accepted(&configure(&world, first.clone())).await;
    assert_eq!(done.state.open::<AccountStateV3>().unwrap().webhooks.len(), 1);
    until_has(&world, shop, "https://a.example", true).await;
    let kiosk = world.instance("kiosk", 1_111_111_112).await;
    assert_eq!(
        endpoints(&world, kiosk).await,
        [(first.id, "https://a.example".to_owned(), "secret of https://a.example".to_owned(), true)],
        "it has it from its first commit on"
    );
    assert_eq!(endpoints(&world, shop).await, endpoints(&world, kiosk).await);
    assert_eq!(world.commits(berth_proto::StreamKey::instance(kiosk)).await.len(), 1);
    until_settled(&world).await;

    // Another one in its place has its id and its secret.
    let second = endpoint(&world, "codechat.business", "https://b.example/b").await;
    assert_ne!(second.id, first.id);
    world.accepted(&configure(&world, second.clone())).await;
    for id in [shop, kiosk] {
        until_has(&world, id, "https://b.example/b", true).await;
        let now = endpoints(&world, id).await;
        assert_eq!((now[0].0, now[0].2.as_str()), (first.id, "secret of https://a.example"));
    }
    until_settled(&world).await;
    for enabled in [false, true, false] {
        world.accepted(&configure(&world, WebhookV1 { enabled, ..second.clone() })).await;
        for id in [shop, kiosk] {
            until_has(&world, id, "https://b.example/b", enabled).await;
        }
    }
    until_settled(&world).await;
    let commits = world.log.appended();
    world.accepted(&configure(&world, WebhookV1 { enabled: false, ..second })).await;
    assert_eq!(world.log.appended(), commits, "it is so already");

    let removal = remove(&world, first.id);
    world.accepted(&removal).await;
    for id in [shop, kiosk] {
        world.until("it is removed", async || endpoints(&world, id).await.is_empty()).await;
    }
    assert!(world.accepted(&removal).await.replayed);
    assert_eq!(world.rejected(&remove(&world, first.id)).await, RejectionCodeV1::UnknownWebhook);
    until_settled(&world).await;
    for id in [shop, kiosk] {
        world.verify(id).await;
    }
}

#[tokio::test]
async fn an_instance_that_moves_follows_its_new_account_from_that_commit_on() {
    let world = moving::with_target(copying().await).await;
    let former = endpoint(&world, "codechat.business", "https://a.example").await;
    world.accepted(&configure(&world, former.clone())).await;
    let there = endpoint_of(&world, target(), "codechat.business", "https://there.example").await;
    let target_configures = TargetV1::ConfigureAccountWebhook { account: target(), webhook: there.clone() };
    let as_target = PrincipalV1::Account { account: target() };
    world.accepted(&CommandRequestV1 { principal: as_target, ..request(&world, target_configures) }).await;
    let shop = world.instance("shop", 1_111_111_111).await;
    assert_eq!(endpoints(&world, shop).await[0].1, "https://a.example");

    world.accepted(&move_to(&world, shop, target(), false).await).await;
    let stream = berth_proto::StreamKey::instance(shop);
    let has =
        [(there.id, "https://there.example".to_owned(), "secret of https://there.example".to_owned(), true)];
    assert_eq!(endpoints(&world, shop).await, has);
    assert_eq!(world.commits(stream).await.len(), 2, "one commit does it all");

    // What the former account changes later is not its business any more.
    world.accepted(&remove(&world, former.id)).await;
    until_settled(&world).await;
    assert_eq!(endpoints(&world, shop).await, has);
    assert_eq!(world.commits(stream).await.len(), 2);
    world.verify(shop).await;
}

#[tokio::test]
async fn a_copy_that_its_receiver_wanted_disabled_stays_so_until_the_account_changes_it() {
    let world = copying().await;
    let (shop, kiosk) =
        (world.instance("shop", 1_111_111_111).await, world.instance("kiosk", 1_111_111_112).await);
    let first = endpoint(&world, "codechat.business", "https://a.example").await;
    world.accepted(&configure(&world, first.clone())).await;
    for id in [shop, kiosk] {
        until_has(&world, id, "https://a.example", true).await;
    }
    until_settled(&world).await;
    let seen = world.state(shop).await.unwrap().webhooks[0].clone();
    world.accepted(&world.report(shop, DisableWebhookV1 { seen })).await;
    // Something else brings the process manager to every instance.
    let other = WebhookV1 {
        id: EndpointId::from_bytes([9; 16]),
        format: "other.business".to_owned(),
        ..first.clone()
    };
    world.accepted(&configure(&world, other)).await;
    let enabled = async |id, endpoint| {
        let all = endpoints(&world, id).await;
        all.iter().find(|(one, ..)| *one == endpoint).map(|(.., enabled)| *enabled)
    };
    for id in [shop, kiosk] {
        let there = async || enabled(id, EndpointId::from_bytes([9; 16])).await.is_some();
        world.until("it has the other one", there).await;
    }
    until_settled(&world).await;
    assert_eq!((enabled(shop, first.id).await, enabled(kiosk, first.id).await), (Some(false), Some(true)));
    // Off and on again is a change too, whether or not every instance has seen both of it.
    for on in [false, true] {
        world.accepted(&configure(&world, WebhookV1 { enabled: on, ..first.clone() })).await;
    }
    world.until("it is enabled", async || enabled(shop, first.id).await == Some(true)).await;
    until_settled(&world).await;
    world.verify(shop).await;
}

#[tokio::test]
async fn one_that_its_receiver_wanted_disabled_is_so_for_all_until_the_account_changes_it() {
    let world = copying().await;
    let (shop, kiosk) =
        (world.instance("shop", 1_111_111_111).await, world.instance("kiosk", 1_111_111_112).await);
    let first = endpoint(&world, "codechat.business", "https://a.example").await;
    world.accepted(&configure(&world, first.clone())).await;
    for id in [shop, kiosk] {
        until_has(&world, id, "https://a.example", true).await;
    }
    until_settled(&world).await;
    let seen = world.state(shop).await.unwrap().webhooks[0].updated_at;
    let disable = |seen| {
        let target = TargetV1::DisableAccountWebhook { account: world.account, webhook: first.id, seen };
        CommandRequestV1 { principal: PrincipalV1::Service, ..request(&world, target) }
    };
    let of_before = disable(Timestamp(seen.0 - 1));
    assert_eq!(world.rejected(&of_before).await, RejectionCodeV1::Changed, "it answered for another one");
    world.accepted(&disable(seen)).await;
    for id in [shop, kiosk] {
        until_has(&world, id, "https://a.example", false).await;
    }
    until_settled(&world).await;
    // Another instance asks for the same: it is so. A new instance has it as the others do.
    world.accepted(&disable(seen)).await;
    let stand = world.instance("stand", 1_111_111_113).await;
    until_has(&world, stand, "https://a.example", false).await;
    world.accepted(&configure(&world, first)).await;
    for id in [shop, kiosk, stand] {
        until_has(&world, id, "https://a.example", true).await;
    }
    world.verify(shop).await;
}

#[tokio::test]
async fn a_change_is_made_from_what_is_there_or_not_at_all() {
    let world = copying().await;
    let replace = |seen: &WebhookV1, webhook: WebhookV1| {
        let target =
            TargetV1::ReplaceAccountWebhook { account: world.account, seen: Box::new(seen.clone()), webhook };
        CommandRequestV1 { principal: world.as_account(), ..request(&world, target) }
    };
    let first = endpoint(&world, "codechat.business", "https://a.example").await;
    let nowhere = replace(&first, first.clone());
    assert_eq!(world.rejected(&nowhere).await, RejectionCodeV1::UnknownWebhook);
    world.accepted(&configure(&world, first.clone())).await;
    let read = account_state(&world).await.webhooks[0].clone();
    // Two changes are made from it: one of them is first.
    let off = WebhookV1 { enabled: false, ..read.clone() };
    world.accepted(&replace(&read, off)).await;
    let elsewhere = WebhookV1 { label: "other".to_owned(), ..read.clone() };
    assert_eq!(world.rejected(&replace(&read, elsewhere.clone())).await, RejectionCodeV1::Changed);
    let now = account_state(&world).await.webhooks[0].clone();
    assert_eq!((now.enabled, now.label.as_str()), (false, "main"));
    world.accepted(&replace(&now, WebhookV1 { enabled: false, ..elsewhere })).await;
    let now = account_state(&world).await.webhooks[0].clone();
    assert_eq!((now.enabled, now.label.as_str(), &now.secret), (false, "other", &read.secret));
    // It does not become one of another format.
    let instead = WebhookV1 { format: "other.business".to_owned(), ..first };
    assert_eq!(world.rejected(&replace(&read, instead)).await, RejectionCodeV1::Changed);
}

#[tokio::test]
async fn one_that_is_removed_and_set_anew_is_another() {
    let world = copying().await;
    let shop = world.instance("shop", 1_111_111_111).await;
    let first = endpoint(&world, "codechat.business", "https://a.example").await;
    let again = WebhookV1 { id: EndpointId::from_bytes([9; 16]), ..first.clone() };
    world.accepted(&configure(&world, first.clone())).await;
    until_has(&world, shop, "https://a.example", true).await;
    world.accepted(&remove(&world, first.id)).await;
    world.accepted(&configure(&world, again.clone())).await;
    world
        .until(
            "it has the other one",
            async || matches!(&endpoints(&world, shop).await[..], [(id, ..)] if *id == again.id),
        )
        .await;
    world.verify(shop).await;
}

#[tokio::test]
async fn an_instance_that_is_created_meanwhile_has_it() {
    let world = copying().await;
    let (id, create) = world.create_request(&Wanted::named("shop", 1_111_111_111)).await;
    let go_on = world.log.pause_next();
    let webhook = endpoint(&world, "codechat.business", "https://a.example").await;
    let (reply, ()) = tokio::join!(world.send(&create), async {
        world.until("it is about to be created", async || world.log.is_paused()).await;
        world.accepted(&configure(&world, webhook.clone())).await;
        go_on.send(()).unwrap();
    });
    accepted(reply);
    until_has(&world, id, "https://a.example", true).await;
    // The other way round: removed while a create that had read it runs.
    let (id, create) = world.create_request(&Wanted::named("kiosk", 1_111_111_112)).await;
    let go_on = world.log.pause_next();
    let (reply, ()) = tokio::join!(world.send(&create), async {
        world.until("it is about to be created", async || world.log.is_paused()).await;
        world.accepted(&remove(&world, webhook.id)).await;
        go_on.send(()).unwrap();
    });
    accepted(reply);
    world.until("it is removed", async || endpoints(&world, id).await.is_empty()).await;
    until_settled(&world).await;
}

#[tokio::test]
async fn a_crash_at_any_step_leaves_nothing_behind() {
    // Of: configured; then two instances.
    for steps in 1..=3 {
        let mut world = copying().await;
        let ids = [world.instance("shop", 1_111_111_111).await, world.linked("till", 1_111_111_112).await];
        for name in ["shop", "till"] {
            let entry = world.account_entry(UniqueInAccount::Name, name).await;
            world
                .until("its create is settled", async || {
                    world.entry(entry).await.unwrap().hold.unwrap().blueprint.is_none()
                })
                .await;
        }
        let webhook = endpoint(&world, "codechat.business", "https://a.example").await;
        world.log.fail_after(steps);
        world.accepted(&configure(&world, webhook)).await;
        world.until("the duty has come this far", async || !world.log.has_appends_left()).await;
        world.crash().await;
        world.log.mend();
        world.add_replica_with(copies()).await;
        for id in ids {
            until_has(&world, id, "https://a.example", true).await;
            world.verify(id).await;
        }
        until_settled(&world).await;
    }
}

#[tokio::test]
async fn webhooks_of_an_account_are_its_own_and_bounded() {
    let world = copying().await;
    let one = endpoint(&world, "codechat.business", "https://a.example").await;
    let foreign = TargetV1::ConfigureAccountWebhook {
        account: berth_proto::AccountId::from_bytes([3; 16]),
        webhook: one.clone(),
    };
    let foreign = CommandRequestV1 { principal: world.as_account(), ..request(&world, foreign) };
    assert_eq!(world.rejected(&foreign).await, RejectionCodeV1::NotFound);
    let headers = |bytes: usize| Some(berth_proto::Sealed(vec![7; bytes]));
    let large = WebhookV1 { headers: headers(17 * 1024), ..one.clone() };
    assert_eq!(world.rejected(&configure(&world, large)).await, RejectionCodeV1::WebhooksTooLarge);
    for number in 1..=4 {
        let next = WebhookV1 {
            id: EndpointId::from_bytes([number; 16]),
            format: format!("f{number}.business"),
            ..one.clone()
        };
        world.accepted(&configure(&world, next)).await;
    }
    assert_eq!(world.rejected(&configure(&world, one.clone())).await, RejectionCodeV1::TooManyWebhooks);
    // An instance has all its own places beside them.
    let urls = (0..20).map(|number| format!("https://hooks.example/{number}")).collect();
    let full = Wanted { webhooks: urls, ..Wanted::named("shop", 1_111_111_111) };
    let id = accepted(world.create(&full).await).stream_id.instance();
    assert_eq!(world.state(id).await.unwrap().webhooks.len(), 24);
    let more = ConfigureWebhookV1 {
        webhook: WebhookV1 { format: "native".to_owned(), label: "more".to_owned(), ..one },
        upsert: false,
        enabled_max: 0,
    };
    assert_eq!(world.rejected(&world.request(id, more)).await, RejectionCodeV1::TooManyWebhooks);
}

#[tokio::test]
async fn a_repeated_command_is_done_once() {
    let world = copying().await;
    let asked = configure(&world, endpoint(&world, "codechat.business", "https://a.example").await);
    world.log.lose_next_answer();
    let _lost = world.send(&asked).await;
    assert!(world.accepted(&asked).await.replayed);
    let reused = CommandRequestV1 { digest: Hash([2; 32]), ..asked };
    assert_eq!(world.rejected(&reused).await, RejectionCodeV1::KeyReused);
    let other = CommandRequestV1 { command_id: CommandId::from_bytes([8; 16]), ..reused };
    world.accepted(&other).await;
    assert_eq!(account_state(&world).await.webhooks.len(), 1);
}

#[tokio::test]
async fn a_commit_names_the_version_of_its_account_that_was_known_and_nothing_is_copied() {
    let mut world = World::start().await;
    let named = async |world: &World, id: InstanceId| {
        let commits = world.commits(berth_proto::StreamKey::instance(id)).await;
        commits.iter().map(|commit| commit.account_version).collect::<Vec<_>>()
    };
    let shop = world.instance("shop", 1_111_111_111).await;
    let begun = named(&world, shop).await;
    assert!(begun.iter().all(|version| *version > 0), "{begun:?}");
    let wide = endpoint(&world, "native", "https://a.example").await;
    let done = world.accepted(&configure(&world, wide.clone())).await;
    let version = done.version;
    assert_eq!(done.state.open::<AccountStateV3>().unwrap().unsettled, None, "nobody has to follow it");
    let connect = || berth_proto::command::ConnectV1 { method: berth_proto::instance::MethodV1::Qr };
    world.accepted(&world.request(shop, connect())).await;
    assert_eq!(*named(&world, shop).await.last().unwrap(), version, "known at once where it was decided");
    let kiosk = world.instance("kiosk", 1_111_111_112).await;
    assert_eq!(named(&world, kiosk).await, [version]);
    for id in [shop, kiosk] {
        assert!(world.state(id).await.unwrap().webhooks.is_empty());
        world.verify(id).await;
    }
    // Another replica that takes over knows it from the log.
    world.crash().await;
    world.add_replica().await;
    world.accepted(&world.request(kiosk, connect())).await;
    assert_eq!(*named(&world, kiosk).await.last().unwrap(), version);
    // A secret is changed on the present state, as the account or the operator.
    let rotate = TargetV1::RotateAccountWebhookSecret {
        account: world.account,
        webhook: wide.id,
        secret: berth_proto::Sealed(vec![1]),
        keep_until: BEGIN.plus_seconds(60),
    };
    let rotate = CommandRequestV1 { principal: world.as_account(), ..request(&world, rotate) };
    world.accepted(&rotate).await;
    let now = account_state(&world).await.webhooks[0].clone();
    assert_eq!((now.secret.0.as_slice(), now.old_secrets.len()), ([1].as_slice(), 1));
    assert_eq!(now.old_secrets[0].secret, wide.secret);
}

/// Puts bytes at the end of the account's stream that nobody can read.
async fn damage_account(world: &World) {
    let stream = StreamKey::account(world.account);
    let expected = Expected::After(world.log.tail(&stream).await.unwrap().unwrap().tail);
    let version = expected.next_version();
    let commit =
        NewCommit { stream, version, command_id: None, traceparent: None, payload: vec![0; 100].into() };
    world.log.append(commit, expected).await.unwrap();
}

#[tokio::test]
async fn last_words_are_kept_for_endpoints_that_stand_with_the_account_only() {
    let world = World::start().await;
    let mut asked = world.bus.serve(LAST_WORDS_FILTER, "webhooks").await.unwrap();
    let mut doomed = Vec::new();
    for number in 0..4 {
        doomed.push(world.instance(&format!("shop-{number}"), 1_111_111_111 + number).await);
    }
    let has_key = async |id: InstanceId| world.keys.key(id.as_bytes()).await.unwrap().is_some();
    let wide = endpoint(&world, "native", "https://a.example").await;
    // Nobody is asked while nobody is told.
    world.accepted(&world.delete(doomed[0])).await;
    world.accepted(&configure(&world, wide.clone())).await;
    let seen = account_state(&world).await.webhooks[0].clone();
    let replace = |seen: &WebhookV1, enabled| {
        let webhook = WebhookV1 { enabled, ..wide.clone() };
        let seen = Box::new(seen.clone());
        let target = TargetV1::ReplaceAccountWebhook { account: world.account, seen, webhook };
        CommandRequestV1 { principal: world.as_account(), ..request(&world, target) }
    };
    world.accepted(&replace(&seen, false)).await;
    world.accepted(&world.delete(doomed[1])).await;
    assert!(asked.next().now_or_never().is_none());
    let seen = account_state(&world).await.webhooks[0].clone();
    world.accepted(&replace(&seen, true)).await;
    for (index, id) in [(2, doomed[2]), (3, doomed[3])] {
        if index == 3 {
            // Whether the account has one is not known then.
            damage_account(&world).await;
        }
        let delete = world.delete(id);
        tokio::join!(world.accepted(&delete), async {
            let request = asked.next().await.unwrap();
            assert_eq!(request.subject, last_words_subject(id));
            assert!(has_key(id).await, "the key waits");
            request.reply.send(Bytes::new());
        });
    }
    for id in doomed {
        assert!(!has_key(id).await);
        world.verify(id).await;
    }
}

#[tokio::test]
async fn the_key_of_a_closed_account_waits_for_the_last_words_of_its_instances() {
    let world = world_of_acme().await;
    let mut asked = world.bus.serve(LAST_WORDS_FILTER, "webhooks").await.unwrap();
    let shop = world.instance("shop", 1_111_111_111).await;
    world.accepted(&configure(&world, endpoint(&world, "native", "https://a.example").await)).await;
    world.accepted(&close(&world)).await;
    // Whoever keeps them has too much to do, and all else that the account waits for is over by then.
    let unanswered = asked.next().await.unwrap();
    world.clock.advance_seconds(SETTLED_AFTER_SECONDS);
    let again = asked.next().await.unwrap();
    assert_eq!((unanswered.subject, &again.subject), (last_words_subject(shop), &last_words_subject(shop)));
    assert!(world.keys.key(world.account.as_bytes()).await.unwrap().is_some());
    again.reply.send(Bytes::new());
    world.until("the account is gone", async || is_gone(&world).await).await;
    world.verify(shop).await;
}

#[tokio::test]
async fn a_damaged_account_keeps_none_of_its_instances_from_a_logout() {
    let mut world = World::start().await;
    let (shop, till) = (world.linked("shop", 1_111_111_111).await, world.linked("till", 1_111_111_112).await);
    damage_account(&world).await;
    world.accepted(&world.logout(shop)).await;
    // Nor where nothing was known of it.
    world.crash().await;
    world.add_replica().await;
    world.accepted(&world.logout(till)).await;
    for id in [shop, till] {
        assert_eq!(world.state(id).await.unwrap().permission, PermissionV1::Silent);
        world.verify(id).await;
    }
}

#[tokio::test]
async fn copies_of_a_former_release_are_taken_back_once_and_none_is_made_any_more() {
    let mut world = moving::with_target(copying().await).await;
    let ids = [world.instance("shop", 1_111_111_111).await, world.linked("till", 1_111_111_112).await];
    let webhook = endpoint(&world, "codechat.business", "https://a.example").await;
    world.accepted(&configure(&world, webhook.clone())).await;
    for id in ids {
        until_has(&world, id, "https://a.example", true).await;
    }
    until_settled(&world).await;
    let own = ConfigureWebhookV1 {
        webhook: WebhookV1 {
            id: EndpointId::from_bytes([9; 16]),
            format: "native".to_owned(),
            ..world.state(ids[0]).await.unwrap().webhooks[0].clone()
        },
        upsert: false,
        enabled_max: 0,
    };
    world.accepted(&world.request(ids[0], own)).await;
    world.crash().await;

    // The operator has raised the write version; the process is stopped before it is done.
    world.log.fail_after(1);
    world.add_replica().await;
    world.until("one is taken back", async || !world.log.has_appends_left()).await;
    world.crash().await;
    world.log.mend();
    world.add_replica().await;
    for (id, left) in ids.into_iter().zip([1, 0]) {
        let is_done = async || world.state(id).await.unwrap().webhooks.iter().all(|one| !one.is_of_account());
        world.until("its copy is taken back", is_done).await;
        let state = world.state(id).await.unwrap();
        assert_eq!(state.webhooks.len(), left, "its own stays");
        let commits = world.commits(StreamKey::instance(id)).await;
        let events = commits.iter().flat_map(|commit| &commit.events);
        let is_removal =
            |event: &&RecordV1| matches!(Event::from_record(event), Ok(Event::WebhookRemoved(_)));
        assert_eq!(events.filter(is_removal).count(), 1, "once");
        world.verify(id).await;
    }
    assert_eq!(account_state(&world).await.webhooks[0].id, webhook.id, "the account keeps it");
    let kiosk = world.instance("kiosk", 1_111_111_113).await;
    world.accepted(&configure(&world, WebhookV1 { enabled: false, ..webhook })).await;
    until_settled(&world).await;
    assert!(world.state(kiosk).await.unwrap().webhooks.is_empty());
    // Nor where an instance comes to an account that has one.
    let there = endpoint_of(&world, target(), "codechat.business", "https://there.example").await;
    let configured = TargetV1::ConfigureAccountWebhook { account: target(), webhook: there };
    let as_target = PrincipalV1::Account { account: target() };
    world.accepted(&CommandRequestV1 { principal: as_target, ..request(&world, configured) }).await;
    world.accepted(&move_to(&world, ids[0], target(), false).await).await;
    let moved = world.state(ids[0]).await.unwrap();
    assert_eq!((moved.account, moved.webhooks.len()), (target(), 1), "its own and no other");
}
