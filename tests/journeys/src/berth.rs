//! A whole deployment: embedded, or on NATS in one process or in one for each role.

use std::{collections::BTreeMap, fs::File, net::SocketAddr, path::Path};

use berth_test_support::NatsServer;
use tempfile::TempDir;

use crate::{client::Client, process::Process, wait::eventually};

/// The token of the account `default` in every story.
pub const ACCOUNT_TOKEN: &str = "story-account-token-0001";
/// The root key in every story.
pub const ROOT_KEY: &str = "story-root-key-0001";
/// The master key of stories on NATS.
pub const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// The roles that run in processes of their own.
pub const ROLES: [&str; 5] = ["session-aggregate", "projections", "webhooks", "connector", "gateway"];

/// How a deployment is to be started.
#[derive(Debug)]
pub struct Berth {
    variables: BTreeMap<String, String>,
    of_role: BTreeMap<(String, String), String>,
    roles: Vec<&'static str>,
    replicas: usize,
    /// Beside the replicas of all.
    more: Vec<&'static str>,
    in_order: bool,
}

/// A process of the deployment, and where it listens.
#[derive(Debug)]
struct Member {
    role: &'static str,
    /// Kept over restarts, so that clients stay right.
    address: Option<SocketAddr>,
    /// None while it is down.
    process: Option<Process>,
}

/// A deployment that runs, until it is dropped.
#[derive(Debug)]
pub struct Running {
    variables: BTreeMap<String, String>,
    of_role: BTreeMap<(String, String), String>,
    members: Vec<Member>,
    in_order: bool,
    data: TempDir,
}

impl Berth {
    /// One process, without NATS.
    pub fn embedded() -> Self {
        let variables = [
            ("BERTH_ROOT_KEY", ROOT_KEY),
            ("BERTH_ACCOUNT_TOKEN", ACCOUNT_TOKEN),
            ("BERTH_WEBHOOK_ALLOW", "127.0.0.0/8"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self {
            variables,
            of_role: BTreeMap::new(),
            roles: vec!["serve"],
            replicas: 1,
            more: Vec::new(),
            in_order: false,
        }
    }

    /// One process on this server.
    pub fn on_nats(server: &NatsServer) -> Self {
        Self::on_nats_at(&server.url())
    }

    /// One process on the server at this address.
    pub fn on_nats_at(url: &str) -> Self {
        Self::embedded().setting("BERTH_NATS_URL", url).setting("BERTH_MASTER_KEY", MASTER_KEY)
    }

    /// A process for each role instead of one for all.
    #[must_use]
    pub fn roles_in_processes(mut self) -> Self {
        self.roles = ROLES.to_vec();
        self
    }

    /// That many processes of each.
    #[must_use]
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
        self
    }

    /// One process after the other in the order of [`ROLES`], instead of all at once.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        self.in_order = true;
        self
    }

    /// With this setting; an empty value takes it away.
    #[must_use]
    pub fn setting(mut self, variable: &str, value: &str) -> Self {
        self.variables.insert(variable.to_owned(), value.to_owned());
        self
    }

    /// With this setting for the processes of one role.
    #[must_use]
    pub fn setting_of(mut self, role: &str, variable: &str, value: &str) -> Self {
        self.of_role.insert((role.to_owned(), variable.to_owned()), value.to_owned());
        self
    }

    /// Codes of the simulated driver rotate that many times as fast.
    #[must_use]
    pub fn time_scale(self, times: u32) -> Self {
        self.setting("BERTH_DEVICE_TIME_SCALE", &times.to_string())
    }

    /// One more process of a role.
    #[must_use]
    pub fn one_more(mut self, role: &'static str) -> Self {
        self.more.push(role);
        self
    }

    /// Starts everything and waits until it is ready.
    pub async fn start(self) -> Running {
        let mut running = self.down();
        running.restart().await;
        running
    }

    /// The deployment with nothing started yet: it has no data.
    pub fn down(self) -> Running {
        let data = tempfile::tempdir().expect("a temporary folder");
        let members = (0..self.replicas)
            .flat_map(|_| &self.roles)
            .chain(&self.more)
            .map(|role| Member { role, address: None, process: None })
            .collect();
        Running { variables: self.variables, of_role: self.of_role, members, in_order: self.in_order, data }
    }
}

impl Running {
    /// Starts what is down, and waits until all of it is ready.
    pub async fn restart(&mut self) {
        let down: Vec<usize> =
            (0..self.members.len()).filter(|at| self.members[*at].process.is_none()).collect();
        if !self.in_order {
            down.iter().for_each(|at| self.launch(*at));
        }
        for at in down {
            if self.in_order {
                self.launch(at);
            }
            let member = &mut self.members[at];
            let process = member.process.as_mut().expect("it was launched");
            member.address = Some(process.listens().await);
        }
        self.ready().await;
    }

    /// Starts again what runs that role and is down.
    pub async fn restart_role(&mut self, role: &str) {
        for at in 0..self.members.len() {
            if self.members[at].role == role && self.members[at].process.is_none() {
                self.launch(at);
                let member = &mut self.members[at];
                member.address = Some(member.process.as_mut().expect("it was launched").listens().await);
            }
        }
        self.ready().await;
    }

    /// Waits until every process that runs says that it is ready.
    pub async fn ready(&self) {
        for member in self.members.iter().filter(|member| member.process.is_some()) {
            let client = Client::new(base(member));
            eventually(&format!("{} is ready", member.role), async || {
                let answer = client.get("/readyz").await;
                if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
            })
            .await;
        }
    }

    /// Kills every process as a power cut would.
    pub fn kill9(&mut self) {
        for member in &mut self.members {
            // All signals are sent before the first is waited for only by the system's good will; the
            // processes share nothing, so the order does not matter.
            if let Some(mut process) = member.process.take() {
                process.kill9();
            }
        }
    }

    /// Kills every process of one role.
    pub fn kill9_role(&mut self, role: &str) {
        for member in self.members.iter_mut().filter(|member| member.role == role) {
            if let Some(mut process) = member.process.take() {
                process.kill9();
            }
        }
    }

    /// The process of a role that was started first and still runs, taken out of the deployment. It is started again
    /// with what is down.
    ///
    /// # Panics
    /// When none runs.
    pub fn take_one(&mut self, role: &str) -> Process {
        let mut running = self.members.iter_mut().filter(|member| member.role == role);
        running.find_map(|member| member.process.take()).expect("one that runs")
    }

    /// The process at this place in [`Self::ops`], taken out of the deployment like with [`Self::take_one`].
    ///
    /// # Panics
    /// When it does not run.
    pub fn take_at(&mut self, at: usize) -> Process {
        self.members[at].process.take().expect("one that runs")
    }

    /// Asks every process to stop, and gives their exit codes.
    pub async fn stop(&mut self) -> Vec<Option<i32>> {
        for process in self.members.iter().filter_map(|member| member.process.as_ref()) {
            process.signal("TERM");
        }
        let mut codes = Vec::new();
        for member in &mut self.members {
            if let Some(mut process) = member.process.take() {
                let status = process.ended().await;
                if !status.success() {
                    // The story that expects a clean stop wants to know why this one is not.
                    eprintln!("--- {} ended with {status} and wrote:\n{}", member.role, process.stderr());
                }
                codes.push(status.code());
            }
        }
        codes
    }

    /// A client of the first gateway, with the account's token.
    pub fn client(&self) -> Client {
        self.client_of(0)
    }

    /// A client of one of the gateways, with the account's token.
    ///
    /// # Panics
    /// When there are not so many.
    pub fn client_of(&self, gateway: usize) -> Client {
        let member = self
            .members
            .iter()
            .filter(|member| matches!(member.role, "serve" | "gateway"))
            .nth(gateway)
            .expect("that many gateways");
        Client::new(base(member)).token(ACCOUNT_TOKEN)
    }

    /// A client without a token for each process, in the order of [`ROLES`] if they run apart.
    pub fn ops(&self) -> Vec<Client> {
        self.members.iter().map(|member| Client::new(base(member))).collect()
    }

    /// The processes that run.
    pub fn processes(&mut self) -> impl Iterator<Item = &mut Process> {
        self.members.iter_mut().filter_map(|member| member.process.as_mut())
    }

    /// Changes a setting for processes that are started from now on.
    pub fn set(&mut self, variable: &str, value: &str) {
        self.variables.insert(variable.to_owned(), value.to_owned());
    }

    /// Runs the binary once more, with these arguments and the settings of the deployment.
    pub fn run(&self, arguments: &[&str]) -> Process {
        Process::start(arguments.first().copied().unwrap_or_default(), arguments, &self.variables_of_a_run())
    }

    /// As [`Self::run`], with the standard output in a file.
    pub fn run_into(&self, file: File, arguments: &[&str]) -> Process {
        let name = arguments.first().copied().unwrap_or_default();
        Process::start_into(file, name, arguments, &self.variables_of_a_run())
    }

    fn variables_of_a_run(&self) -> BTreeMap<String, String> {
        let mut variables = self.variables.clone();
        variables.insert("BERTH_HTTP".to_owned(), "127.0.0.1:0".to_owned());
        variables.insert("BERTH_DATA".to_owned(), self.data.path().join("data").display().to_string());
        variables
    }

    /// The folder with the data of every process.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Throws the rows of every view away; what the views have seen of the log stays noted beside them. Gives how many
    /// there were.
    pub fn remove_views(&self) -> usize {
        let mut removed = 0;
        let mut folders = vec![self.data.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder can be read") {
                let path = entry.expect("an entry can be read").path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let is_rows = name.strip_prefix('v').is_some_and(|schema| schema.parse::<u32>().is_ok());
                if is_rows && path.is_dir() {
                    std::fs::remove_dir_all(&path).expect("a view can be removed");
                    removed += 1;
                } else if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        removed
    }

    /// What every running process has logged so far.
    pub fn logs(&self) -> String {
        self.members.iter().filter_map(|member| Some(member.process.as_ref()?.stderr())).collect()
    }

    fn launch(&mut self, at: usize) {
        let member = &mut self.members[at];
        let mut variables = self.variables.clone();
        let of_role = self.of_role.iter().filter(|((role, _), _)| role == member.role);
        variables.extend(of_role.map(|((_, variable), value)| (variable.clone(), value.clone())));
        let listen = member.address.map_or_else(|| "127.0.0.1:0".to_owned(), |address| address.to_string());
        variables.insert("BERTH_HTTP".to_owned(), listen);
        variables.insert("BERTH_DATA".to_owned(), self.data.path().join("data").display().to_string());
        member.process = Some(Process::start(member.role, &[member.role], &variables));
    }
}

fn base(member: &Member) -> String {
    format!("http://{}", member.address.expect("it was started"))
}
