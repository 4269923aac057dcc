//! Running a role from its first file to its last task.

use std::{net::SocketAddr, sync::Arc};

use axum::Router;
use berth_proto::AccountId;
use berth_runtime::{
    Check, Ending, Lifecycle, Readiness, Role, Settings, clock,
    config::{ConsolePages, DeviceDriver},
    http::{Bound, ConnectionLimits, Doors, Ops, Proxies, Serving, bind},
    lifecycle::Termination,
    raise_file_limit,
    telemetry::Metrics,
};
use berth_upstreams::Upstreams;
use tokio::sync::watch;

use crate::{
    account::{Accounts, Became},
    certificate,
    failure::Failure,
    member::cores,
    roles::Start,
    status, supervised, traces,
    welcome::{self, FirstStart},
    wiring::Wired,
};

/// Starts a role, or all, and runs until somebody stops it.
pub(crate) async fn run(role: Role, settings: &Settings, metrics: Metrics) -> Result<Ending, Failure> {
    settings.check(role)?;
    let mut termination =
        Termination::listen().map_err(|source| Failure::System { what: "to hear signals", source })?;
    let lifecycle = Lifecycle::new();
    traces::start(role, &settings.traces, &lifecycle)?;
    let started = tokio::select! {
        started = start(role, settings, metrics, &lifecycle) => started,
        () = termination.next() => Ok(()),
    };
    if let Err(failure) = started {
        lifecycle.shut_down().await;
        return Err(failure);
    }
    Ok(lifecycle.run_until(async || termination.next().await).await)
}

async fn start(
    role: Role,
    settings: &Settings,
    metrics: Metrics,
    lifecycle: &Lifecycle,
) -> Result<(), Failure> {
    let readiness = Readiness::new();
    let started = Started::register(&readiness);
    let ops = Ops::new(readiness.clone(), metrics.clone(), lifecycle);
    let listeners = Listeners::open(settings, &ops, lifecycle)?;
    let address = listeners.address;
    tracing::info!(%role, %address, "starting; /healthz and /readyz answer");
    let wired = Wired::open(role, settings, &readiness, lifecycle).await?;
    clock::watch::watch(Arc::clone(&wired.clock), &readiness, lifecycle);
    let tells = status::tells(&readiness, &metrics, cores(), wired.deployment.write_version);
    wired.identity.introduction.set(address.to_string(), tells);
    let account = AccountCheck::register(role, &readiness);
    let upstreams = Upstreams::new(&settings.upstreams, &wired.deployment.id)?;
    let start =
        Start { settings, wired: &wired, readiness: &readiness, lifecycle, address, upstreams: &upstreams };
    let routes = start.run(role).await?;
    metrics.keep_small(lifecycle);
    listeners.serve(routes);
    if role.runs(Role::Gateway) {
        let id = default_account(&wired).await?;
        let shown = wired.credentials.as_ref().and_then(|credentials| credentials.shown.as_ref());
        if let (Some(shown), Some(id)) = (shown, id) {
            let made = settings.secrets.master_key.is_none().then(|| wired.folder.master_key_file());
            let first = FirstStart {
                shown,
                account: id,
                master_key: made.as_deref(),
                address,
                secured: settings.http.tls.is_some(),
                simulated: settings.device.driver == DeviceDriver::Simulated,
                console: settings.http.console == ConsolePages::On,
            };
            first.greet(&wired.folder)?;
            shown.write_to(&wired.folder)?;
        } else {
            welcome::places(address, settings)?;
        }
        account.done();
    }
    started.done();
    if let Some(apart) = listeners.metrics {
        welcome::metrics(apart)?;
    }
    welcome::listening(role, address, settings.http.tls.is_some())?;
    supervised::ready(lifecycle);
    let deployment = &wired.deployment;
    tracing::info!(%role, %address, deployment = deployment.id, write_version = deployment.write_version.number(), "ready");
    hold_until_stopped(wired, lifecycle);
    Ok(())
}

/// Keeps the folder and the connections until the process drains.
fn hold_until_stopped(wired: Wired, lifecycle: &Lifecycle) {
    let stop = lifecycle.stop().clone();
    lifecycle.spawn(async move {
        stop.cancelled().await;
        drop(wired);
    });
}

/// The account `default`; none if the operator renamed or closed it and gives no token for another.
async fn default_account(wired: &Wired) -> Result<Option<AccountId>, Failure> {
    let accounts = Accounts {
        log: Arc::clone(&wired.log) as _,
        bus: Arc::clone(&wired.bus),
        keys: wired.keys.clone(),
        clock: Arc::clone(&wired.clock),
        entropy: Arc::clone(&wired.entropy),
    };
    let token = wired.credentials.as_ref().and_then(|credentials| credentials.account_token.as_ref());
    let (account, became) = accounts.ensure(token).await?;
    let id = account.map(|account| account.to_string());
    match became {
        Became::Created => tracing::info!(account = id, "the account `default` was created"),
        Became::Found => tracing::info!(account = id, "the account `default` is there"),
        Became::Left => {
            tracing::info!(account = id, "the account `default` was renamed or closed: none is made");
        }
        Became::TokenRotated => tracing::warn!(
            account = id,
            "the account `default` has another token now, the one in BERTH_ACCOUNT_TOKEN; the former one ended"
        ),
    }
    Ok(account)
}

/// Where the process listens, from before it has started: whoever supervises it hears how far it is.
struct Listeners {
    address: SocketAddr,
    /// Where the metrics are, if they have an address of their own.
    metrics: Option<SocketAddr>,
    /// What is served beside the API.
    beside: Router,
    doors: Doors,
}

impl Listeners {
    fn open(settings: &Settings, ops: &Ops, lifecycle: &Lifecycle) -> Result<Self, Failure> {
        let tls = certificate::start(&settings.http, lifecycle)?;
        let bound = bind("http", settings.http.listen)?;
        let apart = match settings.http.metrics {
            Some(address) => Some(bind("metrics", address)?),
            None => None,
        };
        let (address, metrics) = (bound.address(), apart.as_ref().map(Bound::address));
        let beside = if apart.is_some() { ops.probes() } else { ops.all() };
        let doors = Doors::new(beside.clone());
        let limits = ConnectionLimits::within(&settings.http, raise_file_limit());
        let proxies = Proxies::new(settings.http.trusted_proxies.clone());
        bound.serve(doors.clone(), lifecycle, Serving { limits, tls, proxies });
        if let Some(apart) = apart {
            apart.serve(ops.all(), lifecycle, ConnectionLimits::of_operators());
        }
        Ok(Self { address, metrics, beside, doors })
    }

    /// Serves the API from now on.
    fn serve(&self, api: Router) {
        self.doors.open(self.beside.clone().merge(api));
    }
}

/// Whether the process has started: until then it is not ready, whatever its parts say.
struct Started(watch::Sender<bool>);

impl Started {
    fn register(readiness: &Readiness) -> Self {
        let (sender, receiver) = watch::channel(false);
        readiness.register("start", move || {
            if *receiver.borrow() { Check::ready("done") } else { Check::waiting("starting") }
        });
        Self(sender)
    }

    fn done(&self) {
        self.0.send_replace(true);
    }
}

/// Whether the account `default` is there yet: a gateway without it refuses every token.
struct AccountCheck(watch::Sender<bool>);

impl AccountCheck {
    fn register(role: Role, readiness: &Readiness) -> Self {
        let (sender, receiver) = watch::channel(false);
        if role.runs(Role::Gateway) {
            readiness.register("default_account", move || {
                if *receiver.borrow() { Check::ready("there") } else { Check::waiting("not there yet") }
            });
        }
        Self(sender)
    }

    fn done(&self) {
        self.0.send_replace(true);
    }
}
