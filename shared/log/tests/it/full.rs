//! A folder whose files can grow no more: appends are refused in words, what is there is read, and all goes on when
//! there is room again.

use std::{path::Path, process::Command};

use berth_log::{AppendError, EventLog, Expected, LogRead, NewCommit, embedded::EmbeddedLog, verify};
use berth_runtime::SystemEntropy;

use crate::contract::history::{History, instance};

/// Tells the child process which folder to fill.
const FOLDER_VARIABLE: &str = "BERTH_LOG_FULL_FOLDER";
/// A shell that bounds every file of its child to 4 or 8 MiB; writes beyond that fail instead of killing it.
const LIMITED: &str = r#"trap "" XFSZ; ulimit -f 8192; exec "$@""#;
/// Commits after which the child gives up filling the folder.
const COMMITS_MAX: usize = 1000;

#[tokio::test]
async fn a_full_folder_refuses_appends_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    drop(EmbeddedLog::open(folder.path(), 4, &SystemEntropy).unwrap());
    let status = Command::new("sh")
        .args(["-c", LIMITED, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "full::child_that_fills", "--ignored", "--nocapture"])
        .env(FOLDER_VARIABLE, folder.path())
        .status()
        .unwrap();
    assert!(status.success());

    let log = EmbeddedLog::open(folder.path(), 4, &SystemEntropy).unwrap();
    let tail = log.tail(&instance(1)).await.unwrap().unwrap();
    let mut history = History::after(&tail);
    history.grow(&log, 3).await;
    let report = verify(&log, &instance(1)).await.unwrap();
    assert_eq!((report.commits, report.fault), (tail.tail.version + 3, None));
    assert!(log.tail(&instance(2)).await.unwrap().is_none());
}

#[tokio::test]
#[ignore = "the child process of `a_full_folder_refuses_appends_and_loses_nothing`"]
async fn child_that_fills() {
    let Some(folder) = std::env::var_os(FOLDER_VARIABLE) else { return };
    let log = EmbeddedLog::open(Path::new(&folder), 4, &SystemEntropy).unwrap();
    let mut history = History::new(instance(1));
    history.grow(&log, 3).await;
    let (tail, large) = (log.tail(&instance(1)).await.unwrap().unwrap(), vec![7; 200_000]);
    // Large commits of other streams fill the journal.
    let mut refused = None;
    for serial in 0..COMMITS_MAX as u64 {
        let stream = instance(100 + serial);
        if let Err(error) = log.append(commit(stream, &large), Expected::Empty).await {
            refused = Some(error);
            break;
        }
    }
    assert!(matches!(refused, Some(AppendError::Full(_))), "{refused:?}");
    for _ in 0..3 {
        let refused = log.append(commit(instance(2), &large), Expected::Empty).await;
        assert!(matches!(refused, Err(AppendError::Full(_))), "{refused:?}");
        // What was stored can be read, and nothing of the refused appends is there.
        assert_eq!(log.tail(&instance(1)).await.unwrap().as_ref(), Some(&tail));
        assert!(log.tail(&instance(2)).await.unwrap().is_none());
    }
}

fn commit(stream: berth_proto::StreamKey, payload: &[u8]) -> NewCommit {
    NewCommit { stream, version: 1, command_id: None, traceparent: None, payload: payload.to_vec().into() }
}
