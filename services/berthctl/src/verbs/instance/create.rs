//! `berthctl instance create`

use std::path::PathBuf;

use clap::Args;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::show;
use crate::{failure::Failure, http::Ask, session::Session, settings::read_token};

const EXAMPLES: &str = "\
Examples:
  berthctl instance create shop
  berthctl instance create shop --webhook https://example.com/hook \\
    --secrets-to shop.secrets
  berthctl instance create shop --own-token-file shop.token

The answer shows the instance's token once. It is for whoever may do everything
with this one instance; the token of the account does without.";

/// Make an instance.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Create {
    /// Its name; made up if it is left out.
    name: Option<String>,
    /// Where its notices are sent; may be given more than once.
    #[arg(long, value_name = "URL")]
    webhook: Vec<String>,
    /// A file with the token that it shall have; made up if it is left out.
    #[arg(long, value_name = "FILE")]
    own_token_file: Option<PathBuf>,
    /// Settings that are kept with it, as JSON.
    #[arg(long, value_name = "JSON")]
    settings: Option<String>,
}

impl Create {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut body = Map::new();
        if let Some(name) = self.name {
            body.insert("name".to_owned(), name.into());
        }
        if let Some(path) = &self.own_token_file {
            body.insert("token".to_owned(), read_token(path)?.expose_secret().into());
        }
        if let Some(settings) = &self.settings {
            let settings: Map<String, Value> = serde_json::from_str(settings).map_err(|error| {
                Failure::usage(format!("--settings: {error}"), "A JSON object is expected: '{\"a\": 1}'.")
            })?;
            body.insert("settings".to_owned(), settings.into());
        }
        let webhooks: Vec<Value> = self.webhook.iter().map(|url| json!({ "url": url })).collect();
        if !webhooks.is_empty() {
            body.insert("webhooks".to_owned(), webhooks.into());
        }
        let answer = session.client.command(Ask::post(&["v1", "instances"], body.into())).await?;
        show(session, &answer.body)
    }
}
