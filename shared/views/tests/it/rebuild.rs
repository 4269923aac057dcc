//! A view can be thrown away, damaged and reopened at any moment, and has the same rows again.

use std::{sync::Arc, time::Duration};

use berth_log::LogRead;
use berth_runtime::{Lifecycle, SystemClock};
use berth_views::{OpenError, ViewOptions, ViewState, accept_rollback};

use crate::{
    log::TestLog,
    world::{Counts, Running, WAIT_MAX, names, reference},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_view_goes_on_where_it_was() {
    let (log, folder) = (TestLog::with_commits(3_000), tempfile::tempdir().unwrap());
    let running = Running::open(&log, folder.path()).await;
    let before = running.rows(&log).await;
    running.stop().await;
    log.grow(1_000);
    let running = Running::open(&log, folder.path()).await;
    let rows = running.rows(&log).await;
    assert_ne!(rows, before);
    assert_eq!(rows, reference(&log).await);
    running.stop().await;
    assert!(names(folder.path(), "quarantine").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_read_in_pages_in_the_order_of_their_keys() {
    let (log, folder) = (TestLog::with_commits(2_000), tempfile::tempdir().unwrap());
    let running = Running::open(&log, folder.path()).await;
    let all: Vec<_> = running.rows(&log).await.into_iter().filter(|(key, _)| key[0] == b'i').collect();
    let mut paged = Vec::new();
    loop {
        let after = paged.last().map(|(key, _): &(Vec<u8>, Vec<u8>)| key.clone());
        let page = running.view.scan(b"i", after.as_deref(), 10).unwrap();
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, all);
    assert_eq!(running.view.get(&all[3].0).unwrap().as_ref(), Some(&all[3].1));
    assert_eq!(running.view.get(b"nothing").unwrap(), None);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_folder_is_built_anew() {
    let (log, folder) = (TestLog::with_commits(3_000), tempfile::tempdir().unwrap());
    let running = Running::open(&log, folder.path()).await;
    let before = running.rows(&log).await;
    running.stop().await;
    std::fs::remove_dir_all(folder.path().join("counts")).unwrap();
    let running = Running::open(&log, folder.path()).await;
    assert_eq!(running.rows(&log).await, before);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raised_schema_builds_the_view_anew_and_keeps_two_old_ones() {
    let (log, folder) = (TestLog::with_commits(500), tempfile::tempdir().unwrap());
    let rows = reference(&log).await;
    for schema in 1..=5 {
        let running = Running::open_schema(&log, folder.path(), schema).await;
        assert_eq!(running.rows(&log).await, rows);
        running.stop().await;
        assert_eq!(names(folder.path(), "v"), [format!("v{schema}")]);
    }
    assert_eq!(names(folder.path(), "quarantine").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_commit_is_skipped() {
    let (log, folder) = (TestLog::with_commits(500), tempfile::tempdir().unwrap());
    let before = reference(&log).await;
    log.append_garbage();
    let running = Running::open(&log, folder.path()).await;
    assert_eq!(running.rows(&log).await, before);
    log.grow(1);
    assert_ne!(running.rows(&log).await, before);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recreated_log_is_read_from_its_beginning() {
    let (log, folder) = (TestLog::with_commits(3_000), tempfile::tempdir().unwrap());
    let running = Running::open(&log, folder.path()).await;
    running.rows(&log).await;
    running.stop().await;
    log.recreate();
    log.grow(200);
    let running = Running::open(&log, folder.path()).await;
    assert_eq!(running.rows(&log).await, reference(&log).await);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_lost_commits_halts_the_view_until_an_operator_accepts() {
    let (log, folder) = (TestLog::with_commits(3_000), tempfile::tempdir().unwrap());
    let running = Running::open(&log, folder.path()).await;
    let before = running.rows(&log).await;
    running.stop().await;
    log.lose(100);

    let running = Running::open(&log, folder.path()).await;
    let halted = running.state(|state| matches!(state, ViewState::Halted(_))).await;
    let ViewState::Halted(sentence) = halted else { unreachable!() };
    assert!(sentence.contains("acknowledged commits are lost") && sentence.contains("--accept-rollback"));
    assert_eq!(running.view.scan(b"", None, usize::MAX).unwrap(), before, "what was folded stays");
    assert!(matches!(accept_rollback(folder.path()), Err(OpenError::InUse { .. })));
    running.stop().await;

    accept_rollback(folder.path()).unwrap();
    let running = Running::open(&log, folder.path()).await;
    assert_eq!(running.rows(&log).await, reference(&log).await);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loss_is_noticed_without_the_view_and_when_the_log_has_grown_again() {
    let (log, folder) = (TestLog::with_commits(3_000), tempfile::tempdir().unwrap());
    let running = Running::open(&log, folder.path()).await;
    running.rows(&log).await;
    running.stop().await;
    log.lose(100);
    log.grow_differently(300);

    let running = Running::open(&log, folder.path()).await;
    running.state(|state| matches!(state, ViewState::Halted(_))).await;
    running.stop().await;
    std::fs::remove_dir_all(folder.path().join("counts")).unwrap();
    let running = Running::open(&log, folder.path()).await;
    running.state(|state| matches!(state, ViewState::Halted(_))).await;
    running.stop().await;
    accept_rollback(folder.path()).unwrap();
    let running = Running::open(&log, folder.path()).await;
    running.rows(&log).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_cannot_share_a_folder() {
    let (log, folder) = (TestLog::with_commits(10), tempfile::tempdir().unwrap());
    let running = Running::open(&log, folder.path()).await;
    let lifecycle = Lifecycle::new();
    let second = berth_views::open(
        Arc::new(log.clone()),
        folder.path(),
        Arc::new(Counts { schema: 1 }),
        ViewOptions::new(Arc::new(SystemClock)),
        &lifecycle,
    );
    assert!(matches!(second.await, Err(OpenError::InUse { .. })));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_waits_for_a_position_and_hears_of_changes() {
    let (log, folder) = (TestLog::with_commits(10), tempfile::tempdir().unwrap());
    let running = Running::open(&log, folder.path()).await;
    running.rows(&log).await;
    let mut changes = running.view.changes();
    changes.borrow_and_update();
    log.grow(1);
    let end = log.end().await.unwrap();
    running.view.reached(&end, WAIT_MAX).await.unwrap();
    assert!(changes.has_changed().unwrap());
    assert_eq!(changes.borrow_and_update().occurred_at, 11);
    let mut beyond = end.clone();
    beyond.0.values_mut().for_each(|at| at.revision += 1_000);
    assert!(running.view.reached(&beyond, Duration::from_millis(300)).await.is_err());
    running.stop().await;
}
