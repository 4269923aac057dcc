//! The contract of the log on a real NATS server, and what the server must survive.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::{
    self, Context,
    stream::{Config, DiscardPolicy, PersistenceMode},
};
use berth_log::{
    AppendError, EventLog, FollowError, Followed, LogRead, OneFollower, Position, damaged_tail,
    jetstream::{JetStreamLog, JetStreamOptions, OpenError},
    verify,
};
use berth_proto::{Kind, StreamKey, directory::DirectoryStateV1};
use berth_runtime::Lifecycle;
use berth_test_support::NatsServer;
use futures::StreamExt;

use crate::contract::{
    following::{commits, next, until_caught_up},
    history::{History, instance},
};

const OPTIONS: JetStreamOptions = JetStreamOptions { shards: 4, replicas: 1 };

/// The name of a setting, and how to make it dangerous.
type Change = (&'static str, fn(&mut Config));

struct Fixture {
    log: Arc<dyn EventLog>,
    _server: NatsServer,
}

async fn open() -> Fixture {
    let server = NatsServer::start().await;
    let log = Arc::new(open_server(&server).await);
    Fixture { log, _server: server }
}

async fn connect(server: &NatsServer) -> async_nats::Client {
    async_nats::ConnectOptions::new()
        .reconnect_delay_callback(|_| Duration::from_millis(50))
        .connect(server.url())
        .await
        .unwrap()
}

async fn open_server(server: &NatsServer) -> JetStreamLog {
    JetStreamLog::open(connect(server).await, OPTIONS).await.unwrap()
}

/// As a process has it: one follower, on a connection of its own.
async fn one_follower(server: &NatsServer) -> OneFollower {
    let (log, followed) = (open_server(server).await, open_server(server).await);
    OneFollower::new(Arc::new(log), Arc::new(followed), &Lifecycle::new())
}

async fn context(server: &NatsServer) -> Context {
    jetstream::new(connect(server).await)
}

fn shard_name(stream: &StreamKey) -> String {
    format!("BERTH_LOG_{}", stream.partition().shard(OPTIONS.shards))
}

crate::contract::contract!(open);

#[tokio::test]
async fn a_log_that_is_opened_again_is_the_same() {
    let server = NatsServer::start().await;
    let mut history = History::new(instance(1));
    history.grow(&open_server(&server).await, 10).await;
    let log = open_server(&server).await;
    history.grow(&log, 10).await;
    let report = verify(&log, &history.stream).await.unwrap();
    assert_eq!((report.commits, report.last_hash, report.fault), (20, history.last_hash, None));
}

#[tokio::test]
async fn replicas_that_start_together_make_one_log() {
    let server = NatsServer::start().await;
    let opened = futures::future::join_all((0..4).map(|_| open_server(&server))).await;
    let mut history = History::new(instance(1));
    for log in &opened {
        history.grow(log, 2).await;
    }
    assert_eq!(verify(&opened[0], &history.stream).await.unwrap().commits, 8);
}

#[tokio::test]
async fn another_number_of_shards_is_refused() {
    let server = NatsServer::start().await;
    open_server(&server).await;
    for asked in [2, 8] {
        let options = JetStreamOptions { shards: asked, replicas: 1 };
        let refused = JetStreamLog::open(connect(&server).await, options).await;
        assert!(
            matches!(&refused, Err(OpenError::Shards { recorded, .. }) if recorded == "4"),
            "{refused:?}"
        );
    }
    open_server(&server).await;
}

#[tokio::test]
async fn a_dangerous_setting_is_refused_and_named() {
    let server = NatsServer::start().await;
    open_server(&server).await;
    let context = context(&server).await;
    let safe = context.get_stream("BERTH_LOG_1").await.unwrap().cached_info().config.clone();
    let dangerous: [Change; 4] = [
        ("max_age", |config| config.max_age = Duration::from_hours(1)),
        ("discard", |config| config.discard = DiscardPolicy::Old),
        ("max_msgs_per_subject", |config| config.max_messages_per_subject = 10),
        ("subjects", |config| {
            config.subjects.pop();
        }),
    ];
    for (setting, change) in dangerous {
        let mut config = safe.clone();
        change(&mut config);
        context.update_stream(&config).await.unwrap();
        let refused = JetStreamLog::open(connect(&server).await, OPTIONS).await.err();
        assert!(
            matches!(&refused, Some(OpenError::Drift { stream, setting: found, .. }) if stream == "BERTH_LOG_1" && *found == setting),
            "{setting}: {refused:?}"
        );
        context.update_stream(&safe).await.unwrap();
        open_server(&server).await;
    }
}

#[tokio::test]
async fn a_stream_that_persists_later_or_can_be_purged_is_refused() {
    let server = NatsServer::start().await;
    open_server(&server).await;
    let context = context(&server).await;
    let safe = context.get_stream("BERTH_LOG_1").await.unwrap().cached_info().config.clone();
    let dangerous: [Change; 3] = [
        ("persist_mode", |config| config.persist_mode = Some(PersistenceMode::Async)),
        ("deny_purge", |config| config.deny_purge = false),
        ("deny_delete", |config| config.deny_delete = false),
    ];
    for (setting, change) in dangerous {
        let mut config = safe.clone();
        change(&mut config);
        context.delete_stream("BERTH_LOG_1").await.unwrap();
        context.create_stream(config).await.unwrap();
        let refused = JetStreamLog::open(connect(&server).await, OPTIONS).await.err();
        assert!(
            matches!(&refused, Some(OpenError::Drift { setting: found, .. }) if *found == setting),
            "{setting}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_missing_stream_is_not_made_again() {
    let server = NatsServer::start().await;
    let log = open_server(&server).await;
    let context = context(&server).await;
    context.delete_stream("BERTH_LOG_2").await.unwrap();
    let refused = JetStreamLog::open(connect(&server).await, OPTIONS).await.err();
    assert!(
        matches!(&refused, Some(OpenError::Missing { stream }) if stream == "BERTH_LOG_2"),
        "{refused:?}"
    );
    drop(log);
}

/// Deletes the stream of a shard and creates it again with the same settings.
async fn recreate(context: &Context, name: &str) {
    let config = context.get_stream(name).await.unwrap().cached_info().config.clone();
    context.delete_stream(name).await.unwrap();
    context.create_stream(config).await.unwrap();
}

#[tokio::test]
async fn a_recreated_stream_is_noticed_by_who_comes_back() {
    let server = NatsServer::start().await;
    let log = open_server(&server).await;
    let mut history = History::new(instance(1));
    history.grow(&log, 5).await;
    let position = log.end().await.unwrap();
    recreate(&context(&server).await, &shard_name(&history.stream)).await;

    let refused = log.follow("test", &Kind::ALL, position).await.err();
    assert!(matches!(refused, Some(FollowError::Recreated { .. })), "{refused:?}");
    // An append after a commit that is lost is a conflict.
    assert!(history.append(&log, 9).await.is_err());
}

#[tokio::test]
async fn a_recreated_stream_is_noticed_by_a_running_follower() {
    let server = NatsServer::start().await;
    let log = open_server(&server).await;
    a_running_follower_notices_a_recreated_stream(&server, &log).await;
}

#[tokio::test]
async fn a_recreated_stream_is_noticed_by_each_reader_of_the_one_follower() {
    let server = NatsServer::start().await;
    let log = one_follower(&server).await;
    a_running_follower_notices_a_recreated_stream(&server, &log).await;
}

async fn a_running_follower_notices_a_recreated_stream(server: &NatsServer, log: &dyn EventLog) {
    let mut history = History::new(instance(1));
    history.grow(log, 5).await;
    let mut follow = log.follow("test", &Kind::ALL, Position::default()).await.unwrap();
    until_caught_up(&mut follow).await;
    recreate(&context(server).await, &shard_name(&history.stream)).await;
    // The new stream grows past the place that the follower has reached.
    History::new(instance(1)).grow(log, 10).await;

    let error = loop {
        match next(&mut follow).await {
            Ok(Followed::CaughtUp(_)) => {}
            Ok(other) => panic!("{other:?} is of another life"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, FollowError::Recreated { .. }), "{error:?}");
    assert!(follow.next().await.is_none());
}

#[tokio::test]
async fn an_older_store_of_the_server_is_noticed() {
    let mut server = NatsServer::start().await;
    let log = open_server(&server).await;
    let mut history = History::new(instance(1));
    history.grow(&log, 5).await;
    server.kill();
    let backup = tempfile::tempdir().unwrap();
    copy_folder(&server.store().join("jetstream"), backup.path());
    server.restart().await;
    let log = open_server(&server).await;
    history.grow(&log, 5).await;
    let position = log.end().await.unwrap();
    server.kill();
    std::fs::remove_dir_all(server.store().join("jetstream")).unwrap();
    copy_folder(backup.path(), &server.store().join("jetstream"));
    server.restart().await;

    let log = open_server(&server).await;
    let refused = log.follow("test", &Kind::ALL, position).await.err();
    assert!(matches!(refused, Some(FollowError::RolledBack { end: 5, position: 10, .. })), "{refused:?}");
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_loses_and_doubles_nothing() {
    let server = NatsServer::start().await;
    let log = Arc::new(open_server(&server).await);
    nothing_is_lost_or_doubled_when_it_is_killed(server, log).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_loses_and_doubles_nothing_for_readers_of_the_one_follower() {
    let server = NatsServer::start().await;
    let log = Arc::new(one_follower(&server).await);
    nothing_is_lost_or_doubled_when_it_is_killed(server, log).await;
}

async fn nothing_is_lost_or_doubled_when_it_is_killed(mut server: NatsServer, log: Arc<dyn EventLog>) {
    const STREAMS: u64 = 8;
    const COMMITS: u64 = 400;
    let mut follow = log.follow("test", &Kind::ALL, Position::default()).await.unwrap();
    let (progress, mut watched) = tokio::sync::watch::channel(0_u64);
    let progress = Arc::new(progress);
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..STREAMS {
        let (log, progress) = (Arc::clone(&log), Arc::clone(&progress));
        writers.spawn(async move {
            let mut history = History::new(instance(number));
            for mark in 0..COMMITS {
                // The adapter finds out by itself what became of an append whose answer was lost, or says
                // that it could not; then the very same append is repeated.
                while let Err(error) = history.append(&*log, mark).await {
                    assert!(
                        matches!(error, AppendError::Unknown { .. } | AppendError::Unavailable(_)),
                        "{error:?}"
                    );
                }
                progress.send_modify(|stored| *stored += 1);
            }
            history
        });
    }
    for crash in 1..=2 {
        watched.wait_for(|stored| *stored >= crash * STREAMS * COMMITS / 4).await.unwrap();
        server.restart().await;
    }
    while let Some(history) = writers.join_next().await {
        let history = history.unwrap();
        let report = verify(&*log, &history.stream).await.unwrap();
        assert_eq!((report.commits, report.last_hash, report.fault), (COMMITS, history.last_hash, None));
    }
    // The follower went on by itself and saw each commit once, in the order of its stream.
    let total = usize::try_from(STREAMS * COMMITS).unwrap();
    let (seen, _) = commits(&mut follow, total, &Position::default()).await;
    let mut versions = std::collections::HashMap::new();
    for stored in seen {
        let before = versions.insert(stored.stream, stored.tail.version).unwrap_or(0);
        assert_eq!(stored.tail.version, before + 1);
    }
}

#[tokio::test]
async fn headers_tell_what_a_commit_is_and_nothing_else() {
    let server = NatsServer::start().await;
    let log = open_server(&server).await;
    let mut history = History::new(instance(1));
    history.grow(&log, 1).await;
    let stream = context(&server).await.get_stream(shard_name(&history.stream)).await.unwrap();
    let message = stream.get_last_raw_message_by_subject(&history.stream.subject()).await.unwrap();
    let mut names: Vec<_> = message.headers.iter().map(|(name, _)| name.to_string()).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "Berth-Command-Id",
            "Berth-Type",
            "Berth-Version",
            "Nats-Expected-Last-Subject-Sequence",
            "Nats-Expected-Stream",
            "traceparent"
        ]
    );
    let commit_type = format!("{}.1", berth_proto::codec::types::COMMIT);
    assert_eq!(message.headers.get("Berth-Type").unwrap().as_str(), commit_type);
}

/// Whoever may publish there can put any number of them behind an instance, and its delete reads to the end.
#[tokio::test]
async fn many_messages_that_are_no_commits_are_read_to_their_end() {
    let server = NatsServer::start().await;
    let (log, context) = (open_server(&server).await, context(&server).await);
    for (number, good, others) in [(1, 3, 300), (2, 98, 3), (3, 254, 3)] {
        let mut history = History::new(instance(number));
        history.grow(&log, good).await;
        for _ in 0..others {
            let sent = context.publish(history.stream.subject(), "no commit".into()).await;
            sent.unwrap().await.unwrap();
        }
        for log in [&log, &open_server(&server).await] {
            let report = verify(log, &history.stream).await.unwrap();
            assert_eq!((report.commits, report.tombstone), (good, None));
            let end = log.tail_place(&history.stream).await.unwrap().unwrap();
            let found = damaged_tail::<DirectoryStateV1>(log, &history.stream).await.unwrap().unwrap();
            assert_eq!((found.tail.version, found.tail.revision), (good + others, end.revision));
        }
    }
}

mod one_follower_contract {
    use super::{Arc, EventLog, NatsServer, one_follower};

    struct Fixture {
        log: Arc<dyn EventLog>,
        _server: NatsServer,
    }

    async fn open() -> Fixture {
        let server = NatsServer::start().await;
        Fixture { log: Arc::new(one_follower(&server).await), _server: server }
    }

    crate::contract::each_a_test! { open;
        following:
            a_follower_reads_everything_from_the_start,
            a_follower_goes_on_from_a_position,
            a_follower_sees_new_commits,
            a_follower_sees_the_wanted_kinds_only,
            a_follower_of_an_empty_log_is_caught_up,
            each_shard_is_read_in_its_order_while_others_write,
            a_position_behind_the_end_of_another_life_is_refused,
            a_position_after_the_end_is_refused;
    }
}
