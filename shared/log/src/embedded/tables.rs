//! The engine's tables and settings, and the marks by which a damaged journal is told from a torn one.
//!
//! The engine ends the replay of its journal at the first entry that it cannot read, which is right for a batch
//! that a crash cut off and wrong for a flipped bit with acknowledged batches behind it. So each batch begins
//! with a mark that carries its number. A batch is begun only after the one before it was synced: if the files of
//! the journal hold the mark of more than one batch that the replay did not reach, acknowledged commits are lost.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use berth_proto::subject::PARTITIONS;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode};

use super::{
    ends::StreamEnds,
    store::{Damage, StoreError, number},
};

/// Bytes of blocks that the engine keeps in memory.
const CACHE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of a table's newest rows in memory, after which they are written to a file.
const MEMTABLE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Bytes of finished journals after which tables are written so that they can be removed: what a start after a
/// crash has to replay. One more is being written.
const JOURNALS_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Threads that write tables and merge them.
const WORKERS: usize = 2;
/// Files that the engine holds open.
const OPEN_FILES_MAX: usize = 128;
/// Bytes of a journal that are looked through at once.
const SCAN_BYTES: usize = 1024 * 1024;

/// What a mark begins with.
const MARK: [u8; 16] = *b"berth-log-batch\0";
/// Bytes of a mark: its beginning, the number of its batch, and that number inverted.
const MARK_BYTES: usize = 32;
/// The fact that says how many shards the log was made with.
pub(super) const SHARDS_FACT: &str = "shards";
/// The fact that carries the mark of the last batch.
const BATCH_FACT: &str = "batch";

/// The open engine.
pub(super) struct Tables {
    /// Every commit, by revision, one table for each shard: followers read it from left to right.
    pub(super) commits: Vec<Keyspace>,
    /// The revision of every commit, by stream and version.
    pub(super) versions: Keyspace,
    /// The last version and revision of every stream.
    pub(super) tails: Keyspace,
    /// Facts about the log, by name.
    facts: Keyspace,
    /// What `tails` is known to say.
    pub(super) ends: StreamEnds,
    pub(super) database: Database,
}

impl Tables {
    /// Makes the tables of a new log in an empty folder.
    pub(super) fn create(folder: &Path, shards: u8, facts: &[(&str, u64)]) -> Result<(), StoreError> {
        let database = engine(folder)?;
        for name in names(shards) {
            database.keyspace(&name, options)?;
        }
        let table = database.keyspace(FACTS, options)?;
        let mut batch = database.batch();
        for (name, value) in facts {
            batch.insert(&table, *name, value.to_be_bytes());
        }
        batch.insert(&table, BATCH_FACT, mark(0));
        Ok(batch.durability(Some(PersistMode::SyncAll)).commit()?)
    }

    /// Opens the tables of a log, of as many shards as it was made with; a table that is missing is damage. The
    /// engine is opened once: each opening replays its journal.
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        if !folder.join(ENGINE_VERSION_FILE).try_exists()? {
            // The engine would make a new database here.
            return Err(Damage::Missing(format!("the file {ENGINE_VERSION_FILE}")).into());
        }
        let begun = begun(folder)?;
        let database = engine(folder)?;
        let open = |name: &str| {
            if database.keyspace_exists(name) {
                Ok(database.keyspace(name, options)?)
            } else {
                Err(StoreError::from(Damage::Missing(format!("the table {name}"))))
            }
        };
        let facts = open(FACTS)?;
        let shards = fact_in(&facts, SHARDS_FACT)?;
        let shards = u8::try_from(shards).ok().filter(|shards| (1..=PARTITIONS).contains(shards));
        let shards = shards.ok_or_else(|| missing_fact(SHARDS_FACT))?;
        let tables = Self {
            commits: (0..shards).map(|shard| open(&commits_of(shard))).collect::<Result<_, _>>()?,
            versions: open(VERSIONS)?,
            tails: open(TAILS)?,
            facts,
            ends: StreamEnds::none(),
            database: database.clone(),
        };
        let found = tables.last_batch()?;
        if begun > found + 1 {
            return Err(Damage::Journal { found, begun }.into());
        }
        Ok(tables)
    }

    /// A fact that was recorded when the log was made.
    pub(super) fn fact(&self, name: &str) -> Result<u64, StoreError> {
        fact_in(&self.facts, name)
    }

    /// Every table that grows.
    pub(super) fn all(&self) -> impl Iterator<Item = &Keyspace> {
        self.commits.iter().chain([&self.versions, &self.tails, &self.facts])
    }

    /// Begins the batch after the last one.
    pub(super) fn batch(&self) -> Result<OwnedWriteBatch, StoreError> {
        let number = self.last_batch()? + 1;
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        batch.insert(&self.facts, BATCH_FACT, mark(number));
        Ok(batch)
    }

    /// Puts one more mark behind the last batch, so that damage of that batch is told from a crash.
    pub(super) fn seal(&self) -> Result<(), StoreError> {
        Ok(self.batch()?.commit()?)
    }

    fn last_batch(&self) -> Result<u64, StoreError> {
        let value = self.facts.get(BATCH_FACT)?.ok_or_else(|| missing_fact(BATCH_FACT))?;
        read_mark(&value).ok_or_else(|| missing_fact(BATCH_FACT))
    }
}

/// The file by which the engine knows its folder.
const ENGINE_VERSION_FILE: &str = "version";
const FACTS: &str = "facts";
const VERSIONS: &str = "versions";
const TAILS: &str = "tails";

fn commits_of(shard: u8) -> String {
    format!("commits.{shard}")
}

fn names(shards: u8) -> impl Iterator<Item = String> {
    (0..shards).map(commits_of).chain([VERSIONS.to_owned(), TAILS.to_owned()])
}

fn fact_in(facts: &Keyspace, name: &str) -> Result<u64, StoreError> {
    facts.get(name)?.and_then(|found| number(&found)).ok_or_else(|| missing_fact(name))
}

fn missing_fact(name: &str) -> StoreError {
    Damage::Missing(format!("the fact {name}")).into()
}

fn engine(folder: &Path) -> Result<Database, StoreError> {
    let builder = Database::builder(folder)
        .cache_size(CACHE_BYTES_MAX)
        .max_journaling_size(JOURNALS_BYTES_MAX)
        .worker_threads(WORKERS)
        .max_cached_files(Some(OPEN_FILES_MAX))
        .manual_journal_persist(true);
    Ok(builder.open()?)
}

fn options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES_MAX).manual_journal_persist(true)
}

fn mark(number: u64) -> [u8; MARK_BYTES] {
    let mut mark = [0; MARK_BYTES];
    let (begin, rest) = mark.split_at_mut(MARK.len());
    begin.copy_from_slice(&MARK);
    let (plain, inverted) = rest.split_at_mut(8);
    plain.copy_from_slice(&number.to_be_bytes());
    inverted.copy_from_slice(&(!number).to_be_bytes());
    mark
}

fn read_mark(bytes: &[u8]) -> Option<u64> {
    let rest = bytes.strip_prefix(&MARK)?;
    let (plain, rest) = rest.split_first_chunk::<8>()?;
    let inverted = rest.first_chunk::<8>()?;
    let number = u64::from_be_bytes(*plain);
    (u64::from_be_bytes(*inverted) == !number).then_some(number)
}

/// The highest number of a batch whose mark stands in the files of the journal; 0 for none.
fn begun(folder: &Path) -> Result<u64, StoreError> {
    let mut highest = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jnl") {
            highest = highest.max(highest_mark(&path)?);
        }
    }
    Ok(highest)
}

fn highest_mark(journal: &PathBuf) -> io::Result<u64> {
    let finder = memchr::memmem::Finder::new(&MARK);
    let mut file = File::open(journal)?;
    let (mut highest, mut kept) = (0, Vec::with_capacity(SCAN_BYTES + MARK_BYTES));
    loop {
        let read = file.by_ref().take(SCAN_BYTES as u64).read_to_end(&mut kept)?;
        for at in finder.find_iter(&kept) {
            highest = kept.get(at..).and_then(read_mark).unwrap_or(0).max(highest);
        }
        if read == 0 {
            return Ok(highest);
        }
        // A mark may begin in this piece and end in the next one.
        let done = kept.len().saturating_sub(MARK_BYTES - 1);
        kept.drain(..done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_a_damaged_one_is_none() {
        assert_eq!(read_mark(&mark(7)), Some(7));
        for bit in 0..MARK_BYTES * 8 {
            let mut damaged = mark(7);
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read_mark(&damaged), None);
        }
    }

    #[test]
    fn the_highest_mark_is_found_wherever_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.jnl");
        for before in [0, 1, SCAN_BYTES - MARK_BYTES, SCAN_BYTES - 5, SCAN_BYTES, 3 * SCAN_BYTES - 16] {
            let mut bytes = vec![0; before];
            bytes.extend(mark(9));
            bytes.extend(mark(3));
            bytes.extend(vec![1; 100]);
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(begun(folder.path()).unwrap(), 9, "{before}");
        }
    }
}
