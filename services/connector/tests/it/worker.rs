//! A worker as the contract has it, played by the tests: it says what it is told to say.

#![expect(clippy::indexing_slicing, clippy::expect_used, reason = "a story that cannot go on has failed")]
#![expect(clippy::needless_pass_by_value, reason = "a report is made where it is said")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use berth_connector::drivers::worker::Workers;
use berth_runtime::Lifecycle;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::StatusCode},
};

use crate::world::{PATIENCE, World};

pub(crate) const TOKEN: &str = "worker-token-0000001";

/// The driver of workers, and the address that they connect to.
pub(crate) struct Door {
    pub(crate) driver: Arc<Workers>,
    pub(crate) address: SocketAddr,
    lifecycle: Lifecycle,
}

impl Door {
    /// For workers with the libraries `baileys` and `whatsmeow`.
    pub(crate) async fn open(world: &World) -> Self {
        let libraries = ["baileys", "whatsmeow"].map(str::to_owned).to_vec();
        let driver = Arc::new(Workers::new(libraries, TOKEN.to_owned().into(), world.clock.clone()));
        let lifecycle = Lifecycle::new();
        let router = driver.router(&lifecycle);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        lifecycle.spawn(async move { axum::serve(listener, router).await });
        Self { driver, address, lifecycle }
    }

    /// Every connection ends as with the process.
    pub(crate) async fn close(self) {
        self.lifecycle.abort().cancel();
        self.lifecycle.shut_down().await;
    }

    /// A connection that has not said hello; or what it was refused with.
    pub(crate) async fn connect(&self, token: &str) -> Result<Worker, StatusCode> {
        let mut request = format!("ws://{}/workers/v1", self.address).into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Worker { socket }),
            Err(Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("no connection: {error}"),
        }
    }

    /// A worker that was welcomed.
    pub(crate) async fn worker(&self, name: &str, capacity: u32) -> Worker {
        self.process(name, &format!("process-of-{name}"), capacity).await
    }

    pub(crate) async fn process(&self, name: &str, process: &str, capacity: u32) -> Worker {
        let mut worker = self.connect(TOKEN).await.unwrap();
        worker.say(&hello(name, process, capacity)).await;
        let welcome = worker.hear().await.unwrap();
        assert_eq!((&welcome["kind"], &welcome["contract"]), (&json!("welcome"), &json!(1)), "{welcome}");
        worker
    }
}

pub(crate) fn hello(name: &str, process: &str, capacity: u32) -> Value {
    json!({
        "kind": "hello", "contracts": [1, 7], "worker": name, "process": process, "library": "baileys",
        "version": "7", "capacity": capacity, "colour": "green",
    })
}

/// A connection of a worker. Dropped, it breaks.
pub(crate) struct Worker {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Worker {
    pub(crate) async fn say(&mut self, said: &Value) {
        self.socket.send(Message::text(said.to_string())).await.unwrap();
    }

    /// As [`Self::say`], to somebody who may not listen any more.
    pub(crate) async fn try_say(&mut self, said: &Value) {
        let _heard_or_not = self.socket.send(Message::text(said.to_string())).await;
    }

    /// The next message but heartbeats; none if the connection is over.
    pub(crate) async fn hear(&mut self) -> Option<Value> {
        loop {
            let heard = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("nothing is heard");
            match heard {
                Some(Ok(Message::Text(text))) => {
                    let said: Value = serde_json::from_str(&text).unwrap();
                    if said["kind"] != "heartbeat" {
                        return Some(said);
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next message, which is of this kind.
    pub(crate) async fn told(&mut self, kind: &str) -> Value {
        let said = self.hear().await.unwrap_or_else(|| panic!("the connection is over, {kind} was expected"));
        assert_eq!(said["kind"], kind, "{said}");
        said
    }

    /// The word with which it is sent away.
    pub(crate) async fn refused(&mut self) -> String {
        let refused = self.told("refused").await;
        assert!(self.hear().await.is_none(), "the connection ends");
        refused["code"].as_str().unwrap().to_owned()
    }

    /// Reports on a run; gives what to do next.
    pub(crate) async fn reports(&mut self, run: &Run, report: Value) -> String {
        self.say(&run.report(report)).await;
        let answer = self.told("answer").await;
        assert_eq!(answer["run"], run.place["run"]);
        answer["next"].as_str().unwrap().to_owned()
    }

    /// Nothing is heard for a moment.
    pub(crate) async fn hears_nothing(&mut self) {
        let heard = tokio::time::timeout(Duration::from_millis(300), self.hear()).await;
        assert!(heard.is_err(), "{heard:?}");
    }
}

/// A run that a worker was asked for.
pub(crate) struct Run {
    pub(crate) place: Value,
}

impl Run {
    pub(crate) fn of(order: &Value) -> Self {
        let field = |name: &str| order[name].clone();
        let place = json!({
            "run": field("run"), "instance": field("instance"), "attempt": field("attempt"), "epoch": field("epoch"),
        });
        Self { place }
    }

    /// A report on it.
    pub(crate) fn report(&self, report: Value) -> Value {
        let mut said = json!({ "kind": "report", "number": 1 });
        let fields = said.as_object_mut().unwrap();
        fields.extend(self.place.as_object().unwrap().clone());
        fields.extend(report.as_object().unwrap().clone());
        said
    }
}
