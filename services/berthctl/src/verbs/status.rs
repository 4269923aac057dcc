//! `berthctl status`

use clap::Args;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::doctor::CLOCKS_APART_MAX_SECONDS;
use crate::{
    clock,
    failure::Failure,
    http::{Ask, tell},
    json::Fields,
    output::{Column, plain},
    session::Session,
};

/// A line of the table.
const ROW: [Column; 3] = [
    Column { head: "part", cell: |check| plain(check.at("part")) },
    Column { head: "ready", cell: |check| plain(check.at("ready")) },
    Column { head: "detail", cell: |check| plain(check.at("detail")) },
];

/// Show whether the gateway serves, and what each part says of itself. It needs no token.
#[derive(Debug, Args)]
pub(crate) struct Status {}

impl Status {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let ask = Ask::get(&["readyz"]).open().taking(StatusCode::SERVICE_UNAVAILABLE);
        let answer = session.client.send(ask).await?;
        let checks = answer.body.at("checks").as_object().ok_or_else(|| Failure::NotBerth {
            url: session.client.url().to_string(),
            what: "/readyz names no parts".to_owned(),
        })?;
        let parts: Vec<Value> = checks
            .iter()
            .map(|(part, check)| json!({ "part": part, "ready": check.at("ready"), "detail": check.at("detail") }))
            .collect();
        session.out.list(&answer.body, &parts, &ROW)?;
        if let Some(at) = answer.at {
            let apart = at.as_second().abs_diff(clock::now_seconds());
            if apart > CLOCKS_APART_MAX_SECONDS {
                tell(&format!("the clocks of the gateway and of this machine are {apart} s apart"));
            }
        }
        if answer.body.at("ready") == true {
            Ok(())
        } else {
            Err(Failure::NotSo(format!("{} is not ready", session.client.url())))
        }
    }
}
