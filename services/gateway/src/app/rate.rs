//! Rate limits that hold over all replicas of the gateway.

use std::time::Duration;

use super::{failure::Failure, quota::Counters};

/// A limit: so many requests in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests.
    pub requests: u32,
    /// The window in seconds; windows are aligned to the epoch.
    pub window_seconds: u32,
}

/// What is left of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The limit.
    pub limit: u32,
    /// Requests that are left in this window.
    pub remaining: u32,
    /// When the window ends, in seconds since the Unix epoch.
    pub reset_at_seconds: i64,
    /// Whether this request is within the limit.
    pub allowed: bool,
}

/// The window that the present moment is in, in seconds since the Unix epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) start: i64,
    pub(super) end: i64,
}

impl Counters {
    /// Counts a request of `who` (a token, an address; it is hashed) against a limit named `bucket`.
    pub async fn count(&self, bucket: &str, who: &str, rate: Rate) -> Result<Allowance, Failure> {
        let Window { start, end } = self.window(rate.window_seconds);
        let digest = self.keys.master().request_digest(&[b"rate", who.as_bytes()]).to_string();
        let short: String = digest.chars().take(32).collect();
        let key = format!("rate.{bucket}.{short}.{start}");
        let ttl = Duration::from_secs(u64::from(rate.window_seconds) + 5);
        let used = self.volatile.add(&key, 1, ttl).await?;
        let limit = u64::from(rate.requests);
        Ok(Allowance {
            limit: rate.requests,
            remaining: u32::try_from(limit.saturating_sub(used)).unwrap_or(0),
            reset_at_seconds: end,
            allowed: used <= limit,
        })
    }

    /// What is told of a limit while requests cannot be counted.
    pub fn uncounted(&self, rate: Rate) -> Allowance {
        let reset_at_seconds = self.window(rate.window_seconds).end;
        Allowance { limit: rate.requests, remaining: 0, reset_at_seconds, allowed: false }
    }

    /// The present window of so many seconds; windows are aligned to the epoch, so that all gateways have the same.
    pub(super) fn window(&self, seconds: u32) -> Window {
        let seconds = i64::from(seconds.max(1));
        let now = self.clock.now().seconds();
        let start = now - now.rem_euclid(seconds);
        Window { start, end: start + seconds }
    }
}
