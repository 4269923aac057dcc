//! A whole deployment in this process, on memory and temporary folders, and the phones that scan its codes.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use berth_bus::{
    Identity, Introduction, KeyRing,
    local::{Alone, FileDeviceKeys, FileKeyStore, LocalBus, LocalLeases, LocalVolatile},
};
use berth_connector::drivers::simulated::Simulated;
use berth_gateway::{EvolutionLogout, app::Quotas, root_key_digest};
use berth_log::memory::MemoryLog;
use berth_proto::{Timestamp, WriteVersion};
use berth_runtime::{Lifecycle, ManualClock, MasterKey, SeededEntropy, UrlPolicy};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{
    away::Away,
    story::{Request, Story},
};

/// The operator's key.
pub(crate) const ROOT: &str = "key-of-the-operator";
/// The token of the account whose clients the stories are about.
pub(crate) const ACCOUNT: &str = "token-of-the-account";
/// The token of another account.
pub(crate) const OTHER_ACCOUNT: &str = "token-of-another-account";
/// The phone that scans.
pub(crate) const PHONE: &str = "5511987654321";
/// When the stories take place: time stands still unless a story moves it on.
const BEGIN: Timestamp = Timestamp(1_735_725_600_000_000);
/// How long a story waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running deployment with two accounts.
pub(crate) struct World {
    base: String,
    /// A second gateway, which remembers nothing of what the first one was asked.
    neighbour: String,
    http: reqwest::Client,
    clock: Arc<ManualClock>,
    /// What is stored, for stories about what nobody is shown.
    pub(crate) log: Arc<MemoryLog>,
    pub(crate) keys: KeyRing,
    /// Takes the gateways' volatile store away.
    pub(crate) away: Arc<Away>,
    /// The id of the account of [`ACCOUNT`].
    pub(crate) account_id: String,
    /// The id of the account of [`OTHER_ACCOUNT`].
    pub(crate) other_account_id: String,
    /// The paths of all routes, as the router has them.
    pub(crate) paths: Vec<String>,
    _folder: TempDir,
    lifecycle: Lifecycle,
}

/// An instance that was made through the native API.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) number: u64,
    pub(crate) token: String,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(EvolutionLogout::Strict).await
    }

    pub(crate) async fn start_with(evolution_logout: EvolutionLogout) -> Self {
        Self::start_as(evolution_logout, &[], Quotas::default(), WriteVersion::NEWEST).await
    }

    /// A world whose tokens may do so much in a minute.
    pub(crate) async fn start_with_quotas(quotas: Quotas) -> Self {
        Self::start_as(EvolutionLogout::Strict, &[], quotas, WriteVersion::NEWEST).await
    }

    /// A world whose webhooks may be sent to a [`crate::receiver::Receiver`].
    pub(crate) async fn start_with_deliveries() -> Self {
        let allowed = &["127.0.0.0/8"];
        Self::start_as(EvolutionLogout::Strict, allowed, Quotas::default(), WriteVersion::NEWEST).await
    }

    /// A world whose deployment writes formats up to a version.
    pub(crate) async fn start_writing(version: WriteVersion) -> Self {
        Self::start_as(EvolutionLogout::Strict, &[], Quotas::default(), version).await
    }

    async fn start_as(
        evolution_logout: EvolutionLogout,
        allowed: &[&str],
        quotas: Quotas,
        write_version: WriteVersion,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (path, lifecycle) = (folder.path(), Lifecycle::new());
        let clock = Arc::new(ManualClock::new(BEGIN));
        let entropy = Arc::new(SeededEntropy::new(5));
        let log = Arc::new(MemoryLog::new(4));
        let (bus, volatile) = (Arc::new(LocalBus::new()), Arc::new(LocalVolatile::new()));
        let store = FileKeyStore::open(path.join("keys")).await.unwrap();
        let keys = KeyRing::new(MasterKey::generate(&*entropy), Arc::new(store));
        let device_keys = Arc::new(FileDeviceKeys::open(path.join("devices")).await.unwrap());
        let leases = Arc::new(LocalLeases::open(path.join("leases")).await.unwrap());

        let aggregate = berth_session_aggregate::Ports {
            log: log.clone(),
            bus: bus.clone(),
            keys: keys.clone(),
            device_keys: device_keys.clone(),
            leases: leases.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
            data: path.join("session-aggregate"),
        };
        let settings = berth_session_aggregate::Settings { write_version, ..Default::default() };
        berth_session_aggregate::start(aggregate, settings, &lifecycle).await.unwrap();

        let projections = berth_projections::Ports {
            log: log.clone(),
            bus: bus.clone(),
            feed: None,
            keys: keys.clone(),
            leases: leases.clone(),
            clock: clock.clone(),
            data: path.join("projections"),
        };
        let settings = berth_projections::Settings::default();
        berth_projections::start(projections, settings, &lifecycle).await.unwrap();

        let driver = Arc::new(Simulated::new(clock.clone(), entropy.clone(), 1));
        let connector = berth_connector::Ports {
            log: log.clone(),
            bus: bus.clone(),
            volatile: volatile.clone(),
            keys: keys.clone(),
            device_keys,
            leases: leases.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
            data: path.join("connector"),
        };
        let settings = berth_connector::Settings::new(driver.clone(), Some(driver));
        berth_connector::start(connector, settings, &lifecycle).await.unwrap();

        let urls = UrlPolicy {
            allow: allowed.iter().map(|it| it.parse().unwrap()).collect(),
            plain_http: false,
            ..UrlPolicy::default()
        };
        let public_url = "https://berth.example".to_owned();
        let webhooks = berth_webhooks::Ports {
            log: log.clone(),
            bus: bus.clone(),
            volatile: volatile.clone(),
            keys: keys.clone(),
            delivery_keys: keys.clone(),
            leases: leases.clone(),
            postbag: None,
            relay: None,
            clock: clock.clone(),
            entropy: entropy.clone(),
            data: path.to_owned(),
        };
        let settings = berth_webhooks::Settings::new(clock.clone(), urls.clone(), Some(public_url.clone()));
        berth_webhooks::start(webhooks, settings, &lifecycle).await.unwrap();

        let settings = berth_gateway::Settings {
            quotas,
            ..gateway_settings(keys.master(), urls, public_url, evolution_logout, write_version)
        };
        let (away, stop) = (Arc::new(Away::new(volatile)), lifecycle.stop().clone());
        let (volatile, presence) = (away.clone(), berth_bus::Presence::of_one_process());
        let (stored, opening) = (log.clone(), keys.clone());
        let (now, cluster) = (clock.clone(), cluster_of(&leases));
        let ports =
            berth_gateway::Ports { log, bus, volatile, keys, clock: now, entropy, presence, cluster, stop };
        let neighbour = serve(&lifecycle, berth_gateway::router(ports.clone(), &settings)).await;
        let router = berth_gateway::router(ports, &settings);
        let paths = paths(&router);
        let mut world = Self {
            base: serve(&lifecycle, router).await,
            neighbour,
            http: http(),
            clock,
            log: stored,
            keys: opening,
            away,
            account_id: String::new(),
            other_account_id: String::new(),
            paths,
            _folder: folder,
            lifecycle,
        };
        world.account_id = world.account("acme", ACCOUNT).await;
        world.other_account_id = world.account("globex", OTHER_ACCOUNT).await;
        world
    }

    /// A story that is told of this world.
    pub(crate) fn story(&self) -> Story<'_> {
        let mut story = Story::new(self);
        story.calls(&self.account_id, "id of the account");
        story
    }

    /// Does something beside the story.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.lifecycle.spawn(task);
    }

    /// Asks the process to stop: what runs may end.
    pub(crate) fn ask_to_stop(&self) {
        self.lifecycle.stop().cancel();
    }

    /// Moves the time on: rates are counted in windows of it.
    pub(crate) fn advance_seconds(&self, seconds: i64) {
        self.clock.advance_seconds(seconds);
    }

    /// The address of a WebSocket.
    pub(crate) fn socket(&self, path: &str) -> String {
        format!("{}{path}", self.base.replace("http://", "ws://"))
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: &Request) -> reqwest::Response {
        self.send_at(&self.base, request).await
    }

    /// Sends a request as it is to the second gateway.
    pub(crate) async fn send_to_neighbour(&self, request: &Request) -> reqwest::Response {
        self.send_at(&self.neighbour, request).await
    }

    async fn send_at(&self, base: &str, request: &Request) -> reqwest::Response {
        let mut out = self.http.request(request.method.clone(), format!("{base}{}", request.path));
        for (name, value) in &request.headers {
            out = out.header(*name, value);
        }
        if let Some(body) = &request.body {
            out = out.body(body.clone());
        }
        out.send().await.unwrap()
    }

    /// The JSON that answers a request, which is not told.
    pub(crate) async fn json(&self, request: &Request) -> Value {
        serde_json::from_slice(&self.send(request).await.bytes().await.unwrap()).unwrap()
    }

    pub(crate) async fn native(&self, request: Request, token: &str) -> (u16, Value) {
        let response = self.send(&request.header("authorization", &format!("Bearer {token}"))).await;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn account(&self, name: &str, token: &str) -> String {
        let request = Request::post("/v1/accounts").json(&json!({"name": name, "token": token}));
        let (status, body) = self.native(request, ROOT).await;
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// An instance that was made through another door than the dialect's; its token is `token-of-<name>`, with a
    /// dash for whatever a token cannot have.
    pub(crate) async fn instance(&self, name: &str) -> Instance {
        let token = format!("token-of-{name}").replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let request = Request::post("/v1/instances").json(&json!({"name": name, "token": token}));
        let (status, body) = self.native(request, ACCOUNT).await;
        assert_eq!(status, 201, "{body}");
        let number = body["number"].as_u64().or_else(|| body["number"].as_str()?.parse().ok()).unwrap();
        Instance { id: body["id"].as_str().unwrap().to_owned(), number, token }
    }

    /// An instance whose device is linked and open.
    pub(crate) async fn linked(&self, name: &str) -> Instance {
        let instance = self.instance(name).await;
        let request = Request::post(&format!("/v1/instances/{}/connect", instance.id)).json(&json!({}));
        let (status, body) = self.native(request, ACCOUNT).await;
        assert!(status == 200 && body["qr"]["text"].is_string(), "{status}: {body}");
        self.scan(&instance.id).await;
        instance
    }

    pub(crate) async fn id(&self, instance: &str) -> String {
        let (_, now) = self.native(Request::get(&format!("/v1/instances/{instance}")), ACCOUNT).await;
        now["id"].as_str().unwrap().to_owned()
    }

    /// A phone scans the code that is shown; waits until the connection is open.
    pub(crate) async fn scan(&self, instance: &str) {
        self.play(instance, &json!({"action": "scan", "phone": PHONE, "push_name": "Ana"})).await;
        self.until(instance, "the connection is open", |now| now["connection"] == "open").await;
    }

    /// The phone or the network does something.
    pub(crate) async fn simulate(&self, instance: &str, action: &str) {
        self.play(instance, &json!({"action": action})).await;
    }

    async fn play(&self, instance: &str, what: &Value) {
        let request = Request::post(&format!("/v1/instances/{instance}/simulate")).json(what);
        let (status, body) = self.native(request, ACCOUNT).await;
        assert_eq!(status, 200, "{body}");
    }

    /// Waits until the native API shows the instance as wanted.
    pub(crate) async fn until(&self, instance: &str, what: &str, wanted: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (_, now) = self.native(Request::get(&format!("/v1/instances/{instance}")), ACCOUNT).await;
            if wanted(&now) {
                return;
            }
            assert!(Instant::now() < deadline, "{what}: not in time; last seen: {now}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until lists, which may lag, show as many instances of the account, each as it is.
    pub(crate) async fn until_listed(&self, instances: usize) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (_, now) = self.native(Request::get("/v1/instances?limit=500"), ACCOUNT).await;
            let rows = now["instances"].as_array().cloned().unwrap_or_default();
            let mut late = rows.len().abs_diff(instances);
            for row in &rows {
                let path = format!("/v1/instances/{}", row["id"].as_str().unwrap());
                let (_, read) = self.native(Request::get(&path), ACCOUNT).await;
                late += usize::from(read["version"] != row["version"]);
            }
            if late == 0 {
                return;
            }
            assert!(Instant::now() < deadline, "{instances} instances are there; {now} is listed");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

fn gateway_settings(
    master: &MasterKey,
    url_policy: UrlPolicy,
    public_url: String,
    evolution_logout: EvolutionLogout,
    write_version: WriteVersion,
) -> berth_gateway::Settings {
    berth_gateway::Settings {
        commands_at_once: 2_048,
        root_key_digest: root_key_digest(master, ROOT),
        url_policy,
        simulated_driver: true,
        write_version,
        evolution_logout,
        quotas: Quotas::default(),
        public_url,
        upstreams: berth_upstreams::Upstreams::default(),
        workers: Vec::new(),
        worker_accounts: None,
    }
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is().await {
        assert!(Instant::now() < deadline, "{what}: not in time");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Serves a gateway; its address.
async fn serve(lifecycle: &Lifecycle, router: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    lifecycle.spawn(async move { axum::serve(listener, service).await });
    base
}

/// The paths of a router, which tells them to nobody but a person who looks at it.
fn paths(router: &axum::Router) -> Vec<String> {
    let shown = format!("{router:?}");
    let texts = shown.split('"').skip(1).step_by(2);
    texts.filter(|text| text.starts_with('/') && !text.contains("__private")).map(str::to_owned).collect()
}

fn http() -> reqwest::Client {
    // Only a second call in one process is an error, and harmless.
    let _set_before = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(Duration::from_secs(70)).build().unwrap()
}

/// A deployment of one process.
fn cluster_of(leases: &LocalLeases) -> Arc<Alone> {
    let (start, introduction) = ("1".to_owned(), Introduction::default());
    let seat = "serve.alone".parse().unwrap();
    let identity = Identity { seat, start, former: None, version: "0.0.0", since: BEGIN, introduction };
    Arc::new(Alone::new(identity, leases.clone()))
}
