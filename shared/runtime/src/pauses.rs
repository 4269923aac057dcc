//! Pauses between tries: each is twice as long as the one before, up to a longest one.

use std::time::Duration;

/// The pauses of whoever tries something again and again.
#[derive(Debug, Clone)]
pub struct Pauses {
    first: Duration,
    next: Duration,
    longest: Duration,
}

// === impl Pauses ===

impl Pauses {
    /// Pauses from the first to the longest.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, next: first, longest }
    }

    /// How long the next pause is.
    pub const fn next(&self) -> Duration {
        self.next
    }

    /// Takes the next pause.
    pub fn take(&mut self) -> Duration {
        let longer = (self.next * 2).min(self.longest);
        std::mem::replace(&mut self.next, longer)
    }

    /// Waits for the next pause.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.take()).await;
    }

    /// Begins with the first one again.
    pub const fn restart(&mut self) {
        self.next = self.first;
    }
}
