//! What the suites share: waiting for a condition, looking into folders, connections.

use std::{
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

use async_nats::Client;
use berth_bus::{Identity, Introduction, nats::new_start};
use berth_proto::Timestamp;
use berth_runtime::SystemEntropy;
use berth_test_support::NatsServer;

/// How long a condition may take to become true.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Waits until the condition holds.
pub(crate) async fn eventually<F, R>(what: &str, mut condition: F)
where
    F: FnMut() -> R,
    R: Future<Output = bool>,
{
    let held = tokio::time::timeout(DEADLINE, async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(held.await.is_ok(), "in time: {what}");
}

/// Waits for something that must come.
pub(crate) async fn in_time<F: Future>(what: F) -> F::Output {
    tokio::time::timeout(DEADLINE, what).await.expect("in time")
}

/// The files below a folder that contain the bytes.
pub(crate) fn files_with(folder: &Path, bytes: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, bytes));
        } else if std::fs::read(&path).is_ok_and(|file| file.windows(bytes.len()).any(|part| part == bytes)) {
            found.push(path);
        }
    }
    found
}

/// A connection of its own, as another process would have.
pub(crate) async fn client(server: &NatsServer, name: &str) -> Client {
    berth_bus::nats::connect(&server.url(), None, name).await.unwrap()
}

/// A process that starts for the first time under `<role>.<name>`.
pub(crate) fn identity(seat: &str) -> Identity {
    Identity {
        seat: seat.parse().unwrap(),
        start: new_start(&SystemEntropy),
        former: None,
        version: "0.0.0",
        since: Timestamp(0),
        introduction: Introduction::default(),
    }
}
