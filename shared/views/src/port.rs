//! What a view is, and how its rows are read.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use berth_log::{Position, SharedCommit};
use berth_proto::{CommitV2, Kind, Timestamp, views::DamageNumber};
use thiserror::Error;
use tokio::sync::watch;

/// A fold of the log into rows.
pub trait View: fmt::Debug + Send + Sync + 'static {
    /// Its name: letters and `-`; the folder and the consumer are named after it.
    fn name(&self) -> &'static str;

    /// Raised whenever the meaning or shape of the rows changes: the view is then built anew.
    fn schema(&self) -> u32;

    /// The kinds of streams that it follows.
    fn kinds(&self) -> &'static [Kind];

    /// Folds one commit. A row must depend on one stream only, so that the order in which streams are read
    /// does not matter. Applied twice, a commit must give the same rows. `shared` is the same commit as all views
    /// of the process have it: where it is stored, and its state, which the first view that asks opens for all.
    fn apply(&self, shared: &SharedCommit, commit: &CommitV2, rows: &mut dyn Rows) -> Result<(), ApplyError>;

    /// The same fold, which tells nobody what it changes: for rows that nobody reads yet, and for commits that this one has
    /// folded already.
    fn quiet(&self) -> Arc<dyn View>;
}

/// A commit could not be folded. The view counts it, says so and goes on with the next one.
#[derive(Debug, Error)]
#[error("{reason}")]
pub struct ApplyError {
    /// Why, without any value of the commit.
    pub reason: String,
}

/// The rows as a fold sees them: what is stored, overlaid with what changed and is not written yet.
pub trait Rows {
    /// A row.
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, ViewError>;
    /// Writes a row.
    fn put(&mut self, key: &[u8], value: Vec<u8>);
    /// Removes a row.
    fn remove(&mut self, key: &[u8]);
}

/// Reading a view failed.
#[derive(Debug, Clone, Error)]
pub enum ViewError {
    /// It is being built anew; a retry helps later.
    #[error("the view is being rebuilt")]
    Rebuilding,
    /// The store failed; the view is put aside and built anew, a retry helps later.
    #[error("the store of the view failed: {0}")]
    Store(Arc<str>),
    /// The view did not get as far as asked in time; a retry helps.
    #[error("the view is behind")]
    Behind,
}

/// How a view stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewState {
    /// Reads the log for the first time, or again after damage.
    Rebuilding,
    /// Follows the log.
    Live,
    /// The log lost commits that this reader had seen: it stops until an operator decides.
    Halted(String),
}

/// How rows fare that are built beside those that are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuild {
    /// When this process began it, or went on with it.
    pub begun_at: Timestamp,
    /// Commits of the log that had been looked at by then.
    pub folded_before: u64,
    /// Commits that are looked at.
    pub folded: u64,
    /// Commits in the log, as far as it is known.
    pub of: u64,
    /// How it ended; none while it goes on.
    pub ended: Option<RebuildEnded>,
}

/// The end of a rebuild.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RebuildEnded {
    /// When.
    pub at: Timestamp,
    /// Why the former rows are still read; none if the new ones are.
    pub failure: Option<String>,
    /// By which number it is accepted that new rows lack commits, if that is why.
    pub damage: Option<DamageNumber>,
}

/// Whether new rows may take the place of others that have more, since the log cannot give any more what these were made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lacking {
    /// They may not: the others are the better ones.
    Refused,
    /// They may lack the commits that this number stands for, and no other: an operator says so.
    Accepted(DamageNumber),
}

/// What became of a wish to have a view built anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// It begins.
    Begun,
    /// It was going on already.
    Running,
    /// It does not begin; why, in a sentence.
    Refused(String),
}

/// What a reader of a view is told when rows changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// The position that the rows stand for.
    pub position: Position,
    /// When the last commit in them was decided, in microseconds; 0 before the first.
    pub occurred_at: i64,
    /// Whether everything that was in the log when the follower last looked is folded: what comes after is
    /// folded as it comes.
    pub caught_up: bool,
    /// The last commit that this follower folded of each shard: shards are folded apart, and one may be late while others are not.
    pub last: BTreeMap<u8, LastFolded>,
    /// Which rows they are: another number once others took their place, which may differ in any row without that a commit was
    /// folded. Whoever keeps something of what it read reads everything again then.
    pub rows: u64,
}

/// A commit that was folded last of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastFolded {
    /// Its place in the shard.
    pub revision: u64,
    /// When it was decided.
    pub occurred_at: Timestamp,
}

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Reads the rows of a running view. Cheap to clone; reads are short and may block on the disk, so callers
/// in asynchronous code use `spawn_blocking` for long scans.
///
/// Rows become visible one by one, before [`Self::changes`] tells their position: those of a batch that are written in the order
/// of their keys, then those that are removed are gone. So whoever finds a new row finds what is new of those before it, and a
/// row that takes the place of another is there before that is gone.
#[async_trait]
pub trait ViewReader: fmt::Debug + Send + Sync + 'static {
    /// A row.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ViewError>;

    /// Rows whose keys start with `prefix` and come after `after`, in the order of their keys, at most
    /// `limit`.
    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, ViewError>;

    /// How the view stands.
    fn state(&self) -> ViewState;

    /// How it stands, from now on.
    fn states(&self) -> watch::Receiver<ViewState>;

    /// Becomes another value whenever rows changed.
    fn changes(&self) -> watch::Receiver<Change>;

    /// The name of the view.
    fn name(&self) -> &'static str;

    /// Has the view built anew from the log beside the rows that are read, which take every commit meanwhile and are read
    /// until the new ones stand for as much. Rows that are wrong without showing it are mended by that.
    fn rebuild(&self) -> Asked {
        self.rebuild_with(Lacking::Refused)
    }

    /// The same. What is accepted counts for the rebuild that goes on, too.
    fn rebuild_with(&self, lacking: Lacking) -> Asked;

    /// How the last rebuild of this process fares or ended; none if there was none.
    fn rebuilding(&self) -> Option<Rebuild>;

    /// Waits until the rows stand for at least this position.
    async fn reached(&self, position: &Position, timeout: Duration) -> Result<(), ViewError>;
}
