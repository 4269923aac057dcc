//! The command with settings of its own, what it printed, and servers that are not Berth.

use std::{
    collections::VecDeque,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::{Arc, Mutex},
};

use berth_journeys::{ACCOUNT_TOKEN, Running, eventually};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    process::{Child, Command},
};

/// The binary.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_berthctl");

/// A person with a shell.
#[derive(Debug)]
pub(crate) struct Shell {
    variables: Vec<(&'static str, String)>,
    home: TempDir,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A run that goes on.
#[derive(Debug)]
pub(crate) struct Going {
    child: Child,
    out: Arc<Mutex<String>>,
    err: Arc<Mutex<String>>,
}

// === impl Shell ===

impl Shell {
    /// Of somebody who has the token of the account.
    pub(crate) fn of(berth: &Running) -> Self {
        Self::at(berth.client().base()).with("BERTHCTL_TOKEN", ACCOUNT_TOKEN)
    }

    /// Of somebody who knows an address.
    pub(crate) fn at(url: &str) -> Self {
        Self::empty().with("BERTHCTL_URL", url)
    }

    /// Of somebody who knows nothing.
    pub(crate) fn empty() -> Self {
        Self { variables: Vec::new(), home: tempfile::tempdir().expect("a folder") }
    }

    /// With this variable too.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.to_owned()));
        self
    }

    /// A path in the folder of this person.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// A file with this text.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).expect("a file");
        self.path(name).display().to_string()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let ours = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BERTH"));
        for (name, _) in ours {
            command.env_remove(name);
        }
        command
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env_remove("NO_COLOR")
            .env_remove("COLUMNS")
            .envs(self.variables.iter().map(|(name, value)| (*name, value)))
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs it to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Done {
        Done::of(&self.command(BINARY).args(arguments).output().await.expect("it runs"))
    }

    /// Runs it with this on its standard input.
    pub(crate) async fn run_with(&self, input: &str, arguments: &[&str]) -> Done {
        let mut child =
            self.command(BINARY).args(arguments).stdin(Stdio::piped()).spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).await.expect("it reads");
        drop(stdin);
        Done::of(&child.wait_with_output().await.expect("it ends"))
    }

    /// Runs a line of a shell, in which `berthctl` is found.
    pub(crate) async fn bash(&self, line: &str) -> Done {
        let folder = Path::new(BINARY).parent().expect("a folder").as_os_str();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = [folder, OsStr::new(":"), path.as_os_str()].into_iter().collect::<std::ffi::OsString>();
        let mut command = self.command("bash");
        Done::of(&command.env("PATH", path).args(["-c", line]).output().await.expect("bash runs"))
    }

    /// Starts it.
    pub(crate) fn start(&self, arguments: &[&str]) -> Going {
        Going::of(self.command(BINARY).args(arguments).spawn().expect("it starts"))
    }

    /// Starts it in a terminal of this width.
    pub(crate) fn start_in_terminal(&self, columns: u16, arguments: &str) -> Going {
        let mut command = self.command("script");
        let line = format!("stty cols {columns} rows 50; {BINARY} {arguments}");
        if !self.variables.iter().any(|(name, _)| *name == "TERM") {
            command.env("TERM", "xterm");
        }
        command.args(["-qec", &line, "/dev/null"]);
        Going::of(command.spawn().expect("script is there"))
    }

    /// The JSON that it prints.
    pub(crate) async fn json(&self, arguments: &[&str]) -> Value {
        let done = self.run(&[arguments, &["-o", "json"]].concat()).await;
        serde_json::from_str(&done.expect(0)).expect("JSON")
    }
}

// === impl Done ===

impl Done {
    fn of(output: &Output) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// What it printed, if it ended with this code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        self.out
    }

    /// What it complained of, if it ended with this code.
    #[track_caller]
    pub(crate) fn refused(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        self.err
    }
}

// === impl Going ===

impl Going {
    fn of(mut child: Child) -> Self {
        let out = collect(child.stdout.take().expect("a pipe"));
        let err = collect(child.stderr.take().expect("a pipe"));
        Self { child, out, err }
    }

    /// What it printed so far.
    pub(crate) fn out(&self) -> String {
        self.out.lock().expect("nobody panicked").clone()
    }

    /// What it said beside that.
    pub(crate) fn err(&self) -> String {
        self.err.lock().expect("nobody panicked").clone()
    }

    /// The lines of JSON that it printed so far.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let out = self.out();
        let whole = out.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// Waits until it printed what is wanted.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&Self) -> bool) {
        eventually(what, async || if wanted(self) { Ok(()) } else { Err((self.out(), self.err())) }).await;
    }

    /// Sends it a signal.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status().await;
        assert!(sent.expect("kill runs").success());
    }

    /// Waits for its end, and for the last of what it wrote.
    pub(crate) async fn ended(mut self) -> Done {
        let code =
            eventually("it ends", async || self.child.try_wait().ok().flatten().ok_or("it runs")).await;
        for pipe in [&self.out, &self.err] {
            eventually(
                "its output ends",
                async || {
                    if Arc::strong_count(pipe) == 1 { Ok(()) } else { Err("open") }
                },
            )
            .await;
        }
        Done { code: code.code(), out: self.out(), err: self.err() }
    }
}

fn collect(mut pipe: impl AsyncReadExt + Send + Unpin + 'static) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&text);
    #[expect(clippy::disallowed_methods, reason = "it ends with the pipe")]
    tokio::spawn(async move {
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = pipe.read(&mut bytes).await {
            kept.lock().expect("nobody panicked").push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
    });
    text
}

/// A server that answers each connection with the next of these, whatever it asks; none breaks it off.
#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

// === impl Fake ===

impl Fake {
    pub(crate) async fn start(answers: &[Option<&str>]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heads = Arc::clone(&asked);
        let mut answers: VecDeque<Option<String>> =
            answers.iter().map(|answer| answer.map(str::to_owned)).collect();
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        tokio::spawn(async move {
            while let Some(answer) = answers.pop_front() {
                let Ok((mut stream, _)) = listener.accept().await else { break };
                let mut bytes = vec![0; 64 * 1024];
                let read = stream.read(&mut bytes).await.unwrap_or_default();
                heads
                    .lock()
                    .expect("nobody panicked")
                    .push(String::from_utf8_lossy(&bytes[..read]).into_owned());
                if let Some(answer) = answer {
                    let _gone = stream.write_all(answer.as_bytes()).await;
                    let _gone = stream.shutdown().await;
                }
            }
        });
        Self { url, asked }
    }

    /// The heads of the requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panicked").clone()
    }
}

/// An answer of an HTTP server.
pub(crate) fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}
