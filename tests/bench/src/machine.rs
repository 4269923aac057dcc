//! The machine and the build: what a reader has to know before believing a figure.

use std::{path::Path, process::Command, time::Duration};

use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::{
    Outcome,
    options::Options,
    proc_fs::{self, MachineTime},
};

/// A load average per core above which a machine is busy: too much of its time belongs to somebody else.
const LOAD_PER_CORE_MAX: f64 = 0.15;
/// How long the benchmark waits for a load to fall, its own build's above all: the average forgets slowly.
const CALM_MAX: Duration = Duration::from_mins(6);
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What is stamped on a report.
#[derive(Debug, Serialize)]
pub(crate) struct Stamp {
    /// The commit of the sources, or that it is unknown.
    pub(crate) commit: String,
    /// Whether files differed from it.
    pub(crate) dirty: bool,
    /// The binary was given and not built from these sources.
    pub(crate) given_binary: bool,
    /// `dist`, `release`, `debug` …: how this binary and berth were built.
    pub(crate) build: String,
    pub(crate) profile: String,
    pub(crate) cores: usize,
    /// The load average of one minute before the first measurement.
    pub(crate) load_before: f64,
    /// It was above the bound, and the measurement was asked for all the same.
    pub(crate) busy: bool,
    /// The share of the machine's time that a hypervisor gave to somebody else during the run.
    pub(crate) steal: f64,
    pub(crate) took_seconds: f64,
    #[serde(skip)]
    since: (Instant, MachineTime),
}

impl Stamp {
    /// Looks at the machine, waits for it to be calm, and refuses one that is not.
    pub(crate) async fn take(options: &Options) -> Outcome<Self> {
        let cores = std::thread::available_parallelism()?.get();
        let bound = LOAD_PER_CORE_MAX * f64::from(u32::try_from(cores)?);
        let load = calm(bound, options.anyway).await?;
        let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
        let commit = git(sources, &["rev-parse", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
        let dirty = git(sources, &["status", "--porcelain"]).is_none_or(|changes| !changes.is_empty());
        let exe = std::env::current_exe()?;
        let build = exe.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self {
            commit,
            dirty,
            given_binary: options.berth.is_some(),
            build,
            profile: format!("{:?}", options.profile).to_lowercase(),
            cores,
            load_before: load,
            busy: load > bound,
            steal: 0.0,
            took_seconds: 0.0,
            since: (Instant::now(), MachineTime::now()?),
        })
    }

    /// Notes what happened since.
    pub(crate) fn finish(&mut self) -> Outcome<()> {
        self.steal = MachineTime::now()?.stolen_since(self.since.1);
        self.took_seconds = self.since.0.elapsed().as_secs_f64();
        Ok(())
    }
}

/// The load average once it is below the bound, or as it is if that does not matter.
async fn calm(bound: f64, anyway: bool) -> Outcome<f64> {
    let deadline = Instant::now() + CALM_MAX;
    let mut told = false;
    loop {
        let load = proc_fs::load_average()?;
        if load <= bound || anyway {
            return Ok(load);
        }
        if Instant::now() > deadline {
            return Err(format!(
                "the load average of this machine is {load}, and {bound:.1} is the most at which figures can be \
                 believed. Stop what else runs, or measure all the same with --anyway"
            )
            .into());
        }
        if !told {
            eprintln!(
                "waiting for the load average to fall from {load} to {bound:.1} (--anyway does not wait) …"
            );
            told = true;
        }
        sleep(LOOK_EVERY).await;
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").current_dir(folder).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
