//! The high-water mark of a follower: how much of the log it has seen, kept outside its view.
//!
//! A log that ends before the mark, or has another commit where the marked one was, has lost commits that
//! were acknowledged. The file is JSON beside a digest of it, so that an operator can read it and damage to
//! it is not taken for a loss.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use berth_log::ShardPosition;
use berth_proto::Hash;
use berth_runtime::spawn_blocking;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::checked::{Checkpoint, LastCommit};

/// How a file of marks ends.
pub(crate) const SUFFIX: &str = ".high-water";
/// How often the file is written at most.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// How much of one shard was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Which life of the shard.
    pub(crate) incarnation: u64,
    /// The last revision that was seen.
    pub(crate) revision: u64,
    /// The last commit that was folded.
    pub(crate) last: Option<LastCommit>,
}

impl Mark {
    /// How much was seen.
    pub(crate) const fn position(&self) -> ShardPosition {
        ShardPosition { incarnation: self.incarnation, revision: self.revision }
    }
}

/// The marks of all shards.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Marks {
    /// The schema of the view that saw it.
    pub(crate) schema: u32,
    /// How much was seen.
    pub(crate) shards: BTreeMap<u8, Mark>,
}

#[derive(Serialize, Deserialize)]
struct MarksFile {
    marks: Marks,
    digest: Hash,
}

impl Marks {
    /// Raises the marks to a checkpoint; says whether any changed. A shard's new life replaces its old one.
    pub(crate) fn raise(&mut self, checkpoint: &Checkpoint) -> bool {
        let mut raised = false;
        for (shard, at) in &checkpoint.position.0 {
            let seen = self.shards.get(shard);
            if seen.is_some_and(|mark| mark.incarnation == at.incarnation && mark.revision >= at.revision) {
                continue;
            }
            let last = checkpoint.last.get(shard).copied();
            self.shards.insert(*shard, Mark { incarnation: at.incarnation, revision: at.revision, last });
            raised = true;
        }
        raised
    }
}

/// Marks that are raised all the time, and their file, which is written now and then.
#[derive(Debug)]
pub(crate) struct KeptMarks {
    pub(crate) marks: Marks,
    path: PathBuf,
    /// Whether they are ahead of the file.
    ahead: bool,
    /// When it may be written again.
    after: Instant,
}

impl KeptMarks {
    /// Marks that stand in their file.
    pub(crate) fn new(marks: Marks, path: PathBuf) -> Self {
        Self { marks, path, ahead: false, after: Instant::now() }
    }

    /// Raises them to a checkpoint.
    pub(crate) fn raise(&mut self, checkpoint: &Checkpoint) {
        self.ahead |= self.marks.raise(checkpoint);
    }

    /// When the file is to be written; none if it has them.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.ahead.then_some(self.after)
    }

    /// Writes the file. If that fails, the next marks try again.
    pub(crate) async fn write(&mut self, view: &str) {
        let (path, marks) = (self.path.clone(), self.marks.clone());
        (self.ahead, self.after) = (false, Instant::now() + WRITE_EVERY);
        let written = spawn_blocking(move || write(&path, &marks)).await;
        if let Err(error) = written.unwrap_or_else(|error| Err(error.into())) {
            tracing::warn!(view, %error, "the high-water mark cannot be written");
        }
    }
}

/// The file of a view's marks, beside the view's own folder.
pub(crate) fn path(folder: &Path, view: &str) -> PathBuf {
    folder.join(format!("{view}{SUFFIX}"))
}

/// Reads the marks; none if there is no file. A damaged file is reported and counts as none, since its
/// purpose is to notice the loss of the log, not its own. A view of another schema may follow other kinds
/// of streams, so that the last commit that it saw tells nothing to this one.
pub(crate) fn read(path: &Path, schema: u32) -> io::Result<Marks> {
    let mut marks = read_any(path)?;
    if marks.schema != schema {
        marks.schema = schema;
        marks.shards.values_mut().for_each(|mark| mark.last = None);
    }
    Ok(marks)
}

fn read_any(path: &Path) -> io::Result<Marks> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Marks::default()),
        Err(error) => return Err(error),
    };
    let file: Option<MarksFile> = serde_json::from_slice(&bytes).ok();
    match file {
        Some(file) if digest(&file.marks).is_ok_and(|digest| digest == file.digest) => Ok(file.marks),
        _ => {
            tracing::error!(path = %path.display(), "the high-water mark is damaged; a new one is begun");
            Ok(Marks::default())
        }
    }
}

/// Writes the marks: a new file takes the place of the old one.
fn write(path: &Path, marks: &Marks) -> io::Result<()> {
    let file = MarksFile { marks: marks.clone(), digest: digest(marks)? };
    let bytes = serde_json::to_vec(&file)?;
    let fresh = path.with_extension("high-water-new");
    fs::write(&fresh, bytes)?;
    fs::File::open(&fresh)?.sync_all()?;
    fs::rename(&fresh, path)
}

fn digest(marks: &Marks) -> io::Result<Hash> {
    Ok(Hash::over(b"berth.v1.high-water", &[&serde_json::to_vec(marks)?]))
}
