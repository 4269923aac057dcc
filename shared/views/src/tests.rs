//! Damage that a running view meets, which only the inside of the crate can bring about.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use berth_log::{
    Batches, EventLog, Expected, Followed, LogRead, NewCommit, Position, SharedCommit, memory::MemoryLog,
};
use berth_proto::{
    CommitV1, CommitV2, Hash, InstanceId, Kind, RecordV1, StreamKey, Timestamp, codec::encode,
};
use berth_runtime::{Lifecycle, SystemClock};
use futures::StreamExt;
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::{
    checked::{Checked, Sums},
    fold::{self, fold},
    folder::ViewFolder,
    options::ViewOptions,
    port::{ApplyError, Asked, Row, Rows, View, ViewError, ViewReader, ViewState},
    reader::Core,
    start,
    store::{Batch, Store, StoreError, memory::MemoryStore},
    unwritten::Unwritten,
};

const WAIT_MAX: Duration = Duration::from_secs(30);

/// A row for each instance: its version. Panics where it is told to.
#[derive(Debug)]
struct Versions;

impl View for Versions {
    fn name(&self) -> &'static str {
        "versions"
    }

    fn schema(&self) -> u32 {
        1
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Instance]
    }

    fn apply(&self, shared: &SharedCommit, commit: &CommitV2, rows: &mut dyn Rows) -> Result<(), ApplyError> {
        assert!(commit.full_state().unwrap().type_id != 13, "a fold may have a fault");
        let stream = shared.stored().stream;
        rows.get(stream.id()).map_err(|error| ApplyError { reason: error.to_string() })?;
        rows.put(stream.id(), commit.version.to_be_bytes().to_vec());
        Ok(())
    }

    fn quiet(&self) -> Arc<dyn View> {
        Arc::new(Self)
    }
}

fn stream(id: u8) -> StreamKey {
    StreamKey::instance(InstanceId::from_bytes([id; 16]))
}

async fn append(log: &MemoryLog, id: u8, version: u64, type_id: u16) {
    let expected = match log.tail(&stream(id)).await.unwrap() {
        Some(last) => Expected::After(last.tail),
        None => Expected::Empty,
    };
    let commit = CommitV1 {
        stream: stream(id),
        version,
        previous: Hash([0; 32]),
        occurred_at: Timestamp(1),
        receipts: Vec::new(),
        events: Vec::new(),
        state: RecordV1 { type_id, version: 1, body: Vec::new() },
    };
    let payload = encode(&commit).unwrap().into();
    let commit = NewCommit { stream: stream(id), version, command_id: None, traceparent: None, payload };
    log.append(commit, expected).await.unwrap();
}

struct Running {
    log: MemoryLog,
    core: Arc<Core>,
    lifecycle: Lifecycle,
    _folder: tempfile::TempDir,
}

async fn running() -> Running {
    let (log, folder, lifecycle) = (MemoryLog::new(2), tempfile::tempdir().unwrap(), Lifecycle::new());
    append(&log, 1, 1, 1).await;
    append(&log, 2, 1, 1).await;
    let options = ViewOptions::in_memory(Arc::new(SystemClock));
    let core =
        start::start(Arc::new(log.clone()), folder.path(), Arc::new(Versions), options, &lifecycle).await;
    let running = Running { log, core: core.unwrap(), lifecycle, _folder: folder };
    running.rebuilt().await;
    running
}

impl Running {
    async fn rebuilt(&self) {
        let mut states = self.core.state.subscribe();
        let live = states.wait_for(|state| *state == ViewState::Live);
        drop(tokio::time::timeout(WAIT_MAX, live).await.expect("the view becomes live").unwrap());
        self.core.reached(&self.log.end().await.unwrap(), WAIT_MAX).await.unwrap();
    }
}

#[tokio::test]
async fn rows_are_held_back_until_they_may_be_read_and_then_written_with_each_batch() {
    let log = MemoryLog::new(1);
    for version in 1..=3 {
        append(&log, 1, version, 1).await;
    }
    let follow = log.follow("test", &[Kind::Instance], Position::default()).await.unwrap();
    let mut batches = Batches::new(follow, 2);
    let store = ViewOptions::in_memory(Arc::new(SystemClock)).open_store(Path::new("")).unwrap();
    let (checked, before) = Checked::open(store, "versions", 1).unwrap();
    let (mut checkpoint, mut unwritten) = (before.clone(), Unwritten::within(usize::MAX));
    let mut seen = Vec::new();
    for _ in 0..3 {
        if checkpoint.complete {
            append(&log, 1, 4, 1).await;
        }
        let batch: Vec<Followed> = batches.next().await.unwrap().into_iter().map(Result::unwrap).collect();
        let expected = fold::Expected::default();
        let folded = fold(&Versions, &checked, checkpoint, unwritten, expected, batch, false).unwrap();
        seen.push((folded.written, checked.get(&[1; 16]).unwrap().map(|row| row[7])));
        (checkpoint, unwritten) = (folded.checkpoint, folded.unwritten);
    }
    assert_eq!(seen, [(false, None), (true, Some(3)), (true, Some(4))]);
    assert_eq!(checked.checkpoint(), checkpoint);
}

/// Counts how often it is asked for something but the checkpoint.
#[derive(Debug, Default)]
struct Counting {
    rows: MemoryStore,
    asked: Arc<AtomicU64>,
}

impl Store for Counting {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.asked.fetch_add(u64::from(key.len() > 1), Ordering::SeqCst);
        self.rows.get(key)
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.rows.scan(prefix, after, limit)
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.rows.apply(batch)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.rows.flush()
    }
}

#[tokio::test]
async fn a_store_that_has_no_row_yet_is_asked_for_none() {
    let log = MemoryLog::new(1);
    for id in 1..=3 {
        append(&log, id, 1, 1).await;
    }
    let follow = log.follow("test", &[Kind::Instance], Position::default()).await.unwrap();
    let mut batches = Batches::new(follow, 9);
    let asked = Arc::<AtomicU64>::default();
    let store = Counting { asked: Arc::clone(&asked), ..Counting::default() };
    let (checked, mut checkpoint) = Checked::open(Box::new(store), "versions", 1).unwrap();
    let mut unwritten = Unwritten::within(usize::MAX);
    let mut seen = Vec::new();
    for version in 2..=3 {
        let batch: Vec<Followed> = batches.next().await.unwrap().into_iter().map(Result::unwrap).collect();
        let expected = fold::Expected::default();
        let folded = fold(&Versions, &checked, checkpoint, unwritten, expected, batch, false).unwrap();
        seen.push((folded.written, folded.checkpoint.rows, asked.load(Ordering::SeqCst)));
        (checkpoint, unwritten) = (folded.checkpoint, folded.unwritten);
        append(&log, 2, version, 1).await;
    }
    assert_eq!(seen, [(true, 3, 0), (true, 3, 1)]);
}

#[tokio::test]
async fn what_was_held_back_when_a_process_ends_is_folded_again() {
    let (log, folder) = (MemoryLog::new(1), tempfile::tempdir().unwrap());
    append(&log, 1, 1, 1).await;
    let options = ViewOptions::new(Arc::new(SystemClock));
    let open = || Checked::open(options.open_store(folder.path()).unwrap(), "versions", 1).unwrap();
    let mut written = Vec::new();
    for _ in 0..2 {
        let (checked, checkpoint) = open();
        written.push(checked.get(&[1; 16]).unwrap());
        let follow = log.follow("test", &[Kind::Instance], checkpoint.position.clone()).await.unwrap();
        let batch = Batches::new(follow, 1).next().await.unwrap().into_iter().map(Result::unwrap).collect();
        let (unwritten, expected) = (Unwritten::within(usize::MAX), fold::Expected::default());
        let held = fold(&Versions, &checked, checkpoint, unwritten, expected, batch, false).unwrap();
        assert!(!held.unwritten.is_empty() && !held.written && held.commits == 1);
        // Dropped with what it holds back, as by a crash.
    }
    assert_eq!(written, [None, None], "no row stands without its checkpoint");
}

#[tokio::test]
async fn a_reader_that_meets_damage_has_the_view_built_anew() {
    let running = running().await;
    let before = running.core.scan(b"", None, 10).unwrap();
    assert_eq!(before.len(), 2);
    running.core.store().unwrap().damage(&[1; 16], b"sixteen bytes and a wrong value".to_vec());

    assert!(matches!(running.core.scan(b"", None, 10), Err(ViewError::Store(_))));
    assert!(matches!(running.core.get(&[2; 16]), Err(ViewError::Rebuilding)), "nobody reads these rows now");
    let readable = async {
        while running.core.get(&[2; 16]).is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(WAIT_MAX, readable).await.expect("the view is built anew");
    running.rebuilt().await;
    assert_eq!(running.core.scan(b"", None, 10).unwrap(), before);
    assert!(running.lifecycle.shut_down().await);
}

#[tokio::test]
async fn a_fold_that_meets_damage_has_the_view_built_anew() {
    let running = running().await;
    running.core.store().unwrap().damage(&[1; 16], b"short".to_vec());
    append(&running.log, 1, 2, 1).await;
    running.rebuilt().await;
    assert_eq!(running.core.get(&[1; 16]).unwrap(), Some(2_u64.to_be_bytes().to_vec()));
    assert!(running.lifecycle.shut_down().await);
}

#[tokio::test]
async fn a_fold_that_panics_skips_its_commit_only() {
    let running = running().await;
    append(&running.log, 1, 2, 13).await;
    append(&running.log, 2, 2, 1).await;
    running.rebuilt().await;
    assert_eq!(running.core.get(&[1; 16]).unwrap(), Some(1_u64.to_be_bytes().to_vec()));
    assert_eq!(running.core.get(&[2; 16]).unwrap(), Some(2_u64.to_be_bytes().to_vec()));
    assert!(running.lifecycle.shut_down().await);
}

#[tokio::test]
async fn rows_that_are_wrong_without_showing_it_are_mended_by_building_them_anew() {
    let running = running().await;
    let before = running.core.scan(b"", None, 10).unwrap();
    let (store, key) = (running.core.store().unwrap(), vec![1; 16]);
    let mut checkpoint = store.checkpoint();
    let changes = [(key.clone(), Some(7_u64.to_be_bytes().to_vec())), (vec![9; 16], Some(vec![1]))];
    store.write(changes, &Sums::new(), &mut checkpoint).unwrap();
    drop(store);
    assert_ne!(running.core.scan(b"", None, 10).unwrap(), before);

    let (mut changes, rows) = (running.core.changes(), running.core.change.borrow().rows);
    assert_eq!(running.core.rebuild(), Asked::Begun);
    let switched = changes.wait_for(|change| change.rows != rows);
    drop(
        tokio::time::timeout(WAIT_MAX, switched).await.expect("whoever keeps something hears of it").unwrap(),
    );
    assert_eq!(running.core.scan(b"", None, 10).unwrap(), before, "and reads the new rows then");
    let mut rebuild = running.core.rebuild.subscribe();
    let ended = rebuild.wait_for(|rebuild| rebuild.as_ref().is_some_and(|rebuild| rebuild.ended.is_some()));
    drop(tokio::time::timeout(WAIT_MAX, ended).await.expect("it ends").unwrap());
    assert_eq!(running.core.rebuilding().unwrap().ended.unwrap().failure, None);
    assert_eq!(running.core.scan(b"", None, 10).unwrap(), before);
    append(&running.log, 1, 2, 1).await;
    running.rebuilt().await;
    assert_eq!(running.core.get(&key).unwrap(), Some(2_u64.to_be_bytes().to_vec()));
    assert!(running.lifecycle.shut_down().await);
}

#[tokio::test]
async fn what_a_reader_met_in_rows_that_are_gone_says_nothing_of_the_new_ones() {
    let running = running().await;
    let store = ViewOptions::in_memory(Arc::new(SystemClock)).open_store(Path::new("")).unwrap();
    let others = Arc::new(Checked::open(store, "versions", 1).unwrap().0);
    let core = Arc::clone(&running.core);
    let read: Result<(), _> = running.core.read(|_former| {
        core.set_store(Some(others));
        Err(StoreError::Damaged("a row does not match its checksum"))
    });
    assert!(matches!(read, Err(ViewError::Rebuilding)), "a retry reads the new ones");
    assert!(running.core.take_damage().is_none());
    assert_eq!(running.core.get(&[1; 16]).unwrap(), None, "the new ones are read");
    assert!(running.lifecycle.shut_down().await);
}

#[tokio::test]
async fn the_files_of_rows_that_were_given_up_are_not_touched_while_something_works_on_them() {
    let running = running().await;
    let busy = Arc::clone(&running.core.beside).lock_owned().await;
    running.core.store().unwrap().damage(&[1; 16], b"sixteen bytes and a wrong value".to_vec());
    assert!(running.core.scan(b"", None, 10).is_err());
    let mut states = running.core.states();
    let aside = states.wait_for(|state| *state == ViewState::Rebuilding);
    drop(tokio::time::timeout(WAIT_MAX, aside).await.expect("it is put aside").unwrap());
    assert!(running.core.store().is_none(), "it is not opened again meanwhile");
    drop(busy);
    running.rebuilt().await;
    assert_eq!(running.core.scan(b"", None, 10).unwrap().len(), 2);
    assert!(running.lifecycle.shut_down().await);
}

#[tokio::test]
async fn what_rows_that_are_built_beside_skip_again_is_counted_once() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _counted = metrics::set_default_local_recorder(&recorder);
    let running = running().await;
    append(&running.log, 1, 2, 13).await;
    running.rebuilt().await;
    let counted = |what: &str| {
        let line = format!("berth_view_{what}_total{{view=\"versions\"}} ");
        let rendered = recorder.handle().render();
        rendered.lines().find_map(|one| one.strip_prefix(line.as_str())?.parse::<u64>().ok())
    };
    assert_eq!(counted("skipped"), Some(1));
    let commits = counted("commits");
    assert_eq!(running.core.rebuild(), Asked::Begun);
    let mut rebuild = running.core.rebuild.subscribe();
    let ended = rebuild.wait_for(|rebuild| rebuild.as_ref().is_some_and(|rebuild| rebuild.ended.is_some()));
    drop(tokio::time::timeout(WAIT_MAX, ended).await.expect("it ends").unwrap());
    assert_eq!(running.core.rebuilding().unwrap().ended.unwrap().failure, None);
    assert_eq!((counted("skipped"), counted("commits")), (Some(1), commits), "the log has it once");
    assert!(running.lifecycle.shut_down().await);
}

#[test]
fn rows_that_somebody_has_open_still_are_opened_later_and_are_no_damage() {
    let home = tempfile::tempdir().unwrap();
    let options = ViewOptions { cache_bytes: 1024 * 1024, ..ViewOptions::new(Arc::new(SystemClock)) };
    let folder = ViewFolder::claim(home.path(), "versions", 1).unwrap();
    let open = || start::open_or_quarantine(&folder, &options, "versions", 1);
    let (held, mut checkpoint) = open().unwrap();
    held.write([(vec![1], Some(vec![2]))], &Sums::new(), &mut checkpoint).unwrap();
    // More often than rows are opened that end the process each time.
    for _ in 0..3 {
        let error = open().expect_err("somebody has them");
        assert!(!error.to_string().is_empty());
    }
    drop(held);
    let (again, _) = open().unwrap();
    assert_eq!(again.get(&[1]).unwrap(), Some(vec![2]));
    let entries = std::fs::read_dir(home.path().join("versions")).unwrap();
    let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!names.iter().any(|name| name.starts_with("quarantine")), "{names:?}");
}
