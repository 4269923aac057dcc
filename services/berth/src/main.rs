//! The `berth` command: every role of Berth, in one process or in one each.
//!
//! `main` is a checklist: read the command line, read and check the settings, set up telemetry, run. Whatever
//! goes wrong before the process serves is one sentence on the standard error and a code that says whether
//! starting again can help ([`exit`]).

mod account;
mod border;
mod certificate;
mod cli;
mod credentials;
mod deployment;
mod evidence_key;
mod exit;
mod failure;
mod folder;
mod guard;
mod leaders;
mod master_key;
mod member;
mod permissions;
mod presence;
mod probe;
mod provision;
mod rebuild;
mod recover;
mod roles;
mod root;
mod run;
mod server_clock;
mod status;
mod supervised;
mod traces;
mod transfer;
mod views;
mod welcome;
mod wiring;

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use berth_runtime::{Role, Settings, config::Sources, telemetry};

use crate::{cli::Task, failure::Failure};

/// A command makes some hundred small allocations on one thread and frees them on another: with this allocator it takes a
/// sixth less of the processor than with glibc's. Without huge pages: they took no less time and four times the memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Threads that block on files at once; what is more waits in a queue. Each keeps memory of its own to allocate from, about half a
/// megabyte, and a burst of a thousand reads would start five hundred of them for a disk and a few cores. None of this work
/// waits for other work of its kind, so that few are enough.
const BLOCKING_THREADS_MAX: usize = 32;
/// How long threads that block on files may keep the process after it drained.
const BLOCKED_MAX: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let matches = match cli::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            let _unprintable = error.print();
            return if error.use_stderr() { exit::USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    let Some((task, sources)) = cli::read(&matches) else {
        return exit::USAGE.into();
    };
    perform(&task, &sources).unwrap_or_else(|failure| {
        let _unwritable = writeln!(io::stderr(), "berth: {}", berth_runtime::chain(&failure));
        failure.code().into()
    })
}

fn perform(task: &Task, sources: &Sources) -> Result<ExitCode, Failure> {
    let settings = Settings::load(sources)?;
    match *task {
        Task::RotateEvidenceKey(ref to) => evidence_key::rotate(&settings, to),
        Task::RotateMasterKey(ref to) => master_key::rotate(&settings, to),
        Task::RetireMasterKey(ref former) => master_key::retire(&settings, former),
        Task::Config => show(&settings),
        Task::Export => transfer::export(&settings),
        Task::Import { ref from, reshard } => transfer::import(&settings, from, reshard),
        Task::Probe => probe::probe(&settings),
        Task::Recover => recover::accept_rollback(&settings),
        Task::RemakeBorder { dry_run } => recover::remake_border(&settings, dry_run),
        Task::Upgrade => recover::upgrade(&settings),
        Task::RebuildViews(ref wanted) => rebuild::rebuild(&settings, wanted),
        Task::Provision(ref what) => provision::provision(&settings, what),
        Task::Run(role) => serve(role, &settings),
    }
}

fn show(settings: &Settings) -> Result<ExitCode, Failure> {
    write!(io::stdout(), "{settings}")
        .map_err(|source| Failure::System { what: "to write to the standard output", source })?;
    Ok(ExitCode::SUCCESS)
}

fn serve(role: Role, settings: &Settings) -> Result<ExitCode, Failure> {
    let metrics = telemetry::init(&settings.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("berth")
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build()
        .map_err(|source| Failure::System { what: "to start threads", source })?;
    let ending = runtime.block_on(Box::pin(run::run(role, settings, metrics)));
    runtime.shutdown_timeout(BLOCKED_MAX);
    ending.map(exit::of)
}
