//! `berthctl context …`

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::{
    cli::Global,
    contexts::{Context, Contexts},
    failure::Failure,
    http::tell,
    json::Fields,
    output::{Column, Output, plain},
    settings::{URL_DEFAULT, checked, parse_url, read_token},
};

/// A line of the list.
const ROW: [Column; 4] = [
    Column {
        head: "current",
        cell: |context| if context.at("current") == true { "*".into() } else { String::new() },
    },
    Column { head: "name", cell: |context| plain(context.at("name")) },
    Column { head: "url", cell: |context| plain(context.at("url")) },
    Column { head: "token", cell: |context| plain(context.at("token_from")) },
];

const ADD: &str = "\
Examples:
  berthctl context add local
  berthctl context add live --url https://berth.example.com < token.txt
  berthctl context add root --token-file /run/secrets/berth-root

The token is asked for without being shown. Of a file the name is kept and not
the token. The first context that is added is the current one. They are in
~/.config/berth/contexts.toml, which only you can read.";

/// What can be done with contexts.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List them; no token is shown.
    #[command(visible_alias = "list")]
    Ls,
    /// Keep an address and a token under a name.
    #[command(after_help = ADD)]
    Add(Add),
    /// Make one the current one.
    Use {
        /// Its name.
        name: String,
    },
    /// Forget one.
    #[command(visible_alias = "delete")]
    Rm {
        /// Its name.
        name: String,
    },
}

/// A context to keep: --url and --token-file are its own.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Its name; one that is there is replaced.
    name: String,
    /// Keep no token: for `status` and `check`.
    #[arg(long, conflicts_with = "token_file")]
    no_token: bool,
}

impl Verb {
    pub(crate) fn run(self, global: &Global) -> Result<(), Failure> {
        let path = Contexts::path()?;
        let mut contexts = Contexts::load(&path)?;
        match self {
            Self::Ls => list(&Output::of(global)?, &contexts),
            Self::Add(add) => {
                let context = add.context(global)?;
                let name = add.name;
                contexts.contexts.insert(name.clone(), context);
                let current = contexts.current.get_or_insert_with(|| name.clone());
                let note = if *current == name { "current" } else { "kept" };
                tell(&format!("the context {name:?} is {note}; it is in {}", path.display()));
                contexts.save(&path)
            }
            Self::Use { name } => {
                contexts.check(&name)?;
                contexts.current = Some(name);
                contexts.save(&path)
            }
            Self::Rm { name } => {
                contexts.check(&name)?;
                contexts.contexts.remove(&name);
                contexts.current = contexts.current.filter(|current| *current != name);
                contexts.save(&path)
            }
        }
    }
}

impl Contexts {
    fn check(&self, name: &str) -> Result<(), Failure> {
        if self.contexts.contains_key(name) {
            return Ok(());
        }
        let advice = "`berthctl context ls` shows which there are.";
        Err(Failure::usage(format!("there is no context {name:?}"), advice))
    }
}

impl Add {
    fn context(&self, global: &Global) -> Result<Context, Failure> {
        let url = parse_url(global.url.as_deref().unwrap_or(URL_DEFAULT))?;
        if url.scheme() == "http" && !crate::http::is_loopback(&url) {
            tell("the token will go over the network unencrypted: https hides it");
        }
        let (token, token_file) = match &global.token_file {
            _ if self.no_token => (None, None),
            Some(file) if file != Path::new("-") => (None, Some(absolute(file)?)),
            _ => (Some(ask()?.expose_secret().to_owned()), None),
        };
        Ok(Context { url: url.to_string(), token, token_file })
    }
}

/// A file that is found from every folder.
fn absolute(file: &Path) -> Result<PathBuf, Failure> {
    // So that a mistake shows now and not at the first use.
    read_token(file)?;
    std::path::absolute(file).map_err(|source| Failure::System { what: "to find the file", source })
}

/// The token, typed by the person without being shown, or from the standard input.
fn ask() -> Result<SecretString, Failure> {
    if !io::stdin().is_terminal() {
        return read_token(Path::new("-"));
    }
    let typed = rpassword::prompt_password("Token (it is not shown): ")
        .map_err(|source| Failure::System { what: "to ask for the token", source })?;
    checked(typed.trim())
}

fn list(out: &Output, contexts: &Contexts) -> Result<(), Failure> {
    let all: Vec<Value> = contexts
        .contexts
        .iter()
        .map(|(name, context)| {
            let token_from = match (&context.token, &context.token_file) {
                (Some(_), _) => "kept here".to_owned(),
                (None, Some(file)) => file.display().to_string(),
                (None, None) => "none".to_owned(),
            };
            let current = contexts.current.as_ref() == Some(name);
            json!({ "name": name, "url": context.url, "token_from": token_from, "current": current })
        })
        .collect();
    out.list(&json!({ "contexts": all }), &all, &ROW)
}
