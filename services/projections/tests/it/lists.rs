//! Lists say what the log says, page by page, whatever happens to the view.

use std::sync::Arc;

use berth_log::{EventLog, Expected, NewCommit, SharedCommit};
use berth_proto::{
    AccountId, CommitV2, DirectoryId, Hash, InstanceId, Kind, RecordV1, Sealed, StreamKey, Timestamp,
    account::{AccountCreatedV1, AccountEvent, AccountStateV1},
    codec::encode,
    query::{InstanceQueryV1, QueryReplyV1, QueryV1},
};
use berth_runtime::Lifecycle;
use berth_views::{ApplyError, Asked, Rows, View, ViewOptions, ViewState};

use crate::{
    late_log::LateLog,
    world::{SECRET, World, account, all, instance, until},
};

/// Instances of account 1, every seventh linked, every fifth logged out, every eleventh deleted, one of
/// account 2 between any two.
async fn populate(world: &World, count: u16) -> Vec<InstanceId> {
    let mut alive = Vec::new();
    for number in 0..count {
        let (ours, other) = (instance(number * 2), instance(number * 2 + 1));
        world.create(ours, account(1), &format!("Loja {number}")).await;
        world.create(other, account(2), &format!("Shop {number}")).await;
        if number % 7 == 0 || number % 5 == 0 {
            world.link(ours, &format!("55119{number:05}"), &format!("Ana {number}")).await;
        }
        if number % 5 == 0 {
            world.log_out(ours).await;
        }
        if number % 11 == 0 {
            world.erase(ours).await;
        } else {
            alive.push(ours);
        }
    }
    alive
}

fn with_states(states: &[&str], limit: u16) -> InstanceQueryV1 {
    InstanceQueryV1 { states: states.iter().map(|&state| state.to_owned()).collect(), ..all(1, limit) }
}

async fn is_as_the_log_says(world: &World, alive: &[InstanceId]) {
    for limit in [1, 7, 100, 500] {
        world.finds(&all(1, limit), alive).await;
    }
    let page = world.page(&all(1, 500)).await;
    let rows: Vec<_> = page.rows.into_iter().map(|row| (row.id.instance(), row.version, row.state)).collect();
    assert_eq!(rows, world.reference(alive).await);
    assert_eq!((page.more, page.total, page.lag_ms), (false, Some(alive.len() as u64), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_what_the_log_says() {
    let world = World::new().await;
    let replica = world.start("one").await;
    let alive = populate(&world, 60).await;
    is_as_the_log_says(&world, &alive).await;

    let number = |id: &InstanceId| u16::from(id.as_bytes()[2]) / 2;
    let logged_out: Vec<_> = alive.iter().copied().filter(|id| number(id) % 5 == 0).collect();
    world.finds(&with_states(&["logged_out"], 3), &logged_out).await;
    let linked: Vec<_> =
        alive.iter().copied().filter(|id| number(id) % 7 == 0 && number(id) % 5 != 0).collect();
    world.finds(&with_states(&["linked"], 3), &linked).await;
    let mut either = [linked, logged_out].concat();
    either.sort();
    world.finds(&with_states(&["linked", "logged_out"], 3), &either).await;
    let deleted: Vec<_> =
        (0..60).filter(|number| number % 11 == 0).map(|number| instance(number * 2)).collect();
    world.finds(&with_states(&["deleted"], 3), &deleted).await;
    let everything: Vec<_> = (0..60).map(|number| instance(number * 2)).collect();
    world.finds(&InstanceQueryV1 { with_deleted: true, ..all(1, 9) }, &everything).await;
    let everyone: Vec<_> = (0..120).map(instance).collect();
    let root = InstanceQueryV1 { account: None, with_deleted: true, ..all(1, 50) };
    world.finds(&root, &everyone).await;
    world.finds(&all(3, 10), &[]).await;
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_the_version_of_the_last_commit_whether_it_has_events_or_not() {
    let world = World::new().await;
    let mut replica = world.start("one").await;
    world.create(instance(1), account(1), "Loja").await;
    let shows = async |version: u64| {
        until("the list shows the version", || async {
            let page = world.page(&all(1, 1)).await;
            (page.rows.first().map(|row| row.version) == Some(version)).then_some(())
        })
        .await;
        assert_eq!(world.page(&all(1, 1)).await.rows[0].version, world.reference(&[instance(1)]).await[0].1);
    };
    world.append(instance(1), &[]).await;
    shows(2).await;
    world.connect(instance(1)).await;
    shows(3).await;
    world.append(instance(1), &[]).await;
    shows(4).await;
    replica.stop().await;
    replica = world.start("one").await;
    shows(4).await;
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_folder_is_built_anew_and_a_restart_goes_on() {
    let world = World::new().await;
    let replica = world.start("one").await;
    let alive = populate(&world, 30).await;
    is_as_the_log_says(&world, &alive).await;
    replica.stop().await;
    std::fs::remove_dir_all(world.folder("one").join("records")).unwrap();
    let replica = world.start("one").await;
    is_as_the_log_says(&world, &alive).await;
    replica.stop().await;
    let replica = world.start("one").await;
    is_as_the_log_says(&world, &alive).await;
    world.finds(&InstanceQueryV1 { text: Some("loja 7".into()), ..all(1, 10) }, &[instance(14)]).await;
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passed_deadline_shows_before_anybody_records_it() {
    let world = World::new().await;
    let replica = world.start("one").await;
    let id = instance(1);
    world.create(id, account(1), "Loja").await;
    world.connect(id).await;
    world.finds(&with_states(&["connecting"], 10), &[id]).await;
    world.finds(&with_states(&["created"], 10), &[]).await;
    world.clock.advance_seconds(600);
    world.finds(&with_states(&["connecting"], 10), &[]).await;
    world.finds(&with_states(&["created"], 10), &[id]).await;
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_counted_as_readers_see_them() {
    let world = World::new().await;
    let replica = world.start("one").await;
    let alive = populate(&world, 60).await;
    is_as_the_log_says(&world, &alive).await;
    // More than are read at once, and some whose deadline passes.
    for number in 200..1_300 {
        world.create(instance(number), account(3), "Loja").await;
    }
    world.connect(instance(200)).await;
    let counts = async |of: u8| match world.ask(&QueryV1::Counts { account: account(of) }).await {
        QueryReplyV1::Counts(counts) => counts.states,
        other => panic!("no counts but {other:?}"),
    };
    let said =
        |words: &[(&str, u64)]| words.iter().map(|(word, n)| ((*word).to_owned(), *n)).collect::<Vec<_>>();
    until("everything is counted", || async {
        (counts(3).await == said(&[("connecting", 1), ("created", 1_099)])).then_some(())
    })
    .await;
    let mut sums = 0;
    for (word, count) in counts(1).await {
        let states = with_states(&[word.as_str()], 500);
        assert_eq!(world.page(&states).await.rows.len() as u64, count, "{word}");
        sums += count;
    }
    assert_eq!(sums, 60, "deleted ones too");
    world.clock.advance_seconds(600);
    assert_eq!(counts(3).await, said(&[("created", 1_100)]));
    assert_eq!(counts(9).await, said(&[]));
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_found_by_sealed_texts_until_they_are_erased() {
    let world = World::new().await;
    world.create(instance(1), account(1), "Padaria São João").await;
    let replica = world.start("one").await;
    world.create(instance(2), account(1), "Mercado").await;
    world.link(instance(2), "5511987654321", "João da Silva").await;
    world.create(instance(3), account(2), "João alheio").await;
    let text = |text: &str| InstanceQueryV1 { text: Some(text.to_owned()), ..all(1, 10) };
    let phone = |phone: &str| InstanceQueryV1 { phone: Some(phone.to_owned()), ..all(1, 10) };

    world.finds(&text("JOÃO"), &[instance(1), instance(2)]).await;
    world.finds(&InstanceQueryV1 { limit: 1, ..text("joão") }, &[instance(1), instance(2)]).await;
    world.finds(&text("987654"), &[instance(2)]).await;
    world.finds(&text("1000000001"), &[instance(1)]).await;
    world.finds(&phone("5511987654321"), &[instance(2)]).await;
    world.finds(&phone("551198765432"), &[]).await;
    world.finds(&InstanceQueryV1 { states: vec!["created".into()], ..text("joão") }, &[instance(1)]).await;
    world.finds(&InstanceQueryV1 { account: None, ..text("joão") }, &[1, 2, 3].map(instance)).await;

    world.log_out(instance(2)).await;
    world.erase(instance(2)).await;
    world.finds(&text("joão"), &[instance(1)]).await;
    world.finds(&phone("5511987654321"), &[]).await;
    world.finds(&InstanceQueryV1 { with_deleted: true, ..text("joão") }, &[instance(1)]).await;
    replica.stop().await;
    let replica = world.start("one").await;
    world.finds(&text("joão"), &[instance(1)]).await;
    replica.stop().await;

    for clear in [SECRET, "Padaria", "padaria", "987654321", "Silva"] {
        assert!(!world.leaks("one", clear), "{clear} stands in a file");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_was_given_up_is_found_by_nothing() {
    let world = World::new().await;
    let replica = world.start("one").await;
    world.abandon(instance(1), account(1)).await;
    world.create(instance(2), account(1), "Mercado").await;
    let everything = InstanceQueryV1 { with_deleted: true, ..all(1, 10) };
    world.finds(&everything, &[instance(2)]).await;
    // Every text has a number in it.
    world.finds(&InstanceQueryV1 { text: Some("1".to_owned()), ..everything }, &[instance(2)]).await;
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_answer_and_either_may_die() {
    let world = World::new().await;
    let (one, two) = (world.start("one").await, world.start("two").await);
    let alive = populate(&world, 20).await;
    // Both must have caught up: enough questions in a row reach either.
    until("both replicas answer alike", || async {
        for _ in 0..8 {
            if world.ids(&all(1, 500)).await != alive {
                return None;
            }
        }
        Some(())
    })
    .await;
    one.stop().await;
    is_as_the_log_says(&world, &alive).await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_reads_the_log_is_not_asked_until_it_has() {
    let world = World::new().await;
    let one = world.start("one").await;
    let alive = populate(&world, 10).await;
    world.finds(&all(1, 500), &alive).await;
    let log = Arc::new(LateLog::over(world.log.clone()));
    let two = world.start_on(log.clone(), &world.folder("two")).await;
    for _ in 0..8 {
        assert_eq!(world.ids(&all(1, 500)).await, alive, "the other one is asked");
    }
    assert!(!two.handle.ready());
    assert_eq!(two.handle.status(), "building the record view from the log");
    log.answer();
    until("the other is ready", || async { two.handle.ready().then_some(()) }).await;
    one.stop().await;
    world.finds(&all(1, 500), &alive).await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_answered_while_their_view_is_built_anew() {
    let world = World::new().await;
    let replica = world.start("one").await;
    let alive = populate(&world, 40).await;
    world.finds(&all(1, 500), &alive).await;
    let view = replica.handle.view();
    assert_eq!(view.rebuild(), Asked::Begun);
    let text = InstanceQueryV1 { text: Some("loja".to_owned()), ..all(1, 500) };
    while view.rebuilding().unwrap().ended.is_none() {
        assert_eq!(world.ids(&all(1, 500)).await, alive, "nobody is left out");
        assert_eq!(world.ids(&text).await, alive);
    }
    assert_eq!(view.rebuilding().unwrap().ended.unwrap().failure, None);
    is_as_the_log_says(&world, &alive).await;
    world.create(instance(200), account(1), "Loja nova").await;
    world.finds(&InstanceQueryV1 { text: Some("nova".to_owned()), ..all(1, 500) }, &[instance(200)]).await;
    replica.stop().await;
}

/// Rows of the record view as a release would write them that has a fault: none.
#[derive(Debug)]
struct Forgets;

impl View for Forgets {
    fn name(&self) -> &'static str {
        "records"
    }

    fn schema(&self) -> u32 {
        3
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Instance, Kind::Account]
    }

    fn apply(&self, _: &SharedCommit, _: &CommitV2, _: &mut dyn Rows) -> Result<(), ApplyError> {
        Ok(())
    }

    fn quiet(&self) -> Arc<dyn View> {
        Arc::new(Self)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sound_rows_left_out_is_listed_and_found_by_its_text_once_they_are_built_anew() {
    let world = World::new().await;
    let alive = populate(&world, 12).await;
    let (life, log) = (Lifecycle::new(), Arc::new(world.log.clone()));
    let options = ViewOptions::new(world.clock.clone());
    let view = berth_views::open(log, &world.folder("one"), Arc::new(Forgets), options, &life).await.unwrap();
    until("it has read the log", || async { (view.state() == ViewState::Live).then_some(()) }).await;
    drop(view);
    assert!(life.shut_down().await);

    let replica = world.start("one").await;
    let text = InstanceQueryV1 { text: Some("loja".to_owned()), ..all(1, 500) };
    assert!(world.ids(&all(1, 500)).await.is_empty(), "nothing shows that the rows are wrong");
    assert!(world.ids(&text).await.is_empty());
    assert_eq!(replica.handle.view().rebuild(), Asked::Begun);
    world.finds(&all(1, 500), &alive).await;
    world.finds(&text, &alive).await;
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_makes_no_sense_is_told_so() {
    let world = World::new().await;
    let replica = world.start("one").await;
    for query in [all(1, 0), with_states(&["open"], 10)] {
        let reply = world.ask(&QueryV1::Instances(query)).await;
        assert!(matches!(reply, QueryReplyV1::Invalid { .. }), "{reply:?}");
    }
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_listed() {
    let world = World::new().await;
    let replica = world.start("one").await;
    for number in 1..=3 {
        create_account(&world, account(number)).await;
    }
    let list = |after: Option<AccountId>, limit| {
        let world = &world;
        async move {
            match world.ask(&QueryV1::Accounts { after, limit }).await {
                QueryReplyV1::Page(page) => {
                    (page.rows.iter().map(|row| row.id.as_bytes()[0]).collect::<Vec<_>>(), page.more)
                }
                other => panic!("no page but {other:?}"),
            }
        }
    };
    until("all accounts are listed", || async {
        (list(None, 10).await == (vec![1, 2, 3], false)).then_some(())
    })
    .await;
    assert_eq!(list(None, 2).await, (vec![1, 2], true));
    assert_eq!(list(Some(account(2)), 2).await, (vec![3], false));
    replica.stop().await;
}

/// An account as the first release wrote it.
async fn create_account(world: &World, id: AccountId) {
    let entry = DirectoryId::from_bytes([0; 16]);
    let sealed = || Sealed(b"sealed".to_vec());
    let created = AccountCreatedV1 { name: sealed(), token: sealed(), token_entry: entry, name_entry: entry };
    let state = AccountStateV1 {
        created_at: Timestamp(1),
        updated_at: Timestamp(1),
        name: sealed(),
        token: sealed(),
        token_entry: entry,
        name_entry: entry,
        credential_version: 1,
    };
    let stream = StreamKey::account(id);
    let commit = berth_proto::CommitV1 {
        stream,
        version: 1,
        previous: Hash([0; 32]),
        occurred_at: Timestamp(1),
        receipts: Vec::new(),
        events: vec![AccountEvent::from(created).to_record().unwrap()],
        state: RecordV1::of(&state).unwrap(),
    };
    let payload = encode(&commit).unwrap().into();
    let commit = NewCommit { stream, version: 1, command_id: None, traceparent: None, payload };
    world.log.append(commit, Expected::Empty).await.unwrap();
}
