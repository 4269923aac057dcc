//! A deployment of many processes on NATS.

use std::{sync::Arc, time::Duration};

use berth_bus::{
    KeyRing,
    nats::{Connection, NatsBus, NatsDeviceKeys, NatsKeyStore, NatsLeases, NatsVolatile, OpenError, connect},
};
use berth_log::jetstream::{self, JetStreamLog, JetStreamOptions};
use berth_runtime::{
    Check, Clock, ConfigError, Entropy, Lifecycle, Readiness, Role, Settings, config::NatsSettings,
};
use tokio::time::{Instant, sleep};

use super::Wired;
use crate::{credentials::Credentials, failure::Failure, folder::DataFolder};

/// How long a start waits for a server, or for the role that makes the streams. Whoever supervises the process
/// starts it again then.
const START_MAX: Duration = Duration::from_secs(30);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(250);

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
    let credentials =
        role.runs(Role::Gateway).then(|| Credentials::given(&settings.secrets, &master)).flatten();
    let folder = DataFolder::take_slot(&settings.storage.data, role.as_str())?;
    // The name is also the prefix of the inboxes that the permissions of the role's user name.
    let name = format!("berth-{role}");
    let client =
        patiently(async || connect(&nats.url, nats.creds.as_deref(), &name).await.map_err(Failure::Nats))
            .await?;
    register(readiness, Connection::of(&client));
    let replicas = usize::from(nats.replicas);
    let options = JetStreamOptions { shards: settings.storage.log_shards, replicas };
    let log = patiently(async || Ok(JetStreamLog::open(client.clone(), options).await?)).await?;
    let keys = patiently(async || Ok(NatsKeyStore::open(client.clone(), replicas).await?)).await?;
    let delivery_keys =
        patiently(async || Ok(NatsKeyStore::open_for_deliveries(client.clone(), replicas).await?)).await?;
    let device_keys = patiently(async || Ok(NatsDeviceKeys::open(client.clone(), replicas).await?)).await?;
    let volatile = patiently(async || Ok(NatsVolatile::open(client.clone(), replicas).await?)).await?;
    // The same role as makes the streams of the log; the permissions of the others do not allow it.
    if role.runs(Role::SessionAggregate) {
        let (kept, stop) = (volatile.clone(), lifecycle.stop().clone());
        lifecycle.spawn(async move { stop.run_until_cancelled(kept.keep()).await.unwrap_or_default() });
    }
    let leases = patiently(async || {
        Ok(NatsLeases::open(client.clone(), replicas, lifecycle, Arc::clone(&clock)).await?)
    })
    .await?;
    Ok(Wired {
        log: Arc::new(log),
        bus: Arc::new(NatsBus::new(client, lifecycle)),
        volatile: Arc::new(volatile),
        delivery_keys: KeyRing::new(master.clone(), Arc::new(delivery_keys)),
        keys: KeyRing::new(master, Arc::new(keys)),
        device_keys: Arc::new(device_keys),
        leases: Arc::new(leases),
        clock,
        entropy,
        folder,
        credentials,
    })
}

/// A process that has lost its server can do nothing.
fn register(readiness: &Readiness, connection: Connection) {
    readiness.register("nats", move || {
        if connection.stands() {
            Check::ready("connected")
        } else {
            Check::waiting("the connection is lost; connecting again")
        }
    });
}

/// Tries until it works, a retry does not help, or [`START_MAX`] has passed.
async fn patiently<T>(mut open: impl AsyncFnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    let deadline = Instant::now() + START_MAX;
    loop {
        match open().await {
            Err(failure) if may_pass(&failure) && Instant::now() < deadline => {
                tracing::warn!(error = crate::exit::chain(&failure), "NATS is not ready yet; trying again");
                sleep(PAUSE).await;
            }
            result => return result,
        }
    }
}

/// Whether a retry may help: no server yet, or streams that another process is about to make.
const fn may_pass(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::Nats(berth_bus::nats::ConnectError::Connect(_))
            | Failure::Stream(OpenError::Unavailable { .. })
            | Failure::JetStream(
                jetstream::OpenError::Unavailable(_)
                    | jetstream::OpenError::Create { .. }
                    | jetstream::OpenError::Missing { .. }
            )
    )
}
