//! The load: clients that each wait for an answer before they ask again, and what they saw.

use std::{future::Future, time::Duration};

use tokio::{task::JoinSet, time::Instant};

use crate::Outcome;

/// One client.
pub(crate) trait Operation: Send + 'static {
    /// Asks once and waits for the answer.
    fn once(&mut self) -> impl Future<Output = Outcome<()>> + Send;
}

/// What was seen in one measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// The median latency.
    pub(crate) p50: Duration,
    /// The latency that one of a hundred exceeds.
    pub(crate) p99: Duration,
    /// Answers per second.
    pub(crate) per_second: f64,
    /// Answers.
    pub(crate) count: usize,
}

/// Lets the clients work for `duration` after a warm-up of a fifth of it. They are given back, since some know
/// what the next measurement has to build on.
pub(crate) async fn measure<O: Operation>(clients: Vec<O>, duration: Duration) -> Outcome<(Sample, Vec<O>)> {
    let from = Instant::now() + duration / 5;
    let to = from + duration;
    let mut running = JoinSet::new();
    for mut client in clients {
        running.spawn(async move {
            let mut latencies = Vec::new();
            loop {
                let asked = Instant::now();
                if asked >= to {
                    return Ok::<_, crate::Failure>((client, latencies));
                }
                client.once().await?;
                let answered = Instant::now();
                if answered >= from && answered < to {
                    latencies.push(answered - asked);
                }
            }
        });
    }
    let mut latencies = Vec::new();
    let mut clients = Vec::new();
    while let Some(ended) = running.join_next().await {
        let (client, seen) = ended??;
        clients.push(client);
        latencies.extend(seen);
    }
    Ok((Sample::of(latencies, duration)?, clients))
}

/// Lets the clients ask `count` times in all, and gives how long that took.
pub(crate) async fn repeat<O: Operation>(mut client: O, count: u32) -> Outcome<O> {
    for _ in 0..count {
        client.once().await?;
    }
    Ok(client)
}

impl Sample {
    fn of(mut latencies: Vec<Duration>, duration: Duration) -> Outcome<Self> {
        latencies.sort_unstable();
        let count = latencies.len();
        let at = |percent: usize| latencies.get(count * percent / 100).copied();
        let (Some(p50), Some(p99)) = (at(50), at(99)) else {
            return Err("nothing was answered in the time of a measurement".into());
        };
        let per_second = f64::from(u32::try_from(count)?) / duration.as_secs_f64();
        Ok(Self { p50, p99, per_second, count })
    }
}
