//! The trees of all shards of this replica, and how they stand.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use berth_log::{Followed, Position, ShardPosition};
use berth_proto::Hash;
use tokio::sync::Notify;

use crate::{
    leaf::leaf_hash,
    note::Head,
    tree::{Tree, TreeError},
};

/// After so many commits since the last checkpoint of a shard the next one is due at once.
const DUE_COMMITS: u64 = 4_096;

/// A tree and whose it is.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) tree: Tree,
    incarnation: u64,
    /// The last head that was found to be this tree's.
    pub(crate) attested: Option<Head>,
    /// Why no leaf can follow the last one, in words.
    pub(crate) broken: Option<String>,
}

/// The trees by shard. A clone is the same.
#[derive(Debug, Clone)]
pub(crate) struct Forest(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shards: Vec<Mutex<Option<Shard>>>,
    /// Told when a shard has grown so much that a checkpoint is due.
    due: Notify,
    /// Told when the file of a tree is damaged.
    damaged: Notify,
}

impl Forest {
    /// No trees yet.
    pub(crate) fn new(shards: u8) -> Self {
        let shards = (0..shards).map(|_| Mutex::new(None)).collect();
        Self(Arc::new(Inner { shards, due: Notify::new(), damaged: Notify::new() }))
    }

    /// How many shards there are.
    pub(crate) fn shards(&self) -> u8 {
        u8::try_from(self.0.shards.len()).unwrap_or(u8::MAX)
    }

    /// Waits until a checkpoint is due because of commits.
    pub(crate) async fn is_due(&self) {
        self.0.due.notified().await;
    }

    /// Waits until the file of a tree was found to be damaged: all trees are to be opened again.
    pub(crate) async fn is_damaged(&self) {
        self.0.damaged.notified().await;
    }

    /// The file of a tree is damaged: it is thrown away.
    pub(crate) fn distrust(&self, shard: u8) -> Result<(), TreeError> {
        tracing::warn!(
            shard,
            "the file of a tree is damaged: it is thrown away and built again from the log"
        );
        self.with(shard, |there| there.tree.clear()).transpose()?;
        self.0.damaged.notify_one();
        Ok(())
    }

    /// Looks at a shard; none if its tree is not there yet. The look waits for the disk: not for an async thread.
    pub(crate) fn with<T>(&self, shard: u8, look: impl FnOnce(&mut Shard) -> T) -> Option<T> {
        self.lock(shard)?.as_mut().map(look)
    }

    fn lock(&self, shard: u8) -> Option<MutexGuard<'_, Option<Shard>>> {
        let shard = self.0.shards.get(usize::from(shard))?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Opens the tree of a shard as far as its last checkpoint attests to it; anything else is begun anew.
    pub(crate) fn open(&self, place: Place<'_>, attested: Option<&Head>) -> Result<(), TreeError> {
        let path = place.path();
        place.remove_others(&path)?;
        let mut tree = Tree::open(&path, attested.map_or(0, |head| head.size))?;
        let is_attested = |head: &&Head| tree.root(head.size).is_ok_and(|root| root == head.root);
        let attested = attested.filter(is_attested).cloned();
        if attested.is_none() {
            tree.clear()?;
        }
        let shard = Shard { tree, incarnation: place.incarnation, attested, broken: None };
        if let Some(mut there) = self.lock(place.shard) {
            *there = Some(shard);
        }
        Ok(())
    }

    /// Throws away the trees of this process: they are opened again.
    pub(crate) fn clear(&self) {
        (0..self.shards()).filter_map(|shard| self.lock(shard)).for_each(|mut there| *there = None);
    }

    /// How far the log was read.
    pub(crate) fn position(&self) -> Position {
        let mut position = Position::default();
        for shard in 0..self.shards() {
            let at = |there: &mut Shard| ShardPosition {
                incarnation: there.incarnation,
                revision: there.tree.size(),
            };
            if let Some(at) = self.with(shard, at) {
                position.advance(shard, at);
            }
        }
        position
    }

    /// Adds what a follower of the log met.
    pub(crate) fn extend(&self, batch: Vec<Followed>) -> Result<(), TreeError> {
        for followed in batch {
            match followed {
                Followed::Commit(commit, at) => {
                    let stored = commit.stored();
                    let leaf = leaf_hash(&stored.stream, &stored.payload);
                    self.with(stored.shard, |shard| shard.add(leaf, at)).transpose()?;
                }
                Followed::Unreadable { shard, after, at } => {
                    self.with(shard, |there| {
                        // What is attested to is known without the log.
                        if at.revision > there.tree.size() {
                            let (first, last) = (after + 1, at.revision);
                            there.broken.get_or_insert(format!(
                                "shard {shard} of the log cannot give its commits {first} to {last}: nothing from there \
                                 on is signed"
                            ));
                        }
                    });
                }
                Followed::CaughtUp(_) => {}
            }
        }
        for shard in 0..self.shards() {
            let grown = |there: &mut Shard| {
                there.tree.write()?;
                let attested = there.attested.as_ref().map_or(0, |head| head.size);
                Ok(there.tree.size() >= attested + DUE_COMMITS)
            };
            if self.with(shard, grown).transpose()?.unwrap_or_default() {
                self.0.due.notify_one();
            }
        }
        Ok(())
    }

    /// Why some shard cannot be signed any more, in words.
    pub(crate) fn broken(&self) -> Option<String> {
        (0..self.shards()).find_map(|shard| self.with(shard, |there| there.broken.clone()).flatten())
    }
}

impl Shard {
    /// A leaf has its place: the revision of its commit. One that was added already is met again after a reconnect.
    fn add(&mut self, leaf: Hash, at: ShardPosition) -> Result<(), TreeError> {
        let next = self.tree.size() + 1;
        if self.broken.is_some() || at.revision < next {
            return Ok(());
        }
        if at.revision > next {
            self.broken = Some(format!("commit {next} of a shard is missing from the log"));
            return Ok(());
        }
        self.tree.push(leaf)
    }
}

/// Where the tree of a shard is kept: another life or another log has another file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) shard: u8,
    pub(crate) life: u64,
    pub(crate) incarnation: u64,
}

impl Place<'_> {
    fn path(&self) -> PathBuf {
        self.folder.join(format!("{}{}-{:016x}", self.prefix(), self.life, self.incarnation))
    }

    fn prefix(&self) -> String {
        format!("tree-{}-", self.shard)
    }

    fn remove_others(&self, own: &Path) -> Result<(), TreeError> {
        let failed = |source| TreeError::Io { path: self.folder.to_owned(), source };
        fs::create_dir_all(self.folder).map_err(failed)?;
        for entry in fs::read_dir(self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let is_of_shard =
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&self.prefix()));
            if is_of_shard && path != own {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                    _ => (),
                }
            }
        }
        Ok(())
    }
}
