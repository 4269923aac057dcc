//! `berthctl audit`

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::{
    cli::Format,
    failure::Failure,
    http::{Ask, tell},
    json::Fields,
    output::{Column, moment, plain},
    session::Session,
};

/// Events that are asked for at once.
const PAGE: usize = 200;
/// What a row says.
const COLUMNS: [Column; 8] = [
    Column { head: "when (UTC)", cell: |event| moment(event.at("occurred_at")) },
    Column { head: "about", cell: |event| plain(event.at("about")) },
    Column { head: "instance", cell: |event| plain(event.at("instance")) },
    Column { head: "version", cell: |event| plain(event.at("version")) },
    Column { head: "type", cell: |event| plain(event.at("type")) },
    Column { head: "by", cell: |event| plain(event.at("command").at("principal")) },
    Column { head: "via", cell: |event| plain(event.at("command").at("via")) },
    Column { head: "from", cell: |event| plain(event.at("command").at("from")) },
];

const EXAMPLES: &str = "\
Examples:
  berthctl audit --type LoggedOut --from 2026-11-21T00:00:00Z
  berthctl audit shop --actor instance --door evolution
  berthctl audit --about account --from 2026-11-01T00:00:00Z
  berthctl audit --limit 0 -o jsonl > audit.ndjson

The newest comes first. With the root key all accounts are searched, with an
account's token that one. The log itself is read, so a search that finds
little may take a while: --limit 0 goes on to its beginning.";

/// Who asked for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Actor {
    /// The operator, with the root key.
    Root,
    /// An account, with its token.
    Account,
    /// An instance, with its token.
    Instance,
    /// A service of Berth.
    Service,
}

/// What something happened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum About {
    /// An instance.
    Instance,
    /// An account itself.
    Account,
    /// A name, token, number or foreign id; with the root key.
    Directory,
}

/// Search what happened to instances and accounts: who asked for it, through which door, what and when.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Audit {
    /// Only what happened to this one: its id, name or number; with the root key its id.
    instance: Option<String>,
    /// Only what the instances of this account had; with the root key.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Only what one of these asked for.
    #[arg(long, value_delimiter = ',', value_name = "WHO")]
    actor: Vec<Actor>,
    /// Only what came through one of these doors: native, console, a dialect, connector, sweeper.
    #[arg(long, value_delimiter = ',', value_name = "DOOR")]
    door: Vec<String>,
    /// Only what happened to these; else to instances and accounts.
    #[arg(long, value_delimiter = ',', value_name = "WHAT")]
    about: Vec<About>,
    /// Only events of these types, such as `LoggedOut`.
    #[arg(long = "type", value_delimiter = ',', value_name = "TYPE")]
    kind: Vec<String>,
    /// Only what happened at this moment or later, such as 2026-11-21T12:00:00Z.
    #[arg(long, value_name = "MOMENT")]
    from: Option<String>,
    /// Only what happened before this moment.
    #[arg(long, value_name = "MOMENT")]
    to: Option<String>,
    /// Events at most; 0 is all of them.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

impl Audit {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let (mut found, mut before, mut unreadable) = (Vec::new(), None, 0);
        loop {
            let left = if self.limit == 0 { PAGE } else { self.limit - found.len() };
            let ask = self.ask().query("limit", Some(left.min(PAGE))).query("before", before.take());
            let mut page = session.client.send(ask).await?.body;
            unreadable += page.at("unreadable").as_u64().unwrap_or_default();
            before = page.at("next_before").as_str().map(str::to_owned);
            found.extend(page.take_list("entries"));
            if self.limit != 0 {
                found.truncate(self.limit);
            }
            if before.is_none() || (self.limit != 0 && found.len() >= self.limit) {
                break;
            }
        }
        if before.is_some() {
            tell("there are more: --limit 0 shows all of them");
        }
        if unreadable > 0 {
            tell(&format!("{unreadable} commits cannot be read; `berthctl verify` says which"));
        }
        match session.out.format {
            Format::Name => found.iter().try_for_each(|it| session.out.line(&plain(it.at("type")))),
            _ => session.out.list(&json!({ "entries": found }), &found, &COLUMNS),
        }
    }

    fn ask(&self) -> Ask {
        let joined = |words: &[String]| (!words.is_empty()).then(|| words.join(","));
        let actors = words(&self.actor);
        let about = words(&self.about);
        Ask::get(&["v1", "audit"])
            .query("instance", self.instance.as_ref())
            .query("account", self.account.as_ref())
            .query("actor", joined(&actors))
            .query("door", joined(&self.door))
            .query("about", joined(&about))
            .query("type", joined(&self.kind))
            .query("from", self.from.as_ref())
            .query("to", self.to.as_ref())
    }
}

/// The words of what was chosen.
fn words(chosen: &[impl ValueEnum]) -> Vec<String> {
    chosen.iter().filter_map(|it| Some(it.to_possible_value()?.get_name().to_owned())).collect()
}
