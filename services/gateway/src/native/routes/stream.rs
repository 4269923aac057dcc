//! `GET /v1/instances/{i}/events/stream`

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use futures::{Stream, stream};
use tokio::{sync::Semaphore, task::yield_now, time::Instant};
use tracing::debug;

use super::{events::EventBody, get::find_with_deleted};
use crate::{
    app::{App, Entry, Failure, Follow, Histories, Turn},
    http::{headers, metrics::OpenStream},
    native::{
        call::{Caller, Key},
        problem::Problem,
    },
};

/// Commits that are read at once, and so what waits in memory for a client that reads slowly.
const COMMITS_PER_READ: usize = 20;
/// Pages of all streams that are read and written at once: whoever opens many streams from the beginning waits for its
/// turn with each page and leaves the processor to the others.
static CATCH_UPS: Semaphore = Semaphore::const_new(CATCH_UPS_AT_ONCE_MAX);
/// See [`CATCH_UPS`].
const CATCH_UPS_AT_ONCE_MAX: usize = 4;
/// An event is sent within this time of the look that allowed it, or it is asked again.
const FRESH_MAX: Duration = Duration::from_secs(1);
/// The last event of a stream that the server ends; its data is the problem that a request would get.
pub(super) const END: &str = "end";

/// Streams new events of an instance as server-sent events. The last event of a commit has its version as `id`; a
/// client that comes back with `Last-Event-ID` misses nothing, and may see the first events of a commit again whose
/// last one did not reach it. A stream whose token ended is closed within seconds, after an event `end` with the problem.
#[utoipa::path(
    get, operation_id = "stream_events", path = "/v1/instances/{i}/events/stream", tag = "history",
    params(
        ("i" = String, Path, description = "Id, name or number"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The version after which to continue; now if it is left out")
    ),
    responses((status = 200, body = String, content_type = "text/event-stream"))
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    key: Key,
    request_headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let record = find_with_deleted(&app, &caller.principal, &key.0).await?;
    let after = match headers::text(&request_headers, "last-event-id") {
        None => record.version,
        Some(text) => {
            text.parse().map_err(|_| Problem::invalid("`Last-Event-ID`: a version is expected."))?
        }
    };
    let follow = app.follows.follow(caller.principal, record.id).await?;
    let (waiting, asked_at) = (Vec::new(), Instant::now());
    let histories = Arc::clone(&app.histories);
    let tail =
        Tail { histories, follow, after, waiting, asked_at, ended: false, _open: OpenStream::of("native") };
    Ok(Sse::new(stream::unfold(tail, next)).keep_alive(KeepAlive::default()))
}

/// A client that listens, and how far it is.
struct Tail {
    histories: Arc<Histories>,
    follow: Follow,
    after: u64,
    /// Events of the last read, newest first.
    waiting: Vec<Event>,
    /// When it was asked last whether the client may see them.
    asked_at: Instant,
    /// Whether the last event was sent.
    ended: bool,
    _open: OpenStream,
}

async fn next(mut tail: Tail) -> Option<(Result<Event, Infallible>, Tail)> {
    if tail.ended {
        return None;
    }
    match tail.event().await {
        Ok(event) => Some((Ok(event?), tail)),
        Err(failure) => {
            // The client comes back with the last id that it saw.
            debug!(instance = %tail.follow.permission().instance(), "an event stream ends: {failure}");
            let last = Event::default().event(END).json_data(Problem::from(failure)).ok()?;
            tail.ended = true;
            Some((Ok(last), tail))
        }
    }
}

impl Tail {
    /// The next event, which is to be sent at once; none when the process stops.
    async fn event(&mut self) -> Result<Option<Event>, Failure> {
        loop {
            if self.waiting.is_empty() {
                if let Turn::Stopping = self.follow.more(self.after).await? {
                    return Ok(None);
                }
                self.read().await?;
            } else if self.asked_at.elapsed() >= FRESH_MAX {
                self.ask().await?;
            } else if let Some(event) = self.waiting.pop() {
                return Ok(Some(event));
            }
        }
    }

    /// Reads a page, then asks: so whoever lost the permission sees nothing that happened after that.
    async fn read(&mut self) -> Result<(), Failure> {
        let turn = CATCH_UPS.acquire().await.map_err(|e| Failure::unavailable("the history", e))?;
        let permission = self.follow.permission();
        let page = self.histories.page(permission.instance(), self.after, COMMITS_PER_READ).await?;
        self.after = page.last_version;
        self.waiting = page.entries.iter().rev().filter_map(event_of).collect();
        drop(turn);
        // Others have their turn between two pages.
        yield_now().await;
        self.ask().await
    }

    async fn ask(&mut self) -> Result<(), Failure> {
        self.asked_at = Instant::now();
        self.follow.permission().ask().await.map(|_| ())
    }
}

/// An event as it is sent; none if it cannot be written.
fn event_of(entry: &Entry) -> Option<Event> {
    let name = entry.event.as_ref().map_or("Unknown", |event| event.name());
    let event = Event::default().event(name).json_data(EventBody::of(entry)).ok()?;
    // Whoever comes back goes on after this id: only then the whole commit was sent.
    let is_last = entry.index + 1 == entry.commit.events.len();
    Some(if is_last { event.id(entry.commit.version.to_string()) } else { event })
}
