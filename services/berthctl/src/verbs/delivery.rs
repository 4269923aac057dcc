//! `berthctl webhook deliveries`, `resend`, `retry`, `recover`, `test`, `secret`, `rotate` and `berthctl delivery …`: what
//! was sent, and sending it again.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::{named, webhook::Which};
use crate::{
    clock::ago,
    failure::Failure,
    http::{Ask, tell},
    json::Fields,
    output::{Column, moment, plain},
    session::Session,
    settings::read_token,
};

/// Deliveries that are asked for at once.
const PAGE: usize = 100;
/// A delivery in a list.
const ROW: [Column; 7] = [
    Column { head: "id", cell: |delivery| plain(delivery.at("id")) },
    Column { head: "event", cell: |delivery| plain(delivery.at("event")) },
    Column { head: "state", cell: |delivery| plain(delivery.at("state")) },
    Column { head: "happened (UTC)", cell: |delivery| moment(delivery.at("occurred_at")) },
    Column { head: "attempts", cell: |delivery| plain(delivery.at("attempts")) },
    Column { head: "last", cell: last },
    Column { head: "next (UTC)", cell: |delivery| moment(delivery.at("next_attempt_at")) },
];
/// A delivery in a list of many endpoints.
const ACCOUNT_ROW: [Column; 7] = [
    Column { head: "id", cell: |delivery| plain(delivery.at("id")) },
    Column { head: "instance", cell: |delivery| plain(delivery.at("instance")) },
    Column { head: "webhook", cell: |delivery| plain(delivery.at("webhook")) },
    Column { head: "event", cell: |delivery| plain(delivery.at("event")) },
    Column { head: "state", cell: |delivery| plain(delivery.at("state")) },
    Column { head: "happened (UTC)", cell: |delivery| moment(delivery.at("occurred_at")) },
    Column { head: "last", cell: last },
];
/// An attempt.
const ATTEMPT: [Column; 5] = [
    Column { head: "attempt", cell: |attempt| plain(attempt.at("number")) },
    Column { head: "began (UTC)", cell: |attempt| moment(attempt.at("started_at")) },
    Column { head: "took ms", cell: |attempt| plain(attempt.at("took_ms")) },
    Column { head: "came of it", cell: result },
    Column { head: "answer", cell: |attempt| plain(attempt.at("answer")) },
];
/// What came of a test.
const TESTED: [Column; 4] = [
    Column { head: "id", cell: |tested| plain(tested.at("id")) },
    Column { head: "took ms", cell: |tested| plain(tested.at("took_ms")) },
    Column { head: "came of it", cell: result },
    Column { head: "answer", cell: |tested| plain(tested.at("answer")) },
];
/// What is to be known of secrets.
const SECRETS: [Column; 3] = [
    Column { head: "secret", cell: |secrets| plain(secrets.at("secret")) },
    Column { head: "public key", cell: |secrets| plain(secrets.at("public_key")) },
    Column { head: "former", cell: former },
];

fn last(delivery: &Value) -> String {
    match plain(delivery.at("last_status")) {
        none if none.is_empty() => plain(delivery.at("last_result")),
        status => status,
    }
}

fn result(attempt: &Value) -> String {
    match plain(attempt.at("status")) {
        none if none.is_empty() => plain(attempt.at("result")),
        status => format!("answered {status}"),
    }
}

fn former(secrets: &Value) -> String {
    let one = |former: &Value| format!("{} until {}", plain(former.at("secret")), moment(former.at("until")));
    secrets.list("former").iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Which deliveries are listed.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// How they stand: waiting, delivered, exhausted, superseded, expired, `cancelled_by_logout`, `cancelled_by_delete`,
    /// `cancelled_by_endpoint`; may be given more than once.
    #[arg(long = "state", value_name = "STATE")]
    states: Vec<String>,
    /// About what happened since then: a moment, or how long ago, such as 20h.
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// About what happened before then.
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// How many, the newest.
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: usize,
}

impl Wanted {
    /// What was sent to an endpoint that is told of all instances.
    pub(super) async fn list_of_many(&self, session: &Session, path: &[&str]) -> Result<(), Failure> {
        self.list(session, Ask::get(path), &ACCOUNT_ROW).await
    }

    /// Every page up to the limit.
    async fn list(&self, session: &Session, ask: Ask, columns: &[Column]) -> Result<(), Failure> {
        let states = (!self.states.is_empty()).then(|| self.states.join(","));
        let ask = ask
            .query("state", states)
            .query("since", self.since.as_deref().map(ago).transpose()?)
            .query("until", self.until.as_deref().map(ago).transpose()?);
        let (mut all, mut before) = (Vec::new(), None::<String>);
        while all.len() < self.limit {
            let limit = (self.limit - all.len()).min(PAGE);
            let page = ask.clone().query("limit", Some(limit)).query("before", before.take());
            let mut page = session.client.send(page).await?.body;
            all.extend(page.take_list("deliveries"));
            before = page.at("next_before").as_str().map(str::to_owned);
            if before.is_none() {
                break;
            }
        }
        if before.is_some() {
            tell("there are more: --limit shows them");
        }
        let whole = json!({ "deliveries": all });
        session.out.list(&whole, whole.list("deliveries"), columns)
    }
}

/// What one webhook was sent.
#[derive(Debug, Args)]
pub(crate) struct Deliveries {
    #[command(flatten)]
    which: Which,
    /// One of them, with its attempts: its `webhook-id`.
    delivery: Option<String>,
    #[command(flatten)]
    wanted: Wanted,
}

impl Deliveries {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let path = self.which.path()?;
        let Some(delivery) = &self.delivery else {
            return self
                .wanted
                .list(session, Ask::get(&[path.as_slice(), &["deliveries"]].concat()), &ROW)
                .await;
        };
        let detail =
            session.client.get(&[path.as_slice(), &["deliveries", named(delivery)?]].concat()).await?;
        if session.out.is_table() {
            session.out.one(detail.at("delivery"), None, &ROW)?;
            session.out.line("")?;
        }
        session.out.list(&detail, detail.list("attempts"), &ATTEMPT)
    }
}

/// One delivery of a webhook.
#[derive(Debug, Args)]
pub(crate) struct Resend {
    #[command(flatten)]
    which: Which,
    /// Its `webhook-id`.
    delivery: String,
}

impl Resend {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let path = self.which.path()?;
        let path = [path.as_slice(), &["deliveries", named(&self.delivery)?, "resend"]].concat();
        done(session, &session.client.send(Ask::post_once(&path, json!({}))).await?.body)
    }
}

/// Tries now what waits for a webhook.
pub(crate) async fn retry(session: &Session, webhook: &[&str]) -> Result<(), Failure> {
    let path = [webhook, &["retry"]].concat();
    done(session, &session.client.send(Ask::post_once(&path, json!({}))).await?.body)
}

/// What was given up of one webhook's.
#[derive(Debug, Args)]
pub(crate) struct Recover {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    from: From,
}

/// From when on.
#[derive(Debug, Args)]
pub(crate) struct From {
    /// About what happened since then: a moment, or how long ago, such as 20h; at most 14 days.
    #[arg(long, value_name = "WHEN")]
    since: String,
}

impl Recover {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let path = [self.which.path()?.as_slice(), &["recover"]].concat();
        let since = ago(&self.from.since)?;
        let mut deliveries = 0;
        loop {
            let ask = Ask::post_once(&path, json!({ "since": since }));
            let mut body = session.client.send(ask).await?.body;
            deliveries += body.at("deliveries").as_u64().unwrap_or_default();
            if body.at("more") != true {
                if let Some(fields) = body.as_object_mut() {
                    fields.insert("deliveries".to_owned(), deliveries.into());
                }
                return done(session, &body);
            }
        }
    }
}

/// Sends a test notice; one that is not taken is not so.
pub(crate) async fn test(session: &Session, webhook: &[&str]) -> Result<(), Failure> {
    let path = [webhook, &["test"]].concat();
    let tested = session.client.send(Ask::post_once(&path, json!({}))).await?.body;
    let is_delivered = tested.at("delivered") == true;
    let sentence = if is_delivered { "The webhook took it." } else { "The webhook did not take it." };
    session.out.one(&tested, Some(sentence), &TESTED)?;
    if is_delivered { Ok(()) } else { Err(Failure::NotSo(sentence.to_owned())) }
}

/// Shows the signing secrets.
pub(crate) async fn secret(session: &Session, webhook: &[&str]) -> Result<(), Failure> {
    let path = [webhook, &["secret"]].concat();
    session.out.one(&session.client.get(&path).await?, None, &SECRETS)
}

/// Another signing secret of an instance's webhook.
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    secret: NewSecret,
}

/// Another signing secret.
#[derive(Debug, Args)]
pub(crate) struct NewSecret {
    /// A file with the new one; made up if it is left out.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// For how many hours the former one signs beside it, 168 at most; with 0 it ends at once.
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    overlap_hours: u32,
}

impl Rotate {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        self.secret.give(session, &self.which.path()?).await
    }
}

impl NewSecret {
    /// Gives it to a webhook.
    pub(super) async fn give(self, session: &Session, webhook: &[&str]) -> Result<(), Failure> {
        let mut body = Map::new();
        body.insert("overlap_hours".to_owned(), self.overlap_hours.into());
        if let Some(path) = &self.secret_file {
            body.insert("secret".to_owned(), read_token(path)?.expose_secret().into());
        }
        let path = [webhook, &["secret"]].concat();
        let rotated = session.client.command(Ask::post(&path, body.into())).await?.body;
        session.out.one(&rotated, None, &SECRETS)
    }
}

// === an account ===

const EXAMPLES: &str = "\
Examples:
  What nobody will hear of any more:
    berthctl delivery ls --state exhausted

  After an outage of the receivers, all that was given up, in order:
    berthctl delivery recover --since 20h";

/// What can be asked of what all webhooks of the account were sent.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Verb {
    /// List what was sent, and what came of it.
    #[command(visible_alias = "list")]
    Ls {
        /// The id, name or number of one instance.
        #[arg(long, value_name = "INSTANCE")]
        instance: Option<String>,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Send again what was given up since a moment, to every enabled webhook.
    Recover {
        #[command(flatten)]
        from: From,
    },
}

impl Verb {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Ls { instance, wanted } => {
                let ask = Ask::get(&["v1", "deliveries"]).query("instance", instance);
                wanted.list(session, ask, &ACCOUNT_ROW).await
            }
            Self::Recover { from } => recover_all(session, &ago(&from.since)?).await,
        }
    }
}

/// Every instance, and every endpoint until it has no more.
async fn recover_all(session: &Session, since: &str) -> Result<(), Failure> {
    let (mut deliveries, mut silent, mut cursor, mut more) = (0, 0, Value::Null, false);
    loop {
        let body = json!({ "since": since, "cursor": cursor });
        let ask = Ask::post_once(&["v1", "deliveries", "recover"], body);
        let page = session.client.send(ask).await?.body;
        deliveries += page.at("deliveries").as_u64().unwrap_or_default();
        silent += page.at("silent").as_u64().unwrap_or_default();
        more |= page.at("more") == true;
        cursor = page.at("next_cursor").clone();
        if !cursor.is_null() {
            continue;
        }
        if std::mem::take(&mut more) {
            silent = 0;
            continue;
        }
        return done(session, &json!({ "deliveries": deliveries, "silent": silent }));
    }
}

/// Says what is on its way.
fn done(session: &Session, body: &Value) -> Result<(), Failure> {
    let count = body.at("deliveries").as_u64().unwrap_or_default();
    let said = match count {
        0 => "Nothing is to be sent again".to_owned(),
        1 => "1 delivery is on its way".to_owned(),
        count => format!("{count} deliveries are on their way"),
    };
    let besides = match body.at("silent").as_u64() {
        Some(silent @ 1..) => {
            format!("; {silent} webhooks may be told nothing, since their instance is silent")
        }
        _ => String::new(),
    };
    session.out.one(body, Some(&format!("{said}{besides}.")), &[])
}
