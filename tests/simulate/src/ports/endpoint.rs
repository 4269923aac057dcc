//! Endpoints of webhooks, and the connections to them.

use std::{
    convert::Infallible,
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use berth_proto::{InstanceId, StreamKey};
use berth_webhooks::transport::{Dial, Wire};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::world::{At, World};

/// Bytes that are under way on a connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// What an endpoint heard.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) at: Instant,
    /// Who said it.
    pub(crate) from: String,
    /// Where: the last part of the path.
    pub(crate) endpoint: String,
    pub(crate) id: String,
    /// Which of its type.
    pub(crate) kind: String,
    pub(crate) instance: InstanceId,
    pub(crate) version: u64,
    /// The session that it is about.
    pub(crate) session: u64,
    /// The version of the instance at that moment.
    pub(crate) now: u64,
    /// Whether it was answered with success, as far as the endpoint knows.
    pub(crate) taken: bool,
    /// Whether that answer went out in time.
    pub(crate) answered: bool,
}

/// Everything that was heard, in order.
#[derive(Debug, Default)]
pub(crate) struct Ears(Mutex<Vec<Heard>>);

/// The way of one process to the endpoints.
pub(crate) struct SharedDial(pub(crate) At);

impl fmt::Debug for SharedDial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

// === impl Ears ===

impl Ears {
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, heard: Heard) -> usize {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(heard);
        all.len() - 1
    }

    fn of(&self, which: usize, change: impl FnOnce(&mut Heard)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(heard) = all.get_mut(which) {
            change(heard);
        }
    }
}

#[async_trait]
impl Dial for SharedDial {
    async fn dial(&self, _to: SocketAddr) -> io::Result<Box<dyn Wire>> {
        self.0.moment().await;
        self.0.way().await;
        if self.0.world.chance.permille(self.0.world.odds().lost) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (near, far) = tokio::io::duplex(BUFFER_BYTES);
        let (world, from) = (Arc::clone(&self.0.world), self.0.life.name.clone());
        self.0.world.go_on(async move {
            let service = service_fn(|request| answer(Arc::clone(&world), from.clone(), request));
            drop(http1::Builder::new().serve_connection(TokioIo::new(far), service).await);
        });
        Ok(Box::new(near))
    }
}

/// Hears a notice, and answers most of the time.
async fn answer(
    world: Arc<World>,
    from: String,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let endpoint = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let id =
        request.headers().get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    // Its bytes come while the sender lives: a half of a notice is none.
    let Ok(body) = request.into_body().collect().await else { return Ok(status(400)) };
    let said: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
    let Some(instance) = said["data"]["instance"].as_str().and_then(|id| id.parse::<InstanceId>().ok())
    else {
        world.fault(format!("{from} says to {endpoint} what is no notice: {said}"));
        return Ok(status(400));
    };
    let kind = said["type"].as_str().unwrap_or_default().to_owned();
    let version = said["data"]["version"].as_u64().unwrap_or_default();
    let session = said["data"]["session"].as_u64().unwrap_or_default();
    let now = world.version_of(&StreamKey::instance(instance));
    world.trace.step(
        &from,
        format_args!("tells {endpoint} of {instance} {kind} {version}, which is at {now}: {id}"),
    );
    let (at, taken, answered) = (Instant::now(), false, false);
    let heard = Heard { at, from, endpoint, id, kind, instance, version, session, now, taken, answered };
    let which = world.ears.note(heard);
    let odds = world.odds();
    sleep(odds.way(&world.chance)).await;
    if world.chance.permille(odds.endpoint_fails) {
        return Ok(status(if world.chance.permille(500) { 500 } else { 503 }));
    }
    world.ears.of(which, |heard| heard.taken = true);
    if world.chance.permille(odds.lost) {
        // The answer takes longer than anybody waits.
        sleep(std::time::Duration::from_mins(5)).await;
    }
    world.ears.of(which, |heard| heard.answered = true);
    Ok(status(204))
}

fn status(code: u16) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = code.try_into().unwrap_or_default();
    response
}
