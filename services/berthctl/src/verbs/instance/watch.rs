//! `berthctl instance watch`

use std::time::Duration;

use clap::Args;
use serde_json::Value;
use tokio::time::timeout;

use super::{name, path};
use crate::{
    failure::Failure,
    http::{Ask, Follow},
    json::Fields,
    output::{moment, sentence},
    session::Session,
    verbs::everything::Everything,
};

const EXAMPLES: &str = "\
Examples:
  berthctl instance watch shop
  berthctl instance watch shop --until linked --for 120 && echo ready
  berthctl instance watch

It goes on when the gateway is restarted, and tells each change once.
Without an instance it tells of each that changes in the account.";

/// Tell how an instance stands, and each time that it changes; without one, of all that change.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Watch {
    /// Its id, name or number. All instances of the account if it is left out.
    instance: Option<String>,
    /// End as soon as it is in one of these states, separated by commas; `open` is a link whose connection is open.
    #[arg(long, value_name = "STATES", value_delimiter = ',', requires = "instance")]
    until: Vec<String>,
    /// End after so many seconds; with --until that is a failure.
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
}

impl Watch {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let Some(seconds) = self.seconds else { return self.watch(session).await };
        match timeout(Duration::from_secs(seconds), self.watch(session)).await {
            Ok(ended) => ended,
            Err(_) if self.until.is_empty() => Ok(()),
            Err(_) => Err(Failure::NotSo(format!("not {} within {seconds} s", self.until.join(" or ")))),
        }
    }

    async fn watch(&self, session: &Session) -> Result<(), Failure> {
        let Some(instance) = &self.instance else { return watch_all(session).await };
        let mut now = session.client.get(&path(instance)?).await?;
        // By its id, so that a delete or another name does not hide it.
        let id = now.at("id").as_str().unwrap_or(instance).to_owned();
        let stream = Ask::get(&["v1", "instances", &id, "events", "stream"]);
        let mut follow = Follow::new(&session.client, stream, Some(now.at("version").to_string()));
        tell(session, &now)?;
        while !self.is_reached(&now) {
            match follow.next_for(&session.out).await {
                // Shown with the one before: a commit has several events, and the read may be ahead of the stream.
                Ok(happened) if happened.body.at("version").as_u64() <= now.at("version").as_u64() => {
                    continue;
                }
                Ok(_) => {}
                // The stream of a deleted instance may end before it tells of that.
                Err(failure) if matches!(failure.problem(), Some("not_found" | "deleted")) => {}
                Err(failure) => return Err(failure),
            }
            now = session.client.get(&path(&id)?).await?;
            tell(session, &now)?;
        }
        if self.until.is_empty() || self.is_as_wanted(&now) {
            return Ok(());
        }
        Err(Failure::NotSo(format!("it was deleted before it was {}", self.until.join(" or "))))
    }

    /// Nothing comes after a delete.
    fn is_reached(&self, now: &Value) -> bool {
        now.at("state") == "deleted" || self.is_as_wanted(now)
    }

    fn is_as_wanted(&self, now: &Value) -> bool {
        let state = now.text("state");
        self.until.iter().any(|wanted| wanted == state || wanted == "open" && now.at("connection") == "open")
    }
}

/// Tells of each instance that changes.
async fn watch_all(session: &Session) -> Result<(), Failure> {
    let mut everything = Everything::of(session);
    loop {
        let now = everything.next_instance().await?;
        if session.out.is_table() {
            let (at, name) = (moment(now.at("updated_at")), name(&now));
            session.out.line(&format!("{at}  {name}: {}", sentence(&now)))?;
        } else {
            session.out.item(&now)?;
        }
    }
}

fn tell(session: &Session, now: &Value) -> Result<(), Failure> {
    if session.out.is_table() {
        session.out.line(&format!("{}  {}", moment(now.at("updated_at")), sentence(now)))
    } else {
        session.out.item(now)
    }
}
