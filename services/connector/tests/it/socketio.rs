//! A Socket.IO server that says no more than an Evolution API does: Engine.IO 4 on a WebSocket, one message for each event.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::{
        Query, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::any,
};
use serde_json::json;
use tokio::{
    sync::mpsc::{UnboundedSender, unbounded_channel},
    time::interval,
};

/// What it tells a client of its pings, in milliseconds.
const PING_MS: u64 = 300;
const PING_TIMEOUT_MS: u64 = 1_200;

/// The server, from outside.
#[derive(Clone, Default)]
pub(crate) struct SocketIo(Arc<Mutex<Stands>>);

#[derive(Default)]
struct Stands {
    is_on: bool,
    /// To how many of the first sockets nothing is said any more, not even pings.
    silent: usize,
    /// Namespaces that exist beside the main one.
    namespaces: HashSet<String>,
    /// Those that were joined, in order.
    joined: Vec<String>,
    /// Sockets that were asked for, and those that joined the main namespace, ever.
    tried: usize,
    opened: usize,
    pongs: usize,
    open: Vec<UnboundedSender<Message>>,
}

impl SocketIo {
    /// Where it is; off until it is switched on.
    pub(crate) fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Router::new().route("/socket.io/", any(connect)).with_state(self.clone())
    }

    pub(crate) fn switch(&self, is_on: bool) {
        self.stands().is_on = is_on;
    }

    /// Says nothing any more to those who are connected, and whose connections stay.
    pub(crate) fn fall_silent(&self) {
        let mut stands = self.stands();
        stands.silent = stands.tried;
    }

    pub(crate) fn has_namespace(&self, name: &str) {
        self.stands().namespaces.insert(name.to_owned());
    }

    pub(crate) fn joined(&self) -> Vec<String> {
        self.stands().joined.clone()
    }

    pub(crate) fn opened(&self) -> usize {
        self.stands().opened
    }

    pub(crate) fn pongs(&self) -> usize {
        self.stands().pongs
    }

    /// Tells of an instance in the main namespace.
    pub(crate) fn tell(&self, event: &str, instance: &str) {
        self.say(&Message::text(format!("42{}", json!([event, {"event": event, "instance": instance}]))));
    }

    /// Says anything to everybody.
    pub(crate) fn say(&self, message: &Message) {
        self.stands().open.retain(|socket| socket.send(message.clone()).is_ok());
    }

    /// Ends every connection.
    pub(crate) fn hang_up(&self) {
        self.stands().open.clear();
    }

    fn stands(&self) -> MutexGuard<'_, Stands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(self, mut socket: WebSocket, number: usize) {
        let (sender, mut said) = unbounded_channel();
        let open = json!({"sid": "e", "upgrades": [], "pingInterval": PING_MS, "pingTimeout": PING_TIMEOUT_MS,
            "maxPayload": 1_000_000});
        if socket.send(Message::text(format!("0{open}"))).await.is_err() {
            return;
        }
        let mut sender = Some(sender);
        let mut ping = interval(Duration::from_millis(PING_MS));
        loop {
            let answer = tokio::select! {
                heard = socket.recv() => match heard {
                    Some(Ok(Message::Text(text))) => self.answer(&text, &mut sender),
                    Some(Ok(_)) => None,
                    Some(Err(_)) | None => return,
                },
                said = said.recv() => match said {
                    Some(message) => Some(message),
                    None => return,
                },
                _ = ping.tick() => Some(Message::text("2")),
            };
            let is_silent = number <= self.stands().silent;
            if let Some(answer) = answer.filter(|_| !is_silent)
                && socket.send(answer).await.is_err()
            {
                return;
            }
        }
    }

    /// What a client is answered. It is told events once it joined the main namespace.
    fn answer(&self, text: &str, sender: &mut Option<UnboundedSender<Message>>) -> Option<Message> {
        let mut stands = self.stands();
        match text.split_once('/') {
            _ if text == "3" => {
                stands.pongs += 1;
                None
            }
            None if text == "40" => {
                stands.opened += 1;
                stands.open.extend(sender.take());
                Some(Message::text(r#"40{"sid":"s"}"#))
            }
            Some(("40", name)) => {
                let name = name.strip_suffix(',').unwrap();
                if stands.namespaces.contains(name) {
                    stands.joined.push(name.to_owned());
                    Some(Message::text(format!(r#"40/{name},{{"sid":"n"}}"#)))
                } else {
                    Some(Message::text(format!(r#"44/{name},{{"message":"Invalid namespace"}}"#)))
                }
            }
            _ => panic!("no client of this server says {text}"),
        }
    }
}

async fn connect(
    State(server): State<SocketIo>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let number = {
        let mut stands = server.stands();
        stands.tried += 1;
        stands.tried
    };
    let asked = |name: &str| query.get(name).map(String::as_str);
    if !server.stands().is_on {
        StatusCode::NOT_FOUND.into_response()
    } else if headers.get("apikey").is_none_or(|key| key != "the-key") {
        StatusCode::FORBIDDEN.into_response()
    } else if (asked("EIO"), asked("transport"), query.len()) != (Some("4"), Some("websocket"), 2) {
        StatusCode::BAD_REQUEST.into_response()
    } else {
        upgrade.on_upgrade(move |socket| server.serve(socket, number))
    }
}
