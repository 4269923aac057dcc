//! A view over the test log, and what it runs in.

use std::{path::Path, sync::Arc, time::Duration};

use berth_log::{LogRead, SharedCommit};
use berth_proto::{CommitV2, Kind};
use berth_runtime::{Lifecycle, SystemClock};
use berth_views::{ApplyError, Row, Rows, View, ViewError, ViewOptions, ViewReader, ViewState};

use crate::log::TestLog;

/// How long a story waits for something that must happen.
pub(crate) const WAIT_MAX: Duration = Duration::from_mins(1);

/// For each instance, its last version and event, and how many commits it has; one row for all of a prefix.
#[derive(Debug)]
pub(crate) struct Counts {
    /// The schema that it says it has.
    pub(crate) schema: u32,
}

impl View for Counts {
    fn name(&self) -> &'static str {
        "counts"
    }

    fn schema(&self) -> u32 {
        self.schema
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Instance]
    }

    fn apply(&self, shared: &SharedCommit, commit: &CommitV2, rows: &mut dyn Rows) -> Result<(), ApplyError> {
        let store = |error: ViewError| ApplyError { reason: error.to_string() };
        let stream = shared.stored().stream;
        let key = [b"i", stream.id().as_slice()].concat();
        let before = rows.get(&key).map_err(store)?;
        let mut row = commit.version.to_be_bytes().to_vec();
        row.extend_from_slice(&commit.full_state().unwrap().body);
        // An index by the state's byte, so that rows move.
        let index = |body: u8| [b"s", [body].as_slice(), stream.id()].concat();
        if let Some(before) = before {
            rows.remove(&index(before[8]));
        }
        rows.put(&index(row[8]), Vec::new());
        rows.put(&key, row);
        Ok(())
    }

    fn quiet(&self) -> Arc<dyn View> {
        Arc::new(Self { schema: self.schema })
    }
}

/// A running view and what it runs in.
pub(crate) struct Running {
    /// The view.
    pub(crate) view: Arc<dyn ViewReader>,
    lifecycle: Lifecycle,
}

impl Running {
    /// Opens the view of schema 1 in a folder.
    pub(crate) async fn open(log: &TestLog, folder: &Path) -> Self {
        Self::open_schema(log, folder, 1).await
    }

    /// Opens the view with a schema.
    pub(crate) async fn open_schema(log: &TestLog, folder: &Path, schema: u32) -> Self {
        Self::open_on(Arc::new(log.clone()), folder, schema).await
    }

    /// Opens the view over any log.
    pub(crate) async fn open_on(log: Arc<dyn LogRead>, folder: &Path, schema: u32) -> Self {
        let lifecycle = Lifecycle::new();
        // Small logs write as often as large ones.
        let new = ViewOptions::new(Arc::new(SystemClock));
        let options = ViewOptions { cache_bytes: 1024 * 1024, held_bytes: 4 * 1024, ..new };
        let view = Arc::new(Counts { schema });
        let view = berth_views::open(log, folder, view, options, &lifecycle).await.unwrap();
        Self { view, lifecycle }
    }

    /// Waits until everything in the log is folded, and gives all rows.
    pub(crate) async fn rows(&self, log: &dyn LogRead) -> Vec<Row> {
        let end = log.end().await.unwrap();
        self.view.reached(&end, WAIT_MAX).await.unwrap();
        self.state(|state| *state == ViewState::Live).await;
        self.view.scan(b"", None, usize::MAX).unwrap()
    }

    /// Waits for a state.
    pub(crate) async fn state(&self, wanted: impl Fn(&ViewState) -> bool) -> ViewState {
        let deadline = tokio::time::Instant::now() + WAIT_MAX;
        loop {
            let state = self.view.state();
            if wanted(&state) {
                return state;
            }
            assert!(tokio::time::Instant::now() < deadline, "the view stays {state:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Stops as a process that is asked to end.
    pub(crate) async fn stop(self) {
        assert!(self.lifecycle.shut_down().await, "the follower ends by itself");
    }
}

/// The rows that a view in a new folder has.
pub(crate) async fn reference(log: &TestLog) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::open(log, folder.path()).await;
    let rows = running.rows(log).await;
    running.stop().await;
    assert!(!rows.is_empty());
    rows
}

/// Names in the folder of the view that begin with `prefix`.
pub(crate) fn names(folder: &Path, prefix: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder.join("counts"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(prefix))
        .collect();
    names.sort();
    names
}
