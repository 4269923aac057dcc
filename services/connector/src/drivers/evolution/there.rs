//! How an instance stands at the upstream, by what its memory says and what its database says together.
//!
//! Seen at Evolution API 2.3.6, and so in its source since 2.2.0: the memory flaps between `connecting` and `close` while it
//! reconnects, and the code of an earlier end stays in the row. The database says `open` from a login to the end of the session,
//! `connecting` since a code was shown, and `close` once a session has ended.

use std::time::Duration;

use berth_upstreams::{
    UpstreamError,
    evolution::{Row, Socket},
};
use tokio::time::{Instant, sleep};
use tracing::debug;

use super::Evolution;
use crate::{driver::Link, hanging::Hanging};

/// How an instance stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum There {
    /// Its device is connected.
    Open,
    /// It has a device, which is not connected now.
    Away,
    /// Codes were shown and are not any more: one was scanned and its device is about to log in, or nothing came of them.
    Joining,
    /// Codes are shown.
    Pairing,
    /// It has no device.
    Free {
        /// The code with which its last connection was closed.
        closed_by: Option<u16>,
    },
}

/// How long a device that scanned a code is waited for after its attempt, until nothing came of the codes.
pub(super) const JOINED_MAX: Duration = Duration::from_mins(2);
/// Looks in that time, at most: a shorter one is of an upstream that is looked at more often.
const JOINED_LOOKS: u32 = 60;
/// Looks that must say that codes are shown, before they are ended: a device that logs in says the same for less than that.
const STAND_LOOKS: u32 = 8;
/// The pause before each of them.
const STAND_PAUSE: Duration = Duration::from_millis(150);
/// Looks that may fail meanwhile: one that fails says nothing of the socket.
const STAND_FAILURES_MAX: u32 = 3;

impl Evolution {
    /// Whether codes stand: what logs in passes through other states, and has the keys of a device. A login that hangs, since WhatsApp
    /// does not answer, is told by these alone.
    pub(super) async fn codes_stand(&self, name: &str) -> bool {
        let pause = STAND_PAUSE.min(self.upstream.settings.poll);
        self.stands(name, Socket::Connecting, STAND_LOOKS, pause).await && !self.may_be_paired(name).await
    }

    /// Whether a device may have scanned a code, as far as the upstream tells that.
    async fn may_be_paired(&self, name: &str) -> bool {
        !matches!(self.upstream.client.is_paired(name).await, Ok(None | Some(false)))
    }

    /// Whether its memory says the same at each of so many looks that do not fail.
    pub(super) async fn stands(&self, name: &str, socket: Socket, looks: u32, pause: Duration) -> bool {
        let (mut seen, mut failed) = (0, 0);
        while seen < looks {
            sleep(pause).await;
            match self.upstream.client.socket(name).await {
                Ok(now) if now == socket => seen += 1,
                Err(_) if failed < STAND_FAILURES_MAX => failed += 1,
                Ok(_) | Err(_) => return false,
            }
        }
        true
    }

    /// Looks.
    pub(super) async fn there(&self, name: &str) -> Result<There, UpstreamError> {
        let memory = self.upstream.client.socket(name).await?;
        if memory == Socket::Open {
            return Ok(There::Open);
        }
        let Row { socket: database, closed_by, .. } = match self.upstream.client.one(name).await {
            // It knows it, but has not loaded it yet: only then it has no row of an instance of whose socket it tells.
            Err(UpstreamError::NotFound) => return Err(UpstreamError::Unexpected),
            row => row?,
        };
        Ok(match (memory, database) {
            // While it starts, it knows its devices before their sockets.
            (_, Socket::Open) => There::Away,
            // One that was started just now answers before it has loaded its instances, without saying how they stand.
            (Socket::Closed | Socket::Unsaid, Socket::Connecting) => There::Joining,
            (Socket::Closed | Socket::Unsaid, _) => There::Free { closed_by },
            (Socket::Open | Socket::Connecting, _) => There::Pairing,
        })
    }

    /// Sees to it that nobody can link a device by the codes of an attempt that is over, and that one which was linked by them
    /// meanwhile is unlinked. Looks until that is so: whoever calls bounds it. `has_asked` says whether it ever asked for codes,
    /// `hanging` how long what may be a login has lasted.
    pub(super) async fn end_attempt(&self, link: &Link, name: &str, has_asked: bool, hanging: &Hanging) {
        let joined_max = JOINED_MAX.min(self.upstream.settings.poll * JOINED_LOOKS);
        let mut joining = None::<Instant>;
        loop {
            // A later attempt sees to it by itself.
            if self.sessions.is_superseded(name, link) {
                return;
            }
            let there = self.there(name).await;
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
                // A logout would wipe the keys of a device that is away, and nobody could unlink it any more. One that nobody
                // linked by this attempt is not its to unlink.
                Ok(There::Open | There::Away | There::Joining) if !has_asked => return,
                // Where it is only looked, a device that was linked meanwhile is looked at as any other.
                Ok(There::Open | There::Away) if !self.drives() => return,
                Ok(There::Pairing | There::Joining) if hangs_for_good && !self.drives() => return,
                Ok(There::Open) if !self.is_heard(name).await => {}
                // It was asked to connect, and may log in.
                Ok(There::Pairing) if hanging.may_log_in(joined_max) => {}
                // What logs in looks like what shows codes, and a logout then leaves a device that nobody can unlink. It has no keys any more
                // then: so one that hangs for good is ended rather than left there to log in some day, however it flaps.
                Ok(There::Pairing) if !hangs_for_good && !self.codes_stand(name).await => {}
                // It may have begun meanwhile: what is there would be its.
                Ok(There::Open | There::Pairing) if self.sessions.is_superseded(name, link) => return,
                Ok(There::Open | There::Pairing) => drop(self.upstream.client.logout(name).await),
                // A logout is refused now.
                Ok(There::Joining) if joining.get_or_insert_with(Instant::now).elapsed() >= joined_max => {
                    // Nothing came of the codes where nobody logs in.
                    if !self.may_be_paired(name).await {
                        return;
                    }
                    // With the keys of a device that hangs for good it has to connect before it can be logged out.
                    if hangs_for_good && !self.sessions.is_superseded(name, link) {
                        let may_log_in = hanging.connects();
                        // Whatever it answers: it may connect nevertheless. Logged out by the next looks, if nobody logs in.
                        let _asked = self.upstream.client.connect(name, None).await;
                        if !may_log_in {
                            // It is given up before they could see it.
                            let _asked = self.upstream.client.logout(name).await;
                        }
                        joining = None;
                    }
                }
                Ok(There::Joining | There::Away) => {}
                Err(error) => {
                    debug!(instance = %link.instance, %error, "whether codes are shown is not known yet");
                }
            }
            self.pause().await;
        }
    }
}
