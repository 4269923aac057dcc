//! Stories of appending to one stream and of reading it.

use std::sync::Arc;

use berth_log::{AppendError, ChainFaultKind, EventLog, Expected, LogRead, Tail, decode_commit, verify};
use berth_proto::{Hash, limits};
use futures::future::join_all;

use super::history::{History, account, directory, instance};

type Log = Arc<dyn EventLog>;

pub(crate) async fn a_first_commit_needs_an_empty_stream(log: &Log) {
    let mut ours = History::new(instance(1));
    assert!(log.tail(&ours.stream).await.unwrap().is_none());
    let first = ours.append(&**log, 1).await.unwrap();
    assert_eq!(first.tail.version, 1);

    let theirs = History::new(instance(1));
    let refused = log.append(theirs.next(2), Expected::Empty).await;
    assert!(matches!(refused, Err(AppendError::Conflict { stream }) if stream == ours.stream), "{refused:?}");
}

pub(crate) async fn a_commit_after_an_old_tail_is_a_conflict(log: &Log) {
    let mut ours = History::new(instance(1));
    ours.append(&**log, 1).await.unwrap();
    let old = ours.clone();
    ours.append(&**log, 2).await.unwrap();

    let refused = log.append(old.next(3), old.expected).await;
    assert!(matches!(refused, Err(AppendError::Conflict { .. })), "{refused:?}");
    assert_eq!(log.tail(&ours.stream).await.unwrap().unwrap().tail.version, 2);
}

pub(crate) async fn a_commit_after_a_tail_that_never_was_is_a_conflict(log: &Log) {
    let mut ours = History::new(instance(1));
    ours.append(&**log, 1).await.unwrap();
    let mut dreamt = ours.clone();
    dreamt.expected = Expected::After(Tail { version: 7, revision: 1_000 });

    let refused = log.append(dreamt.next(2), dreamt.expected).await;
    assert!(matches!(refused, Err(AppendError::Conflict { .. })), "{refused:?}");
}

pub(crate) async fn a_repeated_append_answers_like_the_first(log: &Log) {
    let mut history = History::new(instance(1));
    for mark in [1, 2] {
        let expected = history.expected;
        let commit = history.next(mark);
        let first = history.append(&**log, mark).await.unwrap();
        let again = log.append(commit, expected).await.unwrap();
        assert_eq!(again, first);
    }
    assert_eq!(log.read(&history.stream, 0, 10).await.unwrap().len(), 2);
}

pub(crate) async fn a_repeated_append_is_recognised_after_later_commits(log: &Log) {
    let mut history = History::new(instance(1));
    history.grow(&**log, 3).await;
    let (expected, commit) = (history.expected, history.next(9));
    let first = history.append(&**log, 9).await.unwrap();
    history.grow(&**log, 3).await;
    assert_eq!(log.append(commit, expected).await.unwrap(), first);
}

pub(crate) async fn an_append_that_is_sent_many_times_at_once_is_stored_once(log: &Log) {
    const ROUNDS: u64 = 10;
    let mut history = History::new(instance(1));
    for mark in 0..ROUNDS {
        let (commit, expected) = (history.next(mark), history.expected);
        let sent = join_all((0..16).map(|_| log.append(commit.clone(), expected))).await;
        let answers: Vec<_> = sent.into_iter().map(Result::unwrap).collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        history.moved(&answers[0], &commit.payload);
    }
    assert_eq!(verify(log.as_read(), &history.stream).await.unwrap().commits, ROUNDS);
}

pub(crate) async fn the_tail_is_seen_right_after_the_append(log: &Log) {
    let mut history = History::new(instance(1));
    for mark in 1..=50 {
        let appended = history.append(&**log, mark).await.unwrap();
        let stored = log.tail(&history.stream).await.unwrap().unwrap();
        assert_eq!(stored.tail, appended.tail);
        assert_eq!(stored.shard, appended.shard);
        assert_eq!(stored.stream, history.stream);
        let commit = decode_commit(&stored).unwrap();
        assert_eq!(commit.version, mark);
        assert_eq!(Hash::of_commit(&history.stream, commit.previous, &stored.payload), history.last_hash);
    }
}

pub(crate) async fn a_stream_is_read_by_pages(log: &Log) {
    let mut history = History::new(instance(1));
    let mut neighbour = History::new(instance(2));
    for mark in 1..=25 {
        history.append(&**log, mark).await.unwrap();
        neighbour.append(&**log, mark).await.unwrap();
    }
    let mut versions = Vec::new();
    loop {
        let page = log.read(&history.stream, versions.last().copied().unwrap_or(0), 10).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 10);
        for stored in &page {
            assert_eq!(decode_commit(stored).unwrap().version, stored.tail.version);
            versions.push(stored.tail.version);
        }
    }
    assert_eq!(versions, (1..=25).collect::<Vec<_>>());

    let middle = log.read(&history.stream, 17, 3).await.unwrap();
    assert_eq!(middle.iter().map(|stored| stored.tail.version).collect::<Vec<_>>(), [18, 19, 20]);
    assert!(log.read(&history.stream, 25, 10).await.unwrap().is_empty());
    assert!(log.read(&history.stream, u64::MAX, 10).await.unwrap().is_empty());
    assert!(log.read(&history.stream, 0, 0).await.unwrap().is_empty());
    assert!(log.read(&instance(3), 0, 10).await.unwrap().is_empty());
}

pub(crate) async fn a_commit_is_read_where_it_lies(log: &Log) {
    let mut history = History::new(instance(1));
    let mut tails = Vec::new();
    for mark in 1..=5 {
        tails.push(history.append(&**log, mark).await.unwrap().tail);
    }
    for tail in &tails {
        let found = log.read_at(&history.stream, *tail).await.unwrap().unwrap();
        assert_eq!(found.tail, *tail);
        assert!(log.read_at(&instance(2), *tail).await.unwrap().is_none());
    }
    let beyond = Tail { version: 6, revision: tails[4].revision + 1 };
    assert!(log.read_at(&history.stream, beyond).await.unwrap().is_none());
}

pub(crate) async fn streams_do_not_mix(log: &Log) {
    let mut all = [instance(1), account(1), directory(1)].map(History::new);
    for history in &mut all {
        history.append(&**log, 1).await.unwrap();
    }
    for history in &all {
        let stored = log.read(&history.stream, 0, 10).await.unwrap();
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[0].stream, history.stream);
    }
}

pub(crate) async fn a_commit_at_the_bound_is_stored_and_a_larger_one_refused(log: &Log) {
    let mut history = History::new(instance(1));
    let around = history.next_with(1, vec![7; 100_000]).payload.len() - 100_000;
    let body = vec![7; limits::COMMIT_BYTES_MAX - around];
    let large = history.next_with(1, body);
    let payload = large.payload.clone();
    let appended = log.append(large, history.expected).await.unwrap();
    history.moved(&appended, &payload);
    assert_eq!(log.tail(&history.stream).await.unwrap().unwrap().payload, payload);

    let mut larger = history.next(2);
    larger.payload = vec![7; limits::COMMIT_BYTES_MAX + 100].into();
    let refused = log.append(larger, history.expected).await;
    assert!(matches!(refused, Err(AppendError::TooLarge { bytes }) if bytes > limits::COMMIT_BYTES_MAX));
    assert_eq!(log.tail(&history.stream).await.unwrap().unwrap().tail, appended.tail);
}

pub(crate) async fn of_many_writers_one_wins_each_version(log: &Log) {
    const WRITERS: u64 = 64;
    let mut history = History::new(instance(1));
    for round in 0..5 {
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let (log, commit) = (Arc::clone(log), history.next(round * WRITERS + writer));
            let expected = history.expected;
            writers.spawn(async move {
                let payload = commit.payload.clone();
                (log.append(commit, expected).await, payload)
            });
        }
        let mut winners = Vec::new();
        while let Some(answer) = writers.join_next().await {
            match answer.unwrap() {
                (Ok(appended), payload) => winners.push((appended, payload)),
                (Err(AppendError::Conflict { .. }), _) => {}
                (Err(other), _) => panic!("{other:?}"),
            }
        }
        let [(appended, payload)] = winners.as_slice() else { panic!("{} winners", winners.len()) };
        history.moved(appended, payload);
        assert_eq!(log.tail(&history.stream).await.unwrap().unwrap().payload, *payload);
    }
    assert_eq!(verify(log.as_read(), &history.stream).await.unwrap().commits, 5);
}

pub(crate) async fn writers_of_many_streams_do_not_disturb_each_other(log: &Log) {
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..64 {
        let log = Arc::clone(log);
        writers.spawn(async move {
            let mut history = History::new(instance(number));
            history.grow(&*log, 10).await;
            history
        });
    }
    while let Some(history) = writers.join_next().await {
        let history = history.unwrap();
        let report = verify(log.as_read(), &history.stream).await.unwrap();
        assert_eq!((report.commits, report.last_hash, report.fault), (10, history.last_hash, None));
    }
}

pub(crate) async fn a_grown_stream_verifies(log: &Log) {
    let mut history = History::new(instance(1));
    let empty = verify(log.as_read(), &history.stream).await.unwrap();
    assert_eq!((empty.commits, empty.last_hash), (0, Hash::genesis(&history.stream)));
    history.grow(&**log, 300).await;
    let report = verify(log.as_read(), &history.stream).await.unwrap();
    assert_eq!((report.commits, report.last_hash, report.fault), (300, history.last_hash, None));
}

pub(crate) async fn a_forged_commit_is_named(log: &Log) {
    let mut history = History::new(instance(1));
    history.grow(&**log, 3).await;
    // Somebody changed the third commit: the fourth names a hash that nothing has.
    history.last_hash = Hash([9; 32]);
    history.grow(&**log, 2).await;
    let fault = verify(log.as_read(), &history.stream).await.unwrap().fault.unwrap();
    assert_eq!(fault.version, 4);
    assert!(matches!(fault.kind, ChainFaultKind::Previous { found: Hash([9, ..]), .. }), "{fault:?}");

    // A commit of another stream was put here.
    let mut moved = History::new(instance(2));
    let mut commit = moved.next(1);
    commit.payload = History::new(instance(3)).next(1).payload;
    let appended = log.append(commit.clone(), Expected::Empty).await.unwrap();
    moved.moved(&appended, &commit.payload);
    let fault = verify(log.as_read(), &moved.stream).await.unwrap().fault.unwrap();
    assert_eq!(fault.version, 1);
    assert!(matches!(fault.kind, ChainFaultKind::Undecodable(_)), "{fault:?}");
}

/// `Arc<dyn EventLog>` as the port that only reads.
pub(crate) trait AsRead {
    fn as_read(&self) -> &dyn LogRead;
}

impl AsRead for Log {
    fn as_read(&self) -> &dyn LogRead {
        &**self
    }
}
