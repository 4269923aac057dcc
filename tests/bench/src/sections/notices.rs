//! Notices to a thousand endpoints of a fast receiver: how many are sent in a second when many wait for it, how long one takes when
//! nothing else is done, and the same while a hundredth of the endpoints never answers; then beside a host that hangs, see `hanging`.

use std::{collections::HashMap, net::TcpListener, time::Duration};

use tokio::time::{Instant, sleep};

use super::{Run, progress, waiting};
use crate::{
    Outcome, closed_loop,
    deployment::Deployment,
    http::Ask,
    latency::Latencies,
    proc_fs::TICK_MICROS,
    results::{LATENCIES, Place, Table},
    sink::Sink,
    topology::Topology,
    workload::{
        Instance,
        creates::{self, Kind},
        links::Links,
        next_key,
        pauses::Pauses,
    },
};

/// Endpoints of each instance of the burst, as many as there may be.
const ENDPOINTS: usize = 20;
/// Where some endpoints hang it is one of so many.
const HANGS_EACH: usize = 100;
/// What the endpoints of the burst are told.
const TOLD: &[&str] = &["instance.paused", "instance.opening", "instance.open"];
/// How often each session is stopped and begun again while the receiver does not answer: what is told of it is what waits.
const TIMES: usize = 4;
/// How long linking, and telling, may take; what is done by then counts.
const PHASE_MAX: Duration = Duration::from_mins(1);
/// How long the receiver may leave a request without an answer: an attempt takes 15 s.
const HELD_MAX: Duration = Duration::from_secs(12);
/// The pause between two notices that are sent one at a time: nothing is under way any more.
const PAUSE: Duration = Duration::from_millis(20);

/// Names that targets ask for.
pub(crate) const PER_SECOND: &str = "notices per second";

/// The work of a burst to so many endpoints.
pub(crate) fn burst_work(endpoints: usize, hangs: bool) -> String {
    format!("{endpoints} endpoints for which many wait{}", beside(hangs))
}

/// The work of one notice at a time.
pub(crate) fn single_work(hangs: bool) -> String {
    format!("a logout at a time, from its question to the notice{}", beside(hangs))
}

const fn beside(hangs: bool) -> &'static str {
    if hangs { ", a hundredth of the endpoints hangs" } else { "" }
}

/// One round on one topology.
pub(super) async fn measure(run: &mut Run<'_>, topology: Topology, round: u32) -> Outcome<()> {
    let (clients, profile) = (run.profile.clients, run.profile.clone());
    let sink = Sink::start()?;
    // Nobody accepts what comes there, and so nobody answers.
    let hanging = TcpListener::bind("127.0.0.1:0")?;
    let dead = format!("http://127.0.0.1:{}/", hanging.local_addr()?.port());
    let deployment = run.deployment(topology).await?;
    let mut first = 0;
    for hangs in [false, true] {
        let all = profile.told * ENDPOINTS;
        let with_dead = if hangs { all.div_ceil(HANGS_EACH) } else { 0 };
        let healthy: Vec<String> = (0..ENDPOINTS).map(|endpoint| sink.url(endpoint)).collect();
        let mut with_one_dead = healthy.clone();
        with_one_dead.truncate(ENDPOINTS - 1);
        with_one_dead.push(dead.clone());
        let mut instances = Vec::new();
        for (count, urls) in [(with_dead, with_one_dead), (profile.told - with_dead, healthy)] {
            if count == 0 {
                continue;
            }
            let (numbers, kind) = (first..first + count, Kind::told(urls, TOLD));
            first += count;
            instances
                .extend(creates::population(&deployment, clients, numbers, &kind).await?.iter().cloned());
        }
        let instances = linked(&deployment, instances, clients).await?;
        let place = Place::new(Table::Notices, &topology, burst_work(all, hangs), round);
        burst(run, &deployment, (&sink, &place), &instances, all - with_dead).await?;

        let numbers = first..first + profile.single;
        first += profile.single;
        let kind = Kind::with_endpoints(&sink, 1);
        let instances = creates::population(&deployment, clients, numbers, &kind).await?.to_vec();
        let instances = linked(&deployment, instances, clients).await?;
        let place = Place::new(Table::Notices, &topology, single_work(hangs), round);
        one_by_one(run, &deployment, (&sink, &place), &instances).await?;
    }
    drop((deployment, hanging));
    super::hanging::measure(run, topology, round).await
}

/// Links instances, and waits until nothing of that is under way any more.
async fn linked(deployment: &Deployment, instances: Vec<Instance>, clients: usize) -> Outcome<Vec<Instance>> {
    let links = Links::clients(deployment, instances, clients);
    let (_, links) = closed_loop::to_the_end(links, PHASE_MAX).await?;
    deployment.idle().await?;
    Ok(links.into_iter().flat_map(|client| client.linked).collect())
}

/// Has notices wait for a receiver that does not answer, and then lets it answer.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts and ticks stay far below 2^53"
)]
async fn burst(
    run: &mut Run<'_>,
    deployment: &Deployment,
    (sink, place): (&Sink, &Place),
    instances: &[Instance],
    answering: usize,
) -> Outcome<()> {
    // What was told while they were linked.
    sink.forget();
    sink.hold(true);
    let held = Instant::now();
    let pauses = Pauses::clients(deployment, instances, run.profile.clients, TIMES);
    closed_loop::to_the_end(pauses, PHASE_MAX).await?;
    let owed = waiting::settled(deployment).await?;
    progress(&format!("  {owed} notices wait, {}", place.work));
    // Not those of endpoints that hang; instances may differ by a notice, and the last ones are not waited for.
    let all = (instances.len() * ENDPOINTS) as f64;
    let expected = (owed * answering as f64 / all) as usize;
    let expected = expected.saturating_sub(instances.len());
    let ticks = || Ok::<u64, crate::Failure>(deployment.ticks()?.iter().map(|(_, ticks)| ticks).sum());
    let (begun, before) = (Instant::now(), ticks()?);
    sink.hold(false);
    // What was sent first must not have failed by then, or what is measured is its schedule.
    if held.elapsed() > HELD_MAX {
        return Err(format!("it took {:?} until the notices waited", held.elapsed()).into());
    }
    let told = sink.delivered(expected, &HashMap::new(), PHASE_MAX).await?;
    let used = ticks()?.saturating_sub(before);
    if let Some(last) = told.last {
        run.results.note(place, PER_SECOND, closed_loop::per_second(told.count as u64, last - begun));
        let micros = (used * TICK_MICROS) as f64 / told.count as f64;
        run.results.note(place, "core-µs a notice", micros);
    }
    run.results.note(place, "notices", told.count as f64);
    run.results.note(place, "notices missing", expected.saturating_sub(told.count) as f64);
    deployment.idle().await
}

/// Ends one session after the other, and waits for each one's notice.
async fn one_by_one(
    run: &mut Run<'_>,
    deployment: &Deployment,
    (sink, place): (&Sink, &Place),
    instances: &[Instance],
) -> Outcome<()> {
    sink.forget();
    let mut connections = deployment.connections(1);
    let connection = connections.first_mut().ok_or("there is no gateway")?;
    let (mut lag, mut missing) = (Latencies::new()?, 0_u32);
    for instance in instances {
        let (path, key) = (format!("/v1/instances/{}/logout", instance.id), next_key());
        let asked = Instant::now();
        connection.ask(Ask::post(&path, &instance.token, "{}").keyed(&key)).await?.expect(200)?;
        let told = sink.delivered(1, &[(instance.id.clone(), asked)].into(), PHASE_MAX).await?;
        lag.merge(&told.lag)?;
        missing += u32::from(told.count == 0);
        sleep(PAUSE).await;
    }
    for (measure, share) in LATENCIES {
        run.results.note(place, measure, lag.at(share));
    }
    run.results.note(place, "notices missing", f64::from(missing));
    Ok(())
}
