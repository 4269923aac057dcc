//! The open loop: requests have their moments, whatever becomes of those before. A latency counts from the
//! intended moment, so that a stall shows in every request that it delayed and not in one for each client
//! (coordinated omission).

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, timeout_at},
};

use crate::{Outcome, closed_loop::Operation, http::Refused, latency::Latencies};

/// The longest that the pacemaker sleeps at once, so that an ended measurement ends it too.
const SLEEP_MAX: Duration = Duration::from_millis(100);
/// The shortest: moments that fall into it are told of together, so that waking for each does not take the processor from what
/// is measured. Their latencies have it.
const SLEEP_MIN: Duration = Duration::from_micros(250);
/// How long after the last moment an answer is still waited for.
const GRACE: Duration = Duration::from_millis(500);

/// What was seen at one rate.
#[derive(Debug)]
pub(crate) struct Open {
    /// Of every request, from its moment to its answer. One that was not answered in time counts with the time
    /// that it had waited by then, which is too little but not nothing.
    pub(crate) latencies: Latencies,
    /// Answered with success, by the end.
    pub(crate) answered: u64,
    /// Of every refusal (429, 503), from when it was sent to its answer: what a refusal costs whoever is refused.
    pub(crate) refusals: Latencies,
    /// Those of them that did not say when to ask again.
    pub(crate) without_when: u64,
    /// Answered otherwise, or not to the end.
    pub(crate) broken: u64,
    /// Not answered, or not even sent, by the end.
    pub(crate) unanswered: u64,
    pub(crate) took: Duration,
}

/// The moments of the requests: so many, evenly spaced.
#[derive(Debug, Clone, Copy)]
struct Moments {
    start: Instant,
    pace: Duration,
    count: u32,
}

/// Sends `rate` requests per second for `duration`, by as many clients as are free, whose connections are opened before that.
pub(crate) async fn measure<O: Operation>(
    clients: &mut Vec<O>,
    rate: f64,
    duration: Duration,
) -> Outcome<Open> {
    for client in clients.iter_mut() {
        client.open().await?;
    }
    let count = u32::try_from(Duration::from_secs_f64(rate * duration.as_secs_f64()).as_secs())?.max(1);
    // One for all clients: a histogram for each of a thousand is 300 MB, whose pages are first touched within the window.
    let all = Arc::new(Mutex::new(Open::new(duration)?));
    let moments = Moments { start: Instant::now(), pace: duration / count, count };
    let due = Arc::new(Semaphore::new(0));
    let taken = Arc::new(AtomicU32::new(0));
    let pacemaker = berth_runtime::spawn_blocking({
        let due = Arc::clone(&due);
        move || moments.beat(&due)
    });
    let mut running = JoinSet::new();
    for client in clients.drain(..) {
        running.spawn(moments.serve(client, Arc::clone(&due), Arc::clone(&taken), Arc::clone(&all)));
    }
    while let Some(ended) = running.join_next().await {
        clients.push(ended?);
    }
    pacemaker.await?;
    let mut all =
        Arc::into_inner(all).ok_or("a client is left")?.into_inner().unwrap_or_else(PoisonError::into_inner);
    // Those that no client was free for.
    let end = moments.end();
    for at in taken.load(Ordering::Relaxed).min(count)..count {
        all.latencies.record(end - moments.at(at));
        all.unanswered += 1;
    }
    Ok(all)
}

impl Open {
    fn new(took: Duration) -> Outcome<Self> {
        let (latencies, refusals) = (Latencies::new()?, Latencies::new()?);
        Ok(Self { latencies, answered: 0, refusals, without_when: 0, broken: 0, unanswered: 0, took })
    }

    /// Whether every request was answered with success.
    pub(crate) fn is_whole(&self) -> bool {
        (self.refusals.count(), self.broken, self.unanswered) == (0, 0, 0)
    }

    /// Notes what became of a request: how long after its moment, the answer if one came, and how long after it was sent.
    fn note(&mut self, latency: Duration, answer: Option<Outcome<()>>, took: Duration) {
        self.latencies.record(latency);
        let error = match answer {
            Some(Ok(())) => return self.answered += 1,
            Some(Err(error)) => error,
            None => return self.unanswered += 1,
        };
        match error.downcast::<Refused>() {
            Ok(refused) => {
                self.refusals.record(took);
                self.without_when += u64::from(!refused.says_when);
            }
            Err(_) => self.broken += 1,
        }
    }
}

impl Moments {
    fn at(self, number: u32) -> Instant {
        self.start + self.pace * number
    }

    fn end(self) -> Instant {
        self.at(self.count) + GRACE
    }

    /// Gives a permit at each moment. A thread of its own: timers of the runtime have a grain of a millisecond.
    fn beat(self, due: &Semaphore) {
        for number in 0..self.count {
            loop {
                let left = self.at(number).saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                std::thread::sleep(left.clamp(SLEEP_MIN, SLEEP_MAX));
            }
            due.add_permits(1);
        }
    }

    /// One client: takes the next request that is due, until all are taken or the time is over.
    async fn serve<O: Operation>(
        self,
        mut client: O,
        due: Arc<Semaphore>,
        taken: Arc<AtomicU32>,
        all: Arc<Mutex<Open>>,
    ) -> O {
        let end = self.end();
        while taken.load(Ordering::Relaxed) < self.count {
            // Too late, or all are taken.
            let Ok(Ok(permit)) = timeout_at(end, due.acquire()).await else { break };
            permit.forget();
            let intended = self.at(taken.fetch_add(1, Ordering::Relaxed));
            let sent = Instant::now();
            let answer = timeout_at(end, client.once()).await;
            let now = Instant::now();
            let is_over = answer.is_err();
            all.lock().unwrap_or_else(PoisonError::into_inner).note(now - intended, answer.ok(), now - sent);
            if is_over {
                break;
            }
            if taken.load(Ordering::Relaxed) >= self.count {
                // Whoever waits for a moment that never comes may go.
                due.close();
            }
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;
    use crate::http::Answer;

    /// A server that stalls once, and is quick otherwise.
    struct Stalls(Option<Duration>);

    impl Operation for Stalls {
        async fn once(&mut self) -> Outcome<()> {
            if let Some(stall) = self.0.take() {
                sleep(stall).await;
            }
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_stall_shows_in_every_request_that_it_delayed() {
        let stall = Duration::from_millis(400);
        let seen =
            measure(&mut vec![Stalls(Some(stall))], 1_000.0, Duration::from_millis(800)).await.unwrap();
        assert_eq!(seen.latencies.count(), 800, "each moment counts once");
        assert_eq!(seen.answered + seen.unanswered, 800);
        // About every second request waited, and a quarter of all for more than 200 ms; a client that forgets
        // the intended moments would have seen one slow request.
        assert!(seen.latencies.at(0.76) > 100_000.0);
    }

    /// Is refused, breaks and is answered in turn.
    struct Mixed(u32);

    impl Operation for Mixed {
        async fn once(&mut self) -> Outcome<()> {
            self.0 += 1;
            let head = match self.0 % 4 {
                0 => "429 Too Many Requests\r\nRetry-After: 1",
                1 => "503 Service Unavailable",
                2 => "500 Internal Server Error",
                _ => return Ok(()),
            };
            let head = format!("HTTP/1.1 {head}\r\n\r\n");
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            Answer { status, head, body: Vec::new() }.expect(200).map(drop)
        }
    }

    #[tokio::test]
    async fn refusals_are_counted_apart_from_what_broke() {
        let seen = measure(&mut vec![Mixed(0)], 400.0, Duration::from_millis(100)).await.unwrap();
        assert_eq!(seen.latencies.count(), 40);
        assert_eq!((seen.answered, seen.refusals.count(), seen.without_when), (10, 20, 10));
        assert_eq!((seen.broken, seen.unanswered, seen.is_whole()), (10, 0, false));
    }

    /// Never answers.
    struct Silent;

    impl Operation for Silent {
        async fn once(&mut self) -> Outcome<()> {
            std::future::pending().await
        }
    }

    #[tokio::test]
    async fn what_is_never_answered_is_counted_and_bounded() {
        let mut clients = vec![Silent, Silent];
        let seen = measure(&mut clients, 100.0, Duration::from_millis(100)).await.unwrap();
        assert_eq!(clients.len(), 2);
        assert_eq!((seen.answered, seen.unanswered, seen.latencies.count()), (0, 10, 10));
    }
}
