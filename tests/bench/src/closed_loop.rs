//! The closed loop: clients that each wait for an answer before they ask again. It finds the capacity; its
//! latencies at many clients say how long a queue is that the clients make themselves, which is what
//! [`crate::open_loop`] is for.

use std::{future::Future, time::Duration};

use tokio::{task::JoinSet, time::Instant};

use crate::{Outcome, latency::Latencies};

/// The part of a measurement before it that does not count.
const WARM_UP_PART: u32 = 5;

/// One client.
pub(crate) trait Operation: Send + 'static {
    /// Asks once and waits for the answer.
    fn once(&mut self) -> impl Future<Output = Outcome<()>> + Send;

    /// Opens its connection, where that is not to be measured.
    fn open(&mut self) -> impl Future<Output = Outcome<()>> + Send {
        async { Ok(()) }
    }

    /// Whether it has nothing more to ask; most never run out.
    fn is_done(&self) -> bool {
        false
    }
}

/// What was seen in one measurement.
#[derive(Debug)]
pub(crate) struct Closed {
    pub(crate) latencies: Latencies,
    pub(crate) per_second: f64,
    /// All answers, those of the warm-up included: what processor time is divided by.
    pub(crate) answers: u64,
    pub(crate) took: Duration,
}

/// What one client did.
struct Part<O> {
    client: O,
    latencies: Latencies,
    answers: u64,
    /// The end of the time that counts.
    until: Instant,
}

/// Lets the clients work for `duration` after a warm-up. They are given back, since some know what the next
/// measurement has to build on.
pub(crate) async fn measure<O: Operation>(clients: Vec<O>, duration: Duration) -> Outcome<(Closed, Vec<O>)> {
    let from = Instant::now() + duration / WARM_UP_PART;
    let mut running = JoinSet::new();
    for client in clients {
        running.spawn(work(client, from, from + duration));
    }
    gather(running, from).await
}

/// Asks until the time is over. A client so slow that nothing of it counts by then goes on until something does.
async fn work<O: Operation>(client: O, from: Instant, to: Instant) -> Outcome<Part<O>> {
    let mut part = Part { client, latencies: Latencies::new()?, answers: 0, until: to };
    loop {
        let asked = Instant::now();
        if asked >= to && part.latencies.count() > 0 {
            return Ok(part);
        }
        part.client.once().await?;
        part.answers += 1;
        let answered = Instant::now();
        if answered >= from && (answered < to || part.latencies.count() == 0) {
            part.latencies.record(answered - asked);
            part.until = part.until.max(answered);
        }
    }
}

/// Lets each client ask until it has nothing more to ask, but not longer than `longest` in all.
pub(crate) async fn to_the_end<O: Operation>(
    clients: Vec<O>,
    longest: Duration,
) -> Outcome<(Closed, Vec<O>)> {
    let start = Instant::now();
    let mut running = JoinSet::new();
    for client in clients {
        running.spawn(finish(client, start + longest));
    }
    gather(running, start).await
}

async fn finish<O: Operation>(client: O, deadline: Instant) -> Outcome<Part<O>> {
    let mut part = Part { client, latencies: Latencies::new()?, answers: 0, until: Instant::now() };
    while !part.client.is_done() && Instant::now() < deadline {
        let asked = Instant::now();
        part.client.once().await?;
        part.until = Instant::now();
        part.latencies.record(part.until - asked);
        part.answers += 1;
    }
    Ok(part)
}

/// A rate, of counts that are exact in a float.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(crate) fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

async fn gather<O: 'static>(
    mut running: JoinSet<Outcome<Part<O>>>,
    from: Instant,
) -> Outcome<(Closed, Vec<O>)> {
    let (mut latencies, mut answers, mut until, mut clients) = (Latencies::new()?, 0, from, Vec::new());
    while let Some(ended) = running.join_next().await {
        let part = ended??;
        clients.push(part.client);
        latencies.merge(&part.latencies)?;
        answers += part.answers;
        until = until.max(part.until);
    }
    if latencies.count() == 0 {
        return Err("nothing was answered in the time of a measurement".into());
    }
    let took = until - from;
    Ok((Closed { per_second: per_second(latencies.count(), took), latencies, answers, took }, clients))
}
