//! Three NATS servers that are one cluster, as a deployment has them.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::{free_port, nats_server};

/// How long the three may take to agree on a leader.
const START_MAX: Duration = Duration::from_secs(60);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Three servers with JetStream on free ports of the loopback interface; killed when dropped.
#[derive(Debug)]
pub struct NatsCluster {
    servers: Vec<Server>,
    _store: TempDir,
}

#[derive(Debug)]
struct Server {
    name: String,
    port: u16,
    child: Child,
}

// === impl NatsCluster ===

impl NatsCluster {
    /// How many servers there are, and so replicas that a stream may have.
    pub const SERVERS: usize = 3;

    /// Starts the servers with empty stores and waits until they have a leader.
    ///
    /// # Panics
    /// When there is no server to start: run the tests with `tests/run`, which gets one.
    pub async fn start() -> Self {
        let store = tempfile::tempdir().expect("a temporary folder");
        let ports: Vec<(u16, u16)> = (0..Self::SERVERS).map(|_| (free_port(), free_port())).collect();
        let routes: Vec<String> =
            ports.iter().map(|(_, route)| format!("nats://127.0.0.1:{route}")).collect();
        let servers = ports
            .iter()
            .enumerate()
            .map(|(number, (port, route))| {
                Server::start(store.path(), number, *port, *route, &routes.join(","))
            })
            .collect();
        let cluster = Self { servers, _store: store };
        cluster.until_led().await;
        cluster
    }

    /// The address of the first server that lives; the others are found through it.
    ///
    /// # Panics
    /// When all were killed.
    pub fn url(&self) -> String {
        self.servers.first().expect("a server that lives").url()
    }

    /// The addresses of all servers that live.
    pub fn urls(&self) -> Vec<String> {
        self.servers.iter().map(Server::url).collect()
    }

    /// Kills the server that leads a stream, as a crash would.
    ///
    /// # Panics
    /// When the stream has no leader.
    pub async fn kill_leader_of(&mut self, stream: &str) {
        let client = async_nats::connect(self.urls()).await.expect("a server that answers");
        let stream = async_nats::jetstream::new(client).get_stream(stream).await.expect("a stream");
        let leader = stream.cached_info().cluster.as_ref().and_then(|cluster| cluster.leader.clone());
        let leader = leader.expect("a stream with a leader");
        let before = self.servers.len();
        self.servers.retain(|server| server.name != leader);
        assert_eq!(self.servers.len(), before - 1, "{leader} is one of the servers");
    }

    async fn until_led(&self) {
        let led = async {
            loop {
                if let Ok(client) = async_nats::connect(self.urls()).await
                    && async_nats::jetstream::new(client).query_account().await.is_ok()
                {
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(START_MAX, led).await.expect("the cluster has a leader");
    }
}

// === impl Server ===

impl Server {
    fn start(folder: &Path, number: usize, port: u16, route: u16, routes: &str) -> Self {
        let name = format!("server-{number}");
        let child = Command::new(nats_server())
            .args(["--addr", "127.0.0.1", "--port", &port.to_string(), "--name", &name, "--jetstream"])
            .arg("--store_dir")
            .arg(folder.join(&name))
            .args(["--cluster_name", "test", "--cluster", &format!("nats://127.0.0.1:{route}")])
            .args(["--routes", routes])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the NATS server starts");
        Self { name, port, child }
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}
