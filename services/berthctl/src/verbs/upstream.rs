//! `berthctl upstream …`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::named;
use crate::{
    failure::Failure,
    http::{Ask, tell},
    json::Fields,
    output::{Column, plain},
    session::Session,
};

/// Instances that one request is about, so that it is seen how far it is.
const ADOPTED_AT_ONCE: usize = 25;
/// What is to be known of an upstream.
const UPSTREAMS: [Column; 7] = [
    Column { head: "name", cell: |upstream| plain(upstream.at("name")) },
    Column { head: "mode", cell: |upstream| plain(upstream.at("mode")) },
    Column { head: "healthy", cell: |upstream| plain(upstream.at("healthy")) },
    Column { head: "version", cell: |upstream| plain(upstream.at("version")) },
    Column { head: "url", cell: |upstream| plain(upstream.at("url")) },
    Column { head: "calls", cell: |upstream| plain(upstream.at("callback_url")) },
    Column { head: "trouble", cell: |upstream| plain(upstream.at("trouble")) },
];
/// What becomes of an instance there.
const INSTANCES: [Column; 3] = [
    Column { head: "name", cell: |instance| plain(instance.at("name")) },
    Column { head: "outcome", cell: |instance| plain(instance.at("outcome")) },
    Column { head: "reason", cell: |instance| plain(instance.at("reason")) },
];

/// What can be done with gateways that run already; all of it with the root key.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List them, and how they answer.
    #[command(visible_alias = "list")]
    Ls,
    /// Make an instance here of each that is there, with its name, its token and its linked device.
    Adopt(Adopt),
}

/// What is adopted, for whom.
#[derive(Debug, Args)]
pub(crate) struct Adopt {
    /// The name of the upstream.
    upstream: String,
    /// The id of the account that the instances shall belong to; the only one if there is one.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Only these instances, by their names there.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Adopt those again that were deleted here.
    #[arg(long)]
    deleted_too: bool,
    /// Only say what would happen.
    #[arg(long)]
    dry_run: bool,
}

impl Verb {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Ls => {
                let all = session.client.get(&["v1", "upstreams"]).await?;
                session.out.list(&all, all.list("upstreams"), &UPSTREAMS)
            }
            Self::Adopt(adopt) => adopt.run(session).await,
        }
    }
}

impl Adopt {
    /// Shows what will happen, does it after a question, and tells what came of it.
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let account = match &self.account {
            Some(account) => account.clone(),
            None => only_account(session).await?,
        };
        let only = (!self.only.is_empty()).then_some(self.only.as_slice());
        let planned = self.ask(session, &account, only, true).await?;
        if self.dry_run {
            return told(session, planned.list("instances"));
        }
        let to_adopt: Vec<String> = planned
            .list("instances")
            .iter()
            .filter(|one| one.text("outcome") == "to_adopt")
            .map(|one| one.text("name").to_owned())
            .collect();
        if to_adopt.is_empty() {
            return told(session, planned.list("instances"));
        }
        if session.out.is_table() {
            session.out.list(&planned, planned.list("instances"), &INSTANCES)?;
        }
        session.confirm(&format!("Adopt {} for the account {account}?", instances(to_adopt.len())))?;
        let mut outcomes: Vec<Value> = Vec::new();
        for names in to_adopt.chunks(ADOPTED_AT_ONCE) {
            let done = self.ask(session, &account, Some(names), false).await?;
            outcomes.extend(done.list("instances").iter().cloned());
            tell(&format!("{} of {} looked after", outcomes.len(), instances(to_adopt.len())));
        }
        let others = planned.list("instances").iter().filter(|one| one.text("outcome") != "to_adopt");
        outcomes.extend(others.cloned());
        told(session, &outcomes)
    }

    async fn ask(
        &self,
        session: &Session,
        account: &str,
        only: Option<&[String]>,
        dry_run: bool,
    ) -> Result<Value, Failure> {
        let path = ["v1", "upstreams", named(&self.upstream)?, "adopt"];
        // Null is the same as left out: all of them.
        let body = json!({
            "account": account, "dry_run": dry_run, "only": only, "deleted_too": self.deleted_too,
        });
        Ok(session.client.command(Ask::post(&path, body)).await?.body)
    }
}

/// Shows what came of each. That one is refused is a failure, also of what is only said.
fn told(session: &Session, outcomes: &[Value]) -> Result<(), Failure> {
    let count = |outcome: &str| outcomes.iter().filter(|one| one.text("outcome") == outcome).count();
    let refused = count("refused");
    let whole = json!({
        "adopted": count("adopted") + count("to_adopt"), "present": count("present"),
        "deleted_here": count("deleted_here"), "refused": refused, "instances": outcomes,
    });
    session.out.list(&whole, outcomes, &INSTANCES)?;
    if refused > 0 {
        return Err(Failure::NotSo(format!("{} refused", instances(refused))));
    }
    Ok(())
}

async fn only_account(session: &Session) -> Result<String, Failure> {
    let page = session.client.send(Ask::get(&["v1", "accounts"]).query("limit", Some(2))).await?.body;
    match page.list("accounts") {
        [one] => Ok(one.text("id").to_owned()),
        _ => Err(Failure::usage(
            "there are several accounts",
            "Say which one gets the instances: --account ID; `berthctl account ls` shows them.",
        )),
    }
}

fn instances(count: usize) -> String {
    if count == 1 { "1 instance".to_owned() } else { format!("{count} instances") }
}
