//! `berthctl simulate`

use clap::Args;
use serde_json::{Map, Value};

use super::named;
use crate::{failure::Failure, http::Ask, output::sentence, session::Session};

const EXAMPLES: &str = "\
Examples:
  berthctl simulate shop scan --phone 5511987654321 --push-name Ana
  berthctl simulate shop logout_from_phone
  berthctl simulate shop ban seconds=60

The documentation of device links has every action and its arguments.";

/// Play the phone or the network of an instance; only with the simulated driver.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Simulate {
    /// The id, name or number of the instance.
    instance: String,
    /// What happens: `scan`, `enter_code`, `logout_from_phone`, `drop`, `return`, `ban` and others.
    action: String,
    /// The digits of the phone.
    #[arg(long, value_name = "DIGITS")]
    phone: Option<String>,
    /// The name of its person.
    #[arg(long, value_name = "NAME")]
    push_name: Option<String>,
    /// Other arguments of the action.
    #[arg(value_name = "NAME=VALUE")]
    arguments: Vec<String>,
}

impl Simulate {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut body = Map::new();
        body.insert("action".to_owned(), self.action.into());
        for (name, value) in [("phone", self.phone), ("push_name", self.push_name)] {
            body.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        for argument in &self.arguments {
            let (name, value) = argument.split_once('=').ok_or_else(|| {
                Failure::usage(
                    format!("{argument:?} has no `=`"),
                    "NAME=VALUE is expected, such as seconds=60.",
                )
            })?;
            // A number or a truth value as such, everything else as text.
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            body.insert(name.to_owned(), value);
        }
        // It takes no key, and a phone that scans twice is another phone.
        let ask = Ask::post_once(&["v1", "instances", named(&self.instance)?, "simulate"], body.into());
        let now = session.client.send(ask).await?.body;
        session.out.one(&now, Some(&sentence(&now)), &[])
    }
}
