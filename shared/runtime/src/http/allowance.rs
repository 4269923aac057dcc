//! How much a client may still send on a connection.
//!
//! Whoever reads a connection message by message can bound messages and count them, and is blind to what adds up to none: an
//! empty frame that continues a WebSocket message is read, and the next one, for as long as they come. So the bytes are
//! counted where the connection is.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// The bytes that a connection may still receive. A handler finds that of its connection among the extensions of the
/// request; without a bound until somebody sets one. A clone is the same.
#[derive(Debug, Clone)]
pub struct Allowance(Arc<AtomicU64>);

impl Default for Allowance {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }
}

impl Allowance {
    /// Lets the client send so many bytes from now on; after them the connection fails.
    pub fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    /// Whether the client has sent all that it may, and more.
    pub fn is_used_up(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Counts what was received. Whether the client may have sent it.
    pub(super) fn spend(&self, bytes: usize) -> bool {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let left = |before: u64| Some(before.saturating_sub(bytes));
        let before = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left);
        before.is_ok_and(|before| before > bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_bound_until_one_is_set() {
        let allowance = Allowance::default();
        assert!(allowance.spend(usize::MAX / 2) && !allowance.is_used_up());
        allowance.set(10);
        assert!(allowance.spend(4) && allowance.spend(5) && !allowance.is_used_up());
        assert!(!allowance.spend(1) && allowance.is_used_up());
        allowance.set(10);
        assert!(allowance.spend(9));
    }
}
