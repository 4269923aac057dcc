//! Deleting: the name is free, the keys are destroyed, the tombstone answers.

use berth_proto::{
    EndpointId, InstanceId, Sealed, StreamKey,
    command::{ConfigureWebhookV1, ConnectV1, DeleteV1, ReportUnlinkedV1, ReportV1},
    frame::RejectionCodeV1,
    instance::{MethodV1, PhaseV1, UnlinkStatusV1, WebhookV1},
    subject::{LAST_WORDS_FILTER, last_words_subject},
};
use berth_runtime::UniqueInAccount;
use bytes::Bytes;
use futures::StreamExt;

use crate::world::{BEGIN, Wanted, World, accepted, rejected};

#[tokio::test]
async fn after_the_answer_the_name_is_free_and_the_data_key_destroyed() {
    let world = World::start().await;
    let wanted = Wanted { alias: Some("ext".to_owned()), ..Wanted::named("shop", 1_111_111_111).keyed("c") };
    let id = accepted(world.create(&wanted).await).stream_id.instance();
    let delete = world.keyed(id, DeleteV1 { only_without_session: false }, "d");
    world.accepted(&delete).await;
    assert!(world.keys.key(id.as_bytes()).await.unwrap().is_none());
    let name = world.account_entry(UniqueInAccount::Name, "shop").await;
    for entry in [name, world.token_entry("token-of-shop"), world.number_entry(1_111_111_111)] {
        assert_eq!(world.holder(entry).await, None);
    }
    let former = world.entry(name).await.unwrap().former;
    assert_eq!(former[0].instance, Some(id));
    assert!(former[0].command_ids.contains(&delete.command_id));
    let again = accepted(world.create(&Wanted { key: None, ..wanted.clone() }).await);
    assert_ne!(again.stream_id.instance(), id);
    // A retried delete is still answered by the tombstone, and so is the retried create.
    assert!(world.accepted(&delete).await.replayed);
    let known = accepted(world.create(&wanted).await);
    assert_eq!((known.stream_id.instance(), known.replayed), (id, true));
    world.verify(id).await;
}

#[tokio::test]
async fn commands_to_a_deleted_instance_are_refused() {
    let world = World::start().await;
    let id = world.instance("shop", 1_111_111_111).await;
    world.accepted(&world.delete(id)).await;
    let before = world.log.appended();
    let connect = world.request(id, ConnectV1 { method: MethodV1::Qr });
    assert_eq!(world.rejected(&connect).await, RejectionCodeV1::Deleted);
    assert_eq!(world.rejected(&world.logout(id)).await, RejectionCodeV1::Deleted);
    assert_eq!(world.rejected(&world.delete(id)).await, RejectionCodeV1::Deleted);
    assert_eq!(world.log.appended(), before);
}

#[tokio::test]
async fn a_deleted_instances_device_is_still_unlinked_and_then_its_keys_go() {
    let world = World::start().await;
    let id = world.linked("shop", 1_111_111_111).await;
    world.accepted(&world.delete(id)).await;
    assert!(world.has_device_keys(id, 1).await, "the connector needs them to unlink");
    let report = ReportV1 { attempt: 1, epoch: 1, number: 9 };
    world.accepted(&world.report(id, ReportUnlinkedV1 { report, abandoned: None })).await;
    assert!(!world.has_device_keys(id, 1).await);
    let state = world.state(id).await.unwrap();
    assert!(matches!(state.phase, PhaseV1::Deleted { .. }));
    assert_eq!(state.unlinks[0].status, UnlinkStatusV1::Confirmed);
    world.verify(id).await;
}

/// An enabled endpoint, whose values nobody opens here.
fn endpoint() -> WebhookV1 {
    let sealed = || Sealed(vec![7; 40]);
    WebhookV1 {
        id: EndpointId::from_bytes([5; 16]),
        format: "native".to_owned(),
        label: String::new(),
        enabled: true,
        url: sealed(),
        headers: None,
        authorization: None,
        secret: sealed(),
        old_secrets: Vec::new(),
        events: Vec::new(),
        after_logout_all: false,
        options: None,
        created_at: BEGIN,
        updated_at: BEGIN,
    }
}

#[tokio::test]
async fn the_key_waits_for_last_words_that_are_not_kept_at_once_but_not_for_long() {
    let world = World::start().await;
    let mut asked = world.bus.serve(LAST_WORDS_FILTER, "webhooks").await.unwrap();
    let (late, never) =
        (world.instance("shop", 1_111_111_111).await, world.instance("kiosk", 1_111_111_112).await);
    for id in [late, never] {
        let configure = ConfigureWebhookV1 { webhook: endpoint(), upsert: false, enabled_max: 0 };
        world.accepted(&world.request(id, configure)).await;
    }
    let has_key = async |id: InstanceId| world.keys.key(id.as_bytes()).await.unwrap().is_some();
    // Whoever keeps them has too much to do, and does not answer in time.
    let (late_deleted, never_deleted) = (world.delete(late), world.delete(never));
    tokio::join!(world.accepted(&late_deleted), world.accepted(&never_deleted));
    assert!(has_key(late).await && has_key(never).await);
    // The process manager comes back to it, and finds it answered for one of them.
    world.clock.advance_seconds(60);
    let subject = last_words_subject(late);
    let mut unanswered = Vec::new();
    while has_key(late).await {
        tokio::select! {
            request = asked.next() => {
                let request = request.unwrap();
                if request.subject == subject && unanswered.len() >= 2 {
                    request.reply.send(Bytes::new());
                } else {
                    unanswered.push(request);
                }
            }
            () = tokio::time::sleep(std::time::Duration::from_millis(20)) => {}
        }
    }
    assert!(has_key(never).await);
    world.clock.advance_seconds(61);
    world.until("nobody waits any more", async || !has_key(never).await).await;
}

#[tokio::test]
async fn the_key_waits_for_a_service_that_starts_again_at_that_moment() {
    let world = World::start().await;
    let id = world.instance("shop", 1_111_111_111).await;
    let configure = ConfigureWebhookV1 { webhook: endpoint(), upsert: false, enabled_max: 0 };
    world.accepted(&world.request(id, configure)).await;
    let delete = world.delete(id);
    world.accepted(&delete).await;
    let has_key = async || world.keys.key(id.as_bytes()).await.unwrap().is_some();
    assert!(has_key().await, "nobody serves, for now");
    // Whoever is asked once more may have a clock that is behind.
    world.clock.advance_seconds(-4);
    world.accepted(&delete).await;
    assert!(has_key().await);
    let mut asked = world.bus.serve(LAST_WORDS_FILTER, "webhooks").await.unwrap();
    world.clock.advance_seconds(60);
    let request = asked.next().await.unwrap();
    assert_eq!(request.subject, last_words_subject(id));
    assert!(has_key().await);
    request.reply.send(Bytes::new());
    world.until("they are kept", async || !has_key().await).await;
}

#[tokio::test]
async fn a_delete_that_cannot_clean_up_is_still_answered() {
    let world = World::start().await;
    let id = world.instance("shop", 1_111_111_111).await;
    world.log.fail_after(1);
    world.accepted(&world.delete(id)).await;
    world.log.mend();
    let commits = world.commits(StreamKey::instance(id)).await;
    assert_eq!(commits.last().unwrap().receipts.len(), 1);
    let taken = world.create(&Wanted::named("shop", 2_222_222_222)).await;
    assert_eq!(rejected(taken), RejectionCodeV1::NameTaken, "until the process manager has cleaned up");
}
