//! What is measured. A section that breaks is told in the report, and the others go on.

mod bare;
pub(crate) mod commands;
pub(crate) mod console;
pub(crate) mod filling;
pub(crate) mod hanging;
pub(crate) mod history;
mod kill;
pub(crate) mod links;
pub(crate) mod lists;
pub(crate) mod logouts;
pub(crate) mod long_log;
pub(crate) mod notices;
pub(crate) mod open;
pub(crate) mod passing;
pub(crate) mod population;
pub(crate) mod signing;
mod unread;
pub(crate) mod waiting;

use std::{path::Path, time::Duration};

use tokio::time::Instant;

use crate::{
    Outcome,
    closed_loop::{self, Closed, Operation},
    deployment::Deployment,
    options::{Options, Section},
    profile::Profile,
    results::{Place, Results},
    topology::{Engine, Shape, Topology},
    watch::{Seen, Watch},
};

/// A run while it goes on.
#[derive(Debug)]
struct Run<'a> {
    options: &'a Options,
    profile: Profile,
    binary: &'a Path,
    results: Results,
    end: Instant,
}

/// Measures everything that was asked for.
pub(crate) async fn run(options: &Options, binary: &Path) -> Results {
    let profile = Profile::asked(options);
    let end = Instant::now() + profile.budget;
    let mut run = Run { options, profile, binary, results: Results::default(), end };
    for round in 1..=run.profile.rounds {
        Box::pin(run.round(round)).await;
    }
    Box::pin(run.once()).await;
    run.results
}

impl Run<'_> {
    /// One round over everything that has rounds.
    async fn round(&mut self, round: u32) {
        if self.options.wants(Section::Commands) {
            for topology in self.profile.topologies.clone() {
                if self.begins(&format!("round {round}: commands, {topology}")) {
                    let outcome = Box::pin(commands::measure(self, topology, round)).await;
                    self.ended(&format!("commands, {topology}"), outcome);
                }
            }
        }
        if self.options.wants(Section::Signing) {
            let topology = Topology::serve(Engine::R1);
            if self.begins(&format!("round {round}: signing, {topology}")) {
                let outcome = Box::pin(signing::measure(self, topology, round)).await;
                self.ended(&format!("signing, {topology}"), outcome);
            }
        }
        if round > self.profile.rounds_of_all {
            return;
        }
        for topology in self.profile.few.clone() {
            if self.options.wants(Section::Open)
                && self.begins(&format!("round {round}: open loop, {topology}"))
            {
                let outcome = Box::pin(open::measure(self, topology, round)).await;
                self.ended(&format!("open loop, {topology}"), outcome);
            }
            if self.options.wants(Section::Logouts)
                && self.begins(&format!("round {round}: logouts, {topology}"))
            {
                let outcome = Box::pin(logouts::measure(self, topology, round)).await;
                self.ended(&format!("logouts, {topology}"), outcome);
            }
            if self.options.wants(Section::Notices)
                && self.begins(&format!("round {round}: notices, {topology}"))
            {
                let outcome = Box::pin(notices::measure(self, topology, round)).await;
                self.ended(&format!("notices, {topology}"), outcome);
            }
            if self.options.wants(Section::Console)
                && self.begins(&format!("round {round}: console, {topology}"))
            {
                let outcome = Box::pin(console::measure(self, topology, round)).await;
                self.ended(&format!("console, {topology}"), outcome);
            }
            if self.options.wants(Section::Passing)
                && self.begins(&format!("round {round}: the gate and messages, {topology}"))
            {
                let outcome = Box::pin(passing::measure(self, topology, round)).await;
                self.ended(&format!("the gate and messages, {topology}"), outcome);
            }
            let scaled = [
                Section::Creates,
                Section::Spread,
                Section::Reads,
                Section::Lists,
                Section::Rebuild,
                Section::Memory,
            ];
            if scaled.into_iter().any(|section| self.options.wants(section))
                && self.begins(&format!("round {round}: populations, {topology}"))
            {
                let outcome = Box::pin(population::measure(self, topology, round)).await;
                self.ended(&format!("populations, {topology}"), outcome);
            }
        }
    }

    /// What has no rounds.
    async fn once(&mut self) {
        // Where a large deployment is made its memory is what counts.
        if self.options.wants(Section::Memory) && !self.profile.made {
            for topology in self.profile.few.clone() {
                if self.begins(&format!("metrics that nobody reads, {topology}")) {
                    let outcome = Box::pin(unread::measure(self, topology)).await;
                    self.ended(&format!("metrics that nobody reads, {topology}"), outcome);
                }
            }
        }
        // A large deployment has a log that is long enough.
        if self.options.wants(Section::Rebuild) && !self.profile.made {
            let topology = Topology::EMBEDDED;
            if self.begins(&format!("a long log, {topology}")) {
                let outcome = Box::pin(long_log::measure(self, topology)).await;
                self.ended(&format!("a long log, {topology}"), outcome);
            }
        }
        if self.options.wants(Section::Waiting) {
            for topology in self.profile.few.clone() {
                if self.begins(&format!("notices that wait, {topology}")) {
                    let outcome = Box::pin(waiting::measure(self, topology)).await;
                    self.ended(&format!("notices that wait, {topology}"), outcome);
                }
            }
        }
        let topology = Topology { engine: Engine::R1, shape: Shape::TwoConnectors };
        if self.options.wants(Section::Links) && self.begins(&format!("links, {topology}")) {
            let outcome = Box::pin(links::measure(self, topology)).await;
            self.ended(&format!("links, {topology}"), outcome);
        }
        if let Some((topology, time)) = self.profile.kill
            && self.options.wants(Section::Kill)
            && self.begins(&format!("killed under load, {topology}"))
        {
            let outcome = Box::pin(kill::measure(self, topology, time)).await;
            self.ended(&format!("killed under load, {topology}"), outcome);
        }
    }

    /// Says what begins, unless the time for it is over.
    fn begins(&mut self, what: &str) -> bool {
        if Instant::now() > self.end {
            self.results.left_out.push(what.to_owned());
            return false;
        }
        progress(what);
        true
    }

    fn ended(&mut self, what: &str, outcome: Outcome<()>) {
        if let Err(error) = outcome {
            eprintln!("{what}: {error}");
            self.results.broken.push(format!("{what}: {error}"));
        }
    }

    async fn deployment(&self, topology: Topology) -> Outcome<Deployment> {
        Deployment::start(self.binary, topology).await
    }

    /// Measures clients of a deployment in a closed loop, and notes all of it at a place.
    async fn closed<O: Operation>(
        &mut self,
        deployment: &Deployment,
        place: &Place,
        clients: Vec<O>,
    ) -> Outcome<Seen> {
        self.watched(deployment, place, closed_loop::measure(clients, self.profile.window))
            .await
            .map(|of| of.0)
    }

    /// Watches a deployment while a closed loop runs, and notes all of it at a place.
    async fn watched<T>(
        &mut self,
        deployment: &Deployment,
        place: &Place,
        measuring: impl Future<Output = Outcome<(Closed, T)>>,
    ) -> Outcome<(Seen, Closed, T)> {
        let watch = Watch::start(deployment).await?;
        let (closed, rest) = measuring.await?;
        let seen = watch.end(deployment).await?;
        self.results.note_closed(place, &closed);
        self.results.note_seen(place, &seen, closed.answers);
        Ok((seen, closed, rest))
    }
}

fn progress(text: &str) {
    eprintln!("{text} …");
}

fn seconds(of: Duration) -> f64 {
    of.as_secs_f64()
}
