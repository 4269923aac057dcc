//! How an instance stands at the upstream, by what its memory says and what its database says together.
//!
//! Seen at Evolution API 2.3.6, and so in its source since 2.2.0: the memory flaps between `connecting` and `close` while it
//! reconnects, and the code of an earlier end stays in the row. The database says `open` from a login to the end of the session,
//! `connecting` since a code was shown, and `close` once a session has ended.

use std::{sync::Arc, time::Duration};

use berth_upstreams::{
    Upstream, UpstreamError,
    evolution::{Row, Socket},
};
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

/// Looks that must say that codes are shown, before they are ended: a device that logs in says the same for less than that.
const STAND_LOOKS: u32 = 8;
/// The pause before each of them.
const STAND_PAUSE: Duration = Duration::from_millis(150);
/// Looks that may fail meanwhile: one that fails says nothing of the socket.
const STAND_FAILURES_MAX: u32 = 3;
/// How long WhatsApp may take to answer through a socket that is open.
const HEARD_MAX: Duration = Duration::from_secs(5);
/// Looks that must find a socket open before a logout is asked for, four seconds in all: of two that replace each other none stays open
/// for so long.
const OPEN_LOOKS: u32 = 6;
/// The pause before each of them; less where an upstream is looked at more often than seven times a second.
const OPEN_PAUSE: Duration = Duration::from_millis(700);
const OPEN_PAUSE_POLLS: u32 = 5;
/// Sockets that are looked at so closely at once: with these looks that is no more than the pace of all others.
const HEARD_AT_ONCE: usize = 32;

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

/// Asks one upstream how its instances stand.
#[derive(Debug)]
pub(super) struct Probe {
    upstream: Arc<Upstream>,
    /// Bounds how many sockets are looked at closely before a logout.
    heard_at_once: Semaphore,
}

impl Probe {
    pub(super) fn new(upstream: Arc<Upstream>) -> Self {
        Self { upstream, heard_at_once: Semaphore::new(HEARD_AT_ONCE) }
    }

    /// How an instance stands.
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

    /// Whether codes stand: what logs in passes through other states, and has the keys of a device. A login that hangs, since WhatsApp
    /// does not answer, is told by these alone.
    pub(super) async fn codes_stand(&self, name: &str) -> bool {
        let pause = STAND_PAUSE.min(self.upstream.settings.poll);
        self.stands(name, Socket::Connecting, STAND_LOOKS, pause).await && !self.may_be_paired(name).await
    }

    /// Whether a device may have scanned a code, as far as the upstream tells that.
    pub(super) async fn may_be_paired(&self, name: &str) -> bool {
        !matches!(self.upstream.client.is_paired(name).await, Ok(None | Some(false)))
    }

    /// Whether its memory says the same at each of so many looks that do not fail.
    async fn stands(&self, name: &str, socket: Socket, looks: u32, pause: Duration) -> bool {
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

    /// Whether WhatsApp hears the socket that is said to be open. What it answers does not matter, nor does an error that comes at
    /// once: the socket is looked at again.
    ///
    /// It must have been open for a while. Two sockets of one device replace each other for ever, and a logout goes then to the one
    /// that is just being replaced: the upstream says that it is logged out, and the other one stays.
    pub(super) async fn is_heard(&self, name: &str) -> bool {
        let client = &self.upstream.client;
        // Never closed.
        let _permit = self.heard_at_once.acquire().await;
        let pause = OPEN_PAUSE.min(self.upstream.settings.poll * OPEN_PAUSE_POLLS);
        if !self.stands(name, Socket::Open, OPEN_LOOKS, pause).await {
            return false;
        }
        let Ok(Row { owner_jid: Some(jid), .. }) = client.one(name).await else { return false };
        let number = jid.split(['@', ':']).next().unwrap_or_default();
        let answered = timeout(HEARD_MAX, client.picture(name, number)).await;
        !matches!(answered, Err(_) | Ok(Err(UpstreamError::TimedOut)))
            && client.socket(name).await == Ok(Socket::Open)
    }
}
