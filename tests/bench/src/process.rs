//! Child processes, and what the system says of them.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::{
    Outcome,
    http::{Connection, Target},
};

/// How long a process may take to answer.
const START_MAX: Duration = Duration::from_secs(30);
/// The pause between two tries to reach it: the resolution of a start's time.
const PAUSE: Duration = Duration::from_millis(2);
/// How long the benchmark waits for a process to finish what a measurement left behind.
const IDLE_MAX: Duration = Duration::from_secs(5);
/// The time over which a process is looked at, and the clock ticks (of 10 ms) that count as idle.
const IDLE_WINDOW: Duration = Duration::from_millis(150);
const IDLE_TICKS: u64 = 1;

/// A child process, killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

/// Builds `berth` as this binary was built, and gives its path.
pub(crate) fn build_berth() -> Outcome<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "-p", "berth"]).stdout(Stdio::null());
    if cfg!(debug_assertions) {
        eprintln!(
            "This is a debug build: its figures say nothing. Use `cargo run --release -p berth-bench`."
        );
    } else {
        command.arg("--release");
    }
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    if !command.status()?.success() {
        return Err("`cargo build -p berth` failed".into());
    }
    let folder = std::env::current_exe()?;
    Ok(folder.parent().ok_or("this binary lies in no folder")?.join("berth"))
}

/// A hidden subcommand of this binary.
pub(crate) fn own(arguments: &[&str]) -> Outcome<Process> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments);
    Process::start(command)
}

impl Process {
    /// Starts a command without any output or `BERTH_` variable but its own.
    pub(crate) fn start(mut command: Command) -> Outcome<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Self { child })
    }

    /// Waits until a request is answered with 200.
    pub(crate) async fn answers(&mut self, port: u16, target: &Target) -> Outcome<()> {
        let deadline = Instant::now() + START_MAX;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("a process ended with {status}").into());
            }
            if let Ok(mut connection) = Connection::open(port).await
                && connection.ask("GET", target, "", "").await.is_ok_and(|answer| answer.status == 200)
            {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
        Err("a process did not answer in time".into())
    }

    /// Waits until it has finished what follows a measurement, so that this is not in the next one.
    pub(crate) async fn idle(&self) -> Outcome<()> {
        let deadline = Instant::now() + IDLE_MAX;
        let mut before = self.ticks()?;
        while Instant::now() < deadline {
            sleep(IDLE_WINDOW).await;
            let now = self.ticks()?;
            if now.saturating_sub(before) <= IDLE_TICKS {
                break;
            }
            before = now;
        }
        Ok(())
    }

    /// The memory that it holds and the most that it held, in KiB.
    pub(crate) fn memory_kib(&self) -> Outcome<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| -> Outcome<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let value = line.and_then(|rest| rest.split_whitespace().next());
            Ok(value.ok_or("the system does not tell the memory of a process")?.parse()?)
        };
        Ok((field("VmRSS:")?, field("VmHWM:")?))
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) -> Outcome<()> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        self.child.wait()?;
        Ok(())
    }

    /// Processor time that it used, in clock ticks.
    fn ticks(&self) -> Outcome<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in brackets may hold blanks; user and system time are the 12th and 13th field after it.
        let (_, fields) = stat.rsplit_once(')').ok_or("/proc/<pid>/stat is not as expected")?;
        let times: Vec<u64> =
            fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
        Ok(times.iter().sum())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it ended before.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
