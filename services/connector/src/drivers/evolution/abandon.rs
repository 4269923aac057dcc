//! What an attempt that is over may have left at its upstream: codes that can still be scanned, a device that was linked by them.

use std::time::Duration;

use berth_upstreams::UpstreamError;
use tokio::time::Instant;
use tracing::debug;

use super::{Evolution, probe::There};
use crate::{driver::Link, hanging::Hanging};

/// How long a device that scanned a code is waited for after its attempt, until nothing came of the codes.
pub(super) const JOINED_MAX: Duration = Duration::from_mins(2);
/// Looks in that time, at most: a shorter one is of an upstream that is looked at more often.
const JOINED_LOOKS: u32 = 60;

impl Evolution {
    /// Sees to it that nobody can link a device by the codes of an attempt that is over, and that one which was linked by them
    /// meanwhile is unlinked. Looks until that is so: whoever calls bounds it. `hanging` says how long what may be a login has lasted.
    pub(super) async fn end_attempt(&self, link: &Link, name: &str, hanging: &Hanging) {
        let joined_max = JOINED_MAX.min(self.upstream.settings.poll * JOINED_LOOKS);
        let mut joining = None::<Instant>;
        loop {
            // A later attempt sees to it by itself.
            if self.sessions.is_superseded(name, link) {
                return;
            }
            let there = self.probe.there(name).await;
            if there != Ok(There::Joining) {
                joining = None;
            }
            // Evolution begins a login anew each half minute, and may be seen between the two. A look that fails says nothing.
            let hangs_for_good = match there {
                Ok(There::Pairing | There::Joining) => hanging.is_for_good(),
                Ok(There::Open | There::Away | There::Free { .. }) => {
                    hanging.ends();
                    false
                }
                Err(_) => false,
            };
            match there {
                Ok(There::Free { .. }) | Err(UpstreamError::NotFound) => return,
                // Where it is only looked, a device that was linked meanwhile is looked at as any other.
                Ok(There::Open | There::Away) if !self.upstream.is_driven() => return,
                Ok(There::Pairing | There::Joining) if hangs_for_good && !self.upstream.is_driven() => return,
                Ok(There::Open) if !self.probe.is_heard(name).await => {}
                // It was asked to connect, and may log in.
                Ok(There::Pairing) if hanging.may_log_in(joined_max) => {}
                // What logs in looks like what shows codes, and a logout then leaves a device that nobody can unlink. It has no keys any more
                // then: so one that hangs for good is ended rather than left there to log in some day, however it flaps.
                Ok(There::Pairing) if !hangs_for_good && !self.probe.codes_stand(name).await => {}
                // It may have begun meanwhile: what is there would be its.
                Ok(There::Open | There::Pairing) if self.sessions.is_superseded(name, link) => return,
                Ok(There::Open | There::Pairing) => drop(self.upstream.client.logout(name).await),
                // A logout is refused now.
                Ok(There::Joining) if joining.get_or_insert_with(Instant::now).elapsed() >= joined_max => {
                    // Nothing came of the codes where nobody logs in.
                    if !self.probe.may_be_paired(name).await {
                        return;
                    }
                    if hangs_for_good && !self.sessions.is_superseded(name, link) {
                        self.connect_to_end(name, hanging).await;
                        joining = None;
                    }
                }
                // A logout would wipe the keys of a device that is away, and nobody could unlink it any more.
                Ok(There::Joining | There::Away) => {}
                Err(error) => {
                    debug!(instance = %link.instance, %error, "whether codes are shown is not known yet");
                }
            }
            self.cadence.pause().await;
        }
    }

    /// With the keys of a device that hangs for good it has to connect before it can be logged out.
    async fn connect_to_end(&self, name: &str, hanging: &Hanging) {
        let may_log_in = hanging.connects();
        // Whatever it answers: it may connect nevertheless. Logged out by the next looks, if nobody logs in.
        let _asked = self.upstream.client.connect(name, None).await;
        hanging.has_connected();
        if !may_log_in {
            // It is given up before they could see it.
            let _asked = self.upstream.client.logout(name).await;
        }
    }
}
