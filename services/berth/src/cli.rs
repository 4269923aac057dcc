//! The command line: what can be run, and help that teaches.

use std::path::PathBuf;

use crate::{permissions::Guests, rebuild::Wanted};
use berth_proto::{AccountId, views::DamageNumber, worker::NAME_CHARS_MAX};
use berth_runtime::{
    Role,
    config::{Sources, keys},
};
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command};

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    /// Run one role, or all.
    Run(Role),
    /// Print the effective settings.
    Config,
    /// Ask a running process whether it is ready.
    Probe,
    /// Accept that the log went back in time.
    Recover,
    /// Make anew what the record of the deployment says of authentication tags.
    RemakeBorder {
        /// Say what would be recorded, and record nothing.
        dry_run: bool,
    },
    /// Let the deployment write what this release can write.
    Upgrade,
    /// Have views built anew.
    RebuildViews(Wanted),
    /// Make or check the streams on NATS; or only print who may do what there.
    Provision(Provision),
    /// Write the whole deployment as lines.
    Export,
    /// Fill a deployment that has nothing yet.
    Import {
        /// A file with such lines, or the folder of an embedded deployment.
        from: PathBuf,
        /// Whether the log may have another number of shards.
        reshard: bool,
    },
    /// Let another key sign checkpoints.
    RotateEvidenceKey(PathBuf),
    /// Let another master key open the deployment too.
    RotateMasterKey(PathBuf),
    /// Let a former master key open nothing any more.
    RetireMasterKey(PathBuf),
}

/// What is to be provisioned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Provision {
    /// Whether the permissions are printed; else the streams and the readers of accounts are made or checked.
    pub(crate) permissions: bool,
    /// The accounts whose programs are let in.
    pub(crate) guests: Guests,
}

/// Durable readers that an account has if nothing is said, and at most: a server keeps state for each.
const READERS_DEFAULT: &str = "1";
const READERS_MAX: i64 = 8;

const ABOUT: &str = "Event-sourced session state for WhatsApp-gateway instances";

const FIRST: &str = "\
Examples:
  berth serve                                 # everything here, in ./berth-data
  export BERTH_MASTER_KEY=... BERTH_ROOT_KEY=... BERTH_ACCOUNT_TOKEN=...
  berth serve --nats nats://127.0.0.1:4222    # on NATS, with these keys
  berth serve --help                          # more of them, and the exit codes

Settings: `berth config --help` lists them, `berth config` prints what holds.";

const EXAMPLES: &str = "\
Examples:
  Everything in one process, data in ./berth-data; the first start prints a token and what to try:
    berth serve
    berth serve --http 127.0.0.1:9000 --webhook-allow 127.0.0.0/8   # with webhooks to this machine

  On NATS, every role in one process:
    export BERTH_MASTER_KEY=... BERTH_ROOT_KEY=... BERTH_ACCOUNT_TOKEN=...   # the same everywhere
    berth serve --nats nats://127.0.0.1:4222

  On NATS, one process for each role, as many replicas of each as you like:
    berth session-aggregate --nats nats://127.0.0.1:4222 --http 127.0.0.1:8481
    berth gateway           --nats nats://127.0.0.1:4222 --http 127.0.0.1:8480

Exit codes: 0 asked to stop, and drained; 64 a setting cannot be used; 69 something needed is not there;
  70 crashed; 75 asked to stop, but something had to be aborted
Settings: `berth config --help` lists them, `berth config` prints those in force.";

/// Every subcommand that runs something, with its line of help.
const RUN: [(Role, &str); 6] = [
    (Role::Serve, "Run every role here, embedded unless NATS is set"),
    (Role::Gateway, "On NATS: run the HTTP edge"),
    (Role::SessionAggregate, "On NATS: run what decides commands"),
    (Role::Projections, "On NATS: run the views that answer lists"),
    (Role::Webhooks, "On NATS: run the delivery of webhooks"),
    (Role::Connector, "On NATS: run the owner of device links"),
];

/// The whole command line.
pub(crate) fn command() -> Command {
    Command::new("berth")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_help(FIRST)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help("Configuration file [BERTH_CONFIG, else berth.toml here]")
                .global(true),
        )
        .args(keys::flags(true))
        .subcommands(RUN.map(|(role, about)| Command::new(role.as_str()).about(about).after_help(EXAMPLES)))
        .subcommand(config())
        .subcommand(Command::new("probe").about("Ask the process here whether it is ready: 0 or 69"))
        .subcommand(recover())
        .subcommand(provision())
        .subcommand(export())
        .subcommand(import())
        .subcommand(rotate_evidence_key())
        .subcommand(master_keys())
        .subcommand(views())
        .subcommand(upgrade())
}

/// Every setting is a flag of every subcommand; only here are they listed, so that the other helps fit on a screen.
fn config() -> Command {
    Command::new("config").about("Print the effective settings, secrets hidden").args(keys::flags(false))
}

fn upgrade() -> Command {
    Command::new("upgrade").about("Write the newest formats, once every process reads them").long_about(
        "Raises by one the generation of formats that the deployment writes. Run it with the newer binary, and the settings \
         and permissions of a session-aggregate, when every process runs the newer release. It is refused (69) while one runs \
         that does not read the next generation, or does not write the present one yet, and names it. There is no way back: \
         older releases refuse to start from then on. A process that runs goes on writing what it wrote: start each \
         session-aggregate, webhooks and gateway again, one after the other; those that run are listed. Which ones are left \
         is said by `/readyz` of each, and by `GET /v1/cluster` of all, under `formats`. Where there is more to raise, run it \
         again then.",
    )
}

fn recover() -> Command {
    Command::new("recover")
        .about("Go on after the log lost commits, once you know why")
        .long_about(
            "When the log is absent, another one, or behind what was seen of it, acknowledged commits are lost, \
             and no process builds on it. Find out what happened first (a restored backup, a damaged disk). Then \
             stop every process and run this: the log as it is now counts from then on, and what is absent of it \
             is made at the next start. Run it on each data folder: the views in it are thrown away and built \
             again. On NATS it needs the credentials of the operator or of session-aggregate.\n\n\
             Another loss is that of the record `BERTH_DEPLOYMENT`: one of before the raise to generation 4 was restored, or \
             somebody wrote over it, and every start is refused (64). Restore the one of after the raise if you have it. If \
             not, --border reads the log from its beginning for the first commit of each shard that was written in \
             generation 4, and records that none needs an authentication tag before that: so whatever somebody put there \
             between the raise and that commit, or ever into a shard without one, counts as an earlier release's. It says \
             which places these are, and with --dry-run records nothing. It needs the master key, and is refused (69) while a \
             process runs. It changes nothing of the log, and no view.",
        )
        .arg(
            Arg::new("accept-rollback")
                .long("accept-rollback")
                .action(ArgAction::SetTrue)
                .help("Yes: build on the log as it is now"),
        )
        .arg(
            Arg::new("border")
                .long("border")
                .action(ArgAction::SetTrue)
                .help("Yes: record anew where tags began (NATS)"),
        )
        .arg(
            Arg::new("dry-run")
                .long("dry-run")
                .action(ArgAction::SetTrue)
                .conflicts_with("accept-rollback")
                .help("With --border: say what would be recorded, and record nothing"),
        )
        .group(ArgGroup::new("what").args(["accept-rollback", "border"]).required(true))
}

fn provision() -> Command {
    Command::new("provision")
        .about("Make or check the streams on NATS, or print permissions")
        .long_about(
            "Makes the streams and buckets of a deployment that are not there yet, checks those that are as every start \
             does, and shows how many servers keep each and what can be lost as they stand. A setting that could lose \
             commits is refused (64). It needs the credentials of the operator or of session-aggregate; a deployment \
             whose session-aggregate may make streams needs none of this. With --permissions it asks no server: it \
             prints the configuration of NATS that gives each role its least permissions, for this `log_shards`. With \
             --account the programs of that account are let in: they read its public events through durable consumers, \
             which this makes with the credentials of the operator. With --worker so is a worker that speaks over NATS. \
             Name all such accounts and workers each time.",
        )
        .arg(
            Arg::new("account")
                .long("account")
                .value_name("ID")
                .value_parser(clap::value_parser!(AccountId))
                .action(ArgAction::Append)
                .help("An account whose programs are let in; may be repeated"),
        )
        .arg(
            Arg::new("readers")
                .long("readers")
                .value_name("N")
                .value_parser(clap::value_parser!(u8).range(1..=READERS_MAX))
                .default_value(READERS_DEFAULT)
                .help("Durable readers of public events that each of them has"),
        )
        .arg(
            Arg::new("worker")
                .long("worker")
                .value_name("NAME")
                .value_parser(worker_name)
                .action(ArgAction::Append)
                .help("A worker that is let in under its name; may be repeated"),
        )
        .arg(
            Arg::new("permissions")
                .long("permissions")
                .action(ArgAction::SetTrue)
                .help("Print the least permissions of each role as a part of the configuration of a NATS server"),
        )
}

/// The name of a worker that is a token of a subject.
fn worker_name(text: &str) -> Result<String, String> {
    // Others would have the variable of another one's password.
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_allowed) {
        Ok(text.to_owned())
    } else {
        Err(format!("on NATS it has 1 to {NAME_CHARS_MAX} small letters, digits and `-`"))
    }
}

fn export() -> Command {
    Command::new("export").about("Write the whole deployment as lines of JSON").long_about(
        "Writes all commits in their order, what was signed of them, and what opens them: wrapped keys, which the master \
         key opens and nothing else. Embedded: stop the process first. On NATS it needs the credentials of the operator, \
         and what is decided after it began is not in it, so stop the processes first to move a deployment. Destroy the \
         file when it was imported: an erasure does not reach it.",
    )
}

fn import() -> Command {
    Command::new("import")
        .about("Fill an empty deployment with an export or a data folder")
        .long_about(
            "Takes a file that `berth export` wrote, or the data folder of an embedded deployment that was stopped, and fills \
             the deployment of the settings with it (--data, or --nats-url), which must have nothing yet. All of it is read \
             and checked before anything is written. It goes on where it was interrupted if it is run again, and changes \
             nothing if it was done before. Run it with the master key and the evidence key of the deployment; a folder \
             brings its own. On NATS it needs the credentials of the operator.",
        )
        .arg(
            Arg::new("from")
                .value_name("FILE-OR-FOLDER")
                .value_parser(clap::value_parser!(PathBuf))
                .required(true)
                .help("What `berth export` wrote, or a data folder"),
        )
        .arg(
            Arg::new("reshard")
                .long("reshard")
                .action(ArgAction::SetTrue)
                .help("Begin a new log with the number of shards that is set, if the export has another one"),
        )
}

fn rotate_evidence_key() -> Command {
    Command::new("rotate-evidence-key")
        .about("Let another key sign checkpoints")
        .long_about(
            "Publishes the announcement of the key in a file, signed by the key that signs now (BERTH_EVIDENCE_KEY, or \
             the one in the data folder) and by itself. Whoever knows the former key can believe the new one, and \
             nobody else can take its place. Embedded: stop the process first; a key that Berth made is replaced in \
             the data folder. On NATS: then start each session-aggregate with the new key. It needs the credentials \
             of session-aggregate.",
        )
        .arg(
            Arg::new("to")
                .long("to")
                .value_name("KEY-FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .required(true)
                .help("File with the new key: `openssl rand -base64 32 > KEY-FILE`"),
        )
}

fn master_keys() -> Command {
    let file = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("KEY-FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .required(true)
            .help(help)
    };
    Command::new("keys")
        .about("Put another master key in the place of the present one")
        .subcommand_required(true)
        .subcommand(
            Command::new("rotate")
                .about("Let the master key in a file open the deployment too")
                .long_about(
                    "The master key wraps one secret, on which everything else rests: it is wrapped with the new key \
                     as well, and both are accepted from then on. On NATS nothing has to stop: start one process after \
                     the other with the new key, then retire the former one. Embedded: stop the process first; a key \
                     that Berth made is replaced in the data folder and retired at once. Run it with the settings of \
                     the deployment; on NATS it needs the credentials of session-aggregate. It may be repeated.",
                )
                .arg(file("to", "File with the new key: `openssl rand -base64 32 > KEY-FILE`")),
        )
        .subcommand(
            Command::new("retire")
                .about("Let a former master key open nothing any more")
                .long_about(
                    "Erases what the master key in the file could open. Run it with the new key as BERTH_MASTER_KEY, \
                     when every process was started with that: one that starts with the former key is refused then. \
                     It may be repeated.",
                )
                .arg(file("former", "File with the key that is retired")),
        )
}

fn views() -> Command {
    Command::new("views").about("Have views built anew while they serve").subcommand_required(true).subcommand(
        Command::new("rebuild")
            .about("Build views anew from the log, beside their rows")
            .long_about(
                "Asks the processes that run, through a gateway, to build views anew from the log: new rows beside those \
                 that are read, which take every commit meanwhile, until the new ones take their place. So what is wrong in \
                 rows is mended and no list fails. Shows once a second how far each process is, and ends when all are done; \
                 ending it earlier ends nothing, and running it again shows on. A process that is stopped or killed goes on \
                 with it when it starts again. It needs the root key (BERTH_ROOT_KEY), and room on the disk for the rows twice. \
                 Rows that would lack commits which the log cannot give any more replace none: how it failed names these commits and \
                 the number that accepts just them (--view NAME --accept-damage NUMBER). \
                 Exit codes: 0 done; 64 a wrong name or no root key; 69 somebody does not answer, or a view was not built.",
            )
            .arg(
                Arg::new("view")
                    .long("view")
                    .value_name("NAME")
                    .action(ArgAction::Append)
                    .help("records, agenda, outbox or wanted-links; may be repeated [default: all]"),
            )
            .arg(
                Arg::new("gateway")
                    .long("gateway")
                    .value_name("URL")
                    .help("A gateway of the deployment [default: the process that listens here]"),
            )
            .arg(
                Arg::new("accept-damage")
                    .long("accept-damage")
                    .value_name("NUMBER")
                    .requires("view")
                    .value_parser(clap::value_parser!(DamageNumber))
                    .help("Let new rows lack just the commits that a refused run told this number of"),
            ),
    )
}

/// What was asked for, and the settings that the flags give.
pub(crate) fn read(matches: &ArgMatches) -> Option<(Task, Sources)> {
    let (name, matches) = matches.subcommand()?;
    let task = match name {
        "keys" => return read_keys(matches),
        "views" => return read_views(matches),
        "config" => Task::Config,
        "probe" => Task::Probe,
        "export" => Task::Export,
        "import" => Task::Import {
            from: matches.get_one::<PathBuf>("from")?.clone(),
            reshard: matches.get_flag("reshard"),
        },
        "recover" if matches.get_flag("border") => {
            Task::RemakeBorder { dry_run: matches.get_flag("dry-run") }
        }
        "recover" => Task::Recover,
        "upgrade" => Task::Upgrade,
        "provision" => Task::Provision(Provision {
            permissions: matches.get_flag("permissions"),
            guests: Guests {
                accounts: matches.get_many::<AccountId>("account").into_iter().flatten().copied().collect(),
                readers: *matches.get_one::<u8>("readers")?,
                workers: matches.get_many::<String>("worker").into_iter().flatten().cloned().collect(),
            },
        }),
        "rotate-evidence-key" => Task::RotateEvidenceKey(matches.get_one::<PathBuf>("to")?.clone()),
        role => Task::Run(Role::ALL.into_iter().find(|known| known.as_str() == role)?),
    };
    Some((task, sources(matches)))
}

fn read_keys(matches: &ArgMatches) -> Option<(Task, Sources)> {
    let (name, matches) = matches.subcommand()?;
    let task = match name {
        "rotate" => Task::RotateMasterKey(matches.get_one::<PathBuf>("to")?.clone()),
        _ => Task::RetireMasterKey(matches.get_one::<PathBuf>("former")?.clone()),
    };
    Some((task, sources(matches)))
}

fn read_views(matches: &ArgMatches) -> Option<(Task, Sources)> {
    let (_, matches) = matches.subcommand()?;
    let wanted = Wanted {
        views: matches.get_many::<String>("view").into_iter().flatten().cloned().collect(),
        gateway: matches.get_one::<String>("gateway").cloned(),
        accepted: matches.get_one::<DamageNumber>("accept-damage").copied(),
    };
    Some((Task::RebuildViews(wanted), sources(matches)))
}

fn sources(matches: &ArgMatches) -> Sources {
    Sources::none()
        .with_flags(keys::given(matches))
        .with_variables(std::env::vars_os())
        .with_file(matches.get_one::<PathBuf>("config").cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of a terminal that is not small.
    const SCREEN_LINES: usize = 36;
    /// Its columns.
    const SCREEN_COLUMNS: usize = 80;

    #[test]
    fn the_help_fits_on_a_screen_and_that_of_the_settings_names_every_one() {
        command().debug_assert();
        let help = command().render_help().to_string();
        assert!(help.lines().count() <= SCREEN_LINES, "{help}");
        let wide: Vec<_> = help.lines().filter(|line| line.chars().count() > SCREEN_COLUMNS).collect();
        assert!(wide.is_empty(), "{wide:#?}");
        let mut command = command();
        command.build();
        let settings = command.find_subcommand_mut("config").unwrap().render_help().to_string();
        for key in keys::KEYS {
            let twin = key.file.map(|twin| (twin.variable, twin.flag));
            for (variable, flag) in std::iter::once((key.variable, key.flag)).chain(twin) {
                assert!(settings.contains(variable), "{variable} is missing");
                assert!(settings.contains(&format!("--{flag} ")), "{flag} is missing");
            }
        }
    }

    #[test]
    fn a_setting_is_a_flag_of_every_subcommand() {
        for line in [["berth", "config", "--http", "x"], ["berth", "--http", "x", "config"]] {
            let matches = command().get_matches_from(line);
            let (_, matches) = matches.subcommand().unwrap();
            assert_eq!(keys::given(matches), [("http", "x".to_owned())], "{line:?}");
        }
    }

    #[test]
    fn every_role_is_a_subcommand_that_takes_flags_on_both_sides() {
        for role in Role::ALL {
            for line in [
                ["berth", role.as_str(), "--nats", "nats://x"],
                ["berth", "--nats", "nats://x", role.as_str()],
            ] {
                let (task, _) = read(&command().get_matches_from(line)).unwrap();
                assert_eq!(task, Task::Run(role));
            }
        }
    }

    #[test]
    fn views_are_all_built_anew_unless_some_are_named() {
        let wanted = |more: &[&str]| {
            let line = ["berth", "views", "rebuild"].into_iter().chain(more.iter().copied());
            read(&command().get_matches_from(line)).unwrap().0
        };
        let all = Wanted { views: Vec::new(), gateway: None, accepted: None };
        assert_eq!(wanted(&[]), Task::RebuildViews(all));
        let (views, gateway) = (vec!["records".to_owned(), "agenda".to_owned()], Some("http://g".to_owned()));
        let line = ["--view", "records", "--gateway", "http://g", "--view", "agenda"];
        assert_eq!(wanted(&line), Task::RebuildViews(Wanted { views, gateway, accepted: None }));
        let accepted = Some("3-9c1f6a0b22d4e871".parse().unwrap());
        let of_one = Wanted { views: vec!["agenda".to_owned()], gateway: None, accepted };
        let line = ["--view", "agenda", "--accept-damage", "3-9c1f6a0b22d4e871"];
        assert_eq!(wanted(&line), Task::RebuildViews(of_one));
        for odd in [
            &["--accept-damage"][..],
            &["--accept-damage", "3-9c1f6a0b22d4e871"],
            &["--view", "agenda", "--accept-damage", "3"],
        ] {
            let line = ["berth", "views", "rebuild"].into_iter().chain(odd.iter().copied());
            assert!(command().try_get_matches_from(line).is_err(), "{odd:?}");
        }
        assert!(command().try_get_matches_from(["berth", "views"]).is_err());
    }

    #[test]
    fn a_recovery_must_say_what_it_accepts() {
        assert!(command().try_get_matches_from(["berth", "recover"]).is_err());
        let matches = command().get_matches_from(["berth", "recover", "--accept-rollback"]);
        assert_eq!(read(&matches).unwrap().0, Task::Recover);
        let matches = command().get_matches_from(["berth", "recover", "--border"]);
        assert_eq!(read(&matches).unwrap().0, Task::RemakeBorder { dry_run: false });
        let matches = command().get_matches_from(["berth", "recover", "--border", "--dry-run"]);
        assert_eq!(read(&matches).unwrap().0, Task::RemakeBorder { dry_run: true });
        for other in ["--border", "--dry-run"] {
            let line = ["berth", "recover", other, "--accept-rollback"];
            assert!(command().try_get_matches_from(line).is_err());
        }
    }
}
