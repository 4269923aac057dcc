//! Where Berth is and which token it is shown: a flag, else a variable, else the context.
//!
//! The variables begin with `BERTHCTL_`, so that a shell in which they are set can start `berth` too: that refuses
//! every variable of its own beginning that it does not know.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use reqwest::Url;
use secrecy::SecretString;

use crate::{
    cli::Global,
    contexts::{Context, Contexts},
    failure::Failure,
};

/// The address of a Berth that was started without settings.
pub(crate) const URL_DEFAULT: &str = "http://127.0.0.1:8480";
/// The variable with a token.
pub(crate) const TOKEN_VARIABLE: &str = "BERTHCTL_TOKEN";
/// Bytes that are read of a file with a token.
const TOKEN_BYTES_MAX: u64 = 4 * 1024;

/// Whom to ask, and as whom.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The address, with whatever path stands before the routes.
    pub(crate) url: Url,
    /// The token, if any.
    pub(crate) token: Option<SecretString>,
}

// === impl Settings ===

impl Settings {
    /// What counts.
    pub(crate) fn of(global: &Global) -> Result<Self, Failure> {
        let context = context(global)?;
        let url = global.url.clone().or_else(|| Some(context.as_ref()?.url.clone()));
        let token = match &global.token_file {
            Some(path) => Some(read_token(path)?),
            None => match std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.is_empty()) {
                Some(token) => Some(checked(&token)?),
                // A token belongs to its address: it is not sent to another one.
                None if global.url.is_some() && global.context.is_none() => None,
                None => context.map(|context| token_of(&context)).transpose()?.flatten(),
            },
        };
        Ok(Self { url: parse_url(url.as_deref().unwrap_or(URL_DEFAULT))?, token })
    }
}

/// The context that is named, else the current one.
fn context(global: &Global) -> Result<Option<Context>, Failure> {
    // Without a home there is nothing kept, and whoever gives everything by flags needs none.
    let contexts = match Contexts::path() {
        Ok(path) => Contexts::load(&path)?,
        Err(failure) if global.context.is_some() => return Err(failure),
        Err(_) => return Ok(None),
    };
    let Some(name) = global.context.as_ref().or(contexts.current.as_ref()) else { return Ok(None) };
    contexts.contexts.get(name).cloned().map(Some).ok_or_else(|| {
        Failure::usage(
            format!("there is no context {name:?}"),
            "`berthctl context ls` shows which there are; `berthctl context add NAME --url URL` makes one.",
        )
    })
}

fn token_of(context: &Context) -> Result<Option<SecretString>, Failure> {
    match (&context.token, &context.token_file) {
        (Some(token), _) => checked(token).map(Some),
        (None, Some(path)) => read_token(path).map(Some),
        (None, None) => Ok(None),
    }
}

/// An address of a gateway.
pub(crate) fn parse_url(text: &str) -> Result<Url, Failure> {
    let advice = "An address such as http://127.0.0.1:8480 or https://berth.example.com/path is expected.";
    let url = Url::parse(text).map_err(|error| Failure::usage(format!("--url {text:?}: {error}"), advice))?;
    let is_plain = url.query().is_none() && url.fragment().is_none() && url.password().is_none();
    if matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty() && is_plain {
        Ok(url)
    } else {
        Err(Failure::usage("--url is not the address of a gateway", advice))
    }
}

/// The token in a file, or on the standard input for `-`; a line break at its end does not count.
pub(crate) fn read_token(path: &Path) -> Result<SecretString, Failure> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        io::stdin().take(TOKEN_BYTES_MAX).read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|file| file.take(TOKEN_BYTES_MAX).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::File {
        path: path.to_owned(),
        what: format!("cannot be read: {error}"),
        advice: "A file with a token and nothing else is expected.".to_owned(),
    })?;
    checked(text.trim_end_matches(['\r', '\n']))
}

/// A token that can stand in a header. It is not repeated in an error.
pub(crate) fn checked(token: &str) -> Result<SecretString, Failure> {
    if !token.is_empty() && token.len() <= 512 && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(token.into())
    } else {
        Err(Failure::usage("what was given as a token is none", "Tokens have visible ASCII characters only."))
    }
}
