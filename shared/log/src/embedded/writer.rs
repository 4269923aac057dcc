//! The one writer: a thread that drains the queue of appends and stores each batch in one durable
//! transaction, so that appends that wait at the same time share its sync.

use std::sync::Arc;

use redb::Database;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    keys::{COMMITS, VERSIONS},
    open::begin_write,
    store::{Store, StoreError, compare, end_of, put_commit, put_fact, tail_of},
};
use crate::{
    local::Ends,
    port::{AppendError, Appended, Expected, NewCommit, Tail},
};

/// Appends that wait for the writer.
pub(super) const QUEUE_COMMITS_MAX: usize = 1024;
/// Commits in one transaction.
const BATCH_COMMITS_MAX: usize = 1024;
/// Bytes after which a transaction takes no more commits.
const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Written after a failed batch, to make certain that what is found in the file is on the disk.
const CONFIRMED_FACT: &str = "confirmed";

type Answer = Result<Appended, AppendError>;

/// An append on its way to the writer.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) commit: NewCommit,
    pub(super) expected: Expected,
    pub(super) shard: u8,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// What became of one append of a batch.
#[derive(Debug, Clone, Copy)]
enum Verdict {
    /// Its commit is stored by this batch, or was before.
    Stored(Tail),
    /// Another commit was there first.
    Conflict,
    /// Nothing of it is in the file. Only after a failed batch.
    Absent,
}

/// Drains the queue until every handle of the log is gone, then closes the file.
pub(super) fn run(mut queue: mpsc::Receiver<Request>, store: &Store, ends: &watch::Sender<Ends>) {
    while let Some(first) = queue.blocking_recv() {
        let mut bytes = first.commit.payload.len();
        let mut batch = vec![first];
        while batch.len() < BATCH_COMMITS_MAX
            && bytes < BATCH_BYTES_MAX
            && let Ok(next) = queue.try_recv()
        {
            bytes += next.commit.payload.len();
            batch.push(next);
        }
        settle(batch, store, ends);
    }
    store.close();
}

fn settle(batch: Vec<Request>, store: &Store, ends: &watch::Sender<Ends>) {
    match store.with(|database| write(database, &batch)) {
        Ok(verdicts) => {
            announce(&batch, &verdicts, ends);
            for (request, verdict) in batch.into_iter().zip(verdicts) {
                reply(request, verdict, None);
            }
        }
        Err(error) => settle_failed(batch, store, ends, error),
    }
}

/// Stores a batch in one transaction. Nothing of it is stored if that fails.
fn write(database: &Database, batch: &[Request]) -> Result<Vec<Verdict>, StoreError> {
    let transaction = begin_write(database)?;
    let mut changed = false;
    let mut verdicts = Vec::with_capacity(batch.len());
    {
        let mut commits = transaction.open_table(COMMITS)?;
        let mut versions = transaction.open_table(VERSIONS)?;
        for Request { commit, expected, shard, .. } in batch {
            let found = tail_of(&versions, &commit.stream)?.map_or(Expected::Empty, Expected::After);
            let next = expected.next_version();
            if found != *expected || commit.version != next {
                let at = (&commit.stream, *shard, next);
                let there = compare(&commits, &versions, at, &commit.payload)?;
                verdicts.push(match there {
                    Some((tail, true)) => Verdict::Stored(tail),
                    _ => Verdict::Conflict,
                });
                continue;
            }
            let tail = Tail { version: next, revision: end_of(&commits, *shard)? + 1 };
            put_commit(&mut commits, &mut versions, (&commit.stream, *shard, tail), &commit.payload)?;
            changed = true;
            verdicts.push(Verdict::Stored(tail));
        }
    }
    if changed {
        transaction.commit()?;
    } else {
        transaction.abort()?;
    }
    Ok(verdicts)
}

/// Tells followers what is there now.
fn announce(batch: &[Request], verdicts: &[Verdict], ends: &watch::Sender<Ends>) {
    ends.send_if_modified(|ends| {
        let mut new = ends.to_vec();
        for (request, verdict) in batch.iter().zip(verdicts) {
            if let (Verdict::Stored(tail), Some(end)) = (verdict, new.get_mut(usize::from(request.shard))) {
                *end = tail.revision.max(*end);
            }
        }
        let modified = **ends != *new;
        *ends = new.into();
        modified
    });
}

/// The transaction failed and the file was opened again: look what is in it.
///
/// The first of the two syncs of a transaction comes before it takes effect, so an absent commit is
/// certainly not stored. One that is there took effect, but perhaps only in the operating system's cache;
/// another durable transaction makes certain that it is on the disk.
fn settle_failed(batch: Vec<Request>, store: &Store, ends: &watch::Sender<Ends>, error: StoreError) {
    tracing::error!(
        error = &error as &dyn std::error::Error,
        commits = batch.len(),
        "a batch of commits could not be stored"
    );
    let error = Arc::new(error);
    let Ok(verdicts) =
        store.read(|tables| batch.iter().map(|request| find(request, tables)).collect::<Result<Vec<_>, _>>())
    else {
        for request in batch {
            let stream = request.commit.stream;
            answer(
                request.answer,
                Err(AppendError::Unknown { stream, source: Box::new(Arc::clone(&error)) }),
            );
        }
        return;
    };
    let found = verdicts.iter().any(|verdict| !matches!(verdict, Verdict::Absent));
    let certain = !found || store.with(confirm).is_ok();
    if certain {
        announce(&batch, &verdicts, ends);
    }
    for (request, verdict) in batch.into_iter().zip(verdicts) {
        if certain || matches!(verdict, Verdict::Absent) {
            reply(request, verdict, Some(&error));
        } else {
            let stream = request.commit.stream;
            answer(
                request.answer,
                Err(AppendError::Unknown { stream, source: Box::new(Arc::clone(&error)) }),
            );
        }
    }
}

fn find(request: &Request, tables: &super::store::Snapshot) -> Result<Verdict, StoreError> {
    let commit = &request.commit;
    let at = (&commit.stream, request.shard, request.expected.next_version());
    Ok(match tables.compare(at, &commit.payload)? {
        Some((tail, true)) => Verdict::Stored(tail),
        Some((_, false)) => Verdict::Conflict,
        None => Verdict::Absent,
    })
}

fn confirm(database: &Database) -> Result<(), StoreError> {
    let transaction = begin_write(database)?;
    put_fact(&transaction, CONFIRMED_FACT, 1)?;
    Ok(transaction.commit()?)
}

fn reply(request: Request, verdict: Verdict, error: Option<&Arc<StoreError>>) {
    let Request { commit, shard, answer: channel, .. } = request;
    let result = match (verdict, error) {
        (Verdict::Stored(tail), _) => Ok(Appended { tail, shard }),
        (Verdict::Absent, Some(error)) => Err(refusal(error)),
        (Verdict::Conflict | Verdict::Absent, _) => Err(AppendError::Conflict { stream: commit.stream }),
    };
    answer(channel, result);
}

fn refusal(error: &Arc<StoreError>) -> AppendError {
    let source = Box::new(Arc::clone(error));
    match **error {
        StoreError::Full(_) => AppendError::Full(source),
        StoreError::Failed(_) | StoreError::Damaged(_) | StoreError::Closed => {
            AppendError::Unavailable(source)
        }
    }
}

/// Whoever asked may be gone; the commit is stored or not all the same.
fn answer(channel: oneshot::Sender<Answer>, answer: Answer) {
    let _ = channel.send(answer);
}
