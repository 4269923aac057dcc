//! `GET /v1/events/stream`

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use futures::{Stream, stream};
use serde::Serialize;
use tokio::time::Instant;
use tracing::debug;
use utoipa::ToSchema;

use super::{events::EventBody, stream::END};
use crate::{
    app::{AccountFollow, App, EventsFailure, Failure, Heard, Told},
    http::metrics::OpenStream,
    native::{call::Caller, code::Code, problem::Problem},
};

/// An event is sent within this time of the look that allowed it, or it is asked again.
const FRESH_MAX: Duration = Duration::from_secs(1);
/// How often a client that is told nothing gets a newer id: what it comes back with is never far behind.
const ID_EVERY: Duration = Duration::from_secs(15);

/// One thing that happened to an instance of the account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountEventBody {
    /// The id of the instance.
    instance: String,
    #[serde(flatten)]
    event: EventBody,
}

/// Streams what happens to all instances of the account as server-sent events, those of an instance in their order; an
/// instance's token gets its own alone. The last event of a commit has an `id`, and so has the beginning: a client
/// that comes back with `Last-Event-ID`, to any gateway and after any time, misses nothing, and may see the first events
/// of a commit again whose last one did not reach it. A stream whose token ended is closed within seconds, after an event
/// `end` with the problem.
#[utoipa::path(
    get, operation_id = "stream_account_events", path = "/v1/events/stream", tag = "history",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "The id after which to continue; now if it is left out")
    ),
    responses((status = 200, body = String, content_type = "text/event-stream"))
)]
pub(super) async fn handler(
    State(app): State<App>,
    caller: Caller,
    request_headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    // What is no text is no cursor.
    let after = request_headers.get("last-event-id").map(|id| id.to_str().unwrap_or_default());
    let follow = app.account_events.follow(caller.principal, after).await.map_err(problem)?;
    let (waiting, now) = (VecDeque::new(), Instant::now());
    let tail =
        Tail { follow, waiting, asked_at: now, id_at: None, ended: false, _open: OpenStream::of("native") };
    Ok(Sse::new(stream::unfold(tail, next)).keep_alive(KeepAlive::default()))
}

/// A client that listens, and how far it is.
struct Tail {
    follow: AccountFollow,
    /// Events that were heard, oldest first.
    waiting: VecDeque<Told>,
    /// When it was asked last whether the client may see them.
    asked_at: Instant,
    /// When it got an id last; never at the beginning.
    id_at: Option<Instant>,
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
            debug!("an event stream of an account ends: {failure}");
            let last = Event::default().event(END).json_data(problem(failure)).ok()?;
            tail.ended = true;
            Some((Ok(last), tail))
        }
    }
}

impl Tail {
    /// The next event, which is to be sent at once; none when the process stops.
    async fn event(&mut self) -> Result<Option<Event>, EventsFailure> {
        loop {
            if self.waiting.is_empty() {
                if self.id_at.is_none_or(|sent| sent.elapsed() >= ID_EVERY)
                    && let Some(cursor) = self.follow.cursor()
                {
                    // An id without data is kept by a client and tells it nothing.
                    self.id_at = Some(Instant::now());
                    return Ok(Some(Event::default().id(cursor)));
                }
                match self.follow.hear().await? {
                    Heard::Stopping => return Ok(None),
                    Heard::Nothing => {}
                    Heard::Events(told) => {
                        self.asked_at = Instant::now();
                        self.waiting.extend(told);
                    }
                }
            } else if self.asked_at.elapsed() >= FRESH_MAX {
                self.asked_at = Instant::now();
                self.follow.ask().await?;
            } else if let Some(event) = self.waiting.pop_front().and_then(|told| self.sent(&told)) {
                return Ok(Some(event));
            }
        }
    }

    /// An event as it is sent; none if it cannot be written.
    fn sent(&mut self, told: &Told) -> Option<Event> {
        let name = told.entry.event.as_ref().map_or("Unknown", |event| event.name());
        let body =
            AccountEventBody { instance: told.instance.to_string(), event: EventBody::of(&told.entry) };
        let event = Event::default().event(name).json_data(body).ok()?;
        let Some(cursor) = &told.cursor else { return Some(event) };
        self.id_at = Some(Instant::now());
        Some(event.id(cursor))
    }
}

fn problem(failure: EventsFailure) -> Problem {
    match failure {
        EventsFailure::Cursor => Problem::new(
            Code::InvalidCursor,
            "`Last-Event-ID` is not an id of these events: read the histories and start again without it.",
        ),
        EventsFailure::Call(failure @ Failure::Limited { .. }) => {
            debug!("an account has as many streams open as it may have");
            failure.into()
        }
        EventsFailure::Call(failure) => failure.into(),
    }
}
