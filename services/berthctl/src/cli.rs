//! The command line: what can be asked, and help that teaches.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{exit, failure::Failure, http::Patience, session::Session, verbs};

const EXAMPLES: &str = "\
Examples:
  Say once where Berth is, and with which token; it is asked for, and kept in
  a file that only you can read:
    berthctl context add local --url http://127.0.0.1:8480

  Make an instance, link a device by the QR code that is drawn, and see how it
  stands:
    berthctl instance create shop
    berthctl instance connect shop
    berthctl instance get shop

  What happened to it, and what happens from now on; whether the history is as
  it was written:
    berthctl events shop -f
    berthctl verify shop

  Receive and check its webhooks on this machine:
    berthctl listen shop

  For programs: JSON on the standard output, everything else beside it:
    berthctl instance ls --state linked -o jsonl | jq -r .number

A token never stands in a command line. It comes from BERTHCTL_TOKEN, a file
(--token-file, `-` is the standard input) or a context.";

/// Berth from the shell: instances, their links, histories and webhooks.
#[derive(Debug, Parser)]
#[command(
    name = "berthctl",
    version,
    after_help = EXAMPLES,
    after_long_help = help_with_codes(),
    arg_required_else_help = true,
    subcommand_required = true,
    infer_subcommands = false,
    max_term_width = 110
)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

fn help_with_codes() -> String {
    format!("{EXAMPLES}\n\n{}", exit::HELP)
}

/// What every verb takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// The address of a gateway.
    #[arg(help = "The address of a gateway [default: the context's, else http://127.0.0.1:8480]")]
    #[arg(long, global = true, value_name = "URL", env = "BERTHCTL_URL", hide_env_values = true)]
    pub(crate) url: Option<String>,
    /// A file with the token and nothing else; `-` is the standard input.
    #[arg(long, global = true, value_name = "FILE", env = "BERTHCTL_TOKEN_FILE", hide_env_values = true)]
    pub(crate) token_file: Option<PathBuf>,
    /// The context to use instead of the current one.
    #[arg(long, global = true, value_name = "NAME", env = "BERTHCTL_CONTEXT", hide_env_values = true)]
    pub(crate) context: Option<String>,
    /// The form of the answer. JSON is YAML too.
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORM",
        default_value = "table",
        hide_possible_values = true
    )]
    #[arg(help = "The form of the answer: table, json, jsonl (a line for each thing) or name")]
    output: Format,
    /// The same as `-o json`.
    #[arg(long, global = true)]
    json: bool,
    /// Answer every question with yes.
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
    /// Show tokens and secrets also where nobody looks at a terminal.
    #[arg(long, global = true)]
    pub(crate) show_secrets: bool,
    /// Keep tokens and secrets in this new file, which only you may read, and show none.
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub(crate) secrets_to: Option<PathBuf>,
    /// The idempotency key of the command: the same key does nothing twice. One is made up if it is left out.
    #[arg(long, global = true, value_name = "KEY", hide_short_help = true)]
    pub(crate) key: Option<String>,
    /// For how many seconds to ask again while Berth does not answer: 30 if left out, 90 for what is not signed yet.
    #[arg(long, global = true, value_name = "SECONDS", hide_short_help = true)]
    retry_for: Option<u64>,
    /// Whether colours are used; `NO_COLOR` counts too.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_short_help = true)]
    pub(crate) color: Color,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// What the API answered.
    Json,
    /// A line of JSON for each thing.
    Jsonl,
    /// The name of each thing.
    Name,
}

/// Whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal that has them.
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Make, link, log out, watch and delete instances.
    #[command(subcommand, visible_alias = "instances")]
    Instance(verbs::instance::Verb),
    /// Show what happened to an instance, and with -f what happens.
    Events(verbs::events::Events),
    /// Search what happened to instances, by who asked for it, through which door, what and when.
    Audit(verbs::audit::Audit),
    /// Check that histories are as they were written.
    Verify(verbs::verify::Verify),
    /// Show what is signed about the log, and prove that nothing before was changed.
    #[command(subcommand, visible_alias = "checkpoints")]
    Checkpoint(verbs::checkpoint::Verb),
    /// Prove that a commit of an instance is in what was signed.
    Proof(verbs::checkpoint::Proof),
    /// Write histories as lines of JSON, each commit with the proof that it is in what was signed.
    Export(verbs::export::Export),
    /// Configure who is told of an instance.
    #[command(subcommand, visible_alias = "webhooks")]
    Webhook(verbs::webhook::Verb),
    /// Show what all webhooks of the account were sent, and send it again.
    #[command(subcommand, visible_alias = "deliveries")]
    Delivery(verbs::delivery::Verb),
    /// Receive notices here and check their signatures.
    Listen(verbs::listen::Listen),
    /// Manage accounts; with the root key.
    #[command(subcommand, visible_alias = "accounts")]
    Account(verbs::account::Verb),
    /// Show the processes of the deployment, and who does whose work; with the root key.
    #[command(subcommand)]
    Cluster(verbs::cluster::Verb),
    /// Show gateways that run already, and take over what is on them; with the root key.
    #[command(subcommand, visible_alias = "upstreams")]
    Upstream(verbs::upstream::Verb),
    /// Show whether Berth serves, and what of it does not.
    Status(verbs::status::Status),
    /// Show whose token is sent.
    Whoami(verbs::whoami::Whoami),
    /// Say in one line and in the exit code whether all is well; for monitors.
    Check(verbs::check::Check),
    /// Look for what is wrong with the connection, the token, the clocks and the deployment.
    Doctor(verbs::doctor::Doctor),
    /// Play the phone or the network of an instance; only with the simulated driver.
    Simulate(verbs::simulate::Simulate),
    /// Keep addresses and tokens under names.
    #[command(subcommand, visible_alias = "contexts")]
    Context(verbs::context::Verb),
    /// Print the completions for a shell.
    Completions(verbs::generate::Completions),
    /// Write completions and manual pages into a folder.
    #[command(hide = true)]
    Generate(verbs::generate::Generate),
}

// === impl Global ===

impl Global {
    /// The form that was asked for.
    pub(crate) const fn format(&self) -> Format {
        if self.json { Format::Json } else { self.output }
    }

    /// For how long a request is sent again.
    pub(crate) fn patience(&self) -> Patience {
        self.retry_for.map(Duration::from_secs).map_or_else(Patience::default, Patience::of)
    }
}

// === impl Cli ===

impl Cli {
    /// Does what was asked.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let open = || Session::open(&self.global);
        match self.verb {
            Verb::Instance(verb) => verb.run(&open()?).await,
            Verb::Events(verb) => verb.run(&open()?).await,
            Verb::Audit(verb) => verb.run(&open()?).await,
            Verb::Verify(verb) => verb.run(&open()?).await,
            Verb::Checkpoint(verb) => verb.run(&open()?).await,
            Verb::Proof(verb) => verb.run(&open()?).await,
            Verb::Export(verb) => verb.run(&open()?).await,
            Verb::Webhook(verb) => verb.run(&open()?).await,
            Verb::Delivery(verb) => verb.run(&open()?).await,
            Verb::Listen(verb) => verb.run(&open()?).await,
            Verb::Account(verb) => verb.run(&open()?).await,
            Verb::Cluster(verb) => verb.run(&open()?).await,
            Verb::Upstream(verb) => verb.run(&open()?).await,
            Verb::Status(verb) => verb.run(&open()?).await,
            Verb::Whoami(verb) => verb.run(&open()?).await,
            Verb::Check(verb) => verb.run(&open()?).await,
            Verb::Doctor(verb) => verb.run(&open()?).await,
            Verb::Simulate(verb) => verb.run(&open()?).await,
            Verb::Context(verb) => verb.run(&self.global),
            Verb::Completions(verb) => verb.run(),
            Verb::Generate(verb) => verb.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Every command, with the arguments that it has of its own.
    fn commands() -> Vec<(String, Vec<clap::Arg>)> {
        let (mut waiting, mut all) = (vec![Cli::command()], Vec::new());
        while let Some(command) = waiting.pop() {
            all.push((command.get_name().to_owned(), command.get_arguments().cloned().collect()));
            waiting.extend(command.get_subcommands().cloned());
        }
        all
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        let commands = commands();
        let (_, everywhere) = &commands[0];
        for (name, arguments) in &commands[1..] {
            for argument in arguments {
                // It would take the place of the one that every command has.
                let is_taken = everywhere.iter().any(|known| known.get_id() == argument.get_id());
                assert!(!is_taken, "{name}: {}", argument.get_id());
            }
        }
    }

    #[test]
    fn what_stands_below_the_help_fits_on_a_terminal() {
        let mut waiting = vec![Cli::command()];
        while let Some(command) = waiting.pop() {
            let texts = [command.get_after_help(), command.get_after_long_help()];
            for text in texts.into_iter().flatten().map(ToString::to_string) {
                let long = text.lines().find(|line| line.chars().count() > 80);
                assert_eq!(long, None, "{}", command.get_name());
            }
            waiting.extend(command.get_subcommands().cloned());
        }
    }

    #[test]
    fn no_flag_takes_a_token_since_others_see_command_lines() {
        for (name, arguments) in commands() {
            let valued = arguments.iter().filter(|argument| argument.get_action().takes_values());
            for argument in valued.filter_map(clap::Arg::get_long) {
                let is_file = argument.ends_with("-file") || argument.ends_with("-to");
                let is_secret =
                    ["token", "secret", "authorization"].iter().any(|word| argument.contains(word));
                assert!(is_file || !is_secret, "{name}: --{argument}");
            }
        }
    }
}
