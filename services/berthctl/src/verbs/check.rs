//! `berthctl check`

use clap::Args;
use reqwest::StatusCode;
use serde_json::Value;

use super::named;
use crate::{
    failure::Failure,
    http::Ask,
    json::Fields,
    output::{plain, sentence},
    session::Session,
};

const EXAMPLES: &str = "\
Examples:
  berthctl check --retry-for 0
  berthctl check shop || notify-send 'the shop is offline'

It ends with 0 if all is well, with 1 if it is not, and with another code if
that cannot be told.";

/// Say in one line whether Berth is ready, or whether an instance is linked and its connection open.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Check {
    /// The id, name or number of an instance.
    instance: Option<String>,
}

impl Check {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let Some(instance) = &self.instance else { return ready(session).await };
        let now = session.client.get(&["v1", "instances", named(instance)?]).await?;
        let is_well = now.at("state") == "linked" && now.at("connection") == "open";
        say(session, is_well, &now, sentence(&now))
    }
}

async fn ready(session: &Session) -> Result<(), Failure> {
    let ask = Ask::get(&["readyz"]).open().taking(StatusCode::SERVICE_UNAVAILABLE);
    let answer = session.client.send(ask).await?.body;
    let checks = answer.at("checks").as_object().into_iter().flatten();
    let away: Vec<String> = checks
        .filter(|(_, check)| check.at("ready") != true)
        .map(|(part, check)| format!("{part}: {}", plain(check.at("detail"))))
        .collect();
    let is_well = answer.at("ready") == true;
    let told = if away.is_empty() { "Every part is ready.".to_owned() } else { away.join("; ") };
    say(session, is_well, &answer, told)
}

fn say(session: &Session, is_well: bool, whole: &Value, told: String) -> Result<(), Failure> {
    if !session.out.is_table() {
        session.out.one(whole, None, &[])?;
    } else if is_well {
        session.out.line(&told)?;
    }
    if is_well { Ok(()) } else { Err(Failure::NotSo(told)) }
}
