//! Starts a process as the binary does, on the ports of a simulation.

use std::{error::Error, path::Path, sync::Arc, time::Duration};

use axum::Router;
use berth_bus::{
    Bus, Identity, Introduction, KeyRing, Leases, NearBus, Presence,
    member::Seat,
    nats::{NatsCluster, NatsLeases},
};
use berth_connector::drivers::simulated::Simulated;
use berth_gateway::{EvolutionLogout, app::Quotas, root_key_digest};
use berth_log::{EventLog, GuardedLog, LogRead, OneFollower};
use berth_proto::{WriteVersion, subject::Decider};
use berth_runtime::{Clock, Role, SeededEntropy, UrlPolicy};
use berth_test_support::Doubled;
use berth_views::{StoreKind, ViewOptions};
use berth_webhooks::schedule::Schedule;
use tokio::sync::watch;

use crate::{
    mutant::{LyingBus, LyingLeases, LyingLog, Mutant},
    ports::{
        bucket::SharedBucket,
        bus::SharedBus,
        clock::SkewedClock,
        device::WatchedLinks,
        endpoint::SharedDial,
        feed::SharedFeed,
        keys::{SharedDevices, SharedKeys},
        log::SharedLog,
        relay::SharedRelay,
        volatile::SharedVolatile,
    },
    world::At,
};

/// The operator's key.
pub(crate) const ROOT: &str = "key-of-the-operator";
/// The subjects of commands: see how the binary wires NATS.
const COMMANDS: [&str; 2] = [Decider::Owner.filter(), Decider::Any.filter()];

/// The pause between the attempts of a notice, and how many there are.
const RETRY_AFTER: Duration = Duration::from_secs(10);
const RETRIES: usize = 60;

/// Endpoints are in a network of their own.
fn endpoints() -> UrlPolicy {
    UrlPolicy {
        allow: vec!["10.0.0.0/8".parse().expect("a range")],
        plain_http: false,
        ..UrlPolicy::default()
    }
}

/// What a process is started with.
#[derive(Debug)]
pub(crate) struct Starting<'a> {
    pub(crate) at: At,
    pub(crate) seat: Seat,
    /// Which start of it this is, and which was the one before.
    pub(crate) start: String,
    pub(crate) former: Option<String>,
    /// The folder that outlives the process.
    pub(crate) folder: &'a Path,
}

/// The ports that every role has.
struct Wired {
    log: Arc<dyn EventLog>,
    bus: Arc<dyn Bus>,
    volatile: Arc<SharedVolatile>,
    keys: KeyRing,
    devices: Arc<SharedDevices>,
    leases: Arc<dyn Leases>,
    cluster: Arc<NatsCluster>,
    clock: Arc<dyn Clock>,
    entropy: Arc<SeededEntropy>,
}

// === impl Starting ===

impl Starting<'_> {
    /// Starts what the role runs; gives the routes of a gateway.
    pub(crate) async fn run(self) -> Result<Option<Router>, Box<dyn Error + Send + Sync>> {
        let wired = self.wire().await?;
        match self.seat.role {
            Role::Gateway => Ok(Some(self.gateway(wired))),
            Role::SessionAggregate => self.session_aggregate(wired).await.map(|()| None),
            Role::Projections => self.projections(wired).await.map(|()| None),
            Role::Connector => self.connector(wired).await.map(|()| None),
            Role::Webhooks => self.webhooks(wired).await.map(|()| None),
            Role::Serve => Err("no such process in a simulation".into()),
        }
    }

    async fn wire(&self) -> Result<Wired, Box<dyn Error + Send + Sync>> {
        let (at, lifecycle) = (&self.at, &self.at.life.lifecycle);
        let clock: Arc<dyn Clock> = Arc::new(SkewedClock(at.clone()));
        let identity = Identity {
            seat: self.seat.clone(),
            start: self.start.clone(),
            former: self.former.clone(),
            version: "simulated",
            since: clock.now(),
            introduction: Introduction::default(),
        };
        let bucket = Arc::new(SharedBucket(at.clone()));
        let members = NatsLeases::in_bucket(bucket, identity, lifecycle, Arc::clone(&clock)).await?;
        let log: Arc<dyn EventLog> = Arc::new(SharedLog(at.clone()));
        let log: Arc<dyn EventLog> = match at.world.mutant {
            Some(mutant @ (Mutant::GateReadOnce | Mutant::VersionOffByOne)) if self.is_broken(mutant) => {
                Arc::new(Doubled(LyingLog::new(log, mutant)))
            }
            _ => log,
        };
        let followed: Arc<dyn LogRead> = Arc::new(SharedLog(at.clone()));
        let log = Arc::new(OneFollower::new(log, followed, lifecycle));
        let leases: Arc<dyn Leases> = match at.world.mutant {
            Some(mutant @ (Mutant::FenceIgnored | Mutant::TakeoverWithoutCancelling)) => {
                Arc::new(LyingLeases {
                    leases: Arc::new(members.clone()),
                    mutant,
                    lifecycle: lifecycle.clone(),
                })
            }
            _ => Arc::new(members.clone()),
        };
        let entropy = Arc::new(SeededEntropy::new(at.world.chance.seed()));
        let bus: Arc<dyn Bus> = Arc::new(SharedBus(at.clone()));
        let bus: Arc<dyn Bus> = match at.world.mutant {
            Some(mutant @ Mutant::ReceiptDropped) if self.is_broken(mutant) => {
                Arc::new(LyingBus { bus, entropy: Arc::clone(&entropy) })
            }
            _ => bus,
        };
        Ok(Wired {
            log: Arc::new(GuardedLog::new(log, watch::channel(None).1)),
            bus: Arc::new(NearBus::new(bus, &COMMANDS)),
            volatile: Arc::new(SharedVolatile(at.clone())),
            keys: KeyRing::new(at.world.master.clone(), Arc::new(SharedKeys(at.clone()))),
            devices: Arc::new(SharedDevices(at.clone())),
            leases,
            cluster: Arc::new(NatsCluster::new(members, Vec::new())),
            entropy,
            clock,
        })
    }

    fn is_broken(&self, mutant: Mutant) -> bool {
        match mutant {
            Mutant::GateReadOnce => self.seat.role == Role::Webhooks,
            Mutant::ReceiptDropped | Mutant::VersionOffByOne => self.seat.role == Role::SessionAggregate,
            Mutant::FenceIgnored | Mutant::TakeoverWithoutCancelling => false,
        }
    }

    async fn session_aggregate(self, wired: Wired) -> Result<(), Box<dyn Error + Send + Sync>> {
        let ports = berth_session_aggregate::Ports {
            log: wired.log,
            bus: wired.bus,
            keys: wired.keys,
            device_keys: wired.devices,
            leases: wired.leases,
            clock: wired.clock,
            entropy: wired.entropy,
            data: self.folder.join("session-aggregate"),
        };
        let settings = berth_session_aggregate::Settings {
            rows: StoreKind::Memory,
            ..berth_session_aggregate::Settings::default()
        };
        berth_session_aggregate::start(ports, settings, &self.at.life.lifecycle).await?;
        Ok(())
    }

    async fn projections(self, wired: Wired) -> Result<(), Box<dyn Error + Send + Sync>> {
        let ports = berth_projections::Ports {
            log: wired.log,
            bus: wired.bus,
            feed: Some(Arc::new(SharedFeed(self.at.clone()))),
            keys: wired.keys,
            leases: wired.leases,
            clock: wired.clock,
            data: self.folder.join("projections"),
        };
        let settings =
            berth_projections::Settings { rows: StoreKind::Memory, ..berth_projections::Settings::default() };
        berth_projections::start(ports, settings, &self.at.life.lifecycle).await?;
        Ok(())
    }

    async fn connector(self, wired: Wired) -> Result<(), Box<dyn Error + Send + Sync>> {
        let driver = Arc::new(Simulated::new(Arc::clone(&wired.clock), wired.entropy.clone(), 1));
        let watched = Arc::new(WatchedLinks { at: self.at.clone(), driver: driver.clone() });
        let ports = berth_connector::Ports {
            log: wired.log,
            bus: wired.bus,
            volatile: wired.volatile,
            keys: wired.keys,
            device_keys: wired.devices,
            leases: wired.leases,
            clock: wired.clock,
            entropy: wired.entropy,
            data: self.folder.join("connector"),
        };
        let settings = berth_connector::Settings {
            rows: StoreKind::Memory,
            ..berth_connector::Settings::new(watched, Some(driver))
        };
        berth_connector::start(ports, settings, &self.at.life.lifecycle).await?;
        Ok(())
    }

    async fn webhooks(self, wired: Wired) -> Result<(), Box<dyn Error + Send + Sync>> {
        let ports = berth_webhooks::Ports {
            log: wired.log,
            bus: wired.bus,
            volatile: wired.volatile,
            keys: wired.keys.clone(),
            delivery_keys: wired.keys,
            leases: wired.leases,
            clock: Arc::clone(&wired.clock),
            entropy: wired.entropy,
            relay: Some(Arc::new(SharedRelay(self.at.clone()))),
            postbag: None,
            data: self.folder.to_owned(),
        };
        let settings = berth_webhooks::Settings::new(Arc::clone(&wired.clock), endpoints(), None);
        let settings = berth_webhooks::Settings {
            view: ViewOptions::in_memory(wired.clock),
            dial: Arc::new(SharedDial(self.at.clone())),
            // The documented one takes days: what fails for a minute is to be told within the run.
            schedule: Schedule { delays: vec![RETRY_AFTER; RETRIES], ..Schedule::default() },
            ..settings
        };
        berth_webhooks::start(ports, settings, &self.at.life.lifecycle).await?;
        Ok(())
    }

    fn gateway(self, wired: Wired) -> Router {
        let settings = berth_gateway::Settings {
            root_key_digest: root_key_digest(&self.at.world.master, ROOT),
            url_policy: endpoints(),
            simulated_driver: true,
            evolution_logout: EvolutionLogout::Strict,
            commands_at_once: 2_048,
            quotas: Quotas { instance_commands: 0, account_commands: 0, instance_reads: 0, account_reads: 0 },
            public_url: "https://berth.example".to_owned(),
            upstreams: berth_upstreams::Upstreams::default(),
            workers: Vec::new(),
            worker_accounts: None,
            write_version: WriteVersion::NEWEST,
        };
        let ports = berth_gateway::Ports {
            log: wired.log,
            bus: wired.bus,
            volatile: wired.volatile,
            keys: wired.keys,
            clock: wired.clock,
            entropy: wired.entropy,
            presence: Presence::of_one_process(),
            cluster: wired.cluster,
            stop: self.at.life.lifecycle.stop().clone(),
        };
        berth_gateway::router(ports, &settings)
    }
}
