//! Instances on an Evolution API that plays every trick that the real one was seen to play.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{any, delete, get, post},
};
use berth_connector::{
    driver::DeviceLink,
    drivers::{by_upstream::ByUpstream, simulated::Simulated},
};
use berth_proto::{
    EndpointId, Timestamp,
    command::{ChangeSettingsV1, ConfigureWebhookV1},
    event::{Event, LogoutOriginV1},
    instance::{PhaseV1, SettingsBlockV1, UnlinkStatusV1, WebhookV1},
};
use berth_runtime::{
    ManualClock, MasterKey, SeededEntropy, Settings, UrlPolicy, config::Sources, sealing::field,
};
use berth_upstreams::Upstreams;
use serde_json::{Value, json};

use crate::{socketio::SocketIo, world::World};

pub(crate) const JID: &str = "5511987654321@s.whatsapp.net";
const OTHER_JID: &str = "5511912345678@s.whatsapp.net";

/// What is wrong with every answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    Html,
    Failing,
    Huge,
    Redirecting,
    OfAnotherInstance,
}

/// What a logout does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Logout {
    /// It answers SUCCESS, and nothing happens.
    Lying,
    /// It answers 500, and works.
    FailingThatWorks,
}

/// An instance there.
#[derive(Debug, Clone)]
struct There {
    socket: &'static str,
    /// What its database says, where that is something else.
    database: Option<&'static str>,
    jid: Option<&'static str>,
    code: Option<u16>,
    data: Value,
}

#[derive(Debug)]
pub(crate) struct Script {
    instances: HashMap<String, There>,
    pub(crate) fault: Fault,
    logout: Logout,
    /// Every question, by method and path.
    asked: Vec<String>,
    /// The numbers that codes were asked for, and the pairing code that is shown for one.
    numbers: Vec<String>,
    pairing: &'static str,
    /// WhatsApp does not hear what the upstream says to it.
    is_frozen: bool,
    /// The webhooks of instances, as they were set.
    webhooks: HashMap<String, Value>,
    url: String,
}

impl Script {
    /// How the socket of an instance stands from now on.
    pub(crate) fn set_socket(&mut self, name: &str, socket: &'static str) {
        self.instances.get_mut(name).unwrap().socket = socket;
    }
}

/// The upstream, and what it tells on its socket.
#[derive(Clone)]
pub(crate) struct Scripted(Arc<Mutex<Script>>, pub(crate) SocketIo);

impl Scripted {
    async fn start(mode: &str) -> (Self, Arc<dyn DeviceLink>) {
        let scripted = Self::listening().await;
        let driver = scripted.driver(mode, None);
        (scripted, driver)
    }

    pub(crate) async fn listening() -> Self {
        let script = Script {
            instances: HashMap::new(),
            fault: Fault::None,
            logout: Logout::Lying,
            asked: Vec::new(),
            numbers: Vec::new(),
            pairing: "ABCD1234",
            is_frozen: false,
            webhooks: HashMap::new(),
            url: String::new(),
        };
        let scripted = Self(Arc::new(Mutex::new(script)), SocketIo::default());
        let router = Router::new()
            .route("/instance/connectionState/{name}", get(connection_state))
            .route("/instance/fetchInstances", get(fetch))
            .route("/instance/connect/{name}", get(connect))
            .route("/instance/create", post(create))
            .route("/instance/restart/{name}", post(connection_state))
            .route("/instance/logout/{name}", delete(logout))
            .route("/chat/fetchProfilePictureUrl/{name}", post(picture))
            .route("/webhook/find/{name}", get(find_webhook))
            .route("/webhook/set/{name}", post(set_webhook))
            .merge(scripted.1.router())
            .fallback(any(async || StatusCode::NOT_FOUND))
            .layer(from_fn_with_state(scripted.clone(), answer))
            .with_state(scripted.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        #[expect(clippy::disallowed_methods, reason = "it ends with the runtime of the test")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        scripted.script(|script| script.url = url);
        scripted
    }

    /// A driver of it beside the simulated one; `callback` is where it calls Berth.
    fn driver(&self, mode: &str, callback: Option<&str>) -> Arc<dyn DeviceLink> {
        self.driver_that_looks(mode, callback, "20")
    }

    /// The same with another pause between two looks.
    fn driver_that_looks(&self, mode: &str, callback: Option<&str>, poll_ms: &str) -> Arc<dyn DeviceLink> {
        let callback = callback.map(|url| ("CALLBACK_URL", url));
        let given: Vec<_> = [("MODE", mode), ("POLL_MS", poll_ms)].into_iter().chain(callback).collect();
        Self::driver_of(&self.upstreams(&given))
    }

    /// It as the only upstream, with these settings beside its address and its key.
    pub(crate) fn upstreams(&self, given: &[(&str, &str)]) -> Upstreams {
        let url = self.script(|script| script.url.clone());
        let given = [("URL", url.as_str()), ("KEY", "the-key")].into_iter().chain(given.iter().copied());
        let given = given.map(|(field, value)| (format!("BERTH_UPSTREAM_EVO_{field}").into(), value.into()));
        let settings = Settings::load(&Sources::none().with_variables(given)).unwrap();
        Upstreams::new(&settings.upstreams, "this-deployment").unwrap()
    }

    /// A driver of these beside the simulated one.
    pub(crate) fn driver_of(upstreams: &Upstreams) -> Arc<dyn DeviceLink> {
        let clock = Arc::new(ManualClock::new(berth_proto::Timestamp(0)));
        let own = Arc::new(Simulated::new(clock, Arc::new(SeededEntropy::new(1)), 1));
        let master = MasterKey::generate(&SeededEntropy::new(1));
        let policy = UrlPolicy { allow: vec!["10.0.0.0/8".parse().unwrap()], plain_http: false };
        Arc::new(ByUpstream::new(own, upstreams, &master, &policy))
    }

    pub(crate) fn script<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, name: &str, socket: &'static str, jid: Option<&'static str>) {
        let there = There { socket, database: None, jid, code: None, data: Value::Null };
        self.script(|script| script.instances.insert(name.to_owned(), there));
    }

    /// What its memory and its database say from now on; a code of an earlier end stays.
    fn stands(&self, name: &str, memory: &'static str, database: &'static str) {
        self.script(|script| {
            let there = script.instances.get_mut(name).unwrap();
            (there.socket, there.database) = (memory, Some(database));
        });
    }

    fn ended(&self, name: &str, code: u16, data: Value) {
        self.script(|script| {
            let there = script.instances.get_mut(name).unwrap();
            (there.socket, there.database, there.code, there.data) = ("close", None, Some(code), data);
        });
    }

    pub(crate) fn asked(&self, what: &str) -> usize {
        self.script(|script| script.asked.iter().filter(|asked| asked.starts_with(what)).count())
    }

    /// Waits until it was asked so many times more.
    async fn looked_at(&self, world: &World, times: usize) {
        let before = self.asked("");
        world.until("it is looked at", async || self.asked("") >= before + times).await;
    }
}

async fn answer(State(scripted): State<Scripted>, request: Request, next: Next) -> Response {
    let asked = format!("{} {}", request.method(), request.uri().path());
    let is_read = request.method() == Method::GET;
    let fault = scripted.script(|script| {
        script.asked.push(asked);
        script.fault
    });
    match fault {
        Fault::Html => (StatusCode::OK, "<html>Please log in</html>").into_response(),
        Fault::Failing => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Fault::Huge => (StatusCode::OK, vec![b' '; 20 * 1024 * 1024]).into_response(),
        Fault::Redirecting => {
            (StatusCode::FOUND, [(header::LOCATION, "http://127.0.0.1:9/elsewhere")]).into_response()
        }
        Fault::OfAnotherInstance if is_read => {
            Json(json!({"instance": {"instanceName": "other", "state": "close"}})).into_response()
        }
        Fault::None | Fault::OfAnotherInstance => next.run(request).await,
    }
}

async fn connection_state(State(scripted): State<Scripted>, Path(name): Path<String>) -> Response {
    match scripted.script(|script| script.instances.get(&name).cloned()) {
        Some(there) => {
            Json(json!({"instance": {"instanceName": name, "state": there.socket}})).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn fetch(
    State(scripted): State<Scripted>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    let rows = scripted.script(|script| {
        let asked = script
            .instances
            .iter()
            .filter(|(name, _)| query.get("instanceName").is_none_or(|it| it == *name));
        let row = |(name, there): (&String, &There)| {
            let object = json!({"error": {"data": there.data}}).to_string();
            json!({"name": name, "token": "T", "connectionStatus": there.database.unwrap_or(there.socket), "ownerJid": there.jid,
                "profileName": "Ana", "integration": "WHATSAPP-BAILEYS",
                "disconnectionReasonCode": there.code, "disconnectionObject": object})
        };
        asked.map(row).collect::<Vec<_>>()
    });
    Json(rows.into())
}

async fn connect(
    State(scripted): State<Scripted>,
    Path(name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    scripted.script(|script| {
        let number = query.get("number").cloned();
        script.numbers.extend(number.clone());
        let there = script.instances.get_mut(&name).unwrap();
        if there.socket == "close" {
            there.socket = "connecting";
            // As the real one does when its keys are stale: ask again.
            return Json(json!({"count": 0}));
        }
        let pairing = number.map(|_| script.pairing);
        Json(json!({"code": "2@the-code", "base64": "data:", "pairingCode": pairing, "count": 1}))
    })
}

async fn find_webhook(State(scripted): State<Scripted>, Path(name): Path<String>) -> Json<Value> {
    Json(scripted.script(|script| script.webhooks.get(&name).cloned()).unwrap_or_default())
}

async fn set_webhook(
    State(scripted): State<Scripted>,
    Path(name): Path<String>,
    Json(body): Json<Value>,
) -> StatusCode {
    let set = |field: &str| body.pointer(&format!("/webhook/{field}")).cloned().unwrap_or_default();
    // As the real one shows them.
    let events = Some(set("events")).filter(|events| *events != json!([]));
    let events = events.unwrap_or_else(|| json!(["MESSAGES_UPSERT", "CALL"]));
    let row = json!({"id": "w", "url": set("url"), "enabled": set("enabled"), "headers": set("headers"),
        "webhookByEvents": set("byEvents"), "webhookBase64": set("base64"), "events": events});
    scripted.script(|script| script.webhooks.insert(name, row));
    StatusCode::CREATED
}

async fn create(State(scripted): State<Scripted>, Json(body): Json<Value>) -> StatusCode {
    scripted.set(body.get("instanceName").and_then(Value::as_str).unwrap(), "close", None);
    StatusCode::CREATED
}

async fn logout(State(scripted): State<Scripted>, Path(name): Path<String>) -> Response {
    if scripted.script(|script| script.logout) == Logout::Lying {
        return Json(json!({"status": "SUCCESS", "error": false})).into_response();
    }
    scripted.ended(&name, 401, Value::Null);
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

async fn picture(State(scripted): State<Scripted>) -> Json<Value> {
    if scripted.script(|script| script.is_frozen) {
        return std::future::pending().await;
    }
    Json(json!({"wuid": JID, "profilePictureUrl": null}))
}

/// The origins of the logouts of an instance.
fn origins(history: &[Event]) -> Vec<LogoutOriginV1> {
    let origin = |event: &Event| match event {
        Event::LoggedOut(out) => Some(out.origin),
        _ => None,
    };
    history.iter().filter_map(origin).collect()
}

#[tokio::test]
async fn what_an_observed_upstream_says_is_told_once_and_nothing_is_asked_of_it() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("observe").await;
    upstream.set("shop", "close", None);
    let _connector = world.connector_driven_by(driver).await;
    let id = world.instance_on("evo", "shop").await;
    upstream.looked_at(&world, 3).await;
    assert!(matches!(world.state(id).await.phase, PhaseV1::Created));

    // Somebody scans a code there.
    upstream.set("shop", "open", Some(JID));
    world.until_open(id).await;
    let found = ["InstanceCreated", "LinkBound", "DeviceLinked", "WebhooksResumed", "ConnectionOpened"];
    assert_eq!(world.events(id).await, found);

    // It flaps, and answers nonsense for a while; its database still has the code of an earlier end.
    upstream.script(|script| script.instances.get_mut("shop").unwrap().code = Some(401));
    for fault in [Fault::Html, Fault::Failing, Fault::Huge, Fault::Redirecting, Fault::OfAnotherInstance] {
        upstream.script(|script| script.fault = fault);
        upstream.looked_at(&world, 3).await;
        upstream.script(|script| script.fault = Fault::None);
        upstream.looked_at(&world, 3).await;
    }
    upstream.script(|script| script.instances.get_mut("shop").unwrap().socket = "connecting");
    upstream.looked_at(&world, 1).await;
    upstream.set("shop", "open", Some(JID));
    upstream.looked_at(&world, 3).await;
    assert_eq!(world.events(id).await, found, "nothing of that happened");

    // It is lost for longer, and comes back.
    upstream.script(|script| script.instances.get_mut("shop").unwrap().socket = "connecting");
    world.until("it is lost", async || world.events(id).await.last() == Some(&"ConnectionLost")).await;
    upstream.set("shop", "open", Some(JID));
    world.until_open(id).await;

    // It vanishes without a word: its link is lost, and no end of its session is made up.
    upstream.script(|script| script.instances.clear());
    world.until("it is lost again", async || world.events(id).await.last() == Some(&"ConnectionLost")).await;
    upstream.set("shop", "open", Some(JID));
    world.until_open(id).await;

    // The person removes the device on the phone, and links another one later.
    upstream.ended("shop", 401, json!({"tag": "conflict"}));
    world.until_state(id, "it is logged out", |state| matches!(state.phase, PhaseV1::LoggedOut { .. })).await;
    upstream.looked_at(&world, 3).await;
    assert_eq!(origins(&world.history(id).await), [LogoutOriginV1::Phone], "exactly once");
    upstream.set("shop", "open", Some(OTHER_JID));
    world.until_open(id).await;
    assert_eq!(world.state(id).await.attempt, 2);
    for asked in ["POST", "DELETE", "PUT", "GET /instance/connect/"] {
        assert_eq!(upstream.asked(asked), 0, "{asked}");
    }
}

#[tokio::test]
async fn a_driven_upstream_is_unlinked_when_that_can_succeed_and_is_believed_when_it_is_seen() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    let _connector = world.connector_driven_by(driver).await;
    let id = world.instance_on("evo", "shop").await;
    world.connect(id).await;
    world.until_qr(id, 1).await;
    assert_eq!(world.code(id, "qr", 1).await.as_deref(), Some("2@the-code"));
    assert_eq!(upstream.asked("POST /instance/create"), 1);
    upstream.set("shop", "open", Some(JID));
    world.until_open(id).await;

    // It reconnects for ever: a logout there would wipe its keys and leave the device.
    upstream.script(|script| script.instances.get_mut("shop").unwrap().socket = "connecting");
    world.logout(id).await;
    assert!(matches!(world.state(id).await.phase, PhaseV1::LoggedOut { .. }), "decided at once");
    upstream.looked_at(&world, 2).await;
    assert_eq!(upstream.asked("DELETE"), 0);
    // Then it is open, and lies.
    upstream.set("shop", "open", Some(JID));
    world.until("a logout is asked for", async || upstream.asked("DELETE") > 0).await;
    upstream.looked_at(&world, 3).await;
    assert_eq!(world.state(id).await.unlinks[0].status, UnlinkStatusV1::Pending);
    // Then it fails, and has done it.
    upstream.script(|script| script.logout = Logout::FailingThatWorks);
    world.until_unlink(id, UnlinkStatusV1::Confirmed).await;
    assert_eq!(origins(&world.history(id).await), [LogoutOriginV1::Command]);

    // Whoever links a device there now does not bring the session back.
    upstream.set("shop", "open", Some(JID));
    world.connect(id).await;
    world.until_qr(id, 1).await;
    assert_eq!(upstream.asked("DELETE"), 3, "what was linked there meanwhile is logged out first");
}

#[tokio::test]
async fn an_instance_without_an_upstream_has_the_own_driver_and_one_of_an_unknown_upstream_waits() {
    let world = World::new().await;
    let (_upstream, driver) = Scripted::start("drive").await;
    let _connector = world.connector_driven_by(driver).await;
    let (own, lost) = (world.instance().await, world.instance_on("gone", "shop").await);
    world.connect(lost).await;
    world.connect(own).await;
    world.until_qr(own, 1).await;
    assert!(matches!(world.state(lost).await.phase, PhaseV1::Connecting(_)));
    world.logout(lost).await;
    assert!(matches!(world.state(lost).await.phase, PhaseV1::Created), "a logout needs no upstream");
}

#[tokio::test]
async fn the_webhook_of_a_driven_instance_is_berths_and_its_users_again_when_it_is_only_looked_at() {
    let world = World::new().await;
    let upstream = Scripted::listening().await;
    upstream.set("shop", "open", Some(JID));
    let users = json!({"id": "w", "url": "http://10.0.0.7/hook", "enabled": true, "webhookByEvents": true,
        "webhookBase64": true, "events": ["CALL"],
        "headers": {"Authorization": "Bearer mine", "jwt_key": "secret", "x-shop": "1"}});
    upstream.script(|script| script.webhooks.insert("shop".to_owned(), users.clone()));
    let webhook = || upstream.script(|script| script.webhooks["shop"].clone());

    // Looked at only: nothing is asked of it.
    let connector = world.connector_driven_by(upstream.driver("observe", Some("http://10.0.0.9:8480"))).await;
    let id = world.instance_on("evo", "shop").await;
    world.until_open(id).await;
    assert_eq!(upstream.asked("GET /webhook"), 0);
    connector.kill().await;

    // Driven: what it would tell its user, it tells Berth; what was there is kept, and told from here.
    let connector = world.connector_driven_by(upstream.driver("drive", Some("http://10.0.0.9:8480"))).await;
    let ours = format!("http://10.0.0.9:8480/v1/upstreams/evo/heard/{id}");
    world.until("it is taken over", async || webhook()["url"] == ours.as_str()).await;
    let set = webhook();
    assert_eq!((&set["webhookByEvents"], &set["webhookBase64"]), (&json!(false), &json!(true)));
    let secret = set["headers"]["x-berth-callback"].as_str().unwrap().to_owned();
    assert_eq!(secret.len(), 64);
    let state = world.state(id).await;
    let [endpoint] = state.webhooks.as_slice() else { panic!("one endpoint: {:?}", state.webhooks) };
    assert_eq!((endpoint.format.as_str(), endpoint.label.as_str()), ("evolution", "default"));
    assert_eq!(endpoint.events, ["CALL"]);
    assert_eq!(world.open(id, field::WEBHOOK_URL, &endpoint.url).await, "http://10.0.0.7/hook");
    assert_eq!(
        world.open(id, field::WEBHOOK_HEADERS, endpoint.headers.as_ref().unwrap()).await,
        r#"{"x-shop":"1"}"#
    );
    let kept = state.settings.iter().find(|block| block.owner == "upstream/webhook").unwrap();
    assert!(world.open(id, field::SETTINGS, &kept.body).await.contains("10.0.0.7"));
    let known = async || {
        let events = world.events(id).await;
        events.iter().filter(|name| matches!(**name, "SettingsChanged" | "WebhookConfigured")).count()
    };
    assert_eq!(known().await, 2);

    // Somebody sets it there himself: it is Berth's again, and what was said here stands.
    upstream.script(|script| script.webhooks.insert("shop".to_owned(), users.clone()));
    world.until("it is taken over again", async || webhook()["url"] == ours.as_str()).await;
    assert_eq!(known().await, 2, "nothing new is known");
    connector.kill().await;

    // Another owner of the link finds everything as it is to be.
    let sets = upstream.asked("POST /webhook/set");
    let connector = world.connector_driven_by(upstream.driver("drive", Some("http://10.0.0.9:8480"))).await;
    upstream.looked_at(&world, 40).await;
    assert_eq!(upstream.asked("POST /webhook/set"), sets);
    connector.kill().await;

    // Looked at again: it is as it was, and nobody is told twice.
    let _connector = world.connector_driven_by(upstream.driver("observe", None)).await;
    world.until("it is given back", async || webhook()["url"] == "http://10.0.0.7/hook").await;
    assert_eq!(webhook(), users);
    world.until_state(id, "its endpoint is gone", |state| state.webhooks.is_empty()).await;
}

#[tokio::test]
async fn a_webhook_that_leads_where_berth_may_not_send_is_left_to_the_upstream() {
    let world = World::new().await;
    let upstream = Scripted::listening().await;
    upstream.set("shop", "open", Some(JID));
    let users = json!({"url": "http://192.168.0.7/hook", "enabled": true, "headers": null});
    upstream.script(|script| script.webhooks.insert("shop".to_owned(), users.clone()));
    let _connector = world.connector_driven_by(upstream.driver("drive", Some("http://10.0.0.9:8480"))).await;
    let id = world.instance_on("evo", "shop").await;
    world.until_open(id).await;
    world.until("its webhook is looked at", async || upstream.asked("GET /webhook/find") > 0).await;
    upstream.looked_at(&world, 3).await;
    assert_eq!(upstream.script(|script| script.webhooks["shop"].clone()), users);
    assert!(world.state(id).await.webhooks.is_empty());
}

#[tokio::test]
async fn a_hint_makes_an_instance_be_looked_at() {
    let world = World::new().await;
    let upstream = Scripted::listening().await;
    upstream.set("shop", "close", None);
    let driver = upstream.driver_that_looks("observe", None, "60000");
    let _connector = world.connector_driven_by(driver).await;
    let id = world.instance_on("evo", "shop").await;
    world.until("it is looked at once", async || upstream.asked("GET /instance/connectionState") == 1).await;
    world
        .until("a hint is heard", async || {
            world.hint(id).await;
            upstream.asked("GET /instance/connectionState") > 1
        })
        .await;
}

#[tokio::test]
async fn a_pairing_code_is_asked_for_with_the_number_and_shown_as_often_as_it_changes() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    let _connector = world.connector_driven_by(driver).await;
    let id = world.instance_on("evo", "shop").await;
    world.connect_by_code(id, "5511987654321").await;
    world.until("the first code", async || world.code(id, "pairing", 1).await.is_some()).await;
    assert_eq!(world.code(id, "pairing", 1).await.as_deref(), Some("ABCD1234"));
    upstream.script(|script| script.pairing = "WXYZ9876");
    world.until("the second code", async || world.code(id, "pairing", 2).await.is_some()).await;
    assert_eq!(world.code(id, "pairing", 2).await.as_deref(), Some("WXYZ9876"));
    assert!(upstream.script(|script| script.numbers.iter().all(|number| number == "5511987654321")));
    upstream.set("shop", "open", Some(JID));
    world.until_open(id).await;
    assert_eq!(upstream.asked("DELETE"), 0, "nothing was in the way");
}

#[tokio::test]
async fn a_restart_is_asked_for_once_and_only_where_the_upstream_is_driven() {
    let world = World::new().await;
    let upstream = Scripted::listening().await;
    upstream.set("shop", "open", Some(JID));
    let observing = world.connector_driven_by(upstream.driver("observe", None)).await;
    let id = world.instance_on("evo", "shop").await;
    world.until_open(id).await;
    // Decided before the upstream was only looked at: nothing is asked for.
    world.restart(id).await;
    upstream.looked_at(&world, 3).await;
    assert_eq!(upstream.asked("POST"), 0);
    observing.kill().await;

    let _driving = world.connector_driven_by(upstream.driver("drive", None)).await;
    upstream.looked_at(&world, 3).await;
    let before = upstream.asked("POST /instance/restart");
    world.restart(id).await;
    world.until("a restart is asked for", async || upstream.asked("POST /instance/restart") > before).await;
    upstream.looked_at(&world, 3).await;
    assert_eq!(upstream.asked("POST /instance/restart"), before + 1);
    world.until_open(id).await;
}

#[tokio::test]
async fn a_webhook_for_which_there_is_no_endpoint_left_is_taken_over_all_the_same() {
    let world = World::new().await;
    let upstream = Scripted::listening().await;
    upstream.set("shop", "open", Some(JID));
    let users = json!({"url": "http://10.0.0.7/hook", "enabled": true, "headers": null});
    upstream.script(|script| script.webhooks.insert("shop".to_owned(), users.clone()));
    let url = || upstream.script(|script| script.webhooks["shop"]["url"].clone());
    let id = world.instance_on("evo", "shop").await;
    for number in 1..=20 {
        let webhook = WebhookV1 {
            id: EndpointId::from_bytes([number; 16]),
            format: "native".to_owned(),
            label: format!("hook-{number}"),
            enabled: true,
            url: world.seal(id, field::WEBHOOK_URL, "http://10.0.0.8/hook").await,
            headers: None,
            authorization: None,
            secret: world.seal(id, field::WEBHOOK_SECRET, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").await,
            old_secrets: Vec::new(),
            events: Vec::new(),
            after_logout_all: false,
            options: None,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        world.accepted(id, ConfigureWebhookV1 { webhook, upsert: false, enabled_max: 0 }).await;
    }
    let connector = world.connector_driven_by(upstream.driver("drive", Some("http://10.0.0.9:8480"))).await;
    let ours = format!("http://10.0.0.9:8480/v1/upstreams/evo/heard/{id}");
    world.until("it is taken over", async || url() == ours.as_str()).await;
    let state = world.state(id).await;
    assert_eq!(state.webhooks.len(), 20, "nobody is told in its place");
    connector.kill().await;

    // It is its user's again like any other.
    let _connector = world.connector_driven_by(upstream.driver("observe", None)).await;
    world.until("it is given back", async || url() == "http://10.0.0.7/hook").await;
    assert_eq!(world.state(id).await.webhooks.len(), 20);
}

#[tokio::test]
async fn a_webhook_that_cannot_be_kept_is_not_taken_over_and_tried_again() {
    let world = World::new().await;
    let upstream = Scripted::listening().await;
    upstream.set("shop", "open", Some(JID));
    let users = json!({"url": "http://10.0.0.7/hook", "enabled": true, "headers": null});
    upstream.script(|script| script.webhooks.insert("shop".to_owned(), users.clone()));
    let id = world.instance_on("evo", "shop").await;
    for number in 1..8 {
        let body = world.seal(id, field::SETTINGS, "{}").await;
        let block = SettingsBlockV1 { owner: format!("client/{number}"), body };
        world.accepted(id, ChangeSettingsV1 { block, expected: None }).await;
    }
    let _connector = world.connector_driven_by(upstream.driver("drive", Some("http://10.0.0.9:8480"))).await;
    world.until("it is tried again", async || upstream.asked("GET /webhook/find") > 2).await;
    assert_eq!(upstream.asked("POST /webhook/set"), 0, "what is not kept could not be given back");
    assert_eq!(upstream.script(|script| script.webhooks["shop"].clone()), users);
}

#[tokio::test]
async fn the_code_of_an_earlier_end_ends_nothing_while_its_database_knows_a_session() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    let _connector = world.connector_driven_by(driver).await;
    upstream.set("shop", "open", Some(JID));
    upstream.script(|script| script.instances.get_mut("shop").unwrap().code = Some(401));
    let id = world.instance_on("evo", "shop").await;
    world.until_open(id).await;

    // WhatsApp is away: its memory flaps.
    upstream.stands("shop", "close", "open");
    world.until("it is lost", async || world.events(id).await.last() == Some(&"ConnectionLost")).await;
    upstream.looked_at(&world, 10).await;
    assert_eq!(origins(&world.history(id).await), [], "no session ended");
    // Nor is it unlinked by that code, nor asked to be, as long as it cannot succeed.
    world.logout(id).await;
    upstream.looked_at(&world, 5).await;
    assert_eq!(world.state(id).await.unlinks[0].status, UnlinkStatusV1::Pending);
    assert_eq!(upstream.asked("DELETE"), 0);

    // A new attempt waits for the former device, and does not take it for one that was just linked.
    world.connect(id).await;
    upstream.looked_at(&world, 10).await;
    assert_eq!(upstream.asked("GET /instance/connect/"), 0);
    upstream.script(|script| script.logout = Logout::FailingThatWorks);
    upstream.set("shop", "open", Some(JID));
    world.until_qr(id, 1).await;
    assert_eq!(world.events(id).await.iter().filter(|event| **event == "DeviceLinked").count(), 1);
}

#[tokio::test]
async fn a_code_is_not_asked_for_between_a_scan_and_the_login_and_a_link_that_opened_is_not_restarted() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    let _connector = world.connector_driven_by(driver).await;
    upstream.set("shop", "close", None);
    let id = world.instance_on("evo", "shop").await;
    upstream.looked_at(&world, 3).await;
    world.connect(id).await;
    world.until_qr(id, 1).await;
    upstream.stands("shop", "close", "connecting");
    upstream.looked_at(&world, 2).await;
    let before = upstream.asked("GET /instance/connect/");
    upstream.looked_at(&world, 8).await;
    assert_eq!(
        upstream.asked("GET /instance/connect/"),
        before,
        "it would be a second connection of the same device"
    );
    upstream.set("shop", "open", Some(JID));
    world.until_open(id).await;
    upstream.looked_at(&world, 5).await;
    assert_eq!(upstream.asked("POST /instance/restart"), 0);
    assert_eq!(upstream.asked("DELETE"), 0);
}

#[tokio::test]
async fn codes_end_with_their_attempt_and_those_of_another_are_not_shown() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    upstream.script(|script| script.logout = Logout::FailingThatWorks);
    let _connector = world.connector_driven_by(driver).await;
    for deleted in [false, true] {
        let name = if deleted { "harbour" } else { "shop" };
        let id = world.instance_on("evo", name).await;
        // Somebody has codes shown there, which would hide that one is to be typed.
        upstream.set(name, "connecting", None);
        let before = upstream.asked("DELETE");
        world.connect_by_code(id, "5511987654321").await;
        world.until("a code can be typed", async || world.code(id, "pairing", 1).await.is_some()).await;
        assert_eq!(upstream.asked("DELETE"), before + 1);
        if deleted {
            world.delete(id).await;
        } else {
            world.logout(id).await;
        }
        world.until("its codes end", async || upstream.asked("DELETE") == before + 2).await;
        assert_eq!(upstream.script(|script| script.instances[name].socket), "close");
    }
}

#[tokio::test]
async fn an_unlink_is_asked_for_when_whatsapp_hears_it() {
    let world = World::new().await;
    let (upstream, driver) = Scripted::start("drive").await;
    upstream.script(|script| (script.logout, script.is_frozen) = (Logout::FailingThatWorks, true));
    let _connector = world.connector_driven_by(driver).await;
    upstream.set("shop", "open", Some(JID));
    let id = world.instance_on("evo", "shop").await;
    world.until_open(id).await;
    world.logout(id).await;
    world.until("whether it hears is asked", async || upstream.asked("POST /chat/") > 0).await;
    assert_eq!(upstream.asked("DELETE"), 0);
    world.until("it is asked again", async || upstream.asked("POST /chat/") > 1).await;
    assert_eq!(upstream.asked("DELETE"), 0);
    upstream.script(|script| script.is_frozen = false);
    world.until_unlink(id, UnlinkStatusV1::Confirmed).await;
}
