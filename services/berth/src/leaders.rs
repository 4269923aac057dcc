//! Watching, on NATS, whether somebody leads the streams without which no command is decided.
//!
//! A stream of three servers of which two are away stands and answers nothing. Nothing that is asked of it says why: requests
//! run into their time-outs, as they do for the seconds of an election after which all goes on. So each process asks by
//! itself, and only what two looks agree on is told: an election that succeeds is over before the second.

use std::{collections::BTreeMap, time::Duration};

use async_nats::Client;
use berth_bus::{
    Leaders, Led,
    nats::{KEY_STREAM, has_leader},
};
use berth_log::jetstream::stream_name;
use berth_runtime::{Check, Lifecycle, Readiness};
use futures::future::join_all;
use metrics::{Unit, describe_gauge, gauge};
use tokio::{sync::watch, time::sleep};

/// The pause between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looks in a row that have to find no leader.
const LOOKS: u8 = 2;
/// Looks in a row without an answer after which nothing is known any more.
const SILENT: u8 = 3;

const LEADERLESS: &str = "berth_streams_without_leader";

/// Watches the streams of a log with so many shards and that of the keys, tells `/readyz`, and gives what was seen.
pub(crate) fn watch(client: Client, shards: u8, readiness: &Readiness, lifecycle: &Lifecycle) -> Leaders {
    describe();
    let (sender, leaderless) = watch::channel(Vec::new());
    let leaders = Leaders::of(leaderless);
    let seen = leaders.clone();
    readiness.register("leaders", move || check(&seen.leaderless()));
    let streams = (0..shards).map(Led::Log).chain([Led::Keys]).map(|led| (led, Seen::default())).collect();
    let stop = lifecycle.stop().clone();
    let watched = Watch { client, streams };
    lifecycle.spawn(async move { stop.run_until_cancelled(watched.run(sender)).await.unwrap_or_default() });
    leaders
}

/// Says what the metric is, and that nothing lacks a leader.
pub(crate) fn describe() {
    describe_gauge!(LEADERLESS, Unit::Count, "Streams of the log and of the keys that have no leader");
    gauge!(LEADERLESS).set(0.0);
}

struct Watch {
    client: Client,
    streams: BTreeMap<Led, Seen>,
}

/// What was seen of a stream.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    /// How many looks in a row found no leader.
    without: u8,
    /// How many looks in a row had no answer.
    silent: u8,
}

// === impl Watch ===

impl Watch {
    async fn run(mut self, said: watch::Sender<Vec<Led>>) {
        loop {
            self.look().await;
            let lacking = self.streams.iter().filter(|(_, seen)| seen.without >= LOOKS);
            let now: Vec<Led> = lacking.map(|(led, _)| *led).collect();
            gauge!(LEADERLESS).set(f64::from(u32::try_from(now.len()).unwrap_or(u32::MAX)));
            said.send_if_modified(|before| {
                let changed = *before != now;
                match (before.is_empty(), now.is_empty()) {
                    (true, false) => tracing::error!(streams = names(&now), "streams have no leader"),
                    (false, true) => tracing::warn!("this is over: streams had no leader"),
                    (true, true) | (false, false) => {}
                }
                *before = now;
                changed
            });
            sleep(LOOK_EVERY).await;
        }
    }

    async fn look(&mut self) {
        let client = &self.client;
        let asked = self.streams.iter_mut().map(|(led, seen)| async move {
            seen.hears(has_leader(client, &stream_of(*led)).await);
        });
        join_all(asked).await;
    }
}

// === impl Seen ===

impl Seen {
    /// An answer, or none: an election, a server that is away, which is told of under `nats`, or one that is slow. What was seen
    /// last stands for a while, and not for longer, since what could take it back may be what is slow.
    fn hears(&mut self, has_leader: Option<bool>) {
        *self = match has_leader {
            Some(true) => Self::default(),
            Some(false) => Self { without: self.without.saturating_add(1), silent: 0 },
            None if self.silent + 1 >= SILENT => Self::default(),
            None => Self { silent: self.silent + 1, ..*self },
        };
    }
}

fn stream_of(led: Led) -> String {
    match led {
        Led::Log(shard) => stream_name(shard),
        Led::Keys => KEY_STREAM.to_owned(),
    }
}

fn names(leaderless: &[Led]) -> String {
    leaderless.iter().map(|led| stream_of(*led)).collect::<Vec<_>>().join(", ")
}

fn check(leaderless: &[Led]) -> Check {
    if leaderless.is_empty() {
        return Check::ready("every stream of the log and of the keys has one");
    }
    // The process stays ready: a shard may be well beside one that is not, and where the servers agree on nothing any more
    // a stream may have a leader that they do not know of.
    Check::ready(format!(
        "no leader of {}: most of the servers that keep them are away; commands that need them are answered with 503 until \
         these are back",
        names(leaderless)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_looks_agree_before_it_is_told_and_silence_takes_it_back_in_the_end() {
        let mut seen = Seen::default();
        let mut hears = |said: Option<bool>| {
            seen.hears(said);
            seen.without >= LOOKS
        };
        assert_eq!([Some(false), Some(true), Some(false)].map(&mut hears), [false; 3], "an election");
        assert_eq!([Some(false), None, None].map(&mut hears), [true; 3], "it stands for a while");
        assert_eq!([None, Some(false), Some(false)].map(&mut hears), [false, false, true]);
        assert!(!hears(Some(true)));
    }
}
