//! Berth itself: every role in one process, on one engine.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use berth_log::{LogRead, embedded::EmbeddedLog};
use berth_proto::{InstanceId, StreamKey};
use berth_runtime::SystemEntropy;
use berth_test_support::{NatsServer, free_port};
use tempfile::TempDir;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    Outcome,
    http::{Commands, Connection, Reads, Target},
    load::{self, Operation},
    options::Engine,
    process::Process,
};

const ACCOUNT_TOKEN: &str = "bench-account-token-0001";
const ROOT_KEY: &str = "bench-root-key-0001";
/// Only for the benchmark's own throw-away data.
const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// The shards of the log: the default.
const SHARDS: u8 = 4;
/// Requests that each token may send in a minute: counted as in any deployment, and more than any machine takes.
const RATE: &str = "4000000000";
/// The quotas.
const RATES: [&str; 4] = [
    "BERTH_RATE_INSTANCE_COMMANDS",
    "BERTH_RATE_ACCOUNT_COMMANDS",
    "BERTH_RATE_INSTANCE_READS",
    "BERTH_RATE_ACCOUNT_READS",
];
/// Clients that create the instances.
const CREATORS: u32 = 16;
/// Commits of which the size is looked at: more than receipts are kept.
const SIZED_COMMITS: u32 = 40;

/// A running deployment with its instances.
#[derive(Debug)]
pub(crate) struct Deployment {
    process: Process,
    port: u16,
    /// From the start of the process to its first answer that it is ready.
    pub(crate) start: Duration,
    by_instance_token: Arc<[Target]>,
    by_account_token: Arc<[Target]>,
    hot: Arc<[Target]>,
    /// Commands that were sent to the instances, to know how long their histories are.
    commands: usize,
    data: TempDir,
    _nats: Option<NatsServer>,
}

/// Which instances commands go to, and with which token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// All instances, each with its own token.
    InstanceToken,
    /// All instances with the account's token.
    AccountToken,
    /// One instance with its own token.
    Hot,
}

/// Bytes of a commit, by the number of commits before it.
#[derive(Debug)]
pub(crate) struct CommitBytes(Vec<usize>);

/// Creates instances, one after the other.
#[derive(Debug)]
struct Creator {
    connection: Connection,
    names: std::ops::Range<u32>,
    created: Vec<Created>,
}

#[derive(Debug)]
struct Created {
    id: String,
    token: String,
}

impl Deployment {
    /// Starts a deployment in an empty folder and creates the instances.
    pub(crate) async fn start(binary: &Path, engine: Engine, instances: u32) -> Outcome<Self> {
        let nats = match engine {
            Engine::Embedded => None,
            Engine::Nats => Some(NatsServer::start().await),
            Engine::NatsAlways => Some(NatsServer::start_sync_always().await),
        };
        let data = tempfile::tempdir()?;
        let port = free_port();
        let mut command = Command::new(binary);
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("BERTH_") {
                command.env_remove(variable);
            }
        }
        command
            .arg("serve")
            .env("BERTH_HTTP", format!("127.0.0.1:{port}"))
            .env("BERTH_DATA", folder(&data))
            .env("BERTH_ROOT_KEY", ROOT_KEY)
            .env("BERTH_ACCOUNT_TOKEN", ACCOUNT_TOKEN)
            .env("BERTH_MASTER_KEY", MASTER_KEY)
            .envs(RATES.map(|quota| (quota, RATE)));
        if let Some(nats) = &nats {
            command.env("BERTH_NATS_URL", nats.url());
        }
        let started = Instant::now();
        let mut process = Process::start(command)?;
        process.answers(port, &account("/readyz")).await?;
        let start = started.elapsed();
        let created = create(port, instances).await?;
        let logout = |id: &str| format!("/v1/instances/{id}/logout");
        let own = |one: &Created| Target { path: logout(&one.id), token: one.token.clone() };
        let deployment = Self {
            process,
            port,
            start,
            by_instance_token: created.iter().map(own).collect(),
            by_account_token: created.iter().map(|one| account(&logout(&one.id))).collect(),
            hot: created.iter().take(1).map(own).collect(),
            commands: 0,
            data,
            _nats: nats,
        };
        deployment.process.idle().await?;
        Ok(deployment)
    }

    /// Clients that send keyed logouts.
    pub(crate) async fn clients(&self, way: Way, count: usize) -> Outcome<Vec<Commands>> {
        let targets = match way {
            Way::InstanceToken => &self.by_instance_token,
            Way::AccountToken => &self.by_account_token,
            Way::Hot => &self.hot,
        };
        Commands::clients(self.port, targets, count).await
    }

    /// Notes that commands were sent to all instances, and waits until the process has dealt with what follows.
    pub(crate) async fn settle(&mut self, commands: usize) -> Outcome<()> {
        self.commands += commands;
        self.process.idle().await
    }

    /// Commits that an instance has by now, on average.
    pub(crate) fn commits_each(&self) -> usize {
        1 + self.commands / self.by_instance_token.len().max(1)
    }

    /// A client that reads an instance: one that was never commanded, or the one with the long history.
    pub(crate) async fn fresh_reader(&self) -> Outcome<Reads> {
        let created = create_named(self.port, u32::MAX - 1..u32::MAX).await?;
        self.reader(created.first().ok_or("nothing was created")?).await
    }

    /// Creates an instance with so many commits, and gives a client that reads it.
    pub(crate) async fn long_reader(&self, commits: u32) -> Outcome<Reads> {
        let created = create_named(self.port, u32::MAX - 2..u32::MAX - 1).await?;
        let created = created.first().ok_or("nothing was created")?;
        let path = format!("/v1/instances/{}/logout", created.id);
        let targets: Arc<[Target]> = [Target { path, token: created.token.clone() }].into();
        let client = Commands::clients(self.port, &targets, 1).await?.pop().ok_or("there is no client")?;
        load::repeat(client, commits.saturating_sub(1)).await?;
        self.process.idle().await?;
        self.reader(created).await
    }

    /// The memory of the process and the most that it was, in KiB.
    pub(crate) fn memory_kib(&self) -> Outcome<(u64, u64)> {
        self.process.memory_kib()
    }

    async fn reader(&self, of: &Created) -> Outcome<Reads> {
        let target = Target { path: format!("/v1/instances/{}", of.id), token: of.token.clone() };
        Reads::open(self.port, target).await
    }
}

impl CommitBytes {
    /// Looks how large the commits of an instance are as its receipts become more. An embedded deployment stores
    /// what one on NATS stores.
    pub(crate) async fn look(binary: &Path) -> Outcome<Self> {
        let deployment = Deployment::start(binary, Engine::Embedded, 1).await?;
        let client = deployment.clients(Way::InstanceToken, 1).await?.pop().ok_or("there is no client")?;
        let path = deployment.by_instance_token.first().map(|target| target.path.clone());
        let id = path.as_deref().and_then(|path| path.split('/').nth(3)).unwrap_or_default();
        let id: InstanceId = id.parse().map_err(|_| "an id is not as expected")?;
        load::repeat(client, SIZED_COMMITS).await?;
        let Deployment { process, data, .. } = deployment;
        process.stop()?;
        let log = EmbeddedLog::open(&folder(&data), SHARDS, &SystemEntropy)?;
        let commits = log.read(&StreamKey::instance(id), 0, usize::try_from(SIZED_COMMITS)? + 1).await?;
        Ok(Self(commits.iter().map(|stored| stored.payload.len()).collect()))
    }

    /// Bytes of the commit after so many; those of a full ring of receipts do not grow.
    pub(crate) fn after(&self, commits: usize) -> usize {
        self.0.get(commits).or(self.0.last()).copied().unwrap_or_default()
    }
}

async fn create(port: u16, instances: u32) -> Outcome<Vec<Created>> {
    let mut creators = JoinSet::new();
    let each = instances.div_ceil(CREATORS);
    for creator in 0..CREATORS {
        let names = creator * each..((creator + 1) * each).min(instances);
        creators.spawn(create_named(port, names));
    }
    let mut created = Vec::new();
    while let Some(part) = creators.join_next().await {
        created.extend(part??);
    }
    Ok(created)
}

async fn create_named(port: u16, names: std::ops::Range<u32>) -> Outcome<Vec<Created>> {
    let count = u32::try_from(names.len())?;
    let creator = Creator { connection: Connection::open(port).await?, names, created: Vec::new() };
    Ok(load::repeat(creator, count).await?.created)
}

impl Operation for Creator {
    async fn once(&mut self) -> Outcome<()> {
        let name = self.names.next().ok_or("there are no more names")?;
        let body = format!(r#"{{"name":"bench {name}"}}"#);
        let answer = self.connection.ask("POST", &account("/v1/instances"), "", &body).await?.expect(201)?;
        let answer: serde_json::Value = serde_json::from_slice(&answer)?;
        let text = |field: &str| answer.get(field).and_then(|value| value.as_str()).map(str::to_owned);
        let (Some(id), Some(token)) = (text("id"), text("token")) else {
            return Err("the answer to a create has no id or token".into());
        };
        self.created.push(Created { id, token });
        Ok(())
    }
}

fn account(path: &str) -> Target {
    Target { path: path.to_owned(), token: ACCOUNT_TOKEN.to_owned() }
}

fn folder(data: &TempDir) -> PathBuf {
    data.path().join("data")
}
