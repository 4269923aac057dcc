//! What every verb works with: whom to ask, how to show it, and what the person agreed to.

use std::io::{self, IsTerminal, Write};

use crate::{cli::Global, failure::Failure, http::Client, output::Output, settings::Settings};

/// One run of the command.
#[derive(Debug)]
pub(crate) struct Session {
    /// Asks Berth.
    pub(crate) client: Client,
    /// Shows what it said.
    pub(crate) out: Output,
    /// Whether every question is answered with yes.
    yes: bool,
}

// === impl Session ===

impl Session {
    /// A session with these flags.
    pub(crate) fn open(global: &Global) -> Result<Self, Failure> {
        let settings = Settings::of(global)?;
        let client = Client::new(settings, global.patience(), global.key.clone())?;
        Ok(Self { client, out: Output::of(global)?, yes: global.yes })
    }

    /// Asks the person whether to go on; without one, `--yes` has to stand in the command line.
    pub(crate) fn confirm(&self, question: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        let (stdin, mut stderr) = (io::stdin(), io::stderr());
        if !stdin.is_terminal() || !stderr.is_terminal() {
            return Err(Failure::usage(
                format!("nobody is here to be asked: {question}"),
                "Say --yes if that is meant.",
            ));
        }
        let failed = |source| Failure::System { what: "to ask", source };
        write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush()).map_err(failed)?;
        let mut answer = String::new();
        stdin.read_line(&mut answer).map_err(failed)?;
        if matches!(answer.trim(), "y" | "Y" | "yes") {
            Ok(())
        } else {
            Err(Failure::NotSo("nothing was done".to_owned()))
        }
    }

    /// Does the same for each, tells which failed, and fails if one did.
    pub(crate) async fn each(
        &self,
        names: &[String],
        mut act: impl AsyncFnMut(&str) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let [first, rest @ ..] = names else { return Ok(()) };
        if rest.is_empty() {
            return act(first).await;
        }
        self.client.check_many()?;
        let mut failures = Vec::new();
        for name in names {
            match act(name).await {
                Ok(()) => {}
                Err(Failure::Closed) => return Err(Failure::Closed),
                Err(failure) => {
                    let _unwritable = writeln!(io::stderr(), "berthctl: {name}: {}", failure.told());
                    failures.push(failure.code());
                }
            }
        }
        match failures.first() {
            None => Ok(()),
            Some(code) => Err(Failure::Some { failed: failures.len(), all: names.len(), code: *code }),
        }
    }
}
