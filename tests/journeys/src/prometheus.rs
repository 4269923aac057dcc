//! A real Prometheus that watches what a story runs.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use berth_test_support::{free_port, program};
use serde_json::Value;
use tempfile::TempDir;

use crate::{client::Client, wait::eventually};

/// A running Prometheus; killed when dropped.
#[derive(Debug)]
pub struct Prometheus {
    child: Child,
    client: Client,
    _folder: TempDir,
}

impl Prometheus {
    /// The program, beside which promtool is: `BERTH_TEST_PROMETHEUS`, which `tests/run` sets, else what
    /// `tests/get-prometheus` finds.
    ///
    /// # Panics
    /// When there is none; the message says what to install.
    pub fn binary() -> PathBuf {
        if let Some(path) = std::env::var_os("BERTH_TEST_PROMETHEUS") {
            return path.into();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../get-prometheus");
        let output = Command::new(script).output().expect("tests/get-prometheus runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "no Prometheus for the tests; run them with `tests/run`: {said}");
        String::from_utf8(output.stdout).expect("a path").trim().into()
    }

    /// Scrapes these addresses every second as the job `berth`, over TLS where they begin so, and evaluates these rules.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(targets: &[&str], rules: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("rules.yaml"), rules).expect("a file can be written");
        let config = folder.path().join("prometheus.yaml");
        fs::write(&config, configuration(targets)).expect("a file can be written");
        let address = format!("127.0.0.1:{}", free_port());
        let data = folder.path().join("data");
        let child = program(Self::binary())
            .arg(flag("config.file", &config))
            .arg(flag("storage.tsdb.path", &data))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Prometheus starts");
        let started = Self { child, client: Client::new(format!("http://{address}")), _folder: folder };
        eventually("Prometheus is ready", async || {
            let asked = started.client.try_send(reqwest::Method::GET, "/-/ready", None).await;
            let answer = asked.map_err(|error| error.to_string())?;
            if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
        })
        .await;
        started
    }

    /// What an expression comes to at this moment, as the API has it.
    ///
    /// # Panics
    /// When Prometheus does not understand it.
    pub async fn query(&self, expression: &str) -> Vec<Value> {
        let encoded: String = expression.bytes().fold(String::new(), |mut text, byte| {
            let _infallible = write!(text, "%{byte:02X}");
            text
        });
        let answer = self.client.get(&format!("/api/v1/query?query={encoded}")).await;
        let body = answer.expect(200);
        body["data"]["result"].as_array().expect("a result").clone()
    }

    /// An answer of another route.
    pub async fn get(&self, path: &str) -> Value {
        self.client.get(path).await.expect(200)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ended_before = self.child.kill();
        let _status = self.child.wait();
    }
}

fn flag(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

fn configuration(targets: &[&str]) -> String {
    let mut text = "global: { scrape_interval: 1s, evaluation_interval: 1s }\nrule_files: [rules.yaml]\n\
                    scrape_configs:\n"
        .to_owned();
    for scheme in ["http", "https"] {
        let of_scheme = targets.iter().filter_map(|target| target.strip_prefix(&format!("{scheme}://")));
        let of_scheme: Vec<_> = of_scheme.map(|target| format!("\"{target}\"")).collect();
        // Prometheus wants one name for each list of targets; what is watched is one job all the same.
        let _infallible = write!(
            text,
            "  - job_name: {scheme}\n    scheme: {scheme}\n    tls_config: {{ insecure_skip_verify: true }}\n    \
             static_configs: [{{ targets: [{}], labels: {{ job: berth }} }}]\n",
            of_scheme.join(", ")
        );
    }
    text
}
