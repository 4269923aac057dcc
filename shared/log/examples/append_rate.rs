//! How many commits per second an engine takes, for tuning; the numbers of record come from the benchmarks.
//!
//! `cargo run --release -p berth-log --example append_rate -- <folder | nats://host:port> <clients> <commits>`
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::{error::Error, path::Path, sync::Arc};

use berth_log::{
    EventLog, Expected, NewCommit,
    embedded::EmbeddedLog,
    jetstream::{JetStreamLog, JetStreamOptions},
};
use berth_proto::StreamKey;
use berth_runtime::{SystemClock, SystemEntropy, entropy::new_instance_id};
use bytes::Bytes;
use tokio::{task::JoinSet, time::Instant};

/// Bytes of a commit: about those of a logout with the state after it.
const PAYLOAD_BYTES: usize = 1024;
const SHARDS: u8 = 4;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(place), Some(clients), Some(commits)) = (words.next(), words.next(), words.next()) else {
        return Err("three words are expected: a folder or URL, clients, commits per client".into());
    };
    let (clients, commits): (u32, u32) = (clients.parse()?, commits.parse()?);
    let log: Arc<dyn EventLog> = if place.starts_with("nats://") {
        let options = JetStreamOptions { shards: SHARDS, replicas: 1 };
        Arc::new(JetStreamLog::open(async_nats::connect(place).await?, options).await?)
    } else {
        Arc::new(EmbeddedLog::open(Path::new(&place), SHARDS, &SystemEntropy)?)
    };
    let start = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..clients {
        let log = Arc::clone(&log);
        running.spawn(async move {
            let stream = StreamKey::instance(new_instance_id(&SystemClock, &SystemEntropy));
            let payload = Bytes::from(vec![7; PAYLOAD_BYTES]);
            let mut expected = Expected::Empty;
            for _ in 0..commits {
                let version = expected.next_version();
                let payload = payload.clone();
                let commit = NewCommit { stream, version, command_id: None, traceparent: None, payload };
                expected = Expected::After(log.append(commit, expected).await?.tail);
            }
            Ok::<_, berth_log::AppendError>(())
        });
    }
    while let Some(client) = running.join_next().await {
        client??;
    }
    let seconds = start.elapsed().as_secs_f64();
    let total = f64::from(clients) * f64::from(commits);
    println!("{total} commits by {clients} clients in {seconds:.2} s: {:.0} per second", total / seconds);
    Ok(())
}
