//! `berthctl instance ls`

use clap::Args;
use serde_json::json;

use super::ROW;
use crate::{cli::Format, failure::Failure, http::Ask, json::Fields, session::Session};

/// Instances that are asked for at once.
const PAGE: usize = 500;

const EXAMPLES: &str = "\
Examples:
  berthctl instance ls --state linked,paused
  berthctl instance ls --search ana
  berthctl instance ls --state logged_out -o jsonl | jq -r .number";

/// List instances: those of the account, or an instance token's own.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    /// Only those in one of these states, separated by commas.
    #[arg(long, value_name = "STATES")]
    state: Option<String>,
    /// Only those with this text in their name, number, phone or person's name.
    #[arg(long, short = 's', value_name = "TEXT")]
    search: Option<String>,
    /// At most so many; all if it is left out.
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<usize>,
}

impl List {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let (client, out) = (&session.client, &session.out);
        let limit = self.limit.unwrap_or(usize::MAX);
        let (mut all, mut cursor, mut shown, mut lag_ms) = (Vec::new(), None, 0, 0);
        loop {
            let page = (limit - shown).min(PAGE);
            if page == 0 {
                break;
            }
            let ask = Ask::get(&["v1", "instances"])
                .query("state", self.state.as_deref())
                .query("q", self.search.as_deref())
                .query("limit", Some(page))
                .query("cursor", cursor.take());
            let mut body = client.send(ask).await?.body;
            let instances = body.take_list("instances");
            shown += instances.len();
            lag_ms = body.at("lag_ms").as_u64().unwrap_or_default();
            if matches!(out.format, Format::Jsonl | Format::Name) {
                // A line can be read before the next page is there.
                instances.iter().try_for_each(|instance| out.item(instance))?;
            } else {
                all.extend(instances);
            }
            match body.at("next_cursor").as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        if lag_ms >= 1000 {
            crate::http::tell(&format!("the list is {} s behind; `instance get` never is", lag_ms / 1000));
        }
        match out.format {
            Format::Jsonl | Format::Name => Ok(()),
            _ => out.list(&json!({ "instances": all, "lag_ms": lag_ms }), &all, &ROW),
        }
    }
}
