//! The contract of the log on three servers with three replicas, as it is deployed.
//!
//! A cluster takes seconds to start, so one carries all stories, each in streams of its own.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Client, HeaderMap, Request,
    jetstream::{self, ErrorCode, publish::PublishAck, response::Response},
};
use berth_log::{
    AppendError, ChainReport, EventLog, LogRead, ReadError,
    jetstream::{JetStreamLog, JetStreamOptions},
    verify,
};
use berth_proto::StreamKey;
use berth_test_support::NatsCluster;
use futures::future::join_all;

use crate::contract::history::{History, instance};

const OPTIONS: JetStreamOptions = JetStreamOptions { shards: 4, replicas: NatsCluster::SERVERS };
/// How long all stories may take together; a hanging one shall not hold up the others.
const CONTRACT_MAX: Duration = Duration::from_secs(150);
/// Appends to one subject that are under way at once.
const AT_ONCE: u64 = 16;

async fn connect(cluster: &NatsCluster) -> Client {
    async_nats::ConnectOptions::new()
        .reconnect_delay_callback(|_| Duration::from_millis(50))
        .connect(cluster.urls())
        .await
        .unwrap()
}

/// Opens the log as soon as the cluster can place its streams.
async fn open(cluster: &NatsCluster) -> JetStreamLog {
    let client = connect(cluster).await;
    let opened = async {
        loop {
            match JetStreamLog::open(client.clone(), OPTIONS).await {
                Ok(log) => return log,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    tokio::time::timeout(CONTRACT_MAX, opened).await.unwrap()
}

/// The log with four empty shards.
async fn open_anew(cluster: &NatsCluster) -> Arc<dyn EventLog> {
    let context = jetstream::new(connect(cluster).await);
    for shard in 0..OPTIONS.shards {
        let _absent = context.delete_stream(format!("BERTH_LOG_{shard}")).await;
    }
    Arc::new(open(cluster).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_servers_keep_the_contract() {
    let cluster = NatsCluster::start().await;
    let stories = async {
        crate::contract::in_turn!(open_anew(&cluster));
    };
    tokio::time::timeout(CONTRACT_MAX, Box::pin(stories)).await.unwrap();
}

/// What a publish of a first commit is answered: the sequence, or the code of a refusal.
async fn publish(client: &Client, history: &History, mark: u64) -> Result<u64, ErrorCode> {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Expected-Last-Subject-Sequence", "0");
    let request = Request::new().headers(headers).payload(history.next(mark).payload);
    let answer = client.send_request(history.stream.subject(), request).await.unwrap();
    match serde_json::from_slice::<Response<PublishAck>>(&answer.payload).unwrap() {
        Response::Ok(ack) => Ok(ack.sequence),
        Response::Err { error } => Err(error.error_code()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_another_one_is_in_flight_before_is_told_so_by_a_code_of_its_own() {
    const ROUNDS_MAX: u64 = 200;
    let cluster = NatsCluster::start().await;
    let (log, client) = (open(&cluster).await, connect(&cluster).await);
    let known = [ErrorCode::STREAM_WRONG_LAST_SEQUENCE, ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT];
    for round in 0..ROUNDS_MAX {
        let history = History::new(instance(round));
        let answers = join_all((0..AT_ONCE).map(|mark| publish(&client, &history, mark))).await;
        let refused: Vec<_> = answers.iter().filter_map(|answer| answer.err()).collect();
        assert_eq!(answers.len() - refused.len(), 1, "{answers:?}");
        assert!(refused.iter().all(|code| known.contains(code)), "the adapter knows no other: {refused:?}");
        assert_eq!(verify(&log, &history.stream).await.unwrap().commits, 1);
        if refused.contains(&ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT) {
            return;
        }
    }
    panic!("no append was told that another one was in flight before it");
}

/// The report on a stream, whose shard may have lost its leader after the last append to it.
async fn verified(log: &dyn LogRead, stream: &StreamKey) -> ChainReport {
    let verified = async {
        loop {
            match verify(log, stream).await {
                Err(ReadError::Unavailable(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
                report => return report.unwrap(),
            }
        }
    };
    tokio::time::timeout(CONTRACT_MAX, verified).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_killed_loses_and_doubles_nothing() {
    const STREAMS: u64 = 4;
    const COMMITS: u64 = 150;
    let mut cluster = NatsCluster::start().await;
    let log = Arc::new(open(&cluster).await);
    let (progress, mut watched) = tokio::sync::watch::channel(0_u64);
    let progress = Arc::new(progress);
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..STREAMS {
        let (log, progress) = (Arc::clone(&log), Arc::clone(&progress));
        writers.spawn(async move {
            let mut history = History::new(instance(number));
            for mark in 0..COMMITS {
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
    watched.wait_for(|stored| *stored >= STREAMS * COMMITS / 3).await.unwrap();
    let shard = instance(0).partition().shard(OPTIONS.shards);
    cluster.kill_leader_of(&format!("BERTH_LOG_{shard}")).await;
    while let Some(history) = writers.join_next().await {
        let history = history.unwrap();
        let report = verified(&*log, &history.stream).await;
        assert_eq!((report.commits, report.last_hash, report.fault), (COMMITS, history.last_hash, None));
    }
}
