//! What a deployment says of itself: who it is, which generation of formats it may write, and how far its log
//! was seen.
//!
//! The record is made once, by the first role that may decide commands, and is kept with the data keys: apart
//! from the log, and out of reach of whoever throws views or folders of processes away. A process compares the
//! log with it before it serves anything, so that a log that is absent, empty, made again, another deployment's
//! or older than it was is never built upon. The record lags behind the log by a few seconds and is never ahead
//! of it, so a crash cannot raise a false alarm; it can only leave the last seconds unguarded.

use std::collections::BTreeMap;

use berth_bus::DeploymentStore;
use berth_log::{Position, RolledBack, high_water, jetstream::Untagged};
use berth_proto::{Hash, WriteVersion};
use berth_runtime::{Entropy, LogKey};
use serde::{Deserialize, Serialize};

use crate::{border::Border, failure::Failure};

/// Random bytes of an id.
const ID_BYTES: usize = 16;
/// How often a change of the record starts again because somebody else changed it.
const TRIES_MAX: u32 = 16;

/// What a process knows of the deployment that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deployment {
    /// Its random name.
    pub(crate) id: String,
    /// The generation of formats that may be written, as it was when this process started.
    pub(crate) write_version: WriteVersion,
}

/// The record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeploymentRecord {
    id: String,
    /// A new deployment begins with the newest that its release can write; another one is raised by
    /// `berth upgrade`, one at a time, once every process is of a release that reads it.
    write_version: u16,
    /// How far the log was seen, and which life of each shard; empty before the log was first seen, and after
    /// an operator accepted a loss.
    seen: Position,
    /// How many commits each shard lacked when an operator accepted their loss.
    #[serde(default)]
    missing: Missing,
    /// An operator accepted that commits are lost: whatever log there is counts, and what is absent is made.
    accepted: bool,
    /// The import that the deployment was filled by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    import: Option<Import>,
    /// Up to where commits on NATS may be without a tag; none before the first start, and before tags were obligatory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    border: Option<Border>,
}

/// An import that fills a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Import {
    /// The digest of the export.
    pub(crate) digest: Hash,
    /// Whether all of it is there; nothing runs on a deployment before.
    pub(crate) is_done: bool,
}

/// Commits that are gone from before the end of a shard, by shard.
pub(crate) type Missing = BTreeMap<u8, u64>;

/// Whether more is missing than was known, in words.
pub(crate) fn lacks(known: &Missing, missing: &Missing) -> Option<String> {
    missing.iter().find_map(|(shard, count)| {
        let new = count.saturating_sub(known.get(shard).copied().unwrap_or_default());
        (new > 0).then(|| format!("{new} commits are gone from within shard {shard} of the log"))
    })
}

/// A record, and the store's number of it.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) record: DeploymentRecord,
    revision: u64,
}

// === impl DeploymentRecord ===

impl DeploymentRecord {
    fn new(entropy: &dyn Entropy) -> Self {
        let mut id = [0; ID_BYTES];
        entropy.fill(&mut id);
        let id = data_encoding::BASE32_NOPAD.encode(&id).to_ascii_lowercase();
        Self {
            id,
            write_version: WriteVersion::NEWEST.number(),
            seen: Position::default(),
            missing: Missing::new(),
            accepted: false,
            import: None,
            border: None,
        }
    }

    /// The import that it was filled by, or is being filled by.
    pub(crate) const fn import(&self) -> Option<Import> {
        self.import
    }

    /// Refused while an import fills it.
    pub(crate) fn check_import(&self) -> Result<(), Failure> {
        match self.import {
            Some(Import { is_done: false, .. }) => Err(Failure::ImportUnfinished),
            _ => Ok(()),
        }
    }

    /// It becomes the deployment that was exported, once everything is there.
    pub(crate) fn begin_import(&mut self, id: &str, write_version: u16, digest: Hash, key: &LogKey) {
        id.clone_into(&mut self.id);
        self.write_version = write_version;
        self.import = Some(Import { digest, is_done: false });
        // Whatever is imported is tagged.
        self.border = self.tags_commits().then(|| Border::at(BTreeMap::new(), id, key));
    }

    /// Everything is there, up to this end of its log.
    pub(crate) fn end_import(&mut self, end: &Position) {
        self.seen = end.clone();
        if let Some(import) = &mut self.import {
            import.is_done = true;
        }
    }

    /// What the process may know of it. Refused if this release cannot write what the deployment writes.
    pub(crate) fn deployment(&self) -> Result<Deployment, Failure> {
        let write_version = WriteVersion::new(self.write_version)
            .ok_or(Failure::WriteVersion { recorded: self.write_version })?;
        Ok(Deployment { id: self.id.clone(), write_version })
    }

    /// Whether the log was there before, so that its absence is a loss.
    pub(crate) fn expects_log(&self) -> bool {
        !self.seen.0.is_empty()
    }

    /// Whether an operator accepted whatever there is.
    pub(crate) const fn accepted(&self) -> bool {
        self.accepted
    }

    /// Whether it is the same deployment.
    pub(crate) fn is_of(&self, deployment: &Deployment) -> bool {
        self.id == deployment.id
    }

    /// Compares the log with what was seen of it.
    pub(crate) fn check(&self, end: &Position) -> Result<(), RolledBack> {
        high_water::check(&self.seen, end)
    }

    /// Whether the log lacks more than an operator accepted; in words.
    pub(crate) fn lacks(&self, missing: &Missing) -> Option<String> {
        if self.accepted { None } else { lacks(&self.missing, missing) }
    }

    /// How far the log was seen.
    pub(crate) const fn seen(&self) -> &Position {
        &self.seen
    }

    /// The generation of formats that may be written.
    pub(crate) const fn write_version(&self) -> u16 {
        self.write_version
    }

    /// Up to where its log on NATS may have commits without a tag. Refused if somebody else says so.
    pub(crate) fn untagged(&self, key: &LogKey) -> Result<Untagged, Failure> {
        match &self.border {
            _ if !self.tags_commits() => Ok(Untagged::Anywhere),
            None => Err(Failure::BorderForged),
            Some(border) => border.untagged(&self.id, key),
        }
    }

    /// Up to where it says that each shard may have commits without a tag; none if it does not say so, or somebody else does.
    pub(crate) fn border_places(&self, key: &LogKey) -> Option<BTreeMap<u8, u64>> {
        match self.border.as_ref()?.untagged(&self.id, key) {
            Ok(Untagged::UpTo(places)) => Some(places),
            Ok(Untagged::Anywhere) | Err(_) => None,
        }
    }

    /// Whether it says up to where commits may be without a tag, or need not.
    pub(crate) fn has_border(&self) -> bool {
        self.border.is_some() || !self.tags_commits()
    }

    /// The border that it is to have with a log that ends here, if that is another one: the first one of a log without commits, and
    /// one that is not behind the end where an operator accepted a loss.
    pub(crate) fn border_due(&self, end: &Position, key: &LogKey) -> Result<Option<Border>, Failure> {
        match &self.border {
            _ if !self.tags_commits() => Ok(None),
            None if end.0.values().all(|at| at.revision == 0) => {
                Ok(Some(Border::at(BTreeMap::new(), &self.id, key)))
            }
            Some(border) if self.accepted => border.lowered(end, &self.id, key).map(Some),
            _ => Ok(None),
        }
    }

    /// Whether every commit on NATS has a tag from some place on. It has in generations that this release does not know.
    pub(crate) fn tags_commits(&self) -> bool {
        WriteVersion::new(self.write_version).is_none_or(WriteVersion::tagged_commits)
    }

    /// The name of the deployment.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

// === the store ===

/// The record; none if there is none.
pub(crate) async fn read(store: &dyn DeploymentStore) -> Result<Option<Kept>, Failure> {
    let Some(stored) = store.read().await.map_err(Failure::Deployment)? else { return Ok(None) };
    let record = serde_json::from_slice(&stored.value).map_err(Failure::DeploymentDamaged)?;
    Ok(Some(Kept { record, revision: stored.revision }))
}

/// The record, made if there is none.
pub(crate) async fn read_or_make(
    store: &dyn DeploymentStore,
    entropy: &dyn Entropy,
) -> Result<DeploymentRecord, Failure> {
    if let Some(kept) = read(store).await? {
        return Ok(kept.record);
    }
    let record = DeploymentRecord::new(entropy);
    if write(store, &record, 0).await? {
        tracing::info!(deployment = record.id, "this is the first start of a deployment");
        return Ok(record);
    }
    // Another replica was faster.
    Ok(read(store).await?.ok_or(Failure::Contended)?.record)
}

/// Notes how far the log was seen by now, and what it lacks if an operator accepted that. Written only where it changes
/// something.
pub(crate) async fn note_end(
    store: &dyn DeploymentStore,
    kept: Option<Kept>,
    end: &Position,
    missing: &Missing,
) -> Result<(), Failure> {
    let Some(mut kept) = kept else { return Ok(()) };
    let raised = high_water::raise(&mut kept.record.seen, end);
    if kept.record.accepted {
        kept.record.missing.clone_from(missing);
    }
    if raised || kept.record.accepted {
        kept.record.accepted = false;
        // Whoever was faster saw the log, too.
        write(store, &kept.record, kept.revision).await?;
    }
    Ok(())
}

/// Changes the record, which must be there; gives it as it was and as it is.
pub(crate) async fn change(
    store: &dyn DeploymentStore,
    change: impl Fn(&mut DeploymentRecord),
) -> Result<(DeploymentRecord, DeploymentRecord), Failure> {
    for _ in 0..TRIES_MAX {
        let Kept { record: before, revision } = read(store).await?.ok_or(Failure::KeysMissing)?;
        let mut after = before.clone();
        change(&mut after);
        if before == after || write(store, &after, revision).await? {
            return Ok((before, after));
        }
    }
    Err(Failure::Contended)
}

/// The operator accepts that commits are lost: nothing is expected of the log any more.
pub(crate) fn accept_rollback(record: &mut DeploymentRecord) {
    record.seen = Position::default();
    record.accepted = true;
}

/// The generation of formats after this one; the same if this release knows none.
pub(crate) fn next(write_version: u16) -> u16 {
    write_version.max(WriteVersion::NEWEST.number().min(write_version + 1))
}

/// The border is another one from now on.
pub(crate) fn set_border(record: &mut DeploymentRecord, border: &Border) {
    record.border = Some(border.clone());
}

/// The log was written in this generation, and its commits need a tag behind this border. A generation that is recorded counts unless
/// neither the log nor this release knows it: then somebody else wrote it.
pub(crate) fn remake_border(record: &mut DeploymentRecord, written: u16, border: &Border) {
    let is_known = record.write_version <= written.max(WriteVersion::NEWEST.number());
    record.write_version = if is_known { record.write_version.max(written) } else { written };
    set_border(record, border);
}

/// The next generation of formats may be written from now on, unless somebody else raised it meanwhile. With a border commits need a
/// tag behind that.
pub(crate) fn upgrade(record: &mut DeploymentRecord, from: u16, border: Option<&Border>) {
    if record.write_version == from {
        record.write_version = next(from);
        record.border = border.cloned().or_else(|| record.border.take());
    }
}

async fn write(
    store: &dyn DeploymentStore,
    record: &DeploymentRecord,
    expected: u64,
) -> Result<bool, Failure> {
    let value = serde_json::to_vec(record).map_err(Failure::DeploymentDamaged)?;
    store.write(value.into(), expected).await.map_err(Failure::Deployment)
}
