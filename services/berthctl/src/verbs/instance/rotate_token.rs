//! `berthctl instance rotate-token`

use std::path::PathBuf;

use clap::Args;
use secrecy::ExposeSecret;
use serde_json::json;

use super::{path, show};
use crate::{failure::Failure, http::Ask, session::Session, settings::read_token};

/// Give an instance another token; the old one ends at once.
#[derive(Debug, Args)]
pub(crate) struct RotateToken {
    /// Its id, name or number.
    instance: String,
    /// A file with the token that it shall have; made up if it is left out.
    #[arg(long, value_name = "FILE")]
    own_token_file: Option<PathBuf>,
}

impl RotateToken {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let body = match &self.own_token_file {
            Some(path) => json!({ "token": read_token(path)?.expose_secret() }),
            None => {
                session.out.check_secrets()?;
                json!({})
            }
        };
        let [v1, instances, name] = path(&self.instance)?;
        session.confirm(&format!("Give {name} another token? The old one ends at once."))?;
        let answer = session.client.command(Ask::post(&[v1, instances, name, "token"], body)).await?;
        show(session, &answer.body)
    }
}
