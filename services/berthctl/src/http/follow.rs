//! A stream of events that goes on over lost connections, and says everything once.

use std::time::Duration;

use reqwest::{Response, header};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::{
    Client,
    ask::Ask,
    sse::{Frame, Parser, TooLong},
    tell,
};
use crate::failure::{Failure, chain};
use crate::{json::Fields, output::Output};

/// A gateway writes something every fifteen seconds: after three times as long the connection is dead.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// The first pause before the stream is opened again, which doubles.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
/// The longest of them.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// The event with which a gateway ends a stream for good.
const END: &str = "end";

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) struct Happening {
    /// What it is, such as `LoggedOut`.
    pub(crate) kind: String,
    /// All of it.
    pub(crate) body: Value,
}

/// A stream that is followed.
#[derive(Debug)]
pub(crate) struct Follow<'a> {
    client: &'a Client,
    ask: Ask,
    /// The id to come back with.
    last: Option<String>,
    /// Events after that id that were given already: a stream that broke within a commit shows them again.
    given: Vec<Event>,
    connection: Option<Connection>,
    /// Whether it was open once: from then on it is opened again for as long as it takes.
    was_open: bool,
    /// Since when it is lost, if the person was told.
    told: bool,
    pause: Duration,
}

/// What tells one event from another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Event {
    /// Its instance, where the stream is of more than one.
    instance: String,
    version: Option<u64>,
    index: Option<u64>,
}

impl Event {
    fn of(body: &Value) -> Self {
        let number = |name: &str| body.at(name).as_u64();
        let instance = body.text("instance").to_owned();
        Self { instance, version: number("version"), index: number("index") }
    }
}

#[derive(Debug)]
struct Connection {
    response: Response,
    parser: Parser,
    frames: std::collections::VecDeque<Frame>,
}

/// What the stream gave.
enum Received {
    Frame(Frame),
    /// The connection is gone, for this reason.
    Lost(String),
}

// === impl Follow ===

impl<'a> Follow<'a> {
    /// Follows what this asks for, after this id; from now on if there is none.
    pub(crate) fn new(client: &'a Client, ask: Ask, after: Option<String>) -> Self {
        let ask = ask.header("accept", "text/event-stream");
        Self {
            client,
            ask,
            last: after,
            given: Vec::new(),
            connection: None,
            was_open: false,
            told: false,
            pause: PAUSE_FIRST,
        }
    }

    /// The next event, unless nobody reads any more what would be told of it.
    pub(crate) async fn next_for(&mut self, out: &Output) -> Result<Happening, Failure> {
        tokio::select! {
            next = self.next() => next,
            closed = out.closed() => Err(closed),
        }
    }

    /// The next event. It ends only for a reason that coming back would not mend, or if nobody ever answered.
    pub(crate) async fn next(&mut self) -> Result<Happening, Failure> {
        loop {
            if self.connection.is_none() {
                self.open().await?;
            }
            match self.receive().await {
                Received::Lost(why) => self.lost(&why).await,
                Received::Frame(frame) if frame.event == END => self.ended(&frame).await?,
                Received::Frame(frame) => {
                    self.pause = PAUSE_FIRST;
                    if let Some(happening) = self.taken(frame) {
                        return Ok(happening);
                    }
                }
            }
        }
    }

    async fn open(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + self.client.patience().usual;
        loop {
            let mut ask = self.ask.clone();
            if let Some(last) = &self.last {
                ask = ask.header("last-event-id", last.as_str());
            }
            match self.client.open(&ask, None).await {
                Ok(response) => return self.opened(response),
                Err(failure) if !may_pass(&failure) => return Err(failure),
                Err(failure) if !self.was_open && Instant::now() + self.pause > deadline => {
                    return Err(failure);
                }
                Err(failure) => self.lost(&chain(&failure)).await,
            }
        }
    }

    fn opened(&mut self, response: Response) -> Result<(), Failure> {
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("text/event-stream")) {
            return Err(self.client.not_berth("no event stream".to_owned()));
        }
        if self.told {
            self.told = false;
            tell("the stream goes on where it was");
        }
        self.was_open = true;
        let (parser, frames) = (Parser::default(), std::collections::VecDeque::new());
        self.connection = Some(Connection { response, parser, frames });
        Ok(())
    }

    /// The next frame of the connection.
    async fn receive(&mut self) -> Received {
        let Some(connection) = &mut self.connection else { return Received::Lost("it is closed".to_owned()) };
        loop {
            if let Some(frame) = connection.frames.pop_front() {
                return Received::Frame(frame);
            }
            let why = match timeout(SILENCE_MAX, connection.response.chunk()).await {
                Ok(Ok(Some(bytes))) => match connection.parser.push(&bytes) {
                    Ok(frames) => {
                        connection.frames.extend(frames);
                        continue;
                    }
                    Err(TooLong) => "it sends a line without an end",
                },
                Ok(Ok(None)) => "the gateway closed it",
                Ok(Err(_)) => "the connection broke",
                Err(_) => "nothing was heard for too long",
            };
            return Received::Lost(why.to_owned());
        }
    }

    async fn lost(&mut self, why: &str) {
        self.connection = None;
        if !self.told {
            self.told = true;
            tell(&format!("the stream is interrupted ({why}); coming back"));
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }

    /// What the gateway says when it ends the stream.
    async fn ended(&mut self, frame: &Frame) -> Result<(), Failure> {
        let problem: Value = serde_json::from_str(&frame.data).unwrap_or_default();
        let text = |name: &str| problem.text(name).trim_end_matches('.').to_owned();
        let failure = Failure::Problem {
            status: problem
                .at("status")
                .as_u64()
                .and_then(|status| u16::try_from(status).ok())
                .unwrap_or(500),
            code: text("code"),
            detail: text("detail"),
            retry_after_seconds: None,
            key: None,
        };
        if may_pass(&failure) {
            self.lost(&chain(&failure)).await;
            Ok(())
        } else {
            Err(failure)
        }
    }

    /// The event, unless it was given before the connection broke.
    fn taken(&mut self, frame: Frame) -> Option<Happening> {
        let Frame { event: kind, data, id } = frame;
        if data.is_empty() {
            self.last = id.or(self.last.take());
            return None;
        }
        let body: Value = serde_json::from_str(&data).unwrap_or_default();
        let event = Event::of(&body);
        let is_new = !self.given.contains(&event);
        if id.is_some() {
            // The whole commit was shown. Of others a part may be to come again: not all come in one order.
            self.given.retain(|given| given.instance != event.instance);
            self.last = id;
        } else if is_new {
            self.given.push(event);
        }
        is_new.then_some(Happening { kind, body })
    }
}

/// Whether coming back may help.
const fn may_pass(failure: &Failure) -> bool {
    matches!(failure, Failure::Unreachable { .. } | Failure::Problem { status: 429 | 502..=504, .. })
}
