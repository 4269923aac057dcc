//! Berth itself: the processes of one topology in a folder of their own.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use berth_test_support::{free_port, program};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{
    Outcome,
    http::Connection,
    proc_fs,
    process::Process,
    scrape::{Appended, Scrape},
    servers::Servers,
    topology::Topology,
};

/// The token of the account that owns all instances.
pub(crate) const ACCOUNT_TOKEN: &str = "bench-account-token-0001";
pub(crate) const ROOT_KEY: &str = "bench-root-key-0001";
/// Only for the benchmark's own throw-away data.
pub(crate) const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// Shards of every log.
pub(crate) const SHARDS: u8 = 4;
/// Requests that each token may send in a minute: counted as in any deployment, and more than any machine takes.
const RATE: &str = "4000000000";
/// The quotas.
const RATES: [&str; 4] = [
    "BERTH_RATE_INSTANCE_COMMANDS",
    "BERTH_RATE_ACCOUNT_COMMANDS",
    "BERTH_RATE_INSTANCE_READS",
    "BERTH_RATE_ACCOUNT_READS",
];
/// How long the benchmark waits for processes to finish what a measurement left behind.
const IDLE_MAX: Duration = Duration::from_secs(5);
/// The time over which processes are looked at. A clock tick of every second process in it counts as idle: each
/// polls a little.
const IDLE_WINDOW: Duration = Duration::from_millis(150);

/// A deployment, killed when dropped.
#[derive(Debug)]
pub(crate) struct Deployment {
    pub(crate) topology: Topology,
    /// From the start of the processes to the last one's answer that it is ready.
    pub(crate) start: Duration,
    members: Vec<Member>,
    binary: PathBuf,
    /// Beside those that every deployment has.
    settings: Vec<(&'static str, String)>,
    /// What it has on the disk.
    folder: PathBuf,
    /// Removes that when it is dropped, unless it shall stay.
    _temporary: Option<TempDir>,
    /// Dropped after the processes.
    pub(crate) servers: Option<Servers>,
}

/// One process.
#[derive(Debug)]
struct Member {
    role: &'static str,
    port: u16,
    /// None while it is down.
    process: Option<Process>,
}

impl Deployment {
    /// Starts everything in an empty folder and waits until it is ready.
    pub(crate) async fn start(binary: &Path, topology: Topology) -> Outcome<Self> {
        Self::start_with(binary, topology, Vec::new()).await
    }

    /// The same with these settings more.
    pub(crate) async fn start_with(
        binary: &Path,
        topology: Topology,
        settings: Vec<(&'static str, String)>,
    ) -> Outcome<Self> {
        let temporary = tempfile::tempdir()?;
        let folder = temporary.path().to_owned();
        let deployment = Self::start_new(binary, topology, settings, folder).await?;
        Ok(Self { _temporary: Some(temporary), ..deployment })
    }

    /// The same in a folder that stays.
    pub(crate) async fn start_in(binary: &Path, topology: Topology, folder: &Path) -> Outcome<Self> {
        Self::start_new(binary, topology, Vec::new(), folder.to_owned()).await
    }

    async fn start_new(
        binary: &Path,
        topology: Topology,
        settings: Vec<(&'static str, String)>,
        folder: PathBuf,
    ) -> Outcome<Self> {
        let servers = Servers::start(topology.engine).await?;
        let roles = topology.shape.processes();
        let members =
            roles.into_iter().map(|role| Member { role, port: free_port(), process: None }).collect();
        let mut deployment = Self {
            topology,
            start: Duration::ZERO,
            members,
            binary: binary.to_owned(),
            settings,
            folder,
            _temporary: None,
            servers,
        };
        deployment.launch().await?;
        Ok(deployment)
    }

    /// Starts what is down, and waits until all of it is ready.
    pub(crate) async fn launch(&mut self) -> Outcome<()> {
        let started = Instant::now();
        for at in 0..self.members.len() {
            let mut command = self.command();
            let Some(member) = self.members.get_mut(at) else { continue };
            if member.process.is_none() {
                command.arg(member.role).env("BERTH_HTTP", format!("127.0.0.1:{}", member.port));
                member.process = Some(Process::start(command)?);
            }
        }
        for member in &mut self.members {
            if let Some(process) = &mut member.process {
                process.answers(member.port, "/readyz").await?;
            }
        }
        self.start = started.elapsed();
        Ok(())
    }

    /// Asks every process to end and waits for it; the data stays.
    pub(crate) async fn stop(&mut self) -> Outcome<()> {
        for member in &mut self.members {
            if let Some(process) = member.process.take() {
                process.stop().await?;
            }
        }
        Ok(())
    }

    /// Kills the last process of this role as a crash would.
    pub(crate) fn kill9(&mut self, role: &str) -> Outcome<()> {
        let member = self.members.iter_mut().rev().find(|member| member.role == role);
        let process = member.and_then(|member| member.process.take());
        process.ok_or_else(|| format!("no {role} runs"))?.kill9()
    }

    /// Throws the views away while nothing runs; the next start builds them anew.
    pub(crate) fn forget_views(&self) -> Outcome<()> {
        // What it says would stand in the report.
        let silent = std::process::Stdio::null();
        let status = self.command().args(["recover", "--accept-rollback"]).stdout(silent).status()?;
        if status.success() { Ok(()) } else { Err("`berth recover` failed".into()) }
    }

    /// The ports of the gateways.
    pub(crate) fn gateways(&self) -> Vec<u16> {
        let gateways = self.members.iter().filter(|member| matches!(member.role, "serve" | "gateway"));
        gateways.map(|member| member.port).collect()
    }

    /// Connections of so many clients, spread over the gateways.
    pub(crate) fn connections(&self, clients: usize) -> Vec<Connection> {
        self.gateways().into_iter().cycle().take(clients).map(Connection::to).collect()
    }

    /// What each process says of itself. Those that are down or do not answer say nothing.
    pub(crate) async fn scrapes(&self) -> Vec<Scrape> {
        scrapes(&self.ports()).await
    }

    /// The ports of all processes that run.
    pub(crate) fn ports(&self) -> Vec<u16> {
        self.members.iter().filter(|member| member.process.is_some()).map(|member| member.port).collect()
    }

    /// What all processes have stored since they started.
    pub(crate) async fn appended(&self) -> Appended {
        self.scrapes().await.iter().map(Scrape::appended).fold(Appended::default(), |sum, of| Appended {
            commits: sum.commits + of.commits,
            bytes: sum.bytes + of.bytes,
        })
    }

    /// Commits that all processes have stored since they started.
    pub(crate) async fn commits(&self) -> f64 {
        self.appended().await.commits
    }

    /// The folder of its data.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Processor time by role so far, in ticks; that of the NATS servers as `NATS server`.
    pub(crate) fn ticks(&self) -> Outcome<Vec<(&'static str, u64)>> {
        let mut ticks = Vec::new();
        for (role, pid) in self.pids() {
            ticks.push((role, proc_fs::ticks(pid)?));
        }
        Ok(ticks)
    }

    /// The memory of all processes of Berth, in bytes.
    pub(crate) fn memory_bytes(&self) -> Outcome<u64> {
        let own = self.members.iter().filter_map(|member| Some(member.process.as_ref()?.id()));
        own.map(proc_fs::memory_bytes).sum()
    }

    /// Waits until the processes have finished what follows a measurement, so that this is not in the next one.
    pub(crate) async fn idle(&self) -> Outcome<()> {
        let deadline = Instant::now() + IDLE_MAX;
        let total = || Ok::<u64, crate::Failure>(self.ticks()?.iter().map(|(_, ticks)| ticks).sum());
        let idle_ticks = 1 + self.pids().len() as u64 / 2;
        let mut before = total()?;
        while Instant::now() < deadline {
            sleep(IDLE_WINDOW).await;
            let now = total()?;
            if now.saturating_sub(before) <= idle_ticks {
                break;
            }
            before = now;
        }
        Ok(())
    }

    fn pids(&self) -> Vec<(&'static str, u32)> {
        let own = self.members.iter().filter_map(|member| Some((member.role, member.process.as_ref()?.id())));
        let servers = self.servers.iter().flat_map(|servers| servers.pids().map(|pid| ("NATS server", pid)));
        own.chain(servers).collect()
    }

    /// The binary with no other settings than those of the benchmark.
    fn command(&self) -> Command {
        let mut command = program(&self.binary);
        command
            .current_dir(&self.folder)
            .envs(identity(&self.data()))
            .envs(RATES.map(|quota| (quota, RATE)))
            .env("BERTH_WEBHOOK_ALLOW", "127.0.0.0/8")
            .env("BERTH_LOG", "error")
            .envs(self.settings.iter().map(|(name, value)| (name, value)));
        if let Some(servers) = &self.servers {
            command
                .env("BERTH_NATS_URL", servers.url())
                .env("BERTH_NATS_REPLICAS", self.topology.engine.replicas().to_string());
        }
        command
    }
}

/// What makes a deployment this one: its folder, its shards, its keys and tokens.
fn identity(data: &Path) -> [(&'static str, String); 5] {
    [
        ("BERTH_DATA", data.display().to_string()),
        ("BERTH_LOG_SHARDS", SHARDS.to_string()),
        ("BERTH_MASTER_KEY", MASTER_KEY.to_owned()),
        ("BERTH_ROOT_KEY", ROOT_KEY.to_owned()),
        ("BERTH_ACCOUNT_TOKEN", ACCOUNT_TOKEN.to_owned()),
    ]
}

/// The same as somebody types it before a command.
pub(crate) fn settings_in(data: &Path) -> String {
    identity(data).map(|(name, value)| format!("{name}='{value}'")).join(" ")
}

/// What the processes at these ports say of themselves.
pub(crate) async fn scrapes(ports: &[u16]) -> Vec<Scrape> {
    let mut scrapes = Vec::new();
    for port in ports {
        if let Ok(scrape) = Scrape::of(&mut Connection::to(*port)).await {
            scrapes.push(scrape);
        }
    }
    scrapes
}
