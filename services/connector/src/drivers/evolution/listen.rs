//! What the upstream tells on its socket is a hint to look, and nothing more: whatever it tells, in whatever order and how often,
//! what counts is what a look sees. Without the socket, looks go on as if there were none.

use std::{collections::HashSet, convert::Infallible, time::Duration};

use berth_upstreams::{Ear, Heard, Upstream, UpstreamError};
use tokio::time::{Instant, interval, sleep};
use tracing::{debug, info, warn};

use super::hints::Hints;
use crate::metrics;

/// Pause before a socket that ended is opened again; doubled each time.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// The longest of them. A socket that lasted longer than that worked.
const RETRY_MAX: Duration = Duration::from_mins(1);
/// How often namespaces that did not exist are asked for again.
const JOIN_AGAIN: Duration = Duration::from_secs(30);

/// Who hears one upstream.
pub(super) struct Listener<'a> {
    upstream: &'a Upstream,
    hints: &'a Hints,
}

impl<'a> Listener<'a> {
    pub(super) const fn new(upstream: &'a Upstream, hints: &'a Hints) -> Self {
        Self { upstream, hints }
    }

    /// Hears it for as long as this is polled.
    pub(super) async fn run(&self) {
        let upstream = self.upstream.settings.name.as_str();
        let (mut pause, mut warned) = (RETRY_FIRST, false);
        loop {
            let began = Instant::now();
            let error = match self.upstream.client.ear().await {
                Ok(ear) => {
                    info!(upstream, "the socket of an upstream is heard");
                    let _counted = metrics::hearing();
                    let Err(error) = self.heard(ear).await;
                    error
                }
                Err(error) => error,
            };
            if began.elapsed() >= RETRY_MAX {
                (pause, warned) = (RETRY_FIRST, false);
            }
            if warned {
                debug!(upstream, %error, "the socket of an upstream is not heard");
            } else {
                warn!(upstream, %error, "the socket of an upstream is not heard: its instances are looked at as often as without");
                warned = true;
            }
            self.look_after_those_who_rested();
            sleep(pause).await;
            pause = RETRY_MAX.min(pause * 2);
        }
    }

    /// Hears what is told until the socket ends.
    async fn heard(&self, mut ear: Ear) -> Result<Infallible, UpstreamError> {
        let (mut asked, mut refused) = (HashSet::new(), HashSet::new());
        let mut again = interval(JOIN_AGAIN);
        loop {
            tokio::select! {
                heard = ear.hear() => match heard? {
                    Heard::News(name) => self.hints.tell_of(&name),
                    Heard::NotJoined(name) if asked.contains(&name) => {
                        refused.insert(name);
                    }
                    Heard::NotJoined(_) => {}
                },
                () = self.hints.begun() => self.join_all(&mut ear, &mut asked).await?,
                _ = again.tick() => {
                    for name in refused.drain() {
                        asked.remove(&name);
                    }
                    self.join_all(&mut ear, &mut asked).await?;
                }
            }
        }
    }

    /// Asks for the namespaces of those that run and were not asked for.
    async fn join_all(&self, ear: &mut Ear, asked: &mut HashSet<String>) -> Result<(), UpstreamError> {
        let names = self.hints.names();
        let run: HashSet<_> = names.iter().cloned().collect();
        asked.retain(|name| run.contains(name));
        for name in names {
            if !asked.contains(&name) {
                ear.join(&name).await?;
                asked.insert(name);
            }
        }
        Ok(())
    }

    /// Has those looked at whose next look may be far since they were told of: what happens now, nobody tells.
    fn look_after_those_who_rested(&self) {
        for instance in self.hints.are_told_no_more() {
            self.hints.tell(instance);
        }
    }
}
