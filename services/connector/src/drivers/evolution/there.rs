//! How an instance stands at the upstream, by what its memory says and what its database says together.
//!
//! Seen at Evolution API 2.3.6, and so in its source since 2.2.0: the memory flaps between `connecting` and `close` while it
//! reconnects, and the code of an earlier end stays in the row. The database says `open` from a login to the end of the session,
//! `connecting` since a code was shown, and `close` once a session has ended.

use berth_upstreams::{
    UpstreamError,
    evolution::{Row, Socket},
};
use tracing::debug;

use super::Evolution;
use crate::driver::Link;

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

impl Evolution {
    /// Looks.
    pub(super) async fn there(&self, name: &str) -> Result<There, UpstreamError> {
        let memory = self.upstream.client.socket(name).await?;
        if memory == Socket::Open {
            return Ok(There::Open);
        }
        let Row { socket: database, closed_by, .. } = self.upstream.client.one(name).await?;
        Ok(match (memory, database) {
            // While it starts, it knows its devices before their sockets.
            (_, Socket::Open) => There::Away,
            (Socket::Closed, Socket::Connecting) => There::Joining,
            (Socket::Closed | Socket::Unsaid, _) => There::Free { closed_by },
            (Socket::Open | Socket::Connecting, _) => There::Pairing,
        })
    }

    /// Sees to it that nobody can link a device by the codes of an attempt that is over, and that one which was linked by them
    /// meanwhile is unlinked. Looks until that is so: whoever calls bounds it. `has_asked` says whether it ever asked for codes.
    pub(super) async fn end_attempt(&self, link: &Link, name: &str, has_asked: bool) {
        loop {
            // A later attempt sees to it by itself.
            if self.sessions.is_superseded(name, link.attempt) {
                return;
            }
            match self.there(name).await {
                Ok(There::Free { .. }) | Err(UpstreamError::NotFound) => return,
                // A logout would wipe the keys of a device that is away, and nobody could unlink it any more. One that nobody
                // linked by this attempt is not its to unlink.
                Ok(There::Open | There::Away | There::Joining) if !has_asked => return,
                Ok(There::Open) if !self.is_heard(name).await => {}
                Ok(There::Open | There::Pairing) => drop(self.upstream.client.logout(name).await),
                // A logout is refused now; what it comes to is seen soon.
                Ok(There::Joining | There::Away) => {}
                Err(error) => {
                    debug!(instance = %link.instance, %error, "whether codes are shown is not known yet");
                }
            }
            self.pause().await;
        }
    }
}
