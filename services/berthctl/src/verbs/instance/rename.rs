//! `berthctl instance rename`

use clap::Args;
use serde_json::json;

use super::{path, show};
use crate::{failure::Failure, http::Ask, session::Session};

/// Give an instance another name; the former one finds it for about a minute more.
#[derive(Debug, Args)]
pub(crate) struct Rename {
    /// Its id, name or number.
    instance: String,
    /// The name that it shall have.
    name: String,
}

impl Rename {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let ask = Ask::patch(&path(&self.instance)?, json!({ "name": self.name }));
        let answer = session.client.command(ask).await?;
        show(session, &answer.body)
    }
}
