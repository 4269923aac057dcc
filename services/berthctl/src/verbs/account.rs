//! `berthctl account …`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::named;
use crate::{
    failure::Failure,
    http::Ask,
    json::Fields,
    output::{Column, moment, plain},
    session::Session,
    settings::read_token,
};

/// Accounts that are asked for at once.
const PAGE: usize = 500;
/// What is to be known of one.
const COLUMNS: [Column; 6] = [
    Column { head: "id", cell: |account| plain(account.at("id")) },
    Column { head: "name", cell: |account| plain(account.at("name")) },
    Column { head: "created (UTC)", cell: |account| moment(account.at("created_at")) },
    Column { head: "attributes", cell: |account| plain(account.at("attributes")) },
    Column { head: "closed", cell: |account| moment(account.at("closed_at")) },
    Column { head: "token", cell: |account| plain(account.at("token")) },
];

/// What can be done with accounts; all of it with the root key.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List them.
    #[command(visible_alias = "list")]
    Ls,
    /// Show one.
    #[command(visible_alias = "show")]
    Get {
        /// Its id.
        account: String,
    },
    /// Make one; its token is shown once.
    Create(Create),
    /// Give one another name or other attributes.
    Set(Set),
    /// Give one another token; the old one ends at once.
    RotateToken(Rotate),
    /// Give an instance to an account, with its token, number, session and history.
    Move(Move),
    /// Close one: its token ends at once, its instances are deleted, its data key is destroyed.
    Close(Close),
}

/// A new account.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Its name; made up if it is left out.
    name: Option<String>,
    /// Any JSON that is kept with it.
    #[arg(long, value_name = "JSON")]
    attributes: Option<String>,
    /// A file with the token that it shall have; made up if it is left out.
    #[arg(long, value_name = "FILE")]
    own_token_file: Option<PathBuf>,
}

/// What shall be another.
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Its id.
    account: String,
    /// Its new name.
    #[arg(long)]
    name: Option<String>,
    /// Any JSON that is kept with it; null keeps none.
    #[arg(long, value_name = "JSON")]
    attributes: Option<String>,
}

/// Whose token is changed.
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Its id.
    account: String,
    /// A file with the token that it shall have; made up if it is left out.
    #[arg(long, value_name = "FILE")]
    own_token_file: Option<PathBuf>,
}

/// Which instance goes where.
#[derive(Debug, Args)]
pub(crate) struct Move {
    /// The id of the instance.
    instance: String,
    /// The id of the account that gets it.
    account: String,
}

/// Which account ends.
#[derive(Debug, Args)]
pub(crate) struct Close {
    /// Its id.
    account: String,
    /// Also if it has instances, which are deleted.
    #[arg(long)]
    force: bool,
}

impl Verb {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Ls => list(session).await,
            Self::Get { account } => {
                show(session, &session.client.get(&["v1", "accounts", named(&account)?]).await?)
            }
            Self::Create(create) => {
                let mut body = Map::new();
                put(&mut body, "name", create.name);
                put_json(&mut body, create.attributes)?;
                put_token(&mut body, create.own_token_file)?;
                once(session, &["v1", "accounts"], body).await
            }
            Self::Set(set) => {
                let mut body = Map::new();
                put(&mut body, "name", set.name);
                put_json(&mut body, set.attributes)?;
                if body.is_empty() {
                    return Err(Failure::usage("nothing would change", "Give --name or --attributes."));
                }
                let ask = Ask::patch(&["v1", "accounts", named(&set.account)?], body.into());
                show(session, &session.client.command(ask).await?.body)
            }
            Self::RotateToken(rotate) => {
                let mut body = Map::new();
                put_token(&mut body, rotate.own_token_file)?;
                session.confirm("Give it another token? The old one ends at once.")?;
                once(session, &["v1", "accounts", named(&rotate.account)?, "token"], body).await
            }
            Self::Move(step) => {
                let path = ["v1", "accounts", named(&step.account)?, "move-instance"];
                let ask = Ask::post(&path, json!({ "instance": step.instance }));
                let moved = session.client.command(ask).await?.body;
                session.out.one(&moved, Some(&crate::output::sentence(&moved)), &[])
            }
            Self::Close(close) => {
                let with = if close.force { ", and delete all its instances" } else { "" };
                session.confirm(&format!("Close the account {} for ever{with}?", close.account))?;
                let ask = Ask::delete(&["v1", "accounts", named(&close.account)?]);
                let ask = ask.query("force", close.force.then_some(true));
                show(session, &session.client.command(ask).await?.body)
            }
        }
    }
}

async fn list(session: &Session) -> Result<(), Failure> {
    let (mut accounts, mut after) = (Vec::new(), None);
    loop {
        let ask = Ask::get(&["v1", "accounts"]).query("limit", Some(PAGE)).query("after", after.take());
        let mut page = session.client.send(ask).await?.body;
        accounts.extend(page.take_list("accounts"));
        match page.at("next_after").as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    session.out.list(&json!({ "accounts": accounts }), &accounts, &COLUMNS[..4])
}

/// A command whose answer shows a token once.
async fn once(session: &Session, path: &[&str], body: Map<String, Value>) -> Result<(), Failure> {
    session.out.check_secrets()?;
    show(session, &session.client.command(Ask::post(path, body.into())).await?.body)
}

fn show(session: &Session, account: &Value) -> Result<(), Failure> {
    session.out.one(account, None, &COLUMNS)
}

fn put(body: &mut Map<String, Value>, name: &str, value: Option<String>) {
    body.extend(value.map(|value| (name.to_owned(), value.into())));
}

fn put_json(body: &mut Map<String, Value>, text: Option<String>) -> Result<(), Failure> {
    let Some(text) = text else { return Ok(()) };
    let value: Value = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("--attributes: {error}"), "JSON is expected: '{\"plan\": \"pro\"}', or null.")
    })?;
    body.insert("attributes".to_owned(), value);
    Ok(())
}

fn put_token(body: &mut Map<String, Value>, file: Option<PathBuf>) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    body.insert("token".to_owned(), read_token(&file)?.expose_secret().into());
    Ok(())
}
