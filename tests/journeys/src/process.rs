//! One process of the real binary.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use berth_test_support::program;

use crate::wait::{DEADLINE, eventually, within};

/// Bytes of output that are kept for each stream; what is larger is written [to a file](Process::start_into).
const OUTPUT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long a command that does something and ends may take: an import of all that a story wrote goes at the speed of the machine.
const WORK_MAX: Duration = Duration::from_mins(3);

/// Not for the binary: blocks (of half a KiB or a whole one, as the shell has it) that its files may have each, as if the
/// disk were full then; none or empty for what the disk has.
pub const FILE_BLOCKS: &str = "BERTH_TEST_FILE_BLOCKS";

/// Starts what follows with that limit, which fails a write instead of ending the process.
const LIMITED: &str = r#"trap "" XFSZ; ulimit -f "$0"; exec "$@""#;

/// Which binary the stories start, instead of the one that was built; also among the settings of a deployment, for its processes.
pub const BINARY: &str = "BERTH_TEST_BINARY";

/// The binary of an earlier release, for the stories of an upgrade.
const PREVIOUS: &str = "BERTH_TEST_PREVIOUS";

type Output = Arc<Mutex<String>>;

/// A running `berth`, killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    stdout: Output,
    stderr: Output,
}

/// The binary that the stories start: `BERTH_TEST_BINARY`, else the one beside the test itself.
///
/// # Panics
/// When it was not built.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os(BINARY) {
        return path.into();
    }
    let test = std::env::current_exe().expect("the path of this test");
    let folder = test.parent().and_then(|deps| deps.parent()).expect("target/<profile>/deps");
    let path = folder.join("berth");
    assert!(
        path.is_file(),
        "{} is not built: run the tests with `tests/run`, or `cargo build -p berth`",
        path.display()
    );
    path
}

/// The binary of an earlier release, which `tests/run` has built: `BERTH_TEST_PREVIOUS`.
///
/// # Panics
/// When it was not said; the message says how it is built.
pub fn previous_binary() -> PathBuf {
    let path = std::env::var_os(PREVIOUS);
    path.expect("no earlier release: run the tests with `tests/run`, or export BERTH_TEST_PREVIOUS=$(tests/get-previous)").into()
}

impl Process {
    /// Starts the binary with these arguments and no other `BERTH_` variables than these.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(name: &str, arguments: &[&str], variables: &BTreeMap<String, String>) -> Self {
        let mut command = Self::command(arguments, variables);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary starts");
        let stdout = collect(child.stdout.take().expect("a pipe"));
        Self::of(child, name, stdout)
    }

    /// As [`Self::start`], with the standard output in a file, whatever its size.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start_into(
        file: File,
        name: &str,
        arguments: &[&str],
        variables: &BTreeMap<String, String>,
    ) -> Self {
        let child = Self::command(arguments, variables).stdout(file).spawn().expect("the binary starts");
        Self::of(child, name, Output::default())
    }

    fn command(arguments: &[&str], variables: &BTreeMap<String, String>) -> Command {
        let said = |name| variables.get(name).filter(|value| !value.is_empty());
        let binary = said(BINARY).map_or_else(binary, PathBuf::from);
        let mut command = match said(FILE_BLOCKS) {
            None => program(binary),
            Some(blocks) => {
                let mut shell = program("sh");
                shell.args(["-c", LIMITED, blocks]).arg(binary);
                shell
            }
        };
        command.args(arguments).envs(variables).stdin(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn of(mut child: Child, name: &str, stdout: Output) -> Self {
        let stderr = collect(child.stderr.take().expect("a pipe"));
        Self { child, name: name.to_owned(), stdout, stderr }
    }

    /// The role that it runs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits until it says where it listens, which it does when it is ready.
    ///
    /// # Panics
    /// When it ends before, or does not become ready.
    pub async fn listens(&mut self) -> SocketAddr {
        let name = self.name.clone();
        eventually(&format!("{name} listens"), async || {
            if let Some(status) = self.child.try_wait().expect("the state of a child") {
                panic!("{name} ended with {status}: {}", self.stderr());
            }
            let said = self.stdout();
            let address = said.lines().find_map(|line| {
                line.strip_prefix("berth ")?.split_once(" listens on ")?.1.split_once("://")?.1.parse().ok()
            });
            address.ok_or_else(|| self.stderr())
        })
        .await
    }

    /// What it wrote to its standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it logged so far.
    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the state of a child").is_none()
    }

    /// Ends it as a crash of the machine would: SIGKILL.
    pub fn kill9(&mut self) {
        let _ended_before = self.child.kill();
        self.child.wait().expect("a killed child can be waited for");
    }

    /// Sends it a signal, such as `TERM`.
    ///
    /// # Panics
    /// When it cannot be sent.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.child.id().to_string())
            .status()
            .expect("kill runs");
        assert!(status.success(), "{} cannot be signalled", self.name);
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn ended(&mut self) -> ExitStatus {
        self.ended_within(DEADLINE).await
    }

    async fn ended_within(&mut self, limit: Duration) -> ExitStatus {
        let name = self.name.clone();
        within(limit, &format!("{name} ends"), async || {
            self.child.try_wait().expect("the state of a child").ok_or("it runs")
        })
        .await
    }

    /// Waits for its end, and gives its exit code and what it wrote to the standard error.
    pub async fn outcome(self) -> (Option<i32>, String) {
        let (code, _, stderr) = self.whole().await;
        (code, stderr)
    }

    /// Waits for its end, and gives its exit code and what it wrote to the standard output and to the standard error.
    pub async fn whole(mut self) -> (Option<i32>, String, String) {
        let code = self.ended_within(WORK_MAX).await.code();
        // Whoever reads it may be behind the end by a moment.
        eventually("its output ends", async || {
            let read = [&self.stdout, &self.stderr].iter().all(|one| Arc::strong_count(one) == 1);
            if read { Ok(()) } else { Err("open") }
        })
        .await;
        (code, self.stdout(), self.stderr())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
        if std::thread::panicking() {
            eprintln!("--- {} wrote:\n{}", self.name, self.stderr());
        }
    }
}

/// Reads a pipe to its end, so that the process never waits for us.
fn collect(pipe: impl Read + Send + 'static) -> Output {
    let output = Output::default();
    let kept = Arc::clone(&output);
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        for line in pipe.by_ref().lines() {
            let Ok(line) = line else { break };
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() + line.len() > OUTPUT_BYTES_MAX {
                kept.push_str("(the rest is too much to be kept)\n");
                break;
            }
            kept.push_str(&line);
            kept.push('\n');
        }
        // A process whose output nobody reads would wait for ever.
        let _read_or_gone = std::io::copy(&mut pipe, &mut std::io::sink());
    });
    output
}
