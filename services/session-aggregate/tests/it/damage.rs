//! Damaged commits, and a log that lost some.

use std::sync::Arc;

use berth_bus::local::LocalBus;
use berth_domain::instance::UNLINK_SECONDS;
use berth_log::{
    ChainFault, ChainReport, EventLog, Expected, LogRead, NewCommit, Tombstone, decode_commit,
    memory::MemoryLog, verify,
};
use berth_proto::{
    AccountId, CommitV2, Hash, InstanceId, StreamKey, WriteVersion,
    codec::encode,
    command::{ConnectV1, DeleteV1, LogoutV1, ReportUnlinkedV1, ReportV1},
    commit::DamageV1,
    frame::{CommandReplyV1, RejectionCodeV1},
    instance::{MethodV1, PhaseV1},
};
use berth_runtime::{Clock, UniqueInAccount};
use berth_session_aggregate::Settings;

use crate::{
    accounts::{change, create, rotate},
    closing::{SETTLED_AFTER_SECONDS, close, is_gone, world_of_acme},
    world::{Wanted, World, accepted, rejected, unavailable},
};

/// Turns the commit that would be next into bytes that cannot be trusted.
type Damage = fn(CommitV2, InstanceId) -> Vec<u8>;

/// Kinds of damage; each is given the commit that would be next, and another instance.
const KINDS: [Damage; 4] = [
    |_, _| vec![0; 100],
    |commit, other| encode(&CommitV2 { stream: StreamKey::instance(other), ..commit }).unwrap(),
    |commit, _| encode(&CommitV2 { version: 77, ..commit }).unwrap(),
    |mut commit, _| {
        let berth_proto::commit::CarriedV1::Full(state) = &mut commit.state else { unreachable!() };
        state.version = 99;
        encode(&commit).unwrap()
    },
];

/// Puts bytes at the end of a stream, as nobody of ours would.
async fn append(world: &World, stream: StreamKey, bytes: Vec<u8>) {
    let tail = world.log.tail(&stream).await.unwrap().map(|stored| stored.tail);
    let expected = tail.map_or(Expected::Empty, Expected::After);
    let commit = NewCommit {
        stream,
        version: expected.next_version(),
        command_id: None,
        traceparent: None,
        payload: bytes.into(),
    };
    world.log.append(commit, expected).await.unwrap();
}

/// Puts damage of a kind at the end of an instance's stream. The version of the last good commit, and its bytes.
async fn damage(world: &World, id: InstanceId, kind: Damage) -> (u64, Vec<u8>) {
    let last = world.commits(StreamKey::instance(id)).await.pop().unwrap();
    let good = last.version;
    let bytes = kind(CommitV2 { version: good + 1, ..last }, world.new_id());
    append(world, StreamKey::instance(id), bytes.clone()).await;
    (good, bytes)
}

#[tokio::test]
async fn only_an_instance_whose_last_commit_is_damaged_refuses_commands() {
    let world = World::start().await;
    let other = world.instance("other", 9_999_999_999).await;
    for (index, kind) in (0_u64..).zip(KINDS) {
        let id = world.instance(&format!("shop-{index}"), 1_000_000_000 + index).await;
        damage(&world, id, kind).await;
        // A keyed command would append to the state in memory; the conflict makes it look.
        let logout = world.keyed(id, LogoutV1 {}, &format!("k-{index}"));
        assert_eq!(world.rejected(&logout).await, RejectionCodeV1::Damaged, "kind {index}");
        assert_eq!(world.rejected(&world.logout(id)).await, RejectionCodeV1::Damaged, "kind {index}");
    }
    world.accepted(&world.logout(other)).await;
}

#[tokio::test]
async fn older_damage_blocks_nothing() {
    let world = World::start().await;
    let id = world.linked("shop", 1_111_111_111).await;
    damage_before_the_end(&world, StreamKey::instance(id)).await;
    world.accepted(&world.logout(id)).await;
}

/// Puts a damaged commit at the end of a stream, and behind it a good one with the same state.
async fn damage_before_the_end(world: &World, stream: StreamKey) {
    let good = world.commits(stream).await.pop().unwrap();
    append(world, stream, vec![0; 100]).await;
    append(world, stream, encode(&CommitV2 { version: good.version + 2, ..good }).unwrap()).await;
}

#[tokio::test]
async fn an_account_with_older_damage_is_changed_and_closed() {
    let world = world_of_acme().await;
    world.linked("shop", 1_111_111_111).await;
    damage_before_the_end(&world, StreamKey::account(world.account)).await;

    let renaming = change(&world, 1, Some("acme-2"), None);
    assert!(!world.accepted(&renaming).await.replayed);
    assert!(world.accepted(&renaming).await.replayed, "what can be read is known as before");
    world.accepted(&rotate(&world, 1, "t2")).await;
    let closing = close(&world);
    assert!(!world.accepted(&closing).await.replayed);
    world.clock.advance_seconds(SETTLED_AFTER_SECONDS);
    world.until("the account is gone", async || is_gone(&world).await).await;
    // Everything that it ever had is free again.
    world.accepted(&create(&world, 2, "acme", "t1")).await;
    world.accepted(&create(&world, 3, "acme-2", "t2")).await;
    assert!(world.accepted(&closing).await.replayed);
}

#[tokio::test]
async fn what_a_newer_release_wrote_of_an_account_is_no_damage() {
    let world = world_of_acme().await;
    let stream = StreamKey::account(world.account);
    let renaming = change(&world, 1, Some("acme-2"), None);
    world.accepted(&renaming).await;
    let good = world.commits(stream).await.pop().unwrap();
    append(&world, stream, of_a_newer_release(&good)).await;
    append(&world, stream, encode(&CommitV2 { version: good.version + 2, ..good }).unwrap()).await;
    let appended = world.log.appended();
    // The receipt that cannot be read may be that of any command.
    for command in [&renaming, &rotate(&world, 1, "t2")] {
        assert_eq!(world.rejected(command).await, RejectionCodeV1::Damaged);
    }
    assert_eq!(world.log.appended(), appended);
}

/// The commit after this one, in a version that this release does not know.
fn of_a_newer_release(before: &CommitV2) -> Vec<u8> {
    let mut bytes = encode(&CommitV2 { version: before.version + 1, ..before.clone() }).unwrap();
    *bytes.get_mut(5).unwrap() += 1;
    let (before, checksum) = bytes.split_last_chunk_mut::<16>().unwrap();
    *checksum = *Hash::of_bytes(before).0.first_chunk().unwrap();
    bytes
}

#[tokio::test]
async fn the_create_of_an_account_whose_first_commit_is_damaged_is_not_answered_with_something_else() {
    let mut world = World::start().await;
    world.account = AccountId::from_bytes([1; 16]);
    let creation = create(&world, 1, "acme", "t1");
    append(&world, StreamKey::account(world.account), vec![0; 100]).await;
    let other = create(&world, 2, "other", "t2");
    world.accepted(&other).await;
    let good = world.commits(StreamKey::account(AccountId::from_bytes([2; 16]))).await.pop().unwrap();
    let stream = StreamKey::account(world.account);
    append(&world, stream, encode(&CommitV2 { stream, version: 2, ..good }).unwrap()).await;
    assert_eq!(world.rejected(&creation).await, RejectionCodeV1::Damaged);
    world.accepted(&rotate(&world, 1, "t3")).await;
}

#[tokio::test]
async fn a_damaged_instance_is_deleted() {
    a_damaged_instance_can_be_deleted(World::without_replica().await).await;
}

/// On any engine: a delete leaves nothing of an instance whose last commit is damaged, and says what it knew of it.
pub(crate) async fn a_damaged_instance_can_be_deleted(mut world: World) {
    world.add_replica().await;
    for (index, kind) in (0_u64..).zip(KINDS) {
        let (name, number) = (format!("shop-{index}"), 1_000_000_000 + index);
        let wanted = Wanted { alias: Some(format!("ext-{index}")), ..Wanted::named(&name, number) };
        let id = accepted(world.create(&wanted).await).stream_id.instance();
        world.link(id, 1).await;
        let (good, bytes) = damage(&world, id, kind).await;
        assert_eq!(world.rejected(&world.logout(id)).await, RejectionCodeV1::Damaged);
        // It asks for an end of the session first, which nobody could do.
        let delete = world.keyed(id, DeleteV1 { only_without_session: true }, &name);
        assert!(!world.accepted(&delete).await.replayed);

        let state = world.state(id).await.unwrap();
        assert!(matches!(state.phase, PhaseV1::Deleted { .. }));
        assert_eq!(state.number, number, "what is known is that of the last good commit");
        assert!(world.keys.key(id.as_bytes()).await.unwrap().is_none(), "the data key is destroyed");
        let entry = world.account_entry(UniqueInAccount::Name, &name).await;
        for entry in [
            entry,
            world.account_entry(UniqueInAccount::Alias, &format!("ext-{index}")).await,
            world.token_entry(&wanted.token),
            world.number_entry(number),
        ] {
            assert_eq!(world.holder(entry).await, None);
        }
        assert!(world.accepted(&delete).await.replayed);
        let after = world.rejected(&world.logout(id)).await;
        assert_eq!(after, RejectionCodeV1::Deleted, "it is a tombstone as any other");
        let report = ReportV1 { attempt: 1, epoch: 1, number: 9 };
        world.accepted(&world.report(id, ReportUnlinkedV1 { report, abandoned: None })).await;
        assert!(!world.has_device_keys(id, 1).await, "the device is still unlinked");
        knows(&world, id, good, Hash::of_bytes(&bytes)).await;
        accepted(world.create(&wanted).await);
    }
    world.stop().await;
}

/// The damage stays a named fault, and the commit behind it says what it was built on.
async fn knows(world: &World, id: InstanceId, good: u64, stored: Hash) {
    let report = verify(&*world.log, &StreamKey::instance(id)).await.unwrap();
    let damage = DamageV1 { version: good + 1, stored: Some(stored), good_version: good };
    let ChainReport { commits, last_hash, fault, tombstone } = report;
    assert!(matches!(fault, Some(ChainFault { version, .. }) if version == good + 1), "{fault:?}");
    assert_eq!((commits, tombstone), (good, Some(Tombstone { version: good + 2, damage })));
    let page = world.log.read(&StreamKey::instance(id), good + 1, 1).await.unwrap();
    assert_eq!(
        decode_commit(page.first().unwrap()).unwrap().previous,
        last_hash,
        "it follows the last good commit"
    );
}

#[tokio::test]
async fn a_delete_passes_over_every_damaged_commit_at_the_end() {
    let world = World::start().await;
    let id = world.linked("shop", 1_111_111_111).await;
    let (good, bytes) = damage(&world, id, KINDS[0]).await;
    append(&world, StreamKey::instance(id), vec![1; 3]).await;
    append(&world, StreamKey::instance(id), vec![2; 3]).await;
    world.accepted(&world.delete(id)).await;
    let report = verify(&*world.log, &StreamKey::instance(id)).await.unwrap();
    let damage = DamageV1 { version: good + 1, stored: Some(Hash::of_bytes(&bytes)), good_version: good };
    assert_eq!(report.tombstone, Some(Tombstone { version: good + 4, damage }));
}

#[tokio::test]
async fn a_damaged_instance_is_deleted_on_the_present_clock() {
    let world = World::start().await;
    world.clock.advance_seconds(30 * 24 * 60 * 60);
    let id = world.linked("shop", 1_111_111_111).await;
    damage(&world, id, KINDS[0]).await;
    world.clock.advance_seconds(-30 * 24 * 60 * 60);
    world.accepted(&world.delete(id)).await;
    let state = world.state(id).await.unwrap();
    let latest = world.clock.now().plus_seconds(UNLINK_SECONDS);
    assert!(state.unlinks.iter().any(|unlink| unlink.deadline <= latest), "not a month later");
}

#[tokio::test]
async fn only_whoever_owns_a_damaged_instance_deletes_it() {
    let world = World::start().await;
    let id = world.instance("shop", 1_111_111_111).await;
    damage(&world, id, KINDS[0]).await;
    let stranger = berth_proto::AccountId::from_bytes([9; 16]);
    let principal = berth_proto::commit::PrincipalV1::Account { account: stranger };
    let foreign = berth_proto::frame::CommandRequestV1 { principal, ..world.delete(id) };
    assert_eq!(world.rejected(&foreign).await, RejectionCodeV1::NotFound);
    assert_eq!(world.rejected(&world.logout(id)).await, RejectionCodeV1::Damaged, "nothing was appended");
}

#[tokio::test]
async fn an_instance_that_was_deleted_before_it_was_damaged_stays_deleted() {
    let world = World::start().await;
    let id = world.instance("shop", 1_111_111_111).await;
    let delete = world.keyed(id, DeleteV1 { only_without_session: false }, "d");
    world.accepted(&delete).await;
    append(&world, StreamKey::instance(id), vec![0; 100]).await;
    assert_eq!(world.rejected(&world.logout(id)).await, RejectionCodeV1::Damaged);
    assert!(world.accepted(&delete).await.replayed);
    assert_eq!(world.rejected(&world.delete(id)).await, RejectionCodeV1::Deleted);
    assert!(matches!(world.state(id).await.unwrap().phase, PhaseV1::Deleted { .. }));
}

#[tokio::test]
async fn an_instance_of_which_nothing_can_be_read_is_deleted_by_what_the_directory_has() {
    let world = World::start().await;
    let wanted = Wanted { alias: Some("ext".to_owned()), ..Wanted::named("shop", 1_111_111_111) };
    let (id, create) = world.create_request(&wanted).await;
    // Everything is reserved, and the first commit of the instance is none.
    world.log.fail_after(4);
    assert!(matches!(world.send(&create).await, CommandReplyV1::Unavailable { .. }));
    world.log.mend();
    append(&world, StreamKey::instance(id), vec![7; 50]).await;
    let entries = [
        world.account_entry(UniqueInAccount::Name, "shop").await,
        world.account_entry(UniqueInAccount::Alias, "ext").await,
        world.token_entry(&wanted.token),
        world.number_entry(wanted.number),
    ];
    for entry in entries {
        assert_eq!(world.holder(entry).await, Some(id));
    }
    let stranger = berth_proto::AccountId::from_bytes([9; 16]);
    let principal = berth_proto::commit::PrincipalV1::Account { account: stranger };
    let foreign = berth_proto::frame::CommandRequestV1 { principal, ..world.delete(id) };
    assert_eq!(world.rejected(&foreign).await, RejectionCodeV1::NotFound);

    let delete = world.keyed(id, DeleteV1 { only_without_session: false }, "d");
    world.accepted(&delete).await;
    for entry in entries {
        assert_eq!(world.holder(entry).await, None);
    }
    assert!(world.keys.key(id.as_bytes()).await.unwrap().is_none());
    let state = world.state(id).await.unwrap();
    assert!(matches!(state.phase, PhaseV1::Deleted { .. }));
    assert_eq!((state.account, state.number), (world.account, 0));
    assert!(world.accepted(&delete).await.replayed);
    knows(&world, id, 0, Hash::of_bytes(&[7; 50])).await;
    assert_ne!(accepted(world.create(&wanted).await).stream_id.instance(), id);

    // Nobody knows whose that one is.
    let nobodys = world.new_id();
    append(&world, StreamKey::instance(nobodys), vec![7; 50]).await;
    assert_eq!(world.rejected(&world.delete(nobodys)).await, RejectionCodeV1::Damaged);
}

#[tokio::test]
async fn a_deployment_that_writes_older_formats_refuses_to_delete_a_damaged_instance() {
    let mut world = World::without_replica().await;
    let oldest = Settings { write_version: WriteVersion::OLDEST, ..Settings::default() };
    world.add_replica_with(oldest).await;
    let id = world.instance("shop", 1_111_111_111).await;
    damage(&world, id, KINDS[0]).await;
    let before = world.log.appended();
    assert_eq!(world.rejected(&world.delete(id)).await, RejectionCodeV1::UpgradeNeeded);
    assert_eq!(world.log.appended(), before);
    world.crash().await;
    world.add_replica().await;
    world.accepted(&world.delete(id)).await;
    assert_eq!(rejected(world.send(&world.delete(id)).await), RejectionCodeV1::Deleted);
}

#[tokio::test]
async fn nothing_is_built_on_a_log_that_lost_commits() {
    let folder = tempfile::tempdir().unwrap();
    let mut world =
        World::over_in(folder.path(), Arc::new(MemoryLog::new(1)), Arc::new(LocalBus::new())).await;
    world.add_replica().await;
    for number in 0..5 {
        world.instance(&format!("shop-{number}"), 1_000_000_000 + number).await;
    }
    // The attempt below can be ended only by a view that has followed so far.
    let id = world.instance("shop", 1_111_111_111).await;
    world.accepted(&world.request(id, ConnectV1 { method: MethodV1::Qr })).await;
    world.clock.advance_seconds(200);
    world
        .until("the view has followed", async || {
            matches!(world.state(id).await.unwrap().phase, PhaseV1::Created)
        })
        .await;
    world.stop().await;
    drop(world);
    let lost = Arc::new(MemoryLog::new(1));
    let mut world = World::over_in(folder.path(), lost, Arc::new(LocalBus::new())).await;
    world.add_replica().await;
    world.until("the loss is noticed", async || !world.ready()).await;
    let (_, create) = world.create_request(&Wanted::named("shop", 1_111_111_111)).await;
    assert!(unavailable(&world.send(&create).await));
    assert_eq!(world.log.appended(), 0);
}
