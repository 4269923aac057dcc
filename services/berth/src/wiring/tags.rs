//! What tells the commits of a deployment on NATS from those of others.

use std::sync::Arc;

use berth_bus::{
    DeploymentStore, KeyStore,
    nats::{NatsKeyStore, connect_by},
};
use berth_log::{
    LogRead, Position,
    jetstream::{Absent, JetStreamLog, JetStreamOptions, Tags, Untagged},
};
use berth_runtime::{ConfigError, LogKey, Role, Settings, SystemEntropy, config::NatsSettings};

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

/// Where tags become obligatory with the next generation: at the ends of the shards. Refused if the log was written in a later one
/// already. For the operator's commands.
pub(crate) async fn border(
    nats: &NatsSettings,
    settings: &Settings,
    record: &DeploymentRecord,
) -> Result<Border, Failure> {
    let missing = || ConfigError::missing("master_key", "the one that the deployment is used with");
    let master = settings.secrets.master_key.clone().ok_or_else(missing)?;
    let name = format!("berth-{}", Role::SessionAggregate);
    let client = connect_by(nats, &name).await.map_err(Failure::Nats)?;
    let replicas = usize::from(nats.replicas);
    let keys = NatsKeyStore::find(client.clone(), replicas).await?.ok_or(Failure::KeysMissing)?;
    let keys: Arc<dyn KeyStore> = Arc::new(keys);
    let key = root::open(&master, &keys, Opening::BEGUN, &SystemEntropy).await?.log_key();
    let options = JetStreamOptions { shards: settings.storage.log_shards, replicas };
    let recorded = record.write_version();
    let tags = Tags::new(key.clone(), options.shards, recorded, &Untagged::Anywhere);
    let log = JetStreamLog::open_with(client, options, Absent::Refused).await?.with_tags(tags);
    if let Some(written) = log.last_generation().await?.filter(|written| *written > recorded) {
        return Err(Failure::WentBack { recorded, written });
    }
    let ends = log.end().await?.0.into_iter().map(|(shard, end)| (shard, end.revision)).collect();
    Ok(Border::at(ends, record.id(), &key))
}
