//! `berthctl instance get`

use clap::Args;

use super::{path, show};
use crate::{failure::Failure, http::Ask, session::Session};

const EXAMPLES: &str = "\
Examples:
  berthctl instance get shop
  berthctl instance get shop --at 2026-11-21T12:00:00Z
  berthctl instance get shop -o json | jq -r .device.phone";

/// Show an instance: how it stands, in a sentence, and what else is known of it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Get {
    /// Its id, name or number; after a delete its id.
    instance: String,
    /// Show it as it was at this moment, such as 2026-11-21T12:00:00Z.
    #[arg(long, value_name = "MOMENT")]
    at: Option<String>,
}

impl Get {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let ask = Ask::get(&path(&self.instance)?).query("at", self.at.as_deref());
        let instance = session.client.send(ask).await?.body;
        show(session, &instance)
    }
}
