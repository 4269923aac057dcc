//! Why something could not be done, and what the reader can do about it.

use std::{error::Error, io, path::PathBuf};

use thiserror::Error;

use crate::exit;

/// It could not be done.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The command line cannot be used.
    #[error("{what}")]
    Usage {
        /// What is wrong with it.
        what: String,
        /// What to do.
        advice: &'static str,
    },
    /// A file cannot be used.
    #[error("{} {what}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
        /// What to do.
        advice: String,
    },
    /// There is no token, and the verb needs one.
    #[error("there is no token to show to {url}")]
    NoToken {
        /// Where it would go.
        url: String,
    },
    /// Nobody answers.
    #[error("{url} does not answer: {cause}")]
    Unreachable {
        /// The address.
        url: String,
        /// Why.
        cause: String,
        /// The key of a command that may have been done.
        key: Option<String>,
    },
    /// Berth refused it.
    #[error("{detail} ({code})")]
    Problem {
        /// The HTTP status.
        status: u16,
        /// The stable code.
        code: String,
        /// A sentence.
        detail: String,
        /// After how many seconds it may be asked again.
        retry_after_seconds: Option<u64>,
        /// The key of a command that may have been done.
        key: Option<String>,
    },
    /// Something else than Berth answers.
    #[error("{url} answers, but not as Berth does: {what}")]
    NotBerth {
        /// The address.
        url: String,
        /// What came.
        what: String,
    },
    /// The answer to a question is no.
    #[error("{0}")]
    NotSo(String),
    /// Whoever reads the output is gone.
    #[error("the output is closed")]
    Closed,
    /// The operating system refused something.
    #[error("the system refused {what}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Several things were asked for, and some failed, each of which was told.
    #[error("{failed} of {all} could not be done")]
    Some {
        /// How many failed.
        failed: usize,
        /// How many there were.
        all: usize,
        /// The code of the first that failed.
        code: u8,
    },
}

// === impl Failure ===

impl Failure {
    /// A mistake in the command line.
    pub(crate) fn usage(what: impl Into<String>, advice: &'static str) -> Self {
        Self::Usage { what: what.into(), advice }
    }

    /// What could not be written; that nobody reads any more is told apart.
    pub(crate) fn output(source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::BrokenPipe {
            Self::Closed
        } else {
            Self::System { what: "to write to the standard output", source }
        }
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Usage { .. } => exit::USAGE,
            Self::File { .. } | Self::System { .. } => exit::SYSTEM,
            Self::NoToken { .. } => exit::NOT_ALLOWED,
            Self::Unreachable { .. } => exit::UNAVAILABLE,
            Self::Problem { status, .. } => of_status(*status),
            Self::NotBerth { .. } => exit::NOT_BERTH,
            Self::NotSo(_) => exit::NOT_SO,
            Self::Closed => 0,
            Self::Some { code, .. } => *code,
        }
    }

    /// The code of a problem that Berth answered with.
    pub(crate) fn problem(&self) -> Option<&str> {
        match self {
            Self::Problem { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The failure and what is behind it, and on a line of its own what to do next.
    pub(crate) fn told(&self) -> String {
        let mut text = chain(self);
        if let Some(advice) = self.advice() {
            text.push_str("\n  ");
            text.push_str(&advice);
        }
        text
    }

    fn advice(&self) -> Option<String> {
        let again = |key: &Option<String>| {
            key.as_ref().map(|key| {
                format!(
                    "It may have been done. Run the same once more with `--key {key}`: that does nothing twice."
                )
            })
        };
        Some(match self {
            Self::Usage { advice, .. } => (*advice).to_owned(),
            Self::File { advice, .. } => advice.clone(),
            Self::NoToken { .. } => "Keep one with `berthctl context add NAME --url URL`, or name a file with \
                                     --token-file, or set BERTHCTL_TOKEN."
                .to_owned(),
            Self::Unreachable { key, .. } => again(key).unwrap_or_else(|| {
                "Does Berth run there? `--url URL`, BERTHCTL_URL or `berthctl context use NAME` say where else to ask."
                    .to_owned()
            }),
            Self::Problem { code, key, retry_after_seconds, .. } => {
                return again(key).or_else(|| of_code(code, *retry_after_seconds));
            }
            Self::NotBerth { .. } => {
                "Is this the address of a gateway? `berthctl status` shows what is there.".to_owned()
            }
            Self::NotSo(_) | Self::Closed | Self::System { .. } | Self::Some { .. } => return None,
        })
    }
}

/// An error and what is behind it, in one sentence.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = error.source();
    }
    text
}

const fn of_status(status: u16) -> u8 {
    match status {
        401 | 403 => exit::NOT_ALLOWED,
        404 | 410 => exit::NOT_FOUND,
        409 | 422 => exit::REFUSED,
        429 => exit::LATER,
        502..=504 => exit::UNAVAILABLE,
        500.. => exit::DEFECT,
        _ => exit::USAGE,
    }
}

/// What to do about a problem whose sentence does not say it.
fn of_code(code: &str, retry_after_seconds: Option<u64>) -> Option<String> {
    let advice = match code {
        "unauthorized" => {
            "`berthctl context ls` shows which token is used where; a rotated one has to be kept anew."
        }
        "forbidden" => {
            "Accounts want the root key, instances the token of their account or their own: choose with --context or \
             --token-file."
        }
        "not_found" => {
            "`berthctl instance ls` shows which there are; a deleted instance is found by its id alone."
        }
        "no_live_code" => "`berthctl instance connect INSTANCE` asks for a code.",
        "no_session" => "`berthctl instance connect INSTANCE` links a device.",
        "has_instances" => "`berthctl account close ACCOUNT --force` deletes them with it.",
        "rate_limited" | "unavailable" => {
            return retry_after_seconds.map(|seconds| format!("Try again in {seconds} s."));
        }
        _ => return None,
    };
    Some(advice.to_owned())
}
