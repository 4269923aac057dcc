//! Child processes.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::{
    Outcome,
    http::{Ask, Connection},
};

/// How long a process may take to be ready, which it is not before its views have followed: minutes for millions of commits.
const START_MAX: Duration = Duration::from_mins(20);
/// How long it may take to stop: more than its own bound.
const STOP_MAX: Duration = Duration::from_secs(20);
/// The pause between two looks at a process: the resolution of a start's time.
const PAUSE: Duration = Duration::from_millis(2);

/// A child process, killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

/// Builds `berth` as this binary was built, and gives its path.
pub(crate) fn build_berth() -> Outcome<PathBuf> {
    let folder = std::env::current_exe()?;
    let folder = folder.parent().ok_or("this binary lies in no folder")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "-p", "berth"]).stdout(Stdio::null());
    // The folder has the profile's name, but for that of debug builds.
    match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => {}
        Some(profile) => {
            command.args(["--profile", profile]);
        }
    }
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    if !command.status()?.success() {
        return Err("`cargo build -p berth` failed".into());
    }
    Ok(folder.join("berth"))
}

/// A hidden subcommand of this binary.
pub(crate) fn own(arguments: &[&str]) -> Outcome<Process> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments);
    Process::start(command)
}

impl Process {
    /// Starts a command without input and output.
    pub(crate) fn start(mut command: Command) -> Outcome<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Self { child })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until a GET is answered with 200.
    pub(crate) async fn answers(&mut self, port: u16, path: &str) -> Outcome<()> {
        let deadline = Instant::now() + START_MAX;
        let mut connection = Connection::to(port);
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("a process ended with {status}").into());
            }
            if connection.ask(Ask::get(path, "none")).await.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
        Err("a process did not answer in time".into())
    }

    /// Ends it as a crash would.
    pub(crate) fn kill9(&mut self) -> Outcome<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(mut self) -> Outcome<()> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        let deadline = Instant::now() + STOP_MAX;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                return Err("a process did not stop in time".into());
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it ended before.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
