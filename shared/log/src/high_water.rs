//! The high-water mark: how far the log was once seen, kept outside everything that is built from it.
//!
//! A view can be thrown away and built again, so it cannot tell that the log itself went back in time: the
//! rebuilt view would simply be older. The mark can. A log whose end is behind it has lost commits that
//! somebody was told are durable, and nothing is built on it until an operator accepts the loss.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use thiserror::Error;
use tokio::time::Instant;

use crate::port::Position;

/// How often the mark is written at most; a crash forgets what was seen since.
pub const SAVE_INTERVAL: Duration = Duration::from_secs(1);

/// The log is not the one that was seen, or not all of it. Build nothing on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RolledBack {
    /// A shard ends before the mark: commits are lost.
    #[error("shard {shard} of the log ends at {end}, but {seen} was seen: acknowledged commits are lost")]
    Behind {
        /// The shard.
        shard: u8,
        /// Its end.
        end: u64,
        /// The mark.
        seen: u64,
    },
    /// A shard is another one than was seen: it was deleted and created again.
    #[error("shard {shard} of the log was recreated; what was seen of it is lost")]
    Recreated {
        /// The shard.
        shard: u8,
    },
    /// A shard that was seen is not there.
    #[error("shard {shard} of the log was seen and is not there")]
    Absent {
        /// The shard.
        shard: u8,
    },
}

/// The mark cannot be read or written.
#[derive(Debug, Error)]
pub enum HighWaterError {
    /// The file cannot be used. A retry may help.
    #[error("the high-water mark in {} cannot be read or written", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not one of ours. A retry does not help.
    #[error("the high-water mark in {} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// The high-water mark of one reader.
#[derive(Debug)]
pub struct HighWater {
    path: PathBuf,
    state: Mutex<State>,
    /// One write at a time, so that an older mark never replaces a newer one.
    saving: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct State {
    mark: Position,
    /// When the file was last written by this process.
    saved_at: Option<Instant>,
    unsaved: bool,
}

impl HighWater {
    /// Reads the mark from a file, or starts with none if there is no file yet.
    pub fn open(path: &Path) -> Result<Self, HighWaterError> {
        let mark = match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|source| HighWaterError::Damaged { path: path.to_owned(), source })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Position::default(),
            Err(source) => return Err(HighWaterError::File { path: path.to_owned(), source }),
        };
        let state = Mutex::new(State { mark, saved_at: None, unsaved: false });
        Ok(Self { path: path.to_owned(), state, saving: Arc::default() })
    }

    /// How far the log was seen.
    pub fn mark(&self) -> Position {
        self.state().mark.clone()
    }

    /// Compares the end of the log with the mark. To be called before anything is built on the log.
    pub fn check(&self, end: &Position) -> Result<(), RolledBack> {
        for (&shard, seen) in &self.state().mark.0 {
            if seen.revision == 0 {
                continue;
            }
            let found = end.0.get(&shard).ok_or(RolledBack::Absent { shard })?;
            if found.incarnation != seen.incarnation {
                return Err(RolledBack::Recreated { shard });
            }
            if found.revision < seen.revision {
                return Err(RolledBack::Behind { shard, end: found.revision, seen: seen.revision });
            }
        }
        Ok(())
    }

    /// Notes what was seen; never goes back within one life of a shard. Writes the file if that was last
    /// done [`SAVE_INTERVAL`] ago.
    pub async fn advance(&self, position: &Position) -> Result<(), HighWaterError> {
        let due = {
            let mut state = self.state();
            for (&shard, &there) in &position.0 {
                let here = state.mark.0.get(&shard).copied();
                if here.is_none_or(|here| {
                    here.incarnation != there.incarnation || here.revision < there.revision
                }) {
                    state.mark.advance(shard, there);
                    state.unsaved = true;
                }
            }
            state.unsaved && state.saved_at.is_none_or(|at| at.elapsed() >= SAVE_INTERVAL)
        };
        if due { self.flush().await } else { Ok(()) }
    }

    /// Writes the file now, if there is something to write.
    pub async fn flush(&self) -> Result<(), HighWaterError> {
        let saving = Arc::clone(&self.saving).lock_owned().await;
        let bytes = {
            let state = self.state();
            if !state.unsaved {
                return Ok(());
            }
            encode(&state.mark, &self.path)?
        };
        let path = self.path.clone();
        let written = tokio::task::spawn_blocking(move || {
            // Held here, so that a caller who stops waiting lets no second write begin beside this one.
            let _saving = saving;
            replace(&path, &bytes)
        });
        {
            let mut state = self.state();
            state.saved_at = Some(Instant::now());
            state.unsaved = false;
        }
        let result = written.await.unwrap_or_else(|ended| Err(io::Error::other(ended)));
        result.map_err(|source| {
            self.state().unsaved = true;
            HighWaterError::File { path: self.path.clone(), source }
        })
    }

    /// Forgets the mark, because an operator accepts that commits are lost.
    pub async fn accept_rollback(&self) -> Result<(), HighWaterError> {
        {
            let mut state = self.state();
            tracing::warn!(mark = ?state.mark, "the loss of commits behind this high-water mark was accepted");
            state.mark = Position::default();
            state.unsaved = true;
        }
        self.flush().await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn encode(mark: &Position, path: &Path) -> Result<Vec<u8>, HighWaterError> {
    serde_json::to_vec(mark)
        .map_err(|error| HighWaterError::File { path: path.to_owned(), source: error.into() })
}

/// Replaces the file as a whole: after a crash it has the old content or the new one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder)?;
    let beside = path.with_extension("tmp");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::ShardPosition;

    fn at(incarnation: u64, revision: u64) -> Position {
        let mut position = Position::default();
        position.advance(0, ShardPosition { incarnation, revision });
        position
    }

    #[tokio::test]
    async fn a_log_behind_the_mark_is_refused_until_the_loss_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("high-water.json");
        let mark = HighWater::open(&path).unwrap();
        assert_eq!(mark.check(&at(1, 0)), Ok(()));
        mark.advance(&at(1, 10)).await.unwrap();
        mark.advance(&at(1, 7)).await.unwrap();
        mark.flush().await.unwrap();

        let mark = HighWater::open(&path).unwrap();
        assert_eq!(mark.mark(), at(1, 10));
        assert_eq!(mark.check(&at(1, 10)), Ok(()));
        assert_eq!(mark.check(&at(1, 9)), Err(RolledBack::Behind { shard: 0, end: 9, seen: 10 }));
        assert_eq!(mark.check(&at(2, 90)), Err(RolledBack::Recreated { shard: 0 }));
        assert_eq!(mark.check(&Position::default()), Err(RolledBack::Absent { shard: 0 }));

        mark.accept_rollback().await.unwrap();
        let mark = HighWater::open(&path).unwrap();
        assert_eq!(mark.check(&at(2, 1)), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_mark_is_written_once_per_interval_and_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("high-water.json");
        let mark = HighWater::open(&path).unwrap();
        mark.advance(&at(1, 1)).await.unwrap();
        mark.advance(&at(1, 2)).await.unwrap();
        assert_eq!(HighWater::open(&path).unwrap().mark(), at(1, 1));
        tokio::time::advance(SAVE_INTERVAL).await;
        mark.advance(&at(1, 3)).await.unwrap();
        assert_eq!(HighWater::open(&path).unwrap().mark(), at(1, 3));
        mark.advance(&at(1, 4)).await.unwrap();
        mark.flush().await.unwrap();
        assert_eq!(HighWater::open(&path).unwrap().mark(), at(1, 4));
    }

    #[test]
    fn a_damaged_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("high-water.json");
        fs::write(&path, "{").unwrap();
        assert!(matches!(HighWater::open(&path), Err(HighWaterError::Damaged { .. })));
    }
}
