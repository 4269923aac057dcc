//! `berthctl webhook …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::{
    account_webhook::Verb as OfAccount,
    delivery::{self, Deliveries, Recover, Resend, Rotate},
    named,
};
use crate::{
    clock,
    failure::Failure,
    http::Ask,
    json::Fields,
    output::{Column, moment, plain},
    session::Session,
    settings::read_token,
};

/// A line of a list.
const ROW: [Column; 6] = [
    Column { head: "id", cell: |webhook| plain(webhook.at("id")) },
    Column { head: "enabled", cell: enabled },
    Column { head: "format", cell: |webhook| plain(webhook.at("format")) },
    Column { head: "url", cell: |webhook| plain(webhook.at("url")) },
    Column { head: "events", cell: events },
    Column { head: "label", cell: |webhook| plain(webhook.at("label")) },
];
/// What is to be known of one.
const CARD: [Column; 16] = [
    Column { head: "id", cell: |webhook| plain(webhook.at("id")) },
    Column { head: "url", cell: |webhook| plain(webhook.at("url")) },
    Column { head: "enabled", cell: |webhook| plain(webhook.at("enabled")) },
    Column { head: "failing since", cell: |webhook| failing(webhook, "since") },
    Column { head: "left alone until", cell: |webhook| failing(webhook, "left_alone_until") },
    Column { head: "format", cell: |webhook| plain(webhook.at("format")) },
    Column { head: "events", cell: events },
    Column { head: "after logout", cell: |webhook| plain(webhook.at("after_logout")) },
    Column { head: "headers", cell: |webhook| filled(webhook.at("headers")) },
    Column { head: "authorization", cell: |webhook| plain(webhook.at("authorization")) },
    Column { head: "a second at most", cell: |webhook| plain(webhook.at("rate")) },
    Column { head: "at once at most", cell: |webhook| plain(webhook.at("concurrency")) },
    Column { head: "tried again after", cell: retries },
    Column { head: "label", cell: |webhook| plain(webhook.at("label")) },
    Column { head: "changed", cell: |webhook| moment(webhook.at("updated_at")) },
    Column { head: "secret", cell: |webhook| plain(webhook.at("secret")) },
];

/// Whether it receives anything, and whether it takes it.
fn enabled(webhook: &Value) -> String {
    let enabled = plain(webhook.at("enabled"));
    match (failing(webhook, "since").is_empty(), failing(webhook, "left_alone_until").is_empty()) {
        (true, _) => enabled,
        (false, true) => format!("{enabled}, failing"),
        (false, false) => format!("{enabled}, left alone"),
    }
}

/// A moment of how it fares; empty while it takes what it is sent.
fn failing(webhook: &Value, moment_of: &str) -> String {
    webhook.get("failing").map(|failing| moment(failing.at(moment_of))).unwrap_or_default()
}

fn events(webhook: &Value) -> String {
    match plain(webhook.at("events")) {
        none if none.is_empty() => "all".to_owned(),
        some => some,
    }
}

/// The delays that it has of its own; empty with the usual ones.
fn retries(webhook: &Value) -> String {
    let Some(delays) = webhook.at("retries").as_array() else { return String::new() };
    let delays: Vec<_> = delays.iter().map(|delay| format!("{} s", plain(delay))).collect();
    if delays.is_empty() { NO_RETRIES.to_owned() } else { delays.join(", ") }
}

fn filled(value: &Value) -> String {
    if value.as_object().is_some_and(Map::is_empty) { String::new() } else { plain(value) }
}

/// What stands for no other attempt than the first, and for the usual ones.
const NO_RETRIES: &str = "none";
const USUAL_RETRIES: &str = "usual";

const ADD: &str = "\
Examples:
  berthctl webhook add shop https://example.com/hook --secrets-to shop.secret
  berthctl webhook add shop https://example.com/hook --event instance.linked
  berthctl webhook add shop https://example.com/evolution --format evolution
  berthctl webhook add shop https://example.com/hook --retries 10s,1m,10m

The answer shows the signing secret once.";

const DELIVERIES: &str = "\
Examples:
  berthctl webhook deliveries shop 06… --state exhausted --since 2d
  berthctl webhook deliveries shop 06… msg_…";

const RECOVER: &str = "\
Examples:
  berthctl webhook recover shop 06… --since 20h
  berthctl webhook recover shop 06… --since 2026-11-21T12:00:00Z";

/// What can be done with the webhooks of an instance, or of the account.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List them.
    #[command(visible_alias = "list")]
    Ls {
        /// The id, name or number of the instance.
        instance: String,
    },
    /// Show one.
    #[command(visible_alias = "show")]
    Get(Which),
    /// Add one.
    #[command(after_help = ADD)]
    Add(Add),
    /// Change one; what is left out stays, its secret too.
    Set(Set),
    /// Remove one; what waits for it is cancelled.
    #[command(visible_alias = "delete")]
    Rm(Which),
    /// List what one was sent and what came of it; or show one delivery with its attempts.
    #[command(after_help = DELIVERIES)]
    Deliveries(Deliveries),
    /// Send one delivery again, whatever became of it.
    Resend(Resend),
    /// Try now what waits.
    Retry(Which),
    /// Send again what was given up since a moment, in order.
    #[command(after_help = RECOVER)]
    Recover(Recover),
    /// Send one a notice that says nothing, and say what came of it.
    Test(Which),
    /// Show the signing secrets of one.
    Secret(Which),
    /// Change the signing secret of one; the former one signs beside it for a while.
    Rotate(Rotate),
    /// The webhooks of the account: each is told of all its instances, those to come included.
    #[command(subcommand)]
    Account(OfAccount),
}

/// One webhook.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The id, name or number of the instance.
    instance: String,
    /// The id of the webhook.
    webhook: String,
}

/// A new webhook of an instance.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The id, name or number of the instance.
    instance: String,
    #[command(flatten)]
    new: New,
}

/// A new webhook.
#[derive(Debug, Args)]
pub(crate) struct New {
    /// Where notices are sent.
    #[arg(value_name = "URL")]
    target: String,
    /// Whose bodies are sent.
    #[arg(long, value_name = "FORMAT")]
    #[arg(value_parser = ["native", "evolution", "ryze", "codechat", "mega", "green", "evolution-go"])]
    format: Option<String>,
    #[command(flatten)]
    content: Content,
    /// A file with the signing secret that it shall have; made up if it is left out.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Send it nothing yet.
    #[arg(long)]
    disabled: bool,
}

/// What shall be another of a webhook of an instance.
#[derive(Debug, Args)]
pub(crate) struct Set {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    change: Change,
}

/// What shall be another of a webhook.
#[derive(Debug, Args)]
pub(crate) struct Change {
    /// Where notices are sent.
    #[arg(long = "to", value_name = "URL")]
    target: Option<String>,
    #[command(flatten)]
    content: Content,
    /// Send it every event of its format.
    #[arg(long, conflicts_with = "events")]
    all_events: bool,
    /// Send it notices again.
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Send it nothing any more.
    #[arg(long)]
    disable: bool,
}

/// What a webhook is told, and how.
#[derive(Debug, Args)]
struct Content {
    /// An event that it wants, in the words of its format; may be given more than once, all if it is left out.
    #[arg(long = "event", value_name = "NAME")]
    events: Vec<String>,
    /// A header of its own; may be given more than once.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// A file with the value of its `Authorization` header.
    #[arg(long, value_name = "FILE")]
    authorization_file: Option<PathBuf>,
    /// What it is told between a logout and the next link: nothing but codes, or everything.
    #[arg(long, value_name = "WHAT")]
    after_logout: Option<AfterLogout>,
    /// How many notices it is sent in a second at most, from 1 to 1,000; 0 is without a bound of its own.
    #[arg(long, value_name = "COUNT")]
    rate: Option<u32>,
    /// How many notices it is sent at the same time at most, from 1 to 192; 0 is without a bound of its own.
    #[arg(long, value_name = "COUNT")]
    concurrency: Option<u32>,
    /// How long after a failure a notice is tried again, one after the other, such as 10s,1m,10m; `none` is one attempt, `usual` are the
    /// delays of every webhook.
    #[arg(long, value_name = "DELAYS")]
    retries: Option<String>,
    /// A text of your own.
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
}

/// What is told after a logout.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum AfterLogout {
    Silent,
    All,
}

impl Content {
    /// Puts what was given into a body.
    fn put(self, body: &mut Map<String, Value>) -> Result<(), Failure> {
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        if !self.events.is_empty() {
            put("events", self.events.into());
        }
        if !self.headers.is_empty() {
            let headers: Result<Map<String, Value>, Failure> =
                self.headers.iter().map(|header| split(header)).collect();
            put("headers", headers?.into());
        }
        if let Some(path) = &self.authorization_file {
            put("authorization", line_of(path)?.into());
        }
        if let Some(after_logout) = self.after_logout {
            let word = match after_logout {
                AfterLogout::Silent => "silent",
                AfterLogout::All => "all",
            };
            put("after_logout", word.into());
        }
        for (name, most) in [("rate", self.rate), ("concurrency", self.concurrency)] {
            match most {
                Some(0) => drop(put(name, Value::Null)),
                Some(most) => drop(put(name, most.into())),
                None => {}
            }
        }
        if let Some(delays) = &self.retries {
            put("retries", delays_of(delays)?);
        }
        if let Some(label) = self.label {
            put("label", label.into());
        }
        Ok(())
    }
}

/// Delays as the API takes them; null are the usual ones.
fn delays_of(text: &str) -> Result<Value, Failure> {
    let seconds = match text {
        USUAL_RETRIES => return Ok(Value::Null),
        NO_RETRIES => Some(Vec::new()),
        delays => delays.split(',').map(|delay| clock::seconds(delay.trim())).collect::<Option<Vec<_>>>(),
    };
    seconds.map(Value::from).ok_or_else(|| {
        Failure::usage(
            format!("--retries {text:?} are no delays"),
            "Delays such as 10s,1m,10m are expected, `none`, or `usual`.",
        )
    })
}

fn split(header: &str) -> Result<(String, Value), Failure> {
    let (name, value) = header.split_once(':').ok_or_else(|| {
        Failure::usage(format!("--header {header:?} has no colon"), "--header 'X-Name: value' is expected.")
    })?;
    Ok((name.trim().to_owned(), value.trim().into()))
}

/// The one line of a file.
fn line_of(path: &std::path::Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::File {
        path: path.to_owned(),
        what: format!("cannot be read: {error}"),
        advice: "A file with the value of the header and nothing else is expected.".to_owned(),
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

impl Verb {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let client = &session.client;
        match self {
            Self::Ls { instance } => list(session, &["v1", "instances", named(&instance)?, "webhooks"]).await,
            Self::Get(which) => show(session, &client.get(&which.path()?).await?),
            Self::Add(add) => add.run(session).await,
            Self::Set(set) => set.run(session).await,
            Self::Rm(which) => remove(session, &which.path()?).await,
            Self::Deliveries(deliveries) => deliveries.run(session).await,
            Self::Resend(resend) => resend.run(session).await,
            Self::Retry(which) => delivery::retry(session, &which.path()?).await,
            Self::Recover(recover) => recover.run(session).await,
            Self::Test(which) => delivery::test(session, &which.path()?).await,
            Self::Secret(which) => delivery::secret(session, &which.path()?).await,
            Self::Rotate(rotate) => rotate.run(session).await,
            Self::Account(verb) => verb.run(session).await,
        }
    }
}

impl Which {
    pub(super) fn path(&self) -> Result<[&str; 5], Failure> {
        Ok(["v1", "instances", named(&self.instance)?, "webhooks", named(&self.webhook)?])
    }
}

impl Add {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let path = ["v1", "instances", named(&self.instance)?, "webhooks"];
        self.new.add(session, &path).await
    }
}

impl New {
    /// Adds it where webhooks are added.
    pub(super) async fn add(self, session: &Session, path: &[&str]) -> Result<(), Failure> {
        let mut body = Map::new();
        body.insert("url".to_owned(), self.target.into());
        if let Some(format) = self.format {
            body.insert("format".to_owned(), format.into());
        }
        self.content.put(&mut body)?;
        if self.disabled {
            body.insert("enabled".to_owned(), false.into());
        }
        match &self.secret_file {
            Some(path) => {
                body.insert("secret".to_owned(), read_token(path)?.expose_secret().into());
            }
            // A signature that nobody can check is worth nothing.
            None => session.out.check_secrets()?,
        }
        show(session, &session.client.command(Ask::post(path, body.into())).await?.body)
    }
}

impl Set {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        self.change.make(session, &self.which.path()?).await
    }
}

impl Change {
    /// Makes it where the webhook is.
    pub(super) async fn make(self, session: &Session, path: &[&str]) -> Result<(), Failure> {
        let mut body = Map::new();
        if let Some(url) = self.target {
            body.insert("url".to_owned(), url.into());
        }
        self.content.put(&mut body)?;
        if self.all_events {
            body.insert("events".to_owned(), json!([]));
        }
        if self.enable || self.disable {
            body.insert("enabled".to_owned(), self.enable.into());
        }
        if body.is_empty() {
            return Err(Failure::usage("nothing would change", "`--help` lists what can."));
        }
        show(session, &session.client.command(Ask::patch(path, body.into())).await?.body)
    }
}

/// Lists those that are there.
pub(super) async fn list(session: &Session, path: &[&str]) -> Result<(), Failure> {
    let all = session.client.get(path).await?;
    session.out.list(&all, all.list("webhooks"), &ROW)
}

/// Removes one.
pub(super) async fn remove(session: &Session, path: &[&str]) -> Result<(), Failure> {
    session.client.command(Ask::delete(path)).await?;
    crate::http::tell("the webhook is removed; what waited for it is cancelled");
    Ok(())
}

pub(super) fn show(session: &Session, webhook: &Value) -> Result<(), Failure> {
    session.out.one(webhook, None, &CARD)
}
