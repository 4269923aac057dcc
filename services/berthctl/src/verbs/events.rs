//! `berthctl events`

use clap::Args;
use serde_json::{Value, json};

use super::{everything::Everything, named};
use crate::{
    cli::Format,
    failure::Failure,
    http::{Ask, Follow, tell},
    json::Fields,
    output::{clean, moment, plain},
    session::Session,
};

/// Commits that are asked for at once.
const PAGE: usize = 100;
/// Columns below which a line says what happened and nothing more.
const NARROW: usize = 70;
/// Columns for the name of an instance; a longer one moves the rest of its line.
const NAME_COLUMNS: usize = 16;

const EXAMPLES: &str = "\
Examples:
  berthctl events shop
  berthctl events shop --last 5
  berthctl events shop -f -o jsonl | jq -c 'select(.type == \"LoggedOut\")'
  berthctl events shop --after 7 -f
  berthctl events -f

-f goes on when the gateway is restarted, and tells each event once. With
--after it misses nothing since that version. Without an instance it tells of
all that the account has, from now on.";

/// Show the history of an instance: each event, and who asked for it through which door. With -f alone: of all of them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Events {
    /// Its id, name or number; after a delete its id. All instances of the account if it is left out, with -f.
    #[arg(required_unless_present = "follow")]
    instance: Option<String>,
    /// Go on with what happens from now on.
    #[arg(short, long)]
    follow: bool,
    /// Begin after this version of the history.
    #[arg(long, value_name = "VERSION", conflicts_with = "last", requires = "instance")]
    after: Option<u64>,
    /// Begin so many versions before its end.
    #[arg(short = 'n', long, value_name = "N", requires = "instance")]
    last: Option<u64>,
}

impl Events {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let Some(instance) = &self.instance else { return all(session).await };
        let path = ["v1", "instances", named(instance)?];
        let after = match self.last {
            None => self.after.unwrap_or_default(),
            Some(last) => {
                let now = session.client.get(&path).await?;
                now.at("version").as_u64().unwrap_or_default().saturating_sub(last)
            }
        };
        if self.follow { follow(session, &path, after).await } else { show(session, &path, after).await }
    }
}

/// Tells what happens to any instance.
async fn all(session: &Session) -> Result<(), Failure> {
    let mut everything = Everything::of(session);
    loop {
        let event = everything.next().await?;
        if session.out.is_table() {
            let name = everything.name_of(&event).await;
            session.out.line(&format!("{name:<NAME_COLUMNS$}  {}", words(&event, session.out.columns())))?;
        } else {
            line(session, &event)?;
        }
    }
}

async fn follow(session: &Session, path: &[&str], after: u64) -> Result<(), Failure> {
    let ask = Ask::get(&[path, &["events", "stream"]].concat());
    let mut follow = Follow::new(&session.client, ask, Some(after.to_string()));
    loop {
        let happened = follow.next_for(&session.out).await?;
        line(session, &happened.body)?;
    }
}

async fn show(session: &Session, path: &[&str], after: u64) -> Result<(), Failure> {
    let (mut after, mut all, mut damaged) = (Some(after), Vec::new(), Vec::new());
    while let Some(version) = after {
        let ask =
            Ask::get(&[path, &["events"]].concat()).query("after", Some(version)).query("limit", Some(PAGE));
        let mut page = session.client.send(ask).await?.body;
        after = page.at("next_after").as_u64();
        damaged.extend(page.take_list("damaged"));
        let events = page.take_list("events");
        if session.out.format == Format::Json {
            all.extend(events);
        } else {
            events.iter().try_for_each(|event| line(session, event))?;
        }
    }
    if !damaged.is_empty() {
        let versions = damaged.iter().map(plain).collect::<Vec<_>>().join(", ");
        tell(&format!("versions that cannot be read: {versions}; `berthctl verify` says why"));
    }
    match session.out.format {
        Format::Json => session.out.list(&json!({ "events": all, "damaged": damaged }), &[], &[]),
        _ => Ok(()),
    }
}

/// One event in one line.
pub(crate) fn line(session: &Session, event: &Value) -> Result<(), Failure> {
    match session.out.format {
        Format::Table => session.out.line(&words(event, session.out.columns())),
        Format::Json | Format::Jsonl => session.out.line(&event.to_string()),
        Format::Name => session.out.line(&plain(event.at("type"))),
    }
}

fn words(event: &Value, columns: Option<usize>) -> String {
    let (version, kind) = (plain(event.at("version")), plain(event.at("type")));
    if columns.is_some_and(|columns| columns < NARROW) {
        return format!("{version:>4}  {kind}");
    }
    let command = event.at("command");
    let by = match (command.at("principal").as_str(), command.at("via").as_str()) {
        (Some(principal), Some(via)) => format!("{} via {}", clean(principal), clean(via)),
        _ => String::new(),
    };
    let line = format!(
        "{version:>4}  {}  {kind:<22}  {by:<22}  {}",
        moment(event.at("occurred_at")),
        said(event.at("data"))
    );
    line.trim_end().to_owned()
}

/// What the event says, as far as it is short.
fn said(data: &Value) -> String {
    let Some(fields) = data.as_object() else { return String::new() };
    let short =
        fields.iter().filter(|(_, value)| !value.is_null() && !value.is_object() && !value.is_array());
    short.map(|(name, value)| format!("{}={}", clean(name), plain(value))).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_line_that_fits() {
        let event = json!({"version": 6, "type": "LoggedOut", "occurred_at": "2026-11-21T10:07:36.001314Z",
            "data": {"origin": "command", "code": 401, "device": {"jid": "x"}, "none": null},
            "command": {"principal": "account", "via": "native"}});
        assert_eq!(
            words(&event, None),
            "   6  2026-11-21 10:07:36  LoggedOut               account via native      origin=command code=401"
        );
        assert_eq!(words(&event, Some(40)), "   6  LoggedOut");
    }
}
