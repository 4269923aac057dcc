//! Unlinking a device: asked for only when it can succeed, and believed only when it is seen.
//!
//! Measured against Evolution API 2.3.7: a logout during its reconnect loop answers SUCCESS, wipes its keys, and leaves a
//! device at WhatsApp that nobody can unlink any more. So nothing is asked for unless the socket is open. It wipes them too
//! when WhatsApp does not hear it, which it does not wait to know. So WhatsApp is asked something else first, through the same
//! socket: what does not come back says that a logout would not arrive.

use std::time::Duration;

use berth_upstreams::{UpstreamError, evolution::Socket};

use super::Evolution;
use crate::driver::{Link, Report, Reports, UnlinkError};

/// How long one try may take.
pub(super) const TRY_MAX: Duration = Duration::from_mins(1);
/// The longest pause between two tries: a look costs the upstream next to nothing, and the device is connected until then.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Looks after a logout was asked for, until it is tried again.
const LOOKS_AFTER: u32 = 5;
/// The code of a session that ended; the upstream's keys of it are gone then.
pub(super) const ENDED: u16 = 401;

impl Evolution {
    /// One try.
    pub(super) async fn unlinked(&self, link: &Link, reports: &dyn Reports) -> Result<(), UnlinkError> {
        let Some(name) = self.name(link).await else { return Err(UnlinkError::KeysLost) };
        self.webhooks.try_to_right(link, &name, reports).await;
        // Whoever only looks asks for nothing, whatever was decided.
        if !self.upstream.is_driven() {
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
        if !self.probe.is_heard(name).await || self.sessions.is_superseded(name, link) {
            return Err(UnlinkError::Unreachable);
        }
        // An error may be one of a logout that worked, and a success one of one that did not.
        let _answered = self.upstream.client.logout(name).await;
        for _ in 0..LOOKS_AFTER {
            if self.upstream.client.socket(name).await == Ok(Socket::Closed) {
                return self.was_logged_out(name).await;
            }
            self.cadence.pause().await;
        }
        Err(UnlinkError::Unreachable)
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
