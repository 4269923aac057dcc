//! A real collector of traces, which writes down what it was sent as it understood it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use berth_test_support::{free_port, program};
use tempfile::TempDir;

use crate::{client::Client, wait::eventually};

/// A running Rotel; killed when dropped.
#[derive(Debug)]
pub struct Collector {
    child: Child,
    client: Client,
    folder: TempDir,
}

/// A span as the collector writes it down: ids in hexadecimal digits, no parent as an empty text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// Of its trace.
    pub trace: String,
    /// Of the span that it belongs to.
    pub parent: String,
    /// Its own.
    pub id: String,
    /// What it is called.
    pub name: String,
}

impl Collector {
    /// The program: `BERTH_TEST_COLLECTOR`, which `tests/run` sets, else what `tests/get-collector` gets.
    ///
    /// # Panics
    /// When there is none; the message says what to install.
    pub fn binary() -> PathBuf {
        if let Some(path) = std::env::var_os("BERTH_TEST_COLLECTOR") {
            return path.into();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../get-collector");
        let output = Command::new(script).output().expect("tests/get-collector runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "no collector for the tests; run them with `tests/run`: {said}");
        String::from_utf8(output.stdout).expect("a path").trim().into()
    }

    /// Starts it on free ports and waits until it answers.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let said = File::create(folder.path().join("said")).expect("a file can be written");
        let address = format!("127.0.0.1:{}", free_port());
        let child = program(Self::binary())
            .args(["start", "--exporter", "blackhole", "--debug-log", "traces"])
            .args(["--debug-log-verbosity", "detailed", "--otlp-http-endpoint", &address])
            .args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{}", free_port())])
            .current_dir(folder.path())
            .stdout(said)
            .stderr(Stdio::null())
            .spawn()
            .expect("the collector starts");
        let started = Self { child, client: Client::new(format!("http://{address}")), folder };
        eventually("the collector answers", async || {
            let asked = started.client.try_send(reqwest::Method::GET, "/", None).await;
            asked.map(|_| ()).map_err(|error| error.to_string())
        })
        .await;
        started
    }

    /// Where spans are sent to, by OTLP over HTTP.
    pub fn url(&self) -> &str {
        self.client.base()
    }

    /// The spans that it has received so far, in the order in which they came.
    ///
    /// # Panics
    /// When what it wrote cannot be read.
    pub fn received(&self) -> Vec<Collected> {
        let said = fs::read_to_string(self.folder.path().join("said")).expect("what it wrote");
        said.split("\nSpan #").skip(1).filter_map(collected).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ended_before = self.child.kill();
        let _status = self.child.wait();
    }
}

/// None for the last one while it is being written.
fn collected(text: &str) -> Option<Collected> {
    // The name is the last of the four, so its line has to be whole.
    let (whole, _) = text.rsplit_once('\n')?;
    let field = |wanted: &str| {
        let mut fields = whole.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(name, _)| name.trim() == wanted).map(|(_, value)| value.trim().to_owned())
    };
    Some(Collected {
        trace: field("Trace ID")?,
        parent: field("Parent ID")?,
        id: field("ID")?,
        name: field("Name")?,
    })
}
