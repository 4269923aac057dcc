//! Views over the engines that a deployment has.

use std::{fs, path::Path, sync::Arc};

use berth_log::{
    EventLog, Expected, LogRead, NewCommit, OneFollower,
    embedded::EmbeddedLog,
    jetstream::{JetStreamLog, JetStreamOptions},
    memory::MemoryLog,
};
use berth_proto::{CommitV1, DirectoryId, Hash, InstanceId, RecordV1, StreamKey, Timestamp, codec::encode};
use berth_runtime::{Lifecycle, SeededEntropy};
use berth_test_support::NatsServer;
use berth_views::{Row, ViewState};

use crate::world::{Running, names};

fn instance(number: u8) -> StreamKey {
    StreamKey::instance(InstanceId::from_bytes([number; 16]))
}

/// Appends a commit to each of some instances, and one of a kind that the view does not follow.
async fn grow(log: &dyn EventLog, instances: u8) {
    for number in 0..instances {
        append(log, instance(number), number).await;
    }
    append(log, StreamKey::directory(DirectoryId::from_bytes([9; 16])), 1).await;
}

async fn append(log: &dyn EventLog, stream: StreamKey, body: u8) {
    let expected =
        log.tail(&stream).await.unwrap().map_or(Expected::Empty, |last| Expected::After(last.tail));
    let commit = CommitV1 {
        stream,
        version: expected.next_version(),
        previous: Hash([0; 32]),
        occurred_at: Timestamp(1),
        receipts: Vec::new(),
        events: Vec::new(),
        state: RecordV1 { type_id: 1, version: 1, body: vec![body; 10] },
    };
    let payload = encode(&commit).unwrap().into();
    let commit = NewCommit { stream, version: commit.version, command_id: None, traceparent: None, payload };
    log.append(commit, expected).await.unwrap();
}

/// The rows of a view that is opened, brought to the end of the log and stopped.
async fn rows_in(log: &Arc<dyn LogRead>, folder: &Path) -> Vec<Row> {
    let running = Running::open_on(Arc::clone(log), folder, 1).await;
    let rows = running.rows(log.as_ref()).await;
    running.stop().await;
    rows
}

async fn reference_on(log: &Arc<dyn LogRead>) -> Vec<Row> {
    rows_in(log, tempfile::tempdir().unwrap().path()).await
}

async fn open_nats(server: &NatsServer) -> JetStreamLog {
    let client = async_nats::connect(server.url()).await.unwrap();
    JetStreamLog::open(client, JetStreamOptions { shards: 3, replicas: 1 }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_on_nats_outlives_the_server() {
    let mut server = NatsServer::start().await;
    let log = Arc::new(open_nats(&server).await);
    let reader = Arc::clone(&log) as Arc<dyn LogRead>;
    let folder = tempfile::tempdir().unwrap();
    grow(log.as_ref(), 40).await;
    let running = Running::open_on(Arc::clone(&reader), folder.path(), 1).await;
    let before = running.rows(log.as_ref()).await;
    assert_eq!(before.len(), 80);
    grow(log.as_ref(), 20).await;
    assert_eq!(running.rows(log.as_ref()).await, reference_on(&reader).await);

    server.restart().await;
    let again = open_nats(&server).await;
    grow(&again, 30).await;
    let after = running.rows(&again).await;
    assert_ne!(after, before);
    assert_eq!(after, reference_on(&reader).await);
    running.stop().await;
    grow(&again, 10).await;
    assert_eq!(rows_in(&reader, folder.path()).await, reference_on(&reader).await);
    assert!(names(folder.path(), "quarantine").is_empty());
}

/// The log as a process has it: followed once, on a connection of its own.
async fn open_one_follower(server: &NatsServer) -> Arc<OneFollower> {
    let (log, followed) = (Arc::new(open_nats(server).await), Arc::new(open_nats(server).await));
    Arc::new(OneFollower::new(log, followed, &Lifecycle::new()))
}

#[tokio::test(flavor = "multi_thread")]
async fn views_of_one_process_share_a_follower_and_one_that_is_built_anew_joins() {
    let mut server = NatsServer::start().await;
    let log = open_one_follower(&server).await;
    let reader = Arc::clone(&log) as Arc<dyn LogRead>;
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let stays = Running::open_on(Arc::clone(&reader), one.path(), 1).await;
    let goes = Running::open_on(Arc::clone(&reader), other.path(), 1).await;
    grow(log.as_ref(), 40).await;
    assert_eq!(stays.rows(log.as_ref()).await, goes.rows(log.as_ref()).await);

    goes.stop().await;
    fs::remove_dir_all(other.path().join("counts").join("v1")).unwrap();
    grow(log.as_ref(), 60).await;
    let comes_back = Running::open_on(Arc::clone(&reader), other.path(), 1).await;
    for instances in [10, 60, 20] {
        grow(log.as_ref(), instances).await;
        assert_eq!(stays.rows(log.as_ref()).await, comes_back.rows(log.as_ref()).await);
    }

    server.restart().await;
    let again = open_nats(&server).await;
    grow(&again, 80).await;
    let rows = stays.rows(&again).await;
    assert_eq!(rows, comes_back.rows(&again).await);
    assert_eq!(rows, reference_on(&reader).await);
    stays.stop().await;
    comes_back.stop().await;
    assert!(names(one.path(), "quarantine").is_empty() && names(other.path(), "quarantine").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_halts_holds_up_no_other() {
    let (halts, goes_on) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let lost = Arc::new(MemoryLog::new(2));
    grow(lost.as_ref(), 40).await;
    let rows = rows_in(&(lost as Arc<dyn LogRead>), halts.path()).await;

    // The log of this process ends before what one of its views has seen.
    let memory = Arc::new(MemoryLog::new(2));
    grow(memory.as_ref(), 10).await;
    let log = Arc::new(OneFollower::new(Arc::clone(&memory) as _, memory, &Lifecycle::new()));
    let reader = Arc::clone(&log) as Arc<dyn LogRead>;
    let halted = Running::open_on(Arc::clone(&reader), halts.path(), 1).await;
    let live = Running::open_on(Arc::clone(&reader), goes_on.path(), 1).await;
    halted.state(|state| matches!(state, ViewState::Halted(_))).await;
    for instances in [5, 8, 10] {
        grow(log.as_ref(), instances).await;
        assert_eq!(live.rows(log.as_ref()).await, reference_on(&reader).await);
    }
    assert!(matches!(halted.view.state(), ViewState::Halted(_)));
    assert_eq!(halted.view.scan(b"", None, usize::MAX).unwrap(), rows, "what was folded stays");
    halted.stop().await;
    live.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embedded_log_that_is_set_back_to_a_copy_halts_the_view() {
    let (folder, views) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, copy) = (folder.path().join("log"), folder.path().join("copy"));
    let open = || EmbeddedLog::open(&home, 3, &SeededEntropy::new(1)).unwrap();
    let log = open();
    grow(&log, 20).await;
    drop(log);
    copy_folder(&home, &copy);
    let log = Arc::new(open());
    grow(log.as_ref(), 20).await;
    let rows = rows_in(&(Arc::clone(&log) as Arc<dyn LogRead>), views.path()).await;
    assert_eq!(rows.len(), 40);
    drop(log);
    fs::remove_dir_all(&home).unwrap();
    copy_folder(&copy, &home);

    let log = Arc::new(open());
    let running = Running::open_on(log, views.path(), 1).await;
    running.state(|state| matches!(state, ViewState::Halted(_))).await;
    assert_eq!(running.view.scan(b"", None, usize::MAX).unwrap(), rows, "what was folded stays");
    running.stop().await;
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}
