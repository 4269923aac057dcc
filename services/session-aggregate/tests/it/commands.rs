//! Commands for one instance: once each, together in a commit, never on a stale state.

use std::{collections::HashSet, sync::Arc};

use berth_domain::instance::forgetful;
use berth_proto::{
    Hash, InstanceId, RecordV1, StreamKey,
    command::{ChangeSettingsV1, ConnectV1, LogoutV1, ReconnectV1, ReportOpenV1, ReportV1},
    commit::{OutcomeCodeV1, PrincipalV1},
    frame::{CommandReplyV1, CommandRequestV1, RejectionCodeV1},
    instance::{InstanceStateV1, MethodV1, PhaseV1, SettingsBlockV1},
    limits,
};
use futures::future::join_all;

use crate::world::{World, accepted, rejected, unavailable};

const CONNECT: ConnectV1 = ConnectV1 { method: MethodV1::Qr };

fn settings(owner: &str, bytes: usize) -> ChangeSettingsV1 {
    let body = berth_proto::Sealed(vec![7; bytes]);
    ChangeSettingsV1 { block: SettingsBlockV1 { owner: owner.to_owned(), body }, expected: None }
}

#[tokio::test]
async fn an_acknowledged_command_is_in_the_log_with_its_receipt() {
    let world = World::start().await;
    let id = world.linked("shop", 1_111_111_111).await;
    let logout = world.keyed(id, LogoutV1 {}, "k-1");
    let done = world.accepted(&logout).await;
    assert_eq!(done.outcome.code, OutcomeCodeV1::Applied);
    let commits = world.commits(StreamKey::instance(id)).await;
    let last = commits.last().unwrap();
    // What is remembered of commands is told to nobody.
    let told = forgetful(&last.full_state().unwrap().open().unwrap());
    assert_eq!((last.version, RecordV1::of(&told).unwrap()), (done.version, done.state));
    assert_eq!(last.receipts.len(), 1);
    assert_eq!(last.receipts[0].command_id, logout.command_id);
    assert_eq!(usize::from(last.receipts[0].event_count), last.events.len());
    world.verify(id).await;
}

#[tokio::test]
async fn a_keyed_command_happens_once_over_restarts() {
    let mut world = World::start().await;
    let id = world.linked("shop", 1_111_111_111).await;
    let logout = world.keyed(id, LogoutV1 {}, "k-1");
    let first = world.accepted(&logout).await;
    world.accepted(&world.request(id, CONNECT)).await;
    world.stop().await;
    world.add_replica().await;
    let again = world.accepted(&logout).await;
    assert!(again.replayed && !first.replayed);
    assert_eq!(again.outcome, first.outcome);
    assert!(again.version > first.version, "the state is the present one");
    let other = CommandRequestV1 { digest: Hash([9; 32]), ..logout };
    assert_eq!(world.rejected(&other).await, RejectionCodeV1::KeyReused);
}

#[tokio::test]
async fn a_keyed_command_that_changes_nothing_is_stored_and_one_without_a_key_is_not() {
    let world = World::start().await;
    let id = world.instance("shop", 1_111_111_111).await;
    let before = world.log.appended();
    let quiet = world.accepted(&world.logout(id)).await;
    assert_eq!((quiet.outcome.code, world.log.appended()), (OutcomeCodeV1::Unchanged, before));
    let keyed = world.keyed(id, LogoutV1 {}, "k");
    assert_eq!(world.accepted(&keyed).await.outcome.code, OutcomeCodeV1::Unchanged);
    assert_eq!(world.log.appended(), before + 1);
    assert!(world.accepted(&keyed).await.replayed);
    assert_eq!(world.log.appended(), before + 1);
}

#[tokio::test]
async fn the_last_thirty_two_keys_are_remembered() {
    let world = World::start().await;
    let id = world.instance("shop", 1_111_111_111).await;
    let keys: Vec<String> = (0..limits::KEYED_RECEIPTS_MAX).map(|number| format!("k-{number}")).collect();
    for key in &keys {
        world.accepted(&world.keyed(id, LogoutV1 {}, key)).await;
    }
    for key in &keys {
        assert!(world.accepted(&world.keyed(id, LogoutV1 {}, key)).await.replayed, "{key}");
    }
    world.verify(id).await;
}

#[tokio::test]
async fn commands_at_once_share_commits_and_each_happens_once() {
    let world = World::start().await;
    let id = world.instance("shop", 1_111_111_111).await;
    let requests: Vec<_> = (0..64)
        .map(|number| world.keyed(id, settings("native", number + 1), &format!("k-{number}")))
        .collect();
    let replies = join_all(requests.iter().map(|request| world.send(request))).await;
    let versions: HashSet<u64> = replies.into_iter().map(|reply| accepted(reply).version).collect();
    let commits = world.commits(StreamKey::instance(id)).await;
    let stored: Vec<_> =
        commits.iter().flat_map(|commit| &commit.receipts).map(|receipt| receipt.command_id).collect();
    for request in &requests {
        assert_eq!(stored.iter().filter(|id| **id == request.command_id).count(), 1);
    }
    assert!(versions.len() < 32, "64 commands took {} commits", versions.len());
    world.verify(id).await;
}

#[tokio::test]
async fn a_rejected_command_does_not_reject_its_neighbours() {
    let world = World::start().await;
    let id = world.instance("shop", 1_111_111_111).await;
    let requests: Vec<_> = (0..20)
        .map(|number| {
            if number % 2 == 0 {
                world.request(id, settings("native", number + 1))
            } else {
                world.request(id, ReconnectV1 {})
            }
        })
        .collect();
    let replies = join_all(requests.iter().map(|request| world.send(request))).await;
    for (number, reply) in replies.into_iter().enumerate() {
        if number % 2 == 0 {
            accepted(reply);
        } else {
            assert_eq!(rejected(reply), RejectionCodeV1::NoSession);
        }
    }
    world.verify(id).await;
}

#[tokio::test]
async fn no_answer_rests_on_a_state_that_another_replica_has_changed() {
    let mut world = World::without_replica().await;
    let (one, two) = (new_bus(), new_bus());
    world.add_replica_on(Arc::clone(&one)).await;
    world.add_replica_on(Arc::clone(&two)).await;
    let (id, create) = world.create_request(&crate::world::Wanted::named("shop", 1_111_111_111)).await;
    accepted(world.send_on(&one, &create).await);
    // Each replica has the state in memory; the other one changes it.
    for _ in 0..5 {
        accepted(world.send_on(&one, &world.request(id, CONNECT)).await);
        let out = accepted(world.send_on(&two, &world.logout(id)).await);
        assert_eq!(
            out.outcome.code,
            OutcomeCodeV1::Applied,
            "the attempt that the other replica started ends"
        );
        let out = accepted(world.send_on(&one, &world.logout(id)).await);
        assert_eq!(out.outcome.code, OutcomeCodeV1::Unchanged);
    }
    world.verify(id).await;
}

#[tokio::test]
async fn the_same_key_through_two_replicas_at_once_is_one_commit() {
    let mut world = World::without_replica().await;
    let (one, two) = (new_bus(), new_bus());
    world.add_replica_on(Arc::clone(&one)).await;
    world.add_replica_on(Arc::clone(&two)).await;
    let (id, create) = world.create_request(&crate::world::Wanted::named("shop", 1_111_111_111)).await;
    accepted(world.send_on(&one, &create).await);
    for round in 0..20 {
        let request = world.keyed(id, settings("native", round + 1), &format!("k-{round}"));
        let (left, right) = tokio::join!(world.send_on(&one, &request), world.send_on(&two, &request));
        assert_eq!(accepted(left).outcome, accepted(right).outcome);
        let commits = world.commits(StreamKey::instance(id)).await;
        let receipts = commits.iter().flat_map(|commit| &commit.receipts);
        assert_eq!(receipts.filter(|receipt| receipt.command_id == request.command_id).count(), 1);
    }
    world.verify(id).await;
}

fn new_bus() -> Arc<dyn berth_bus::Bus> {
    Arc::new(berth_bus::local::LocalBus::new())
}

#[tokio::test]
async fn reports_take_no_place_of_a_clients_receipt() {
    let world = World::start().await;
    let id = world.linked("shop", 1_111_111_111).await;
    let report = ReportV1 { attempt: 1, epoch: 1, number: 2 };
    world.accepted(&world.report(id, ReportOpenV1 { report })).await;
    let state = world.state(id).await.unwrap();
    assert_eq!(state.unkeyed.len(), 2, "the create and the connect");
    let commits = world.commits(StreamKey::instance(id)).await;
    assert_eq!(commits.last().unwrap().receipts[0].principal, PrincipalV1::Service);
}

#[tokio::test]
async fn another_accounts_instance_does_not_exist_and_an_old_token_is_refused() {
    let world = World::start().await;
    let id = world.instance("shop", 1_111_111_111).await;
    let of = |principal| CommandRequestV1 { principal, ..world.logout(id) };
    let stranger = berth_proto::AccountId::from_bytes([1; 16]);
    let reply = world.send(&of(PrincipalV1::Account { account: stranger })).await;
    let CommandReplyV1::Rejected(rejection) = reply else { panic!("{reply:?}") };
    assert_eq!((rejection.code, rejection.state), (RejectionCodeV1::NotFound, None));
    let shows = |credential_version| {
        of(PrincipalV1::Instance { account: world.account, instance: id, credential_version })
    };
    world.accepted(&shows(1)).await;
    world.accepted(&world.request(id, world.rotate(id, "second"))).await;
    assert_eq!(world.rejected(&shows(1)).await, RejectionCodeV1::StaleCredential);
    world.accepted(&shows(2)).await;
    let report = ReportV1 { attempt: 1, epoch: 1, number: 2 };
    let forged = world.request(id, ReportOpenV1 { report });
    assert_eq!(world.rejected(&forged).await, RejectionCodeV1::NotForSender, "a client sends no reports");
}

#[tokio::test]
async fn an_instance_that_never_was_is_not_found() {
    let world = World::start().await;
    let id = InstanceId::from_bytes([3; 16]);
    assert_eq!(world.rejected(&world.logout(id)).await, RejectionCodeV1::NotFound);
    assert_eq!(world.log.appended(), 0);
}

#[tokio::test]
async fn configuration_cannot_grow_until_a_logout_has_no_room() {
    let world = World::start().await;
    let id = world.linked("shop", 1_111_111_111).await;
    world.accepted(&world.request(id, settings("a", 40 * 1_024))).await;
    let more = world.request(id, settings("b", 10 * 1_024));
    assert_eq!(world.rejected(&more).await, RejectionCodeV1::StateTooLarge);
    for number in 0..40 {
        world.accepted(&world.keyed(id, LogoutV1 {}, &format!("k-{number}"))).await;
    }
    let state: InstanceStateV1 = world.state(id).await.unwrap();
    assert!(matches!(state.phase, PhaseV1::LoggedOut { .. }));
}

#[tokio::test]
async fn large_commands_at_once_are_spread_over_commits() {
    let world = World::start().await;
    let id = world.instance("shop", 1_111_111_111).await;
    let requests: Vec<_> =
        (0..12).map(|number| world.request(id, settings("native", 40 * 1_024 + number))).collect();
    for reply in join_all(requests.iter().map(|request| world.send(request))).await {
        accepted(reply);
    }
    world.verify(id).await;
}

#[tokio::test]
async fn a_log_that_takes_nothing_leaves_nothing_half_done() {
    let world = World::start().await;
    let id = world.linked("shop", 1_111_111_111).await;
    let before = world.state(id).await;
    let logout = world.keyed(id, LogoutV1 {}, "k");
    world.log.fill_up();
    let refused = world.send(&logout).await;
    assert!(matches!(refused, CommandReplyV1::NoRoom { .. }), "{refused:?}");
    world.log.mend();
    world.log.fail_after(0);
    assert!(unavailable(&world.send(&logout).await));
    assert_eq!(world.state(id).await, before);
    world.log.mend();
    let done = world.accepted(&logout).await;
    assert!(!done.replayed, "nothing had happened before");
    world.verify(id).await;
}

#[tokio::test]
async fn an_append_whose_answer_was_lost_is_found_by_the_retry() {
    let world = World::start().await;
    let id = world.linked("shop", 1_111_111_111).await;
    for request in [world.keyed(id, LogoutV1 {}, "k"), world.request(id, CONNECT)] {
        world.log.lose_next_answer();
        assert!(unavailable(&world.send(&request).await));
        let again = world.accepted(&request).await;
        assert!(again.replayed);
        assert_eq!(again.outcome.code, OutcomeCodeV1::Applied);
    }
    world.verify(id).await;
}

#[tokio::test]
async fn a_stop_answers_what_was_taken() {
    let mut world = World::start().await;
    let id = world.instance("shop", 1_111_111_111).await;
    let requests: Vec<_> = (0..200).map(|number| world.request(id, settings("native", number + 1))).collect();
    let bus = Arc::clone(&world.bus);
    let mut asked: Vec<_> = requests.iter().map(|request| Box::pin(world.send_on(&bus, request))).collect();
    // Every request is on its way before the service is told to stop.
    for one in &mut asked {
        assert!(futures::poll!(one.as_mut()).is_pending());
    }
    let answers = join_all(asked).await;
    assert!(answers.into_iter().all(|reply| matches!(reply, CommandReplyV1::Accepted(_))));
    world.stop().await;
}
