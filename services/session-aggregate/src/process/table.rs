//! An agenda for stories that has only rows.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use berth_log::Position;
use berth_proto::Timestamp;
use berth_views::{Asked, Change, Lacking, LastFolded, Rebuild, Row, Rows, ViewError, ViewReader, ViewState};
use tokio::sync::watch;

use super::job::Job;

/// An agenda that counts the rows that are read of it.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
    change: watch::Sender<Change>,
    pub(super) read: AtomicUsize,
}

#[async_trait]
impl ViewReader for Table {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ViewError> {
        self.read.fetch_add(1, Ordering::SeqCst);
        Ok(self.rows.lock().unwrap().get(key).cloned())
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, ViewError> {
        let rows = self.rows.lock().unwrap();
        let of_prefix = rows.iter().filter(|(key, _)| key.starts_with(prefix));
        let behind = of_prefix.filter(|(key, _)| after.is_none_or(|after| key.as_slice() > after));
        let page: Vec<Row> = behind.take(limit).map(|(key, row)| (key.clone(), row.clone())).collect();
        self.read.fetch_add(page.len(), Ordering::SeqCst);
        Ok(page)
    }

    fn state(&self) -> ViewState {
        ViewState::Live
    }

    fn states(&self) -> watch::Receiver<ViewState> {
        watch::Sender::new(ViewState::Live).subscribe()
    }

    fn changes(&self) -> watch::Receiver<Change> {
        self.change.subscribe()
    }

    fn name(&self) -> &'static str {
        "agenda"
    }

    fn rebuild_with(&self, _: Lacking) -> Asked {
        Asked::Refused("it is a table".to_owned())
    }

    fn rebuilding(&self) -> Option<Rebuild> {
        None
    }

    async fn reached(&self, _: &Position, _: Duration) -> Result<(), ViewError> {
        Ok(())
    }
}

impl Table {
    /// A commit of a shard was folded.
    pub(super) fn folded(&self, shard: u8, revision: u64, occurred_at: Timestamp) {
        self.change.send_modify(|change| {
            change.last.insert(shard, LastFolded { revision, occurred_at });
        });
    }

    /// Puts a job at a moment, or takes it off.
    pub(super) fn put(&self, job: Job, due: Option<Timestamp>) {
        job.set(&mut Writes(self), due).unwrap();
    }
}

/// What writes into it.
struct Writes<'a>(&'a Table);

impl Rows for Writes<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, ViewError> {
        Ok(self.0.rows.lock().unwrap().get(key).cloned())
    }

    fn put(&mut self, key: &[u8], value: Vec<u8>) {
        self.0.rows.lock().unwrap().insert(key.to_vec(), value);
    }

    fn remove(&mut self, key: &[u8]) {
        self.0.rows.lock().unwrap().remove(key);
    }
}
