//! Counters that a door keeps for a while, exact over all gateways: such as who came first.

use std::{sync::Arc, time::Duration};

use berth_bus::Volatile;

use super::failure::Failure;

/// Counts.
#[derive(Debug)]
pub struct Marks {
    pub(super) volatile: Arc<dyn Volatile>,
}

impl Marks {
    /// Adds to a counter and returns its value; with 0 it is read. It disappears `ttl` after it was first added to.
    pub async fn add(&self, key: &str, amount: u64, ttl: Duration) -> Result<u64, Failure> {
        // Under the subject of rates, which is the one that a gateway may write.
        Ok(self.volatile.add(&format!("rate.{key}"), amount, ttl).await?)
    }
}
