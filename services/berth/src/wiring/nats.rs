//! A deployment of many processes on NATS.

use std::{sync::Arc, time::Duration};

use async_nats::Client;
use berth_bus::{
    Bus, Checkpoints, DeploymentStore, Door, EventFeed, KeyRing, KeyRingError, KeyStore, NearBus, Postbag,
    Relay, Roster,
    nats::{
        Connection, FEED_STREAM, JoinError, KEY_STREAM, NatsBus, NatsCheckpoints, NatsCluster,
        NatsDeployment, NatsDeviceKeys, NatsDoor, NatsFeed, NatsKeyStore, NatsLeases, NatsPostbag, NatsRelay,
        NatsVolatile, OpenError, connect_by, denied_since, survey,
    },
};
use berth_log::{
    EventLog, GuardedLog, LogRead, OneFollower, Position,
    jetstream::{self, Absent, JetStreamLog, JetStreamOptions},
};
use berth_proto::subject::Decider;
use berth_runtime::{
    Check, Clock, ConfigError, Entropy, Lifecycle, Readiness, Role, Settings, config::NatsSettings,
};
use tokio::time::{Instant, sleep};

use super::{
    Wired,
    connections::{followed, register},
    has_commits,
    tags::Untold,
};
use crate::{
    credentials::Credentials,
    deployment::{self, DeploymentRecord, Missing},
    failure::Failure,
    folder::DataFolder,
    guard::Guard,
    leaders, member, presence, root, server_clock, status,
};

/// The subjects of commands: an owner serves narrower ones.
const COMMANDS: [&str; 2] = [Decider::Owner.filter(), Decider::Any.filter()];
/// How long a start waits for a server, or for the role that makes the streams. Whoever supervises the process
/// starts it again then.
const START_MAX: Duration = Duration::from_secs(30);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a start looks for a log that was there before: a cluster that recovers may not know of it at once.
const LOST_AFTER: Duration = Duration::from_secs(5);

pub(super) async fn open(
    role: Role,
    settings: &Settings,
    nats: &NatsSettings,
    readiness: &Readiness,
    lifecycle: &Lifecycle,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Wired, Failure> {
    let master = settings.secrets.master_key.clone().ok_or_else(|| {
        ConfigError::missing("master_key", "every process of a deployment on NATS needs the same one")
    })?;
    let folder = DataFolder::take_slot(&settings.storage.data, role.as_str())?;
    // The name is also the prefix of the inboxes that the permissions of the role's user name.
    let name = format!("berth-{role}");
    let client = patiently(async || connect_by(nats, &name).await.map_err(Failure::Nats)).await?;
    register(readiness, "nats", Connection::of(&client));
    let replicas = usize::from(nats.replicas);
    let options = JetStreamOptions { shards: settings.storage.log_shards, replicas };
    let first = Found { client: &client, options, may_make: role.runs(Role::SessionAggregate) };
    let Opened { log, end, missing, keys, store, record } = first.open(&*entropy).await?;
    record.check_import()?;
    // Before anything is made or joined: whoever cannot read what is written leaves no trace.
    let deployment = record.deployment()?;
    let makes = role.runs(Role::SessionAggregate);
    let opening = root::Opening { has_commits: has_commits(&end), makes };
    let master = patiently(async || root::open(&master, &keys, opening, &*entropy).await).await?;
    // From here on a commit is read by its tag.
    let log_key = master.log_key();
    let untold = Untold { log, end: &end, store: &*store, makes };
    let (log, tags) = untold.tagged(&record, &log_key, record.write_version()).await?;
    let credentials =
        role.runs(Role::Gateway).then(|| Credentials::given(&settings.secrets, &master)).flatten();
    let delivery_keys =
        patiently(async || Ok(NatsKeyStore::open_for_deliveries(client.clone(), replicas).await?)).await?;
    let delivery_keys = KeyRing::new(master.clone(), Arc::new(delivery_keys));
    let keys = KeyRing::new(master, keys);
    patiently(async || super::check_master_key(&keys, has_commits(&end), makes, &*entropy).await).await?;
    if makes {
        note_end(&*store, &end, &missing).await?;
    }
    let device_keys = patiently(async || Ok(NatsDeviceKeys::open(client.clone(), replicas).await?)).await?;
    let relay = relay(role, &client, replicas).await?;
    let postbag = postbag(role, &client, replicas).await?;
    let feed = feed(role, &client, replicas).await?;
    let volatile = patiently(async || Ok(NatsVolatile::open(client.clone(), replicas).await?)).await?;
    let evidence_key = crate::evidence_key::given(&settings.secrets)?;
    let checkpoints = checkpoints(role, &client, replicas).await?;
    // The same role as makes the streams of the log; the permissions of the others do not allow it.
    if role.runs(Role::SessionAggregate) {
        let (kept, stop) = (volatile.clone(), lifecycle.stop().clone());
        lifecycle.spawn(async move { stop.run_until_cancelled(kept.keep()).await.unwrap_or_default() });
    }
    let identity = member::identity(role, nats.member.as_deref(), &folder, &*clock, &*entropy)?;
    identity.introduction.set(String::new(), status::starting(deployment.write_version));
    let leases = patiently(async || {
        let (client, identity) = (client.clone(), identity.clone());
        Ok(NatsLeases::open(client, replicas, identity, lifecycle, Arc::clone(&clock)).await?)
    })
    .await?;
    watch_membership(&leases, readiness);
    tell_risks(&client, options.shards).await;
    let log: Arc<dyn EventLog> = Arc::new(log);
    let followed = followed(nats, &name, options, &tags, readiness).await?;
    if keeps_views(role) {
        folder.is_of(&deployment.id)?;
    }
    let guard = Guard {
        log: Arc::clone(&log) as _,
        store,
        newest: deployment.write_version.number(),
        deployment: deployment.clone(),
        is_there: Box::new(|| true),
        seen: end,
        missing,
        notes: role.runs(Role::SessionAggregate),
        writes: crate::recover::writes_formats(role),
        followed: Arc::clone(&followed),
        tags: Some((tags, log_key)),
    };
    let halted = guard.watch(readiness, lifecycle);
    server_clock::watch(client.clone(), Arc::clone(&clock), readiness, lifecycle);
    let leaders = leaders::watch(client.clone(), options.shards, readiness, lifecycle);
    // Whoever owns a partition decides its commands, else any replica, the nearest one soonest.
    // What customers and workers send must not harm the connection that everything else is on.
    let door = || Arc::new(NatsDoor::new(nats.clone(), name.clone(), lifecycle)) as Arc<dyn Door>;
    let door = (role.runs(Role::Gateway) || role.runs(Role::Connector)).then(door);
    let bus: Arc<dyn Bus> = Arc::new(NearBus::new(Arc::new(NatsBus::new(client, lifecycle)), &COMMANDS));
    let presence = presence::watch(role, leases.clone(), Arc::clone(&bus), leaders, readiness, lifecycle);
    let log = Arc::new(OneFollower::new(log, followed, lifecycle));
    Ok(Wired {
        deployment,
        log: Arc::new(GuardedLog::new(log, halted)),
        bus,
        door,
        volatile: Arc::new(volatile),
        delivery_keys,
        keys,
        device_keys: Arc::new(device_keys),
        relay,
        postbag,
        feed,
        cluster: Arc::new(NatsCluster::new(leases.clone(), streams(options.shards))),
        leases: Arc::new(leases),
        identity,
        checkpoints,
        evidence_key,
        presence,
        clock,
        entropy,
        folder,
        credentials,
    })
}

/// Notes what this process found of the log.
async fn note_end(store: &dyn DeploymentStore, end: &Position, missing: &Missing) -> Result<(), Failure> {
    patiently(async || deployment::note_end(store, deployment::read(store).await?, end, missing).await).await
}

/// Says what can be lost by how the streams are kept.
async fn tell_risks(client: &Client, shards: u8) {
    for risk in survey(client, &streams(shards)).await.risks() {
        tracing::warn!("{risk}");
    }
}

/// The relay of attempts, for those who dispatch; made by the role that makes the other streams.
async fn relay(role: Role, client: &Client, replicas: usize) -> Result<Option<Arc<dyn Relay>>, Failure> {
    if !role.runs(Role::SessionAggregate) && !role.runs(Role::Webhooks) {
        return Ok(None);
    }
    let relay = patiently(async || Ok(NatsRelay::open(client.clone(), replicas).await?)).await?;
    Ok(Some(Arc::new(relay)))
}

/// Where message events of upstreams wait, for those who dispatch; made by the role that makes the other streams.
async fn postbag(role: Role, client: &Client, replicas: usize) -> Result<Option<Arc<dyn Postbag>>, Failure> {
    if !role.runs(Role::SessionAggregate) && !role.runs(Role::Webhooks) {
        return Ok(None);
    }
    let postbag = patiently(async || Ok(NatsPostbag::open(client.clone(), replicas).await?)).await?;
    Ok(Some(Arc::new(postbag)))
}

/// What was signed, for those who sign.
async fn checkpoints(
    role: Role,
    client: &Client,
    replicas: usize,
) -> Result<Option<Arc<dyn Checkpoints>>, Failure> {
    if !role.runs(Role::SessionAggregate) {
        return Ok(None);
    }
    let checkpoints = patiently(async || Ok(NatsCheckpoints::open(client.clone(), replicas).await?)).await?;
    Ok(Some(Arc::new(checkpoints)))
}

/// Where public events are kept, for those who publish them; made by the role that makes the other streams.
async fn feed(role: Role, client: &Client, replicas: usize) -> Result<Option<Arc<dyn EventFeed>>, Failure> {
    if !role.runs(Role::SessionAggregate) && !role.runs(Role::Projections) {
        return Ok(None);
    }
    let feed = patiently(async || Ok(NatsFeed::open(client.clone(), replicas).await?)).await?;
    Ok(Some(Arc::new(feed)))
}

/// The record of the deployment on NATS, for the operator's commands.
pub(crate) async fn deployment_store(nats: &NatsSettings) -> Result<Arc<dyn DeploymentStore>, Failure> {
    let name = format!("berth-{}", Role::SessionAggregate);
    let client = connect_by(nats, &name).await.map_err(Failure::Nats)?;
    let replicas = usize::from(nats.replicas);
    let keys = NatsKeyStore::find(client.clone(), replicas).await?.ok_or(Failure::KeysMissing)?;
    let record = NatsDeployment::find(client, replicas).await?.ok_or(Failure::KeysMissing)?;
    Ok(Arc::new(record.beside(&keys)))
}

/// The members of a deployment on NATS, for the operator's commands.
pub(crate) async fn members(nats: &NatsSettings) -> Result<Roster, Failure> {
    let name = format!("berth-{}", Role::SessionAggregate);
    let client = connect_by(nats, &name).await.map_err(Failure::Nats)?;
    Ok(berth_bus::nats::members(client, usize::from(nats.replicas)).await?)
}

/// The data keys on NATS, for the operator's commands.
pub(crate) async fn keys(nats: &NatsSettings) -> Result<Arc<dyn KeyStore>, Failure> {
    let name = format!("berth-{}", Role::SessionAggregate);
    let client = connect_by(nats, &name).await.map_err(Failure::Nats)?;
    let found = NatsKeyStore::find(client, usize::from(nats.replicas)).await?;
    Ok(Arc::new(found.ok_or(Failure::KeysMissing)?))
}

/// The checkpoints on NATS, for the operator's commands; none if none was ever published.
pub(crate) async fn checkpoint_store(nats: &NatsSettings) -> Result<Option<Arc<dyn Checkpoints>>, Failure> {
    let name = format!("berth-{}", Role::SessionAggregate);
    let client = connect_by(nats, &name).await.map_err(Failure::Nats)?;
    let found = NatsCheckpoints::find(client, usize::from(nats.replicas)).await?;
    Ok(found.map(|checkpoints| Arc::new(checkpoints) as _))
}

/// What is found on a server: the log and the keys, which must belong together.
pub(super) struct Found<'a> {
    pub(super) client: &'a Client,
    pub(super) options: JetStreamOptions,
    /// Whether this role may make what is not there.
    pub(super) may_make: bool,
}

pub(super) struct Opened {
    pub(super) log: JetStreamLog,
    pub(super) end: Position,
    missing: Missing,
    pub(super) keys: Arc<dyn KeyStore>,
    pub(super) store: Arc<dyn DeploymentStore>,
    pub(super) record: DeploymentRecord,
}

impl Found<'_> {
    pub(super) async fn open(self, entropy: &dyn Entropy) -> Result<Opened, Failure> {
        let before = self.find_log().await?;
        let has_commits = match &before {
            Some(log) => has_commits(&log.end().await?),
            None => false,
        };
        // First of all: keys in a form that is refused are not keys that are missing.
        self.find_keys().await?;
        let store = self.store(has_commits).await?;
        let record = self.record(&store, has_commits, entropy).await?;
        let keys = self.keys(has_commits || record.expects_log()).await?;
        let store: Arc<dyn DeploymentStore> = Arc::new(store.beside(&keys));
        let log = match before {
            Some(log) => log,
            None if record.expects_log() => self.find_lost_log().await?,
            None => self.make_log(&record).await?,
        };
        let end = patiently(async || Ok(log.end().await?)).await?;
        record.check(&end).map_err(|lost| Failure::Vanished(lost.to_string()))?;
        let missing = patiently(async || Ok(log.missing().await?)).await?;
        if let Some(lost) = record.lacks(&missing) {
            return Err(Failure::Vanished(lost));
        }
        Ok(Opened { log, end, missing, keys: Arc::new(keys), store, record })
    }

    /// The log, if all of it is there.
    async fn find_log(&self) -> Result<Option<JetStreamLog>, Failure> {
        patiently(async || {
            match JetStreamLog::open_with(self.client.clone(), self.options, Absent::Refused).await {
                Ok(log) => Ok(Some(log)),
                Err(jetstream::OpenError::Missing { .. }) => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// The log of a deployment that had one.
    async fn find_lost_log(&self) -> Result<JetStreamLog, Failure> {
        let deadline = Instant::now() + LOST_AFTER;
        loop {
            if let Some(log) = self.find_log().await? {
                return Ok(log);
            }
            if Instant::now() >= deadline {
                return Err(Failure::Vanished("streams of the log are not there any more".to_owned()));
            }
            sleep(PAUSE).await;
        }
    }

    async fn make_log(&self, record: &DeploymentRecord) -> Result<JetStreamLog, Failure> {
        let absent = match (self.may_make, record.accepted()) {
            (false, _) => Absent::Refused,
            (true, false) => Absent::Created,
            (true, true) => Absent::CreatedBesideOthers,
        };
        patiently(async || Ok(JetStreamLog::open_with(self.client.clone(), self.options, absent).await?))
            .await
    }

    /// The keys, if their stream is there.
    async fn find_keys(&self) -> Result<Option<NatsKeyStore>, Failure> {
        patiently(async || Ok(NatsKeyStore::find(self.client.clone(), self.options.replicas).await?)).await
    }

    /// The keys, which nobody makes anew beside a log that needs them, nor for a record that knows one.
    async fn keys(&self, needed: bool) -> Result<NatsKeyStore, Failure> {
        let (client, replicas) = (&self.client, self.options.replicas);
        patiently(async || {
            if !needed && self.may_make {
                return Ok(NatsKeyStore::open((*client).clone(), replicas).await?);
            }
            NatsKeyStore::find((*client).clone(), replicas).await?.ok_or_else(|| absent(needed))
        })
        .await
    }

    /// Where the record of the deployment stands, which nobody makes anew beside a log that it belongs to.
    async fn store(&self, has_commits: bool) -> Result<NatsDeployment, Failure> {
        let (client, replicas) = (&self.client, self.options.replicas);
        patiently(async || {
            if !has_commits && self.may_make {
                return Ok(NatsDeployment::open((*client).clone(), replicas).await?);
            }
            NatsDeployment::find((*client).clone(), replicas).await?.ok_or_else(|| absent(has_commits))
        })
        .await
    }

    async fn record(
        &self,
        store: &dyn DeploymentStore,
        has_commits: bool,
        entropy: &dyn Entropy,
    ) -> Result<DeploymentRecord, Failure> {
        patiently(async || match deployment::read(store).await? {
            Some(kept) => Ok(kept.record),
            None if has_commits => Err(Failure::KeysMissing),
            None if self.may_make => deployment::read_or_make(store, entropy).await,
            None => Err(Failure::NotStarted),
        })
        .await
    }
}

/// What it means that the keys or the record are not there: they are lost where they are needed, and else nobody has
/// begun.
const fn absent(needed: bool) -> Failure {
    if needed { Failure::KeysMissing } else { Failure::NotStarted }
}

/// The streams of a deployment with so many shards.
pub(super) fn streams(shards: u8) -> Vec<String> {
    let others = [
        KEY_STREAM,
        "BERTH_DELIVERY_KEYS",
        "BERTH_DEVICE_KEYS",
        "BERTH_DEPLOYMENT",
        "BERTH_CHECKPOINTS",
        "BERTH_ATTEMPTS",
        "BERTH_POSTBAG",
        FEED_STREAM,
    ];
    let buckets = ["KV_berth_leases", "KV_berth_volatile"];
    let others = others.into_iter().chain(buckets).map(str::to_owned);
    (0..shards).map(jetstream::stream_name).chain(others).collect()
}

/// Whether a process has views of a log in its folder, so that those of another deployment would count as its own. A gateway has
/// none: it keeps its name there.
fn keeps_views(role: Role) -> bool {
    Role::ALL.into_iter().any(|one| one != Role::Gateway && role.runs(one))
}

/// A process that is no member owns nothing, though it goes on answering.
fn watch_membership(leases: &NatsLeases, readiness: &Readiness) {
    let leases = leases.clone();
    readiness.register("member", move || match leases.trouble() {
        None => Check::ready(leases.seat().to_string()),
        Some(reason) => Check::ready(format!("{} owns nothing: {reason}", leases.seat())),
    });
}

/// Tries until it works, a retry does not help, or [`START_MAX`] has passed. What it waits for is said once.
pub(super) async fn patiently<T>(mut open: impl AsyncFnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    let began = Instant::now();
    let mut waits_for: Option<String> = None;
    loop {
        let tried = Instant::now();
        match open().await {
            // Nothing else tells it from a server that is slow.
            Err(failure) if went_unanswered(&failure) && denied_since(tried).is_some() => {
                let what = denied_since(tried).unwrap_or_default();
                return Err(Failure::Denied { what, source: Box::new(failure) });
            }
            Err(failure) if may_pass(&failure) && began.elapsed() < START_MAX => {
                let reason = berth_runtime::chain(&failure);
                if waits_for.as_ref() != Some(&reason) {
                    tracing::warn!(reason, "NATS is not ready yet; trying again for up to 30 seconds");
                    waits_for = Some(reason);
                }
                sleep(PAUSE).await;
            }
            result => {
                if waits_for.is_some() && result.is_ok() {
                    tracing::info!(waited_ms = began.elapsed().as_millis(), "NATS is ready now");
                }
                return result;
            }
        }
    }
}

/// Whether a server that was asked for something did not answer, which may have been for want of a permission.
const fn went_unanswered(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::Deployment(_)
            | Failure::Keys(KeyRingError::Store(_))
            | Failure::Read(_)
            | Failure::Stream(OpenError::Unavailable { .. } | OpenError::Unanswered { .. })
            | Failure::Member(
                JoinError::Unavailable(_)
                    | JoinError::Open(OpenError::Unavailable { .. } | OpenError::Unanswered { .. })
            )
            | Failure::JetStream(jetstream::OpenError::Unavailable(_) | jetstream::OpenError::Create { .. })
    )
}

/// Whether a retry may help: no server yet, or streams that another process is about to make.
const fn may_pass(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::Nats(berth_bus::nats::ConnectError::Connect(_))
            | Failure::NotStarted
            | Failure::Deployment(_)
            | Failure::Stream(OpenError::Unavailable { .. } | OpenError::Unanswered { .. })
            | Failure::Member(
                JoinError::Unavailable(_)
                    | JoinError::Open(OpenError::Unavailable { .. } | OpenError::Unanswered { .. })
            )
            | Failure::JetStream(
                jetstream::OpenError::Unavailable(_)
                    | jetstream::OpenError::Create { .. }
                    | jetstream::OpenError::Missing { .. }
            )
    )
}
