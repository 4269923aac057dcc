//! `berthctl verify`

use clap::Args;
use serde_json::{Value, json};

use super::named;
use crate::{
    failure::Failure,
    http::Ask,
    json::Fields,
    output::{clean, plain},
    session::Session,
};

/// Instances that are asked for at once.
const PAGE: usize = 500;

const EXAMPLES: &str = "\
Examples:
  berthctl verify shop
  berthctl verify --all --deleted -o jsonl > proofs.jsonl

It ends with 1 if a history does not hold, and names the first bad version. Keep
the hashes to prove later that nothing was written anew.";

/// Check that histories are as they were written: every commit readable and chained to the one before it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    /// Their ids, names or numbers; after a delete their ids.
    #[arg(required_unless_present = "all")]
    instances: Vec<String>,
    /// All instances that the token may see.
    #[arg(long, conflicts_with = "instances")]
    all: bool,
    /// Those that are deleted too.
    #[arg(long, requires = "all")]
    deleted: bool,
}

impl Verify {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let (mut checked, mut bad) = (0_usize, 0_usize);
        if !self.all {
            for name in &self.instances {
                (checked, bad) = (checked + 1, bad + usize::from(!check(session, name, name).await?));
            }
            return ended(checked, bad);
        }
        let states = self.deleted.then_some("created,connecting,pairing,linked,paused,logged_out,deleted");
        let mut cursor: Option<String> = None;
        loop {
            let ask = Ask::get(&["v1", "instances"])
                .query("state", states)
                .query("limit", Some(PAGE))
                .query("cursor", cursor.take());
            let page = session.client.send(ask).await?.body;
            for instance in page.list("instances") {
                let id = instance.text("id");
                let name = instance.at("name").as_str().filter(|name| !name.is_empty()).unwrap_or(id);
                (checked, bad) = (checked + 1, bad + usize::from(!check(session, id, name).await?));
            }
            match page.at("next_cursor").as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        if session.out.is_table() && bad == 0 {
            session.out.line(&format!("{checked} histories hold."))?;
        }
        ended(checked, bad)
    }
}

fn ended(checked: usize, bad: usize) -> Result<(), Failure> {
    if bad == 0 { Ok(()) } else { Err(Failure::NotSo(format!("{bad} of {checked} histories do not hold"))) }
}

/// Checks one history and tells of it; false if it does not hold.
async fn check(session: &Session, key: &str, name: &str) -> Result<bool, Failure> {
    let report = session.client.get(&["v1", "instances", named(key)?, "verify"]).await?;
    let holds = report.at("ok") == true;
    if session.out.is_table() {
        session.out.line(&words(name, &report))?;
    } else {
        let mut whole = json!({ "instance": key });
        if let (Some(whole), Some(report)) = (whole.as_object_mut(), report.as_object()) {
            whole.extend(report.clone());
        }
        session.out.item(&whole)?;
    }
    Ok(holds)
}

fn words(name: &str, report: &Value) -> String {
    let (name, commits) = (clean(name), plain(report.at("commits")));
    let fault = report.at("fault");
    if fault.is_null() {
        return format!("ok       {name}: {commits} commits, hash {}", plain(report.at("hash")));
    }
    let (reason, advice) = (plain(fault.at("reason")), plain(fault.at("advice")));
    format!("DAMAGED  {name}: version {}: {reason}. {advice}", fault.at("version"))
}
