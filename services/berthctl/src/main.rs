//! The `berthctl` command: Berth from the shell.
//!
//! It knows nothing but HTTP: whatever it does, the native API does. `main` is a checklist: read the command line, find
//! out where Berth is and with which token, do what was asked, and end with a code that says what became of it
//! ([`exit`]).

mod cli;
mod clock;
mod contexts;
mod exit;
mod failure;
mod http;
mod json;
mod output;
mod session;
mod settings;
mod signature;
mod verbs;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

use crate::{cli::Cli, failure::Failure};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _unprintable = error.print();
            return if error.use_stderr() { exit::USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    match perform(cli) {
        // Whoever reads the output has seen enough: that is no error of anybody.
        Ok(()) | Err(Failure::Closed) => ExitCode::SUCCESS,
        Err(failure) => {
            let _unwritable = writeln!(io::stderr(), "berthctl: {}", failure.told());
            failure.code().into()
        }
    }
}

fn perform(cli: Cli) -> Result<(), Failure> {
    // Only a second call in one process is an error, and harmless.
    let _set_before = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Failure::System { what: "to start", source })?;
    runtime.block_on(Box::pin(cli.run()))
}
