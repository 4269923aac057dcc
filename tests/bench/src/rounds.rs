//! The measurements: every part and Berth on every engine, once in each round, so that whatever else the machine
//! does in the meantime meets all of them alike.

use std::path::Path;

use berth_test_support::free_port;

use crate::{
    Outcome,
    bare::{BareLog, BareNats},
    deployment::{CommitBytes, Deployment, Way},
    http::{Commands, Target},
    load::{Operation, Sample, measure},
    options::{Engine, Options},
    process::{self, Process},
};

/// Clients of the measurements of throughput.
pub(crate) const CLIENTS: usize = 64;

/// One client and many, of the same thing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) one: Sample,
    pub(crate) many: Sample,
}

/// One engine in one round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    /// The empty handler.
    pub(crate) handler: Pair,
    /// The round trip over core NATS; none on the embedded engine.
    pub(crate) round_trip: Option<Pair>,
    /// The bare publish or append.
    pub(crate) append: Pair,
    /// Berth with instance tokens.
    pub(crate) berth: Pair,
    /// Berth with the account's token.
    pub(crate) account: Pair,
    /// Berth with all clients on one instance.
    pub(crate) hot: Sample,
    /// Bytes of a bare commit.
    pub(crate) bytes: usize,
}

/// What is measured once, after all rounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Once {
    pub(crate) start: std::time::Duration,
    pub(crate) read_fresh: Sample,
    pub(crate) read_long: Sample,
    pub(crate) memory_kib: (u64, u64),
}

/// Everything of one engine.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) engine: Engine,
    pub(crate) rounds: Vec<Measured>,
    pub(crate) once: Once,
}

/// One engine: the deployment, and the bare parts of the same kind.
#[derive(Debug)]
struct Stage {
    engine: Engine,
    berth: Deployment,
    nats: Option<BareNats>,
    log: Option<BareLog>,
}

/// Runs all of it.
pub(crate) async fn run(options: &Options, binary: &Path) -> Outcome<Vec<Results>> {
    let sizes = CommitBytes::look(binary).await?;
    let port = free_port();
    let mut handler = process::own(&["empty-handler", &port.to_string()])?;
    let empty = Target { path: "/empty".to_owned(), token: "of the same length".to_owned() };
    handler.answers(port, &empty).await?;
    let mut stages = Vec::new();
    for engine in options.engines() {
        progress(&format!("{}: creating {} instances", engine.name(), options.instances));
        stages.push((Stage::start(options, binary, engine).await?, Vec::new()));
    }
    for round in 1..=options.rounds {
        for (stage, rounds) in &mut stages {
            progress(&format!("round {round} of {}: {}", options.rounds, stage.engine.name()));
            rounds.push(stage.round(options, &sizes, port, &empty).await?);
        }
    }
    drop::<Process>(handler);
    let mut results = Vec::new();
    for (stage, rounds) in stages {
        progress(&format!("{}: a history of {} commits", stage.engine.name(), options.history));
        let once = stage.once(options).await?;
        results.push(Results { engine: stage.engine, rounds, once });
    }
    Ok(results)
}

impl Stage {
    async fn start(options: &Options, binary: &Path, engine: Engine) -> Outcome<Self> {
        let berth = Deployment::start(binary, engine, options.instances).await?;
        let (nats, log) = if engine == Engine::Embedded {
            (None, Some(BareLog::open(options.instances, CLIENTS)?))
        } else {
            (Some(BareNats::start(engine, options.instances, CLIENTS).await?), None)
        };
        Ok(Self { engine, berth, nats, log })
    }

    /// Each bare part stands beside the measurement of Berth that it is compared with.
    async fn round(
        &mut self,
        options: &Options,
        sizes: &CommitBytes,
        port: u16,
        empty: &Target,
    ) -> Outcome<Measured> {
        let bytes = sizes.after(self.berth.commits_each());
        let handler = vec![empty.clone()].into();
        let one = (
            timed(options, Commands::clients(port, &handler, 1).await?).await?,
            self.round_trip(options, 1).await?,
            self.append(options, 1, bytes).await?,
            self.berth(options, Way::InstanceToken, 1).await?,
            self.berth(options, Way::AccountToken, 1).await?,
        );
        let many = (
            timed(options, Commands::clients(port, &handler, CLIENTS).await?).await?,
            self.round_trip(options, CLIENTS).await?,
            self.append(options, CLIENTS, bytes).await?,
            self.berth(options, Way::InstanceToken, CLIENTS).await?,
            self.berth(options, Way::AccountToken, CLIENTS).await?,
        );
        let pair = |one, many| Pair { one, many };
        Ok(Measured {
            handler: pair(one.0, many.0),
            round_trip: one.1.zip(many.1).map(|(one, many)| pair(one, many)),
            append: pair(one.2, many.2),
            berth: pair(one.3, many.3),
            account: pair(one.4, many.4),
            hot: self.berth(options, Way::Hot, CLIENTS).await?,
            bytes,
        })
    }

    async fn berth(&mut self, options: &Options, way: Way, clients: usize) -> Outcome<Sample> {
        let sample = timed(options, self.berth.clients(way, clients).await?).await?;
        // The hot instance says nothing of the others.
        self.berth.settle(if way == Way::Hot { 0 } else { sample.count }).await?;
        Ok(sample)
    }

    async fn round_trip(&self, options: &Options, clients: usize) -> Outcome<Option<Sample>> {
        match &self.nats {
            Some(nats) => Ok(Some(timed(options, nats.round_trips(clients)).await?)),
            None => Ok(None),
        }
    }

    async fn append(&mut self, options: &Options, clients: usize, bytes: usize) -> Outcome<Sample> {
        if let Some(nats) = &mut self.nats {
            let (sample, publishers) = measure(nats.take(clients, bytes), options.duration()).await?;
            nats.give_back(publishers);
            return Ok(sample);
        }
        let log = self.log.as_mut().ok_or("there is no bare log")?;
        let (sample, appenders) = measure(log.take(clients, bytes), options.duration()).await?;
        log.give_back(appenders);
        Ok(sample)
    }

    async fn once(&self, options: &Options) -> Outcome<Once> {
        let memory_kib = self.berth.memory_kib()?;
        let long = self.berth.long_reader(options.history).await?;
        let fresh = self.berth.fresh_reader().await?;
        Ok(Once {
            start: self.berth.start,
            read_fresh: timed(options, vec![fresh]).await?,
            read_long: timed(options, vec![long]).await?,
            memory_kib,
        })
    }
}

async fn timed<O: Operation>(options: &Options, clients: Vec<O>) -> Outcome<Sample> {
    Ok(measure(clients, options.duration()).await?.0)
}

fn progress(text: &str) {
    eprintln!("{text} …");
}
