//! Asking Berth over HTTP.

mod ask;
mod follow;
mod sse;

use std::{
    cell::Cell,
    io::{self, Write},
    time::Duration,
};

use jiff::Timestamp;
use reqwest::{Response, StatusCode, Url, header, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::{Instant, sleep};

pub(crate) use ask::Ask;
pub(crate) use follow::Follow;

use crate::{
    failure::{Failure, chain},
    json::Fields,
    settings::Settings,
};

/// How long connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long an answer may take: a `connect` waits for its code for up to a minute.
const ANSWER_MAX: Duration = Duration::from_secs(75);
/// Bytes of an answer: a page of 500 instances has far less.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The first pause before a request is sent again, which doubles.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
/// The longest of them.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Sends requests to one gateway with one token.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: Url,
    token: Option<SecretString>,
    /// For how long a request that got no answer is sent again.
    patience: Patience,
    /// The idempotency key that the person gave, for the one command of this run.
    key: Option<String>,
    /// Whether that key was used.
    key_used: Cell<bool>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The body.
    pub(crate) body: Value,
    /// The moment of the answer on the clock of the server.
    pub(crate) at: Option<Timestamp>,
    /// Whether it is the answer to an earlier request with the same key.
    pub(crate) replayed: bool,
}

/// For how long a request is sent again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// While nobody answers, or Berth says that it cannot.
    pub(crate) usual: Duration,
    /// While something is not signed yet: checkpoints are a minute apart unless the operator sets something else.
    signed: Duration,
}

// === impl Patience ===

impl Patience {
    /// The same for everything.
    pub(crate) const fn of(time: Duration) -> Self {
        Self { usual: time, signed: time }
    }

    fn with(&self, failure: &Failure) -> Duration {
        if failure.problem() == Some("not_signed_yet") { self.signed } else { self.usual }
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self { usual: Duration::from_secs(30), signed: Duration::from_secs(90) }
    }
}

// === impl Client ===

impl Client {
    /// A client with these settings.
    pub(crate) fn new(settings: Settings, patience: Patience, key: Option<String>) -> Result<Self, Failure> {
        let Settings { url, token } = settings;
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_MAX)
            // A gateway never redirects, and a token goes to nobody else.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("berthctl/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&url) {
            // A proxy would be shown the token, and could not reach this machine anyway.
            http = http.no_proxy();
        }
        let http = http
            .build()
            .map_err(|error| Failure::System { what: "to make a client", source: io::Error::other(error) })?;
        Ok(Self { http, url, token, patience, key, key_used: Cell::new(false) })
    }

    /// The address that it asks.
    pub(crate) const fn url(&self) -> &Url {
        &self.url
    }

    /// For how long it asks again.
    pub(crate) const fn patience(&self) -> Patience {
        self.patience
    }

    /// Refuses a key that would have to stand for several commands.
    pub(crate) fn check_many(&self) -> Result<(), Failure> {
        match self.key {
            None => Ok(()),
            Some(_) => Err(Failure::usage(
                "--key stands for one command, and this would be several",
                "Run it once for each, with a key for each.",
            )),
        }
    }

    /// Asks until there is an answer: one that may be repeated is sent again while nobody answers, or while Berth says
    /// that it cannot at this moment.
    pub(crate) async fn send(&self, ask: Ask) -> Result<Answer, Failure> {
        let ask = self.keyed(ask)?;
        let began = Instant::now();
        let (mut pause, mut told) = (PAUSE_FIRST, false);
        loop {
            let failure = match self.once(&ask).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let Some(wait) = again_after(&failure, &ask, pause) else { return Err(failure) };
            let deadline = began + self.patience.with(&failure);
            if Instant::now() + wait > deadline {
                return Err(failure);
            }
            if !told {
                told = true;
                let left = deadline.saturating_duration_since(Instant::now()).as_secs();
                tell(&format!("{}; trying again for up to {left} s", chain(&failure)));
            }
            sleep(wait).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// The body of a read.
    pub(crate) async fn get(&self, path: &[&str]) -> Result<Value, Failure> {
        Ok(self.send(Ask::get(path)).await?.body)
    }

    /// A command that says so if its key was answered before.
    pub(crate) async fn command(&self, ask: Ask) -> Result<Answer, Failure> {
        let answer = self.send(ask).await?;
        if answer.replayed && self.key.is_some() {
            tell("this key was answered before: here is that answer, and nothing was done a second time");
        }
        Ok(answer)
    }

    /// One attempt.
    async fn once(&self, ask: &Ask) -> Result<Answer, Failure> {
        let response = self.open(ask, Some(ANSWER_MAX)).await?;
        let headers = response.headers();
        let at = headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let at = at.and_then(|date| Timestamp::try_from(httpdate::parse_http_date(date).ok()?).ok());
        let replayed = headers.contains_key("idempotency-replayed");
        let (status, bytes) = self.body_of(response, ask).await?;
        if status == StatusCode::NO_CONTENT {
            return Ok(Answer { body: Value::Null, at, replayed });
        }
        match serde_json::from_slice(&bytes) {
            Ok(body) => Ok(Answer { body, at, replayed }),
            Err(_) => Err(self.not_berth(format!("status {status} with a body that is no JSON"))),
        }
    }

    /// An answer whose head says that it is fine; anything else is read and told.
    async fn open(&self, ask: &Ask, timeout: Option<Duration>) -> Result<Response, Failure> {
        let mut url = self.url.clone();
        ask.address(&mut url).map_err(|()| self.not_berth("it has no paths".to_owned()))?;
        let mut request = self.http.request(ask.method().clone(), url);
        if let Some(timeout) = timeout {
            request = request.timeout(timeout);
        }
        match &self.token {
            Some(token) if !ask.is_open() => request = request.bearer_auth(token.expose_secret()),
            None if !ask.is_open() => return Err(Failure::NoToken { url: self.url.to_string() }),
            _ => {}
        }
        for (name, value) in ask.headers() {
            request = request.header(*name, value);
        }
        if let Some(body) = ask.body() {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error, ask))?;
        if response.status().is_success() || ask.takes(response.status()) {
            return Ok(response);
        }
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after_seconds = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let (status, bytes) = self.body_of(response, ask).await?;
        let problem: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        match (problem.at("code").as_str(), problem.at("detail").as_str()) {
            (Some(code), Some(detail)) => Err(Failure::Problem {
                status: status.as_u16(),
                code: code.to_owned(),
                detail: detail.trim_end_matches('.').to_owned(),
                retry_after_seconds,
                key: if code == "unavailable" { ask.key().map(str::to_owned) } else { None },
            }),
            // What stands before a gateway answers for it while it is away.
            _ if matches!(status.as_u16(), 502..=504) => Err(Failure::Unreachable {
                url: self.url.to_string(),
                cause: format!("what stands before it says {status}"),
                key: ask.key().map(str::to_owned),
            }),
            _ => Err(self.not_berth(format!("status {status}"))),
        }
    }

    async fn body_of(&self, mut response: Response, ask: &Ask) -> Result<(StatusCode, Vec<u8>), Failure> {
        let (status, mut bytes) = (response.status(), Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error, ask))? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(self.not_berth("its answer has no end".to_owned()));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok((status, bytes))
    }

    /// The command with the key of this run.
    fn keyed(&self, ask: Ask) -> Result<Ask, Failure> {
        if !ask.is_keyed() {
            return Ok(ask);
        }
        let Some(key) = &self.key else { return ask.with_new_key() };
        if self.key_used.replace(true) { ask.with_new_key() } else { Ok(ask.with_key(key)) }
    }

    fn unreachable(&self, error: &reqwest::Error, ask: &Ask) -> Failure {
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        let cause = if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() };
        // A connection that was never made carried no command.
        let key = ask.key().filter(|_| !error.is_connect()).map(str::to_owned);
        Failure::Unreachable { url: self.url.to_string(), cause, key }
    }

    fn not_berth(&self, what: String) -> Failure {
        Failure::NotBerth { url: self.url.to_string(), what }
    }
}

/// After how long the same may be sent again; never if that could do it twice or would not help.
fn again_after(failure: &Failure, ask: &Ask, pause: Duration) -> Option<Duration> {
    match failure {
        Failure::Unreachable { .. } if ask.is_safe_to_repeat() => Some(pause),
        Failure::Problem { status: 429 | 503, retry_after_seconds, .. } if ask.is_safe_to_repeat() => {
            Some(retry_after_seconds.map_or(pause, |seconds| Duration::from_secs(seconds).max(pause)))
        }
        _ => None,
    }
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let host = host.trim_matches(['[', ']']);
        host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
    })
}

/// Tells the person something that is no part of the answer.
pub(crate) fn tell(text: &str) {
    let _unwritable = writeln!(io::stderr(), "berthctl: {text}");
}
