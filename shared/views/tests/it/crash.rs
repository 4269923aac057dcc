//! A process that is killed while it folds leaves a view that goes on from a sound checkpoint.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    log::TestLog,
    world::{Running, names, reference},
};

/// Commits of the log.
const COMMITS: u64 = 40_000;
/// Tells the child where its view lies.
const FOLDER: &str = "BERTH_TEST_VIEW_FOLDER";

#[tokio::test(flavor = "multi_thread")]
async fn killed_processes_leave_a_sound_view() {
    let log = TestLog::with_commits(COMMITS);
    let rows = reference(&log).await;
    let folder = tempfile::tempdir().unwrap();
    for batches in [1, 2, 5, 11] {
        let folder = folder.path().to_owned();
        berth_runtime::spawn_blocking(move || fold_and_be_killed(&folder, batches)).await.unwrap();
    }
    let running = Running::open(&log, folder.path()).await;
    assert_eq!(running.rows(&log).await, rows);
    running.stop().await;
    assert!(names(folder.path(), "quarantine").is_empty(), "a killed process is no damage");
}

/// Lets another process fold and kills it after some batches.
fn fold_and_be_killed(folder: &Path, batches: usize) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash::the_process_that_is_killed", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let seen = lines.map_while(Result::ok).filter(|line| line.contains("folded")).take(batches).count();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(seen > 0, "the child folds");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "another test runs it and kills it"]
async fn the_process_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let log = TestLog::with_commits(COMMITS);
    let running = Running::open(&log, Path::new(&folder)).await;
    let mut changes = running.view.changes();
    loop {
        println!("folded {}", changes.borrow_and_update().occurred_at);
        if changes.changed().await.is_err() {
            return;
        }
    }
}
