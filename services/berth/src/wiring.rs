//! Which adapters stand behind the ports: the one place that knows them all.

mod connections;
mod embedded;
mod nats;
mod parts;
mod provision;
mod tags;

pub(crate) use self::{
    embedded::{
        checkpoint_store as embedded_checkpoints, deployment_store as embedded_deployment,
        has_log as has_embedded_log,
    },
    nats::{
        checkpoint_store as nats_checkpoints, deployment_store as nats_deployment, keys as nats_keys,
        members as nats_members,
    },
    parts::{Parts, embedded_parts, nats_parts},
    provision::provision as provision_nats,
    tags::{Remade, border as nats_border, master_key, remade_border},
};

use std::{path::PathBuf, sync::Arc};

use berth_bus::{
    Bus, Checkpoints, Cluster, DeviceKeys, Door, EventFeed, Identity, KeyRing, Leases, Postbag, Presence,
    Relay, Volatile,
};
use berth_evidence::SigningKey;
use berth_log::{EventLog, Position};
use berth_runtime::{Clock, Entropy, Lifecycle, Readiness, Role, Settings, SystemClock, SystemEntropy};

use crate::{credentials::Credentials, deployment::Deployment, failure::Failure, folder::DataFolder};

/// The owner under which a key of no one's is wrapped at the first start of a deployment: whether it can be
/// unwrapped tells whether this is the deployment's master key. The nil UUID is never an id.
pub(crate) const NOBODY: [u8; 16] = [0; 16];

/// Every port, with its adapter.
#[derive(Debug)]
pub(crate) struct Wired {
    /// Which deployment this is, and which generation of formats it may write.
    pub(crate) deployment: Deployment,
    pub(crate) log: Arc<dyn EventLog>,
    /// Requests and tails.
    pub(crate) bus: Arc<dyn Bus>,
    /// Where programs of customers and workers ask; none where there is nobody on a bus.
    pub(crate) door: Option<Arc<dyn Door>>,
    /// Values in memory.
    pub(crate) volatile: Arc<dyn Volatile>,
    /// Data keys.
    pub(crate) keys: KeyRing,
    /// Keys that last notices are sealed under.
    pub(crate) delivery_keys: KeyRing,
    pub(crate) device_keys: Arc<dyn DeviceKeys>,
    /// Attempts of webhook notices, for the replicas that dispatch them; none where there is one process.
    pub(crate) relay: Option<Arc<dyn Relay>>,
    /// Message events of upstreams that wait to be handed on, for those who dispatch.
    pub(crate) postbag: Option<Arc<dyn Postbag>>,
    /// Public events, for the replicas that publish them; none where there is one process and nobody on a bus.
    pub(crate) feed: Option<Arc<dyn EventFeed>>,
    pub(crate) leases: Arc<dyn Leases>,
    /// Tells of the deployment.
    pub(crate) cluster: Arc<dyn Cluster>,
    /// Who this process is, and how it introduces itself to the others.
    pub(crate) identity: Identity,
    /// Where checkpoints of the log are published; none where they are not.
    pub(crate) checkpoints: Option<Arc<dyn Checkpoints>>,
    /// What signs them, if there is a key.
    pub(crate) evidence_key: Option<SigningKey>,
    /// Which roles nobody does the work of.
    pub(crate) presence: Presence,
    /// The machine's clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// The system's randomness.
    pub(crate) entropy: Arc<dyn Entropy>,
    /// The folder of this process, held until the end.
    pub(crate) folder: DataFolder,
    /// What a gateway needs; none for the other roles.
    pub(crate) credentials: Option<Credentials>,
}

impl Wired {
    /// Opens everything. The settings were checked for the role.
    pub(crate) async fn open(
        role: Role,
        settings: &Settings,
        readiness: &Readiness,
        lifecycle: &Lifecycle,
    ) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        match &settings.nats {
            None => embedded::open(settings, readiness, lifecycle, clock, entropy).await,
            Some(nats) => nats::open(role, settings, nats, readiness, lifecycle, clock, entropy).await,
        }
    }

    /// The folder of a role's views.
    pub(crate) fn folder_of(&self, role: Role) -> PathBuf {
        self.folder.path().join(role.as_str())
    }
}

/// Whether anything was ever appended.
pub(crate) fn has_commits(end: &Position) -> bool {
    end.0.values().any(|shard| shard.revision > 0)
}

/// Refuses another master key than that of the first start, which is when the key of nobody's is made by the
/// role that `makes` what a deployment begins with; the others wait for it. Once there are commits its absence means
/// that the keys are lost.
async fn check_master_key(
    keys: &KeyRing,
    has_commits: bool,
    makes: bool,
    entropy: &dyn Entropy,
) -> Result<(), Failure> {
    if keys.knows(&NOBODY).await? {
        return Ok(());
    }
    if has_commits {
        return Err(Failure::KeysMissing);
    }
    if !makes {
        return Err(Failure::NotStarted);
    }
    keys.create(&NOBODY, entropy).await?;
    Ok(())
}
