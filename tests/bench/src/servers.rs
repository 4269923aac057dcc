//! The NATS servers of an engine: one, or three that are one cluster.

use std::{path::Path, process::Command, time::Duration};

use async_nats::jetstream::{self, stream::Config};
use berth_test_support::{free_port, nats_server};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{Outcome, process::Process, topology::Engine};

/// How long servers may take until they keep streams.
const START_MAX: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);
/// A stream that is made and deleted to see whether streams can be made.
const PROBE: &str = "bench_probe";

/// Running servers, killed when dropped.
#[derive(Debug)]
pub(crate) struct Servers {
    servers: Vec<Server>,
    store: TempDir,
}

/// One of them.
#[derive(Debug)]
struct Server {
    /// None while it is down.
    process: Option<Process>,
    port: u16,
}

impl Servers {
    /// Starts what this engine needs; none for the embedded one.
    pub(crate) async fn start(engine: Engine) -> Outcome<Option<Self>> {
        if engine == Engine::Embedded {
            return Ok(None);
        }
        let store = tempfile::tempdir()?;
        let ports: Vec<(u16, u16)> = (0..engine.replicas()).map(|_| (free_port(), free_port())).collect();
        for (number, (port, _)) in ports.iter().enumerate() {
            let text = config(engine, store.path(), number, *port, &ports);
            std::fs::write(config_path(store.path(), number), text)?;
        }
        let servers = ports.iter().map(|(port, _)| Server { process: None, port: *port }).collect();
        let mut servers = Self { servers, store };
        for number in 0..servers.servers.len() {
            servers.launch(number)?;
        }
        servers.ready().await?;
        Ok(Some(servers))
    }

    /// The addresses, as `BERTH_NATS_URL` takes them.
    pub(crate) fn url(&self) -> String {
        let urls: Vec<String> =
            self.servers.iter().map(|server| format!("nats://127.0.0.1:{}", server.port)).collect();
        urls.join(",")
    }

    pub(crate) async fn connect(&self) -> Outcome<async_nats::Client> {
        let urls: Vec<String> = self.url().split(',').map(str::to_owned).collect();
        Ok(async_nats::connect(urls).await?)
    }

    /// The processes that run.
    pub(crate) fn pids(&self) -> impl Iterator<Item = u32> {
        self.servers.iter().filter_map(|server| Some(server.process.as_ref()?.id()))
    }

    /// Kills the server with this name as a crash would.
    pub(crate) fn kill9(&mut self, name: &str) -> Outcome<()> {
        let number = (0..self.servers.len()).find(|number| server_name(*number) == name);
        let server =
            number.and_then(|number| self.servers.get_mut(number)).ok_or("there is no such server")?;
        server.process.take().ok_or("the server is down already")?.kill9()
    }

    /// Starts again what is down, and waits until all keep streams.
    pub(crate) async fn restart(&mut self) -> Outcome<()> {
        let down: Vec<usize> = (0..self.servers.len())
            .filter(|number| self.servers.get(*number).is_some_and(|server| server.process.is_none()))
            .collect();
        for number in down {
            self.launch(number)?;
        }
        self.ready().await
    }

    fn launch(&mut self, number: usize) -> Outcome<()> {
        let mut command = Command::new(nats_server());
        command.arg("-c").arg(config_path(self.store.path(), number));
        let server = self.servers.get_mut(number).ok_or("there is no such server")?;
        server.process = Some(Process::start(command)?);
        Ok(())
    }

    async fn ready(&self) -> Outcome<()> {
        let deadline = Instant::now() + START_MAX;
        loop {
            if let Ok(client) = self.connect().await
                && keeps_streams(client, self.servers.len()).await
            {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err("the NATS servers did not start in time".into());
            }
            sleep(PAUSE).await;
        }
    }
}

/// Whether a stream can be made with so many copies: servers of a cluster answer before they have found each other.
async fn keeps_streams(client: async_nats::Client, replicas: usize) -> bool {
    let config = Config { name: PROBE.to_owned(), num_replicas: replicas, ..Config::default() };
    let context = jetstream::new(client);
    context.create_stream(config).await.is_ok() && context.delete_stream(PROBE).await.is_ok()
}

fn server_name(number: usize) -> String {
    format!("bench-{number}")
}

fn config_path(store: &Path, number: usize) -> std::path::PathBuf {
    store.join(format!("{}.conf", server_name(number)))
}

fn config(engine: Engine, store: &Path, number: usize, port: u16, ports: &[(u16, u16)]) -> String {
    let name = server_name(number);
    let sync = if engine.syncs_always() { "always" } else { "2m" };
    let store = store.join(&name);
    let store = store.display();
    let cluster = if let (true, Some((_, own))) = (ports.len() > 1, ports.get(number)) {
        let routes: Vec<String> =
            ports.iter().map(|(_, route)| format!("nats-route://127.0.0.1:{route}")).collect();
        let routes = routes.join(", ");
        format!("cluster {{ name: bench, listen: 127.0.0.1:{own}, routes: [ {routes} ] }}\n")
    } else {
        String::new()
    };
    format!(
        "server_name: {name}\nlisten: 127.0.0.1:{port}\nmax_payload: 8MB\n\
         jetstream {{ store_dir: \"{store}\", sync_interval: {sync} }}\n{cluster}"
    )
}
