//! Waiting for something to become so.

use std::{fmt::Debug, time::Duration};

/// How long a story waits for anything.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// How often it asks.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks until `ask` says `Ok`, and gives what it said.
///
/// # Panics
/// After [`DEADLINE`], with what `ask` said last.
pub async fn eventually<T, E: Debug>(what: &str, mut ask: impl AsyncFnMut() -> Result<T, E>) -> T {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    loop {
        match ask().await {
            Ok(value) => return value,
            Err(seen) if tokio::time::Instant::now() >= deadline => {
                panic!("{what}: not so after {DEADLINE:?}; last seen: {seen:?}")
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
