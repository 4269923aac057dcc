//! How an instance stands at the upstream, by what its memory says and what its database says together.
//!
//! Seen at Evolution API 2.3.6, and so in the source since 2.2.0: the memory flaps between `connecting` and `close` while it
//! reconnects, and the code of an earlier end stays in the row. The database says `open` from a login to the end of the session,
//! `connecting` from a code that was scanned to the login, and `close` once the session has ended.

use berth_upstreams::{
    UpstreamError,
    evolution::{Row, Socket},
};

use super::Evolution;

/// How an instance stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum There {
    /// Its device is connected.
    Open,
    /// It has a device, which is not connected now.
    Away,
    /// A code was scanned, and its device is about to log in.
    Joining,
    /// Codes are shown.
    Pairing,
    /// It has no device.
    Free,
}

impl Evolution {
    /// Looks.
    pub(super) async fn there(&self, name: &str) -> Result<There, UpstreamError> {
        let memory = self.upstream.client.socket(name).await?;
        if memory == Socket::Open {
            return Ok(There::Open);
        }
        let Row { socket: database, .. } = self.upstream.client.one(name).await?;
        Ok(match (memory, database) {
            // Only the database knows it.
            (Socket::Unsaid, _) => There::Free,
            (_, Socket::Open) => There::Away,
            (Socket::Closed, Socket::Connecting) => There::Joining,
            (Socket::Closed, _) => There::Free,
            (Socket::Open | Socket::Connecting, _) => There::Pairing,
        })
    }

    /// Nobody can link a device any more by a code that is shown. One that was linked by it meanwhile is nobody's.
    pub(super) async fn end_attempt(&self, name: &str) {
        // Where a device is away, a logout would wipe its keys, and nobody could unlink it any more.
        if matches!(self.there(name).await, Ok(There::Open | There::Joining | There::Pairing)) {
            let _asked = self.upstream.client.logout(name).await;
        }
    }
}
