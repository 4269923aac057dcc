//! A request that is told to come again comes again, as a client does, and is answered at last.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::time::sleep;

use crate::{
    operations::{Asked, judged},
    wire::{Wire, exchange},
};

/// How often a request is sent that is told to come again each time.
const ATTEMPTS_MAX: u32 = 6;
/// The longest pause that is taken, whatever is asked for.
const PAUSE_MAX: Duration = Duration::from_secs(4);

/// Sends a request, with the same headers (its idempotency key among them) for as long as the answer is 503 and after
/// the pause that it asks for; gives the answer that is another one. Every answer is judged. `meddle` is what happens to
/// answers on the way.
pub async fn answered(
    asked: &Asked,
    (to, from): (SocketAddr, Ipv4Addr),
    patience: Duration,
    guess: &str,
    meddle: impl Fn(&Asked, Wire) -> Wire,
) -> Result<Wire, String> {
    for _ in 0..ATTEMPTS_MAX {
        let wire = exchange(to, from, &asked.bytes(), patience).await.map_err(|error| error.to_string())?;
        let wire = meddle(asked, wire);
        judged(&wire, asked, guess)?;
        if wire.status != Some(503) {
            return Ok(wire);
        }
        sleep(pause(&wire)).await;
    }
    Err(format!("it is unavailable for good: {} {}", asked.method, asked.target))
}

/// The pause that an answer asks for.
fn pause(wire: &Wire) -> Duration {
    let head = String::from_utf8_lossy(&wire.bytes).to_ascii_lowercase();
    let asked = head.lines().find_map(|line| line.strip_prefix("retry-after:")?.trim().parse().ok());
    asked.map_or(PAUSE_MAX, Duration::from_secs).min(PAUSE_MAX)
}
