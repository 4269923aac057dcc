//! What tells the commits of a deployment on NATS from those of others.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use berth_bus::{
    DeploymentStore, KeyStore,
    nats::{NatsKeyStore, connect_by},
};
use berth_log::{
    LogRead, Position,
    jetstream::{Absent, JetStreamLog, JetStreamOptions, Tags, Untagged},
};
use berth_runtime::{ConfigError, LogKey, MasterKey, Role, Settings, SystemEntropy, config::NatsSettings};

use super::{has_commits, nats::patiently};
use crate::{
    border::Border,
    deployment::{self, DeploymentRecord},
    failure::Failure,
    root::{self, Opening},
};

/// A log whose tags are not known yet, and what is known of it.
pub(super) struct Untold<'a> {
    pub(super) log: JetStreamLog,
    pub(super) end: &'a Position,
    pub(super) store: &'a dyn DeploymentStore,
    /// Whether this process makes what a deployment begins with.
    pub(super) makes: bool,
}

impl Untold<'_> {
    /// The log, whose commits are read by their tags as the record says, and written in this generation. Refused if it was written in a
    /// later generation than is recorded: whoever may write the record could have commits taken without a tag by putting it back.
    pub(super) async fn tagged(
        &self,
        record: &DeploymentRecord,
        key: &LogKey,
        writes: u16,
    ) -> Result<(JetStreamLog, Tags), Failure> {
        let recorded = record.write_version();
        let untagged = self.settled(record, key).await?.untagged(key)?;
        let tags = Tags::new(key.clone(), self.log.shards(), writes, &untagged);
        let log = self.log.clone().with_tags(tags.clone());
        if !record.tags_commits() {
            let written = patiently(async || Ok(log.last_generation().await?)).await?;
            if let Some(written) = written.filter(|written| *written > recorded) {
                // It may have been raised since it was read.
                let now = self.read().await?;
                if now.write_version() < written {
                    return Err(Failure::WentBack { recorded, written });
                }
                tags.require(now.write_version(), &now.untagged(key)?);
            }
        }
        // Its end is where tags of this process begin.
        patiently(async || Ok(log.end().await?)).await?;
        Ok((log, tags))
    }

    /// The record with the border that belongs to the log. Whoever does not make it waits for it.
    async fn settled(&self, record: &DeploymentRecord, key: &LogKey) -> Result<DeploymentRecord, Failure> {
        // It was read before the end of the log was, and is made before the first commit.
        let record = if record.has_border() { record.clone() } else { self.read().await? };
        if self.makes {
            let Some(border) = record.border_due(self.end, key)? else { return Ok(record) };
            let set = |record: &mut DeploymentRecord| deployment::set_border(record, &border);
            return Ok(patiently(async || deployment::change(self.store, set).await).await?.1);
        }
        if record.has_border() || has_commits(self.end) {
            return Ok(record);
        }
        patiently(async || {
            let record = self.read().await?;
            if record.has_border() { Ok(record) } else { Err(Failure::NotStarted) }
        })
        .await
    }

    async fn read(&self) -> Result<DeploymentRecord, Failure> {
        let kept = patiently(async || deployment::read(self.store).await).await?;
        Ok(kept.ok_or(Failure::KeysMissing)?.record)
    }
}

/// The master key, which an operator's command needs to make a border.
pub(crate) fn master_key(settings: &Settings) -> Result<&MasterKey, Failure> {
    let missing = || ConfigError::missing("master_key", "the one that the deployment is used with");
    Ok(settings.secrets.master_key.as_ref().ok_or_else(missing)?)
}

/// A log that an operator's command reads, and the key of its tags.
struct Reached {
    log: JetStreamLog,
    key: LogKey,
}

impl Reached {
    /// The log, whose commits are read wherever they have no tag.
    async fn at(nats: &NatsSettings, settings: &Settings, recorded: u16) -> Result<Self, Failure> {
        let master = master_key(settings)?.clone();
        let name = format!("berth-{}", Role::SessionAggregate);
        let client = connect_by(nats, &name).await.map_err(Failure::Nats)?;
        let replicas = usize::from(nats.replicas);
        let keys = NatsKeyStore::find(client.clone(), replicas).await?.ok_or(Failure::KeysMissing)?;
        let keys: Arc<dyn KeyStore> = Arc::new(keys);
        let key = root::open(&master, &keys, Opening::BEGUN, &SystemEntropy).await?.log_key();
        let options = JetStreamOptions { shards: settings.storage.log_shards, replicas };
        let tags = Tags::new(key.clone(), options.shards, recorded, &Untagged::Anywhere);
        let log = JetStreamLog::open_with(client, options, Absent::Refused).await?.with_tags(tags);
        Ok(Self { log, key })
    }

    /// Where each shard ends. Refused if one is not there, or ends before what was seen of it.
    async fn ends(&self, record: &DeploymentRecord) -> Result<BTreeMap<u8, u64>, Failure> {
        let end = self.log.end().await?;
        record.check(&end).map_err(|lost| Failure::Vanished(lost.to_string()))?;
        if let Some(absent) = (0..self.log.shards()).find(|shard| !end.0.contains_key(shard)) {
            return Err(Failure::Vanished(format!("shard {absent} is not there")));
        }
        Ok(end.0.into_iter().map(|(shard, end)| (shard, end.revision)).collect())
    }
}

/// Where tags become obligatory with the next generation: at the ends of the shards. Refused if the log was written in a later one
/// already. For the operator's commands.
pub(crate) async fn border(
    nats: &NatsSettings,
    settings: &Settings,
    record: &DeploymentRecord,
) -> Result<Border, Failure> {
    let recorded = record.write_version();
    let reached = Reached::at(nats, settings, recorded).await?;
    if let Some(written) = reached.log.last_generation().await?.filter(|written| *written > recorded) {
        return Err(Failure::WentBack { recorded, written });
    }
    Ok(Border::at(reached.ends(record).await?, record.id(), &reached.key))
}

/// Where tags became obligatory in a log, as it says itself.
pub(crate) struct Remade {
    /// The newest generation that it was written in, as far as is known.
    pub(crate) written: u16,
    /// The last place of each shard that may be without a tag.
    pub(crate) places: BTreeMap<u8, u64>,
    /// The shards in which some commit was written with obligatory tags.
    pub(crate) tagged: BTreeSet<u8>,
    pub(crate) border: Border,
}

/// Finds out where tags became obligatory: right before the first commit of each shard that was written in such a generation, and at
/// the end of a shard without one, but nowhere behind what the record says with a right code. None if no commit was, and the record
/// says nothing else. For the operator's commands.
pub(crate) async fn remade_border(
    nats: &NatsSettings,
    settings: &Settings,
    record: &DeploymentRecord,
) -> Result<Option<Remade>, Failure> {
    let reached = Reached::at(nats, settings, record.write_version()).await?;
    let Reached { log, key } = &reached;
    let firsts = log.first_obligatory().await?;
    let written =
        firsts.values().map(|(_, generation)| *generation).chain(log.last_generation().await?).max();
    if firsts.is_empty() && !record.tags_commits() {
        return Ok(None);
    }
    let known = record.border_places(key);
    let places = reached.ends(record).await?.into_iter().map(|(shard, end)| {
        let before = firsts.get(&shard).map_or(end, |(revision, _)| revision.saturating_sub(1));
        let known = known.as_ref().map_or(u64::MAX, |known| known.get(&shard).copied().unwrap_or_default());
        (shard, before.min(known))
    });
    let places: BTreeMap<u8, u64> = places.collect();
    Ok(Some(Remade {
        written: written.unwrap_or_default(),
        border: Border::at(places.clone(), record.id(), key),
        tagged: firsts.into_keys().collect(),
        places,
    }))
}
