//! The gateway's and the session-aggregate's code on the folder of a deployment that is stopped.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use berth_bus::{
    Bus, Introduction, KeptKey, KeyRing, KeyStore, Presence,
    local::{Alone, FileDeviceKeys, FileKeyStore, LocalBus, LocalLeases, LocalVolatile},
    member::{Identity, MemberId, Seat},
};
use berth_gateway::{
    App, EvolutionLogout,
    app::{Call, Client, Idempotency, NewInstance, Principal, Quotas},
    root_key_digest,
};
use berth_log::{LogRead, embedded::EmbeddedLog};
use berth_proto::{InstanceId, WriteVersion, command::LogoutV1};
use berth_runtime::{
    Clock, Entropy, Lifecycle, MasterKey, Role, SystemClock, SystemEntropy, url_policy::UrlPolicy,
};
use berth_upstreams::Upstreams;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{
    Outcome,
    deployment::{ACCOUNT_TOKEN, MASTER_KEY, ROOT_KEY, SHARDS},
    workload::Instance,
};

/// The door that commands come by, as it stands in their receipts.
const VIA: &str = "native";
/// What requests are known by to those who repeat them.
const CREATE_ROUTE: &str = "POST /v1/instances";
const LOGOUT_ROUTE: &str = "POST /v1/instances/{i}/logout";
const LOGOUT_BODY: &[u8] = b"{}";
/// Commands that the gateway lets be under way at once: more than are sent.
const COMMANDS_AT_ONCE: usize = 16 * 1024;
/// How long whoever still holds a file of the deployment may take to let it go.
const LET_GO_MAX: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);

/// Everything that decides and writes.
pub(super) struct Parts {
    app: App,
    /// Who asks for all of it.
    account: Principal,
    log: Arc<EmbeddedLog>,
    store: Arc<FileKeyStore>,
    lifecycle: Lifecycle,
    /// The view of open work lies here, so that the deployment builds its own from the log, as it does the others.
    _views: TempDir,
}

// === impl Parts ===

impl Parts {
    /// Opens the folder of a deployment that was started once, and is stopped.
    pub(super) async fn open(data: &Path) -> Outcome<Self> {
        let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) =
            (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let log = Arc::new(EmbeddedLog::open(data, SHARDS, &*entropy)?);
        let store = Arc::new(FileKeyStore::open(data.join("keys")).await?);
        let keys = KeyRing::new(rooted(&*store).await?, Arc::clone(&store) as _);
        let bus: Arc<dyn Bus> = Arc::new(LocalBus::new());
        let leases = LocalLeases::open(data.join("leases")).await?;
        let (lifecycle, views) = (Lifecycle::new(), tempfile::tempdir()?);
        let ports = berth_session_aggregate::Ports {
            log: Arc::clone(&log) as _,
            bus: Arc::clone(&bus),
            keys: keys.clone(),
            device_keys: Arc::new(FileDeviceKeys::open(data.join("device-keys")).await?),
            leases: Arc::new(leases.clone()),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            data: views.path().to_owned(),
        };
        berth_session_aggregate::start(ports, berth_session_aggregate::Settings::default(), &lifecycle)
            .await?;
        let ports = berth_gateway::Ports {
            log: Arc::clone(&log) as _,
            bus,
            volatile: Arc::new(LocalVolatile::new()),
            cluster: Arc::new(Alone::new(identity(&*clock)?, leases)),
            keys,
            clock,
            entropy,
            presence: Presence::of_one_process(),
            stop: lifecycle.stop().clone(),
        };
        let app = App::new(ports, &settings()?, |_| None);
        let account = app.principals.authenticate(ACCOUNT_TOKEN, None).await?;
        Ok(Self { app, account, log, store, lifecycle, _views: views })
    }

    /// Creates the instance of a number.
    pub(super) async fn create(&self, number: usize) -> Outcome<Instance> {
        let name = format!("bench-{number}");
        let body = format!(r#"{{"name":"{name}"}}"#).into_bytes();
        let call = self.call(CREATE_ROUTE, &format!("make-{number}"), body);
        let new = NewInstance { name: Some(name.clone()), ..NewInstance::default() };
        let record = self.app.creator.create(&call, new).await?.record;
        Ok(Instance { id: record.id.to_string(), name, token: record.token() })
    }

    /// Logs an instance out that has no session.
    pub(super) async fn log_out(&self, instance: &str, key: &str) -> Outcome<()> {
        let call = self.call(LOGOUT_ROUTE, key, LOGOUT_BODY.to_vec());
        let instance: InstanceId = instance.parse()?;
        self.app.commands.decide(&call, instance, LogoutV1 {}).await?;
        Ok(())
    }

    /// How many commits the log has.
    pub(super) async fn commits(&self) -> Outcome<u64> {
        Ok(self.log.end().await?.0.values().map(|shard| shard.revision).sum())
    }

    /// Ends what was begun and frees the folder; gives how many commits the log has then.
    pub(super) async fn close(self) -> Outcome<u64> {
        self.lifecycle.shut_down().await;
        let commits = self.commits().await?;
        let Self { app, log, store, .. } = self;
        drop(app);
        let_go(log).await?;
        let_go(store).await?;
        Ok(commits)
    }

    fn call(&self, route: &'static str, key: &str, body: Vec<u8>) -> Call {
        let client = Client {
            request_id: self.app.request_ids.next().into(),
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        };
        let idempotency = Idempotency { key: key.to_owned(), route, body };
        Call::new(self.account, VIA, client).with_idempotency(Some(idempotency))
    }
}

/// The master key of the benchmark over the root secret of the deployment.
async fn rooted(store: &dyn KeyStore) -> Outcome<MasterKey> {
    let master = MasterKey::from_base64(MASTER_KEY)?;
    let owner = master.root_owner();
    let KeptKey::Present(wrapped) = store.get(&owner).await? else {
        return Err("the deployment was never started, or with another master key".into());
    };
    Ok(master.rooted(&master.unwrap(&owner, &wrapped)?))
}

fn identity(clock: &dyn Clock) -> Outcome<Identity> {
    Ok(Identity {
        seat: Seat { role: Role::Serve, id: "bench".parse::<MemberId>()? },
        start: "made".to_owned(),
        former: None,
        version: env!("CARGO_PKG_VERSION"),
        since: clock.now(),
        introduction: Introduction::default(),
    })
}

/// Those of the benchmark's deployments, without quotas.
fn settings() -> Outcome<berth_gateway::Settings> {
    Ok(berth_gateway::Settings {
        root_key_digest: root_key_digest(&MasterKey::from_base64(MASTER_KEY)?, ROOT_KEY),
        url_policy: UrlPolicy::default(),
        simulated_driver: true,
        evolution_logout: EvolutionLogout::Strict,
        quotas: Quotas { instance_commands: 0, account_commands: 0, instance_reads: 0, account_reads: 0 },
        commands_at_once: COMMANDS_AT_ONCE,
        public_url: String::new(),
        upstreams: Upstreams::default(),
        workers: Vec::new(),
        worker_accounts: None,
        write_version: WriteVersion::NEWEST,
    })
}

/// Drops something once nobody else has it, which frees its files.
async fn let_go<T: Send + 'static>(mut held: Arc<T>) -> Outcome<()> {
    let deadline = Instant::now() + LET_GO_MAX;
    loop {
        match Arc::try_unwrap(held) {
            // It waits for threads.
            Ok(last) => return Ok(berth_runtime::spawn_blocking(move || drop(last)).await?),
            Err(_) if Instant::now() > deadline => {
                return Err("a file of the deployment is still used".into());
            }
            Err(others) => held = others,
        }
        sleep(PAUSE).await;
    }
}
