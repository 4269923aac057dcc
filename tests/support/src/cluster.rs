//! Three NATS servers that are one cluster, as a deployment has them, and what can happen to them.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use async_nats::jetstream::stream;
use tempfile::TempDir;

use crate::{free_port, nats_server, wire::Wire};

/// How long the three may take to agree on a leader.
const START_MAX: Duration = Duration::from_secs(60);
/// Runs a program whose files may have so many blocks: a write beyond fails, as on a full disk.
const LIMITED: &str = r#"trap "" XFSZ; ulimit -f "$0"; exec "$@""#;
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Three servers with JetStream on free ports of the loopback interface; killed when dropped. They reach each other, and
/// clients reach them, over wires that can be cut.
#[derive(Debug)]
pub struct NatsCluster {
    servers: Vec<Server>,
    /// From clients to each server.
    doors: Vec<Wire>,
    /// From the server with the first number to that with the second.
    wires: Vec<(usize, usize, Wire)>,
    _store: TempDir,
}

#[derive(Debug)]
struct Server {
    name: String,
    door: u16,
    config: PathBuf,
    /// How large a file of it may become; none for as large as the disk has room.
    blocks: Option<u32>,
    /// None while it is down.
    child: Option<Child>,
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
        Self::start_with(None).await
    }

    async fn start_with(full: Option<(usize, u32)>) -> Self {
        let store = tempfile::tempdir().expect("a temporary folder");
        let routes: Vec<u16> = (0..Self::SERVERS).map(|_| free_port()).collect();
        let ports: Vec<u16> = (0..Self::SERVERS).map(|_| free_port()).collect();
        let (mut wires, mut doors) = (Vec::new(), Vec::new());
        for port in &ports {
            doors.push(Wire::to(*port).await);
        }
        for from in 0..Self::SERVERS {
            for to in (0..Self::SERVERS).filter(|to| *to != from) {
                wires.push((from, to, Wire::to(routes[to]).await));
            }
        }
        let servers = routes.iter().enumerate().map(|(number, route)| {
            let reaches = wires.iter().filter(|(from, ..)| *from == number);
            let reaches = reaches.map(|(.., wire)| format!("nats://127.0.0.1:{}", wire.port())).collect();
            let folder = store.path().join(format!("server-{number}"));
            Server::new(folder, number, (ports[number], doors[number].port()), *route, reaches)
        });
        let mut cluster = Self { servers: servers.collect(), doors, wires, _store: store };
        if let Some((number, blocks)) = full {
            cluster.servers[number].blocks = Some(blocks);
        }
        cluster.servers.iter_mut().for_each(Server::start);
        cluster.until_led().await;
        cluster
    }

    /// Starts the servers, one of which has room for so many blocks (of half a KiB, or of a whole one) in each of its files, as
    /// if its disk were full then.
    pub async fn start_with_a_full_disk(number: usize, blocks: u32) -> Self {
        Self::start_with(Some((number, blocks))).await
    }

    /// Gives every server that is started from now on all the room that its disk has.
    pub fn make_room(&mut self) {
        self.servers.iter_mut().for_each(|server| server.blocks = None);
    }

    /// What a server wrote of itself so far.
    pub fn log_of(&self, number: usize) -> String {
        self.servers[number].said()
    }

    /// The address of the first server that lives; the others are found through it.
    ///
    /// # Panics
    /// When all were killed.
    pub fn url(&self) -> String {
        self.living().next().expect("a server that lives").url()
    }

    /// The addresses of all servers that live.
    pub fn urls(&self) -> Vec<String> {
        self.living().map(Server::url).collect()
    }

    /// The number of the server that leads a stream.
    ///
    /// # Panics
    /// When the stream has no leader in time.
    pub async fn leader_of(&self, stream: &str) -> usize {
        let found = async {
            loop {
                if let Some(leader) = self.leader_now(stream).await {
                    return leader;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(START_MAX, found).await.expect("a stream with a leader")
    }

    async fn leader_now(&self, stream: &str) -> Option<usize> {
        let client = async_nats::connect(self.urls()).await.ok()?;
        let stream = async_nats::jetstream::new(client).get_stream(stream).await.ok()?;
        let leader = stream.cached_info().cluster.as_ref()?.leader.clone()?;
        self.servers.iter().position(|server| server.name == leader)
    }

    /// Kills the server that leads a stream, as a crash would.
    ///
    /// # Panics
    /// When the stream has no leader.
    pub async fn kill_leader_of(&mut self, stream: &str) {
        let leader = self.leader_of(stream).await;
        self.kill(leader);
    }

    /// Kills a server as a crash would.
    pub fn kill(&mut self, number: usize) {
        self.servers[number].kill();
    }

    /// Sends a server a signal: `USR2` makes it a lame duck, which hands over what it leads, sends its clients away and ends.
    ///
    /// # Panics
    /// When it does not run.
    pub fn signal(&self, number: usize, signal: &str) {
        let child = self.servers[number].child.as_ref().expect("a server that runs");
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "a server that runs can be signalled");
    }

    /// Waits until a server that was asked to has ended.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn ended(&mut self, number: usize) {
        let server = &mut self.servers[number];
        let ended = async {
            while let Some(child) = &mut server.child {
                if child.try_wait().expect("the state of a child").is_some() {
                    server.child = None;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(START_MAX, ended).await.expect("the server ends");
    }

    /// Starts a server again that is down, on its store, and waits until it has caught up with the others in every stream.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn start_again(&mut self, number: usize) {
        self.servers[number].start();
        self.until_whole().await;
    }

    /// Puts another server in the place of one that is down: of the same name, with an empty store. Waits until it has got every
    /// stream from the others.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn replace(&mut self, number: usize) {
        self.servers[number].forget();
        self.start_again(number).await;
    }

    /// Starts every server again that is down, and waits until all have caught up in every stream.
    ///
    /// # Panics
    /// When they do not in time.
    pub async fn start_all_again(&mut self) {
        self.servers.iter_mut().filter(|server| server.child.is_none()).for_each(Server::start);
        self.until_whole().await;
    }

    /// Cuts a server off from clients and from the others.
    pub fn isolate(&self, number: usize) {
        self.wires_of(number).for_each(Wire::cut);
        self.shut_out(number);
    }

    /// Cuts a server off from its clients.
    pub fn shut_out(&self, number: usize) {
        self.doors[number].cut();
    }

    /// Lets everybody reach a server again, and waits until it has caught up with the others.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn mend(&self, number: usize) {
        self.wires_of(number).for_each(Wire::mend);
        self.doors[number].mend();
        self.until_whole().await;
    }

    fn wires_of(&self, number: usize) -> impl Iterator<Item = &Wire> {
        self.wires.iter().filter(move |(from, to, _)| *from == number || *to == number).map(|(.., wire)| wire)
    }

    fn living(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter().filter(|server| server.child.is_some())
    }

    async fn until_led(&mut self) {
        let led = async {
            while !self.is_led().await {
                self.servers.iter_mut().for_each(Server::runs);
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(START_MAX, led).await.expect("the cluster has a leader");
    }

    /// Whether they have a leader that knows them all: it makes a stream with a replica on each.
    async fn is_led(&self) -> bool {
        let Ok(client) = async_nats::connect(self.urls()).await else { return false };
        let jetstream = async_nats::jetstream::new(client);
        let on_all = stream::Config {
            name: "ON_ALL".to_owned(),
            num_replicas: Self::SERVERS,
            ..stream::Config::default()
        };
        jetstream.create_stream(on_all).await.is_ok() && jetstream.delete_stream("ON_ALL").await.is_ok()
    }

    /// Waits until every replica of every stream is there and current.
    async fn until_whole(&self) {
        let whole = async {
            while self.is_whole().await != Some(true) {
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(START_MAX, whole).await.expect("every server has caught up");
    }

    async fn is_whole(&self) -> Option<bool> {
        use futures::TryStreamExt;
        let client = async_nats::connect(self.urls()).await.ok()?;
        let streams: Vec<_> = async_nats::jetstream::new(client).streams().try_collect().await.ok()?;
        let is_whole = streams.iter().all(|stream| {
            stream.cluster.as_ref().is_some_and(|cluster| {
                let others = cluster.replicas.iter().filter(|one| one.current && !one.offline).count();
                cluster.leader.is_some() && others + 1 == stream.config.num_replicas
            })
        });
        Some(is_whole)
    }
}

// === impl Server ===

impl Server {
    /// `door` is the port that clients are told.
    fn new(
        folder: PathBuf,
        number: usize,
        (port, door): (u16, u16),
        route: u16,
        reaches: Vec<String>,
    ) -> Self {
        fs::create_dir_all(&folder).expect("a folder for a server");
        let (name, config) = (format!("server-{number}"), folder.join("nats.conf"));
        // What others are told of its route leads nowhere, so that they reach it over their wires and no other way.
        let text = format!(
            "server_name: {name}\nlisten: 127.0.0.1:{port}\nclient_advertise: \"127.0.0.1:{door}\"\nlame_duck_duration: 30s\nlame_duck_grace_period: 1s\n\
             jetstream {{ store_dir: {folder:?} }}\n\
             cluster {{\n  name: test\n  listen: 127.0.0.1:{route}\n  advertise: \"127.0.0.1:1\"\n  routes: {reaches:?}\n}}\n"
        );
        fs::write(&config, text).expect("the configuration can be written");
        Self { name, door, config, blocks: None, child: None }
    }

    fn start(&mut self) {
        let mut command = match self.blocks {
            None => Command::new(nats_server()),
            Some(blocks) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", LIMITED, &blocks.to_string()]).arg(nats_server());
                shell
            }
        };
        let child = command
            .arg("-c")
            .arg(&self.config)
            .arg("-l")
            .arg(self.config.with_file_name("log"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the NATS server starts");
        self.child = Some(child);
    }

    /// Loses its store.
    fn forget(&self) {
        fs::remove_dir_all(self.config.with_file_name("jetstream")).expect("a store to lose");
    }

    /// Says so at once when it ended by itself: what waits for it would wait in vain.
    fn runs(&mut self) {
        let ended = self.child.as_mut().and_then(|child| child.try_wait().expect("the state of a child"));
        assert!(ended.is_none(), "{} ended by itself: {}", self.name, self.said());
    }

    /// What it wrote of itself.
    fn said(&self) -> String {
        fs::read_to_string(self.config.with_file_name("log")).unwrap_or_default()
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.door)
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ended = child.kill();
            let _waited = child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
