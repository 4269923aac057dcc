//! Unlinking a device: asked for only when it can succeed, and believed only when it is seen.
//!
//! Measured against Evolution API 2.3.7: a logout during its reconnect loop answers SUCCESS, wipes its keys, and leaves a
//! device at WhatsApp that nobody can unlink any more. So nothing is asked for unless the socket is open. It wipes them too
//! when WhatsApp does not hear it, which it does not wait to know. So WhatsApp is asked something else first, through the same
//! socket: what does not come back says that a logout would not arrive.

use std::time::Duration;

use berth_upstreams::{
    UpstreamError,
    evolution::{Row, Socket},
};
use tokio::time::timeout;

use super::Evolution;
use crate::driver::{Link, Report, Reports, UnlinkError};

/// How long one try may take.
pub(super) const TRY_MAX: Duration = Duration::from_mins(1);
/// The longest pause between two tries: a look costs the upstream next to nothing, and the device is connected until then.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long WhatsApp may take to answer through a socket that is open.
const HEARD_MAX: Duration = Duration::from_secs(5);
/// Looks that must find a socket open before a logout is asked for, four seconds in all: of two that replace each other none stays open
/// for so long.
const OPEN_LOOKS: u32 = 6;
/// The pause before each of them; less where an upstream is looked at more often than seven times a second.
const OPEN_PAUSE: Duration = Duration::from_millis(700);
const OPEN_PAUSE_POLLS: u32 = 5;
/// Sockets that are looked at so closely at once: with these looks that is no more than the pace of all others.
pub(super) const HEARD_AT_ONCE: usize = 32;
/// Looks after a logout was asked for, until it is tried again.
const LOOKS_AFTER: u32 = 5;
/// The code of a session that ended; the upstream's keys of it are gone then.
pub(super) const ENDED: u16 = 401;

impl Evolution {
    /// One try.
    pub(super) async fn unlinked(&self, link: &Link, reports: &dyn Reports) -> Result<(), UnlinkError> {
        let Some(name) = self.name(link).await else { return Err(UnlinkError::KeysLost) };
        self.try_to_right_webhook(link, &name, reports).await;
        // Whoever only looks asks for nothing, whatever was decided.
        if !self.drives() {
            return Err(UnlinkError::Unreachable);
        }
        if self.sessions.was_freed(&name, link) {
            reports.report(Report::Unlinked).await;
            return Ok(());
        }
        match self.upstream.client.socket(&name).await {
            Ok(Socket::Open) => self.log_out(link, &name).await?,
            Ok(Socket::Closed) => self.was_logged_out(&name).await?,
            Err(UpstreamError::NotFound) => return Err(UnlinkError::KeysLost),
            Ok(Socket::Connecting | Socket::Unsaid) | Err(_) => return Err(UnlinkError::Unreachable),
        }
        reports.report(Report::Unlinked).await;
        Ok(())
    }

    /// Asks for a logout and looks whether it happened.
    async fn log_out(&self, link: &Link, name: &str) -> Result<(), UnlinkError> {
        // The open socket may be that of a later session by then: whoever began it made sure that this one was over.
        if !self.is_heard(name).await || self.sessions.is_superseded(name, link) {
            return Err(UnlinkError::Unreachable);
        }
        // An error may be one of a logout that worked, and a success one of one that did not.
        let _answered = self.upstream.client.logout(name).await;
        for _ in 0..LOOKS_AFTER {
            if self.upstream.client.socket(name).await == Ok(Socket::Closed) {
                return self.was_logged_out(name).await;
            }
            self.pause().await;
        }
        Err(UnlinkError::Unreachable)
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

    /// Whether a closed socket was closed by the end of its session. The code of an earlier end stays, so the database must say
    /// that there is no session.
    async fn was_logged_out(&self, name: &str) -> Result<(), UnlinkError> {
        match self.upstream.client.one(name).await {
            Ok(row) if row.socket == Socket::Closed && row.closed_by == Some(ENDED) => Ok(()),
            Ok(_) | Err(_) => Err(UnlinkError::Unreachable),
        }
    }
}
