//! The Merkle tree of one shard, in a file that can be thrown away.
//!
//! The file has the hashes of all complete subtrees in the order in which they become complete (`tlog_tiles` calls
//! that stored hashes): about 64 bytes for each commit. It only grows, and is never synced: after a start it is
//! believed as far as a checkpoint attests to it and every hash follows from the leaves, and what is behind that is
//! read from the log again. What a root is computed from is kept in memory, so that a file that is damaged later
//! cannot lead to a wrong one.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufReader, Read},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use berth_proto::Hash;
use thiserror::Error;
use tlog_tiles::tlog::{
    self, EMPTY_HASH, HASH_SIZE, HashReader, node_hash, prove_record, prove_tree, stored_hash_count,
    stored_hash_index, tree_hash,
};

/// Hashes that wait in memory before they are written.
const WAITING_MAX: usize = 4_096;
/// Bytes of a file that are read at once.
const READ_BYTES: usize = 256 * 1_024;
/// Hashes of a full tile.
pub const TILE_WIDTH: u16 = 256;
/// Levels of the tree from one tile to the next.
const TILE_HEIGHT: u8 = 8;

/// The file of a tree cannot be used, or a tree has no such proof.
#[derive(Debug, Error)]
pub enum TreeError {
    /// The operating system refused.
    #[error("{} cannot be read or written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no tree of that size, or no such leaf in it.
    #[error("the tree has no such part")]
    Absent,
    /// The hashes could not be computed.
    #[error("the tree cannot be computed")]
    Tree(#[source] tlog::Error),
}

/// The tree over a shard's commits.
#[derive(Debug)]
pub struct Tree {
    path: PathBuf,
    file: File,
    /// How many hashes stand in the file.
    written: u64,
    /// Those that come behind it.
    waiting: Vec<tlog::Hash>,
    /// How many leaves there are.
    size: u64,
    /// The roots of the largest complete subtrees, from left to right.
    peaks: Vec<tlog::Hash>,
}

/// The root of a tree that grows, and nothing else of it: for whoever reads a log once.
#[derive(Debug, Clone, Default)]
pub struct Growing {
    size: u64,
    peaks: Vec<tlog::Hash>,
}

// === impl Growing ===

impl Growing {
    /// Adds a leaf.
    pub fn push(&mut self, leaf: Hash) {
        grown(&mut self.peaks, self.size, tlog::Hash(leaf.0));
        self.size += 1;
    }

    /// How many leaves it has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root over all of them.
    pub fn root(&self) -> Hash {
        root_of(&self.peaks)
    }
}

// === impl Tree ===

impl Tree {
    /// The tree in a file, which is made if it is not there, with at most so many leaves: every hash of them must follow
    /// from the leaves, else what is before the first wrong one counts.
    pub fn open(path: &Path, at_most: u64) -> Result<Self, TreeError> {
        let failed = |source| TreeError::Io { path: path.to_owned(), source };
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(failed)?;
        let Sound { size, peaks } = sound(path, at_most).map_err(failed)?;
        let written = stored_hash_count(size);
        file.set_len(written * HASH_SIZE as u64).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file, written, waiting: Vec::new(), size, peaks })
    }

    /// Whether the file still says what it was told: reads all of it.
    pub fn is_sound(&mut self) -> bool {
        let is_written = self.write().is_ok();
        let sound = sound(&self.path, self.size);
        is_written && sound.is_ok_and(|sound| sound.size == self.size && sound.peaks == self.peaks)
    }

    /// How many leaves it has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Throws everything away.
    pub fn clear(&mut self) -> Result<(), TreeError> {
        self.waiting.clear();
        self.peaks.clear();
        (self.size, self.written) = (0, 0);
        self.file.set_len(0).map_err(|source| self.failed(source))
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: Hash) -> Result<(), TreeError> {
        self.waiting.extend(grown(&mut self.peaks, self.size, tlog::Hash(leaf.0)));
        self.size += 1;
        if self.waiting.len() >= WAITING_MAX { self.write() } else { Ok(()) }
    }

    /// Writes what waits in memory.
    pub fn write(&mut self) -> Result<(), TreeError> {
        let bytes: Vec<u8> = self.waiting.iter().flat_map(|hash| hash.0).collect();
        let written = self.file.write_all_at(&bytes, self.written * HASH_SIZE as u64);
        written.map_err(|source| self.failed(source))?;
        self.written += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }

    /// The root over the first `size` leaves.
    pub fn root(&self, size: u64) -> Result<Hash, TreeError> {
        if size > self.size {
            return Err(TreeError::Absent);
        }
        if size < self.size {
            let root = tree_hash(size, self).map_err(TreeError::Tree)?;
            return Ok(Hash(root.0));
        }
        Ok(root_of(&self.peaks))
    }

    /// The hash of a leaf.
    pub fn leaf(&self, index: u64) -> Result<Hash, TreeError> {
        if index >= self.size {
            return Err(TreeError::Absent);
        }
        let hashes = self.read_hashes(&[stored_hash_index(0, index)]).map_err(TreeError::Tree)?;
        hashes.first().map(|hash| Hash(hash.0)).ok_or(TreeError::Absent)
    }

    /// That a leaf is among the first `size`.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, TreeError> {
        if index >= size || size > self.size {
            return Err(TreeError::Absent);
        }
        proof(prove_record(size, index, self))
    }

    /// That the tree of `to` leaves begins with that of `from`.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, TreeError> {
        if from == 0 || from > to || to > self.size {
            return Err(TreeError::Absent);
        }
        proof(prove_tree(to, from, self))
    }

    /// The hashes of a tile.
    pub fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<Hash>, TreeError> {
        let height = level.checked_mul(TILE_HEIGHT).filter(|height| *height < 64).ok_or(TreeError::Absent)?;
        let first = index.checked_mul(u64::from(TILE_WIDTH)).ok_or(TreeError::Absent)?;
        let end = first.checked_add(u64::from(width)).ok_or(TreeError::Absent)?;
        if width == 0 || width > TILE_WIDTH || end > self.size >> height {
            return Err(TreeError::Absent);
        }
        let places: Vec<_> = (first..end).map(|place| stored_hash_index(height, place)).collect();
        proof(self.read_hashes(&places))
    }

    fn failed(&self, source: io::Error) -> TreeError {
        TreeError::Io { path: self.path.clone(), source }
    }
}

/// The root over the largest complete subtrees.
fn root_of(peaks: &[tlog::Hash]) -> Hash {
    let mut peaks = peaks.iter().rev();
    let last = peaks.next().copied().unwrap_or(EMPTY_HASH);
    Hash(peaks.fold(last, |right, left| node_hash(*left, right)).0)
}

fn proof(hashes: Result<Vec<tlog::Hash>, tlog::Error>) -> Result<Vec<Hash>, TreeError> {
    Ok(hashes.map_err(TreeError::Tree)?.into_iter().map(|hash| Hash(hash.0)).collect())
}

impl HashReader for Tree {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        let read = |&index: &u64| {
            if let Some(waiting) = index.checked_sub(self.written) {
                let place = usize::try_from(waiting).unwrap_or(usize::MAX);
                return self.waiting.get(place).copied().ok_or(tlog::Error::IndexesNotInTree);
            }
            let mut hash = tlog::Hash::default();
            let there = self.file.read_exact_at(&mut hash.0, index * HASH_SIZE as u64);
            there.map(|()| hash).map_err(|error| tlog::Error::InvalidInput(error.to_string()))
        };
        indexes.iter().map(read).collect()
    }
}

/// What of a file follows from its leaves.
struct Sound {
    size: u64,
    peaks: Vec<tlog::Hash>,
}

/// Reads a file up to so many leaves, or up to the first hash that does not follow from them.
fn sound(path: &Path, at_most: u64) -> io::Result<Sound> {
    let mut hashes = BufReader::with_capacity(READ_BYTES, File::open(path)?);
    let mut sound = Sound { size: 0, peaks: Vec::new() };
    while sound.size < at_most {
        let Some(leaf) = next_of(&mut hashes) else { break };
        let peaks = sound.peaks.clone();
        let completed = grown(&mut sound.peaks, sound.size, leaf);
        if !completed.iter().skip(1).all(|hash| next_of(&mut hashes) == Some(*hash)) {
            sound.peaks = peaks;
            break;
        }
        sound.size += 1;
    }
    Ok(sound)
}

/// The next hash of a file; none at its end or where it cannot be read.
fn next_of(file: &mut impl Read) -> Option<tlog::Hash> {
    let mut hash = tlog::Hash::default();
    file.read_exact(&mut hash.0).is_ok().then_some(hash)
}

/// The hashes that a leaf completes, itself first, in a tree of `size` leaves with these peaks.
fn grown(peaks: &mut Vec<tlog::Hash>, size: u64, leaf: tlog::Hash) -> Vec<tlog::Hash> {
    let (mut hashes, mut right) = (vec![leaf], leaf);
    for _ in 0..size.trailing_ones() {
        if let Some(left) = peaks.pop() {
            right = node_hash(left, right);
            hashes.push(right);
        }
    }
    peaks.push(right);
    hashes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::*;

    /// The root as RFC 6962 defines it, from all leaves.
    fn naive_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::of_bytes(b""),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node(naive_root(left), naive_root(right))
            }
        }
    }

    fn node(left: Hash, right: Hash) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update([1]);
        hasher.update(left.0);
        hasher.update(right.0);
        Hash(hasher.finalize().into())
    }

    /// `PATH` of RFC 6962, 2.1.1.
    fn naive_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() <= 1 {
            return Vec::new();
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (left, right) = leaves.split_at(k);
        let (mut path, other) =
            if index < k { (naive_path(index, left), right) } else { (naive_path(index - k, right), left) };
        path.push(naive_root(other));
        path
    }

    /// `SUBPROOF` of RFC 6962, 2.1.2.
    fn naive_consistency(from: usize, leaves: &[Hash], is_whole: bool) -> Vec<Hash> {
        if from == leaves.len() {
            return if is_whole { Vec::new() } else { vec![naive_root(leaves)] };
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (left, right) = leaves.split_at(k);
        let (mut path, other) = if from <= k {
            (naive_consistency(from, left, is_whole), right)
        } else {
            (naive_consistency(from - k, right, false), left)
        };
        path.push(naive_root(other));
        path
    }

    fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|number| Hash::of_bytes(&number.to_be_bytes())).collect()
    }

    fn tree_of(leaves: &[Hash], folder: &Path) -> Tree {
        let mut tree = Tree::open(&folder.join("tree"), 0).unwrap();
        push(&mut tree, leaves);
        tree
    }

    fn push(tree: &mut Tree, leaves: &[Hash]) {
        for leaf in leaves {
            tree.push(*leaf).unwrap();
        }
    }

    #[test]
    fn every_small_tree_has_the_roots_and_proofs_of_the_definition() {
        const SIZE: usize = 40;
        let folder = tempfile::tempdir().unwrap();
        let leaves = leaves(SIZE);
        let tree = tree_of(&leaves, folder.path());
        for size in 0..=SIZE {
            let first = &leaves[..size];
            assert_eq!(tree.root(size as u64).unwrap(), naive_root(first), "{size}");
            for index in 0..size {
                let path = tree.inclusion(index as u64, size as u64).unwrap();
                assert_eq!(path, naive_path(index, first), "{index} of {size}");
            }
            for from in 1..=size {
                let path = tree.consistency(from as u64, size as u64).unwrap();
                assert_eq!(path, naive_consistency(from, first, true), "{from} of {size}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        #[test]
        fn a_tree_is_the_same_however_often_it_was_written_and_opened_again(
            size in 1_usize..700, cuts in prop::collection::vec(0_usize..700, 0..5),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let leaves = leaves(size);
            let mut tree = tree_of(&leaves, folder.path());
            for cut in cuts {
                let cut = cut.min(size);
                tree.write().unwrap();
                tree = Tree::open(&folder.path().join("tree"), cut as u64).unwrap();
                prop_assert_eq!(tree.size(), cut as u64);
                prop_assert_eq!(tree.root(cut as u64).unwrap(), naive_root(&leaves[..cut]));
                push(&mut tree, &leaves[cut..]);
            }
            prop_assert_eq!(tree.root(size as u64).unwrap(), naive_root(&leaves));
            prop_assert_eq!(tree.leaf(size as u64 - 1).unwrap(), leaves[size - 1]);
        }

        #[test]
        fn of_a_damaged_file_what_is_before_the_damage_counts(bytes in 0_usize..9_000, flipped in 0_usize..9_000) {
            let folder = tempfile::tempdir().unwrap();
            let leaves = leaves(150);
            tree_of(&leaves, folder.path()).write().unwrap();
            let path = folder.path().join("tree");
            let mut file = std::fs::read(&path).unwrap();
            file.truncate(bytes);
            if let Some(byte) = file.get_mut(flipped) {
                *byte ^= 4;
            }
            std::fs::write(&path, &file).unwrap();
            let mut tree = Tree::open(&path, 150).unwrap();
            let size = usize::try_from(tree.size()).unwrap();
            // A leaf alone can be anything; whoever opens a tree compares its root.
            let is_right = tree.root(tree.size()).unwrap() == naive_root(&leaves[..size]);
            prop_assert!(is_right || flipped < file.len());
            tree.clear().unwrap();
            push(&mut tree, &leaves);
            prop_assert_eq!(tree.root(150).unwrap(), naive_root(&leaves));
        }
    }

    #[test]
    fn tiles_have_the_hashes_of_their_level() {
        let folder = tempfile::tempdir().unwrap();
        let leaves = leaves(600);
        let tree = tree_of(&leaves, folder.path());
        assert_eq!(tree.tile(0, 0, 256).unwrap(), leaves[..256]);
        assert_eq!(tree.tile(0, 2, 88).unwrap(), leaves[512..]);
        let roots = [&leaves[..256], &leaves[256..512]].map(naive_root);
        assert_eq!(tree.tile(1, 0, 2).unwrap(), roots);
        for (level, index, width) in [(0, 2, 89), (0, 3, 1), (1, 0, 3), (2, 0, 1), (0, 0, 0), (0, 0, 257)] {
            assert!(matches!(tree.tile(level, index, width), Err(TreeError::Absent)), "{level}/{index}");
        }
        assert!(matches!(tree.tile(8, 0, 1), Err(TreeError::Absent)));
        assert!(matches!(tree.tile(0, u64::MAX, 1), Err(TreeError::Absent)));
    }

    #[test]
    fn what_is_not_in_a_tree_has_no_proof() {
        let folder = tempfile::tempdir().unwrap();
        let tree = tree_of(&leaves(3), folder.path());
        for (index, size) in [(3, 3), (0, 0), (0, 4), (u64::MAX, u64::MAX)] {
            assert!(matches!(tree.inclusion(index, size), Err(TreeError::Absent)));
        }
        for (from, to) in [(0, 3), (2, 1), (1, 4)] {
            assert!(matches!(tree.consistency(from, to), Err(TreeError::Absent)));
        }
        assert!(matches!(tree.root(4), Err(TreeError::Absent)));
    }
}
