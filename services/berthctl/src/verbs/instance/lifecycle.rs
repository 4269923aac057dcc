//! `berthctl instance logout`, `disconnect`, `reconnect` and `restart`

use clap::Args;
use serde_json::{Value, json};

use super::{path, show};
use crate::{failure::Failure, http::Ask, session::Session};

const LOGOUT: &str = "\
Examples:
  berthctl instance logout shop --wait
  berthctl instance ls --state paused -o name | xargs -d '\\n' \\
    berthctl instance logout --yes

A logout of an instance without a session changes nothing and succeeds.";

/// End the session: the device is unlinked, webhooks fall silent, and the instance waits for the next connect.
#[derive(Debug, Args)]
#[command(after_help = LOGOUT)]
pub(crate) struct Logout {
    /// Their ids, names or numbers.
    #[arg(required = true)]
    instances: Vec<String>,
    /// Wait until the device is unlinked, for half a minute at most.
    #[arg(long)]
    wait: bool,
}

/// Close the connection and keep the link, until `reconnect` or `connect`.
#[derive(Debug, Args)]
pub(crate) struct Disconnect {
    /// Their ids, names or numbers.
    #[arg(required = true)]
    instances: Vec<String>,
}

/// Open the connection of a link that there is.
#[derive(Debug, Args)]
pub(crate) struct Reconnect {
    /// Their ids, names or numbers.
    #[arg(required = true)]
    instances: Vec<String>,
}

/// Close the connection and open it again.
#[derive(Debug, Args)]
pub(crate) struct Restart {
    /// Their ids, names or numbers.
    #[arg(required = true)]
    instances: Vec<String>,
}

impl Logout {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        if let [_, _, ..] = self.instances.as_slice() {
            let (many, names) = (self.instances.len(), self.instances.join(", "));
            session.confirm(&format!("Log {many} instances out, and unlink their devices: {names}?"))?;
        }
        let body = if self.wait { json!({ "wait": "unlinked" }) } else { json!({}) };
        each(session, &self.instances, "logout", body).await
    }
}

impl Disconnect {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        each(session, &self.instances, "disconnect", json!({})).await
    }
}

impl Reconnect {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        each(session, &self.instances, "reconnect", json!({})).await
    }
}

impl Restart {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        each(session, &self.instances, "restart", json!({})).await
    }
}

async fn each(session: &Session, names: &[String], action: &str, body: Value) -> Result<(), Failure> {
    session
        .each(names, async |name| {
            let [v1, instances, name] = path(name)?;
            let ask = Ask::post(&[v1, instances, name, action], body.clone());
            let answer = session.client.command(ask).await?;
            show(session, &answer.body)
        })
        .await
}
