//! An Evolution API that plays every trick that the real one was seen to play.

use std::{
    collections::HashMap,
    ffi::OsString,
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
use berth_runtime::{ManualClock, MasterKey, SeededEntropy, Settings, UrlPolicy, config::Sources};
use berth_upstreams::Upstreams;
use serde_json::{Value, json};

use crate::{comes::Comes, socketio::SocketIo, world::World};

pub(crate) const JID: &str = "5511987654321@s.whatsapp.net";

/// What is wrong with every answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    Html,
    Failing,
    Huge,
    Redirecting,
    OfAnotherInstance,
    /// No answer ever comes.
    Hanging,
}

/// What some looks at a socket find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fourth {
    /// The same as the others.
    Same,
    /// None open: two sockets of the device replace each other.
    Replaced,
    /// No answer that says anything.
    Failing,
}

/// What a logout does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Logout {
    /// It answers SUCCESS, and nothing happens.
    Lying,
    /// It answers 500, and works.
    FailingThatWorks,
}

/// An instance there.
#[derive(Debug, Clone)]
pub(crate) struct There {
    pub(crate) socket: &'static str,
    /// What its database says, where that is something else.
    pub(crate) database: Option<&'static str>,
    pub(crate) jid: Option<&'static str>,
    pub(crate) code: Option<u16>,
    data: Value,
}

#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) instances: HashMap<String, There>,
    pub(crate) fault: Fault,
    pub(crate) logout: Logout,
    /// Every question, by method and path.
    asked: Vec<String>,
    /// The numbers that codes were asked for, and the pairing code that is shown for one.
    pub(crate) numbers: Vec<String>,
    pub(crate) pairing: &'static str,
    /// Questions with a number that are answered before its pairing code is ready.
    pub(crate) pairing_after: usize,
    /// Sessions that were begun: each has a code of its own.
    sessions: usize,
    /// What comes of a connect of a device that has scanned a code; it hangs if nothing says so.
    pub(crate) comes: Option<Comes>,
    /// Questions that are answered with the code of the session before.
    pub(crate) stale: usize,
    /// It has not loaded its instances yet.
    pub(crate) is_loading: bool,
    /// Whether a code was scanned; none if it does not tell, but answers so.
    pub(crate) is_paired: Option<bool>,
    pub(crate) untold: StatusCode,
    /// WhatsApp does not hear what the upstream says to it.
    pub(crate) is_frozen: bool,
    /// What every fourth look at a socket finds.
    pub(crate) fourth: Fourth,
    /// Looks at a socket.
    looks: usize,
    /// The webhooks of instances, as they were set.
    pub(crate) webhooks: HashMap<String, Value>,
    url: String,
}

impl Script {
    /// How often it was asked what begins so.
    pub(crate) fn asked(&self, what: &str) -> usize {
        self.asked.iter().filter(|asked| asked.starts_with(what)).count()
    }

    /// How the socket of an instance stands from now on.
    pub(crate) fn set_socket(&mut self, name: &str, socket: &'static str) {
        self.instances.get_mut(name).unwrap().socket = socket;
    }

    /// What its memory and its database say from now on; a code of an earlier end stays.
    pub(crate) fn stand(&mut self, name: &str, memory: &'static str, database: &'static str) {
        let there = self.instances.get_mut(name).unwrap();
        (there.socket, there.database) = (memory, Some(database));
    }
}

/// The upstream, and what it tells on its socket.
#[derive(Clone)]
pub(crate) struct Scripted(Arc<Mutex<Script>>, pub(crate) SocketIo);

impl Scripted {
    pub(crate) async fn start(mode: &str) -> (Self, Arc<dyn DeviceLink>) {
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
            pairing_after: 0,
            sessions: 0,
            comes: None,
            stale: 0,
            is_loading: false,
            is_paired: None,
            untold: StatusCode::NOT_FOUND,
            is_frozen: false,
            fourth: Fourth::Same,
            looks: 0,
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
            .route("/baileys/getAuthState/{name}", post(auth_state))
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
    pub(crate) fn driver(&self, mode: &str, callback: Option<&str>) -> Arc<dyn DeviceLink> {
        self.driver_that_looks(mode, callback, "20")
    }

    /// The same with another pause between two looks.
    pub(crate) fn driver_that_looks(
        &self,
        mode: &str,
        callback: Option<&str>,
        poll_ms: &str,
    ) -> Arc<dyn DeviceLink> {
        let callback = callback.map(|url| ("CALLBACK_URL", url));
        let given: Vec<_> = [("MODE", mode), ("POLL_MS", poll_ms)].into_iter().chain(callback).collect();
        Self::driver_of(&self.upstreams(&given))
    }

    /// It as the only upstream, with these settings beside its address and its key.
    pub(crate) fn upstreams(&self, given: &[(&str, &str)]) -> Upstreams {
        Self::named(&[("EVO", self)], given)
    }

    /// Several of them, by the names that they have here, with these settings beside their addresses and keys.
    pub(crate) fn named(all: &[(&str, &Self)], given: &[(&str, &str)]) -> Upstreams {
        let of_one = |(name, one): &(&str, &Self)| {
            let url = one.script(|script| script.url.clone());
            let given = [("URL", url.as_str()), ("KEY", "the-key")].into_iter().chain(given.iter().copied());
            let given =
                given.map(|(field, value)| (format!("BERTH_UPSTREAM_{name}_{field}").into(), value.into()));
            given.collect::<Vec<(OsString, OsString)>>()
        };
        let given: Vec<_> = all.iter().flat_map(of_one).collect();
        let settings = Settings::load(&Sources::none().with_variables(given)).unwrap();
        Upstreams::new(&settings.upstreams, "this-deployment").unwrap()
    }

    /// A driver of these beside the simulated one.
    pub(crate) fn driver_of(upstreams: &Upstreams) -> Arc<dyn DeviceLink> {
        let clock = Arc::new(ManualClock::new(berth_proto::Timestamp(0)));
        let own = Arc::new(Simulated::new(clock, Arc::new(SeededEntropy::new(1)), 1));
        let master = MasterKey::generate(&SeededEntropy::new(1));
        let policy = UrlPolicy {
            allow: vec!["10.0.0.0/8".parse().unwrap()],
            plain_http: false,
            ..UrlPolicy::default()
        };
        Arc::new(ByUpstream::new(own, upstreams, &master, &policy))
    }

    pub(crate) fn script<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, name: &str, socket: &'static str, jid: Option<&'static str>) {
        let there = There { socket, database: None, jid, code: None, data: Value::Null };
        self.script(|script| script.instances.insert(name.to_owned(), there));
    }

    /// See [`Script::stand`].
    pub(crate) fn stands(&self, name: &str, memory: &'static str, database: &'static str) {
        self.script(|script| script.stand(name, memory, database));
    }

    pub(crate) fn ended(&self, name: &str, code: u16, data: Value) {
        self.script(|script| {
            let there = script.instances.get_mut(name).unwrap();
            (there.socket, there.database, there.code, there.data) = ("close", None, Some(code), data);
        });
    }

    pub(crate) fn asked(&self, what: &str) -> usize {
        self.script(|script| script.asked(what))
    }

    /// Waits until it was asked so many times more.
    pub(crate) async fn looked_at(&self, world: &World, times: usize) {
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
        Fault::Hanging => std::future::pending().await,
        Fault::None | Fault::OfAnotherInstance => next.run(request).await,
    }
}

async fn connection_state(State(scripted): State<Scripted>, Path(name): Path<String>) -> Response {
    let socket = scripted.script(|script| {
        script.looks += 1;
        let found = if script.looks.is_multiple_of(4) { script.fourth } else { Fourth::Same };
        if found == Fourth::Failing {
            return Err(StatusCode::INTERNAL_SERVER_ERROR);
        }
        let is_replaced = found == Fourth::Replaced;
        let there = script.instances.get_mut(&name).ok_or(StatusCode::NOT_FOUND)?;
        if let Some(comes) = &mut script.comes {
            comes.is_looked_at(there);
        }
        Ok(if is_replaced { "close" } else { there.socket })
    });
    match socket {
        Ok(socket) => Json(json!({"instance": {"instanceName": name, "state": socket}})).into_response(),
        Err(status) => status.into_response(),
    }
}

async fn fetch(State(scripted): State<Scripted>, Query(query): Query<HashMap<String, String>>) -> Response {
    if query.contains_key("instanceName") && scripted.script(|script| script.is_loading) {
        return StatusCode::NOT_FOUND.into_response();
    }
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
    Json(Value::from(rows)).into_response()
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
            script.sessions += 1;
            if let Some(comes) = &mut script.comes {
                comes.is_asked();
            }
            // As the real one does when its keys are stale: ask again.
            return Json(json!({"count": 0}));
        }
        let pairing = number.filter(|_| script.numbers.len() > script.pairing_after);
        let pairing = pairing.map(|_| script.pairing);
        let is_stale = script.stale > 0;
        script.stale -= usize::from(is_stale);
        let code = match script.sessions - usize::from(is_stale) {
            0 | 1 => "2@the-code".to_owned(),
            session => format!("2@the-code-{session}"),
        };
        Json(json!({"code": code, "base64": "data:", "pairingCode": pairing, "count": 1}))
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
    // It has no socket that it could be written to.
    if scripted.script(|script| script.instances.get(&name).is_some_and(|there| there.socket == "close")) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    scripted.ended(&name, 401, Value::Null);
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

async fn auth_state(State(scripted): State<Scripted>) -> Response {
    let (is_paired, untold) = scripted.script(|script| (script.is_paired, script.untold));
    match is_paired {
        // As the real one says it of a session without a device.
        Some(false) => Json(json!({})).into_response(),
        Some(true) => Json(json!({"me": {"id": JID}, "account": {"details": "…"}})).into_response(),
        None => untold.into_response(),
    }
}

async fn picture(State(scripted): State<Scripted>) -> Json<Value> {
    if scripted.script(|script| script.is_frozen) {
        return std::future::pending().await;
    }
    Json(json!({"wuid": JID, "profilePictureUrl": null}))
}
