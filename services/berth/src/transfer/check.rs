//! Says whether an export is whole, and as it was written and signed, before anything is done with it.
//!
//! Three things tell: each commit has its place in its shard, the roots that the deployment signed follow from the commits
//! before them, and the last line has a digest of all the others. The chain of each stream only helps to name the line: what was
//! damaged in the deployment itself is history, and taken over.

use std::collections::HashMap;

use berth_evidence::{Follows, Growing, Head, Keys, Origin, Told, leaf_hash};
use berth_log::{Stored, Tail, decode_commit};
use berth_proto::{Hash, InstanceId, StreamKey};
use berth_runtime::{LogKey, MasterKey, WrappedKey};

use super::{
    fault::{Fault, Wrong},
    line::{Base64, End, Header, Line},
    read::{Lines, Numbered},
    source::Opened,
};
use crate::{failure::Failure, wiring::NOBODY};

/// What an export has that was found to be right.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) header: Header,
    /// The digest of its lines, which tells it from every other one.
    pub(super) digest: Hash,
    pub(super) commits: u64,
    /// How many of them are in a tree that was signed.
    pub(super) signed: u64,
    /// How many do not follow the one before them, or cannot be read.
    pub(super) damaged: u64,
    /// How many of these were forged.
    pub(super) forged: u64,
    /// What tells the deployment's own commits.
    pub(super) log_key: LogKey,
    /// Under which name the key store has the root secret for the master key.
    pub(super) root_owner: InstanceId,
    /// The keys that have signed.
    pub(super) keys: Keys,
    /// What was signed last of each shard.
    pub(super) heads: Vec<Follows>,
}

/// What is known while lines are read.
struct Checker<'a> {
    master: &'a MasterKey,
    /// The master key over the root secret, once that was met.
    rooted: Option<MasterKey>,
    header: Header,
    shards: Vec<Shard>,
    /// The version and hash of the last commit of each stream: about 130 bytes each.
    streams: HashMap<StreamKey, (u64, Hash)>,
    announcements: Vec<String>,
    keys: Keys,
    has_key_of_nobody: bool,
    damaged: u64,
    forged: u64,
    counted: End,
}

/// What is known of a shard.
#[derive(Default)]
struct Shard {
    tree: Growing,
    /// What was signed last of it.
    head: Option<Head>,
    /// The first line since then whose commit does not follow the one before it.
    suspect: Option<u64>,
}

/// Reads all of an export.
pub(super) async fn check(opened: &mut Opened, master: &MasterKey) -> Result<Checked, Failure> {
    let checked = check_lines(&mut opened.lines, master).await;
    opened.outcome(checked)
}

async fn check_lines(lines: &mut Lines, master: &MasterKey) -> Result<Checked, Fault> {
    let Some(Numbered { line: Line::Export(header), .. }) = lines.next().await? else {
        return Err(Fault::NotExport);
    };
    let mut checker = Checker::new(master, header)?;
    while let Some(numbered) = lines.next().await? {
        let number = numbered.number;
        if let Line::End(end) = &numbered.line {
            checker.end(end, numbered.before.0).map_err(|wrong| wrong.at(number))?;
            return match lines.next().await? {
                None => Ok(checker.checked(end.digest)),
                Some(_) => Err(Wrong::Behind.at(number + 1)),
            };
        }
        checker.add(number, numbered.line).map_err(|wrong| wrong.at(number))?;
    }
    Err(Fault::NoEnd { line: lines.number() })
}

// === impl Checker ===

impl<'a> Checker<'a> {
    fn new(master: &'a MasterKey, header: Header) -> Result<Self, Fault> {
        let shards = usize::from(header.shards);
        if shards == 0 || header.ends.len() != shards {
            return Err(Fault::NotExport);
        }
        Ok(Self {
            master,
            rooted: None,
            header,
            shards: (0..shards).map(|_| Shard::default()).collect(),
            streams: HashMap::new(),
            announcements: Vec::new(),
            keys: Keys::default(),
            has_key_of_nobody: false,
            damaged: 0,
            forged: 0,
            counted: End { commits: 0, keys: 0, devices: 0, digest: Hash([0; 32]) },
        })
    }

    fn add(&mut self, number: u64, line: Line) -> Result<(), Wrong> {
        match line {
            Line::Export(_) => Err(Wrong::Joined),
            Line::Root { wrapped } => self.root(&wrapped),
            Line::Announcement(told) => self.announcement(told),
            Line::Life(_) => Ok(()),
            Line::Checkpoint { shard, told } => self.checkpoint(shard, &told),
            Line::Commit { shard, index, subject, bytes, forged } => {
                self.forged += u64::from(forged);
                let stored = self.stored((shard, index), &subject, bytes, forged)?;
                self.commit(number, &stored)
            }
            Line::Key { owner, wrapped, .. } => self.key(owner, wrapped.as_ref()),
            Line::Device { .. } => {
                self.counted.devices += 1;
                Ok(())
            }
            Line::End(_) => Err(Wrong::Behind),
        }
    }

    fn root(&mut self, wrapped: &Base64) -> Result<(), Wrong> {
        let root = self.master.unwrap(&self.master.root_owner(), &WrappedKey(wrapped.0.clone()));
        let root = root.map_err(|_| Wrong::RootSecret)?;
        self.rooted = Some(self.master.rooted(&root));
        Ok(())
    }

    fn announcement(&mut self, told: Told) -> Result<(), Wrong> {
        self.announcements.push(told.note);
        let notes = self.announcements.iter().map(String::as_str);
        self.keys = Keys::open(&self.header.deployment, notes).map_err(Wrong::Note)?;
        Ok(())
    }

    fn checkpoint(&mut self, number: u8, told: &Told) -> Result<(), Wrong> {
        let head = Head::open(&told.note, self.keys.all()).map_err(Wrong::Note)?;
        let origin: Origin = head.origin.parse().map_err(Wrong::Note)?;
        let expected =
            Origin { deployment: self.header.deployment.clone(), shard: number, life: origin.life };
        if origin != expected {
            let found = head.origin;
            let expected = expected.to_string();
            return Err(Wrong::Note(berth_evidence::InvalidNote::Origin { found, expected }));
        }
        // What a former life had is not here any more; that it was signed is all that can be said of it.
        if origin.life < self.header.life {
            return Ok(());
        }
        let shard = shard_of(&mut self.shards, number)?;
        let found = shard.tree.size();
        if head.size != found {
            return Err(Wrong::Misplaced { shard: number, size: head.size, found });
        }
        if head.root != shard.tree.root() {
            let first = shard.head.as_ref().map_or(0, |head| head.size) + 1;
            return Err(Wrong::Root { shard: number, first, last: found, suspect: shard.suspect });
        }
        shard.head = Some(head);
        shard.suspect = None;
        Ok(())
    }

    /// A commit at its place in its shard and its stream.
    fn stored(
        &mut self,
        (number, index): (u8, u64),
        subject: &str,
        bytes: Base64,
        forged: bool,
    ) -> Result<Stored, Wrong> {
        let shard = shard_of(&mut self.shards, number)?;
        let expected = shard.tree.size();
        if index != expected {
            let (found, expected) = (index + 1, expected + 1);
            return Err(Wrong::Order { shard: number, found, expected });
        }
        let stream: StreamKey = subject.parse().map_err(|_| Wrong::Subject { shard: number })?;
        if stream.partition().shard(self.header.shards) != number {
            return Err(Wrong::Subject { shard: number });
        }
        let (version, _) = self.streams.entry(stream).or_insert((0, Hash::genesis(&stream)));
        *version += 1;
        let tail = Tail { version: *version, revision: index + 1 };
        Ok(Stored { stream, tail, shard: number, payload: bytes.0.into(), forged })
    }

    fn commit(&mut self, line: u64, stored: &Stored) -> Result<(), Wrong> {
        let stream = stored.stream;
        let shard = shard_of(&mut self.shards, stored.shard)?;
        shard.tree.push(leaf_hash(&stream, &stored.payload));
        let (_, hash) = self.streams.entry(stream).or_insert((0, Hash::genesis(&stream)));
        let commit = decode_commit(stored);
        if commit.as_ref().map_or(true, |commit| commit.previous != *hash) {
            shard.suspect.get_or_insert(line);
            self.damaged += 1;
        }
        if let Ok(commit) = commit {
            *hash = Hash::of_commit(&stream, commit.previous, &stored.payload);
        }
        self.counted.commits += 1;
        Ok(())
    }

    fn key(&mut self, owner: InstanceId, wrapped: Option<&Base64>) -> Result<(), Wrong> {
        self.counted.keys += 1;
        let Some(wrapped) = wrapped else { return Ok(()) };
        let rooted = self.rooted.as_ref().unwrap_or(self.master);
        let opened = rooted.unwrap(owner.as_bytes(), &WrappedKey(wrapped.0.clone()));
        let is_of_nobody = *owner.as_bytes() == NOBODY;
        self.has_key_of_nobody |= is_of_nobody;
        match opened {
            Ok(_) => Ok(()),
            Err(_) if self.rooted.is_none() => Err(Wrong::OtherKey),
            Err(_) => Err(Wrong::Key(owner)),
        }
    }

    fn end(&self, end: &End, digest: Hash) -> Result<(), Wrong> {
        let suspect = self.shards.iter().filter_map(|shard| shard.suspect).min();
        for (number, (shard, expected)) in (0..).zip(self.shards.iter().zip(&self.header.ends)) {
            let found = shard.tree.size();
            if found != *expected {
                return Err(Wrong::Short { shard: number, found, expected: *expected });
            }
        }
        let End { commits, keys, devices, .. } = self.counted;
        if (commits, keys, devices) != (end.commits, end.keys, end.devices) {
            return Err(Wrong::Counts);
        }
        if digest != end.digest {
            return Err(Wrong::Digest { suspect });
        }
        if self.has_key_of_nobody { Ok(()) } else { Err(Wrong::OtherKey) }
    }

    fn checked(self, digest: Hash) -> Checked {
        let heads = self.shards.iter().filter_map(|shard| shard.head.clone());
        let heads: Vec<_> =
            heads.map(|Head { origin, size, root, .. }| Follows { origin, size, root }).collect();
        Checked {
            digest,
            commits: self.counted.commits,
            signed: heads.iter().map(|head| head.size).sum(),
            damaged: self.damaged,
            forged: self.forged,
            log_key: self.rooted.as_ref().unwrap_or(self.master).log_key(),
            root_owner: InstanceId::from_bytes(self.master.root_owner()),
            keys: self.keys,
            heads,
            header: self.header,
        }
    }
}

fn shard_of(shards: &mut [Shard], number: u8) -> Result<&mut Shard, Wrong> {
    let count = u8::try_from(shards.len()).unwrap_or(u8::MAX);
    shards.get_mut(usize::from(number)).ok_or(Wrong::NoSuchShard { shard: number, shards: count })
}
