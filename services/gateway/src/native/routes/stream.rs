//! `GET /v1/instances/{i}/events/stream`

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use futures::{Stream, stream};
use tokio::time::Instant;
use tracing::warn;

use super::{events::EventBody, get::find_with_deleted};
use crate::{
    app::{App, Entry, Failure, Principal, Record},
    http::{headers, metrics::OpenStream},
    native::{
        call::{Caller, Key},
        problem::Problem,
    },
};

/// Commits that are read at once.
const COMMITS_PER_READ: usize = 100;
/// How long one wait for a new commit lasts before the log is looked at again.
const WAIT: Duration = Duration::from_secs(30);

/// Streams new events of an instance as server-sent events. The last event of a commit has its version as `id`; a
/// client that comes back with `Last-Event-ID` misses nothing, and may see the first events of a commit again whose
/// last one did not reach it.
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
    let open = OpenStream::of("native");
    let tail = Tail { app, principal: caller.principal, record, after, waiting: Vec::new(), _open: open };
    Ok(Sse::new(stream::unfold(tail, next)).keep_alive(KeepAlive::default()))
}

/// A client that listens, and how far it is.
struct Tail {
    app: App,
    principal: Principal,
    record: Record,
    after: u64,
    /// Events of the last read, newest first.
    waiting: Vec<Event>,
    _open: OpenStream,
}

async fn next(mut tail: Tail) -> Option<(Result<Event, Infallible>, Tail)> {
    loop {
        if let Some(event) = tail.waiting.pop() {
            return Some((Ok(event), tail));
        }
        if tail.app.is_stopping() {
            return None;
        }
        if let Err(failure) = tail.read().await {
            // The client comes back with the last id that it saw.
            warn!(instance = %tail.record.id, "an event stream ends: {failure}");
            return None;
        }
    }
}

impl Tail {
    async fn read(&mut self) -> Result<(), Failure> {
        let after = self.after;
        self.app.wait_for(&self.record, Instant::now() + WAIT, |now| now.version > after).await?;
        // Whose token was rotated while the stream was open sees nothing more.
        self.app.read_with_deleted(&self.principal, self.record.id).await?;
        let page = self.app.history(self.record.id, after, COMMITS_PER_READ).await?;
        self.after = page.last_version;
        self.waiting = page.entries.iter().rev().filter_map(event_of).collect();
        Ok(())
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
