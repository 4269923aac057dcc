//! An instance without a device: one that is linked at the upstream is found.

use berth_upstreams::evolution::Socket;
use tracing::debug;

use super::Evolution;
use crate::driver::{Link, Reports};

/// Looks in a row that must say `open`: it says so for a while of a socket that is dead.
const LOOKS: u32 = 2;

impl Evolution {
    /// Looks until a device is linked there.
    ///
    /// While the upstream is driven, one that nobody asked for counts only for an instance that never had an attempt
    /// here: that is one which is adopted. What was decided stands, and whoever links a device there after a logout
    /// here finds the gate closed.
    pub(super) async fn watch(&self, link: &Link, name: &str, reports: &dyn Reports) {
        if self.upstream.is_driven() && link.attempt > 1 {
            return std::future::pending().await;
        }
        let mut open = 0;
        loop {
            match self.upstream.client.socket(name).await {
                Ok(Socket::Open) => open += 1,
                Ok(Socket::Connecting | Socket::Closed | Socket::Unsaid) => open = 0,
                Err(error) => {
                    debug!(instance = %link.instance, %error, "an instance at an upstream cannot be looked at");
                    open = 0;
                }
            }
            if open >= LOOKS
                && let Ok(row) = self.upstream.client.one(name).await
                && let Some(jid) = row.owner_jid.clone()
            {
                if self.linked(link, row, jid, reports).await {
                    return;
                }
                open = 0;
            }
            if open == 0 {
                self.cadence.pause_unless_hinted(link.instance).await;
            } else {
                self.cadence.pause().await;
            }
        }
    }
}
