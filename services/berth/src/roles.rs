//! Starts roles on the ports, and tells `/readyz` how they stand.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use axum::Router;
use berth_bus::TransportError;
use berth_connector::{
    driver::DeviceLink,
    drivers::{by_upstream::ByUpstream, simulated::Simulated, worker::Workers},
    simulate::Controls,
};
use berth_gateway::app::Quotas;
use berth_proto::Partition;
use berth_runtime::{
    Check, Lifecycle, Readiness, Role, Settings, UrlPolicy,
    config::{ConsolePages, DeviceDriver, EvolutionLogout, PlainHttp, RateSettings},
};
use tokio::sync::watch;

use berth_upstreams::Upstreams;
use berth_views::ViewReader;

use crate::{failure::Failure, views::Views, wiring::Wired};

/// What the roles are started with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start<'a> {
    /// The checked settings.
    pub(crate) settings: &'a Settings,
    /// The ports.
    pub(crate) wired: &'a Wired,
    /// Where roles register their checks.
    pub(crate) readiness: &'a Readiness,
    /// The life that their tasks belong to.
    pub(crate) lifecycle: &'a Lifecycle,
    /// Where the process listens.
    pub(crate) address: SocketAddr,
    /// Gateways that instances may be on.
    pub(crate) upstreams: &'a Upstreams,
}

/// The partitions that a process owns, from now on.
type OwnedPartitions = watch::Receiver<BTreeSet<Partition>>;

impl Start<'_> {
    /// Starts what `role` runs; gives the routes that are served for others than operators.
    pub(crate) async fn run(self, role: Role) -> Result<Router, Failure> {
        let (mut routes, mut views) = (Router::new(), Vec::new());
        if role.runs(Role::SessionAggregate) {
            let (owned, agenda) = self.session_aggregate().await.map_err(failed(Role::SessionAggregate))?;
            views.push(agenda);
            self.evidence(owned).await.map_err(failed(Role::SessionAggregate))?;
        }
        if role.runs(Role::Projections) {
            views.push(self.projections().await.map_err(failed(Role::Projections))?);
        }
        if role.runs(Role::Webhooks) {
            views.push(self.webhooks().await.map_err(failed(Role::Webhooks))?);
        }
        if role.runs(Role::Connector) {
            let (door, wanted) = self.connector().await.map_err(failed(Role::Connector))?;
            routes = routes.merge(door);
            views.push(wanted);
        }
        self.tell_of(views);
        let api = role.runs(Role::Gateway).then(|| self.gateway()).flatten();
        Ok(routes.merge(api.unwrap_or_default()))
    }

    /// Answers who asks how these views stand.
    fn tell_of(self, views: Vec<Arc<dyn ViewReader>>) {
        let Wired { identity, bus, clock, .. } = self.wired;
        Views { seat: identity.seat.clone(), all: views, bus: Arc::clone(bus), clock: Arc::clone(clock) }
            .tell(self.lifecycle);
    }

    /// Gives the partitions that the process owns, from now on, and its view.
    async fn session_aggregate(
        self,
    ) -> Result<(OwnedPartitions, Arc<dyn ViewReader>), berth_session_aggregate::StartError> {
        let Wired { log, bus, keys, device_keys, leases, clock, entropy, .. } = self.wired;
        let ports = berth_session_aggregate::Ports {
            log: Arc::clone(log),
            bus: Arc::clone(bus),
            keys: keys.clone(),
            device_keys: Arc::clone(device_keys),
            leases: Arc::clone(leases),
            clock: Arc::clone(clock),
            entropy: Arc::clone(entropy),
            data: self.wired.folder_of(Role::SessionAggregate),
        };
        let settings = berth_session_aggregate::Settings {
            write_version: self.wired.deployment.write_version,
            ..berth_session_aggregate::Settings::default()
        };
        let handle = berth_session_aggregate::start(ports, settings, self.lifecycle).await?;
        let (owned, view) = (handle.owned(), handle.view());
        self.register(Role::SessionAggregate, move || (handle.ready(), handle.status()));
        Ok((owned, view))
    }

    /// Beside the role that decides commands, which writes the log. Commands do not wait for it, and trouble with it
    /// takes nobody out of service.
    async fn evidence(self, owned: OwnedPartitions) -> Result<(), TransportError> {
        let Wired { log, bus, checkpoints, clock, deployment, .. } = self.wired;
        let Some(checkpoints) = checkpoints else { return Ok(()) };
        let ports = berth_evidence::Ports {
            log: Arc::clone(log) as _,
            bus: Arc::clone(bus),
            owned,
            checkpoints: Arc::clone(checkpoints),
            clock: Arc::clone(clock),
            data: self.wired.folder.path().join("evidence"),
        };
        let settings = berth_evidence::Settings {
            deployment: deployment.id.clone(),
            key: self.wired.evidence_key.clone(),
            every: self.settings.evidence.interval,
        };
        let handle = berth_evidence::start(ports, settings, self.lifecycle).await?;
        self.readiness.register("evidence", move || Check::ready(handle.status()));
        Ok(())
    }

    async fn projections(self) -> Result<Arc<dyn ViewReader>, berth_projections::StartError> {
        let Wired { log, bus, feed, keys, leases, clock, .. } = self.wired;
        let ports = berth_projections::Ports {
            log: Arc::clone(log) as _,
            bus: Arc::clone(bus),
            feed: feed.clone(),
            keys: keys.clone(),
            leases: Arc::clone(leases),
            clock: Arc::clone(clock),
            data: self.wired.folder_of(Role::Projections),
        };
        let settings = berth_projections::Settings::default();
        let handle = berth_projections::start(ports, settings, self.lifecycle).await?;
        let view = handle.view();
        self.register(Role::Projections, move || (handle.ready(), handle.status()));
        Ok(view)
    }

    async fn webhooks(self) -> Result<Arc<dyn ViewReader>, berth_webhooks::StartError> {
        let Wired { log, bus, volatile, keys, delivery_keys, leases, clock, entropy, .. } = self.wired;
        let Wired { relay, postbag, .. } = self.wired;
        let ports = berth_webhooks::Ports {
            relay: relay.clone(),
            postbag: postbag.clone(),
            log: Arc::clone(log),
            bus: Arc::clone(bus),
            volatile: Arc::clone(volatile),
            keys: keys.clone(),
            delivery_keys: delivery_keys.clone(),
            leases: Arc::clone(leases),
            clock: Arc::clone(clock),
            entropy: Arc::clone(entropy),
            data: self.wired.folder.path().to_owned(),
        };
        // A process without a gateway cannot know where the gateways are.
        let gateway_here = self.wired.credentials.is_some();
        let public_url =
            self.settings.http.public_url.clone().or_else(|| gateway_here.then(|| self.public_url()));
        let settings = berth_webhooks::Settings {
            write_version: self.wired.deployment.write_version,
            proxy: self.settings.webhooks.proxy.clone(),
            ..berth_webhooks::Settings::new(Arc::clone(clock), self.url_policy(), public_url)
        };
        let handle = berth_webhooks::start(ports, settings, self.lifecycle).await?;
        let view = handle.view();
        self.register(Role::Webhooks, move || (handle.ready(), handle.status()));
        Ok(view)
    }

    /// Gives the door that workers come in by, and the view.
    async fn connector(self) -> Result<(Router, Arc<dyn ViewReader>), berth_connector::StartError> {
        let Wired { log, bus, volatile, keys, device_keys, leases, clock, entropy, .. } = self.wired;
        let ports = berth_connector::Ports {
            log: Arc::clone(log) as _,
            bus: Arc::clone(bus),
            volatile: Arc::clone(volatile),
            keys: keys.clone(),
            device_keys: Arc::clone(device_keys),
            leases: Arc::clone(leases),
            clock: Arc::clone(clock),
            entropy: Arc::clone(entropy),
            data: self.wired.folder_of(Role::Connector),
        };
        let workers = self.workers();
        if let Some(workers) = &workers {
            workers.tell(Arc::clone(bus), self.lifecycle);
            if let Some(door) = &self.wired.door {
                workers.hear(door, Arc::clone(bus), &**entropy, self.lifecycle);
            }
        }
        let of_workers = workers.clone().map(|workers| workers as Arc<dyn DeviceLink>);
        let simulated = || {
            let scale = self.settings.device.time_scale;
            let driver = Arc::new(Simulated::new(Arc::clone(clock), Arc::clone(entropy), scale));
            (Arc::clone(&driver) as Arc<dyn DeviceLink>, Some(driver as Arc<dyn Controls>))
        };
        let (own, controls) = match (self.settings.device.driver, &of_workers) {
            (DeviceDriver::Worker, Some(workers)) => (Arc::clone(workers), None),
            (DeviceDriver::Simulated | DeviceDriver::Worker, _) => simulated(),
        };
        let by_upstream = ByUpstream::new(own, self.upstreams, keys.master(), &self.url_policy());
        let driver = Arc::new(by_upstream.with_workers(of_workers));
        let settings = berth_connector::Settings::new(driver, controls);
        let handle = berth_connector::start(ports, settings, self.lifecycle).await?;
        let view = handle.view();
        self.register(Role::Connector, move || (handle.ready(), handle.status()));
        let door = workers.map_or_else(Router::new, |workers| workers.router(self.lifecycle));
        Ok((door, view))
    }

    /// The driver of links that workers run, if there are any; the settings were checked to have a token for them.
    fn workers(self) -> Option<Arc<Workers>> {
        let workers = &self.settings.workers;
        let token = workers.token.clone().filter(|_| !workers.libraries.is_empty())?;
        Some(Arc::new(Workers::new(workers.libraries.clone(), token, Arc::clone(&self.wired.clock))))
    }

    fn gateway(self) -> Option<Router> {
        let Wired { log, bus, volatile, keys, clock, entropy, credentials, presence, cluster, .. } =
            self.wired;
        let ports = berth_gateway::Ports {
            presence: presence.clone(),
            cluster: Arc::clone(cluster),
            stop: self.lifecycle.stop().clone(),
            log: Arc::clone(log) as _,
            bus: Arc::clone(bus),
            volatile: Arc::clone(volatile),
            keys: keys.clone(),
            clock: Arc::clone(clock),
            entropy: Arc::clone(entropy),
        };
        let settings = berth_gateway::Settings {
            root_key_digest: credentials.as_ref()?.root_key_digest,
            url_policy: self.url_policy(),
            simulated_driver: self.settings.device.driver == DeviceDriver::Simulated,
            evolution_logout: match self.settings.dialects.evolution_logout {
                EvolutionLogout::Strict => berth_gateway::EvolutionLogout::Strict,
                EvolutionLogout::Idempotent => berth_gateway::EvolutionLogout::Idempotent,
            },
            quotas: self.quotas(),
            commands_at_once: self.settings.rates.commands_at_once,
            write_version: self.wired.deployment.write_version,
            public_url: self.public_url(),
            upstreams: self.upstreams.clone(),
            workers: self.settings.workers.libraries.clone(),
            worker_accounts: self.settings.workers.accounts.clone(),
        };
        Some(match self.settings.http.console {
            ConsolePages::On => {
                let in_force = self.settings.to_string();
                let pages = |app: &berth_gateway::App| {
                    self.answer_programs(app);
                    let growth = berth_console::Growth::default();
                    let (watched, stop) = (growth.clone().watch(app.clone()), self.lifecycle.stop().clone());
                    self.lifecycle.spawn(async move { stop.run_until_cancelled(watched).await });
                    berth_console::router(app, &in_force, &growth)
                };
                berth_console::around(berth_gateway::router_with(ports, &settings, pages))
            }
            ConsolePages::Off => berth_gateway::router_with(ports, &settings, |app| {
                self.answer_programs(app);
                Router::new()
            }),
        })
    }

    /// Answers what programs of customers ask over NATS.
    fn answer_programs(self, app: &berth_gateway::App) {
        if let Some(door) = &self.wired.door {
            berth_gateway::native::door::start(app, Arc::clone(door), self.lifecycle);
        }
    }

    fn quotas(self) -> Quotas {
        let RateSettings { instance_commands, account_commands, instance_reads, account_reads, .. } =
            self.settings.rates;
        Quotas { instance_commands, account_commands, instance_reads, account_reads }
    }

    fn public_url(self) -> String {
        let scheme = if self.settings.http.tls.is_some() { "https" } else { "http" };
        self.settings.http.public_url.clone().unwrap_or_else(|| format!("{scheme}://{}", self.address))
    }

    fn url_policy(self) -> UrlPolicy {
        let webhooks = &self.settings.webhooks;
        UrlPolicy {
            allow: webhooks.allow.clone(),
            plain_http: webhooks.http == PlainHttp::Allow,
            ports: webhooks.ports.clone(),
        }
    }

    fn register(self, role: Role, ask: impl Fn() -> (bool, String) + Send + Sync + 'static) {
        self.readiness.register(role.as_str(), move || {
            let (ready, detail) = ask();
            Check { ready, detail }
        });
    }
}

fn failed<E: std::error::Error + Send + Sync + 'static>(role: Role) -> impl FnOnce(E) -> Failure {
    move |error| Failure::Role { role, source: error.into() }
}
